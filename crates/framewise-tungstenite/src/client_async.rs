use framewise::Client;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::client::IntoClientRequest;
use crate::error::Error;
use crate::handshake::bad_response;
use crate::handshake::client::{Response, check};
use crate::protocol::WebSocketConfig;
use crate::web_socket_stream::WebSocketStream;

/// Does the handshake of a client on a connected stream.
///
/// Errors: [`Error::Http`] if the server answers with another status than 101, [`Error::Protocol`] if its answer or the request
/// breaks a rule.
pub async fn client_async<R, S>(request: R, stream: S) -> Result<(WebSocketStream<S>, Response), Error>
where
    R: IntoClientRequest + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    client_async_with_config(request, stream, None).await
}

/// As [`client_async`], with settings.
pub async fn client_async_with_config<R, S>(
    request: R,
    stream: S,
    config: Option<WebSocketConfig>,
) -> Result<(WebSocketStream<S>, Response), Error>
where
    R: IntoClientRequest + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = request.into_client_request()?;
    let config = config.unwrap_or_default();
    check(&request)?;
    let offers = request.headers().contains_key(SEC_WEBSOCKET_PROTOCOL);
    let client = Client::new().config(config.to_framewise());
    let mut ws = client.request_over(stream, request).await.map_err(|error| match error {
        framewise::Error::Violation(violation) => bad_response(*violation, offers),
        framewise::Error::Rejected(_)
        | framewise::Error::RequestRejected(_)
        | framewise::Error::Misuse(_)
        | framewise::Error::Connect(_)
        | framewise::Error::Io(_)
        | framewise::Error::Other(_)
        | _ => error.into(),
    })?;
    let response = ws.response().unwrap_or_default().to_http()?.map(|()| None);
    ws.forget_handshake();
    Ok((WebSocketStream::new(ws, config), response))
}
