//! A page and a WebSocket on one port, with hyper: `cargo run --example hyper --features hyper -- 127.0.0.1:9001`

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;

use framewise::hyper::{WebSocket, upgrade};
use framewise::{Server, Stop};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

async fn echo(mut ws: WebSocket) -> Result<(), framewise::Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

fn answer(server: &Server, mut request: Request<Incoming>) -> Response<String> {
    if request.uri().path() != "/ws" {
        return Response::new("the WebSocket is at /ws\n".to_owned());
    }
    match upgrade(server, &mut request) {
        Ok((response, upgrade)) => {
            tokio::spawn(async move { echo(upgrade.await?).await });
            response
        }
        Err(rejection) => rejection.into_http(),
    }
}

pub(crate) async fn serve(listener: TcpListener, stopped: impl Future) -> io::Result<()> {
    let stop = Stop::new();
    let server = Server::new().stop(&stop);
    let mut stopped = pin!(stopped);
    loop {
        let (tcp, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = &mut stopped => break,
        };
        let server = server.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(&server, request)) });
            http1::Builder::new().serve_connection(TokioIo::new(tcp), service).with_upgrades().await
        });
    }
    // The WebSockets are told that the server is going away (1001), and have time to answer.
    stop.stop(Duration::from_secs(10)).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    serve(TcpListener::bind(address).await?, tokio::signal::ctrl_c()).await
}
