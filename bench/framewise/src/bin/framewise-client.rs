//! Framewise.

use bench_clients::{Failure, run};
use bench_common::cell::Kind;
use framewise::{Client, Message};

fn main() -> Result<(), Failure> {
    run(|stream, task| async move {
        let mut ws = Client::new().connect_over(stream, &task.url).await?;
        let message = match task.cell.kind {
            Kind::Binary => Message::binary(task.payload.clone()),
            _ => Message::text(String::from_utf8(task.payload.to_vec())?),
        };
        task.opened();
        while task.goes_on() {
            for _ in 0..task.cell.in_flight {
                ws.feed(message.clone()).await?;
            }
            for _ in 0..task.cell.in_flight {
                task.came_back(ws.next().await.ok_or("closed")??.len())?;
            }
        }
        Ok(())
    })
}
