//! tokio-websockets.

use bench_clients::{Failure, run};
use bench_common::cell::Kind;
use futures_util::{SinkExt, StreamExt};
use tokio_websockets::{ClientBuilder, Message};

fn main() -> Result<(), Failure> {
    run(|stream, task| async move {
        let (mut ws, _response) = ClientBuilder::new().uri(&task.url)?.connect_on(stream).await?;
        let message = match task.cell.kind {
            Kind::Binary => Message::binary(task.payload.clone()),
            _ => Message::text(String::from_utf8(task.payload.to_vec())?),
        };
        task.opened();
        while task.goes_on() {
            for _ in 0..task.cell.in_flight {
                ws.feed(message.clone()).await?;
            }
            ws.flush().await?;
            for _ in 0..task.cell.in_flight {
                task.came_back(ws.next().await.ok_or("closed")??.as_payload().len())?;
            }
        }
        Ok(())
    })
}
