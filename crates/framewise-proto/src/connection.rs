mod idle;
mod keepalive;
mod prepared;
mod send;
mod state;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use framewise_rules::{Answer, CloseCode, Role, Rule};
use framewise_simd::{Utf8, Utf8Vec};

pub use self::idle::{IdleConfig, IdleConnection};
pub use self::keepalive::Keepalive;
use self::keepalive::Pings;
use self::state::{Rest, State};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateAgreement;
use crate::deflate::{Compressor, Inflating};
use crate::receive::Receiver;
use crate::{
    CloseFrame, Config, Detail, Ended, EndedBy, Event, MessageKind, Opcode, Payload, Transmit, Violation,
};

pub use self::prepared::{Compressed, Compression};

/// Where a client's masking keys come from.
///
/// RFC 6455 §5.3: "The masking key needs to be unpredictable; thus, the masking key MUST be derived from a strong
/// source of entropy". This crate has no source of randomness, so the caller passes one.
pub type MaskingKeys = Box<dyn FnMut() -> [u8; 4] + Send + Sync>;

/// How long a client waits for the server's end of TCP, which the server owes it at once.
const AWAIT_END: Duration = Duration::from_secs(1);

/// What the caller must do with the transport. A new one is a breaking change, as for [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Keep it open.
    Open,
    /// Write what is queued, then close it: a server after the closing handshake, which RFC 6455 §5.5.1 has close
    /// immediately. The client sends nothing after its Close, so there is nothing to read.
    CloseAfterWriting,
    /// Write what is queued, and read until the server's end: a client after the closing handshake. RFC 6455 §7.1.1 has
    /// the server close first.
    AwaitEnd,
    /// Write what is queued, shut the writing side down, and read until the peer's end: the connection failed. Closing
    /// while the peer still sends resets the connection, which may destroy the Close before the peer has read it.
    ShutDown,
    /// Close it now.
    Close,
}

/// One end of a connection, after its handshake. It does no I/O: the caller passes the bytes it read, and takes events
/// and the bytes to write.
///
/// Its methods are of four kinds.
/// - Getters.
/// - Inputs, which never fail: [`receive`](Self::receive), [`receive_eof`](Self::receive_eof),
///   [`handle_timeout`](Self::handle_timeout). A fault of the peer is an event.
/// - Commands, which return [`Misuse`](crate::Misuse) and do nothing if the caller made a mistake:
///   [`send_text`](Self::send_text), [`send_binary`](Self::send_binary), [`begin`](Self::begin), [`ping`](Self::ping),
///   [`close`](Self::close) and others.
/// - Outputs: [`poll_event`](Self::poll_event), [`poll_transmit`](Self::poll_transmit),
///   [`poll_timeout`](Self::poll_timeout), [`poll_transport`](Self::poll_transport).
///
/// Times are durations since an origin that the caller chooses once for the connection.
pub struct Connection {
    role: Role,
    receiver: Receiver,
    keys: Option<MaskingKeys>,
    compressor: Option<Box<Compressor>>,
    out: Transmit,
    /// The payload of the last Ping, if its Pong waits until the queue is taken.
    owed: Option<Box<[u8]>>,
    pings: Option<Box<Pings>>,
    /// The message that is being sent in parts: its kind, whether the next part is the first, and its UTF-8 state.
    sending: Option<(MessageKind, bool, Utf8)>,
    state: State,
    heard: Duration,
    /// What `poll_event` still has to return.
    violation: Option<Box<Violation>>,
    ended: Option<Ended>,
}

impl Connection {
    /// A client's connection. `offset`: bytes of the server's stream before the first frame: the size of the response's
    /// head. The connections of one endpoint may share their configuration.
    pub fn client(config: impl Into<Arc<Config>>, keys: MaskingKeys, offset: u64, now: Duration) -> Self {
        Self::new(Role::Client, config.into(), Some(keys), offset, now)
    }

    /// A server's connection. `offset`: bytes of the client's stream before the first frame: the size of the request's
    /// head.
    pub fn server(config: impl Into<Arc<Config>>, offset: u64, now: Duration) -> Self {
        Self::new(Role::Server, config.into(), None, offset, now)
    }

    fn new(role: Role, config: Arc<Config>, keys: Option<MaskingKeys>, offset: u64, now: Duration) -> Self {
        let pings = config.keepalive.map(|keepalive| Box::new(Pings::new(keepalive, now)));
        Self {
            role,
            receiver: Receiver::new(role.peer(), config, offset),
            keys,
            compressor: None,
            out: Transmit::default(),
            owed: None,
            pings,
            sending: None,
            state: State::Open,
            heard: now,
            violation: None,
            ended: None,
        }
    }

    /// Sets the permessage-deflate parameters that the handshake agreed.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreement: &DeflateAgreement) -> Self {
        let config = self.receiver.deflate();
        let direction = agreement.sent_by(self.role);
        let compressor = Compressor::new(direction, config.context, config.level, config.threshold);
        self.compressor = Some(Box::new(compressor));
        self.receiver.agree(agreement);
        self
    }

    // Getters

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Payload bytes of the current data frame that have not arrived: a reader may reserve memory for them.
    pub fn remaining(&self) -> u64 {
        self.receiver.remaining()
    }

    /// Whether messages may be sent.
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether a message of `length` bytes is sent compressed.
    pub fn compresses(&self, length: usize) -> bool {
        self.compressor.as_ref().is_some_and(|compressor| length >= compressor.threshold())
    }

    /// Bytes queued, which [`Connection::poll_transmit`] returns.
    pub fn queued(&self) -> usize {
        self.out.len()
    }

    /// The message that is being received, of which [`Connection::receive`] has not given the last part.
    pub fn receiving(&self) -> Option<MessageKind> {
        self.receiver.receiving()
    }

    /// The connection's configuration.
    pub fn config(&self) -> &Config {
        self.receiver.config()
    }

    /// Whether the bytes queued here reach [`Config::send_queue`].
    fn is_full(&self) -> bool {
        !self.out.is_empty() && self.out.len() >= self.config().send_queue
    }

    // Inputs

    /// Consumes bytes from the front of `bytes`, which are all bytes that the transport delivered and that were not
    /// consumed yet. Returns how many it consumed and the event they are. Call it again with the rest until the event
    /// is `None`, which means that more bytes are needed. Keep the bytes that are then left (at most 139) and pass them
    /// again, followed by what is read next.
    ///
    /// One call inflates at most 64 KiB of a compressed message; [`Event::Inflated`] without `last` says that more
    /// follows.
    ///
    /// The payload is unmasked in place. Bytes that are not consumed are not changed.
    #[inline]
    pub fn receive<'b>(&mut self, now: Duration, bytes: &'b mut [u8]) -> (usize, Option<Event<'b>>) {
        if bytes.is_empty() {
            return (0, None);
        }
        self.heard = now;
        // The connection is also over after the peer's Close.
        if self.state.is_over() {
            return self.discard(bytes);
        }
        if let Some(whole) = self.receiver.whole(bytes) {
            return match self.receiver.take_whole(&whole, bytes) {
                Ok(payload) => (whole.size, Some(Event::Data { payload, first: true, last: true })),
                Err(violation) => (whole.size, Some(self.fail(violation))),
            };
        }
        self.receive_any(now, bytes)
    }

    /// As [`Connection::receive`], but only for a complete message in one frame at the front of `bytes`, which most
    /// messages are. Returns how many bytes it consumed, and the payload, which is at their end. It is the fastest path
    /// from bytes to a message.
    ///
    /// `None` if the bytes are something else or not complete: nothing was consumed; call `receive`. Also `None` if the
    /// message broke a rule: [`Connection::poll_event`] then returns the violation.
    #[inline]
    pub fn receive_whole<'b>(&mut self, now: Duration, bytes: &'b mut [u8]) -> Option<(usize, Payload<'b>)> {
        if self.state.is_over() {
            return None;
        }
        let whole = self.receiver.whole(bytes)?;
        self.heard = now;
        match self.receiver.take_whole(&whole, bytes) {
            Ok(payload) => Some((whole.size, payload)),
            Err(violation) => {
                if let Event::Violation(violation) = self.fail(violation) {
                    self.violation = Some(violation);
                }
                None
            }
        }
    }

    /// Receives everything that `Receiver::whole` does not recognise.
    #[inline(never)]
    fn receive_any<'b>(&mut self, now: Duration, bytes: &'b mut [u8]) -> (usize, Option<Event<'b>>) {
        let (consumed, event) = self.receiver.receive(now, bytes);
        let event = event.map(|event| self.react(now, event));
        (consumed, event)
    }

    /// Reacts to an event: answers a Ping, records a Pong, closes, fails.
    fn react<'b>(&mut self, now: Duration, event: Event<'b>) -> Event<'b> {
        match event {
            Event::Ping(payload) => {
                // RFC 6455 §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response,
                // unless it already received a Close frame."
                if self.is_open() {
                    self.answer(payload);
                }
                event
            }
            Event::Pong(payload) => {
                self.pong_received(now, payload);
                event
            }
            Event::Close(close) => self.close_frame(now, close),
            Event::Violation(violation) => self.violation(now, violation),
            Event::Data { .. } | Event::Inflated { .. } | Event::Tolerated(_) | Event::Ended(_) => event,
        }
    }

    /// Takes what was inflated since the last call; call it after an [`Event::Inflated`]. After the event with `last`,
    /// it is the complete message if no part was taken before; a text is then a `str` without another check
    /// ([`Utf8Vec::as_str`]).
    pub fn take_inflated(&mut self) -> Utf8Vec {
        self.receiver.inflating().map(Inflating::take).unwrap_or_default()
    }

    /// Gives the buffer back, so that the next compressed message reuses its memory. A large buffer is freed, and so is
    /// each one with [`Context::Shared`](crate::deflate::Context::Shared).
    pub fn recycle_inflated(&mut self, buffer: Vec<u8>) {
        if let Some(inflating) = self.receiver.inflating() {
            inflating.recycle(buffer);
        }
    }

    /// RFC 6455 §5.5.1: after a Close frame "the peer does not send any further data"; §1.4: "after receiving such a
    /// frame, the other peer … discards any further data received". The first such frame is reported.
    #[cold]
    fn discard<'b>(&mut self, bytes: &[u8]) -> (usize, Option<Event<'b>>) {
        let State::Over { rest: rest @ Rest::Report, .. } = &mut self.state else {
            return (bytes.len(), None);
        };
        *rest = Rest::Discard;
        let mut violation = self.receiver.at(Rule::FrameAfterClose, self.receiver.offset(), 1);
        violation.frame += 1;
        (bytes.len(), Some(Event::Tolerated(violation)))
    }

    /// RFC 6455 §5.5.3: "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to
    /// previous Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping
    /// frame." This endpoint does so once its queue is full, so that a peer that sends Pings and does not read costs no
    /// memory.
    fn answer(&mut self, ping: &[u8]) {
        if self.is_full() {
            self.owed = Some(ping.into());
        } else {
            self.frame(Opcode::Pong, true, false, ping);
        }
    }

    fn answer_owed(&mut self) {
        if let Some(ping) = self.owed.take() {
            self.frame(Opcode::Pong, true, false, &ping);
        }
    }

    fn close_frame<'b>(&mut self, now: Duration, close: Option<CloseFrame>) -> Event<'b> {
        let by = if self.is_open() { EndedBy::Peer } else { EndedBy::Us };
        if self.is_open() {
            // RFC 6455 §5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the
            // endpoint MUST send a Close frame in response. (When sending a Close frame in response, the endpoint
            // typically echos the status code it received.)"
            let mut echo = close.clone();
            // Only a client may send 1010 (§7.4.1): a server confirms it without a code.
            if self.role == Role::Server && echo.as_ref().is_some_and(|close| close.code.0 == 1010) {
                echo = None;
            }
            if let Some(echo) = &mut echo {
                echo.reason = String::new();
            }
            self.queue_close(echo.as_ref());
        }
        let (code, reason) =
            close.clone().map_or((CloseCode::NO_STATUS, String::new()), |close| (close.code, close.reason));
        self.end(now, Ended { by, code, reason, clean: true });
        Event::Close(close)
    }

    fn violation<'b>(&mut self, now: Duration, violation: Box<Violation>) -> Event<'b> {
        if let (Rule::CloseCodeReserved | Rule::CloseCodeInvalid, true) =
            (violation.rule, self.tolerates(violation.rule))
        {
            self.close_frame(now, None);
            return Event::Tolerated(violation);
        }
        self.heard = now;
        self.fail(violation)
    }

    fn tolerates(&self, rule: Rule) -> bool {
        self.receiver.strictness().tolerates(rule)
    }

    /// RFC 6455 §7.1.7: "_Fail the WebSocket Connection_".
    #[cold]
    fn fail<'b>(&mut self, violation: Box<Violation>) -> Event<'b> {
        if let Answer::Close(code) = violation.rule.answer() {
            let reason = String::from(violation.rule.id());
            if self.is_open() {
                self.queue_close(Some(&CloseFrame { code, reason: reason.clone() }));
            }
            self.end(self.heard, Ended { by: EndedBy::Us, code, reason, clean: false });
        } else {
            let code = CloseCode::ABNORMAL_CLOSURE;
            self.end(self.heard, Ended { by: EndedBy::Nobody, code, reason: String::new(), clean: false });
            self.close_transport(self.state.deadline());
        }
        Event::Violation(violation)
    }

    fn end(&mut self, now: Duration, ended: Ended) {
        if self.state.is_over() {
            return;
        }
        self.sending = None;
        let close = self.receiver.limits().close;
        // RFC 6455 §5.5.1: "The server MUST close the underlying TCP connection immediately; the client SHOULD wait for
        // the server to close the connection but MAY close the connection at any time after sending and receiving a
        // Close message, e.g., if it has not received a TCP Close from the server in a reasonable time period."
        let (transport, patience) = match self.role {
            _ if !ended.clean => (Transport::ShutDown, close),
            Role::Client => (Transport::AwaitEnd, close.min(AWAIT_END)),
            Role::Server => (Transport::CloseAfterWriting, close),
        };
        let until = Some(now.saturating_add(patience));
        let rest = if ended.clean { Rest::Report } else { Rest::Discard };
        self.ended = Some(ended);
        self.state = State::Over { transport, until, rest };
    }

    /// From here on the caller closes the transport.
    fn close_transport(&mut self, until: Option<Duration>) {
        let rest = if let State::Over { rest, .. } = self.state { rest } else { Rest::Discard };
        self.state = State::Over { transport: Transport::Close, until, rest };
    }

    /// The transport's stream ended or was reset; `rest` is what was not consumed.
    pub fn receive_eof(&mut self, now: Duration, rest: &[u8]) {
        if !self.state.is_over() {
            self.heard = now;
            let violation = self.receiver.end(rest);
            if let Event::Violation(violation) = self.fail(violation) {
                self.violation = Some(violation);
            }
        }
        self.close_transport(None);
    }

    /// Call it at the time that [`Connection::poll_timeout`] returned. A call that is early or late does no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        let limits = *self.receiver.limits();
        if let Some(deadline) = self.state.deadline()
            && now >= deadline
        {
            if self.state.is_over() {
                self.close_transport(None);
            } else {
                // RFC 6455 §7.1.1: a peer that does not answer a Close is not waited for.
                let since = deadline.saturating_sub(limits.close);
                self.time_out(now, Rule::CloseTimeout, since, Vec::new());
            }
        } else if !self.state.is_over()
            && let Some(idle) = limits.idle
            && now.saturating_sub(self.heard) >= idle
        {
            self.time_out(now, Rule::IdleTimeout, self.heard, Vec::new());
        } else if self.keepalive_due().is_some_and(|due| now >= due) {
            self.keep_alive(now);
        }
    }

    fn time_out(&mut self, now: Duration, rule: Rule, since: Duration, also: Vec<Rule>) {
        self.heard = now;
        let mut violation = self.receiver.at(rule, self.receiver.offset(), 0);
        violation.detail = Detail::Waited(now.saturating_sub(since));
        violation.also = also;
        if let Event::Violation(violation) = self.fail(violation) {
            self.violation = Some(violation);
        }
    }

    /// Fails the connection because of a violation outside its frames: `extension-required`.
    pub fn fail_for(&mut self, now: Duration, violation: Violation) {
        self.heard = now;
        if let Event::Violation(violation) = self.fail(Box::new(violation)) {
            self.violation = Some(violation);
        }
    }

    // Outputs

    /// Returns events that do not come from bytes: the stream ended, a deadline passed, the connection ended. Call it
    /// when [`Connection::receive`] has returned `None`.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        if let Some(violation) = self.violation.take() {
            return Some(Event::Violation(violation));
        }
        if let Some(note) = self.poll_missed() {
            return Some(note);
        }
        self.ended.take().map(Event::Ended)
    }

    /// Takes the bytes to write. Once written, give the value to [`Connection::recycle`].
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if self.out.is_empty() {
            return None;
        }
        let out = mem::take(&mut self.out);
        self.answer_owed();
        Some(out)
    }

    /// Reuses the memory of what was written for the next frames.
    pub fn recycle(&mut self, mut transmit: Transmit) {
        // Without capacity nothing is queued.
        if self.out.capacity() == 0 {
            transmit.clear();
            self.out = transmit;
        }
    }

    /// When to call [`Connection::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let idle = self.receiver.limits().idle.filter(|_| !self.state.is_over());
        let idle = idle.map(|idle| self.heard.saturating_add(idle));
        [self.state.deadline(), idle, self.keepalive_due()].into_iter().flatten().min()
    }

    /// Until when the connection waits for the peer's Close, and then for what [`Connection::poll_transport`] names: that
    /// everything is written, or that the peer ends TCP.
    #[must_use]
    pub const fn close_deadline(&self) -> Option<Duration> {
        self.state.deadline()
    }

    /// What to do with the transport once everything queued is written.
    #[must_use]
    pub const fn poll_transport(&self) -> Transport {
        self.state.transport()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("received", &self.receiver.offset())
            .field("frames", &self.receiver.frames())
            .field("queued", &self.out.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
