//! A tap between two intermediaries: it passes every byte on and writes down what it saw, so that each hop is told apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::end::Record;
use crate::tape::{Bounds, Ended, Tape};
use crate::token::Token;

/// Bytes of a connection that are written down, in each direction.
const MOST: usize = 160 << 20;
/// How long the next intermediary may take to accept a connection.
const DIAL: Duration = Duration::from_secs(10);
/// Connections without a token that are kept in mind.
const CONNECTIONS: usize = 4096;

/// A tap, until it is dropped.
#[derive(Debug)]
pub(crate) struct Tap {
    /// Where it listens.
    pub(crate) address: String,
    seen: Connections,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Connection {
    start: Instant,
    /// From the client's side, and from the server's.
    tapes: [Mutex<Tape>; 2],
}

type Connections = Arc<Mutex<HashMap<(u64, usize), Arc<Connection>>>>;

/// What a tap saw of a connection: as the server of the hop before it, and as the client of the hop after it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) address: String,
    pub(crate) server: Record,
    pub(crate) client: Record,
}

impl Tap {
    /// Passes the connections of a listener on to an address.
    pub(crate) fn new(listener: TcpListener, address: String, forward: String) -> Self {
        let seen = Connections::default();
        let inner = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let (forward, seen) = (forward.clone(), inner.clone());
                tokio::spawn(async move {
                    let Ok(Ok(far)) = timeout(DIAL, TcpStream::connect(&forward)).await else { return };
                    pass(near, far, &seen).await;
                });
            }
        });
        Self { address, seen, task }
    }

    /// What it saw of a connection; `None` where it did not pass.
    pub(crate) fn take(&self, token: &Token, start: Instant) -> Option<Seen> {
        let connection = lock(&self.seen).remove(&token.connection())?;
        let [up, down] = [0, 1].map(|index| {
            let mut tape = lock(&connection.tapes[index]).clone();
            let later = connection.start.saturating_duration_since(start);
            tape.shift(|at| at + later);
            tape
        });
        // Who ended first: what follows from it is not the other side's doing.
        let ended = |tape: &Tape| tape.end.map(|(_, at)| at);
        let first =
            |one: &Tape, other: &Tape| ended(one).filter(|at| ended(other).is_none_or(|other| *at <= other));
        let record = |sent: &Tape, got: &Tape| Record {
            sent: sent.clone(),
            got: got.clone(),
            shut: first(sent, got),
            ..Record::default()
        };
        Some(Seen { address: self.address.clone(), server: record(&down, &up), client: record(&up, &down) })
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(near: TcpStream, far: TcpStream, seen: &Connections) {
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let tape = || Mutex::new(Tape::new(Bounds { most: Some(MOST), ..Bounds::default() }));
    let connection = Arc::new(Connection { start: Instant::now(), tapes: [tape(), tape()] });
    let ((near_read, near_write), (far_read, far_write)) = (tokio::io::split(near), tokio::io::split(far));
    let known = |connection: &Arc<Connection>| {
        let token = Token::find(&lock(&connection.tapes[0]).head_text());
        let mut seen = lock(seen);
        if let Some(token) = token.filter(|token| token.asks_for_results().is_none())
            && seen.len() < CONNECTIONS
        {
            seen.entry(token.connection()).or_insert_with(|| connection.clone());
        }
    };
    // Both halves live until both directions have ended, or one of them was reset.
    let up = direction(near_read, far_write, &connection, 0, known);
    let down = direction(far_read, near_write, &connection, 1, |_: &Arc<Connection>| {});
    let (mut up, mut down) = (Box::pin(up), Box::pin(down));
    tokio::select! {
        how = &mut up => if how == Ended::Eof { down.await; },
        how = &mut down => if how == Ended::Eof { up.await; },
    }
}

async fn direction(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    connection: &Arc<Connection>,
    index: usize,
    head: impl Fn(&Arc<Connection>),
) -> Ended {
    let mut buffer = vec![0; 64 * 1024];
    let mut had_head = false;
    let how = loop {
        match read.read(&mut buffer).await {
            Ok(0) => break Ended::Eof,
            Ok(count) => {
                let complete = {
                    let mut tape = lock(&connection.tapes[index]);
                    tape.push(&buffer[..count], connection.start.elapsed());
                    tape.head > 0
                };
                if complete && !std::mem::replace(&mut had_head, true) {
                    head(connection);
                }
                if write.write_all(&buffer[..count]).await.is_err() {
                    break Ended::Reset;
                }
            }
            Err(_) => break Ended::Reset,
        }
    };
    lock(&connection.tapes[index]).end = Some((how, connection.start.elapsed()));
    if how == Ended::Eof {
        let _ = write.shutdown().await;
    }
    how
}
