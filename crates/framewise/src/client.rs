//! The client's side: from a URL to a connection.

mod attempt;
mod dial;
mod handshake;
mod proxy;
mod race;
mod redirect;
#[cfg(feature = "tls")]
mod tls;

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use self::attempt::Attempt;
pub use self::proxy::Proxy;
use self::proxy::{Environment, Via};
use self::redirect::Redirects;
use crate::error::ConnectError;
use crate::stream::Layer;
use crate::{Config, DeflateConfig, Error, Keepalive, Limits, NetStream, Strictness, WebSocket, trace};

/// How a client connects: what it offers and sends, its limits, its TLS, its proxy.
///
/// ```no_run
/// # async fn connect() -> Result<(), framewise::Error> {
/// use framewise::Client;
///
/// let mut ws = Client::new()
///     .protocol("chat.v2")
///     .header("Authorization", "Bearer 4f1c")
///     .connect("wss://example.com/chat")
///     .await?;
/// assert_eq!(ws.protocol(), Some("chat.v2"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Client {
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
    config: Arc<Config>,
    via: Via,
    redirects: u8,
    #[cfg(feature = "tls")]
    tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
}

impl Client {
    /// A client that offers no subprotocol, with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a subprotocol; the one that is called first is the preferred one.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    /// Offers several.
    #[must_use]
    pub fn protocols<T: Into<String>>(mut self, protocols: impl IntoIterator<Item = T>) -> Self {
        self.protocols.extend(protocols.into_iter().map(Into::into));
        self
    }

    /// Another header line of the request: Authorization, Cookie, User-Agent. Host stands for that of the URL. Those that the
    /// handshake writes itself are refused when it connects ([`Misuse::HandshakeHeader`](crate::Misuse::HandshakeHeader)).
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The header Origin, which browsers send, and which some servers ask for.
    #[must_use]
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.header("Origin", origin)
    }

    /// The limits, what is let pass, the kinds of message: all of it at once.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = Arc::new(config);
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.config).limits = limits;
        self
    }

    /// Offers permessage-deflate (RFC 7692).
    #[must_use]
    pub fn deflate(mut self, deflate: DeflateConfig) -> Self {
        Arc::make_mut(&mut self.config).deflate = Some(deflate);
        self
    }

    /// Pings the server at an interval, and gives it up when it is silent after one. Without this call: no Pings.
    #[must_use]
    pub fn keepalive(mut self, keepalive: Keepalive) -> Self {
        Arc::make_mut(&mut self.config).keepalive = Some(keepalive);
        self
    }

    /// Bytes queued from which on [`WebSocket::send`] waits. Without this call: 64 KiB.
    #[must_use]
    pub fn send_queue(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.config).send_queue = bytes;
        self
    }

    /// What is let pass.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        Arc::make_mut(&mut self.config).strictness = strictness;
        self
    }

    /// The TLS of `wss://`: other roots, a certificate of the client. Without this call: the platform's roots.
    ///
    /// Offer no other application protocol than `http/1.1`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Goes through this proxy, whatever the URL and the environment say.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), framewise::Error> {
    /// use framewise::{Client, Proxy};
    ///
    /// let proxy = Proxy::parse("socks5h://127.0.0.1:1080")?;
    /// let ws = Client::new().proxy(proxy).connect("wss://example.com/").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.via = Via::Proxy(proxy);
        self
    }

    /// Goes through the proxy that the environment names, as it is now; without this call no environment is read.
    ///
    /// As curl has it: `wss_proxy`, `https_proxy` for `wss://`, `ws_proxy`, `http_proxy` for `ws://`, `all_proxy` for
    /// both, the first that is not empty, each in lower or in upper case, but `http_proxy` in lower case only (a CGI
    /// program's `HTTP_PROXY` is under its client's control). Their values are as [`Proxy::parse`] takes them.
    /// `no_proxy` lists, with commas, who is reached without: a name, which stands for those under it as well, an
    /// address, a network (`10.0.0.0/8`), each with `:port` or for any, or `*` for all.
    ///
    /// A value that is no proxy fails the connection that would have used it.
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.via = Via::Environment(Environment::of_process());
        self
    }

    /// Follows redirects (301, 302, 303, 307, 308), so many at the most; without this call none.
    ///
    /// `http://` in a Location means `ws://`, `https://` means `wss://`. Once a redirect leads to another host, port or
    /// scheme, the headers Authorization, Cookie and Proxy-Authorization, and the name and password of the URL, are not
    /// sent any more; every other header is. From `wss://` to `ws://` none is followed.
    #[must_use]
    pub const fn follow_redirects(mut self, max: u8) -> Self {
        self.redirects = max;
        self
    }

    /// Connects to a `ws://` or `wss://` URL. A name and a password in it become the header Authorization.
    ///
    /// Where the host has several addresses, the next one is tried when one has failed, or has not answered for 250 ms
    /// (RFC 8305). Name, proxy, TCP, TLS, handshake and redirects together may take [`Limits::handshake`].
    ///
    /// Errors: [`Error::Connect`] with a sentence that says what to do, as long as there is no connection;
    /// [`Error::Rejected`] with the server's answer when that is another than 101, redirects that are not followed too;
    /// [`Error::Violation`] when the answer breaks a rule or does not come; [`Error::Misuse`], before it connects, when what
    /// was set makes no request.
    ///
    /// To drop the future gives up, and closes what was opened.
    pub async fn connect(&self, url: &str) -> Result<WebSocket<NetStream>, Error> {
        let mut attempt = Attempt::new(url, self.config.limits.handshake)?;
        attempt.follows = self.redirects > 0;
        let mut redirects = Redirects::new(self.redirects);
        loop {
            let asking = handshake::ask(self, &attempt)?;
            let stream = self.reach(&attempt).await.inspect_err(trace::unreachable)?;
            let opened = handshake::open(self, stream, &attempt, &asking).await;
            match &opened {
                Err(Error::Rejected(rejected)) if attempt.follows => match rejected.location() {
                    Some(location) => attempt = redirects.follow(&attempt, location)?,
                    None => return opened,
                },
                Ok(_) | Err(_) => return opened,
            }
        }
    }

    /// Makes the handshake over a stream that is connected already: a tunnel, a Unix socket, TLS of another kind. Of
    /// the URL, only what the request says counts. No redirect is followed.
    ///
    /// Errors and cancellation: as [`Client::connect`], without those of the connecting.
    pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        url: &str,
    ) -> Result<WebSocket<S>, Error> {
        let attempt = Attempt::new(url, self.config.limits.handshake)?;
        handshake::open(self, stream, &attempt, &handshake::ask(self, &attempt)?).await
    }

    /// Connects to the server of a `ws://` or `wss://` URL as [`Client::connect`] does, through the same proxy and with the
    /// same TLS, and makes no handshake: nothing is sent but what the proxy and TLS need. For those who pass on the bytes
    /// of others, or write a request of their own.
    ///
    /// ```no_run
    /// # async fn tunnel(mut client: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut server = framewise::Client::new().dial("wss://example.com/").await?;
    /// tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: [`Error::Connect`], as [`Client::connect`]. Name, proxy, TCP and TLS together may take
    /// [`Limits::handshake`]. To drop the future gives up, and closes what was opened.
    pub async fn dial(&self, url: &str) -> Result<NetStream, Error> {
        let attempt = Attempt::new(url, self.config.limits.handshake)?;
        Ok(self.reach(&attempt).await.inspect_err(trace::unreachable)?)
    }

    async fn reach(&self, attempt: &Attempt) -> Result<NetStream, ConnectError> {
        let (host, port) = (attempt.url.host.as_str(), attempt.url.port);
        let way = async {
            let proxy = match &self.via {
                Via::Direct => None,
                Via::Proxy(proxy) => Some(proxy.clone()),
                Via::Environment(environment) => environment.proxy(attempt)?,
            };
            match proxy {
                Some(proxy) => proxy::tunnel(self, attempt, &proxy).await,
                None => Ok(Layer::Plain(dial::dial(attempt, host, port).await?)),
            }
        };
        if attempt.url.tls {
            let layer = self.encrypt(attempt, host, port, "ws://", way).await?;
            return Ok(NetStream::new(layer));
        }
        Ok(NetStream::new(Layer::Plain(way.await?)))
    }

    /// Waits for a stream, and makes TLS on it. `plain` is what to write where the peer does not speak TLS.
    #[cfg(feature = "tls")]
    async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        attempt: &Attempt,
        host: &str,
        port: u16,
        plain: &'static str,
        stream: impl Future<Output = Result<S, ConnectError>>,
    ) -> Result<Layer<S>, ConnectError> {
        // Before anybody is disturbed: without roots there is no TLS.
        let (config, roots) = match &self.tls {
            Some(config) => (config.clone(), tls::Roots::Callers),
            None => (tls::platform(attempt).await?, tls::Roots::Platform),
        };
        let peer = tls::Peer { host, port, plain };
        Ok(Layer::tls(tls::handshake(attempt, &peer, roots, config, stream.await?).await?))
    }

    /// Says that there is no TLS, before anybody is disturbed.
    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_async, reason = "as it is with TLS")]
    async fn encrypt<S>(
        &self,
        attempt: &Attempt,
        _host: &str,
        _port: u16,
        _plain: &'static str,
        _stream: impl Future<Output = Result<S, ConnectError>>,
    ) -> Result<Layer<S>, ConnectError> {
        let says = "this program was built without TLS: switch the feature \"aws-lc-rs\" or \"ring\" of framewise on";
        Err(attempt.error(crate::ConnectFault::TlsLeftOut, says))
    }
}

/// Without the values of headers: they may hold passwords.
/// Without credentials, which a subprotocol may be as well.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("protocols", &self.protocols.len())
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("config", &self.config)
            .field("via", &self.via)
            .field("redirects", &self.redirects)
            .finish_non_exhaustive()
    }
}
