use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framewise_proto::handshake::{Request, Response};
use framewise_proto::{Ended, Misuse, Violation};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Sender, Shared, Taking};
use crate::websocket::owned::Erased;
use crate::{Error, Event, Message, Part, Role, WebSocket};

/// The receiving half of a connection: see [`WebSocket::split`].
///
/// It answers Pings and the Close, and writes what is queued while it waits.
///
/// After it is dropped, the senders can still send, but the connection is not read: Pings are not answered, and a Close of the
/// peer is not noticed until [`Sender::close`]. What is still queued then is written by the next [`Sender::send`] or
/// [`Sender::flush`].
pub struct Receiver<S> {
    shared: Arc<Shared>,
    /// The error that [`Receiver::next`] returns when the closing handshake is done.
    failure: Option<Error>,
    /// The stream, which [`Receiver::reunite`] gives back.
    stream: PhantomData<fn() -> S>,
}

impl<S> Receiver<S> {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, failure: None, stream: PhantomData }
    }

    /// Creates another sender for this connection.
    pub fn sender(&self) -> Sender {
        Sender::new(Arc::clone(&self.shared))
    }

    /// Whether this end is the client or the server.
    pub fn role(&self) -> Role {
        self.shared.role
    }

    /// The subprotocol that was agreed.
    pub fn protocol(&self) -> Option<&str> {
        self.shared.protocol.as_deref()
    }

    /// The client's request, on the server's end: see [`WebSocket::request`].
    pub fn request(&self) -> Option<Request> {
        self.shared.lock().inner.head.request()
    }

    /// The server's response, on the client's end: see [`WebSocket::response`].
    pub fn response(&self) -> Option<Response> {
        self.shared.lock().inner.head.response()
    }

    /// As [`WebSocket::round_trip`].
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.lock().inner.engine.round_trip()
    }

    /// How the connection ended; `None` while it is open.
    pub fn ended(&self) -> Option<Ended> {
        self.shared.lock().inner.ended.clone()
    }

    /// The violation that ended the connection, if one did.
    pub fn violation(&self) -> Option<Violation> {
        self.shared.lock().inner.details.as_ref()?.violation.as_deref().cloned()
    }

    /// Reunites the halves.
    ///
    /// Errors: returns both halves if they belong to different connections, if the sender has clones, or if events wait that
    /// [`Sender::close`] has read.
    pub fn reunite(self, sender: Sender) -> Result<WebSocket<S>, ReuniteError<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let alone = Arc::ptr_eq(&self.shared, &sender.shared) && Arc::strong_count(&self.shared) == 2;
        if !alone || self.failure.is_some() || !self.shared.lock().kept.is_empty() {
            return Err(ReuniteError { receiver: self, sender });
        }
        let shared = Arc::clone(&self.shared);
        // Nobody else gives it up meanwhile.
        let gone: Erased = Box::new(tokio::io::empty());
        let stream = std::mem::replace(&mut shared.lock().inner.stream, gone);
        drop((self, sender));
        let shared = Arc::into_inner(shared).expect("both halves are gone, and there were no others");
        let state = shared.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let inner = state.inner.map_stream(|_| {
            *stream.into_any().downcast().expect("the receiver has the type of the stream that was split")
        });
        Ok(WebSocket { inner })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Receiver<S> {
    /// Returns the next message, as [`WebSocket::next`].
    ///
    /// Cancel-safe.
    #[allow(clippy::should_implement_trait, reason = "the name that streams have; an iterator would block")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        poll_fn(|cx| self.poll_message(cx))
    }

    /// Returns the next event, as [`WebSocket::next_event`].
    ///
    /// Cancel-safe.
    pub fn next_event(&mut self) -> impl Future<Output = Option<Result<Event, Error>>> {
        poll_fn(|cx| self.poll_next_event(cx))
    }

    /// Returns the next part of a message, as [`WebSocket::next_part`].
    ///
    /// Cancel-safe.
    pub fn next_part(&mut self) -> impl Future<Output = Option<Result<Part, Error>>> {
        poll_fn(|cx| self.poll_part(cx))
    }

    /// [`Receiver::next_event`], to be polled.
    pub fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        self.shared.poll_event(Taking::Events, cx)
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, Error>>> {
        loop {
            match ready!(self.shared.poll_event(Taking::Parts, cx)) {
                Some(Ok(event)) => {
                    if let Some(part) = event.into_part() {
                        return Poll::Ready(Some(Ok(part)));
                    }
                }
                Some(Err(error)) => self.failure = Some(error),
                None => return Poll::Ready(self.failure.take().map(Err)),
            }
        }
    }

    /// As without splitting, a violation is returned only when the connection is closed.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        loop {
            match ready!(self.shared.poll_event(Taking::Messages, cx)) {
                Some(Ok(Event::Message(message))) => return Poll::Ready(Some(Ok(message))),
                Some(Ok(
                    Event::Part(_) | Event::Ping(_) | Event::Pong(_) | Event::Close(_) | Event::Tolerated(_),
                )) => {}
                Some(Err(error @ Error::Misuse(Misuse::PartTaken))) => return Poll::Ready(Some(Err(error))),
                Some(Err(error)) => self.failure = Some(error),
                None => return Poll::Ready(self.failure.take().map(Err)),
            }
        }
    }
}

impl<S> Drop for Receiver<S> {
    fn drop(&mut self) {
        self.shared.waiting.unregister_receiver();
        let panics = std::thread::panicking();
        self.shared.act(None, |state, combined| {
            if panics {
                // Senders elsewhere may keep the connection, so that TCP does not end by itself. A stream that panics as well
                // must not end the program.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    state.inner.fail_for_panic();
                    if matches!(state.write_now(combined), Ok(true)) {
                        let _ = state.inner.poll_shut_down(combined);
                    }
                }));
            }
            state.received = false;
            state.kept.clear();
            state.kept_bytes = 0;
            state.release();
        });
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Receiver<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl<S> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("engine", &self.shared.lock().inner.engine).finish_non_exhaustive()
    }
}

/// Two halves that cannot be reunited. They are returned here.
pub struct ReuniteError<S> {
    /// The receiving half.
    pub receiver: Receiver<S>,
    /// The sending half.
    pub sender: Sender,
}

impl<S> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the halves cannot be reunited: they belong to two connections, or the sender has clones, or events wait for \
             the receiver",
        )
    }
}

/// The sentence, without the halves.
impl<S> fmt::Debug for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<S> std::error::Error for ReuniteError<S> {}
