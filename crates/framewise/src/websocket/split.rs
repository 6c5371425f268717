//! A connection in two halves, which different tasks can use.

mod receiver;
mod sender;
mod waiting;

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use framewise_proto::{Misuse, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop;

pub use self::receiver::{Receiver, ReuniteError};
pub use self::sender::Sender;
use self::waiting::{Call, WaiterKind, Waiting};
use super::owned::{Erased, Owned};
use super::{Inner, WebSocket};
use crate::{CloseCode, Error, Event, Message, Role};

/// How many bytes of messages are kept for the receiver while a sender closes.
const KEPT: usize = 64 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> WebSocket<S> {
    /// Splits the connection into two halves for different tasks or threads. The [`Sender`] can be cloned: any number of tasks
    /// can send. Its type does not name the stream, so that one list holds senders of all kinds of connections.
    ///
    /// ```
    /// # async fn run(ws: framewise::WebSocket<tokio::net::TcpStream>) -> Result<(), framewise::Error> {
    /// let (sender, mut receiver) = ws.split();
    /// let ticker = sender.clone();
    /// tokio::spawn(async move {
    ///     while ticker.send("tick").await.is_ok() {
    ///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///     }
    /// });
    /// while let Some(message) = receiver.next().await {
    ///     sender.send(message?).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// - The receiver reads, answers Pings and the Close, watches the deadlines, and writes what is queued while it waits. All
    ///   of that stops while the receiver is not polled, as with a [`WebSocket`].
    /// - A sender queues its message and writes it. While the queue is full, senders wait in order of arrival.
    /// - After the receiver is dropped, the connection is not read; [`Sender::close`] reads until the connection is closed.
    /// - After all senders are dropped, the receiver continues; [`Receiver::sender`] creates another sender.
    /// - When both are dropped, the connection is cut, as when a [`WebSocket`] is dropped.
    ///
    /// `StreamExt::split` of the crate futures, which generic code uses, works, too: its sink cannot be cloned, and waits while
    /// the stream reads.
    pub fn split(self) -> (Sender, Receiver<S>) {
        let waiting = Arc::new(Waiting::default());
        let shared = Arc::new(Shared {
            role: self.role(),
            protocol: self.protocol().map(Into::into),
            state: Mutex::new(State {
                inner: self.inner.map_stream(|stream| Box::new(stream) as Erased),
                kept: VecDeque::new(),
                kept_bytes: 0,
                received: true,
                written: 0,
                dropped: 0..0,
                open: None,
                late: Vec::new(),
                failure: None,
            }),
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        });
        (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
    }
}

/// The state that the halves share.
struct Shared {
    role: Role,
    protocol: Option<Box<str>>,
    /// Never locked while a task waits. If both are locked, `waiting` is locked second.
    state: Mutex<State>,
    waiting: Arc<Waiting>,
    /// The waker for the transport, which wakes `waiting`.
    waker: Waker,
}

struct State {
    inner: Owned<Erased>,
    /// Events that a closing sender has read, and the receiver has not taken yet.
    kept: VecDeque<Result<Event, Error>>,
    kept_bytes: usize,
    /// Whether there is a receiver.
    received: bool,
    /// How many bytes were written since the split, at least. What was dropped counts, too, when what was queued before it is
    /// written.
    written: u64,
    /// Those that [`State::abort`] dropped.
    dropped: Range<u64>,
    /// The sender that is sending a message in parts.
    open: Option<u64>,
    /// Messages of sinks that were ready just before that sender began, with the numbers of their senders.
    late: Vec<(u64, Message)>,
    /// The error of the stream, if no rule describes it.
    failure: Option<io::ErrorKind>,
}

/// What a receiver reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taking {
    Events,
    Messages,
    Parts,
}

/// The state that waiting tasks depend on.
#[derive(PartialEq)]
struct Outlook {
    written: u64,
    kept: usize,
    received: bool,
    late: usize,
    stream: super::state::State,
    transport: Transport,
    deadline: Option<Duration>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // After a panic of the stream, the connection is in the same state as one that was not split.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an action on the connection, and wakes the tasks that are affected. A sender passes its number as a waiting task,
    /// the receiver does not.
    fn act<T>(&self, by: Option<u64>, act: impl FnOnce(&mut State, &mut Context<'_>) -> T) -> T {
        let mut state = self.lock();
        let before = state.outlook();
        let done = act(&mut state, &mut Context::from_waker(&self.waker));
        let after = state.outlook();
        let changed = before != after;
        // The receiver watches the deadlines and ends the connection. It does not matter which half writes.
        let told = by.is_some() && Outlook { written: after.written, ..before } != after;
        let call = Call { receiver: told, first: state.is_free(), others: changed, but: by };
        drop(state);
        self.waiting.call(call);
        done
    }

    /// Returns the next event to the receiver.
    fn poll_event(&self, taking: Taking, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        // Registered before the connection is checked: a later change finds the waker here.
        self.waiting.register_receiver(cx);
        let event = self.act(None, |state, combined| {
            if taking == Taking::Messages && state.is_in_parts() {
                return Poll::Ready(Some(Err(Misuse::PartTaken.into())));
            }
            if let Some(kept) = state.kept.pop_front() {
                state.kept_bytes -= size(&kept);
                return Poll::Ready(Some(kept));
            }
            state.poll_event(taking, combined)
        });
        if event.is_ready() {
            self.waiting.unregister_receiver();
        }
        event
    }

    /// Waits until it is the turn of `sender`, which waits as `id`, and until the queue is not full; then queues.
    fn poll_turn<T>(
        &self,
        id: u64,
        sender: u64,
        kind: WaiterKind,
        cx: &mut Context<'_>,
        queue: impl FnOnce(&mut State, &mut Context<'_>) -> Result<T, Error>,
    ) -> Poll<Result<T, Error>> {
        self.act(Some(id), |state, combined| {
            if state.open == Some(sender) {
                // The other senders wait for the end of its message.
                self.waiting.wait(id, cx);
            } else if !self.waiting.enqueue(id, kind, cx, state.is_free()) || !state.is_turn(None) {
                return Poll::Pending;
            }
            let room = ready!(state.poll_capacity(combined));
            self.waiting.leave(id);
            Poll::Ready(room.and_then(|()| queue(state, combined)))
        })
    }

    /// Ready when everything is written that was queued when `sender`, which waits as `id`, called it first; `until` is that
    /// position.
    fn poll_flush(
        &self,
        id: u64,
        sender: u64,
        until: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.act(Some(id), |state, combined| {
            self.waiting.wait(id, cx);
            if !state.is_over() && state.late.iter().any(|(late, _)| *late == sender) {
                return Poll::Pending;
            }
            let until = *until.get_or_insert(state.end());
            let mut flushed = state.write(|inner| inner.poll_flush(combined));
            // Do not wait for what others queue after it: that may never end.
            if flushed.is_pending() && state.queued() > 0 && state.written >= until {
                flushed = Poll::Ready(Ok(()));
            }
            if flushed.is_ready() {
                self.waiting.leave(id);
            }
            if flushed.is_ready() && state.dropped.contains(&until.saturating_sub(1)) {
                return Poll::Ready(Err(Misuse::Closed.into()));
            }
            flushed
        })
    }

    /// Ready when the connection is closed. Events that it reads are kept for the receiver, if there is one.
    fn poll_closed(&self, id: u64, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.act(Some(id), |state, combined| {
            self.waiting.wait(id, cx);
            while !state.inner.state.is_finished() {
                if state.kept_bytes >= KEPT && state.inner.engine.poll_transport() == Transport::Open {
                    // The receiver has to take some first. Meanwhile, writing continues, and the deadline is watched.
                    let _ = state.write(|inner| inner.poll_flush(combined));
                    let inner = &mut *state.inner;
                    ready!(inner.timer.poll(inner.due(), combined));
                    inner.engine.handle_timeout(inner.timer.now());
                    continue;
                }
                if let Some(event) = ready!(state.poll_event(Taking::Events, combined))
                    && state.received
                {
                    state.kept_bytes += size(&event);
                    state.kept.push_back(event);
                }
            }
            self.waiting.leave(id);
            state.release();
            Poll::Ready(state.verdict())
        })
    }

    /// Ready when the connection is closed. While there is a receiver, that one reads.
    fn poll_ended(&self, id: u64, cx: &mut Context<'_>) -> Poll<()> {
        self.act(Some(id), |state, combined| {
            self.waiting.wait(id, cx);
            while !state.inner.state.is_finished() {
                if state.received {
                    return Poll::Pending;
                }
                let _ = ready!(state.poll_event(Taking::Events, combined));
            }
            self.waiting.leave(id);
            state.release();
            Poll::Ready(())
        })
    }
}

impl State {
    fn outlook(&self) -> Outlook {
        Outlook {
            written: self.written,
            kept: self.kept.len(),
            received: self.received,
            late: self.late.len(),
            stream: self.inner.state,
            transport: self.inner.engine.poll_transport(),
            deadline: self.inner.engine.poll_timeout(),
        }
    }

    fn queued(&self) -> usize {
        self.inner.queued()
    }

    /// Nothing is queued any more, so there is nothing to wait for.
    fn is_over(&self) -> bool {
        self.inner.state.is_failed() || !self.inner.engine.is_open()
    }

    /// Whether this sender may begin or continue a message. `None`: whether any sender may begin one.
    fn is_turn(&self, sender: Option<u64>) -> bool {
        self.open.is_none() || self.open == sender || self.is_over()
    }

    /// Whether there is nothing to wait for.
    fn is_free(&self) -> bool {
        self.is_over() || self.is_turn(None) && !self.inner.is_full()
    }

    /// Whether the next event continues a message that is being received in parts.
    fn is_in_parts(&self) -> bool {
        match self.kept.front() {
            Some(kept) => matches!(kept, Ok(Event::Part(_))),
            None => self.inner.is_in_parts(),
        }
    }

    /// Begins the closing handshake, if it has not begun.
    fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if self.inner.engine.is_open() { self.inner.start_close(code, reason) } else { Ok(()) }
    }

    /// Drops what is queued, and begins the closing handshake.
    fn abort(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let end = self.end();
        self.inner.abort(code, reason)?;
        // The engine has the Close, and nothing else.
        let kept = self.written + (self.queued() - self.inner.engine.queued()) as u64;
        self.dropped = kept..end;
        self.advance(0);
        self.late.clear();
        Ok(())
    }

    /// A connection that is closed, and not received any more, gives up its stream: a sender that somebody keeps must not keep
    /// a descriptor.
    fn release(&mut self) {
        if self.inner.state.is_finished() && !self.received {
            self.inner.stream = Box::new(tokio::io::empty());
        }
    }

    /// The error that ended the connection, if it was not a Close. The receiver gets it, too.
    fn verdict(&self) -> Result<(), Error> {
        let violation = self.inner.details.as_ref().and_then(|details| details.violation.clone());
        match (violation, self.failure) {
            (Some(violation), _) => Err(Error::Violation(violation)),
            (None, Some(failure)) => Err(Error::Io(failure.into())),
            (None, None) => Ok(()),
        }
    }

    /// Lets the connection write, and counts the written bytes: fewer, if it queues something meanwhile.
    fn write<T>(&mut self, write: impl FnOnce(&mut Inner<Erased>) -> T) -> T {
        let before = self.queued();
        let done = write(&mut self.inner);
        self.advance(before.saturating_sub(self.queued()));
        done
    }

    /// Counts bytes as written, and what was dropped behind them.
    fn advance(&mut self, bytes: usize) {
        let Range { start, end } = self.dropped;
        let before = self.written;
        self.written += bytes as u64;
        if before <= start && self.written >= start {
            self.written += end - start;
        }
    }

    /// The position behind everything that is queued.
    fn end(&self) -> u64 {
        let Range { start, end } = self.dropped;
        let behind = if self.written < start { end - start } else { 0 };
        self.written + self.queued() as u64 + behind
    }

    /// Ready when another message may be queued, or never again.
    fn poll_capacity(&mut self, combined: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.inner.engine.is_open() && !self.inner.state.is_failed() {
            return Poll::Ready(Err(Misuse::Closed.into()));
        }
        self.write(|inner| inner.poll_capacity(combined))
    }

    /// Writes what the stream takes now. Returns whether everything is written.
    fn write_now(&mut self, combined: &mut Context<'_>) -> Result<bool, Error> {
        // Without the cooperative budget of tokio, which would hold back bytes that the stream takes.
        let write = coop::unconstrained(poll_fn(|cx| self.write(|inner| inner.poll_flush(cx))));
        match pin!(write).poll(combined) {
            Poll::Ready(written) => written.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    fn queue_part(&mut self, part: &[u8], last: bool) -> Result<(), Error> {
        self.inner.queue_part(part, last)?;
        if last {
            self.end_message();
        }
        Ok(())
    }

    /// The message in parts is complete.
    fn end_message(&mut self) {
        self.open = None;
        for (_, message) in self.late.drain(..) {
            // This fails if the connection is closing: then the next call reports it.
            let _ = self.inner.queue(message);
        }
    }

    fn poll_event(
        &mut self,
        taking: Taking,
        combined: &mut Context<'_>,
    ) -> Poll<Option<Result<Event, Error>>> {
        let event = self.write(|inner| match taking {
            Taking::Events | Taking::Messages => inner.poll_event(combined),
            Taking::Parts => inner.poll_event_in_parts(combined),
        });
        if let Poll::Ready(Some(Err(Error::Io(error)))) = &event {
            self.failure = Some(error.kind());
        }
        event
    }
}

/// How many bytes a kept event counts for: a control frame is small, but counts, too.
fn size(event: &Result<Event, Error>) -> usize {
    const LEAST: usize = 256;
    match event {
        Ok(Event::Message(message)) => message.len().max(LEAST),
        Ok(Event::Part(part)) => part.bytes.len().max(LEAST),
        Ok(Event::Ping(_) | Event::Pong(_) | Event::Close(_) | Event::Tolerated(_)) | Err(_) => LEAST,
    }
}
