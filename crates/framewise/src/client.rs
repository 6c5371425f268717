//! The client's side: from a URL to a connection.

mod dial;
mod handshake;
mod stream;
#[cfg(feature = "tls")]
mod tls;

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

pub use self::stream::ClientStream;
use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;
use crate::{Config, DeflateConfig, Error, Limits, Strictness, WebSocket};

/// How a client connects: what it offers and sends, its limits, its TLS.
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
#[derive(Clone, Debug, Default)]
pub struct Client {
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
    config: Arc<Config>,
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

    /// Another header line of the request: Authorization, Cookie, User-Agent.
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

    /// Connects to a `ws://` or `wss://` URL. A name and a password in it become the header Authorization.
    ///
    /// Name, TCP, TLS and handshake together may take [`Limits::handshake`].
    ///
    /// Errors: [`Error::Connect`] with a sentence that says what to do, as long as there is no connection;
    /// [`Error::Refused`] with the server's answer when that is another than 101, redirects too, which are not
    /// followed; [`Error::Violation`] when the answer breaks a rule or does not come.
    ///
    /// To drop the future gives up.
    pub async fn connect(&self, url: &str) -> Result<WebSocket<ClientStream>, Error> {
        let parsed = Url::parse(url)?;
        let deadline = Instant::now() + self.config.limits.handshake;
        let Ok(dialled) = timeout_at(deadline, self.dial(url, &parsed)).await else {
            let limit = self.config.limits.handshake;
            let says = format!("{} did not let anybody in within {limit:?}", parsed.authority);
            return Err(ConnectError::new(url, ConnectFault::TimedOut, says).into());
        };
        handshake::open(self, dialled?, &parsed, url, deadline).await
    }

    /// Makes the handshake over a stream that is connected already: a tunnel, a Unix socket, TLS of another kind. Of
    /// the URL, only what the request says counts.
    ///
    /// Errors and cancellation: as [`Client::connect`], without those of the connecting.
    pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        url: &str,
    ) -> Result<WebSocket<S>, Error> {
        let parsed = Url::parse(url)?;
        let deadline = Instant::now() + self.config.limits.handshake;
        handshake::open(self, stream, &parsed, url, deadline).await
    }

    async fn dial(&self, url: &str, parsed: &Url) -> Result<ClientStream, Error> {
        if !parsed.tls {
            return Ok(ClientStream::plain(dial::dial(url, parsed).await?));
        }
        #[cfg(feature = "tls")]
        {
            let config = match &self.tls {
                Some(config) => config.clone(),
                None => tls::platform(url).await?,
            };
            let tcp = dial::dial(url, parsed).await?;
            Ok(ClientStream::tls(tls::handshake(url, parsed, config, tcp).await?))
        }
        #[cfg(not(feature = "tls"))]
        {
            let says = "this program was built without TLS: switch the feature \"tls\" of framewise on";
            Err(ConnectError::new(url, ConnectFault::TlsLeftOut, says).into())
        }
    }
}
