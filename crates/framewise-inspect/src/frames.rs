//! Reads the frames of one direction: reports every fault and continues.

mod content;
mod control;
mod faults;
mod gap;
mod log;
mod payload;
mod resync;
mod whole;

use std::time::Duration;

use framewise_proto::frame::{Expect, Sequence};
use framewise_proto::{Header, Strictness, Violation};
use framewise_rules::{CloseCode, Limits, MessageKinds, Role, Rule};

use crate::endpoints::Endpoints;
use crate::keep::Keep;
use crate::window::Window;
use content::Content;
pub(crate) use log::{FrameSeen, Log, MessageSeen};
pub(crate) use resync::{Plausible, Reading};

/// When something happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// The number of the recording's step.
    pub(crate) step: u64,
    pub(crate) time: Option<Duration>,
}

/// A Close frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct CloseSeen {
    pub(crate) code: Option<CloseCode>,
    pub(crate) reason: String,
    pub(crate) offset: u64,
    /// The offset of its payload.
    pub(crate) payload: u64,
    pub(crate) frame: u64,
    pub(crate) at: Moment,
}

/// Something that a step yielded.
#[derive(Clone, Debug)]
pub(crate) enum Signal {
    Broken(Violation),
    /// A frame is complete, or as much of it as is shown.
    Frame(FrameSeen),
    Ping {
        payload: Vec<u8>,
        offset: u64,
    },
    Pong {
        payload: Vec<u8>,
        offset: u64,
        frame: u64,
    },
    Close(CloseSeen),
}

#[derive(Clone, Debug)]
enum State {
    Header,
    Payload {
        header: Header,
        end: u64,
    },
    /// A doubtful header: it counts if another header follows where its frame ends.
    Doubt {
        end: u64,
    },
    /// The boundary is lost; the next frame is searched for from this offset.
    Lost {
        from: u64,
    },
}

/// What may follow in a direction: it decides how incomplete bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    More,
    /// The peer reacts to the bytes so far, so they are judged as they are.
    Reaction,
    Nothing,
}

/// One direction after the handshake.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    role: Role,
    deflate: bool,
    limits: Limits,
    messages: MessageKinds,
    sequence: Sequence,
    /// The offset where the first frame should begin.
    pub(crate) base: u64,
    /// The offset of the next byte to read.
    at: u64,
    state: State,
    content: Content,
    /// The payload of the current control frame.
    control: Vec<u8>,
    /// The offset of a header that was reported.
    reported: Option<u64>,
    /// The Close frame of this direction.
    pub(crate) close: Option<CloseSeen>,
    after_close: bool,
    pub(crate) log: Log,
    /// The current frame was shown.
    shown: bool,
    /// The current header arrived in several steps.
    header_cut: bool,
    ahead: Ahead,
    predictable: bool,
    /// What is known of the message at hand.
    open: gap::Open,
    keep: Keep,
    /// Signals that were not taken.
    pub(crate) signals: Vec<Signal>,
}

impl Frames {
    /// `deflate`: window bits and context takeover of this direction, if agreed.
    pub(crate) fn new(
        role: Role,
        endpoints: &Endpoints,
        base: u64,
        deflate: Option<(u8, bool)>,
        keep: Keep,
    ) -> Self {
        let limits = endpoints.limits();
        Self {
            role,
            deflate: deflate.is_some(),
            limits,
            messages: endpoints.messages,
            sequence: Sequence::default(),
            base,
            at: base,
            state: State::Header,
            content: Content::new(deflate, &limits),
            control: Vec::new(),
            reported: None,
            close: None,
            after_close: false,
            log: Log::default(),
            shown: false,
            header_cut: false,
            ahead: Ahead::More,
            predictable: false,
            open: gap::Open::Known,
            keep,
            signals: Vec::new(),
        }
    }

    /// From the next message on.
    pub(crate) const fn keep(&mut self, keep: Keep) {
        self.keep = keep;
    }

    /// Where reading goes on: no byte before is looked at, except to explain something.
    pub(crate) const fn unread(&self) -> u64 {
        match self.state {
            State::Header | State::Payload { .. } | State::Doubt { .. } => self.at,
            State::Lost { from } => from,
        }
    }

    /// Whether RSV1 has a meaning.
    pub(crate) const fn deflate(&self) -> bool {
        self.deflate
    }

    /// What is incomplete if the stream ends here: nothing, a header, or a payload.
    pub(crate) fn cut(&self, window: &Window) -> Option<Rule> {
        match self.state {
            State::Header if self.at >= window.end() || self.reported == Some(self.at) => None,
            // A header that lacks only its masking key also counts as an incomplete header.
            State::Header => Some(Rule::HeaderTruncated),
            State::Payload { .. } => Some(Rule::PayloadTruncated),
            State::Doubt { .. } | State::Lost { .. } => None,
        }
    }

    pub(crate) const fn frames(&self) -> u64 {
        self.sequence.frames()
    }

    pub(crate) const fn messages(&self) -> u64 {
        self.sequence.messages()
    }

    /// Reads all bytes of the window.
    pub(crate) fn advance(&mut self, window: &Window, at: Moment) {
        loop {
            let more = match self.state {
                State::Header => self.header(window, at),
                State::Payload { header, end } => self.payload(&header, end, window, at),
                State::Doubt { end } => self.doubt(end, window),
                State::Lost { from } => self.look(from, window),
            };
            if !more {
                return;
            }
        }
    }

    fn header(&mut self, window: &Window, at: Moment) -> bool {
        if self.whole(window, at) {
            return true;
        }
        let bytes = window.read(self.at, framewise_proto::frame::MAX_HEADER as u64);
        // The masking key is not checked, so a fault is reported before it has arrived.
        let decoded = Header::decode_without_mask(bytes);
        self.header_cut |= decoded.is_none() && !bytes.is_empty();
        let expect = self.expect(at);
        let (header, mut faults) = if let Some(header) = decoded {
            (header, if self.after_close { Vec::new() } else { self.sequence.faults(&header, &expect) })
        } else {
            // A fault of the first two bytes is reported before the extended length.
            let start = self.sequence.faults_of_start(bytes, &expect).filter(|_| self.close.is_none());
            if start.is_none() && self.ahead == Ahead::Reaction {
                self.judge_partial(bytes, at);
            }
            let Some(start) = start else { return false };
            start
        };
        self.excuse(&mut faults);
        if !faults.is_empty()
            && self.at == self.base
            && self.role == Role::Server
            && self.reported != Some(self.at)
        {
            match resync::extra(&self.plausible(), window, self.base, self.ahead) {
                resync::Extra::NotYet => return false,
                resync::Extra::None => {}
                resync::Extra::Until(offset) => {
                    self.extra_bytes(offset);
                    return true;
                }
            }
        }
        if self.reported != Some(self.at) {
            self.report(&header, header.size() as u64, faults.clone());
        }
        if decoded.is_none() {
            return false;
        }
        let wild = faults.iter().any(|&rule| resync::makes_doubtful(rule)) || header.length >> 63 != 0;
        if wild {
            // It may be a frame that breaks a rule, or not a frame.
            if header.length > resync::REACH {
                self.state = State::Lost { from: self.at };
                return true;
            }
            self.state = State::Doubt { end: self.at + header.size() as u64 + header.length };
            return true;
        }
        let Some(header) = Header::decode(bytes) else { return false };
        self.begin(&header, at);
        true
    }

    fn expect(&self, at: Moment) -> Expect<'_> {
        Expect {
            sender: self.role,
            deflate: self.deflate,
            limits: &self.limits,
            messages: self.messages,
            strictness: Strictness::default(),
            now: at.time,
        }
    }

    /// More bytes follow, even after the recorded end of the stream.
    pub(crate) const fn go_on(&mut self) {
        self.ahead = Ahead::More;
    }

    /// The stream of this direction has ended.
    pub(crate) fn finish(&mut self, window: &Window, at: Moment) {
        if std::mem::replace(&mut self.ahead, Ahead::Nothing) != Ahead::Nothing {
            self.advance(window, at);
        }
    }

    /// The peer reacts: first judge bytes that otherwise wait for more.
    pub(crate) fn judge(&mut self, window: &Window, at: Moment) {
        if self.ahead == Ahead::More {
            self.ahead = Ahead::Reaction;
            self.advance(window, at);
            self.ahead = Ahead::More;
        }
    }

    fn begin(&mut self, header: &Header, at: Moment) {
        self.sequence.take(header, self.deflate, at.time);
        if header.opcode.is_control() {
            self.control.clear();
        }
        let (number, message) = (self.sequence.frames(), self.sequence.messages());
        let began = log::Began { offset: self.at, number, message, header: *header, at, split: false };
        self.log.begin(began, &[]);
        if !header.opcode.is_control()
            && let Some(open) = self.sequence.open()
        {
            // A continuation without a message also opens one, so that reading continues.
            if open.fragments == 1 {
                let number = self.sequence.messages();
                self.content.begin_message(open, self.at, number, at, self.keep.contents);
            }
            self.content.begin_frame(self.at + header.size() as u64);
        }
        self.note_open(header);
        self.predictable_key();
        // Without an agreement, the meaning of a payload with RSV1 is unknown.
        if header.rsv1 && !self.deflate && !header.opcode.is_control() {
            self.content.leave();
        }
        self.at += header.size() as u64;
        // A length of up to 2^64-1 would overflow the end.
        self.state = State::Payload { header: *header, end: self.at.saturating_add(header.length) };
        self.shown = false;
    }
}
