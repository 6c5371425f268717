//! Errors.

mod kinds;
mod rules;

use std::{fmt, io};

use http::Response;

pub use self::kinds::{CapacityError, ProtocolError, SubProtocolError, TlsError, UrlError};
pub(crate) use self::rules::{of_misuse, of_violation};
use crate::protocol::Message;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can fail.
#[derive(Debug)]
pub enum Error {
    /// The connection was closed. Nothing failed.
    ConnectionClosed,
    /// The call came after the connection was closed.
    AlreadyClosed,
    /// The stream failed.
    Io(io::Error),
    /// TLS failed.
    Tls(TlsError),
    /// A limit was exceeded.
    Capacity(CapacityError),
    /// The peer broke a rule, or the call would break one.
    Protocol(ProtocolError),
    /// The send queue is full. The message is inside.
    WriteBufferFull(Box<Message>),
    /// Text is not UTF-8.
    Utf8(String),
    /// The peer sends what is cheap for it and expensive for this end: control frames, or a large head.
    AttackAttempt,
    /// The URL cannot be used.
    Url(UrlError),
    /// The server answered the handshake with another status than 101, or the callback of this server rejected the request.
    Http(Box<Response<Option<Vec<u8>>>>),
    /// A part of a request or response is not valid HTTP.
    HttpFormat(http::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionClosed => f.write_str("the connection was closed"),
            Self::AlreadyClosed => f.write_str("the connection is closed already"),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::Tls(error) => error.fmt(f),
            Self::Capacity(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
            Self::WriteBufferFull(_) => f.write_str("the send queue is full"),
            Self::Utf8(says) => write!(f, "the text is not valid UTF-8: {says}"),
            Self::AttackAttempt => f.write_str("the peer sends more than the limits allow"),
            Self::Url(error) => error.fmt(f),
            Self::Http(response) => write!(f, "the handshake was answered {}", response.status()),
            Self::HttpFormat(error) => write!(f, "the head is not valid HTTP: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Capacity(error) => Some(error),
            Self::Protocol(error) => Some(error),
            Self::Url(error) => Some(error),
            Self::HttpFormat(error) => Some(error),
            Self::ConnectionClosed
            | Self::AlreadyClosed
            | Self::WriteBufferFull(_)
            | Self::Utf8(_)
            | Self::AttackAttempt
            | Self::Http(_) => None,
        }
    }
}

/// Implements `From` for what a variant holds, and for what converts into it.
macro_rules! from {
    ($($from:ty => |$error:ident| $make:expr;)*) => { $(
        impl From<$from> for Error {
            fn from($error: $from) -> Self {
                $make
            }
        }
    )* };
}

from! {
    io::Error => |error| Self::Io(error);
    TlsError => |error| Self::Tls(error);
    CapacityError => |error| Self::Capacity(error);
    ProtocolError => |error| Self::Protocol(error);
    UrlError => |error| Self::Url(error);
    httparse::Error => |error| Self::Protocol(ProtocolError::HttparseError(error));
    std::str::Utf8Error => |error| Self::Utf8(error.to_string());
    std::string::FromUtf8Error => |error| Self::Utf8(error.to_string());
    http::Error => |error| Self::HttpFormat(error);
    http::header::InvalidHeaderName => |error| Self::HttpFormat(error.into());
    http::header::InvalidHeaderValue => |error| Self::HttpFormat(error.into());
    http::header::ToStrError => |error| Self::Utf8(error.to_string());
    http::status::InvalidStatusCode => |error| Self::HttpFormat(error.into());
    http::uri::InvalidUri => |error| Self::HttpFormat(error.into());
}

impl From<framewise::Error> for Error {
    fn from(error: framewise::Error) -> Self {
        match error {
            framewise::Error::Violation(violation) => of_violation(*violation),
            framewise::Error::Misuse(misuse) => of_misuse(&misuse),
            framewise::Error::Rejected(rejected) => {
                let mut response = Response::new(Some(rejected.body.to_vec()));
                match (http::StatusCode::from_u16(rejected.status), rejected.headers.to_http()) {
                    (Ok(status), Ok(headers)) => {
                        *response.status_mut() = status;
                        *response.headers_mut() = headers;
                        Self::Http(Box::new(response))
                    }
                    (Err(error), _) => error.into(),
                    (_, Err(error)) => error.into(),
                }
            }
            framewise::Error::Io(error) => Self::Io(error),
            framewise::Error::RequestRejected(_)
            | framewise::Error::Connect(_)
            | framewise::Error::Other(_)
            | _ => Self::Io(io::Error::other(error.to_string())),
        }
    }
}
