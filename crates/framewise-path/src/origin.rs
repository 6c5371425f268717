//! Our server, where the intermediary forwards to. A token in the request says which probe a connection belongs to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a head may take.
const HEAD: Duration = Duration::from_secs(20);
/// The largest head that is read.
const LARGEST: usize = 256 * 1024;
/// Connections to which no probe belongs are counted, and no more than this are answered at a time.
const TOKEN: usize = 16;

/// A connection that arrived, and what was read from it: its head and perhaps more.
pub(crate) type Arrived = (TcpStream, Vec<u8>);
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Arrived>>>>;

/// The server, until it is dropped.
pub(crate) struct Origin {
    waiting: Waiting,
    prefix: String,
    task: JoinHandle<()>,
}

impl Origin {
    /// Serves on a listener; `run` is the token of this run.
    pub(crate) fn new(listener: TcpListener, run: u64) -> Self {
        let waiting = Waiting::default();
        let prefix = format!("fw-{run:0TOKEN$x}-");
        let (inner, start) = (waiting.clone(), prefix.clone());
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of descriptors: those of the probes that end are free again soon.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                // Small frames are probes: they go out as they are.
                let _ = stream.set_nodelay(true);
                tokio::spawn(arrive(stream, inner.clone(), start.clone()));
            }
        });
        Self { waiting, prefix, task }
    }

    /// A token for a probe, and its connection as soon as it arrives.
    pub(crate) fn expect(&self, number: usize) -> (String, oneshot::Receiver<Arrived>) {
        let token = format!("{}{number:04}", self.prefix);
        let (sender, receiver) = oneshot::channel();
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.insert(token.clone(), sender);
        }
        (token, receiver)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn arrive(mut stream: TcpStream, waiting: Waiting, prefix: String) {
    let mut read = Vec::new();
    let head = async {
        while !read.windows(4).any(|four| four == b"\r\n\r\n") && read.len() < LARGEST {
            if !matches!(stream.read_buf(&mut read).await, Ok(count) if count > 0) {
                return false;
            }
        }
        true
    };
    if !timeout(HEAD, head).await.unwrap_or(false) {
        return;
    }
    let at = read.windows(prefix.len()).position(|window| window == prefix.as_bytes());
    let token = at.and_then(|at| read.get(at..at + prefix.len() + 4));
    let token = token.map(|token| String::from_utf8_lossy(token).into_owned());
    let probe = token.and_then(|token| waiting.lock().ok()?.remove(&token));
    match probe {
        // A probe that has given up meanwhile needs no connection.
        Some(probe) => drop(probe.send((stream, read))),
        None => {
            // Somebody else: a health check of the intermediary, say.
            let _ = stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        }
    }
}
