use core::fmt;

macro_rules! causes {
    ($( $name:ident $id:literal; )+) => {
        /// Why a rule was broken, in terms that the reader can act on.
        ///
        /// The reference (`prose/`) holds the title, the explanation and the fix. The detectors in `framewise-inspect`
        /// find the evidence and name who is at fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Cause { $( #[doc = concat!("`", $id, "`")] $name, )+ }

        impl Cause {
            /// Every cause, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The name of the cause in kebab-case. An id is never reused.
            pub const fn id(self) -> &'static str { match self { $( Self::$name => $id, )+ } }

            #[cfg(feature = "prose")]
            pub(crate) const fn markdown(self, language: crate::prose::Language) -> &'static str {
                match language {
                    crate::prose::Language::English => match self {
                        $( Self::$name => include_str!(concat!("../prose/en/causes/", $id, ".md")), )+
                    },
                    crate::prose::Language::French => match self {
                        $( Self::$name => include_str!(concat!("../prose/fr/causes/", $id, ".md")), )+
                    },
                }
            }
        }
    };
}

causes! {
    // Something that is not WebSocket in the stream
    HttpResponseInStream "http-response-in-stream";
    HttpRequestInStream "http-request-in-stream";
    ChunkedFramingInStream "chunked-framing-in-stream";
    ExtraCrlfAfterHead "extra-crlf-after-head";
    TlsInPlainStream "tls-in-plain-stream";
    PlainInTlsPort "plain-in-tls-port";
    ProxyProtocolHeader "proxy-protocol-header";
    Http2PrefaceInStream "http2-preface-in-stream";
    HttpCompressionApplied "http-compression-applied";
    BodyHeadersOn101 "body-headers-on-101";
    TextWrittenToSocket "text-written-to-socket";
    // Compression
    ExtensionHeaderStripped "extension-header-stripped";
    ExtensionHeaderAdded "extension-header-added";
    CompressedWithoutAgreement "compressed-without-agreement";
    CompressedPerFragment "compressed-per-fragment";
    DeflateWrapped "deflate-wrapped";
    DeflateTailKept "deflate-tail-kept";
    DeflateContextLost "deflate-context-lost";
    DeflateWindowTooLarge "deflate-window-too-large";
    DeflateNotCompressed "deflate-not-compressed";
    DeflateParametersEchoed "deflate-parameters-echoed";
    DeflateParameterIgnored "deflate-parameter-ignored";
    // Masks
    ClientDoesNotMask "client-does-not-mask";
    MaskOmittedOnEmpty "mask-omitted-on-empty";
    ServerMasks "server-masks";
    MaskedWithoutKeyApplied "masked-without-key-applied";
    // Lengths and writes
    LengthBoundaryOffByOne "length-boundary-off-by-one";
    LengthAlwaysLong "length-always-long";
    LengthByteOrder "length-byte-order";
    LengthInOneByte "length-in-one-byte";
    LengthInCharacters "length-in-characters";
    LengthTooShort "length-too-short";
    LengthTooLong "length-too-long";
    LengthSignOrOverflow "length-sign-or-overflow";
    InterleavedWriters "interleaved-writers";
    PartialWrite "partial-write";
    StaleBytes "stale-bytes";
    // Sequence and control
    FragmentsFromTwoMessages "fragments-from-two-messages";
    ContinuationFlagMisused "continuation-flag-misused";
    FinOmitted "fin-omitted";
    ControlPayloadUnbounded "control-payload-unbounded";
    DraftProtocol "draft-protocol";
    // Close
    CloseReasonWithoutCode "close-reason-without-code";
    CloseCodeByteOrder "close-code-byte-order";
    CloseCodeAsText "close-code-as-text";
    CloseCodeForwarded "close-code-forwarded";
    CloseCodeMadeUp "close-code-made-up";
    CloseReasonCut "close-reason-cut";
    ClosePayloadMaskedTwice "close-payload-masked-twice";
    CloseSentTwice "close-sent-twice";
    CloseAnswerSkipped "close-answer-skipped";
    // Text
    BinarySentAsText "binary-sent-as-text";
    TextInOtherEncoding "text-in-other-encoding";
    SurrogatesEncoded "surrogates-encoded";
    NulEncodedAsC080 "nul-encoded-as-c0-80";
    CharacterSplit "character-split";
    MaskedTwice "masked-twice";
    BufferUninitialised "buffer-uninitialised";
    // Handshake
    UpgradeHeadersDropped "upgrade-headers-dropped";
    Http10ToUpstream "http10-to-upstream";
    NotAWebsocketEndpoint "not-a-websocket-endpoint";
    WebsocketDisabledOnHost "websocket-disabled-on-host";
    NotAWebsocketClient "not-a-websocket-client";
    ServerErrorStatus "server-error-status";
    Redirected "redirected";
    AuthenticationRequired "authentication-required";
    OriginRefused "origin-refused";
    KeyRewritten "key-rewritten";
    AcceptNotComputed "accept-not-computed";
    AcceptMiscomputed "accept-miscomputed";
    AcceptOfOtherConnection "accept-of-other-connection";
    HeaderJoinedOrRepeated "header-joined-or-repeated";
    HeaderTokenMismatch "header-token-mismatch";
    EmptyHeaderWritten "empty-header-written";
    SubprotocolNotEchoed "subprotocol-not-echoed";
    SubprotocolInvented "subprotocol-invented";
    VersionUnsupported "version-unsupported";
    HeadIncomplete "head-incomplete";
    EarlyFramesLost "early-frames-lost";
    SentBeforeUpgrade "sent-before-upgrade";
    UpgradeAnsweredThenClosed "upgrade-answered-then-closed";
    AlpnMismatch "alpn-mismatch";
    ExtendedConnectUnsupported "extended-connect-unsupported";
    HeaderLineUnchecked "header-line-unchecked";
    KeyLengthWrong "key-length-wrong";
    RejectedWithWords "rejected-with-words";
    RefusedByBotProtection "refused-by-bot-protection";
    SessionOnAnotherServer "session-on-another-server";
    // Before and beside the protocol
    ServerUnreachable "server-unreachable";
    CertificateRejected "certificate-rejected";
    BlockedByBrowser "blocked-by-browser";
    ClosedWhileConnecting "closed-while-connecting";
    ClosedByApplication "closed-by-application";
    // Time, size, path
    IdleTimeoutIntermediary "idle-timeout-intermediary";
    IdleTimeoutEndpoint "idle-timeout-endpoint";
    KeepaliveTimeout "keepalive-timeout";
    ConnectionAgeLimit "connection-age-limit";
    LimitOfReceiver "limit-of-receiver";
    MessageTypeUnsupported "message-type-unsupported";
    LimitOfIntermediary "limit-of-intermediary";
    BytesAlteredOnPath "bytes-altered-on-path";
    FramesRemaskedOnPath "frames-remasked-on-path";
    PingPayloadDroppedOnPath "ping-payload-dropped-on-path";
    PingAnsweredOnPath "ping-answered-on-path";
    CloseCodeChangedOnPath "close-code-changed-on-path";
    KeyDroppedOnPath "key-dropped-on-path";
    HeadersChangedOnPath "headers-changed-on-path";
    ConnectionCutOnPath "connection-cut-on-path";
    EndNotForwardedOnPath "end-not-forwarded-on-path";
    AnotherServerAnswers "another-server-answers";
    ForwardingLoop "forwarding-loop";
    BlockedOnPath "blocked-on-path";
    ProxyReload "proxy-reload";
    FramesRefragmentedOnPath "frames-refragmented-on-path";
    FramesBufferedOnPath "frames-buffered-on-path";
    CloseSwallowedOnPath "close-swallowed-on-path";
    PeerCrashed "peer-crashed";
    ClientNetworkLost "client-network-lost";
    ClientSuspended "client-suspended";
    ReceiverTooSlow "receiver-too-slow";
    ApplicationProtocolMismatch "application-protocol-mismatch";
    ReceiverRejectsLegalFrame "receiver-rejects-legal-frame";
}

impl Cause {
    /// The cause with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.id() == id)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
