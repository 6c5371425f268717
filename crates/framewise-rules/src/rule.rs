use core::fmt;

use crate::examples::{
    closing, control, extension, fragmentation, framing, handshake, http2, limit, masking, text,
};
use crate::{CloseCode, Examples, Offender};

/// What a strict endpoint does when its peer breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// The endpoint fails the connection with this close code (RFC 6455 §7.1.7).
    Close(CloseCode),
    /// The server rejects the handshake with this HTTP status (RFC 6455 §4.2.2).
    Http(u16),
    /// The client drops the connection: before the handshake is complete there is no close code (RFC 6455 §4.1).
    Abort,
    /// The connection is lost and nothing can be sent: the application gets 1006 (RFC 6455 §7.1.5).
    Lost,
    /// Nothing: what was seen is legal, or breaks only a SHOULD. It is reported and never enforced.
    Note,
}

impl Answer {
    /// The close code that a strict endpoint sends or reports; `None` before the handshake is complete, and for a note.
    pub const fn close_code(self) -> Option<CloseCode> {
        match self {
            Self::Close(code) => Some(code),
            Self::Lost => Some(CloseCode::ABNORMAL_CLOSURE),
            Self::Http(_) | Self::Abort | Self::Note => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(code) => write!(f, "close {code}"),
            Self::Http(status) => write!(f, "http {status}"),
            Self::Abort => f.write_str("abort"),
            Self::Lost => f.write_str("1006"),
            Self::Note => f.write_str("note"),
        }
    }
}

/// Who can detect that a rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeenBy {
    /// The receiver, which enforces the rule.
    Receiver,
    /// Only an observer of both directions, or of the clock.
    Observer,
}

/// A document that defines rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Document {
    /// RFC 6455, The WebSocket Protocol.
    Rfc6455,
    /// RFC 7692, Compression Extensions for WebSocket.
    Rfc7692,
    /// RFC 8441, Bootstrapping WebSockets with HTTP/2.
    Rfc8441,
    /// RFC 9112, HTTP/1.1.
    Rfc9112,
    /// RFC 9110, HTTP Semantics.
    Rfc9110,
    /// RFC 3629, UTF-8.
    Rfc3629,
    /// IANA's WebSocket Close Code Number Registry.
    Iana,
}

/// The section of a document that defines a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The document.
    pub document: Document,
    /// The section number without `§`, such as `5.5.1`; empty for the registry.
    pub section: &'static str,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = match self.document {
            Document::Rfc6455 => "RFC 6455",
            Document::Rfc7692 => "RFC 7692",
            Document::Rfc8441 => "RFC 8441",
            Document::Rfc9112 => "RFC 9112",
            Document::Rfc9110 => "RFC 9110",
            Document::Rfc3629 => "RFC 3629",
            Document::Iana => return f.write_str("IANA WebSocket Close Code Number Registry"),
        };
        write!(f, "{document} §{}", self.section)
    }
}

impl Source {
    /// The URL of the section.
    pub fn url(&self) -> alloc::string::String {
        let number = match self.document {
            Document::Rfc6455 => 6455,
            Document::Rfc7692 => 7692,
            Document::Rfc8441 => 8441,
            Document::Rfc9112 => 9112,
            Document::Rfc9110 => 9110,
            Document::Rfc3629 => 3629,
            Document::Iana => return "https://www.iana.org/assignments/websocket/".into(),
        };
        alloc::format!("https://www.rfc-editor.org/rfc/rfc{number}#section-{}", self.section)
    }
}

macro_rules! rules {
    ($( $topic:ident { $( $name:ident $id:literal [$($document:ident $section:literal),+] $by:ident $answer:expr, $seen_by:ident, $sentence:literal; )+ } )+) => {
        /// One way in which a WebSocket connection can break.
        ///
        /// The order is that of the wire: when the head of a handshake breaks several rules, the first is reported.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $($( #[doc = $sentence] $name, )+)+ }

        impl Rule {
            /// Every rule, in the order of the table.
            pub const ALL: &'static [Self] = &[$($( Self::$name, )+)+];

            /// The name of the rule in kebab-case: what was seen on the wire. An id is never reused.
            pub const fn id(self) -> &'static str { match self { $($( Self::$name => $id, )+)+ } }

            /// What was seen, in one sentence.
            pub const fn sentence(self) -> &'static str { match self { $($( Self::$name => $sentence, )+)+ } }

            /// The sections that define the rule; at least one.
            pub const fn sources(self) -> &'static [Source] {
                match self { $($( Self::$name => &[$( Source { document: Document::$document, section: $section } ),+], )+)+ }
            }

            /// Which end can break the rule.
            pub const fn by(self) -> Offender { match self { $($( Self::$name => Offender::$by, )+)+ } }

            /// What a strict endpoint does when its peer breaks the rule.
            pub const fn answer(self) -> Answer { match self { $($( Self::$name => $answer, )+)+ } }

            /// Who can detect that the rule was broken.
            pub const fn seen_by(self) -> SeenBy { match self { $($( Self::$name => SeenBy::$seen_by, )+)+ } }

            /// Transcripts that break the rule, and transcripts that look similar and do not.
            pub const fn examples(self) -> &'static Examples { match self { $($( Self::$name => &$topic::$name, )+)+ } }

            /// The topic of the rule, which is also the name of the file that holds its examples.
            pub const fn topic(self) -> &'static str { match self { $($( Self::$name => stringify!($topic), )+)+ } }

            #[cfg(feature = "prose")]
            pub(crate) const fn markdown(self, language: crate::prose::Language) -> &'static str {
                match language {
                    crate::prose::Language::English => match self {
                        $($( Self::$name => include_str!(concat!("../prose/en/rules/", $id, ".md")), )+)+
                    },
                    crate::prose::Language::French => match self {
                        $($( Self::$name => include_str!(concat!("../prose/fr/rules/", $id, ".md")), )+)+
                    },
                }
            }
        }
    };
}

#[rustfmt::skip]
rules! {
    handshake {
        RequestNotHttp "request-not-http" [Rfc9112 "3"] Client Answer::Http(400), Receiver, "The first bytes are not an HTTP request line";
        RequestMethod "request-method" [Rfc6455 "4.1"] Client Answer::Http(405), Receiver, "The request method is not GET";
        RequestHttpVersion "request-http-version" [Rfc6455 "4.1"] Client Answer::Http(505), Receiver, "The request uses HTTP/1.0 or older";
        RequestTarget "request-target" [Rfc9112 "3.2", Rfc6455 "4.1"] Client Answer::Http(400), Receiver, "The request target is neither a path nor an absolute http or https URL";
        RequestHeaderMalformed "request-header-malformed" [Rfc9112 "5", Rfc9110 "5.1"] Client Answer::Http(400), Receiver, "A line of the request head is not a name, a colon and a value";
        RequestHost "request-host" [Rfc6455 "4.1", Rfc9112 "3.2"] Client Answer::Http(400), Receiver, "The request has no Host header, or more than one";
        RequestHostInvalid "request-host-invalid" [Rfc9112 "3.2", Rfc6455 "4.1"] Client Answer::Http(400), Receiver, "Host is empty, or is not one host with an optional port";
        RequestHostMismatch "request-host-mismatch" [Rfc9112 "3.2", Rfc6455 "4.1"] Client Answer::Http(400), Receiver, "Host and the URL in the request target name different hosts or ports";
        RequestUpgrade "request-upgrade" [Rfc6455 "4.2.1"] Client Answer::Http(426), Receiver, "The request has no Upgrade header with the token `websocket`";
        RequestConnection "request-connection" [Rfc6455 "4.2.1"] Client Answer::Http(426), Receiver, "The request has no Connection header with the token `Upgrade`";
        RequestKeyMissing "request-key-missing" [Rfc6455 "4.2.1"] Client Answer::Http(400), Receiver, "The request has no Sec-WebSocket-Key";
        RequestKeyRepeated "request-key-repeated" [Rfc6455 "11.3.1"] Client Answer::Http(400), Receiver, "The request has more than one Sec-WebSocket-Key, or several joined with a comma";
        RequestKeyInvalid "request-key-invalid" [Rfc6455 "4.1"] Client Answer::Http(400), Receiver, "Sec-WebSocket-Key is not 16 bytes in base64";
        RequestVersion "request-version" [Rfc6455 "4.4"] Client Answer::Http(426), Receiver, "Sec-WebSocket-Version is missing or is not 13";
        RequestLegacyDraft "request-legacy-draft" [Rfc6455 "4.4"] Client Answer::Http(426), Receiver, "The request follows a draft older than RFC 6455: it has Sec-WebSocket-Key1 or -Key2, or a version below 13";
        RequestSubprotocolSyntax "request-subprotocol-syntax" [Rfc6455 "4.1"] Client Answer::Http(400), Receiver, "Sec-WebSocket-Protocol is empty, contains an element that is not a token, or repeats an element";
        RequestExtensionSyntax "request-extension-syntax" [Rfc6455 "9.1"] Client Answer::Http(400), Receiver, "The request's Sec-WebSocket-Extensions header is malformed";
        RequestTruncated "request-truncated" [Rfc9112 "2.2"] Client Answer::Http(400), Receiver, "The connection ended inside the request head";
        RequestContentLength "request-content-length" [Rfc9112 "6.3"] Client Answer::Http(400), Receiver, "Content-Length is not a number, or its values differ";
        RequestBody "request-body" [Rfc6455 "4.1"] Client Answer::Http(400), Receiver, "The request announces a body, with a Content-Length above 0 or a Transfer-Encoding";
        RequestTooLarge "request-too-large" [Rfc6455 "10"] Client Answer::Http(431), Receiver, "The request head, or one of its lists, exceeds the limit";
        RequestTimeout "request-timeout" [Rfc6455 "10"] Client Answer::Http(408), Receiver, "The request head did not arrive in time";
        RequestOrigin "request-origin" [Rfc6455 "10.2"] Client Answer::Http(403), Receiver, "The server's policy does not allow the Origin";
        RequestEarlyData "request-early-data" [Rfc6455 "4.1"] Client Answer::Note, Observer, "The client sent frames before the 101 response arrived";
        ResponseNotHttp "response-not-http" [Rfc9112 "4"] Server Answer::Abort, Receiver, "The first bytes are not an HTTP status line";
        ResponseMissing "response-missing" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The connection ended before the response was complete";
        ResponseStatus "response-status" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The response status is not 101";
        ResponseHeaderMalformed "response-header-malformed" [Rfc9112 "5", Rfc9110 "5.1"] Server Answer::Abort, Receiver, "A line of the response head is not a name, a colon and a value";
        ResponseUpgrade "response-upgrade" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The response has no Upgrade header, or its value is not `websocket`";
        ResponseConnection "response-connection" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The response has no Connection header with the token `Upgrade`";
        ResponseAcceptMissing "response-accept-missing" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The response has no Sec-WebSocket-Accept";
        ResponseAcceptWrong "response-accept-wrong" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "Sec-WebSocket-Accept does not match the key that the client sent";
        ResponseSubprotocolUnoffered "response-subprotocol-unoffered" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The response selects a subprotocol that was not offered, more than one, or an empty one";
        ResponseSubprotocolMissing "response-subprotocol-missing" [Rfc6455 "4.1"] Server Answer::Note, Observer, "The client offered a subprotocol, and the response selects none";
        ResponseExtensionUnoffered "response-extension-unoffered" [Rfc6455 "4.1"] Server Answer::Abort, Receiver, "The response accepts an extension that was not offered, or accepts one twice";
        ResponseExtensionSyntax "response-extension-syntax" [Rfc6455 "9.1"] Server Answer::Abort, Receiver, "The response's Sec-WebSocket-Extensions header is malformed";
        ResponseBodyFraming "response-body-framing" [Rfc9110 "8.6", Rfc9112 "6.1"] Server Answer::Abort, Receiver, "The 101 response has a Content-Length or Transfer-Encoding header";
        ResponseContentEncoding "response-content-encoding" [Rfc9110 "8.4"] Server Answer::Note, Observer, "The 101 response has a Content-Encoding header";
        ResponseEarlyData "response-early-data" [Rfc6455 "4.2.2"] Server Answer::Abort, Observer, "The server sent frames before its 101 response";
        ResponseExtraBytes "response-extra-bytes" [Rfc6455 "4.2.2"] Server Answer::Close(CloseCode::PROTOCOL_ERROR), Observer, "Extra bytes (a CRLF, for example) follow the head of the 101 response, before the first frame";
        ResponseTooLarge "response-too-large" [Rfc6455 "10"] Server Answer::Abort, Receiver, "The response head, or one of its lists, exceeds the limit";
        ResponseTimeout "response-timeout" [Rfc6455 "10"] Server Answer::Abort, Receiver, "The response did not arrive in time";
    }
    http2 {
        H2ConnectNotEnabled "h2-connect-not-enabled" [Rfc8441 "3"] Server Answer::Abort, Observer, "The server's SETTINGS do not enable WebSockets over HTTP/2: `SETTINGS_ENABLE_CONNECT_PROTOCOL` is not 1";
        H2Status "h2-status" [Rfc8441 "5"] Server Answer::Abort, Observer, "The answer to the CONNECT of a WebSocket over HTTP/2 is not a 2xx status";
        H2StreamReset "h2-stream-reset" [Rfc8441 "5"] Either Answer::Lost, Observer, "The HTTP/2 stream of a WebSocket was reset";
    }
    extension {
        DeflateOfferInvalid "deflate-offer-invalid" [Rfc7692 "7"] Client Answer::Note, Receiver, "The permessage-deflate offer has an unknown, repeated or invalid parameter";
        DeflateResponseInvalid "deflate-response-invalid" [Rfc7692 "7"] Server Answer::Abort, Receiver, "The permessage-deflate response has an unknown, repeated or invalid parameter";
        DeflateWindowUnoffered "deflate-window-unoffered" [Rfc7692 "7.1.2"] Server Answer::Abort, Receiver, "The response has `client_max_window_bits`, which the client did not offer";
        DeflateWindowExceeds "deflate-window-exceeds" [Rfc7692 "7.1.2"] Server Answer::Abort, Receiver, "The response sets a larger window than the client offered, or omits the requested `server_max_window_bits`";
        DeflateTakeoverIgnored "deflate-takeover-ignored" [Rfc7692 "7.1.1"] Server Answer::Abort, Receiver, "The response omits the requested `server_no_context_takeover`";
        ExtensionRequired "extension-required" [Rfc6455 "7.4.1"] Server Answer::Close(CloseCode::MANDATORY_EXTENSION), Receiver, "The server did not agree to an extension that the client requires";
    }
    framing {
        Rsv1Unnegotiated "rsv1-unnegotiated" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "RSV1 is set, but no extension that defines it was negotiated";
    }
    extension {
        Rsv1OnContinuation "rsv1-on-continuation" [Rfc7692 "6.1"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "RSV1 is set on a frame that is not the first of its message";
        Rsv1OnControl "rsv1-on-control" [Rfc7692 "6.1", Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "RSV1 is set on a control frame";
    }
    framing {
        Rsv2Set "rsv2-set" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "RSV2 is set, but no extension defines it";
        Rsv3Set "rsv3-set" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "RSV3 is set, but no extension defines it";
        OpcodeReservedData "opcode-reserved-data" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "The opcode is in the reserved range 3 to 7";
        OpcodeReservedControl "opcode-reserved-control" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "The opcode is in the reserved range B to F";
        LengthNotMinimal16 "length-not-minimal-16" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A length below 126 uses the 16-bit form";
        LengthNotMinimal64 "length-not-minimal-64" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A length below 65,536 uses the 64-bit form";
        LengthTopBit "length-top-bit" [Rfc6455 "5.2"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "The top bit of a 64-bit length is set";
    }
    masking {
        MaskMissing "mask-missing" [Rfc6455 "5.1"] Client Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A frame from the client is not masked";
        MaskPresent "mask-present" [Rfc6455 "5.1"] Server Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A frame from the server is masked";
        MaskKeyPredictable "mask-key-predictable" [Rfc6455 "5.3"] Client Answer::Note, Observer, "The client's masking keys repeat, are zero, or count up";
    }
    framing {
        HeaderTruncated "header-truncated" [Rfc6455 "5.2"] Either Answer::Lost, Receiver, "The stream ended inside a frame header";
        PayloadTruncated "payload-truncated" [Rfc6455 "5.2"] Either Answer::Lost, Receiver, "The stream ended inside a frame's payload";
    }
    control {
        ControlFragmented "control-fragmented" [Rfc6455 "5.5"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A control frame is fragmented: FIN is not set";
        ControlTooLong "control-too-long" [Rfc6455 "5.5"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A control frame has an extended length, but its payload is limited to 125 bytes";
    }
    fragmentation {
        ContinuationOrphan "continuation-orphan" [Rfc6455 "5.4"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A continuation frame arrived, but no message is in progress";
        DataInterleaved "data-interleaved" [Rfc6455 "5.4"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A new text or binary frame arrived before the previous message was complete";
    }
    control {
        PingUnanswered "ping-unanswered" [Rfc6455 "5.5.2"] Either Answer::Note, Observer, "A Ping got no Pong before the next Ping or the end of the connection";
        PongMismatched "pong-mismatched" [Rfc6455 "5.5.3"] Either Answer::Note, Observer, "A Pong answers a Ping with a different payload (an unsolicited Pong is legal)";
    }
    text {
        TextInvalidUtf8 "text-invalid-utf8" [Rfc6455 "8.1", Rfc3629 "3"] Either Answer::Close(CloseCode::INVALID_PAYLOAD), Receiver, "A text message contains a byte that is not valid UTF-8";
        TextTruncatedUtf8 "text-truncated-utf8" [Rfc6455 "8.1"] Either Answer::Close(CloseCode::INVALID_PAYLOAD), Receiver, "A text message ends inside a character";
    }
    extension {
        DeflateDataInvalid "deflate-data-invalid" [Rfc7692 "7.2.2"] Either Answer::Close(CloseCode::INVALID_PAYLOAD), Receiver, "The payload of a compressed message does not inflate";
        DeflateWindowViolated "deflate-window-violated" [Rfc7692 "7.1.2"] Either Answer::Close(CloseCode::INVALID_PAYLOAD), Receiver, "A compressed message refers back beyond the negotiated window";
        DeflateContextMismatch "deflate-context-mismatch" [Rfc7692 "7.1.1"] Either Answer::Close(CloseCode::INVALID_PAYLOAD), Receiver, "A compressed message refers to history that `no_context_takeover`, or the start of the connection, rules out";
    }
    limit {
        UnsupportedData "unsupported-data" [Rfc6455 "7.4.1"] Either Answer::Close(CloseCode::UNSUPPORTED_DATA), Receiver, "The endpoint does not accept messages of this type (text or binary)";
    }
    closing {
        ClosePayloadOneByte "close-payload-one-byte" [Rfc6455 "5.5.1"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A Close frame has a one-byte payload";
        CloseCodeReserved "close-code-reserved" [Rfc6455 "7.4.1"] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A Close frame carries 1004, 1005, 1006 or 1015, which are reserved";
        CloseCodeInvalid "close-code-invalid" [Rfc6455 "7.4.2", Iana ""] Either Answer::Close(CloseCode::PROTOCOL_ERROR), Receiver, "A Close frame carries an invalid code: below 1000, unregistered in 1016 to 2999, or above 4999";
        CloseReasonInvalidUtf8 "close-reason-invalid-utf8" [Rfc6455 "5.5.1"] Either Answer::Close(CloseCode::INVALID_PAYLOAD), Receiver, "The reason in a Close frame is not valid UTF-8";
        CloseCodeWrongRole "close-code-wrong-role" [Rfc6455 "7.4.1"] Server Answer::Note, Observer, "A server sent close code 1010, which only a client may send";
        FrameAfterClose "frame-after-close" [Rfc6455 "5.5.1"] Either Answer::Note, Receiver, "A frame follows the sender's Close frame: it is discarded";
        CloseUnanswered "close-unanswered" [Rfc6455 "5.5.1"] Either Answer::Lost, Observer, "A Close frame was not answered with a Close frame";
        CloseCodeNotEchoed "close-code-not-echoed" [Rfc6455 "5.5.1"] Either Answer::Note, Observer, "The answer to a Close frame carries a different code";
        CloseMissing "close-missing" [Rfc6455 "7.1.5"] Either Answer::Lost, Receiver, "The connection ended without a Close frame";
        CloseTcpLingering "close-tcp-lingering" [Rfc6455 "7.1.1"] Server Answer::Note, Observer, "The server keeps the TCP connection open after the closing handshake";
        ConnectionReset "connection-reset" [Rfc6455 "7.1.5"] Either Answer::Lost, Observer, "The connection was reset";
    }
    limit {
        MessageTooBig "message-too-big" [Rfc6455 "7.4.1", Rfc6455 "10.4"] Either Answer::Close(CloseCode::MESSAGE_TOO_BIG), Receiver, "A message exceeds the limit";
        FrameTooBig "frame-too-big" [Rfc6455 "10.4"] Either Answer::Close(CloseCode::MESSAGE_TOO_BIG), Receiver, "A frame exceeds the limit";
        FragmentsTooMany "fragments-too-many" [Rfc6455 "10.4"] Either Answer::Close(CloseCode::POLICY_VIOLATION), Receiver, "A message has more fragments than the limit allows";
        InflateTooBig "inflate-too-big" [Rfc6455 "10.4"] Either Answer::Close(CloseCode::MESSAGE_TOO_BIG), Receiver, "A compressed message inflates beyond the limit";
        ControlFlood "control-flood" [Rfc6455 "10.4"] Either Answer::Close(CloseCode::POLICY_VIOLATION), Receiver, "More control frames arrived, per second or between data frames, than the limit allows";
        IdleTimeout "idle-timeout" [Rfc6455 "7.1.1"] Either Answer::Lost, Receiver, "The peer sent nothing before the idle deadline";
        CloseTimeout "close-timeout" [Rfc6455 "7.1.1"] Either Answer::Lost, Receiver, "The closing handshake did not complete in time";
    }
}

impl Rule {
    /// The rule with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_names_in_kebab_case_and_lead_back() {
        for &rule in Rule::ALL {
            let mut name = alloc::string::String::new();
            for part in rule.id().split('-') {
                name.extend(part.chars().next().map(|c| c.to_ascii_uppercase()));
                name.push_str(&part[1..]);
            }
            assert_eq!(name, alloc::format!("{rule:?}"));
            assert_eq!(Rule::from_id(rule.id()), Some(rule));
        }
    }

    #[test]
    fn a_code_that_is_an_answer_may_be_sent() {
        for &rule in Rule::ALL {
            if let Answer::Close(code) = rule.answer() {
                assert!(code.may_be_sent(), "{rule}");
            }
        }
    }
}
