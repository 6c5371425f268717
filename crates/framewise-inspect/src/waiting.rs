//! What a side waits for.

use std::collections::VecDeque;

use framewise_rules::Role;

use crate::frames::Moment;

/// How many unanswered Pings are remembered.
const PINGS: usize = 64;

/// The Pings of a direction that no Pong has answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pings {
    /// Their payloads, the oldest first.
    open: VecDeque<(Vec<u8>, Moment)>,
    /// How many of them, from the front, were reported as unanswered. A late Pong still answers them.
    told: usize,
    /// One was reported as unanswered, and nothing was answered since.
    pub(crate) unanswered: bool,
    /// A Pong with another payload came, and none has answered since.
    pub(crate) mismatched: bool,
}

/// How a Pong relates to the Pings before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PongIs {
    Answer,
    /// RFC 6455 §5.5.3: "A Pong frame MAY be sent unsolicited."
    Unsolicited,
    /// Pings are unanswered, and none has this payload.
    Mismatched,
}

impl Pings {
    /// Adds a Ping.
    pub(crate) fn sent(&mut self, payload: Vec<u8>, at: Moment) {
        if self.open.len() == PINGS {
            self.open.pop_front();
            self.told = self.told.saturating_sub(1);
        }
        self.open.push_back((payload, at));
    }

    /// Takes a Pong. RFC 6455 §5.5.3: "A Pong frame sent in response to a Ping frame must have identical "Application
    /// data""; it may answer the last of several Pings alone.
    pub(crate) fn answered(&mut self, payload: &[u8]) -> PongIs {
        match self.open.iter().rposition(|(ping, _)| ping == payload) {
            Some(answered) => {
                self.unanswered = false;
                self.mismatched = false;
                self.open.drain(..=answered);
                self.told = self.told.saturating_sub(answered + 1);
                PongIs::Answer
            }
            None if self.open.len() == self.told => PongIs::Unsolicited,
            None => {
                self.mismatched = true;
                PongIs::Mismatched
            }
        }
    }

    /// Whether a Ping with this payload has no Pong.
    pub(crate) fn is_open(&self, payload: &[u8]) -> bool {
        self.open.iter().any(|(ping, _)| ping == payload)
    }

    /// Forgets all: their Pongs may be missing from the recording.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
        self.told = 0;
    }

    /// When the oldest unanswered Ping that was not reported was sent.
    pub(crate) fn waiting_since(&self) -> Option<Moment> {
        self.open.get(self.told).map(|&(_, since)| since)
    }

    /// Marks all unanswered Pings as reported.
    pub(crate) fn tell(&mut self) {
        self.told = self.open.len();
        self.unanswered = true;
    }
}

/// Which deadlines have passed: each is reported once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    pub(crate) handshake: bool,
    pub(crate) close: bool,
    pub(crate) idle: Option<Role>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Moment {
        Moment { step, time: None }
    }

    fn waiting(pings: &Pings) -> Option<u64> {
        pings.waiting_since().map(|since| since.step)
    }

    #[test]
    fn a_pong_answers_its_ping_and_those_before_it_reported_or_not() {
        let mut pings = Pings::default();
        assert_eq!(pings.answered(b"a"), PongIs::Unsolicited);
        pings.sent(b"a".to_vec(), at(1));
        assert_eq!(pings.answered(b"b"), PongIs::Mismatched);
        pings.tell();
        assert!(pings.unanswered);
        assert_eq!((waiting(&pings), pings.answered(b"b")), (None, PongIs::Unsolicited), "it was given up");
        pings.sent(b"b".to_vec(), at(2));
        pings.sent(b"c".to_vec(), at(3));
        assert_eq!(waiting(&pings), Some(2));
        assert_eq!(pings.answered(b"a"), PongIs::Answer, "late");
        assert!(!pings.unanswered);
        assert_eq!((waiting(&pings), pings.answered(b"a")), (Some(2), PongIs::Mismatched));
        assert_eq!(pings.answered(b"c"), PongIs::Answer);
        assert_eq!((waiting(&pings), pings.answered(b"b")), (None, PongIs::Unsolicited));
    }

    #[test]
    fn the_last_64_pings_are_remembered() {
        let mut pings = Pings::default();
        for ping in 0..64 {
            pings.sent(vec![ping], at(ping.into()));
        }
        assert_eq!(waiting(&pings), Some(0));
        pings.tell();
        pings.sent(vec![64], at(64));
        assert_eq!(waiting(&pings), Some(64));
        assert_eq!(pings.answered(&[0]), PongIs::Mismatched, "it is forgotten");
        assert_eq!(pings.answered(&[1]), PongIs::Answer);
        assert_eq!(waiting(&pings), Some(64));
    }
}
