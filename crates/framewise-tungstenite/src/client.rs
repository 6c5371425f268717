//! What a client asks for.

use std::io::{Read, Write};
use std::net::TcpStream;

use http::header::{AUTHORIZATION, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderName, HeaderValue, Uri};

use crate::error::{Error, Result, UrlError};
use crate::handshake::client::{ClientHandshake, Request, Response, generate_key};
use crate::handshake::{HandshakeError, failure};
use crate::protocol::{WebSocket, WebSocketConfig};
use crate::stream::{MaybeTlsStream, Mode};

/// Does the handshake of a client on a blocking stream.
///
/// Errors: as [`client_async`](crate::client_async); [`HandshakeError::Interrupted`] if the stream would block.
pub fn client<Stream: Read + Write, Req: IntoClientRequest>(
    request: Req,
    stream: Stream,
) -> Result<(WebSocket<Stream>, Response), HandshakeError<ClientHandshake<Stream>>> {
    client_with_config(request, stream, None)
}

/// As [`client`], with settings.
pub fn client_with_config<Stream: Read + Write, Req: IntoClientRequest>(
    request: Req,
    stream: Stream,
    config: Option<WebSocketConfig>,
) -> Result<(WebSocket<Stream>, Response), HandshakeError<ClientHandshake<Stream>>> {
    ClientHandshake::start(stream, request.into_client_request()?, config)?.handshake()
}

/// Connects to a URL with a blocking stream, and follows up to three redirects.
///
/// Errors: as [`connect_async`](crate::connect_async).
pub fn connect<Req: IntoClientRequest>(
    request: Req,
) -> Result<(WebSocket<MaybeTlsStream<TcpStream>>, Response)> {
    connect_with_config(request, None, 3)
}

/// As [`connect`], with settings.
///
/// Errors: [`Error::Http`] with the redirect after the last one that may be followed.
pub fn connect_with_config<Req: IntoClientRequest>(
    request: Req,
    config: Option<WebSocketConfig>,
    max_redirects: u8,
) -> Result<(WebSocket<MaybeTlsStream<TcpStream>>, Response)> {
    let mut request = request.into_client_request()?;
    let mut left = max_redirects;
    loop {
        match connect_once(request.clone(), config) {
            Err(Error::Http(response)) if response.status().is_redirection() && left > 0 => {
                let Some(location) = response.headers().get(LOCATION) else {
                    return Err(Error::Http(response));
                };
                left -= 1;
                let uri: Uri = location.to_str()?.parse()?;
                let host = uri.clone().into_client_request()?.headers()[HOST].clone();
                if request.headers().get(HOST) != Some(&host) {
                    // They were meant for another server.
                    for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                        request.headers_mut().remove(secret);
                    }
                }
                request.headers_mut().insert(HOST, host);
                *request.uri_mut() = uri;
            }
            connected => return connected,
        }
    }
}

fn connect_once(
    request: Request,
    config: Option<WebSocketConfig>,
) -> Result<(WebSocket<MaybeTlsStream<TcpStream>>, Response)> {
    let host = crate::tls::host(&request)?;
    let port = request.uri().port_u16().unwrap_or(match uri_mode(request.uri())? {
        Mode::Plain => 80,
        Mode::Tls => 443,
    });
    let stream = TcpStream::connect((host, port))?;
    stream.set_nodelay(true)?;
    crate::client_tls_with_config(request, stream, config, None).map_err(failure)
}

/// Whether a URL needs TLS.
///
/// Errors: [`UrlError::UnsupportedUrlScheme`] if it is not `ws://` or `wss://`.
pub fn uri_mode(uri: &Uri) -> Result<Mode> {
    match uri.scheme_str() {
        Some("ws") => Ok(Mode::Plain),
        Some("wss") => Ok(Mode::Tls),
        Some(_) | None => Err(UrlError::UnsupportedUrlScheme.into()),
    }
}

/// What can be turned into the request of a client: a URL, a [`Request`], a [`ClientRequestBuilder`].
pub trait IntoClientRequest {
    /// The request, with the headers of the handshake.
    fn into_client_request(self) -> Result<Request>;
}

impl IntoClientRequest for &str {
    fn into_client_request(self) -> Result<Request> {
        self.parse::<Uri>()?.into_client_request()
    }
}

impl IntoClientRequest for &String {
    fn into_client_request(self) -> Result<Request> {
        self.as_str().into_client_request()
    }
}

impl IntoClientRequest for String {
    fn into_client_request(self) -> Result<Request> {
        self.as_str().into_client_request()
    }
}

impl IntoClientRequest for &Uri {
    fn into_client_request(self) -> Result<Request> {
        self.clone().into_client_request()
    }
}

impl IntoClientRequest for Uri {
    fn into_client_request(self) -> Result<Request> {
        let authority = self.authority().ok_or(UrlError::NoHostName)?.as_str();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.is_empty() {
            return Err(UrlError::EmptyHostName.into());
        }
        let host = HeaderValue::from_str(host)?;
        Ok(Request::get(self)
            .header(HOST, host)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, generate_key())
            .body(())?)
    }
}

#[cfg(feature = "url")]
impl IntoClientRequest for &url::Url {
    fn into_client_request(self) -> Result<Request> {
        self.as_str().into_client_request()
    }
}

#[cfg(feature = "url")]
impl IntoClientRequest for url::Url {
    fn into_client_request(self) -> Result<Request> {
        self.as_str().into_client_request()
    }
}

impl IntoClientRequest for Request {
    fn into_client_request(self) -> Result<Request> {
        Ok(self)
    }
}

/// A request with more headers and subprotocols.
///
/// ```no_run
/// # async fn connect() -> Result<(), framewise_tungstenite::Error> {
/// use framewise_tungstenite::{ClientRequestBuilder, connect_async};
///
/// let request = ClientRequestBuilder::new("ws://localhost:9001/chat".parse()?)
///     .with_header("Authorization", "Bearer 4f1c")
///     .with_sub_protocol("chat.v2");
/// let (ws, response) = connect_async(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientRequestBuilder {
    uri: Uri,
    headers: Vec<(String, String)>,
    protocols: Vec<String>,
}

impl ClientRequestBuilder {
    /// A request for this URL.
    #[must_use]
    pub const fn new(uri: Uri) -> Self {
        Self { uri, headers: Vec::new(), protocols: Vec::new() }
    }

    /// Adds a header line.
    #[must_use]
    pub fn with_header<K: Into<String>, V: Into<String>>(mut self, key: K, value: V) -> Self {
        self.headers.push((key.into(), value.into()));
        self
    }

    /// Offers a subprotocol.
    #[must_use]
    pub fn with_sub_protocol<P: Into<String>>(mut self, protocol: P) -> Self {
        self.protocols.push(protocol.into());
        self
    }
}

impl IntoClientRequest for ClientRequestBuilder {
    fn into_client_request(self) -> Result<Request> {
        let mut request = self.uri.into_client_request()?;
        let headers = request.headers_mut();
        for (name, value) in self.headers {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        if !self.protocols.is_empty() {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::try_from(self.protocols.join(", "))?);
        }
        Ok(request)
    }
}
