//! sockudo-ws.

use bench_common::handshake;
use bench_servers::{Arguments, Failure, echo, serve};
use sockudo_ws::deflate::negotiate_server_deflate;
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::{CompressedWebSocketStream, Config, DeflateConfig, Error, Message, Role, WebSocketStream};
use tokio::net::TcpStream;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?;
    serve(arguments.address, move |stream| async move {
        if arguments.deflate { deflated(arguments, stream).await } else { plain(arguments, stream).await }
    })
}

async fn plain(arguments: Arguments, mut stream: TcpStream) -> Result<(), Failure> {
    let request = server_handshake(&mut stream).await?;
    let ws =
        WebSocketStream::from_raw_with_leftover(stream, Role::Server, Config::default(), request.leftover);
    echo::echo(arguments.mode, ws, pick).await
}

/// That handshake has no way to say yes to the extension; the parts for it are there.
async fn deflated(arguments: Arguments, mut stream: TcpStream) -> Result<(), Failure> {
    let mut agreed = None;
    handshake::accept(&mut stream, |offer| {
        let negotiation = negotiate_server_deflate(offer, &DeflateConfig::default())?;
        let header = negotiation.to_response_header();
        agreed = Some(negotiation.config);
        Some(header)
    })
    .await?;
    let agreed = agreed.ok_or("permessage-deflate was not agreed")?;
    echo::echo(arguments.mode, CompressedWebSocketStream::server(stream, Config::default(), agreed), pick)
        .await
}

fn pick(item: Result<Message, Error>) -> Result<Option<Message>, Failure> {
    let message = item?;
    Ok(matches!(message, Message::Text(_) | Message::Binary(_)).then_some(message))
}
