//! Reports on a listener's connections: a callback for errors, and a span of `tracing`.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{error, fmt};

use framewise_proto::rules::Role;
use pin_project_lite::pin_project;

use crate::stop::StopTask;
use crate::trace::Span;
use crate::{Error, trace};

/// The types that a handler of [`Listener::serve`](crate::Listener::serve) may return: `()`, or a `Result` whose error goes
/// to [`Listener::on_error`](crate::Listener::on_error).
pub trait HandlerResult {
    /// The error, if there is one.
    fn into_error(self) -> Option<Box<dyn error::Error + Send + Sync>>;
}

impl HandlerResult for () {
    fn into_error(self) -> Option<Box<dyn error::Error + Send + Sync>> {
        None
    }
}

impl<T, E: Into<Box<dyn error::Error + Send + Sync>>> HandlerResult for Result<T, E> {
    fn into_error(self) -> Option<Box<dyn error::Error + Send + Sync>> {
        self.err().map(Into::into)
    }
}

/// An error of a connection of a [`Listener`](crate::Listener): see [`Listener::on_error`](crate::Listener::on_error).
#[non_exhaustive]
pub enum ServeError {
    /// TLS or the handshake failed: the handler was not called.
    Handshake(Error),
    /// The handler returned this error.
    Handler(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Handler(error) => error.fmt(f),
        }
    }
}

/// As [`Error`].
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => fmt::Debug::fmt(error, f),
            Self::Handler(error) => fmt::Debug::fmt(error, f),
        }
    }
}

impl error::Error for ServeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Handshake(error) => error.source(),
            Self::Handler(error) => error.source(),
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
            ServeError::Handler(error) => trace::handler_failed(&**error),
        }
        if let Some(on_error) = &self.on_error {
            on_error(self.peer, error);
        }
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
        let result = ready!(this.handler.poll(cx));
        if let Some(report) = this.report
            && let Some(error) = result.into_error()
        {
            report.tell(ServeError::Handler(error));
        }
        Poll::Ready(())
    }
}
