//! Drives a connection: one step of reading, writing, closing and waiting, for every public call.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framewise_proto::rules::Rule;
use framewise_proto::{self as proto, CloseFrame, Misuse, Transport, Violation};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Inner;
use super::in_flight::InFlight;
use super::inbox::Found;
use super::outbox::Outbox;
use crate::{CloseCode, Error, Event, Message, trace};

/// How long a peer that has ended its side may take to read what is queued for it.
pub(super) const GRACE: Duration = Duration::from_secs(5);

impl<S: AsyncRead + AsyncWrite + Unpin> Inner<S> {
    /// Returns the next event. It writes what is queued before it waits. If the caller stops polling, nothing is lost.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        if let Some(note) = self.details.as_mut().and_then(|details| details.notes.pop()) {
            return Poll::Ready(Some(Ok(Event::Tolerated(Box::new(note)))));
        }
        if let Some(in_flight) = &mut self.in_flight
            && let Some(found) = in_flight.inbox.parse(&mut self.engine, in_flight.now)
            && let Some(event) = self.tell(found, cx)
        {
            return Poll::Ready(Some(event));
        }
        if self.ends_turn(cx) {
            return Poll::Pending;
        }
        loop {
            while let Some(event) = self.engine.poll_event() {
                let found = match event {
                    proto::Event::Ended(ended) => Found::Ended(ended),
                    proto::Event::Violation(violation) => Found::Violation(violation),
                    proto::Event::Tolerated(note) => Found::Event(Event::Tolerated(note)),
                    proto::Event::Data { .. }
                    | proto::Event::Inflated { .. }
                    | proto::Event::Ping(_)
                    | proto::Event::Pong(_)
                    | proto::Event::Close(_) => continue,
                };
                if let Some(event) = self.tell(found, cx) {
                    return Poll::Ready(Some(event));
                }
            }
            if self.state.is_finished() {
                return Poll::Ready(None);
            }
            let written = self.poll_write(cx);
            let transport = self.engine.poll_transport();
            let shut_down = match transport {
                Transport::Close => return self.poll_finish(written, cx),
                // RFC 6455 §7.1.1. Shutting down may take time: what the peer still sends is read meanwhile.
                Transport::ShutDown | Transport::CloseAfterWriting => {
                    written.is_ready() && self.poll_shut_down(cx).is_ready()
                }
                Transport::Open | Transport::AwaitEnd => false,
            };
            match self.poll_read(cx) {
                Poll::Ready(Some(event)) => return Poll::Ready(Some(event)),
                Poll::Ready(None) if self.ends_turn(cx) => return Poll::Pending,
                Poll::Ready(None) => continue,
                Poll::Pending => {}
            }
            if shut_down && transport == Transport::CloseAfterWriting {
                return self.poll_finish(written, cx);
            }
            if self.state.is_failed() && self.engine.poll_transport() == Transport::Open {
                // Everything that the peer sent before it stopped reading has been read.
                if !self.was_silent() {
                    self.stream_ended();
                }
                continue;
            }
            if self.timer.poll(self.due(), cx).is_ready() {
                self.engine.handle_timeout(self.timer.now());
                continue;
            }
            if self.is_stopping(cx) {
                continue;
            }
            if let Some(in_flight) = &mut self.in_flight {
                in_flight.inbox.begin_turn();
            }
            if let Some(in_flight) = self.in_flight.take_if(|in_flight| in_flight.is_empty()) {
                in_flight.give();
            }
            return Poll::Pending;
        }
    }

    /// Whether other tasks of the thread have to run before this connection inflates more. It is polled again after them.
    fn ends_turn(&mut self, cx: &mut Context<'_>) -> bool {
        let ends = self.in_flight.as_mut().is_some_and(|in_flight| in_flight.inbox.ends_turn());
        if ends {
            cx.waker().wake_by_ref();
        }
        ends
    }

    /// Returns the next message. A violation is returned only when the connection is closed: a caller that drops the
    /// connection on an error must not prevent the Close frame.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if let Some(in_flight) = &mut self.in_flight
            && let Some(message) = in_flight.inbox.whole(&mut self.engine, in_flight.now)
        {
            return Poll::Ready(Some(Ok(message)));
        }
        if self.is_in_parts() {
            return Poll::Ready(Some(Err(Misuse::PartTaken.into())));
        }
        loop {
            match ready!(self.poll_event(cx)) {
                Some(Ok(Event::Message(message))) => return Poll::Ready(Some(Ok(message))),
                Some(Ok(
                    Event::Part(_) | Event::Ping(_) | Event::Pong(_) | Event::Close(_) | Event::Tolerated(_),
                )) => {}
                Some(Err(error)) => self.details().failure = Some(error),
                None => return Poll::Ready(self.take_failure().map(Err)),
            }
        }
    }

    /// Reads until the connection is closed, and drops the messages that still arrive.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let Some(event) = ready!(self.poll_event(cx)) {
            if let Err(error) = event {
                self.details().failure = Some(error);
            }
        }
        Poll::Ready(self.take_failure().map_or(Ok(()), Err))
    }

    /// The result for a reader of messages when the connection is closed.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.details.as_mut()?.failure.take()
    }

    /// Stores what is reported later, and returns what the caller gets now.
    fn tell(&mut self, found: Found, cx: &mut Context<'_>) -> Option<Result<Event, Error>> {
        match found {
            Found::Event(event) => {
                trace::event(self.engine.role(), &event);
                Some(Ok(event))
            }
            Found::Violation(violation) => Some(Err(self.failed(violation, cx))),
            Found::Ended(ended) => {
                trace::ended(self.engine.role(), &ended);
                self.ended = Some(ended);
                None
            }
        }
    }

    #[cold]
    fn failed(&mut self, mut violation: Box<Violation>, cx: &mut Context<'_>) -> Error {
        match self.details().lost.take() {
            // A reset ended the stream; the rule for what it cut off is in `also`.
            Some(error) if is_reset(&error) => {
                let cut = std::mem::replace(&mut violation.rule, Rule::ConnectionReset);
                if cut != Rule::CloseMissing {
                    violation.also.insert(0, cut);
                }
            }
            // An end without the close_notify of TLS counts as an end of the stream.
            Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Some(error) => {
                trace::failed(self.engine.role(), &error);
                return Error::Io(error);
            }
            None => {}
        }
        trace::rule_broken(self.engine.role(), &violation);
        self.details().violation = Some(violation.clone());
        // Write the Close frame now, whatever the caller does next.
        let _ = self.poll_write(cx);
        Error::Violation(violation)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let in_flight = self.in_flight.get_or_insert_with(InFlight::take);
        let InFlight { inbox, now, .. } = &mut **in_flight;
        match inbox.poll_read(&mut self.stream, &mut self.engine, &self.timer, now, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok((0, _))) => {
                self.stream_ended();
                Poll::Ready(None)
            }
            Poll::Ready(Ok((_, found))) => {
                let now = *now;
                // A peer that sends without a pause must not suspend the deadlines.
                if self.engine.poll_timeout().is_some_and(|due| due <= now) {
                    self.engine.handle_timeout(now);
                }
                Poll::Ready(found.and_then(|found| self.tell(found, cx)))
            }
            Poll::Ready(Err(error)) => {
                self.state.fail();
                self.details().lost = Some(error);
                self.stream_ended();
                Poll::Ready(None)
            }
        }
    }

    fn stream_ended(&mut self) {
        let rest = self.in_flight.as_ref().map_or(&[][..], |in_flight| in_flight.inbox.rest());
        self.engine.receive_eof(self.timer.now(), rest);
        self.state.end_of_peer();
    }

    /// Writes everything that is queued. If the stream has failed, it drops the queue.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.engine.queued() == 0
            && self.in_flight.as_ref().is_none_or(|in_flight| in_flight.outbox.is_empty())
        {
            return Poll::Ready(());
        }
        if !self.state.is_failed() {
            let before = self.queued();
            let in_flight = self.in_flight.get_or_insert_with(InFlight::take);
            let written = in_flight.outbox.poll_write(&mut self.stream, &mut self.engine, cx);
            let Err(error) = ready!(self.stalled(written, before)) else { return Poll::Ready(()) };
            self.state.fail();
            self.details().lost = Some(error);
        }
        self.clear_outbox();
        Poll::Ready(())
    }

    /// Drops what cannot be written any more.
    pub(super) fn clear_outbox(&mut self) {
        while self.engine.poll_transmit().is_some() {}
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.outbox = Outbox::default();
            in_flight.stalled = None;
        }
    }

    pub(super) fn poll_shut_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.is_writable() {
            // A failure ends the connection, too, and the reader gets it.
            let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
            self.state.shut_down();
        }
        Poll::Ready(())
    }

    /// The engine is finished. A peer that has only ended its own side still gets what is queued for it.
    fn poll_finish(&mut self, written: Poll<()>, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        if self.state.peer_ended() {
            let ready = written.is_ready() && self.poll_shut_down(cx).is_ready();
            if !ready {
                let now = self.timer.now();
                let until = *self.details().grace.get_or_insert_with(|| now + GRACE);
                while self.timer.now() < until {
                    ready!(self.timer.poll(Some(until), cx));
                }
            }
        }
        self.clear_outbox();
        self.state.finish();
        self.stop = None;
        Poll::Ready(None)
    }

    /// Whether the server of this connection is stopping. If so, it closes the connection with 1001.
    fn is_stopping(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(stop) = &mut self.stop else { return false };
        if !stop.poll(cx) {
            return false;
        }
        // The registration stays: the server waits until the connection is closed.
        let close = CloseFrame::new(CloseCode::GOING_AWAY, "");
        // If the connection is closing already, its closing handshake continues.
        let closes = self.engine.close(self.timer.now(), Some(&close)).is_ok();
        if closes {
            trace::close_sent(self.engine.role(), close.code, "");
        }
        closes
    }

    /// Keeps the error for the reader, which reports it.
    pub(super) fn check_writable(&self) -> Result<(), Error> {
        if !self.state.is_failed() {
            return Ok(());
        }
        match self.details.as_ref().and_then(|details| details.lost.as_ref()) {
            Some(error) => Err(Error::Io(io::Error::new(error.kind(), error.to_string()))),
            None => Err(Error::Misuse(Misuse::Closed)),
        }
    }

    /// Queues a message. Where the stream writes several slices at once, a large one is not copied.
    pub(super) fn queue(&mut self, message: Message) -> Result<(), Error> {
        if !self.engine.is_open() {
            return Err(Misuse::Closed.into());
        }
        self.lend();
        let engine = &mut self.engine;
        Ok(match (message, self.stream.is_write_vectored()) {
            (Message::Text(text), true) => engine.send_text_shared(text.0),
            (Message::Text(text), false) => engine.send_text(text.as_str()),
            (Message::Binary(bytes), true) => engine.send_binary_shared(bytes),
            (Message::Binary(bytes), false) => engine.send_binary(&bytes),
        }?)
    }

    /// Queues a binary message from borrowed bytes.
    pub(super) fn queue_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.lend();
        Ok(self.engine.send_binary(bytes)?)
    }

    /// Queues a part of a message.
    pub(super) fn queue_part(&mut self, part: &[u8], last: bool) -> Result<(), Error> {
        self.lend();
        Ok(self.engine.send_part(part, last)?)
    }

    /// Lends the engine a write buffer.
    pub(super) fn lend(&mut self) {
        if self.engine.queued() == 0 {
            self.in_flight.get_or_insert_with(InFlight::take).outbox.lend(&mut self.engine);
        }
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}
