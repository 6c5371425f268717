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
/// source of entropy". It is an argument: this crate has no randomness of its own.
pub type MaskingKeys = Box<dyn FnMut() -> [u8; 4] + Send + Sync>;

/// What is to be done with the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Keep it open.
    Open,
    /// Write what is queued, shut the writing side down, and read until the peer's end: RFC 6455 §7.1.1.
    ShutDown,
    /// Write what is queued, and read until the server's end: RFC 6455 §7.1.1 has the server close first.
    AwaitEnd,
    /// Close it.
    Close,
}

/// One end of a connection, after its handshake. It does no I/O: bytes come in, events and bytes go out.
///
/// Its methods are of four kinds.
/// - Getters.
/// - Inputs, which never fail: [`receive`](Self::receive), [`receive_eof`](Self::receive_eof),
///   [`handle_timeout`](Self::handle_timeout). What the peer does wrong is an event.
/// - Commands, which return [`Misuse`](crate::Misuse) when the caller is wrong, and then did nothing: [`send_text`](Self::send_text),
///   [`send_binary`](Self::send_binary), [`begin`](Self::begin), [`ping`](Self::ping), [`close`](Self::close) and others.
/// - Outputs: [`poll_event`](Self::poll_event), [`poll_transmit`](Self::poll_transmit),
///   [`poll_timeout`](Self::poll_timeout), [`poll_transport`](Self::poll_transport).
///
/// Moments are durations since a moment of the caller's choice, always the same one.
pub struct Connection {
    role: Role,
    receiver: Receiver,
    keys: Option<MaskingKeys>,
    compressor: Option<Box<Compressor>>,
    out: Transmit,
    /// The payload of the last Ping, whose Pong waits until what is queued is taken.
    owed: Option<Box<[u8]>>,
    pings: Option<Box<Pings>>,
    /// The kind of the message that is being sent in parts, and its UTF-8 so far.
    sending: Option<(MessageKind, bool, Utf8)>,
    state: State,
    heard: Duration,
    /// What `poll_event` has to say yet.
    violation: Option<Box<Violation>>,
    ended: Option<Ended>,
}

impl Connection {
    /// The client's end. `offset`: bytes of the server's stream before the first frame, which is to say the size of
    /// its handshake's head. Connections of one endpoint may share their
    /// configuration.
    pub fn client(config: impl Into<Arc<Config>>, keys: MaskingKeys, offset: u64, now: Duration) -> Self {
        Self::new(Role::Client, config.into(), Some(keys), offset, now)
    }

    /// The server's end. `offset`: bytes of the client's stream before the first frame.
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

    /// The handshake agreed permessage-deflate.
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

    /// Bytes of the data frame at hand that are still to come: a reader may make room for them.
    pub fn remaining(&self) -> u64 {
        self.receiver.remaining()
    }

    /// Whether messages may be sent.
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether a message of so many bytes is sent compressed.
    pub fn compresses(&self, length: usize) -> bool {
        self.compressor.as_ref().is_some_and(|compressor| length >= compressor.threshold())
    }

    /// Bytes queued that [`Connection::poll_transmit`] gives.
    pub fn queued(&self) -> usize {
        self.out.len()
    }

    /// The message that is being received, of which [`Connection::receive`] has not given the last part.
    pub fn receiving(&self) -> Option<MessageKind> {
        self.receiver.receiving()
    }

    /// How it was set up.
    pub fn config(&self) -> &Config {
        self.receiver.config()
    }

    /// Whether [`Config::send_queue`] is reached, of what is queued here.
    fn is_full(&self) -> bool {
        !self.out.is_empty() && self.out.len() >= self.config().send_queue
    }

    // Inputs

    /// Takes from the front of `bytes`, which the transport delivered and which were not consumed yet, and says how
    /// many it consumed and what they were. Call it again with the rest until it says `None`, which means that more bytes
    /// are needed: what is then left over, at most 139 bytes of it, is to be given again with more behind it.
    ///
    /// One call inflates 64 KiB of a compressed message at the most; [`Event::Inflated`] without `last` says that there
    /// is more.
    ///
    /// The payload is unmasked where it lies. Bytes that are not consumed are not changed.
    #[inline]
    pub fn receive<'b>(&mut self, now: Duration, bytes: &'b mut [u8]) -> (usize, Option<Event<'b>>) {
        if bytes.is_empty() {
            return (0, None);
        }
        self.heard = now;
        // A Close that was received is the end of the connection, too.
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

    /// [`Connection::receive`] for nothing but a message in one frame that lies whole at the front of `bytes`, which is
    /// what most of them are: how many bytes it consumed, and the payload, which is the last of them. It is the shortest
    /// way from bytes to a message.
    ///
    /// `None`: it is something else, or not there whole, and nothing was consumed: call `receive`. Or the message broke a
    /// rule, which [`Connection::poll_event`] says.
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

    /// What is not a whole message at its plainest.
    #[inline(never)]
    fn receive_any<'b>(&mut self, now: Duration, bytes: &'b mut [u8]) -> (usize, Option<Event<'b>>) {
        let (consumed, event) = self.receiver.receive(now, bytes);
        let event = event.map(|event| self.react(now, event));
        (consumed, event)
    }

    /// Does what an event asks for.
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

    /// What a compressed message inflated to since it was taken last: after an [`Event::Inflated`]. Who leaves it until
    /// the last part has the message whole: of a text, that is a `str` without another check ([`Utf8Vec::as_str`]).
    pub fn take_inflated(&mut self) -> Utf8Vec {
        self.receiver.inflating().map(Inflating::take).unwrap_or_default()
    }

    /// Gives the buffer back, so that the next compressed message has its room. It is let go of where nothing is kept
    /// between messages ([`Context::Shared`](crate::deflate::Context::Shared)), and where it is large.
    pub fn recycle_inflated(&mut self, buffer: Vec<u8>) {
        if let Some(inflating) = self.receiver.inflating() {
            inflating.recycle(buffer);
        }
    }

    /// RFC 6455 §5.5.1: after a Close frame "the peer does not send any further data"; §1.4: "after receiving such a
    /// frame, the other peer … discards any further data received". The first frame of it is told.
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

    /// RFC 6455 §5.5.3: "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous
    /// Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame." It
    /// does where the peer reads less than it sends: its Pings cost no memory then.
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
            // 1010 is a client's alone (§7.4.1): a server confirms it without a code.
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
        match violation.rule.answer() {
            Answer::Close(code) => {
                let reason = String::from(violation.rule.id());
                if self.is_open() {
                    self.queue_close(Some(&CloseFrame { code, reason: reason.clone() }));
                }
                self.end(self.heard, Ended { by: EndedBy::Us, code, reason, clean: false });
            }
            Answer::Lost | Answer::Http(_) | Answer::Abort | Answer::Note => {
                let code = CloseCode::ABNORMAL_CLOSURE;
                self.end(
                    self.heard,
                    Ended { by: EndedBy::Nobody, code, reason: String::new(), clean: false },
                );
                self.close_transport(self.state.deadline());
            }
        }
        Event::Violation(violation)
    }

    fn end(&mut self, now: Duration, ended: Ended) {
        if self.state.is_over() {
            return;
        }
        self.sending = None;
        // RFC 6455 §7.1.1: "the server MUST close the TCP connection immediately; … the client SHOULD wait for the
        // server to close the connection but MAY close the connection at any time".
        let transport =
            if ended.clean && self.role == Role::Client { Transport::AwaitEnd } else { Transport::ShutDown };
        let until = Some(now.saturating_add(self.receiver.limits().close));
        let rest = if ended.clean { Rest::Report } else { Rest::Discard };
        self.ended = Some(ended);
        self.state = State::Over { transport, until, rest };
    }

    /// The transport is of no more use.
    fn close_transport(&mut self, until: Option<Duration>) {
        let rest = if let State::Over { rest, .. } = self.state { rest } else { Rest::Discard };
        self.state = State::Over { transport: Transport::Close, until, rest };
    }

    /// The transport's stream ended (or was reset), with `rest` not consumed.
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

    /// The moment that [`Connection::poll_timeout`] named has come. Early or late calls are harmless.
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

    /// Fails the connection for a rule that was seen to be broken outside of its frames: `extension-required`.
    pub fn fail_for(&mut self, now: Duration, violation: Violation) {
        self.heard = now;
        if let Event::Violation(violation) = self.fail(Box::new(violation)) {
            self.violation = Some(violation);
        }
    }

    // Outputs

    /// What inputs without bytes brought about: a stream that ended, a deadline that passed, and the end of it all.
    /// Call it when [`Connection::receive`] has said `None`.
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

    /// Takes what is to be written. Give it back to [`Connection::recycle`] when it is.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if self.out.is_empty() {
            return None;
        }
        let out = mem::take(&mut self.out);
        self.answer_owed();
        Some(out)
    }

    /// Takes the memory of what was written, so that the next frames are queued in it.
    pub fn recycle(&mut self, mut transmit: Transmit) {
        if self.out.capacity() == 0 && self.out.is_empty() {
            transmit.clear();
            self.out = transmit;
        }
    }

    /// When [`Connection::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let idle = self.receiver.limits().idle.filter(|_| !self.state.is_over());
        let idle = idle.map(|idle| self.heard.saturating_add(idle));
        [self.state.deadline(), idle, self.keepalive_due()].into_iter().flatten().min()
    }

    /// Until when the closing may take: the peer's Close, then its end of TCP.
    #[must_use]
    pub const fn close_deadline(&self) -> Option<Duration> {
        self.state.deadline()
    }

    /// What is to be done with the transport once everything queued is written.
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
