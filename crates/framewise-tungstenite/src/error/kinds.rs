use std::fmt;

use framewise::Violation;
use http::HeaderName;

use crate::protocol::frame::coding::Data;

/// A limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityError {
    /// A head has too many header lines.
    TooManyHeaders,
    /// A message or a frame is larger than its limit.
    MessageTooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max_size: usize,
    },
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyHeaders => f.write_str("the head has too many header lines"),
            Self::MessageTooLong { size, max_size } => {
                write!(f, "the message has {size} bytes, and {max_size} are allowed")
            }
        }
    }
}

impl std::error::Error for CapacityError {}

/// What is wrong about the subprotocol of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubProtocolError {
    /// The response chooses one, and none was offered.
    ServerSentSubProtocolNoneRequested,
    /// The response chooses one that was not offered.
    InvalidSubProtocol,
    /// The response chooses none. This crate does not return it: RFC 6455 §4.1 allows such a response.
    NoSubProtocol,
}

impl fmt::Display for SubProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerSentSubProtocolNoneRequested => {
                "the response chooses a subprotocol, and none was offered"
            }
            Self::InvalidSubProtocol => "the response chooses a subprotocol that was not offered",
            Self::NoSubProtocol => "the response chooses no subprotocol",
        })
    }
}

/// A rule of RFC 6455 that was broken.
///
/// [`ProtocolError::Violation`] is not in tungstenite. For the other variants,
/// [`WebSocketStream::violation`](crate::WebSocketStream::violation) has the rule, the byte and the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The method is not GET.
    WrongHttpMethod,
    /// The version is not HTTP/1.1.
    WrongHttpVersion,
    /// Connection does not contain `Upgrade`.
    MissingConnectionUpgradeHeader,
    /// Upgrade is not `websocket`.
    MissingUpgradeWebSocketHeader,
    /// Sec-WebSocket-Version is not 13.
    MissingSecWebSocketVersionHeader,
    /// There is no Sec-WebSocket-Key.
    MissingSecWebSocketKey,
    /// Sec-WebSocket-Key is not 16 bytes in base64.
    InvalidSecWebSocketKey,
    /// Sec-WebSocket-Accept is missing, or does not answer the key.
    SecWebSocketAcceptKeyMismatch,
    /// The subprotocol is wrong.
    SecWebSocketSubProtocolError(SubProtocolError),
    /// Bytes follow the request. This crate does not return it.
    JunkAfterRequest,
    /// A callback rejected a request with a status of success.
    CustomResponseSuccessful,
    /// This header is missing, is there twice, or must not be set.
    InvalidHeader(Box<HeaderName>),
    /// The stream ended in the handshake.
    HandshakeIncomplete,
    /// A head is not valid HTTP. This crate returns [`ProtocolError::Violation`].
    HttparseError(httparse::Error),
    /// Something was to be sent after the Close.
    SendAfterClosing,
    /// The peer sent something after its Close.
    ReceivedAfterClosing,
    /// A reserved bit is set.
    NonZeroReservedBits,
    /// A frame of a client is not masked.
    UnmaskedFrameFromClient,
    /// A frame of a server is masked.
    MaskedFrameFromServer,
    /// A control frame is fragmented.
    FragmentedControlFrame,
    /// A control frame has more than 125 bytes.
    ControlFrameTooBig,
    /// The opcode of a control frame is reserved. This crate returns [`ProtocolError::InvalidOpcode`].
    UnknownControlFrameType(u8),
    /// The opcode of a data frame is reserved. This crate returns [`ProtocolError::InvalidOpcode`].
    UnknownDataFrameType(u8),
    /// A continuation frame continues nothing.
    UnexpectedContinueFrame,
    /// A new message began before the end of the last one. This crate does not tell its kind: it is always `Data::Text`.
    ExpectedFragment(Data),
    /// The connection ended without a Close.
    ResetWithoutClosingHandshake,
    /// The opcode is reserved.
    InvalidOpcode(u8),
    /// The payload of a Close is not valid.
    InvalidCloseSequence,
    /// Another rule was broken.
    Violation(Box<Violation>),
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongHttpMethod => "the method of the request is not GET",
            Self::WrongHttpVersion => "the version is not HTTP/1.1",
            Self::MissingConnectionUpgradeHeader => "the header Connection does not contain Upgrade",
            Self::MissingUpgradeWebSocketHeader => "the header Upgrade is not websocket",
            Self::MissingSecWebSocketVersionHeader => "the header Sec-WebSocket-Version is not 13",
            Self::MissingSecWebSocketKey => "the request has no Sec-WebSocket-Key",
            Self::InvalidSecWebSocketKey => "Sec-WebSocket-Key is not 16 bytes in base64",
            Self::SecWebSocketAcceptKeyMismatch => "Sec-WebSocket-Accept does not answer the key",
            Self::SecWebSocketSubProtocolError(error) => return error.fmt(f),
            Self::JunkAfterRequest => "bytes follow the request",
            Self::CustomResponseSuccessful => "a rejection cannot have a status of success",
            Self::InvalidHeader(name) => {
                return write!(f, "the header {name} is missing, is there twice, or must not be set");
            }
            Self::HandshakeIncomplete => "the stream ended in the handshake",
            Self::SendAfterClosing => "nothing may be sent after the Close",
            Self::ReceivedAfterClosing => "the peer sent something after its Close",
            Self::NonZeroReservedBits => "a reserved bit is set in a frame header",
            Self::UnmaskedFrameFromClient => "a frame from the client is not masked",
            Self::MaskedFrameFromServer => "a frame from the server is masked",
            Self::FragmentedControlFrame => "a control frame is fragmented",
            Self::ControlFrameTooBig => "a control frame has more than 125 bytes",
            Self::UnknownControlFrameType(opcode)
            | Self::UnknownDataFrameType(opcode)
            | Self::InvalidOpcode(opcode) => return write!(f, "the opcode {opcode} is reserved"),
            Self::UnexpectedContinueFrame => "a continuation frame continues nothing",
            Self::ExpectedFragment(_) => "a new message began before the previous one ended",
            Self::ResetWithoutClosingHandshake => "the connection ended without a Close",
            Self::InvalidCloseSequence => "the code or the reason of a Close is not valid",
            Self::HttparseError(error) => return write!(f, "the head is not valid HTTP: {error}"),
            Self::Violation(violation) => return violation.fmt(f),
        })
    }
}

impl std::error::Error for ProtocolError {}

/// What is wrong about a URL.
#[derive(Debug, PartialEq, Eq)]
pub enum UrlError {
    /// `wss://` without a TLS feature, or with `Connector::Plain`.
    TlsFeatureNotEnabled,
    /// There is no host.
    NoHostName,
    /// No connection to this URL could be made.
    UnableToConnect(String),
    /// The scheme is not `ws` or `wss`.
    UnsupportedUrlScheme,
    /// The host is empty.
    EmptyHostName,
    /// There is no path.
    NoPathOrQuery,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TlsFeatureNotEnabled => "wss:// needs a feature for TLS",
            Self::NoHostName => "the URL has no host",
            Self::UnableToConnect(url) => return write!(f, "cannot connect to {url}"),
            Self::UnsupportedUrlScheme => "the scheme of the URL is not ws or wss",
            Self::EmptyHostName => "the host of the URL is empty",
            Self::NoPathOrQuery => "the URL has no path",
        })
    }
}

impl std::error::Error for UrlError {}

/// An error of TLS.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// An error of rustls.
    #[cfg(feature = "__rustls-tls")]
    Rustls(Box<framewise::rustls::Error>),
    /// The host of the URL cannot be the name in a certificate.
    #[cfg(feature = "__rustls-tls")]
    InvalidDnsName,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "__rustls-tls")]
        return match self {
            Self::Rustls(error) => write!(f, "TLS failed: {error}"),
            Self::InvalidDnsName => f.write_str("the host of the URL cannot be the name in a certificate"),
        };
        #[cfg(not(feature = "__rustls-tls"))]
        f.write_str("TLS failed")
    }
}

impl std::error::Error for TlsError {}

#[cfg(feature = "__rustls-tls")]
impl From<framewise::rustls::Error> for TlsError {
    fn from(error: framewise::rustls::Error) -> Self {
        Self::Rustls(Box::new(error))
    }
}
