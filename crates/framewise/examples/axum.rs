//! A page and a WebSocket in one axum router: `cargo run --example axum --features axum -- 127.0.0.1:9001`

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get};
use framewise::Stop;
use framewise::axum::{WebSocket, WebSocketUpgrade};
use tokio::net::TcpListener;

async fn echo(mut ws: WebSocket) -> Result<(), framewise::Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

async fn handler(ws: WebSocketUpgrade, State(stop): State<Stop>) -> Response {
    ws.stop(&stop).on_failed_upgrade(|error| eprintln!("{error}")).on_upgrade(echo)
}

pub(crate) async fn serve<F>(listener: TcpListener, stopped: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let stop = Stop::new();
    let app = Router::new()
        .route("/", get(|| async { "the WebSocket is at /ws\n" }))
        .route("/ws", any(handler))
        .with_state(stop.clone());
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    // HTTP is over. The WebSockets are told that the server is going away (1001), and have time to answer.
    stop.stop(Duration::from_secs(10)).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let stopped = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    serve(TcpListener::bind(address).await?, stopped).await
}
