use framewise::Server;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::Error;
use crate::handshake::server::{Callback, NoCallback, accept_reply, create_response, reject_reply};
use crate::protocol::WebSocketConfig;
use crate::web_socket_stream::WebSocketStream;

/// Does the handshake of a server on a connected stream. For TLS, pass the stream of an acceptor, for example of tokio-rustls.
///
/// Errors: [`Error::Protocol`] if the request breaks a rule; the client got the status of the rule.
pub async fn accept_async<S>(stream: S) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    accept_hdr_async(stream, NoCallback).await
}

/// As [`accept_async`], with settings.
pub async fn accept_async_with_config<S>(
    stream: S,
    config: Option<WebSocketConfig>,
) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    accept_hdr_async_with_config(stream, NoCallback, config).await
}

/// As [`accept_async`], with a callback that reads the request and decides on the response.
///
/// Errors: as [`accept_async`]; also [`Error::Http`] with the response of the callback if it rejects the request.
pub async fn accept_hdr_async<S, C>(stream: S, callback: C) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Callback + Unpin,
{
    accept_hdr_async_with_config(stream, callback, None).await
}

/// As [`accept_hdr_async`], with settings.
pub async fn accept_hdr_async_with_config<S, C>(
    stream: S,
    callback: C,
    config: Option<WebSocketConfig>,
) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Callback + Unpin,
{
    let config = config.unwrap_or_default();
    let pending = Server::new().config(config.to_framewise()).request(stream).await?;
    let request = pending.request().to_http()?;
    match callback.on_request(&request, create_response(&request)?) {
        Ok(response) => {
            let mut ws = pending.answer(accept_reply(&response)?).await?;
            ws.forget_handshake();
            Ok(WebSocketStream::new(ws, config))
        }
        Err(response) => match pending.answer(reject_reply(&response)?).await {
            Err(framewise::Error::RequestRejected(_)) | Ok(_) => {
                Err(Error::Http(Box::new(response.map(|body| body.map(String::into_bytes)))))
            }
            Err(error) => Err(error.into()),
        },
    }
}
