//! A connection in two halves, each of which a task of its own may have.

mod receiver;
mod sender;
mod waiting;

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::io;
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
use super::{Inner, WebSocket};
use crate::{CloseCode, Error, Event, Message};

/// Bytes of messages that are kept for the receiver while a sender closes.
const KEPT: usize = 64 * 1024;

impl<S> WebSocket<S> {
    /// Splits the connection in two halves that may go to different tasks, or threads. The [`Sender`] can be cloned: any
    /// number of tasks may send.
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
    /// Who does what
    /// - The receiver reads, answers Pings and the Close, keeps the deadlines, and writes what is queued while it waits. A
    ///   receiver that nobody polls holds all of that up, as a [`WebSocket`] would.
    /// - A sender queues its message and writes it. While the queue is full those who wait go in the order in which they
    ///   came.
    /// - When the receiver is dropped nobody reads any more; [`Sender::close`] reads on until the connection is closed.
    /// - When all senders are dropped the receiver goes on; [`Receiver::sender`] makes another.
    /// - When both are, the connection is cut, as when a [`WebSocket`] is dropped.
    ///
    /// It is not `StreamExt::split` of futures: that leaves the stream with the waker of the half that was polled last, so
    /// that two tasks can miss what they wait for.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        let waiting = Arc::new(Waiting::default());
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                inner: self.inner,
                kept: VecDeque::new(),
                kept_bytes: 0,
                received: true,
                written: 0,
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

/// What the halves share.
struct Shared<S> {
    /// Never locked while somebody waits. `waiting` is locked after it, if both are.
    state: Mutex<State<S>>,
    waiting: Arc<Waiting>,
    /// `waiting`, as the transport gets it.
    waker: Waker,
}

struct State<S> {
    inner: Box<Inner<S>>,
    /// What a sender that closes has read, and the receiver has not taken yet.
    kept: VecDeque<Result<Event, Error>>,
    kept_bytes: usize,
    /// There is a receiver.
    received: bool,
    /// Bytes that were written since the split, at the least.
    written: u64,
    /// The sender that sends a message in parts.
    open: Option<u64>,
    /// What sinks were ready for just before that one began; with the senders' numbers.
    late: Vec<(u64, Message)>,
    /// How the stream failed, where the protocol has no name for it.
    failure: Option<io::ErrorKind>,
}

/// What a receiver takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taking {
    Events,
    Messages,
    Parts,
}

/// What those who wait go by.
#[derive(PartialEq)]
struct Outlook {
    written: u64,
    kept: usize,
    late: usize,
    stream: super::state::State,
    transport: Transport,
    deadline: Option<Duration>,
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        // A stream that panics leaves a connection behind that is as good as one that was not split.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the connection, and wakes those whom it concerns. A sender gives its number among those who
    /// wait, the receiver none.
    fn act<T>(&self, by: Option<u64>, act: impl FnOnce(&mut State<S>, &mut Context<'_>) -> T) -> T {
        let mut state = self.lock();
        let before = state.outlook();
        let done = act(&mut state, &mut Context::from_waker(&self.waker));
        let after = state.outlook();
        let changed = before != after;
        // The receiver keeps the deadlines, and does what is to be done at the end; who writes is no matter to it.
        let told = by.is_some() && Outlook { written: after.written, ..before } != after;
        let call = Call { receiver: told, first: state.is_free(), others: changed, but: by };
        drop(state);
        self.waiting.call(call);
        done
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shared<S> {
    /// The next event, for the receiver.
    fn poll_event(&self, taking: Taking, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        // Before the connection is looked at: who changes it afterwards finds the waker here.
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

    /// Waits for the turn of `sender`, who waits as `id`, and for room in the queue; then queues.
    fn poll_turn<T>(
        &self,
        id: u64,
        sender: u64,
        kind: WaiterKind,
        cx: &mut Context<'_>,
        queue: impl FnOnce(&mut State<S>, &mut Context<'_>) -> Result<T, Error>,
    ) -> Poll<Result<T, Error>> {
        self.act(Some(id), |state, combined| {
            if state.open == Some(sender) {
                // The queue waits for the end of its message.
                self.waiting.wait(id, cx);
            } else if !self.waiting.enqueue(id, kind, cx, state.is_free()) || !state.is_turn(None) {
                return Poll::Pending;
            }
            let room = ready!(state.poll_capacity(combined));
            self.waiting.leave(id);
            Poll::Ready(room.and_then(|()| queue(state, combined)))
        })
    }

    /// Ready when all is written that was queued when `sender`, who waits as `id`, called it first; `until` is where that
    /// is.
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
            let until = *until.get_or_insert(state.written + state.queued() as u64);
            let mut flushed = state.write(|inner| inner.poll_flush(combined));
            // What others have queued behind it is not waited for: it has no end.
            if flushed.is_pending() && state.queued() > 0 && state.written >= until {
                flushed = Poll::Ready(Ok(()));
            }
            if flushed.is_ready() {
                self.waiting.leave(id);
            }
            flushed
        })
    }

    /// Ready when the connection is closed. What is read on the way is kept for the receiver, if there is one.
    fn poll_closed(&self, id: u64, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.act(Some(id), |state, combined| {
            self.waiting.wait(id, cx);
            while !state.inner.state.is_finished() {
                if state.kept_bytes >= KEPT && state.inner.engine.poll_transport() != Transport::Close {
                    // The receiver has to take some; meanwhile it is written, and the deadline kept.
                    let _ = state.write(|inner| inner.poll_flush(combined));
                    let inner = &mut state.inner;
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
            Poll::Ready(state.verdict())
        })
    }
}

impl<S> State<S> {
    fn outlook(&self) -> Outlook {
        Outlook {
            written: self.written,
            kept: self.kept.len(),
            late: self.late.len(),
            stream: self.inner.state,
            transport: self.inner.engine.poll_transport(),
            deadline: self.inner.engine.poll_timeout(),
        }
    }

    fn queued(&self) -> usize {
        self.inner.queued()
    }

    /// Nothing is queued any more: there is nothing to wait for.
    fn is_over(&self) -> bool {
        self.inner.state.is_failed() || !self.inner.engine.is_open()
    }

    /// Whether this sender may begin a message, or go on with one; `None`: whether any may begin.
    fn is_turn(&self, sender: Option<u64>) -> bool {
        self.open.is_none() || self.open == sender || self.is_over()
    }

    /// Whether there is nothing to wait for.
    fn is_free(&self) -> bool {
        self.is_over() || self.is_turn(None) && !self.inner.is_full()
    }

    /// Whether the next that comes is a part of a message of which one was taken.
    fn is_in_parts(&self) -> bool {
        match self.kept.front() {
            Some(kept) => matches!(kept, Ok(Event::Part(_))),
            None => self.inner.is_in_parts(),
        }
    }

    /// Begins the closing, if it has not begun.
    fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if self.inner.engine.is_open() { self.inner.start_close(code, reason) } else { Ok(()) }
    }

    /// What ended the connection, if it was not a Close: the receiver is told as well.
    fn verdict(&self) -> Result<(), Error> {
        let violation = self.inner.details.as_ref().and_then(|details| details.violation.clone());
        match (violation, self.failure) {
            (Some(violation), _) => Err(Error::Violation(violation)),
            (None, Some(failure)) => Err(Error::Io(failure.into())),
            (None, None) => Ok(()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> State<S> {
    /// Lets the connection write, and counts what was written: less than that where it queues something meanwhile.
    fn write<T>(&mut self, write: impl FnOnce(&mut Inner<S>) -> T) -> T {
        let before = self.queued();
        let done = write(&mut self.inner);
        self.written += before.saturating_sub(self.queued()) as u64;
        done
    }

    /// Ready when another message may be queued, or none any more.
    fn poll_capacity(&mut self, combined: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.inner.engine.is_open() && !self.inner.state.is_failed() {
            return Poll::Ready(Err(Misuse::Closed.into()));
        }
        self.write(|inner| inner.poll_capacity(combined))
    }

    /// Writes what the stream takes now. Whether that is all.
    fn write_now(&mut self, combined: &mut Context<'_>) -> Result<bool, Error> {
        // What a task may do in one go was counted before; here it would keep back what the stream takes.
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
            // It fails when the connection is closing: then the next command tells.
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

/// Bytes that an event counts for while it is kept: a control frame is small, but not nothing.
fn size(event: &Result<Event, Error>) -> usize {
    const LEAST: usize = 256;
    match event {
        Ok(Event::Message(message)) => message.len().max(LEAST),
        Ok(Event::Part(part)) => part.bytes.len().max(LEAST),
        Ok(Event::Ping(_) | Event::Pong(_) | Event::Close(_) | Event::Tolerated(_)) | Err(_) => LEAST,
    }
}
