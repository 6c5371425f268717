//! Pings of the application and of the engine: whether they are answered, and how fast.

use alloc::boxed::Box;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::time::Duration;

use framewise_rules::Rule;

use super::Connection;
use crate::{Detail, Event, Misuse, Opcode, Violation};

/// How many unanswered Pings of the application are remembered.
const REMEMBERED: usize = 16;

/// Automatic Pings, and how long a peer may be silent after one.
///
/// A Ping is sent in each `interval`, even if other frames are sent: proxies and NATs measure the silence of each direction
/// separately, and each Pong measures the round trip.
///
/// Any byte after a Ping shows that the peer is there, because its Pong may have to wait for the end of a large frame. If
/// nothing arrives within `pong`, the connection fails (`idle-timeout`, with `ping-unanswered` in `also`). If only the Pong
/// is missing, that is reported (`ping-unanswered` is a note), and the connection continues.
///
/// ```
/// use core::time::Duration;
/// use framewise_proto::Keepalive;
///
/// let keepalive = Keepalive::default().interval(Duration::from_secs(60));
/// assert_eq!(keepalive.pong, Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    /// The time from one Ping to the next.
    pub interval: Duration,
    /// How long the peer may be silent after a Ping.
    pub pong: Duration,
}

impl Keepalive {
    /// 20 seconds each: many proxies cut connections that are silent for 30 seconds or more.
    pub const DEFAULT: Self = Self { interval: Duration::from_secs(20), pong: Duration::from_secs(20) };

    /// Sets [`Keepalive::interval`](#structfield.interval).
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`Keepalive::pong`](#structfield.pong).
    #[must_use]
    pub const fn pong(mut self, pong: Duration) -> Self {
        self.pong = pong;
        self
    }
}

impl Default for Keepalive {
    /// [`Keepalive::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The state of the Pings that were sent. A connection without Pings does not have it.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// When the engine sends its next Ping.
    next: Duration,
    /// When the engine sent its last Ping; `None` if that is answered or overdue.
    waiting: Option<Duration>,
    /// The number of the last Ping of the engine.
    number: u64,
    /// The unanswered Pings of the application, the oldest first.
    sent: Vec<Sent>,
    round_trip: Option<Duration>,
    /// A missing Pong, until it is reported.
    note: Option<Box<Violation>>,
}

#[derive(Debug)]
struct Sent {
    at: Duration,
    payload: Box<[u8]>,
}

impl Pings {
    pub(super) fn new(keepalive: Keepalive, now: Duration) -> Self {
        Self { next: now.saturating_add(keepalive.interval), ..Self::default() }
    }

    /// The payload of the last Ping of the engine.
    fn own(&self) -> Vec<u8> {
        format!("keepalive {}", self.number).into_bytes()
    }

    /// Processes a Pong.
    ///
    /// RFC 6455 §5.5.3: "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous
    /// Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame." So
    /// a Pong answers its Ping and those before it. One that answers none is "a unidirectional heartbeat".
    fn answered(&mut self, now: Duration, payload: &[u8]) {
        let at = if let Some(at) = self.waiting.filter(|_| payload == self.own()) {
            self.sent.retain(|sent| sent.at > at);
            self.round_trip = Some(now.saturating_sub(at));
            at
        } else {
            let is_this = |sent: &Sent| *sent.payload == *payload;
            let Some(last) = self.sent.iter().rposition(is_this) else { return };
            let at = self.sent[last].at;
            // Of several equal Pings, it is unknown which one it answers.
            if self.sent.iter().position(is_this) == Some(last) {
                self.round_trip = Some(now.saturating_sub(at));
            }
            self.sent.drain(..=last);
            at
        };
        if self.waiting.is_some_and(|waiting| waiting <= at) {
            self.waiting = None;
        }
    }
}

impl Connection {
    /// Queues a Ping with a payload of up to 125 bytes. Its Pong measures [`Connection::round_trip`], unless an earlier Ping
    /// with the same payload is unanswered.
    pub fn ping(&mut self, now: Duration, payload: &[u8]) -> Result<(), Misuse> {
        self.control_frame(Opcode::Ping, payload)?;
        let sent = &mut self.pings.get_or_insert_default().sent;
        if sent.len() == REMEMBERED {
            sent.remove(0);
        }
        sent.push(Sent { at: now, payload: payload.into() });
        Ok(())
    }

    /// The time between queueing the last answered Ping and its Pong. `None` before the first Pong.
    pub fn round_trip(&self) -> Option<Duration> {
        self.pings.as_ref()?.round_trip
    }

    pub(super) fn pong_received(&mut self, now: Duration, payload: &[u8]) {
        if let Some(pings) = &mut self.pings {
            pings.answered(now, payload);
        }
    }

    /// When the next Ping is due, or the answer to the last one.
    pub(super) fn keepalive_due(&self) -> Option<Duration> {
        let keepalive = self.receiver.config().keepalive.filter(|_| self.is_open())?;
        let pings = self.pings.as_ref()?;
        Some(pings.waiting.map_or(pings.next, |at| at.saturating_add(keepalive.pong)))
    }

    /// Sends the Ping that is due, or reports that its answer is missing.
    pub(super) fn keep_alive(&mut self, now: Duration) {
        let full = self.is_full();
        let (Some(keepalive), Some(pings)) = (self.receiver.config().keepalive, &mut self.pings) else {
            return;
        };
        if let Some(at) = pings.waiting.take() {
            let silent = self.heard <= at;
            let mut missed = self.receiver.at(Rule::PingUnanswered, self.receiver.offset(), 0);
            missed.detail = Detail::Waited(now.saturating_sub(at));
            if silent {
                self.time_out(now, Rule::IdleTimeout, self.heard, vec![missed.rule]);
            } else {
                pings.note = Some(missed);
            }
            return;
        }
        pings.next = now.saturating_add(keepalive.interval);
        // After a queue that is not written, it would measure the queue.
        if !full {
            pings.waiting = Some(now);
            pings.number += 1;
            let payload = pings.own();
            self.frame(Opcode::Ping, true, false, &payload);
        }
    }

    /// Reports a missing Pong, once.
    pub(super) fn poll_missed(&mut self) -> Option<Event<'static>> {
        self.pings.as_mut()?.note.take().map(Event::Tolerated)
    }
}
