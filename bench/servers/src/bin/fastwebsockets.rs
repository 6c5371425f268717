//! fastwebsockets.
//!
//! Plain is its example: the handshake is hyper's. Best is its README's `after_handshake` on the socket itself, over a
//! stream that batches, because it writes each frame at once.

use bench_common::cork::Corked;
use bench_common::handshake;
use bench_servers::{Arguments, Failure, Mode, serve};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, WebSocketError, upgrade};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?.without_deflate()?;
    serve(arguments.address, move |stream| async move {
        match arguments.mode {
            Mode::Plain => plain(stream).await,
            Mode::Best => best(stream).await,
        }
    })
}

async fn plain(stream: TcpStream) -> Result<(), Failure> {
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(upgraded));
    Ok(connection.with_upgrades().await?)
}

async fn upgraded(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, future) = upgrade::upgrade(&mut request)?;
    tokio::spawn(unconstrained(async move { echo(future.await?).await }));
    Ok(response)
}

async fn best(stream: TcpStream) -> Result<(), Failure> {
    let mut stream = Corked::new(stream);
    handshake::accept(&mut stream, |_| None).await?;
    Ok(unconstrained(echo(WebSocket::after_handshake(stream, Role::Server))).await?)
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(ws: WebSocket<S>) -> Result<(), WebSocketError> {
    let mut ws = FragmentCollector::new(ws);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}
