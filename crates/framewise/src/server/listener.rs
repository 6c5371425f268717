use std::fmt;
use std::future::{Future, IntoFuture, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::Server;
use crate::stop::{Stop, StopSeat, StopTask};
use crate::{Error, WebSocket};

/// How long a listener waits when the system has no more sockets to give.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A server on a TCP address.
#[derive(Debug)]
pub struct Listener {
    server: Server,
    tcp: TcpListener,
    stop: Arc<Stop>,
}

impl Listener {
    pub(super) fn new(server: Server, tcp: TcpListener) -> Self {
        Self { server, tcp, stop: Arc::default() }
    }

    /// The address that it listens at.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next TCP connection. Its handshake is for a task of its own, so that a slow client holds up nobody:
    ///
    /// ```no_run
    /// # async fn serve(listener: framewise::Listener) -> std::io::Result<()> {
    /// loop {
    ///     let handshake = listener.accept().await?;
    ///     tokio::spawn(async move {
    ///         let mut ws = handshake.await?;
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok::<(), framewise::Error>(())
    ///     });
    /// }
    /// # }
    /// ```
    ///
    /// Errors are the system's, and most are about one connection alone; [`Listener::serve`] goes on after each.
    /// Cancel-safe.
    pub async fn accept(&self) -> io::Result<Handshake> {
        let (stream, peer) = self.tcp.accept().await?;
        self.handshake(stream, peer)
    }

    fn handshake(&self, stream: TcpStream, peer: SocketAddr) -> io::Result<Handshake> {
        // What is queued is written together already: Nagle's algorithm would only delay it.
        stream.set_nodelay(true)?;
        Ok(Handshake { server: self.server.clone(), stream, peer, stop: None })
    }

    /// Serves for ever: a task for each connection, which runs `handler` after the handshake.
    ///
    /// ```no_run
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = framewise::Server::new().bind("127.0.0.1:9001").await?;
    /// listener
    ///     .serve(|mut ws| async move {
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok::<(), framewise::Error>(())
    ///     })
    ///     .await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve<F, T>(self, handler: F)
    where
        F: Fn(WebSocket<TcpStream>) -> T + Send + Sync + 'static,
        T: Future + Send + 'static,
    {
        self.serve_until(pending::<()>(), handler).await;
    }

    /// Serves until `stop` is done. Then it takes no more connections, tells those it has that it is going away (1001),
    /// and returns when each handler has, or after twice [`crate::Limits::close`], which the closing takes at the most:
    /// handlers that go on then are tasks of the runtime as before.
    ///
    /// What a handler returns is let go: an error of one connection is no matter of the others.
    pub async fn serve_until<F, T>(self, stop: impl Future, handler: F)
    where
        F: Fn(WebSocket<TcpStream>) -> T + Send + Sync + 'static,
        T: Future + Send + 'static,
    {
        let handler = Arc::new(handler);
        let mut stop = pin!(stop);
        loop {
            let turn = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                self.tcp.poll_accept(cx).map(Some)
            });
            let Some(accepted) = turn.await else { break };
            match accepted.and_then(|(stream, peer)| self.handshake(stream, peer)) {
                Ok(mut handshake) => {
                    handshake.stop = Some(self.stop.seat());
                    let handler = Arc::clone(&handler);
                    let task = self.stop.task();
                    // A task of its own again for the handler: the memory of the handshake goes when it is done.
                    tokio::spawn(async move {
                        if let Ok(ws) = handshake.await {
                            tokio::spawn(Serving { handler: handler(ws), _task: task });
                        }
                    });
                }
                Err(error) if is_exhausted(&error) => sleep(EXHAUSTED).await,
                // The connection was gone before it was accepted.
                Err(_) => {}
            }
        }
        let grace = self.server.settings.config.limits.close * 2;
        drop(self.tcp);
        self.stop.tell();
        let _ = timeout(grace, poll_fn(|cx| self.stop.poll_empty(cx))).await;
    }
}

pin_project! {
    /// A handler that is waited for; an async block around it would hold it twice.
    struct Serving<T> {
        #[pin]
        handler: T,
        _task: StopTask,
    }
}

impl<T: Future> Future for Serving<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().handler.poll(cx).map(drop)
    }
}

/// The system has no descriptor or no memory for another connection, which is not this one's fault.
fn is_exhausted(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// A TCP connection whose handshake is still to come: await it.
pub struct Handshake {
    server: Server,
    stream: TcpStream,
    peer: SocketAddr,
    stop: Option<StopSeat>,
}

impl Handshake {
    /// Where the connection comes from.
    pub const fn peer_addr(&self) -> SocketAddr {
        self.peer
    }
}

impl IntoFuture for Handshake {
    type Output = Result<WebSocket<TcpStream>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// The handshake, as [`Server::accept`] does it.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.server.open(self.stream, self.stop).await })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("peer", &self.peer).finish_non_exhaustive()
    }
}
