//! fastwebsockets, over a stream that batches, because it writes each frame at once.

use bench_clients::{Failure, Task, run};
use bench_common::cell::Kind;
use bench_common::cork::Corked;
use bench_common::handshake;
use fastwebsockets::{FragmentCollector, Frame, Payload, Role, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

fn main() -> Result<(), Failure> {
    run(|stream, task| async move {
        // With one in flight there is nothing to batch.
        if task.cell.in_flight == 1 {
            connection(stream, task).await
        } else {
            connection(Corked::new(stream), task).await
        }
    })
}

async fn connection(mut stream: impl AsyncRead + AsyncWrite + Unpin, task: Task) -> Result<(), Failure> {
    handshake::request(&mut stream).await?;
    let mut ws = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Client));
    task.opened();
    while task.goes_on() {
        for _ in 0..task.cell.in_flight {
            let payload = Payload::Borrowed(&task.payload);
            let frame = match task.cell.kind {
                Kind::Binary => Frame::binary(payload),
                _ => Frame::text(payload),
            };
            ws.write_frame(frame).await?;
        }
        for _ in 0..task.cell.in_flight {
            task.came_back(ws.read_frame().await?.payload.len())?;
        }
    }
    Ok(())
}
