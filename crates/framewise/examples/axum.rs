//! A page and a WebSocket in one axum router: `cargo run --example axum --features axum -- 127.0.0.1:9001`

use std::io;

use axum::Router;
use axum::response::Response;
use axum::routing::{any, get};
use framewise::axum::{WebSocket, WebSocketUpgrade};
use tokio::net::TcpListener;

async fn echo(mut ws: WebSocket) -> Result<(), framewise::Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

async fn handler(ws: WebSocketUpgrade) -> Response {
    ws.on_failed_upgrade(|error| eprintln!("{error}")).on_upgrade(echo)
}

pub(crate) fn app() -> Router {
    Router::new().route("/", get(|| async { "the WebSocket is at /ws\n" })).route("/ws", any(handler))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    axum::serve(TcpListener::bind(address).await?, app()).await
}
