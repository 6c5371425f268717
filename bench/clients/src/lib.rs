//! The shared part of all clients: the command line, the runtime, when to start and stop, the cost.
//!
//! Each connection sends as many messages as should be in flight, waits for all their echoes, and starts again.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bench_common::cell::Cell;
use bench_common::{payload, usage};
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The time limit for opening all connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// The parameters of a connection.
#[derive(Clone)]
pub struct Task {
    pub cell: Cell,
    pub url: String,
    pub payload: Bytes,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    open: AtomicUsize,
    messages: AtomicUsize,
    stop: AtomicBool,
    failed: AtomicUsize,
}

impl Task {
    /// Called when the handshake is complete.
    pub fn opened(&self) {
        self.tally.open.fetch_add(1, Relaxed);
    }

    pub fn goes_on(&self) -> bool {
        !self.tally.stop.load(Relaxed)
    }

    /// Called when a round of messages has come back, each of this length.
    pub fn came_back(&self, length: usize) -> Result<(), Failure> {
        if length != self.payload.len() {
            return Err("an echo of another length".into());
        }
        self.tally.messages.fetch_add(1, Relaxed);
        Ok(())
    }
}

/// `ADDR CELL [WARM_UP SECONDS]`: runs the client and prints the cost of a message.
pub fn run<F>(connection: impl Fn(TcpStream, Task) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    bench_common::limits::raise_open_files();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, cell, durations @ ..] = &arguments[..] else {
        return Err("ADDR CELL [WARM_UP SECONDS]".into());
    };
    let address: SocketAddr = address.parse()?;
    if !address.ip().is_loopback() {
        return Err(format!("{address} is not on the loopback interface").into());
    }
    let seconds = |index: usize, default| durations.get(index).map_or(Ok(default), |text| text.parse());
    let (warm_up, measured): (f64, f64) = (seconds(0, 0.3)?, seconds(1, 1.0)?);
    let durations = [warm_up, measured].map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 60.0)));

    let cell: Cell = cell.parse()?;
    let payload = Bytes::from(payload::message(cell.kind, cell.bytes, 0));
    let task = Task { cell, url: format!("ws://{address}/"), payload, tally: Arc::default() };
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure(address, &task, durations, connection))
}

async fn measure<F>(
    address: SocketAddr,
    task: &Task,
    [warm_up, measured]: [Duration; 2],
    connection: impl Fn(TcpStream, Task) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let tally = &task.tally;
    for _ in 0..task.cell.connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let connection = connection(stream, task.clone());
        let tally = tally.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("a connection failed: {error}");
                tally.failed.fetch_add(1, Relaxed);
            }
        });
    }
    let all_open = async {
        while tally.open.load(Relaxed) < task.cell.connections {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, all_open).await.map_err(|_| "the connections did not open")?;

    let snapshot =
        || Ok::<_, Failure>((Instant::now(), usage::cpu(std::process::id())?, tally.messages.load(Relaxed)));
    sleep(warm_up).await;
    let before = snapshot()?;
    sleep(measured).await;
    let after = snapshot()?;
    tally.stop.store(true, Relaxed);
    if tally.failed.load(Relaxed) > 0 {
        return Err("connections failed".into());
    }
    println!(
        "messages={} wall_ns={} client_ns={}",
        after.2 - before.2,
        (after.0 - before.0).as_nanos(),
        (after.1 - before.1).as_nanos(),
    );
    Ok(())
}
