//! What went over a connection, for the report of a case.

use std::time::Duration;

use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

/// Bytes of a connection that are kept.
const MOST_BYTES: usize = 256 * 1024;

/// The events of one connection, up to a size.
#[derive(Debug)]
pub(crate) struct Log {
    events: Vec<Event>,
    bytes: usize,
    complete: bool,
}

impl Log {
    pub(crate) const fn new() -> Self {
        Self { events: Vec::new(), bytes: 0, complete: true }
    }

    pub(crate) fn bytes(&mut self, from: Role, time: Duration, bytes: &[u8]) {
        let kept = bytes.len().min(MOST_BYTES - self.bytes);
        self.complete &= kept == bytes.len();
        self.bytes += kept;
        if kept == 0 {
            return;
        }
        // What the same side sends in many writes while the other is silent is one event: a case that sends byte by byte
        // would be unreadable otherwise.
        if let Some(Event { from: last, action: Action::Bytes(before), .. }) = self.events.last_mut()
            && *last == from
        {
            before.extend_from_slice(&bytes[..kept]);
            return;
        }
        self.push(from, time, Action::Bytes(bytes[..kept].to_vec()));
    }

    pub(crate) fn eof(&mut self, from: Role, time: Duration) {
        self.push(from, time, Action::Eof);
    }

    pub(crate) fn reset(&mut self, from: Role, time: Duration) {
        self.push(from, time, Action::Reset);
    }

    fn push(&mut self, from: Role, time: Duration, action: Action) {
        // More digits say nothing to a person.
        let time = Duration::from_micros(time.as_micros() as u64);
        self.events.push(Event { line: 0, time: Some(time), leg: 0, from, action });
    }

    /// The transcript, and whether it is complete.
    pub(crate) fn into_transcript(self) -> (Transcript, bool) {
        let leg = Leg { name: "client-server".into(), open: None };
        let transcript = Transcript { legs: vec![leg], events: self.events };
        (transcript, self.complete)
    }
}
