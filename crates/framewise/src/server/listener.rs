use std::fmt;
use std::future::{Future, IntoFuture as _, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::net::TcpListener;
use tokio::time::timeout;

use super::accept_loop::{AcceptLoop, Incoming};
use super::report::{HandlerResult, Handling, OnError, Report, ServeError};
use super::{Handshake, PendingRequest, Server};
use crate::stop::Stop;
use crate::trace::Span;
use crate::{Error, NetStream, WebSocket};

/// A server on a TCP address.
pub struct Listener {
    pub(super) server: Server,
    pub(super) tcp: TcpListener,
    pub(super) stop: Stop,
    pub(super) on_error: Option<Arc<OnError>>,
}

impl Listener {
    pub(super) fn new(server: Server, tcp: TcpListener) -> Self {
        let stop = server.settings.stop.clone().unwrap_or_default();
        Self { server, tcp, stop, on_error: None }
    }

    /// Reports what goes wrong with the connections that [`Listener::serve`], [`Listener::serve_until`] and
    /// [`Listener::serve_requests`] serve: TLS or a handshake that fails, and what a handler returns. Default:
    /// not reported, except by the feature `tracing`.
    ///
    /// ```no_run
    /// # async fn serve(listener: framewise::Listener) {
    /// listener
    ///     .on_error(|peer, error| eprintln!("{peer}: {error}"))
    ///     .serve(|mut ws| async move {
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok(())
    ///     })
    ///     .await;
    /// # }
    /// ```
    ///
    /// It is called on the task of the connection, and must not block.
    #[must_use]
    pub fn on_error(mut self, tell: impl Fn(SocketAddr, ServeError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(tell));
        self
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next TCP connection. Run its handshake in a task of its own, so that a slow client does not delay others:
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
    /// Errors: those of the system. Most concern one connection; [`Listener::serve`] continues after each. Cancel-safe.
    pub async fn accept(&self) -> io::Result<Handshake> {
        let (stream, peer) = self.tcp.accept().await?;
        let _ = stream.set_nodelay(true);
        Ok(Handshake::new(&self.server, stream, peer, self.server.settings.register()))
    }

    /// Serves for ever, or until its [`Stop`]. Each connection gets a task, which runs `handler` after the handshake.
    ///
    /// ```no_run
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = framewise::Server::new().bind("127.0.0.1:9001").await?;
    /// listener
    ///     .serve(|mut ws| async move {
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok(())
    ///     })
    ///     .await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Dropping the future closes the listener; its connections go on, and do not hear of it.
    pub async fn serve<F, T>(self, handler: F)
    where
        F: Fn(WebSocket<NetStream>) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        self.serve_until(pending::<()>(), handler).await;
    }

    /// Serves until `stop` is ready. Then it accepts no more connections, answers unfinished handshakes with 503, and sends
    /// each connection a Close with 1001 (going away) after the messages that are queued for it. It returns when each handler
    /// has returned and each connection is closed, or after [`Server::grace`]; handlers that still run then go on as tasks of
    /// the runtime.
    ///
    /// A connection sends its Close when its handler reads, for example in [`WebSocket::next`]: a handler that waits in
    /// [`WebSocket::send`] for a slow client sends its messages first.
    ///
    /// Errors of handlers go to [`Listener::on_error`]. Errors of the system do not end it: if there is no descriptor for
    /// another connection, that connection waits until there is one.
    ///
    /// Dropping the future: as [`Listener::serve`]; once the connections have been told to close, it only ends the wait.
    pub async fn serve_until<F, T>(self, stop: impl Future, handler: F)
    where
        F: Fn(WebSocket<NetStream>) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        self.run(stop, Handshake::into_future, handler).await;
    }

    /// As [`Listener::serve_until`], for a server that waits for something before it answers a request, and keeps the
    /// result:
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
    ///         Ok(())
    ///     })
    ///     .await;
    /// # }
    /// ```
    ///
    /// Dropping the future: as [`Listener::serve_until`].
    pub async fn serve_requests<F, T>(self, stop: impl Future, handler: F)
    where
        F: Fn(PendingRequest<NetStream>) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        self.run(stop, Handshake::request, handler).await;
    }

    async fn run<H, C, F, T>(self, stop: impl Future, open: fn(Handshake) -> H, handler: F)
    where
        H: Future<Output = Result<C, Error>> + Send + 'static,
        C: Send,
        F: Fn(C) -> T + Send + Sync + 'static,
        T: Future<Output: HandlerResult> + Send + 'static,
    {
        let Self { server, tcp, stop: own_stop, on_error } = self;
        let handler = Arc::new(handler);
        let serve = |Incoming { stream, peer, number, .. }: Incoming| {
            let handshake = Handshake::new(&server, stream, peer, Some(own_stop.register()));
            let span = Span::new(number, peer);
            let report = Report { peer, span: span.clone(), on_error: on_error.clone() };
            let (opening, handler, task) = (open(handshake), Arc::clone(&handler), own_stop.task());
            span.spawn(async move {
                let mut opening = pin!(opening);
                // `Server::reply` is called here.
                match poll_fn(|cx| report.watch(|| opening.as_mut().poll(cx))).await {
                    Ok(opened) => {
                        let handling = report.watch(|| handler(opened));
                        // A task of its own again, so that the memory of the handshake is freed.
                        report.span.clone().spawn(Handling::new(handling, report, task));
                    }
                    Err(error) => report.tell(ServeError::Handshake(error)),
                }
            });
        };
        let (mut stop, mut stopped) = (pin!(stop), pin!(own_stop.stopped()));
        let either = poll_fn(|cx| {
            if stop.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { stopped.as_mut().poll(cx) }
        });
        let mut accepting = AcceptLoop::new(tcp);
        accepting.run(either, serve).await;
        own_stop.start();
        accepting.into_queued().for_each(serve);
        let _ = timeout(server.settings.grace(), own_stop.empty()).await;
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
