//! Finds the next frame after a wrong length, or after bytes that are not a frame.

use framewise_proto::frame::{Expect, MAX_HEADER, Sequence};
use framewise_proto::{Header, Opcode, Strictness};
use framewise_rules::{MessageKinds, Role, Rule};

use super::{Ahead, Frames, Moment, State};
use crate::endpoints::UNLIMITED;
use crate::window::Window;

/// The longest payload of a frame that is believed during the search: three of them fit into the window.
pub(crate) const REACH: u64 = 16 * 1024;
/// How many headers in a row make a boundary.
const CHAIN: usize = 3;

/// Whether bytes with this fault may not be a header.
pub(super) const fn makes_doubtful(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Rsv2Set
            | Rule::Rsv3Set
            | Rule::OpcodeReservedData
            | Rule::OpcodeReservedControl
            | Rule::ControlFragmented
            | Rule::ControlTooLong
            | Rule::LengthTopBit
    )
}

/// The result of reading bytes as a header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// Too few bytes.
    NotYet,
    /// Not a header.
    No,
    /// A header whose bits are valid.
    Header(Header),
}

/// What headers of this direction look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plausible {
    role: Role,
    deflate: bool,
}

impl Plausible {
    pub(crate) const fn new(role: Role, deflate: bool) -> Self {
        Self { role, deflate }
    }

    /// Reads the start of `bytes` as a header.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Reading {
        self.decode_but(bytes, |_| false)
    }

    /// As [`Plausible::decode`], but tolerates some faults.
    pub(crate) fn decode_but(&self, bytes: &[u8], tolerates: impl Fn(Rule) -> bool) -> Reading {
        let Some(header) = Header::decode_without_mask(bytes) else { return Reading::NotYet };
        let expect = Expect {
            sender: self.role,
            deflate: self.deflate,
            limits: &UNLIMITED,
            messages: MessageKinds::All,
            strictness: Strictness::default(),
            now: None,
        };
        let faults = Sequence::default().faults(&header, &expect);
        // The order of frames is unknown after the boundary was lost.
        if faults.iter().all(|&rule| rule == Rule::ContinuationOrphan || tolerates(rule)) {
            Reading::Header(header)
        } else {
            Reading::No
        }
    }

    /// Whether there is a header at `offset`; `None` if its bytes have not arrived.
    pub(crate) fn header(&self, window: &Window, offset: u64) -> Option<bool> {
        match self.decode(window.read(offset, MAX_HEADER as u64)) {
            Reading::NotYet => None,
            Reading::No => Some(false),
            Reading::Header(_) => Some(true),
        }
    }

    /// Looks for a chain of headers. Returns whether one was found, and its offset or the offset to continue from.
    pub(crate) fn find(&self, window: &Window, from: u64) -> (bool, u64) {
        let mut at = from;
        loop {
            match self.chain(window, at) {
                Some(true) => return (true, at),
                Some(false) => at += 1,
                None => return (false, at),
            }
        }
    }

    fn chain(&self, window: &Window, mut at: u64) -> Option<bool> {
        for link in 0..CHAIN {
            let header = match self.decode(window.read(at, MAX_HEADER as u64)) {
                Reading::NotYet => return None,
                Reading::No => return Some(false),
                Reading::Header(header) => header,
            };
            // Zero bytes read as empty continuations, so a chain must not begin with one.
            if header.length > REACH || (link == 0 && header.opcode == Opcode::Continuation) {
                return Some(false);
            }
            at += header.size() as u64 + header.length;
        }
        Some(true)
    }
}

/// The bytes between a 101's head and the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// None that frames follow.
    None,
    /// White space or a NUL; frames begin at this offset.
    Until(u64),
    /// White space or a NUL so far; what follows has not arrived.
    NotYet,
}

/// How much white space is skipped.
const EXTRA: u64 = 16;

/// Finds line ends, blanks or the NUL of a C string, followed by a complete frame, or by the part of one that had
/// arrived when the peer reacted. All other bytes are judged as a header.
pub(super) fn extra(plausible: &Plausible, window: &Window, base: u64, ahead: Ahead) -> Extra {
    let bytes = window.read(base, EXTRA);
    let blank = match *bytes {
        // Read as a header, the NUL would be followed by the frame's FIN as its MASK bit, which a server does not set.
        [0, next, ..] if next & 0x80 != 0 => 1,
        _ => bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t')).count() as u64,
    };
    if blank == 0 || blank == EXTRA {
        return Extra::None;
    }
    let start = base + blank;
    let more = match ahead {
        Ahead::More => Extra::NotYet,
        Ahead::Reaction => Extra::Until(start),
        Ahead::Nothing => Extra::None,
    };
    match plausible.decode(window.read(start, MAX_HEADER as u64)) {
        Reading::NotYet => more,
        Reading::No => Extra::None,
        Reading::Header(header) if header.length > REACH || header.opcode == Opcode::Continuation => {
            Extra::None
        }
        Reading::Header(header) if start + header.size() as u64 + header.length > window.end() => more,
        Reading::Header(_) => Extra::Until(start),
    }
}

impl Frames {
    pub(super) fn doubt(&mut self, end: u64, window: &Window) -> bool {
        let expect = self.plausible();
        match expect.header(window, end) {
            None => false,
            Some(false) => {
                self.state = State::Lost { from: self.at };
                true
            }
            Some(true) => {
                // It was a frame: take its header, but skip its payload.
                if let Some(header) = Header::decode(window.slice(self.at..end)) {
                    let told = self.signals.len();
                    self.begin(&header, Moment::default());
                    self.signals.truncate(told);
                    self.sequence.finish();
                }
                self.content.lose_history();
                self.at = end;
                self.state = State::Header;
                true
            }
        }
    }

    pub(super) fn look(&mut self, from: u64, window: &Window) -> bool {
        let from = from.max(window.start());
        let after_gap = self.at == from && self.fits(from, window);
        let (found, at) = if after_gap { (true, from) } else { self.plausible().find(window, from) };
        if !found {
            self.state = State::Lost { from: at };
            return false;
        }
        self.at = at;
        self.state = State::Header;
        self.sequence.finish();
        self.content.lose_history();
        true
    }

    pub(super) fn plausible(&self) -> Plausible {
        Plausible::new(self.role, self.deflate)
    }
}
