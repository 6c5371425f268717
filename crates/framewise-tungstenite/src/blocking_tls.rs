//! Blocking clients over TLS.

use std::io::{Read, Write};

use crate::client::{IntoClientRequest, client_with_config, uri_mode};
use crate::error::Error;
#[cfg(not(feature = "__rustls-tls"))]
use crate::error::UrlError;
use crate::handshake::HandshakeError;
use crate::handshake::client::{ClientHandshake, Request, Response};
use crate::protocol::{WebSocket, WebSocketConfig};
use crate::stream::{MaybeTlsStream, Mode};
use crate::tls::Connector;

type Connected<S> =
    Result<(WebSocket<MaybeTlsStream<S>>, Response), HandshakeError<ClientHandshake<MaybeTlsStream<S>>>>;

/// Does the handshake of TLS, if the URL is `wss://`, and then that of a client, on a blocking stream.
///
/// Errors: as [`client_async_tls`](crate::client_async_tls).
pub fn client_tls<R: IntoClientRequest, S: Read + Write>(request: R, stream: S) -> Connected<S> {
    client_tls_with_config(request, stream, None, None)
}

/// As [`client_tls`], with settings.
pub fn client_tls_with_config<R: IntoClientRequest, S: Read + Write>(
    request: R,
    stream: S,
    config: Option<WebSocketConfig>,
    connector: Option<Connector>,
) -> Connected<S> {
    let request = request.into_client_request()?;
    let stream = match uri_mode(request.uri())? {
        Mode::Plain => MaybeTlsStream::Plain(stream),
        Mode::Tls => encrypt(&request, stream, connector)?,
    };
    client_with_config(request, stream, config)
}

#[cfg(not(feature = "__rustls-tls"))]
fn encrypt<S: Read + Write>(_: &Request, _: S, _: Option<Connector>) -> Result<MaybeTlsStream<S>, Error> {
    Err(UrlError::TlsFeatureNotEnabled.into())
}

#[cfg(feature = "__rustls-tls")]
fn encrypt<S: Read + Write>(
    request: &Request,
    stream: S,
    connector: Option<Connector>,
) -> Result<MaybeTlsStream<S>, Error> {
    use framewise::rustls::{ClientConnection, StreamOwned};

    use crate::error::TlsError;

    let (tls, name) = crate::tls::rustls_for(request, connector)?;
    let connection = ClientConnection::new(tls, name).map_err(TlsError::from)?;
    Ok(MaybeTlsStream::Rustls(StreamOwned::new(connection, stream)))
}
