//! Pings, the application's and the engine's own: whether they are answered, and how fast.

use alloc::boxed::Box;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::time::Duration;

use framewise_rules::Rule;

use super::Connection;
use crate::{Detail, Event, Misuse, Opcode, Violation};

/// Unanswered Pings of the application that are remembered.
const REMEMBERED: usize = 16;

/// Pings that an endpoint sends by itself, and how long a peer may be silent after one.
///
/// A Ping goes out each `interval`, whatever else does: what lies between the ends (a proxy, a NAT) counts the silence of
/// each direction by itself, and each Pong measures the round trip anew.
///
/// Whatever comes after a Ping shows that the peer is there: its Pong may have to wait behind a large frame, which
/// nothing can interrupt. If nothing comes within `pong` the connection is given up (`idle-timeout`, with
/// `ping-unanswered` beside it). If the Pong alone is missing, that is reported (`ping-unanswered` is a note), and the
/// connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// From one Ping to the next.
    pub interval: Duration,
    /// How long the peer may be silent after a Ping.
    pub pong: Duration,
}

impl Default for Keepalive {
    /// A Ping each 20 seconds, and 20 seconds for an answer: proxies cut what is silent for 30 seconds or more.
    fn default() -> Self {
        Self { interval: Duration::from_secs(20), pong: Duration::from_secs(20) }
    }
}

/// What is known of the Pings that were sent. A connection that sends none has none of it.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// When the engine sends its next one.
    next: Duration,
    /// When it sent its last one; `None` when that is answered, or its time is up.
    waiting: Option<Duration>,
    /// The number of that one.
    number: u64,
    /// The application's that are not answered, the oldest first.
    sent: Vec<Sent>,
    round_trip: Option<Duration>,
    /// A Pong that is missing, until it is told.
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

    /// The payload of the engine's last Ping.
    fn own(&self) -> Vec<u8> {
        format!("keepalive {}", self.number).into_bytes()
    }

    /// Takes a Pong in.
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
            // Which of several alike it answers cannot be told.
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
    /// Queues a Ping, of up to 125 bytes. Its Pong measures [`Connection::round_trip`], unless an earlier one of the same
    /// payload is unanswered.
    pub fn ping(&mut self, now: Duration, payload: &[u8]) -> Result<(), Misuse> {
        self.control_frame(Opcode::Ping, payload)?;
        let sent = &mut self.pings.get_or_insert_default().sent;
        if sent.len() == REMEMBERED {
            sent.remove(0);
        }
        sent.push(Sent { at: now, payload: payload.into() });
        Ok(())
    }

    /// How long the last Ping that was answered took, from when it was queued to its Pong. `None` before there is one.
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

    /// Sends the Ping that is due, or judges that its answer is not there.
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
        // Behind a queue that does not move it would measure the queue.
        if !full {
            pings.waiting = Some(now);
            pings.number += 1;
            let payload = pings.own();
            self.frame(Opcode::Ping, true, false, &payload);
        }
    }

    /// A Pong that is missing is told once.
    pub(super) fn poll_missed(&mut self) -> Option<Event<'static>> {
        self.pings.as_mut()?.note.take().map(Event::Tolerated)
    }
}
