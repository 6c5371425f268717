//! The server's side of the opening handshake, on any byte stream.

mod accept_loop;
pub(crate) mod answer;
#[cfg(target_os = "linux")]
pub(crate) mod driver;
mod handshake;
mod listener;
mod pending_request;
mod reject;
mod reply;
mod report;
mod tcp_handshake;
#[cfg(feature = "tls")]
mod tls;
mod unanswered;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use framewise_proto::handshake::{Headers, Request, ServerPolicy};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};

pub use self::accept_loop::{AcceptDelay, AcceptLoop, Incoming, Slot};
pub use self::listener::Listener;
pub use self::pending_request::PendingRequest;
pub use self::reply::Reply;
pub use self::report::{HandlerResult, ServeError};
pub use self::tcp_handshake::Handshake;
use crate::stop::StopRegistration;
use crate::{Config, DeflateConfig, Error, Keepalive, Limits, Stop, Strictness, WebSocket, deadline};

type Decide = dyn Fn(&Request) -> Reply + Send + Sync;

/// How a server answers handshakes. Cheap to clone: clones share the settings.
///
/// ```
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), framewise::Error> {
/// use framewise::{Reply, Server};
///
/// let server = Server::new().origins(["https://example.com"]).protocols(["chat.v2", "chat.v1"]).reply(|request| {
///     if request.target == "/chat" { Reply::accept() } else { Reply::reject(404, "there is only /chat\n") }
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
pub(crate) struct Settings {
    pub(crate) config: Arc<Config>,
    origins: Option<Vec<String>>,
    protocols: Vec<String>,
    headers: Headers,
    decide: Option<Arc<Decide>>,
    grace: Option<Duration>,
    stop: Option<Stop>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
}

impl Server {
    /// A server that accepts every client that keeps the rules: every Origin, no subprotocol, the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(feature = "hyper")]
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }

    /// The Origins that are allowed, as `https://example.com`; case does not matter. Another one is answered 403
    /// (`request-origin`), and so is a handshake without an Origin. Default: all are allowed, and a page of another site can
    /// open a connection with the cookies of its visitor (RFC 6455 §10.2).
    #[must_use]
    pub fn origins<T: Into<String>>(self, origins: impl IntoIterator<Item = T>) -> Self {
        self.set(|settings| settings.origins = Some(origins.into_iter().map(Into::into).collect()))
    }

    /// The subprotocols of the server, the preferred one first. The first that the client offers as well is chosen; if there
    /// is none, the connection has no subprotocol.
    #[must_use]
    pub fn protocols<T: Into<String>>(self, protocols: impl IntoIterator<Item = T>) -> Self {
        self.set(|settings| settings.protocols = protocols.into_iter().map(Into::into).collect())
    }

    /// Another header line for every 101. Headers of the handshake itself are an error when it is answered
    /// ([`Misuse::HandshakeHeader`](crate::Misuse::HandshakeHeader)). The value may be any bytes but control characters.
    #[must_use]
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.set(|settings| settings.headers.push(name.as_ref(), value.as_ref()))
    }

    /// Decides on each request that breaks no rule: by its path, by a cookie, by the subprotocols that it offers. To wait
    /// for something first, such as a database, use [`Server::request`] or [`Listener::serve_requests`].
    ///
    /// If it panics, the client gets a 500.
    #[must_use]
    pub fn reply(self, decide: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.decide = Some(Arc::new(decide)))
    }

    /// Sets the complete configuration: limits, tolerated violations, kinds of message.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        self.set(|settings| settings.config = Arc::new(config))
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).limits = limits)
    }

    /// Accepts permessage-deflate (RFC 7692) from the clients that offer it.
    #[must_use]
    pub fn deflate(self, deflate: DeflateConfig) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).deflate = Some(deflate))
    }

    /// Pings each client at an interval, and ends the connection if no answer comes. A public server needs it, or
    /// [`Limits::idle`]: otherwise a client that vanished stays connected for ever.
    ///
    /// Default: no Pings. They cost an idle connection a timer and messages, and some clients do not answer them.
    #[must_use]
    pub fn keepalive(self, keepalive: Keepalive) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).keepalive = Some(keepalive))
    }

    /// Sets how many bytes may be queued for a client before [`WebSocket::send`] waits. Default: 64 KiB.
    #[must_use]
    pub fn send_queue(self, bytes: usize) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).send_queue = bytes)
    }

    /// Sets the violations that are tolerated. Each is still reported, as [`Event::Tolerated`](crate::Event::Tolerated).
    /// Default: none.
    #[must_use]
    pub fn strictness(self, strictness: Strictness) -> Self {
        self.set(|settings| Arc::make_mut(&mut settings.config).strictness = strictness)
    }

    /// How long [`Listener::serve_until`] waits for the handlers when it stops. Default: twice [`Limits::close`], the longest
    /// time that a closing handshake takes.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        self.set(|settings| settings.grace = Some(grace))
    }

    /// Stops this server together with the others that have the same [`Stop`]. A [`Listener`] alone does not need one: see
    /// [`Listener::serve_until`]. If it has one, its end and the [`Stop`] each stop all servers, and wait for the handlers
    /// and connections of all.
    #[must_use]
    pub fn stop(self, stop: &Stop) -> Self {
        self.set(|settings| settings.stop = Some(stop.clone()))
    }

    /// Makes each [`Listener`] of this server serve `wss://`.
    ///
    /// ```no_run
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// use framewise::rustls::ServerConfig;
    /// use framewise::rustls::pki_types::pem::PemObject as _;
    /// use framewise::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    ///
    /// let chain = CertificateDer::pem_file_iter("fullchain.pem")?.collect::<Result<_, _>>()?;
    /// let key = PrivateKeyDer::from_pem_file("privkey.pem")?;
    /// let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    ///
    /// let listener = framewise::Server::new().tls_config(tls.into()).bind("127.0.0.1:9443").await?;
    /// # listener.serve(|_| async {}).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Do not offer an application protocol other than `http/1.1`. [`Server::accept`] does not use this configuration: it
    /// takes a stream on which TLS is established.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(self, config: Arc<tokio_rustls::rustls::ServerConfig>) -> Self {
        self.set(|settings| settings.tls = Some(config))
    }

    /// Reads a handshake from a stream and answers it. For TLS, pass the stream of an acceptor, for example of tokio-rustls.
    ///
    /// Errors: [`Error::Violation`] if the request breaks a rule or is not complete within [`Limits::handshake`]
    /// (`request-timeout`); the client got the status of the rule, and its sentence as the body.
    /// [`Error::RequestRejected`] if [`Server::reply`] rejected the request, or the server is stopped (503).
    /// [`Error::Misuse`] if the settings or the reply do not make a valid 101.
    ///
    /// Dropping the future drops the stream.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<WebSocket<S>, Error> {
        // Boxed, so that a task that continues with the connection does not keep the memory of the handshake.
        Box::pin(self.open(stream)).await
    }

    async fn open<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<WebSocket<S>, Error> {
        let pending = self.read(stream).await?;
        let reply = self.settings.decide(pending.request());
        pending.respond(reply).await
    }

    /// The first half of [`Server::accept`]: reads the request, which the caller answers when it has decided.
    ///
    /// ```no_run
    /// # async fn user(token: Option<&[u8]>) -> Option<String> { None }
    /// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), framewise::Error> {
    /// use framewise::{Reply, Server};
    ///
    /// let pending = Server::new().request(stream).await?;
    /// let reply = match user(pending.request().header("Authorization")).await {
    ///     Some(_) => Reply::accept(),
    ///     None => Reply::reject(401, "log in first\n").header("WWW-Authenticate", "Bearer"),
    /// };
    /// let mut ws = pending.answer(reply).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: [`Error::Violation`], as [`Server::accept`]. Dropping the future drops the stream.
    pub async fn request<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<PendingRequest<S>, Error> {
        Box::pin(self.read(stream)).await
    }

    async fn read<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<PendingRequest<S>, Error> {
        let deadline = deadline::after(self.settings.config.limits.handshake);
        handshake::request(Arc::clone(&self.settings), stream, self.settings.register(), deadline).await
    }

    /// Listens on an address, for example `"127.0.0.1:9001"`. Port 0 chooses a free port.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Listener> {
        Ok(self.listen(TcpListener::bind(address).await?))
    }

    /// Uses a listener that is set up already.
    pub fn listen(self, listener: TcpListener) -> Listener {
        Listener::new(self, listener)
    }
}

impl Settings {
    pub(crate) fn policy(&self) -> ServerPolicy {
        ServerPolicy { limits: self.config.limits, origins: self.origins.clone() }
    }

    /// The application's reply to a valid request.
    pub(crate) fn decide(&self, request: &Request) -> Reply {
        self.decide.as_ref().map_or_else(Reply::accept, |decide| decide(request))
    }

    /// Registers a connection with the server's [`Stop`], if it has one.
    pub(crate) fn register(&self) -> Option<StopRegistration> {
        self.stop.as_ref().map(Stop::register)
    }

    /// Registers a handler of an HTTP library's connection, which a stop waits for.
    #[cfg(any(feature = "tower", feature = "axum"))]
    pub(crate) fn task(&self) -> Option<crate::stop::StopTask> {
        self.stop.as_ref().map(Stop::task)
    }

    fn grace(&self) -> Duration {
        self.grace.unwrap_or(self.config.limits.close.saturating_mul(2))
    }
}

/// Without credentials.
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
