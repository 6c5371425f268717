use std::io;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{IntoClientRequest, uri_mode};
use crate::error::Error;
use crate::handshake::client::Response;
use crate::maybe_tls::MaybeTlsStream;
use crate::protocol::WebSocketConfig;
use crate::stream::Mode;
use crate::tls::{Connector, client_async_tls_with_config, host};
use crate::web_socket_stream::WebSocketStream;

type Connected = (WebSocketStream<MaybeTlsStream<TcpStream>>, Response);

/// Connects to a `ws://` or `wss://` URL.
///
/// Errors: [`Error::Url`], [`Error::Io`], [`Error::Tls`], and those of [`client_async`](crate::client_async).
pub async fn connect_async<R>(request: R) -> Result<Connected, Error>
where
    R: IntoClientRequest + Unpin,
{
    connect_async_with_config(request, None, false).await
}

/// As [`connect_async`], with settings. `disable_nagle` sets `TCP_NODELAY`.
pub async fn connect_async_with_config<R>(
    request: R,
    config: Option<WebSocketConfig>,
    disable_nagle: bool,
) -> Result<Connected, Error>
where
    R: IntoClientRequest + Unpin,
{
    connect_async_tls_with_config(request, config, disable_nagle, None).await
}

/// As [`connect_async_with_config`], with settings for TLS.
pub async fn connect_async_tls_with_config<R>(
    request: R,
    config: Option<WebSocketConfig>,
    disable_nagle: bool,
    connector: Option<Connector>,
) -> Result<Connected, Error>
where
    R: IntoClientRequest + Unpin,
{
    let request = request.into_client_request()?;
    let host = host(&request)?;
    let port = request.uri().port_u16().unwrap_or(match uri_mode(request.uri())? {
        Mode::Plain => 80,
        Mode::Tls => 443,
    });
    let deadline = config.unwrap_or_default().limits.handshake;
    let stream =
        timeout(deadline, TcpStream::connect((host.as_str(), port))).await.map_err(io::Error::from)??;
    if disable_nagle {
        stream.set_nodelay(true)?;
    }
    client_async_tls_with_config(request, stream, config, connector).await
}
