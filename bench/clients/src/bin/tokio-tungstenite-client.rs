//! tokio-tungstenite.

use bench_clients::{Failure, run};
use bench_common::cell::Kind;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

fn main() -> Result<(), Failure> {
    run(|stream, task| async move {
        let (mut ws, _response) = client_async(&task.url, stream).await?;
        let message = match task.cell.kind {
            Kind::Binary => Message::Binary(task.payload.clone()),
            _ => Message::Text(Utf8Bytes::try_from(task.payload.clone())?),
        };
        task.opened();
        while task.goes_on() {
            for _ in 0..task.cell.in_flight {
                ws.feed(message.clone()).await?;
            }
            ws.flush().await?;
            for _ in 0..task.cell.in_flight {
                task.came_back(ws.next().await.ok_or("closed")??.len())?;
            }
        }
        Ok(())
    })
}
