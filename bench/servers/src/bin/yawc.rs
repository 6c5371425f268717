//! yawc.
//!
//! It does not validate text unless asked to; here it is asked to, as all others do it and RFC 6455 demands it. Plain is
//! its README's loop behind hyper. Best is what its own benchmark does: larger buffers, batches of messages that are
//! ready, then one flush.

use bench_common::handshake;
use bench_servers::{Arguments, Failure, Mode, echo, serve};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use yawc::{Frame, HttpWebSocket, OpCode, Options, Role, WebSocket, WebSocketError};

/// The default limit of a message is just too small for a megabyte.
const LIMIT: usize = 64 << 20;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?;
    serve(arguments.address, move |stream| async move {
        match arguments.mode {
            // With deflate the handshake has to be its own.
            Mode::Best if !arguments.deflate => best(stream).await,
            _ => upgrade(arguments, stream).await,
        }
    })
}

fn options() -> Options {
    Options::default().with_utf8().with_limits(LIMIT, 2 * LIMIT)
}

fn tuned() -> Options {
    options().with_read_buffer_capacity(128 * 1024).with_backpressure_boundary(64 * 1024)
}

async fn upgrade(arguments: Arguments, stream: TcpStream) -> Result<(), Failure> {
    let service = service_fn(move |mut request: Request<Incoming>| async move {
        let options = if arguments.mode == Mode::Best { tuned() } else { options() };
        let options = if arguments.deflate { options.with_balanced_compression() } else { options };
        let (response, future) = HttpWebSocket::upgrade_with_options(&mut request, options)?;
        tokio::spawn(async move { run(arguments.mode, future.await?).await });
        Ok::<_, WebSocketError>(response)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    Ok(connection.with_upgrades().await?)
}

async fn best(mut stream: TcpStream) -> Result<(), Failure> {
    handshake::accept(&mut stream, |_| None).await?;
    run(Mode::Best, WebSocket::from_stream(stream, Role::Server, tuned())?).await
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(mode: Mode, ws: WebSocket<S>) -> Result<(), Failure> {
    echo::echo(mode, ws, |frame: Frame| {
        Ok(matches!(frame.opcode(), OpCode::Text | OpCode::Binary).then_some(frame))
    })
    .await
}
