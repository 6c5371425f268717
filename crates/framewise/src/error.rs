use std::borrow::Cow;
use std::{fmt, io};

use bytes::Bytes;
use framewise_proto::handshake::Headers;
use framewise_proto::{Misuse, Violation};

use crate::authority::without_login;

/// Why a connection could not be made, or did not go on; sorted by whose fault it is.
///
/// `{}` and `{:?}` print one sentence, which is complete: [`source`](std::error::Error::source) repeats none of it. `{:#?}`
/// adds the details.
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule: which, at what byte and in what frame, and what was answered, is in the [`Violation`].
    /// A connection that was lost without a Close is one as well (`close-missing`, `connection-reset` and others).
    Violation(Box<Violation>),
    /// The server answered the opening handshake with another status than 101 (`response-status`). Its answer is kept.
    Rejected(Box<Rejected>),
    /// This server's [`crate::Reply`] rejected a handshake with this status.
    RequestRejected(u16),
    /// The caller asked for what would break a rule. Nothing of it was sent.
    Misuse(Misuse),
    /// There is no connection to begin with: a bad URL, no such name, nobody listening, TLS that fails.
    Connect(Box<ConnectError>),
    /// The transport failed in a way that the protocol has no name for.
    Io(io::Error),
}

impl Error {
    /// The rule that was broken, where it is one.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Rejected(rejected) => Some(&rejected.violation),
            Self::RequestRejected(_) | Self::Misuse(_) | Self::Connect(_) | Self::Io(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::RequestRejected(status) => {
                write!(f, "the server's own reply to this handshake was {status}")
            }
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

/// The sentence first: it is what `main` prints of an error that it returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if !f.alternate() {
            return Ok(());
        }
        match self {
            Self::Violation(violation) => write!(f, "\n{violation:#?}"),
            Self::Rejected(rejected) => write!(f, "\n{rejected:#?}"),
            Self::Misuse(misuse) => write!(f, "\n{misuse:#?}"),
            Self::Io(error) => write!(f, "\n{error:#?}"),
            Self::Connect(error) => error.details(f),
            Self::RequestRejected(_) => Ok(()),
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
    /// The status: 404, say.
    pub status: u16,
    /// The reason phrase: "Not Found", say; it may be empty.
    pub reason: String,
    /// Every header line.
    pub headers: Headers,
    /// The start of the body, as it was sent: 4 KiB at most, and what came within a second.
    pub body: Bytes,
}

impl Rejected {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }

    /// Where a redirect (301, 302, 303, 307, 308) leads to. It is not followed unless
    /// [`Client::follow_redirects`](crate::Client::follow_redirects) says so: a WebSocket client need not (RFC 6455
    /// §4.1), browsers do not, and a credential could be carried to another host.
    pub fn location(&self) -> Option<&str> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        std::str::from_utf8(self.header("location")?).ok()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {} {}", self.status, self.reason)?;
        if let Some(location) = self.location() {
            write!(f, ", a redirect to {location:?}, which is not followed: connect to where it leads")?;
        }
        write!(f, " ({})", self.violation)
    }
}

/// There is no connection, and this is why, in a sentence.
pub struct ConnectError {
    target: String,
    fault: ConnectFault,
    says: Cow<'static, str>,
    io: Option<io::Error>,
}

/// What kept a connection from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectFault {
    /// The URL.
    Url,
    /// The proxy: it cannot be reached, it refuses, or what it answers is no answer.
    Proxy,
    /// The redirects that were to be followed: too many, in a circle, from `wss://` to `ws://`, to no WebSocket URL.
    Redirect,
    /// The host's name has no address.
    Name,
    /// Nobody listens at the address.
    NobodyListens,
    /// The network does not lead there, or the system refused for another reason.
    Network,
    /// No connection within [`crate::Limits::handshake`].
    TimedOut,
    /// TLS failed: the certificate, say.
    Tls,
    /// The server speaks TLS, and the URL says `ws://`.
    ServerSpeaksTls,
    /// The server does not speak TLS, and the URL says `wss://`.
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

    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{:?}", self.fault)?;
        self.io.as_ref().map_or(Ok(()), |error| write!(f, "\n{error:#?}"))
    }

    /// The same of the way to a proxy.
    pub(crate) fn of_proxy(mut self, proxy: impl fmt::Display) -> Self {
        self.fault = ConnectFault::Proxy;
        self.says = format!("the proxy {proxy} cannot be reached: {}", self.says).into();
        self
    }

    /// What kept the connection from being made.
    pub const fn fault(&self) -> ConnectFault {
        self.fault
    }

    /// The error of the system, or of TLS, that the sentence was made of.
    pub const fn io_error(&self) -> Option<&io::Error> {
        self.io.as_ref()
    }

    /// The URL, without a user and a password; where redirects were followed, the one that they led to.
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
        if f.alternate() { self.details(f) } else { Ok(()) }
    }
}

/// Without a source: the sentence says what there is to say, and [`ConnectError::io_error`] has the rest.
impl std::error::Error for ConnectError {}
