use std::fmt;
use std::future::{Future, IntoFuture, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use super::report::{HandlerResult, Handling, OnError, Report, ServeError};
#[cfg(feature = "tls")]
use super::tls;
use super::{PendingRequest, Server, handshake};
use crate::stop::{Stop, StopSeat, StopTask};
use crate::stream::Layer;
use crate::trace::Span;
use crate::{Error, NetStream, WebSocket};

/// How long a listener waits when the system has no more sockets to give.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// Connections that a listener which stops takes from the system's queue at the most: clients may go on connecting.
const QUEUED: usize = 4096;

/// A server on a TCP address.
pub struct Listener {
    server: Server,
    tcp: TcpListener,
    stop: Stop,
    on_error: Option<Arc<OnError>>,
}

impl Listener {
    pub(super) fn new(server: Server, tcp: TcpListener) -> Self {
        let stop = server.settings.stop.clone().unwrap_or_default();
        Self { server, tcp, stop, on_error: None }
    }

    /// Tells what goes wrong with the connections that [`Listener::serve`], [`Listener::serve_until`] and
    /// [`Listener::serve_requests`] serve: TLS or a handshake that fails, and what a handler returns. Without this call
    /// that is let go, since an error of one connection is no matter of the others; the feature `tracing` reports it.
    ///
    /// ```no_run
    /// # async fn serve(listener: framewise::Listener) {
    /// listener
    ///     .on_error(|peer, error| eprintln!("{peer}: {error}"))
    ///     .serve(|mut ws| async move {
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok::<(), framewise::Error>(())
    ///     })
    ///     .await;
    /// # }
    /// ```
    ///
    /// It is called on the task of the connection, and shall not block.
    #[must_use]
    pub fn on_error(mut self, tell: impl Fn(SocketAddr, ServeError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(tell));
        self
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
        Ok(Handshake::new(&self.server, stream, peer, self.server.settings.seat()))
    }

    /// Serves for ever, or until its [`Stop`]: a task for each connection, which runs `handler` after the handshake.
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
    ///
    /// To drop the future closes the listener; the connections that it has go on, and are told nothing.
    pub async fn serve<F, T>(self, handler: F)
    where
        F: Fn(WebSocket<NetStream>) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        self.serve_until(pending::<()>(), handler).await;
    }

    /// Serves until `stop` is done. Then it takes no more connections, answers handshakes that are not done with 503,
    /// tells the connections it has that it is going away (1001), behind what is queued for them, and returns when each
    /// handler has, and each connection is closed, or after [`Server::grace`]: handlers that go on then are tasks of the
    /// runtime as before.
    ///
    /// A connection hears of it when its handler reads, in [`WebSocket::next`] for one: a handler that waits in
    /// [`WebSocket::send`] for a slow client gets its messages through first.
    ///
    /// What a handler returns goes to [`Listener::on_error`]. An error of the system's ends nothing either: where it has no
    /// descriptor for another connection, that connection waits until there is one.
    ///
    /// To drop the future: as [`Listener::serve`]; it stops waiting, where it has told the connections already.
    pub async fn serve_until<F, T>(self, stop: impl Future, handler: F)
    where
        F: Fn(WebSocket<NetStream>) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        let handler = Arc::new(handler);
        self.run(stop, move |handshake, task, report| {
            let handler = Arc::clone(&handler);
            async move {
                match handshake.await {
                    // A task of its own again: the memory of the handshake goes when it is done.
                    Ok(ws) => report.span.clone().spawn(Handling::new(handler(ws), report, task)),
                    Err(error) => report.tell(ServeError::Handshake(error)),
                }
            }
        })
        .await;
    }

    /// As [`Listener::serve_until`], for a server that has to wait for something before it answers a request, and that
    /// wants to keep what it found:
    ///
    /// ```no_run
    /// # struct User;
    /// # async fn find_user(token: Option<&[u8]>) -> Option<User> { None }
    /// # async fn serve(listener: framewise::Listener) {
    /// use framewise::{Error, Reply};
    ///
    /// let for_ever = std::future::pending::<()>();
    /// listener
    ///     .serve_requests(for_ever, |pending| async move {
    ///         let Some(user) = find_user(pending.request().header("Authorization")).await else {
    ///             pending.answer(Reply::reject(401, "log in first\n")).await?;
    ///             return Ok(());
    ///         };
    ///         let mut ws = pending.answer(Reply::accept()).await?;
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok::<(), Error>(())
    ///     })
    ///     .await;
    /// # }
    /// ```
    ///
    /// To drop the future: as [`Listener::serve_until`].
    pub async fn serve_requests<F, T>(self, stop: impl Future, handler: F)
    where
        F: Fn(PendingRequest<NetStream>) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        let handler = Arc::new(handler);
        self.run(stop, move |handshake, task, report| {
            let handler = Arc::clone(&handler);
            async move {
                match handshake.request().await {
                    Ok(pending) => report.span.clone().spawn(Handling::new(handler(pending), report, task)),
                    Err(error) => report.tell(ServeError::Handshake(error)),
                }
            }
        })
        .await;
    }

    async fn run<T>(self, stop: impl Future, open: impl Fn(Handshake, StopTask, Report) -> T)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let Self { server, tcp, stop: seats, on_error } = self;
        let mut number = 0;
        let mut spawn = |stream, peer| {
            number += 1;
            let handshake = Handshake::new(&server, stream, peer, Some(seats.seat()));
            let span = Span::new(number, peer);
            let report = Report { peer, span: span.clone(), on_error: on_error.clone() };
            span.spawn(open(handshake, seats.task(), report));
        };
        let (mut stop, mut told) = (pin!(stop), pin!(seats.told()));
        loop {
            let turn = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() || told.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                tcp.poll_accept(cx).map(Some)
            });
            match turn.await {
                None => break,
                Some(Ok((stream, peer))) => spawn(stream, peer),
                Some(Err(error)) if is_exhausted(&error) => sleep(EXHAUSTED).await,
                // The connection was gone before it was accepted.
                Some(Err(_)) => {}
            }
        }
        seats.tell();
        for (stream, peer) in queued(tcp) {
            spawn(stream, peer);
        }
        let _ = timeout(server.settings.grace(), seats.empty()).await;
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("server", &self.server)
            .field("tcp", &self.tcp)
            .finish_non_exhaustive()
    }
}

/// Closes a listener, and gives the connections that the system has accepted for it: they would be reset with it.
fn queued(tcp: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let tcp = tcp.into_std().ok();
    let accept = move || {
        let (stream, peer) = tcp.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    };
    std::iter::from_fn(accept).take(QUEUED)
}

/// The system has no descriptor or no memory for another connection, which is not this one's fault.
fn is_exhausted(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// A TCP connection whose handshake is still to come: await it, or [`Handshake::request`].
pub struct Handshake {
    server: Server,
    stream: TcpStream,
    peer: SocketAddr,
    stop: Option<StopSeat>,
}

impl Handshake {
    fn new(server: &Server, stream: TcpStream, peer: SocketAddr, stop: Option<StopSeat>) -> Self {
        // What is queued is written together already: Nagle's algorithm would only delay it. It fails where the client is
        // gone, which the handshake tells.
        let _ = stream.set_nodelay(true);
        Self { server: server.clone(), stream, peer, stop }
    }

    /// Where the connection comes from.
    pub const fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Does the TLS handshake, where there is one, and reads the request, which is answered when the caller has made up
    /// its mind: as [`Server::request`]. Both together may take [`Limits::handshake`](crate::Limits::handshake).
    ///
    /// Errors: [`Error::Violation`], as [`Server::accept`]; [`Error::Io`] when TLS fails, and when the client speaks plain
    /// HTTP to a port of TLS, which it is told (400). To drop the future cuts the connection.
    pub async fn request(self) -> Result<PendingRequest<NetStream>, Error> {
        Box::pin(self.read()).await
    }

    async fn read(self) -> Result<PendingRequest<NetStream>, Error> {
        let Self { server, stream, stop, .. } = self;
        let deadline = Instant::now() + server.settings.config.limits.handshake;
        #[cfg(feature = "tls")]
        if let Some(config) = &server.settings.tls {
            let mut stop = stop;
            let limits = &server.settings.config.limits;
            // In a box of its own: a plain connection does not have the room for it.
            let accepting = Box::pin(tls::accept(Arc::clone(config), stream, limits, &mut stop, deadline));
            let stream = accepting.await?;
            return handshake::request(server.settings, stream, stop, deadline).await;
        }
        handshake::request(
            server.settings,
            NetStream::new(Layer::Plain(Layer::Plain(stream))),
            stop,
            deadline,
        )
        .await
    }
}

impl IntoFuture for Handshake {
    type Output = Result<WebSocket<NetStream>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// [`Handshake::request`], answered as [`Server::accept`] does it.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let server = self.server.clone();
            let pending = self.read().await?;
            let reply = server.settings.decide(pending.request());
            pending.respond(reply).await
        })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("peer", &self.peer).finish_non_exhaustive()
    }
}
