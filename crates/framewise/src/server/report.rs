//! Reports on a listener's connections: a callback for errors, and a span of `tracing`.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{error, fmt};

use framewise_proto::rules::Role;
use pin_project_lite::pin_project;

use crate::panic::Panic;
use crate::stop::StopTask;
use crate::trace::Span;
use crate::{Error, trace};

/// The types that a handler of [`Listener::serve`](crate::Listener::serve) may return: `()`, or a `Result` whose error goes
/// to [`Listener::on_error`](crate::Listener::on_error).
///
/// The error is an [`Error`], so that a handler in a closure may end with `Ok(())`, and the compiler knows the type. To
/// return another error, use [`Error::other`], or `?` with a `Box<dyn Error + Send + Sync>`:
///
/// ```no_run
/// # async fn serve(listener: framewise::Listener) {
/// use framewise::{Error, NetStream, WebSocket};
///
/// async fn handle(mut ws: WebSocket<NetStream>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     while let Some(message) = ws.next().await {
///         let number: u64 = message?.as_text().unwrap_or_default().parse()?;
///         ws.send((number + 1).to_string()).await?;
///     }
///     Ok(())
/// }
///
/// listener.serve(|ws| async { Ok(handle(ws).await?) }).await;
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "returns neither `()` nor a `Result` with a `framewise::Error`",
    note = "convert another error with `.map_err(framewise::Error::other)`"
)]
pub trait HandlerResult {
    /// The error, if there is one.
    fn into_error(self) -> Option<Error>;
}

impl HandlerResult for () {
    fn into_error(self) -> Option<Error> {
        None
    }
}

/// There is no implementation for another error: with two, the compiler could not infer which one `?` makes.
impl<T> HandlerResult for Result<T, Error> {
    fn into_error(self) -> Option<Error> {
        self.err()
    }
}

/// An error of a connection of a [`Listener`](crate::Listener): see [`Listener::on_error`](crate::Listener::on_error).
#[non_exhaustive]
pub enum ServeError {
    /// TLS or the handshake failed: the handler was not called.
    Handshake(Error),
    /// The handler returned this error.
    Handler(Error),
    /// The handler, or [`Server::reply`](crate::Server::reply), panicked, with this message. The client got a Close with 1011,
    /// or a 500 if its request was not answered yet; other connections go on.
    Panicked(String),
    /// The code of the application ran for so long without a pause, and blocked the other connections of its worker: with
    /// [`Listener::handle`](crate::Listener::handle). The connection goes on.
    Blocked(Duration),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Handler(error) => error.fmt(f),
            Self::Panicked(message) => write!(f, "the handler panicked: {message}"),
            Self::Blocked(time) => {
                write!(f, "the handler blocked the other connections of its worker for {time:?}")
            }
        }
    }
}

/// As [`Error`].
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => fmt::Debug::fmt(error, f),
            Self::Handler(error) => fmt::Debug::fmt(error, f),
            Self::Panicked(_) | Self::Blocked(_) => fmt::Display::fmt(self, f),
        }
    }
}

impl error::Error for ServeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Handshake(error) => error.source(),
            Self::Handler(error) => error.source(),
            Self::Panicked(_) | Self::Blocked(_) => None,
        }
    }
}

pub(super) type OnError = dyn Fn(SocketAddr, ServeError) + Send + Sync;

/// Reports the errors of one connection.
pub(super) struct Report {
    pub(super) peer: SocketAddr,
    pub(super) span: Span,
    pub(super) on_error: Option<Arc<OnError>>,
}

impl Report {
    pub(super) fn tell(&self, error: ServeError) {
        match &error {
            // TLS failed, or the client is gone.
            ServeError::Handshake(Error::Io(error)) => trace::failed(Role::Server, error),
            // A rejected request was reported where it was rejected.
            ServeError::Handshake(_) => {}
            ServeError::Handler(error) => trace::handler_failed(error),
            ServeError::Panicked(message) => trace::panicked(message),
            ServeError::Blocked(time) => trace::blocked(*time),
        }
        if let Some(on_error) = &self.on_error {
            on_error(self.peer, error);
        }
    }

    /// Runs code of the application, and reports if it panics.
    pub(super) fn watch<T>(&self, run: impl FnOnce() -> T) -> T {
        Panic::catch(run).unwrap_or_else(|panic| {
            self.tell(ServeError::Panicked(panic.message().to_owned()));
            panic.resume()
        })
    }
}

pin_project! {
    /// A handler that is waited for, and whose error is reported; an async block around it would hold it twice.
    pub(super) struct Handling<T> {
        #[pin]
        handler: T,
        // Boxed, and only if errors are reported.
        report: Option<Box<Report>>,
        task: StopTask,
    }
}

impl<T> Handling<T> {
    pub(super) fn new(handler: T, report: Report, task: StopTask) -> Self {
        let wanted = report.on_error.is_some() || trace::IS_ON;
        Self { handler, report: wanted.then(|| Box::new(report)), task }
    }
}

impl<T: Future<Output: HandlerResult>> Future for Handling<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let polled = match this.report {
            Some(report) => report.watch(|| this.handler.poll(cx)),
            None => this.handler.poll(cx),
        };
        let result = ready!(polled);
        if let Some(report) = this.report
            && let Some(error) = result.into_error()
        {
            report.tell(ServeError::Handler(error));
        }
        Poll::Ready(())
    }
}
