//! The command that settles whether a cause is the true one.

use framewise_rules::Cause;
use framewise_rules::prose::Language;

/// What to run, and what to look for in what it prints.
pub(super) struct Next {
    pub(super) command: &'static str,
    look_for: [&'static str; 2],
    shows: Shows,
}

impl Next {
    pub(super) fn look_for(&self, language: Language) -> &'static str {
        self.look_for[usize::from(language == Language::French)]
    }
}

impl Next {
    /// Whether `framewise doctor` shows the same, where the address is known.
    pub(super) const fn examines(&self) -> bool {
        matches!(self.shows, Shows::Handshake | Shows::Idle)
    }

    /// Whether a connection must be left idle for it.
    pub(super) const fn idles(&self) -> bool {
        matches!(self.shows, Shows::Idle)
    }
}

/// Where a command shows the cause.
enum Shows {
    /// In the way to the server and in its answer: any client sees it.
    Handshake,
    /// In an idle connection.
    Idle,
    /// In what the client or the proxy at fault sends.
    Traffic,
}

/// A handshake by hand: the answer, its headers and its body.
const ASK: Next = Next {
    command: "curl -i -N --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
              -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' https://HOST/PATH",
    look_for: [
        "the status, Location, Server and Via, and the sentence in the body",
        "le statut, Location, Server et Via, et la phrase du corps",
    ],
    shows: Shows::Handshake,
};
/// A proxy of ours between the proxy in question and the server.
const BEHIND: Next = Next {
    command: "framewise inspect --listen 127.0.0.1:6455 ws://SERVER:PORT",
    look_for: [
        "point the proxy at 127.0.0.1:6455: the request that arrives behind it is shown, and what it lacks",
        "faire pointer le proxy vers 127.0.0.1:6455 : la requête qui arrive derrière lui s'affiche, et ce qui lui manque",
    ],
    shows: Shows::Traffic,
};
/// A proxy of ours in front of the server.
const FRAMES: Next = Next {
    command: "framewise inspect ws://HOST:PORT",
    look_for: [
        "connect the client to ws://127.0.0.1:6455: the bytes of the frame at fault are shown, with the cause",
        "connecter le client à ws://127.0.0.1:6455 : les octets de la trame fautive s'affichent, avec la cause",
    ],
    shows: Shows::Traffic,
};
const WAIT: Next = Next {
    command: "framewise inspect --record idle.txt ws://HOST:PORT",
    look_for: [
        "leave the connection idle: the length of the silence before the end, and which side ended it, are shown",
        "laisser la connexion au repos : la durée du silence avant la fin, et le côté qui l'a terminée, s'affichent",
    ],
    shows: Shows::Idle,
};
const TLS: Next = Next {
    command: "openssl s_client -connect HOST:PORT -servername HOST -alpn http/1.1",
    look_for: [
        "whether the port speaks TLS at all, the certificate with its chain, and the ALPN that was chosen",
        "si le port parle TLS, le certificat avec sa chaîne, et l'ALPN choisi",
    ],
    shows: Shows::Handshake,
};
const REACH: Next = Next {
    command: "curl -v http://HOST:PORT/",
    look_for: [
        "whether the name resolves, and whether the port refuses, does not answer, or answers",
        "si le nom se résout, et si le port refuse, ne répond pas, ou répond",
    ],
    shows: Shows::Handshake,
};
const BROWSER: Next = Next {
    command: "curl -sI https://PAGE | grep -i content-security-policy",
    look_for: [
        "a connect-src without the address; the browser's console names the rule that it applied",
        "un connect-src sans l'adresse ; la console du navigateur nomme la règle appliquée",
    ],
    shows: Shows::Traffic,
};
const LOG: Next = Next {
    command: "framewise connect --frames wss://HOST/PATH",
    look_for: [
        "the code and the reason of the Close; the log of the other end says the rest",
        "le code et la raison du Close ; le journal de l'autre extrémité dit le reste",
    ],
    shows: Shows::Traffic,
};

/// The command for a cause.
pub(super) fn of(cause: Cause) -> &'static Next {
    match cause {
        Cause::NotAWebsocketEndpoint
        | Cause::WebsocketDisabledOnHost
        | Cause::BlockedOnPath
        | Cause::NotAWebsocketClient
        | Cause::ServerErrorStatus
        | Cause::Redirected
        | Cause::AuthenticationRequired
        | Cause::OriginRefused
        | Cause::RefusedByBotProtection
        | Cause::SessionOnAnotherServer
        | Cause::VersionUnsupported
        | Cause::SubprotocolNotEchoed
        | Cause::SubprotocolInvented
        | Cause::UpgradeAnsweredThenClosed => &ASK,
        Cause::UpgradeHeadersDropped
        | Cause::Http10ToUpstream
        | Cause::HeaderTokenMismatch
        | Cause::HeaderJoinedOrRepeated
        | Cause::KeyRewritten
        | Cause::ExtensionHeaderStripped
        | Cause::ExtensionHeaderAdded
        | Cause::EmptyHeaderWritten
        | Cause::ProxyProtocolHeader
        | Cause::LimitOfIntermediary
        | Cause::BytesAlteredOnPath
        | Cause::FramesRefragmentedOnPath
        | Cause::FramesBufferedOnPath
        | Cause::CloseSwallowedOnPath
        | Cause::FramesRemaskedOnPath
        | Cause::PingPayloadDroppedOnPath
        | Cause::PingAnsweredOnPath
        | Cause::CloseCodeChangedOnPath
        | Cause::KeyDroppedOnPath
        | Cause::HeadersChangedOnPath
        | Cause::ConnectionCutOnPath
        | Cause::EndNotForwardedOnPath
        | Cause::AnotherServerAnswers
        | Cause::ForwardingLoop
        | Cause::ProxyReload => &BEHIND,
        Cause::IdleTimeoutIntermediary
        | Cause::IdleTimeoutEndpoint
        | Cause::KeepaliveTimeout
        | Cause::ConnectionAgeLimit
        | Cause::ClientSuspended
        | Cause::ClientNetworkLost => &WAIT,
        Cause::TlsInPlainStream
        | Cause::PlainInTlsPort
        | Cause::CertificateRejected
        | Cause::AlpnMismatch
        | Cause::Http2PrefaceInStream
        | Cause::ExtendedConnectUnsupported => &TLS,
        Cause::ServerUnreachable => &REACH,
        Cause::BlockedByBrowser => &BROWSER,
        Cause::ClosedByApplication
        | Cause::ApplicationProtocolMismatch
        | Cause::RejectedWithWords
        | Cause::PeerCrashed
        | Cause::ClosedWhileConnecting => &LOG,
        Cause::HttpResponseInStream
        | Cause::HttpRequestInStream
        | Cause::ChunkedFramingInStream
        | Cause::ExtraCrlfAfterHead
        | Cause::HttpCompressionApplied
        | Cause::BodyHeadersOn101
        | Cause::TextWrittenToSocket
        | Cause::HeaderLineUnchecked
        | Cause::KeyLengthWrong
        | Cause::CompressedWithoutAgreement
        | Cause::CompressedPerFragment
        | Cause::DeflateWrapped
        | Cause::DeflateTailKept
        | Cause::DeflateContextLost
        | Cause::DeflateWindowTooLarge
        | Cause::DeflateNotCompressed
        | Cause::DeflateParametersEchoed
        | Cause::DeflateParameterIgnored
        | Cause::ClientDoesNotMask
        | Cause::MaskOmittedOnEmpty
        | Cause::ServerMasks
        | Cause::MaskedWithoutKeyApplied
        | Cause::LengthBoundaryOffByOne
        | Cause::LengthAlwaysLong
        | Cause::LengthByteOrder
        | Cause::LengthInOneByte
        | Cause::LengthInCharacters
        | Cause::LengthTooShort
        | Cause::LengthTooLong
        | Cause::LengthSignOrOverflow
        | Cause::InterleavedWriters
        | Cause::PartialWrite
        | Cause::StaleBytes
        | Cause::FragmentsFromTwoMessages
        | Cause::ContinuationFlagMisused
        | Cause::FinOmitted
        | Cause::ControlPayloadUnbounded
        | Cause::DraftProtocol
        | Cause::CloseReasonWithoutCode
        | Cause::CloseCodeByteOrder
        | Cause::CloseCodeAsText
        | Cause::CloseCodeForwarded
        | Cause::CloseCodeMadeUp
        | Cause::CloseReasonCut
        | Cause::ClosePayloadMaskedTwice
        | Cause::CloseSentTwice
        | Cause::CloseAnswerSkipped
        | Cause::BinarySentAsText
        | Cause::TextInOtherEncoding
        | Cause::SurrogatesEncoded
        | Cause::NulEncodedAsC080
        | Cause::CharacterSplit
        | Cause::MaskedTwice
        | Cause::BufferUninitialised
        | Cause::AcceptNotComputed
        | Cause::AcceptMiscomputed
        | Cause::AcceptOfOtherConnection
        | Cause::HeadIncomplete
        | Cause::EarlyFramesLost
        | Cause::SentBeforeUpgrade
        | Cause::LimitOfReceiver
        | Cause::ReceiverTooSlow
        | Cause::MessageTypeUnsupported
        | Cause::ReceiverRejectsLegalFrame => &FRAMES,
        _ => UNKNOWN,
    }
}

/// The command where nothing is known.
pub(super) const UNKNOWN: &Next = &FRAMES;
