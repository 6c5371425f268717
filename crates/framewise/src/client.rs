//! The client: from a URL to a connection.

mod attempt;
mod dial;
mod handshake;
#[cfg(feature = "http")]
mod http;
mod offer;
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
use crate::{
    Config, DeflateConfig, Error, Headers, Keepalive, Limits, NetStream, Strictness, WebSocket, trace,
};

/// How a client connects: the offered subprotocols, the headers, the limits, TLS, the proxy.
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
    headers: Headers,
    config: Arc<Config>,
    via: Via,
    redirects: u8,
    #[cfg(feature = "tls")]
    tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
    #[cfg(feature = "tls")]
    roots: tls::MoreRoots,
}

impl Client {
    /// Creates a client with the default limits and without subprotocols.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a subprotocol. The first one is the preferred one.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    /// Offers several subprotocols.
    #[must_use]
    pub fn protocols<T: Into<String>>(mut self, protocols: impl IntoIterator<Item = T>) -> Self {
        self.protocols.extend(protocols.into_iter().map(Into::into));
        self
    }

    /// Adds a header line to the request, for example Cookie or User-Agent. A Host replaces that of the URL. The value may be
    /// any bytes but control characters.
    ///
    /// Connecting fails with [`Misuse::HandshakeHeader`](crate::Misuse::HandshakeHeader) for headers that the handshake writes
    /// itself, and with [`Misuse::HeaderName`](crate::Misuse::HeaderName) or
    /// [`Misuse::HeaderValue`](crate::Misuse::HeaderValue) for characters that a header must not contain.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name.as_ref(), value.as_ref());
        self
    }

    /// Sets the header Authorization to a bearer token (RFC 6750 §2.1). It is used instead of a name and a password in the
    /// URL, and is not sent to another server to which a redirect leads.
    ///
    /// ```
    /// let client = framewise::Client::new().bearer_auth("4f1c");
    /// ```
    #[must_use]
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// Sets the header Origin, which browsers send and some servers require.
    #[must_use]
    pub fn origin(self, origin: impl AsRef<str>) -> Self {
        self.header("Origin", origin.as_ref())
    }

    /// Sets the complete configuration: limits, tolerated violations, kinds of message.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = Arc::new(config);
        self
    }

    /// Sets the limits.
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

    /// Pings the server at an interval, and closes the connection if the server is silent after a Ping. Off by default.
    #[must_use]
    pub fn keepalive(mut self, keepalive: Keepalive) -> Self {
        Arc::make_mut(&mut self.config).keepalive = Some(keepalive);
        self
    }

    /// Sets how many bytes may be queued before [`WebSocket::send`] waits. Default: 64 KiB.
    #[must_use]
    pub fn send_queue(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.config).send_queue = bytes;
        self
    }

    /// Sets the violations that are tolerated.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        Arc::make_mut(&mut self.config).strictness = strictness;
        self
    }

    /// Also trusts servers whose certificate is signed by this one: a private CA, or the certificate of a test server.
    ///
    /// ```no_run
    /// # fn client() -> Result<framewise::Client, Box<dyn std::error::Error>> {
    /// use framewise::rustls::pki_types::CertificateDer;
    /// use framewise::rustls::pki_types::pem::PemObject as _;
    ///
    /// let authority = CertificateDer::from_pem_file("ca.pem")?;
    /// let client = framewise::Client::new().add_root_certificate(authority);
    /// # Ok(client)
    /// # }
    /// ```
    ///
    /// If the certificate cannot be parsed, connecting to `wss://` fails. After [`Client::tls_config`], only the
    /// certificates in that configuration count.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn add_root_certificate(
        mut self,
        certificate: tokio_rustls::rustls::pki_types::CertificateDer<'static>,
    ) -> Self {
        self.roots.add(certificate);
        self
    }

    /// Sets the TLS configuration for `wss://`, for example with a client certificate, or other root certificates only.
    /// Default: the root certificates of the features `platform-roots` and `webpki-roots`, and those of
    /// [`Client::add_root_certificate`].
    ///
    /// Do not offer an application protocol other than `http/1.1`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Connects to this host and port instead of those of the URL, which the handshake and TLS still name: one server among
    /// several behind a name, or one that its name does not lead to yet. A proxy is not used then.
    #[must_use]
    pub fn connect_to(mut self, host: impl Into<String>, port: u16) -> Self {
        self.via = Via::Elsewhere(host.into(), port);
        self
    }

    /// Uses this proxy for every connection. The environment is ignored.
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

    /// Uses the proxy in the environment, which is read now. Without this call, the environment is ignored.
    ///
    /// As in curl, the first variable that is not empty counts: `wss_proxy`, `https_proxy`, `all_proxy` for `wss://`;
    /// `ws_proxy`, `http_proxy`, `all_proxy` for `ws://`. Names may be lower or upper case, but `http_proxy` is lower case
    /// only (the client of a CGI program controls its `HTTP_PROXY`). For the values see [`Proxy::parse`].
    /// `no_proxy` lists, separated by commas, the hosts that are reached directly: a name, which includes its subdomains, an
    /// address, or a network (`10.0.0.0/8`), each with an optional `:port`, or `*` for all.
    ///
    /// If a value is not valid, the connections that would use it fail.
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.via = Via::Environment(Environment::of_process());
        self
    }

    /// Follows up to this many redirects (301, 302, 303, 307, 308). Default: none.
    ///
    /// `http://` in a Location means `ws://`, and `https://` means `wss://`. After a redirect to another host, port or
    /// scheme, the headers Authorization, Cookie and Proxy-Authorization and the name and password of the URL are not
    /// sent any more; the other headers are. A redirect from `wss://` to `ws://` is not followed.
    #[must_use]
    pub const fn follow_redirects(mut self, max: u8) -> Self {
        self.redirects = max;
        self
    }

    /// Connects to a `ws://` or `wss://` URL. A name and a password in the URL become the header Authorization.
    ///
    /// If the host has several addresses, the next one is tried when one has failed or has not answered for 250 ms
    /// (RFC 8305). Resolving the name, proxy, TCP, TLS, handshake and redirects together may take [`Limits::handshake`].
    ///
    /// Errors: [`Error::Connect`], which says what to do, if no connection is established; [`Error::Rejected`] with the
    /// server's answer if its status is not 101 (also for redirects that are not followed); [`Error::Violation`] if the
    /// answer breaks a rule or does not arrive; [`Error::Misuse`], before it connects, if the settings do not make a valid
    /// request.
    ///
    /// Dropping the future closes what was opened.
    pub async fn connect(&self, url: impl AsRef<str>) -> Result<WebSocket<NetStream>, Error> {
        let mut attempt = Attempt::new(url.as_ref(), self.config.limits.handshake)?;
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

    /// Does the handshake on a connected stream: a tunnel, a Unix socket, another TLS library. The URL is only used for the
    /// request. Redirects are not followed.
    ///
    /// Errors and cancellation: as [`Client::connect`] after it has connected.
    pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        url: impl AsRef<str>,
    ) -> Result<WebSocket<S>, Error> {
        let attempt = Attempt::new(url.as_ref(), self.config.limits.handshake)?;
        handshake::open(self, stream, &attempt, &handshake::ask(self, &attempt)?).await
    }

    /// Connects to the server of a `ws://` or `wss://` URL as [`Client::connect`], with the same proxy and TLS, but without
    /// the WebSocket handshake: for programs that forward bytes or write the request themselves.
    ///
    /// ```no_run
    /// # async fn tunnel(mut client: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut server = framewise::Client::new().dial("wss://example.com/").await?;
    /// tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: [`Error::Connect`], as [`Client::connect`]. Resolving the name, proxy, TCP and TLS together may take
    /// [`Limits::handshake`]. Dropping the future closes what was opened.
    pub async fn dial(&self, url: impl AsRef<str>) -> Result<NetStream, Error> {
        let attempt = Attempt::new(url.as_ref(), self.config.limits.handshake)?;
        Ok(self.reach(&attempt).await.inspect_err(trace::unreachable)?)
    }

    async fn reach(&self, attempt: &Attempt) -> Result<NetStream, ConnectError> {
        let (host, port) = (attempt.url.host.as_str(), attempt.url.port);
        let way = async {
            let proxy = match &self.via {
                Via::Direct | Via::Elsewhere(..) => None,
                Via::Proxy(proxy) => Some(proxy.clone()),
                Via::Environment(environment) => environment.proxy(attempt)?,
            };
            if let Some(proxy) = proxy {
                return proxy::tunnel(self, attempt, &proxy).await;
            }
            let (host, port) = match &self.via {
                Via::Elsewhere(host, port) => (host.as_str(), *port),
                Via::Direct | Via::Proxy(_) | Via::Environment(_) => (host, port),
            };
            Ok(Layer::Plain(dial::dial(attempt, host, port).await?))
        };
        if attempt.url.tls {
            let layer = self.encrypt(attempt, host, port, "ws://", way).await?;
            return Ok(NetStream::new(layer));
        }
        Ok(NetStream::new(Layer::Plain(way.await?)))
    }

    /// Waits for a stream, and does the TLS handshake on it. `plain` says what to write if the peer does not speak TLS.
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
            None => (self.roots.config(attempt).await?, tls::Roots::Default),
        };
        let peer = tls::Peer { host, port, plain };
        Ok(Layer::tls(tls::handshake(attempt, &peer, roots, config, stream.await?).await?))
    }

    /// Fails before it connects, because this build has no TLS.
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
        let says =
            "this program was built without TLS: enable the feature \"aws-lc-rs\" or \"ring\" of framewise";
        Err(attempt.error(crate::ConnectFault::TlsLeftOut, says))
    }
}

/// Without the values of headers and the subprotocols, which may be credentials.
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
