use framewise::{Headers, Reply, Server};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::Error;
use crate::handshake::server::{Callback, NoCallback, acceptance, create_response, rejected, rejection};
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
            let (protocol, headers) = acceptance(&response)?;
            let accept = with(Reply::accept(), &headers);
            let reply = protocol.into_iter().fold(accept, Reply::protocol);
            let mut ws = pending.answer(reply).await?;
            ws.forget_handshake();
            Ok(WebSocketStream::new(ws, config))
        }
        Err(response) => {
            let (headers, body) = rejection(&response)?;
            let reply = with(Reply::reject(response.status().as_u16(), body), &headers);
            match pending.answer(reply).await {
                Err(framewise::Error::RequestRejected(_)) | Ok(_) => Err(rejected(response)),
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn with(reply: Reply, headers: &Headers) -> Reply {
    headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}
