//! The server's side of the opening handshake, on any byte stream.

mod handshake;
mod listener;
mod reply;

use std::fmt;
use std::io;
use std::sync::Arc;

use framewise_proto::handshake::{Request, ServerPolicy};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};

pub use self::listener::{Handshake, Listener};
pub use self::reply::Reply;
use crate::stop::StopSeat;
use crate::{Config, DeflateConfig, Error, Limits, Strictness, WebSocket};

type Decide = dyn Fn(&Request) -> Reply + Send + Sync;

/// How a server answers handshakes. Cheap to clone: clones share what was set.
///
/// ```
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), framewise::Error> {
/// use framewise::{Reply, Server};
///
/// let server = Server::new().origins(["https://example.com"]).protocols(["chat.v2", "chat.v1"]).reply(|request| {
///     if request.target == "/chat" { Reply::accept() } else { Reply::refuse(404, "there is only /chat\n") }
/// });
/// let mut ws = server.accept(stream).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Server {
    settings: Arc<Settings>,
}

#[derive(Clone, Default)]
struct Settings {
    config: Arc<Config>,
    origins: Option<Vec<String>>,
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
    decide: Option<Arc<Decide>>,
}

impl Server {
    /// A server that lets in every client that keeps the rules: every Origin, no subprotocol, the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }

    /// The Origins that are let in, as `https://example.com`, without regard to case. Another one is answered 403
    /// (`request-origin`), and so is a handshake without an Origin. Without this call all are let in: then a page of
    /// another site can open a connection with the cookies of its visitor (RFC 6455 §10.2).
    #[must_use]
    pub fn origins<T: Into<String>>(self, origins: impl IntoIterator<Item = T>) -> Self {
        self.set(|settings| settings.origins = Some(origins.into_iter().map(Into::into).collect()))
    }

    /// The subprotocols that the server speaks, the preferred one first. The first that the client offers, too, is
    /// chosen; none is no fault.
    #[must_use]
    pub fn protocols<T: Into<String>>(self, protocols: impl IntoIterator<Item = T>) -> Self {
        self.set(|settings| settings.protocols = protocols.into_iter().map(Into::into).collect())
    }

    /// Another header line for every 101.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(|settings| settings.headers.push((name.into(), value.into())))
    }

    /// Decides on each request that breaks no rule: by its path, by a cookie, by the subprotocols that it offers.
    #[must_use]
    pub fn reply(self, decide: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.decide = Some(Arc::new(decide)))
    }

    /// The limits, what is let pass, the kinds of message: all of it at once.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        self.set(|settings| settings.config = Arc::new(config))
    }

    /// The limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).limits = limits)
    }

    /// Accepts permessage-deflate (RFC 7692) from the clients that offer it.
    #[must_use]
    pub fn deflate(self, deflate: DeflateConfig) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).deflate = Some(deflate))
    }

    /// What is let pass.
    #[must_use]
    pub fn strictness(self, strictness: Strictness) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).strictness = strictness)
    }

    /// Reads a handshake from a stream and answers it. For TLS, give it the stream of an acceptor, of tokio-rustls for one.
    ///
    /// Errors: [`Error::Violation`] when the request breaks a rule, or is not complete within [`Limits::handshake`]
    /// (`request-timeout`); it was then answered with the rule's status and the sentence as its body.
    /// [`Error::TurnedDown`] when [`Server::reply`] refused it. [`Error::Misuse`] when what was set makes no 101.
    ///
    /// To drop the future drops the stream.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<WebSocket<S>, Error> {
        self.open(stream, None).await
    }

    pub(crate) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        stop: Option<StopSeat>,
    ) -> Result<WebSocket<S>, Error> {
        handshake::accept(&self.settings, stream, stop).await
    }

    /// Listens at an address: `"127.0.0.1:9001"`, or port 0 for one that is free.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Listener> {
        Ok(self.listen(TcpListener::bind(address).await?))
    }

    /// Takes a listener that is set up already.
    pub fn listen(self, listener: TcpListener) -> Listener {
        Listener::new(self, listener)
    }
}

impl Settings {
    fn policy(&self) -> ServerPolicy {
        ServerPolicy { limits: self.config.limits, origins: self.origins.clone() }
    }

    /// The application's answer to a request that breaks no rule.
    fn decide(&self, request: &Request) -> Reply {
        let mut reply = self.decide.as_ref().map_or_else(Reply::accept, |decide| decide(request));
        if reply.protocol.is_none() {
            reply.protocol =
                self.protocols.iter().find(|protocol| request.protocols.contains(protocol)).cloned();
        }
        reply.headers.extend_from_slice(&self.headers);
        reply
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.settings.config)
            .field("origins", &self.settings.origins)
            .field("protocols", &self.settings.protocols)
            .field("headers", &self.settings.headers)
            .finish_non_exhaustive()
    }
}
