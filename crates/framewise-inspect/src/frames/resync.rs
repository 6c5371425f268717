//! Where the next frame begins, when a length lied or something that is no frame got between.

use framewise_proto::frame::{Expect, MAX_HEADER, Sequence};
use framewise_proto::{Header, Opcode, Strictness};
use framewise_rules::{MessageKinds, Role, Rule};

use super::{Ahead, Frames, Moment, State};
use crate::endpoints::UNLIMITED;
use crate::window::Window;

/// The longest payload of a frame that is believed while the boundary is looked for: three of them fit into the window.
pub(crate) const REACH: u64 = 16 * 1024;
/// Headers in a row that make a boundary.
const CHAIN: usize = 3;

/// Whether a header with this fault may be no header at all.
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

/// What bytes are, read as a header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// Too few to say.
    NotYet,
    /// None.
    No,
    /// One without a fault in its bits.
    Header(Header),
}

/// What a header of this direction has to look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plausible {
    role: Role,
    deflate: bool,
}

impl Plausible {
    pub(crate) const fn new(role: Role, deflate: bool) -> Self {
        Self { role, deflate }
    }

    /// Reads what stands at the start of `bytes`.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Reading {
        self.decode_but(bytes, |_| false)
    }

    /// The same, but for faults that are let pass.
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
        // In which order frames come is not known where the boundary was lost.
        if faults.iter().all(|&rule| rule == Rule::ContinuationOrphan || tolerates(rule)) {
            Reading::Header(header)
        } else {
            Reading::No
        }
    }

    /// Whether a header stands at `offset`; `None` where it is not there yet.
    pub(crate) fn header(&self, window: &Window, offset: u64) -> Option<bool> {
        match self.decode(window.read(offset, MAX_HEADER as u64)) {
            Reading::NotYet => None,
            Reading::No => Some(false),
            Reading::Header(_) => Some(true),
        }
    }

    /// Looks for a chain of headers: whether one was found, and where, or where to go on looking.
    pub(crate) fn find(&self, window: &Window, from: u64) -> (bool, u64) {
        let mut at = from;
        while at < window.end() {
            match self.chain(window, at) {
                Some(true) => return (true, at),
                Some(false) => at += 1,
                None => return (false, at),
            }
        }
        (false, at)
    }

    fn chain(&self, window: &Window, mut at: u64) -> Option<bool> {
        for link in 0..CHAIN {
            let header = match self.decode(window.read(at, MAX_HEADER as u64)) {
                Reading::NotYet => return None,
                Reading::No => return Some(false),
                Reading::Header(header) => header,
            };
            // Zeros are continuations without payload, as far as they go.
            if header.length > REACH || (link == 0 && header.opcode == Opcode::Continuation) {
                return Some(false);
            }
            at += header.size() as u64 + header.length;
        }
        Some(true)
    }
}

/// What stands between a 101's head and the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// Nothing that frames follow.
    None,
    /// White space or a NUL, and frames from here on.
    Until(u64),
    /// White space or a NUL so far; what follows it is still to come.
    NotYet,
}

/// White space that is looked over.
const EXTRA: u64 = 16;

/// Line ends, blanks or the NUL that ends a string in C, with a whole frame behind them, or with what of it had come when
/// the peer reacted. Everything else that may stand there is judged as the header that it pretends to be.
pub(super) fn extra(plausible: &Plausible, window: &Window, base: u64, ahead: Ahead) -> Extra {
    let bytes = window.read(base, EXTRA);
    let blank = match *bytes {
        // What is FIN of the first frame would be MASK of the NUL's own, which a server's has not.
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
                self.state = State::Lost { from: self.at + 1 };
                true
            }
            Some(true) => {
                // It was a frame: it is taken in as it stands, its payload left alone.
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
        let (found, at) = self.plausible().find(window, from.max(window.start()));
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
