//! A WebSocket as a tower service, behind hyper: `cargo run --example tower --features tower -- 127.0.0.1:9001`

use std::io;
use std::pin::pin;
use std::time::Duration;

use framewise::tower::WebSocketService;
use framewise::{Server, Stop};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

pub(crate) async fn serve(listener: TcpListener, stopped: impl Future) -> io::Result<()> {
    let stop = Stop::new();
    let server = Server::new().protocols(["chat"]).stop(&stop);
    // The request comes with the extensions that layers of tower have added.
    let service = WebSocketService::new(server, |mut ws, request| async move {
        ws.send(format!("welcome to {}", request.uri().path())).await?;
        while let Some(message) = ws.next().await {
            ws.send(message?).await?;
        }
        Ok(())
    });
    let mut stopped = pin!(stopped);
    loop {
        let (tcp, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = &mut stopped => break,
        };
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service).with_upgrades());
    }
    stop.stop(Duration::from_secs(10)).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    serve(TcpListener::bind(address).await?, tokio::signal::ctrl_c()).await
}
