use std::borrow::Cow;
use std::{fmt, io};

use bytes::Bytes;
use framewise_proto::handshake::{Headers, hidden_query};
use framewise_proto::{Misuse, Violation};

use crate::authority::without_login;

/// Why a connection could not be established, or failed.
///
/// `{}` and `{:?}` print one complete sentence; [`source`](std::error::Error::source) does not repeat any of it. `{:#?}` adds
/// the details.
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule. The [`Violation`] says which, at what byte and in what frame, and how this end answered.
    /// A connection that was lost without a Close is a violation, too (`close-missing`, `connection-reset` and others).
    Violation(Box<Violation>),
    /// The server answered the opening handshake with a status other than 101 (`response-status`). Its answer is inside.
    Rejected(Box<Rejected>),
    /// The [`crate::Reply`] of this server rejected the handshake with this status.
    RequestRejected(u16),
    /// The call would break a rule. Nothing was sent.
    Misuse(Misuse),
    /// The connection could not be established: bad URL, unknown name, connection refused, failed TLS.
    Connect(Box<ConnectError>),
    /// The stream failed, and no rule describes the failure.
    Io(io::Error),
    /// An error of the application, from [`Error::other`]: this crate creates none.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps an error of the application: for a handler of [`Listener::serve`](crate::Listener::serve), whose `?` then works
    /// for other errors, too.
    ///
    /// ```
    /// fn number(text: &str) -> Result<u64, framewise::Error> {
    ///     text.parse().map_err(framewise::Error::other)
    /// }
    /// assert_eq!(number("x").unwrap_err().to_string(), "invalid digit found in string");
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// The violation, if a rule was broken.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Rejected(rejected) => Some(&rejected.violation),
            Self::RequestRejected(_) | Self::Misuse(_) | Self::Connect(_) | Self::Io(_) | Self::Other(_) => {
                None
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::RequestRejected(status) => {
                write!(f, "the server rejected the handshake with {status}")
            }
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

/// The sentence first, since `main` prints this of an error that it returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::RequestRejected(_) => write!(f, "{self}"),
            Self::Rejected(rejected) if f.alternate() => write!(f, "{self}\n{rejected:#?}"),
            Self::Io(error) if f.alternate() => write!(f, "{self}\n{error:#?}"),
            Self::Other(error) if f.alternate() => write!(f, "{self}\n{error:#?}"),
            Self::Rejected(_) | Self::Io(_) | Self::Other(_) => write!(f, "{self}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Violation(_)
            | Self::Rejected(_)
            | Self::RequestRejected(_)
            | Self::Misuse(_)
            | Self::Connect(_) => None,
            // Its own text is part of the sentence.
            Self::Io(error) => error.source(),
            Self::Other(error) => error.source(),
        }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(Box::new(violation))
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self::Other(error)
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

/// The answer of a server that did not switch to WebSocket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// `response-status`, with its place in the server's stream.
    pub violation: Violation,
    /// The status, for example 404.
    pub status: u16,
    /// The reason phrase, for example "Not Found"; it may be empty.
    pub reason: String,
    /// Every header line.
    pub headers: Headers,
    /// The start of the body, as it was sent: up to 4 KiB, and what arrived within a second.
    pub body: Bytes,
}

impl Rejected {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }

    /// The target of a redirect (301, 302, 303, 307, 308). It is not followed without
    /// [`Client::follow_redirects`](crate::Client::follow_redirects): a WebSocket client does not have to (RFC 6455 §4.1),
    /// browsers do not, and it could send credentials to another host.
    pub fn location(&self) -> Option<&str> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        std::str::from_utf8(self.header("location")?).ok()
    }
}

/// Characters of a body that a sentence quotes.
const QUOTED: usize = 120;

impl Rejected {
    /// The first line of a body that is text for people: that of a page is only markup.
    fn first_line(&self) -> Option<String> {
        let kind = self.header("content-type").unwrap_or(b"text/plain").to_ascii_lowercase();
        let is_text = kind.starts_with(b"text/") && !kind.starts_with(b"text/html");
        if !is_text
            && !kind.starts_with(b"application/json")
            && !kind.starts_with(b"application/problem+json")
        {
            return None;
        }
        let line =
            self.body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty())?;
        let line = match std::str::from_utf8(line) {
            Ok(line) => line,
            // The body is cut inside of a character.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&line[..error.valid_up_to()]).ok()?
            }
            Err(_) => return None,
        };
        let mut quoted: String = line.chars().take(QUOTED).collect();
        if quoted.len() < line.len() {
            quoted.push('…');
        }
        Some(quoted)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {} {}", self.status, self.reason)?;
        if let Some(location) = self.location() {
            // Its user, password and query may be secrets.
            let location = hidden_query(location);
            write!(f, ", a redirect to {location:?}, which was not followed: connect to that URL")?;
        } else if let Some(line) = self.first_line() {
            write!(f, ": {line:?}")?;
        }
        write!(f, " ({})", self.violation)
    }
}

/// Why a connection could not be established.
pub struct ConnectError {
    target: String,
    fault: ConnectFault,
    says: Cow<'static, str>,
    io: Option<io::Error>,
}

/// The kind of a [`ConnectError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectFault {
    /// The URL is not valid.
    Url,
    /// The proxy cannot be reached, refuses, or sends an invalid answer.
    Proxy,
    /// A redirect cannot be followed: too many, a loop, from `wss://` to `ws://`, or not to a WebSocket URL.
    Redirect,
    /// The name of the host has no address.
    Name,
    /// The connection was refused: no program listens on the address.
    NobodyListens,
    /// The address cannot be reached, or the system refused for another reason.
    Network,
    /// The connection was not established within [`crate::Limits::handshake`].
    TimedOut,
    /// TLS failed, for example because of the certificate.
    Tls,
    /// The server speaks TLS, but the URL says `ws://`.
    ServerSpeaksTls,
    /// The server does not speak TLS, but the URL says `wss://`.
    ServerSpeaksPlain,
    /// This build of framewise has no TLS.
    TlsLeftOut,
}

impl ConnectError {
    pub(crate) fn new(target: &str, fault: ConnectFault, says: impl Into<Cow<'static, str>>) -> Self {
        Self { target: without_login(target).into_owned(), fault, says: says.into(), io: None }
    }

    pub(crate) fn because(mut self, error: io::Error) -> Self {
        self.io = Some(error);
        self
    }

    /// Turns it into an error of the connection to a proxy.
    pub(crate) fn of_proxy(mut self, proxy: impl fmt::Display) -> Self {
        self.fault = ConnectFault::Proxy;
        self.says = format!("the proxy {proxy} cannot be reached: {}", self.says).into();
        self
    }

    /// The kind of the error.
    pub const fn fault(&self) -> ConnectFault {
        self.fault
    }

    /// The underlying error of the system or of TLS.
    pub const fn io_error(&self) -> Option<&io::Error> {
        self.io.as_ref()
    }

    /// The URL without user and password. After redirects, the URL of the last one, without its query.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}: {}", self.target, self.says)
    }
}

/// As [`Error`].
impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if !f.alternate() {
            return Ok(());
        }
        write!(f, "\n{:?}", self.fault)?;
        self.io.as_ref().map_or(Ok(()), |error| write!(f, "\n{error:#?}"))
    }
}

/// Without a source, since the sentence contains it. [`ConnectError::io_error`] returns it.
impl std::error::Error for ConnectError {}
