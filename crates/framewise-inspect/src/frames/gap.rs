//! Frames around bytes that the recording lacks.

use framewise_proto::Header;
use framewise_proto::frame::MAX_HEADER;
use framewise_rules::Rule;

use super::{Frames, Reading, State};
use crate::window::Window;

/// What is known of the message that is open after a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Everything: its first frame was read.
    Known,
    /// Nothing, not even whether there is one.
    Unknown,
}

impl Frames {
    /// Bytes are missing up to the start of the window.
    pub(crate) fn gap(&mut self, window: &Window) {
        let resume = window.start();
        self.forget();
        match self.state {
            // The gap is within the payload of a data frame, or ends with it: the next header's place is known.
            State::Payload { header, end } if end >= resume && !header.opcode.is_control() => {
                self.content.leave();
                self.at = resume;
            }
            // A part of a control frame means nothing, or something wrong.
            State::Payload { end, .. } if end >= resume => {
                self.at = end;
                self.state = State::Header;
            }
            State::Payload { .. } | State::Header | State::Doubt { .. } | State::Lost { .. } => {
                self.search(resume);
            }
        }
    }

    /// How many bytes are missing is not known: the next header is searched for.
    pub(crate) fn lose(&mut self, window: &Window) {
        self.forget();
        self.search(window.start());
    }

    fn forget(&mut self) {
        self.content.lose_history();
        self.reported = None;
    }

    fn search(&mut self, from: u64) {
        self.sequence.finish();
        self.open = Open::Unknown;
        self.at = from;
        self.state = State::Lost { from };
    }

    /// The recording starts in the middle of the connection: what was inflated before is unknown.
    pub(crate) fn join(&mut self) {
        self.content.lose_history();
        self.open = Open::Unknown;
    }

    /// Whether nothing can be said about what was sent last.
    pub(crate) fn is_lost(&self, window: &Window) -> bool {
        matches!(self.state, State::Lost { .. } | State::Doubt { .. })
            || self.at >= window.end() && window.is_empty()
    }

    /// Takes out what breaks no rule where the open message is unknown.
    pub(super) fn excuse(&self, faults: &mut Vec<Rule>) {
        if self.open == Open::Unknown {
            faults.retain(|&rule| rule != Rule::ContinuationOrphan);
        }
    }

    /// A header was read: a data frame says what message is open after it.
    pub(super) fn note_open(&mut self, header: &Header) {
        if self.open == Open::Unknown && !header.opcode.is_control() {
            if header.opcode == framewise_proto::Opcode::Continuation {
                self.content.leave();
                self.sequence.finish();
            }
            if header.fin || header.opcode != framewise_proto::Opcode::Continuation {
                self.open = Open::Known;
            }
        }
    }

    /// Whether frames begin at `from` and end exactly where the window does: segments often hold complete frames.
    pub(super) fn fits(&self, from: u64, window: &Window) -> bool {
        // Who masks, or does not, against the rules does so in each frame.
        let masks = |rule| matches!(rule, Rule::MaskPresent | Rule::MaskMissing);
        let plausible = self.plausible();
        let mut at = from;
        while at < window.end() {
            match plausible.decode_but(window.read(at, MAX_HEADER as u64), masks) {
                Reading::Header(header) => {
                    at = at.saturating_add(header.size() as u64).saturating_add(header.length);
                }
                Reading::NotYet | Reading::No => return false,
            }
        }
        at == window.end() && at > from
    }
}
