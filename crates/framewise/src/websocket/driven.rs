//! A server's connection that the driver of a worker drives: the way from an idle connection, and back to it.

use std::task::{Context, Poll};

use bytes::BytesMut;
use framewise_proto::{Connection, Ended, IdleConnection, Transmit, Violation};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::in_flight::InFlight;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::state::State;
use super::timer::Timer;
use super::{Inner, Owned, WebSocket};
use crate::peer_head::PeerHead;
use crate::stop::StopRegistration;
use crate::{Error, Message, MessageRef, Prepared};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Goes on with a connection that was idle, and to whose peer some frames are to be written first. `start`: the beginning of
    /// the engine's time.
    pub(crate) fn of_idle(
        stream: S,
        engine: Connection,
        start: Instant,
        stop: StopRegistration,
        unwritten: Transmit,
    ) -> Self {
        let in_flight = (!unwritten.is_empty()).then(|| {
            let mut in_flight = InFlight::take();
            in_flight.outbox = Outbox::with(unwritten);
            in_flight
        });
        Self {
            inner: Owned::new(Inner {
                stream,
                engine,
                in_flight,
                timer: Timer::new(start),
                state: State::default(),
                ended: None,
                head: PeerHead::Forgotten,
                stop: Some(stop),
                details: None,
                write_last: Inner::write_last,
            }),
        }
    }

    /// Takes bytes that were read from the stream, before anything else is read from it.
    pub(crate) fn push_read(&mut self, read: &[u8]) {
        let now = self.inner.timer.now();
        let in_flight = self.inner.in_flight.get_or_insert_with(InFlight::take);
        debug_assert!(in_flight.inbox.is_empty());
        in_flight.inbox = Inbox::new(BytesMut::from(read));
        in_flight.now = now;
    }

    /// The same connection, if nothing of it is open. Its stream is that of [`WebSocket::into_stream`].
    pub(crate) fn to_idle(&self) -> Option<IdleConnection> {
        let inner = &*self.inner;
        let is_idle = inner.in_flight.is_none()
            && inner.state == State::Open
            && inner.ended.is_none()
            && inner.details.is_none();
        if is_idle { inner.engine.to_idle() } else { None }
    }

    pub(crate) fn into_stream(self) -> S {
        self.inner.into_inner().stream
    }

    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        self.inner.poll_message(cx)
    }

    pub(crate) fn poll_capacity(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_capacity(cx)
    }

    pub(crate) fn queue(&mut self, message: MessageRef<'_>) -> Result<(), Error> {
        self.inner.lend();
        Ok(match message {
            MessageRef::Text(text) => self.inner.engine.send_text(text),
            MessageRef::Binary(bytes) => self.inner.engine.send_binary(bytes),
        }?)
    }

    pub(crate) fn queue_prepared(&mut self, message: &Prepared) -> Result<(), Error> {
        self.inner.queue_prepared(message)
    }

    /// Writes what the stream takes now.
    pub(crate) fn write_now(&mut self) {
        self.inner.write_now();
    }

    /// The peer broke a rule.
    pub(crate) fn break_rule(&mut self, violation: Violation) {
        let now = self.inner.timer.now();
        self.inner.engine.fail_for(now, violation);
    }

    /// The code that has the connection panicked.
    pub(crate) fn fail_for_panic(&mut self) {
        self.inner.fail_for_panic();
    }

    pub(crate) fn take_ended(&mut self) -> Option<Ended> {
        self.inner.ended.take()
    }
}
