//! tokio-websockets.
//!
//! Its best form is the plain loop over a stream that batches: fed messages it writes inside `poll_next`, one by one.

use bench_common::cork::Corked;
use bench_servers::{Arguments, Failure, Mode, echo, serve};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::unconstrained;
use tokio_websockets::ServerBuilder;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?.without_deflate()?;
    serve(arguments.address, move |stream| async move {
        match arguments.mode {
            Mode::Plain => unconstrained(connection(stream)).await,
            Mode::Best => unconstrained(connection(Corked::new(stream))).await,
        }
    })
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Failure> {
    let (_request, ws) = ServerBuilder::new().accept(stream).await?;
    echo::echo(Mode::Plain, ws, |item| {
        let message = item?;
        Ok((message.is_text() || message.is_binary()).then_some(message))
    })
    .await
}
