//! Requests and headers of the crate `http`: feature `http`.

use framewise_proto::Misuse;
use framewise_proto::rules::Rule;
use http::{HeaderMap, Method, Version, header};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Client;
use crate::{Error, NetStream, WebSocket};

impl Client {
    /// Adds the header lines of a map to the request, as [`Client::header`].
    ///
    /// ```
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("cookie", http::HeaderValue::from_static("session=4f1c"));
    /// let client = framewise::Client::new().headers(&headers);
    /// ```
    #[must_use]
    pub fn headers(mut self, headers: &HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Connects to the URL of a request of the crate http, with its headers in addition to those of the client.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http::Request::get("wss://example.com/chat").header("Cookie", "session=4f1c").body(())?;
    /// let mut ws = framewise::Client::new().request(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A request may be a complete handshake, as other libraries make it: the handshake writes Connection, Upgrade,
    /// Sec-WebSocket-Key and Sec-WebSocket-Version anew, and offers the subprotocols in Sec-WebSocket-Protocol. For
    /// Sec-WebSocket-Extensions it fails with [`Misuse::HandshakeHeader`]: use [`Client::deflate`].
    ///
    /// Errors and cancellation: as [`Client::connect`]; also [`Misuse::Request`] for a method other than GET, and for a
    /// version other than HTTP/1.1.
    pub async fn request(&self, request: http::Request<()>) -> Result<WebSocket<NetStream>, Error> {
        self.with(&request)?.connect(request.uri().to_string()).await
    }

    /// As [`Client::request`], on a connected stream: see [`Client::connect_over`].
    pub async fn request_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        request: http::Request<()>,
    ) -> Result<WebSocket<S>, Error> {
        self.with(&request)?.connect_over(stream, request.uri().to_string()).await
    }

    /// This client with what a request says.
    fn with(&self, request: &http::Request<()>) -> Result<Self, Misuse> {
        if request.method() != Method::GET {
            return Err(Misuse::Request(Rule::RequestMethod));
        }
        if request.version() != Version::HTTP_11 {
            return Err(Misuse::Request(Rule::RequestHttpVersion));
        }
        let mut client = self.clone();
        for (name, value) in request.headers() {
            match *name {
                header::CONNECTION
                | header::UPGRADE
                | header::SEC_WEBSOCKET_KEY
                | header::SEC_WEBSOCKET_VERSION => {}
                header::SEC_WEBSOCKET_PROTOCOL => {
                    let list = String::from_utf8_lossy(value.as_bytes());
                    client.protocols.extend(list.split(',').map(|protocol| protocol.trim().to_owned()));
                }
                _ => client.headers.push(name.as_str(), value.as_bytes()),
            }
        }
        Ok(client)
    }
}
