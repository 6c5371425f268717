//! The send queue: when it is full, and how long to wait for a peer that reads nothing.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use framewise_proto::{Misuse, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop;

use super::Inner;
use super::poll::GRACE;
use crate::Error;

impl<S> Inner<S> {
    /// Whether another message has to wait. An empty queue takes a message of any size.
    pub(super) fn is_full(&self) -> bool {
        let queued = self.queued();
        queued > 0 && queued >= self.engine.config().send_queue
    }

    /// Whether a complete message that has arrived waits to be returned.
    pub(super) fn has_message(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| in_flight.inbox.has_message(&self.engine))
    }

    /// The next deadline of the engine, or of a write without progress.
    pub(super) fn due(&self) -> Option<Duration> {
        earliest(self.engine.poll_timeout(), self.stalled_until())
    }

    /// How long a write may make no progress: as long as the peer may be silent.
    fn patience(&self) -> Option<Duration> {
        let config = self.engine.config();
        let keepalive = config.keepalive.map(|keepalive| keepalive.interval.saturating_add(keepalive.pong));
        earliest(config.limits.idle, keepalive)
    }

    fn stalled_until(&self) -> Option<Duration> {
        let since = self.in_flight.as_ref()?.stalled?;
        Some(since.saturating_add(self.patience()?))
    }

    /// Whether a peer that read nothing for too long sent nothing either: then the violation says more than the I/O error.
    pub(super) fn was_silent(&mut self) -> bool {
        let Some(details) = &mut self.details else { return false };
        if details.lost.as_ref().is_none_or(|lost| lost.kind() != io::ErrorKind::TimedOut) {
            return false;
        }
        self.engine.handle_timeout(self.timer.now());
        let silent = self.engine.poll_transport() != Transport::Open;
        if silent {
            details.lost = None;
        }
        silent
    }

    /// Checks the progress of a write, given how much was queued before it.
    pub(super) fn stalled(&mut self, written: Poll<io::Result<()>>, before: usize) -> Poll<io::Result<()>> {
        if written.is_ready() {
            if let Some(in_flight) = &mut self.in_flight {
                in_flight.stalled = None;
            }
            return written;
        }
        let Some(patience) = self.patience() else { return written };
        let (now, moved) = (self.timer.now(), self.queued() < before);
        let Some(in_flight) = &mut self.in_flight else { return written };
        let since = if moved { now } else { in_flight.stalled.unwrap_or(now) };
        in_flight.stalled = Some(since);
        if now.saturating_sub(since) < patience {
            return written;
        }
        let says = format!("the peer has not read anything for {patience:?}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, says)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inner<S> {
    /// Ready when another message may be queued.
    pub(super) fn poll_capacity(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.is_full() && self.engine.is_open() && self.poll_write(cx).is_pending() && self.is_full() {
            ready!(self.poll_patience(cx))?;
        }
        Poll::Ready(self.check_writable())
    }

    /// Waits until the queue is not full, then takes the message or part and queues it. Does nothing if it was taken before.
    pub(super) fn poll_queue<T>(
        &mut self,
        message: &mut Option<T>,
        cx: &mut Context<'_>,
        queue: impl FnOnce(&mut Self, T) -> Result<(), Error>,
    ) -> Poll<Result<(), Error>> {
        if message.is_some() {
            ready!(self.poll_capacity(cx))?;
        }
        Poll::Ready(message.take().map_or(Ok(()), |message| queue(self, message)))
    }

    /// Ready when what was sent is written, or stays queued because more messages of the same read wait to be answered.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.has_message() {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx)
    }

    /// Writes what the stream takes now. No task is woken for the rest: the next call continues.
    pub(super) fn write_now(&mut self) {
        // Without the cooperative budget of tokio, which would hold back bytes that the stream takes.
        let write = coop::unconstrained(poll_fn(|cx| self.poll_write(cx)));
        let _ = pin!(write).poll(&mut Context::from_waker(Waker::noop()));
    }

    /// As [`Inner::write_now`], for a connection that is dropped, maybe outside of a runtime, where there is no clock.
    pub(super) fn write_last(&mut self) {
        let Self { stream, engine, in_flight, .. } = self;
        let in_flight = in_flight.get_or_insert_default();
        let write = coop::unconstrained(poll_fn(|cx| in_flight.outbox.poll_write(stream, engine, cx)));
        if let Poll::Ready(Err(_)) = pin!(write).poll(&mut Context::from_waker(Waker::noop())) {
            // The peer is gone.
            self.clear_outbox();
        }
    }

    /// Ready when everything that was queued is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.poll_write(cx).is_pending() {
            ready!(self.poll_patience(cx))?;
        }
        Poll::Ready(self.check_writable())
    }

    /// Ready when a write has waited long enough to be tried again, or with an error when nothing can be written any more.
    ///
    /// Only a reader can detect that the peer is silent: of the deadlines of the engine, only that of the closing counts.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let now = self.timer.now();
        let closing = match self.engine.poll_transport() {
            Transport::Open | Transport::CloseAfterWriting | Transport::AwaitEnd | Transport::ShutDown => {
                self.engine.close_deadline()
            }
            Transport::Close => Some(*self.details().grace.get_or_insert_with(|| now + GRACE)),
        };
        if closing.is_some_and(|closing| closing <= now) {
            return Poll::Ready(Err(Misuse::Closed.into()));
        }
        // Without a deadline here, the alarm may be set for something else.
        let due = earliest(closing, self.stalled_until());
        if due.is_none() {
            return Poll::Pending;
        }
        ready!(self.timer.poll(due, cx));
        Poll::Ready(Ok(()))
    }
}

fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
