use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use framewise_proto::{MessageKind, Misuse};
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop;

use super::waiting::{Place, WaiterKind};
use super::{Inner, Shared, State};
use crate::{CloseCode, Error, Message, Prepared, TrySendError};

/// The half of a connection that sends; see [`WebSocket::split`](crate::WebSocket::split).
///
/// Clones send into the same connection: each one's messages arrive in the order in which it sent them. To write several
/// together, queue them with [`feed`](Self::feed), and [`flush`](Self::flush).
///
/// When the last one is dropped the connection is not closed: call [`close`](Self::close).
pub struct Sender<S> {
    pub(super) shared: Arc<Shared<S>>,
    /// Its number: as the owner of a message in parts, and, as a [`Sink`], among those who wait.
    id: u64,
    /// As a [`Sink`], it has been told to wait for its turn.
    waits: bool,
    /// How far a flush goes that was begun as a [`Sink`].
    until: Option<u64>,
}

impl<S> Sender<S> {
    pub(super) fn new(shared: Arc<Shared<S>>) -> Self {
        let id = shared.waiting.new_id();
        Self { shared, id, waits: false, until: None }
    }

    /// Whether messages may be sent: no Close was sent yet.
    pub fn is_open(&self) -> bool {
        self.shared.lock().inner.engine.is_open()
    }

    /// Bytes that are queued and not written yet.
    pub fn queued(&self) -> usize {
        self.shared.lock().queued()
    }

    fn place(&self) -> Place<'_> {
        let waiting = &*self.shared.waiting;
        Place { waiting, id: waiting.new_id() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sender<S> {
    /// Sends a message: when it returns, the stream has taken it. It waits while the queue is full
    /// ([`crate::Config::send_queue`]), while others wait that came before, and while another sender sends a message in
    /// parts. [`Sender::feed`] queues a message, to be written with others.
    ///
    /// Errors: [`Error::Misuse`] after a Close, [`Error::Io`] when the stream failed; the receiver is told as well what
    /// became of the connection.
    ///
    /// Cancel-safe: a message is queued completely or not at all. To know which, use [`Sender::feed`] and
    /// [`Sender::flush`].
    pub fn send(&self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let message = message.into();
        self.queue_and_write(|state| state.inner.queue(message))
    }

    /// Queues a message, to be written with others: by the next [`Sender::send`] or [`Sender::flush`], or by the receiver
    /// when it waits. It waits for its turn, and for room in the queue, as [`Sender::send`].
    ///
    /// Errors: as [`Sender::send`]. Cancel-safe: when it is dropped before it returned, nothing was queued.
    pub fn feed(&self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let message = message.into();
        self.turn(|state, _| state.inner.queue(message))
    }

    /// As [`Sender::send`], without waiting: what the stream does not take now stays queued, for the receiver to write while
    /// it waits, or for the next [`Sender::send`] or [`Sender::flush`].
    ///
    /// Errors: [`TrySendError::Full`], with the message, where [`Sender::send`] would wait; [`TrySendError::Failed`] where it
    /// would fail.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_queue(message.into(), |state, message| state.inner.queue(message))
    }

    /// As [`Sender::send`], of a message that goes to many connections.
    ///
    /// Errors and cancellation: as [`Sender::send`].
    pub fn send_prepared(&self, message: &Prepared) -> impl Future<Output = Result<(), Error>> {
        self.queue_and_write(|state| state.inner.queue_prepared(message))
    }

    /// As [`Sender::feed`], of a message that goes to many connections.
    ///
    /// Errors and cancellation: as [`Sender::feed`].
    pub fn feed_prepared(&self, message: &Prepared) -> impl Future<Output = Result<(), Error>> {
        self.turn(|state, _| state.inner.queue_prepared(message))
    }

    /// As [`Sender::try_send`], of a message that goes to many connections.
    ///
    /// Errors: as [`Sender::try_send`].
    pub fn try_send_prepared(&self, message: &Prepared) -> Result<(), TrySendError> {
        self.try_queue(message.message().clone(), |state, _| state.inner.queue_prepared(message))
    }

    /// Begins a message that is sent in parts, as [`WebSocket::begin`](crate::WebSocket::begin). Other senders wait until it
    /// ends. When this one is dropped before, no other message can be sent: the connection can only be closed.
    ///
    /// Errors and cancellation: as [`Sender::send`]; [`Error::Misuse`] also where this sender's own message is open.
    pub async fn begin(&self, kind: MessageKind) -> Result<(), Error> {
        self.turn(|state, _| {
            state.inner.engine.begin(kind)?;
            state.open = Some(self.id);
            Ok(())
        })
        .await
    }

    /// Sends a part of the message that this sender began, as a frame; `last` ends the message. A text may be cut anywhere,
    /// also inside a character.
    ///
    /// Errors and cancellation: as [`Sender::send`]; [`Error::Misuse`] also for a text that is not UTF-8, and where this
    /// sender began no message.
    pub async fn send_part(&self, part: &[u8], last: bool) -> Result<(), Error> {
        self.check_begun()?;
        self.queue_and_write(|state| state.queue_part(part, last)).await
    }

    /// Queues a part as [`Sender::feed`] queues a message.
    ///
    /// Errors: as [`Sender::send_part`]. Cancellation: as [`Sender::feed`].
    pub async fn feed_part(&self, part: &[u8], last: bool) -> Result<(), Error> {
        self.check_begun()?;
        self.turn(|state, _| state.queue_part(part, last)).await
    }

    /// Whether this sender may send a part; not to wait for a turn that never comes.
    fn check_begun(&self) -> Result<(), Error> {
        let state = self.shared.lock();
        if state.open == Some(self.id) || state.is_over() {
            Ok(())
        } else {
            Err(Misuse::NoMessageOpen.into())
        }
    }

    /// Waits until all is written that is queued now.
    ///
    /// Errors: [`Error::Io`] when the stream failed. Cancel-safe: the rest stays queued.
    pub async fn flush(&self) -> Result<(), Error> {
        let (place, mut until) = (self.place(), None);
        poll_fn(|cx| self.shared.poll_flush(place.id, self.id, &mut until, cx)).await
    }

    /// Sends a Ping, of up to 125 bytes, and writes what is queued.
    /// [`Receiver::next_event`](crate::Receiver::next_event) says when a Pong comes.
    ///
    /// Errors: [`Error::Misuse`] for a longer payload, and after a Close. Cancel-safe: from the first poll on the Ping is
    /// queued; another call is another Ping.
    pub async fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, _| state.inner.ping(payload))?;
        self.flush().await
    }

    /// Sends a Pong that nobody asked for, as [`WebSocket::pong`](crate::WebSocket::pong).
    ///
    /// Errors and cancellation: as [`Sender::ping`].
    pub async fn pong(&self, payload: &[u8]) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, _| state.inner.engine.pong(payload))?;
        self.flush().await
    }

    /// Closes the connection: queues a Close behind what is queued already, and waits for the peer's and for the end of TCP,
    /// each until [`crate::Limits::close`]. When the connection is closing already, it waits for that.
    ///
    /// It reads on by itself. The messages that still come are for the receiver: 64 KiB of them are kept for it, and no more
    /// are read until it takes some. Without a receiver they are let go.
    ///
    /// Errors: [`Error::Misuse`] for a code that must not be sent, [`Error::Violation`] when the peer did not answer
    /// (`close-timeout`) or broke another rule: the receiver is told as well. Cancel-safe: from the first poll on the Close is
    /// queued; another call waits on.
    pub async fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let code = code.into();
        self.shared.act(Some(self.id), |state, _| state.start_close(code, reason))?;
        let place = self.place();
        poll_fn(|cx| self.shared.poll_closed(place.id, cx)).await
    }

    /// Queues a Close and writes what the stream takes; the receiver does the rest.
    ///
    /// Errors: [`Error::Misuse`] for a code or a reason that must not be sent, and after a Close.
    pub fn start_close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, combined| {
            state.inner.start_close(code.into(), reason)?;
            state.write_now(combined)?;
            Ok(())
        })
    }

    /// Waits for the turn and for room, queues, and writes.
    async fn queue_and_write(
        &self,
        queue: impl FnOnce(&mut State<S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let written = self.turn(|state, combined| {
            queue(state)?;
            state.write_now(combined)
        });
        if written.await? { Ok(()) } else { self.flush().await }
    }

    /// Queues and writes, if there is nothing to wait for.
    fn try_queue(
        &self,
        message: Message,
        queue: impl FnOnce(&mut State<S>, Message) -> Result<(), Error>,
    ) -> Result<(), TrySendError> {
        self.shared.act(Some(self.id), |state, combined| {
            if !state.is_turn(Some(self.id)) || !self.shared.waiting.nobody_before(self.id) {
                return Err(TrySendError::Full(message));
            }
            match state.poll_capacity(combined) {
                Poll::Pending => return Err(TrySendError::Full(message)),
                Poll::Ready(room) => room?,
            }
            queue(state, message)?;
            state.write_now(combined)?;
            Ok(())
        })
    }

    /// As [`Sender::turn`], of a sink: the caller may give up without a word.
    pub(in crate::websocket) fn poll_queue(
        &mut self,
        cx: &mut Context<'_>,
        queue: impl FnOnce(&mut Inner<S>) -> Result<(), Error>,
    ) -> Poll<Result<(), Error>> {
        let kind = WaiterKind::Sink { called: self.waits };
        let queued = self.shared.poll_turn(self.id, self.id, kind, cx, |state, _| queue(&mut state.inner));
        self.waits = queued.is_pending();
        self.until = None;
        queued
    }

    /// Waits for the turn and for room, then queues.
    async fn turn<T>(
        &self,
        queue: impl FnOnce(&mut State<S>, &mut Context<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Who sends without end lets the receiver, and the others, run now and then, also where it never has to wait.
        coop::consume_budget().await;
        let place = self.place();
        let mut queue = Some(queue);
        poll_fn(|cx| {
            self.shared.poll_turn(place.id, self.id, WaiterKind::Future, cx, |state, combined| {
                let queue = queue.take().expect("a turn comes once");
                queue(state, combined)
            })
        })
        .await
    }
}

impl<S> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<S> Drop for Sender<S> {
    fn drop(&mut self) {
        self.shared.waiting.give_up(self.id);
        self.shared.act(Some(self.id), |state, _| {
            // The engine knows that it is open: others are refused, instead of waiting for its end in vain.
            if state.open == Some(self.id) {
                state.open = None;
                state.late.clear();
            }
        });
    }
}

/// `start_send` queues, and no more; closing is the whole closing handshake, with 1000.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Sender<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_queue(cx, |_| Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, _| {
            if state.is_turn(Some(self.id)) {
                return state.inner.queue(message);
            }
            // Another has begun its message since it was ready.
            state.late.push((self.id, message));
            Ok(())
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, id, until, .. } = &mut *self;
        let flushed = ready!(shared.poll_flush(*id, *id, until, cx));
        *until = None;
        Poll::Ready(flushed)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.act(Some(self.id), |state, _| state.start_close(CloseCode::NORMAL_CLOSURE, ""))?;
        self.shared.poll_closed(self.id, cx)
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("engine", &self.shared.lock().inner.engine).finish_non_exhaustive()
    }
}
