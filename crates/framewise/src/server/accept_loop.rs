use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::{fmt, io};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

/// Wait before the next attempt when the system has no descriptor or memory for a connection.
pub(super) const RETRY: Duration = Duration::from_millis(100);
/// Connections that are taken from the system's queue at the end, at most: clients may go on connecting.
pub(super) const QUEUED: usize = 4096;

/// Accepts TCP connections until it is stopped: the loop of [`Listener::serve`](crate::Listener::serve), for programs that
/// need the streams themselves, to wrap or to forward them.
///
/// An error of one connection does not end it. If the system has no descriptor or memory for a connection, it waits and
/// tries again.
///
/// ```no_run
/// # async fn serve(listener: tokio::net::TcpListener, stop: impl Future) {
/// use framewise::{AcceptLoop, Server};
///
/// let server = Server::new();
/// AcceptLoop::new(listener)
///     .max_open(1000)
///     .run(stop, |incoming| {
///         let server = server.clone();
///         tokio::spawn(async move {
///             let mut ws = server.accept(incoming.stream).await?;
///             while let Some(message) = ws.next().await {
///                 ws.send(message?).await?;
///             }
///             // The next client is accepted when this is dropped.
///             drop(incoming.slot);
///             Ok::<(), framewise::Error>(())
///         });
///     })
///     .await;
/// # }
/// ```
pub struct AcceptLoop {
    tcp: TcpListener,
    number: u64,
    max_open: Option<MaxOpen>,
    on_delay: Option<Box<OnDelay>>,
}

struct MaxOpen {
    connections: usize,
    slots: Arc<Semaphore>,
}

type OnDelay = dyn Fn(AcceptDelay) + Send + Sync;

/// A connection that an [`AcceptLoop`] accepted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The connection.
    pub stream: TcpStream,
    /// The client's address.
    pub peer: SocketAddr,
    /// The connection's number, from 1.
    pub number: u64,
    /// Counts the connection as open until it is dropped: see [`AcceptLoop::max_open`].
    pub slot: Slot,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Why an [`AcceptLoop`] does not accept the next client now.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptDelay {
    /// The maximum number of connections is open.
    Full {
        /// The maximum.
        open: usize,
    },
    /// The system has no descriptor or memory for another connection.
    Exhausted(io::Error),
}

impl AcceptLoop {
    /// Accepts the connections of this listener.
    pub const fn new(tcp: TcpListener) -> Self {
        Self { tcp, number: 0, max_open: None, on_delay: None }
    }

    /// Number of connections that may be open at once; further clients wait in the system's queue. Default: no limit.
    #[must_use]
    pub fn max_open(mut self, connections: usize) -> Self {
        let slots = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        self.max_open = Some(MaxOpen { connections, slots });
        self
    }

    /// Calls `report` when the next client has to wait. Default: not reported.
    #[must_use]
    pub fn on_delay(mut self, report: impl Fn(AcceptDelay) + Send + Sync + 'static) -> Self {
        self.on_delay = Some(Box::new(report));
        self
    }

    /// Accepts until `stop` completes, and passes each connection to `serve`, which should start a task for it.
    ///
    /// Cancel-safe: the next call continues.
    pub async fn run(&mut self, stop: impl Future, mut serve: impl FnMut(Incoming)) {
        let mut stop = pin!(stop);
        loop {
            let mut next = pin!(self.next());
            let turn = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                next.as_mut().poll(cx).map(Some)
            });
            match turn.await {
                Some(incoming) => serve(incoming),
                None => return,
            }
        }
    }

    /// Closes the listener, and returns the connections that the system has accepted for it already: they would be reset
    /// with it. The limit of [`AcceptLoop::max_open`] does not apply to them.
    pub fn into_queued(self) -> impl Iterator<Item = Incoming> {
        let tcp = self.tcp.into_std().ok();
        let mut number = self.number;
        let accept = move || {
            let (stream, peer) = tcp.as_ref()?.accept().ok()?;
            stream.set_nonblocking(true).ok()?;
            number += 1;
            Some(Incoming::new(TcpStream::from_std(stream).ok()?, peer, number, None))
        };
        std::iter::from_fn(accept).take(QUEUED)
    }

    async fn next(&mut self) -> Incoming {
        let permit = self.permit().await;
        loop {
            match self.tcp.accept().await {
                Ok((stream, peer)) => {
                    self.number += 1;
                    return Incoming::new(stream, peer, self.number, permit);
                }
                Err(error) if is_exhausted(&error) => {
                    self.delayed(AcceptDelay::Exhausted(error));
                    sleep(RETRY).await;
                }
                // The connection was gone before it was accepted.
                Err(_) => {}
            }
        }
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let max_open = self.max_open.as_ref()?;
        if max_open.slots.available_permits() == 0 {
            self.delayed(AcceptDelay::Full { open: max_open.connections });
        }
        // The semaphore is never closed.
        Arc::clone(&max_open.slots).acquire_owned().await.ok()
    }

    fn delayed(&self, delay: AcceptDelay) {
        if let Some(report) = &self.on_delay {
            report(delay);
        }
    }
}

impl Incoming {
    fn new(stream: TcpStream, peer: SocketAddr, number: u64, permit: Option<OwnedSemaphorePermit>) -> Self {
        // What is queued is written together already: Nagle's algorithm would only delay it. It fails if the client is gone,
        // which the first read reports.
        let _ = stream.set_nodelay(true);
        Self { stream, peer, number, slot: Slot { _permit: permit } }
    }
}

impl fmt::Debug for AcceptLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptLoop").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

/// Whether the system has no descriptor or memory for another connection, which is not the fault of one client.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_gone_does_not_exhaust_the_system() {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Other, OutOfMemory};
        for kind in [ConnectionAborted, ConnectionReset, ConnectionRefused] {
            assert!(!is_exhausted(&kind.into()), "{kind}");
        }
        // As "Too many open files", which has no kind.
        for kind in [OutOfMemory, Other] {
            assert!(is_exhausted(&kind.into()), "{kind}");
        }
    }
}
