use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use framewise_rules::{Answer, CloseCode, Role, Rule};
use framewise_simd::Utf8Fault;

use crate::Opcode;
use crate::handshake::Place;

/// A rule that the peer broke: which, where, and what a strict endpoint does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Who broke it.
    pub by: Role,
    /// Bytes from the start of the offender's stream to the first byte that breaks it; the stream's length where it
    /// is its end, or its silence, that does. The stream begins with the handshake where the engine saw it. `None` in a
    /// handshake that came as values, from an HTTP library: it has no bytes to count.
    pub offset: Option<u64>,
    /// Bytes that break it, 0 where an end or a silence does, or where there is no offset.
    ///
    /// It may go beyond the bytes that have arrived, so as not to depend on how they were cut: a header is named with its
    /// masking key, and a frame that does not inflate, or inflates to invalid text, with its whole payload.
    pub length: u64,
    /// The frame, from 1; 0 in the handshake.
    pub frame: u64,
    /// The message, from 1; 0 before the first.
    pub message: u64,
    /// What a sentence can say beyond the rule's.
    pub detail: Detail,
    /// Other rules that the same header, or head, breaks.
    pub also: Vec<Rule>,
}

/// What there is to say about a violation beyond the rule's sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing.
    None,
    /// How the byte fails to be UTF-8.
    Utf8(Utf8Fault),
    /// The close code that was sent.
    Code(CloseCode),
    /// The status of the response.
    Status(u16),
    /// What was announced, and the limit that it is above.
    Limit {
        /// Announced.
        got: u64,
        /// Allowed.
        limit: u64,
    },
    /// A message inflates to more than this many times its payload ([`framewise_rules::Limits::inflate_ratio`]).
    Ratio {
        /// Bytes that it inflated to so far.
        inflated: u64,
        /// Allowed.
        limit: u32,
    },
    /// The budget that connections share ([`crate::deflate::InflateBudget`]) is used up.
    Budget {
        /// Bytes that all of them hold.
        held: u64,
        /// Allowed.
        limit: u64,
    },
    /// The length that the header gives.
    Length(u64),
    /// The opcode.
    Opcode(Opcode),
    /// There is more than this of something that is counted in a head.
    MoreThan {
        /// Allowed.
        limit: u64,
        /// What is counted: "header lines".
        of: &'static str,
    },
    /// The bytes begin a handshake of TLS, where none is spoken.
    Tls,
    /// How long the peer was waited for.
    Waited(Duration),
    /// A time limit that passed.
    TimeLimit(Duration),
    /// How many bytes there are.
    Bytes(u64),
    /// The close code that answers another one.
    Answers {
        /// The code that was sent.
        code: CloseCode,
        /// The code that it answers.
        asked: CloseCode,
    },
    /// A back-reference beyond the agreed LZ77 window (RFC 7692 §7.1.2).
    Window {
        /// How far back it reaches, in bytes.
        distance: u32,
        /// The agreed window, in bytes.
        window: u32,
    },
    /// A back-reference beyond the bytes that it may refer to (RFC 7692 §7.1.1).
    History {
        /// How far back it reaches, in bytes.
        distance: u32,
        /// Bytes of history that there are.
        available: u64,
    },
    /// What is wrong, in a few words.
    Words(&'static str),
}

impl Violation {
    /// What a strict endpoint does.
    pub const fn answer(&self) -> Answer {
        self.rule.answer()
    }

    pub(crate) fn in_handshake(rule: Rule, by: Role, place: Option<Place>) -> Self {
        Self {
            rule,
            by,
            offset: place.map(|place| place.offset),
            length: place.map_or(0, |place| place.length),
            frame: 0,
            message: 0,
            detail: Detail::None,
            also: Vec::new(),
        }
    }

    pub(crate) const fn with(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} Answer: {}", self.rule.id(), self.sentence(), self.answer())
    }
}

impl core::error::Error for Violation {}

impl Violation {
    /// What a person is told: what broke the rule, who sent it, and where.
    pub const fn sentence(&self) -> Sentence<'_> {
        Sentence(self)
    }
}

/// A violation in words, to be displayed: see [`Violation::sentence`].
#[derive(Clone, Copy, Debug)]
pub struct Sentence<'v>(&'v Violation);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(violation) = self;
        f.write_str(violation.rule.sentence())?;
        if violation.detail != Detail::None {
            write!(f, " ({})", violation.detail)?;
        }
        // An end or a silence has no bytes that somebody sent.
        let sent = if violation.length > 0 || violation.offset.is_none() { "Sent by" } else { "By" };
        write!(f, ". {sent} the {}", violation.by)?;
        if let Some(offset) = violation.offset {
            let place = if violation.length > 0 { "at" } else { "after" };
            write!(f, " {place} byte {offset}")?;
        }
        if violation.frame > 0 {
            write!(f, ", frame {}", violation.frame)?;
        }
        f.write_str(".")
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::None => Ok(()),
            Self::Utf8(fault) => f.write_str(utf8_fault(fault)),
            Self::Code(code) => write!(f, "here {code}"),
            Self::Status(status) => write!(f, "here {status}"),
            Self::Limit { got, limit } => write!(f, "here {got}, the limit is {limit}"),
            Self::Ratio { inflated, limit } => {
                write!(f, "{inflated} bytes so far, more than {limit} times what has arrived")
            }
            Self::Budget { held, limit } => {
                write!(f, "all connections together hold {held} bytes, their budget is {limit}")
            }
            Self::Length(length) => write!(f, "the length is {length}"),
            Self::Opcode(opcode) => write!(f, "opcode {:X}", opcode.bits()),
            Self::MoreThan { limit, of } => write!(f, "more than {limit} {of}"),
            Self::Tls => f.write_str("a TLS handshake: the peer speaks TLS to a plain port"),
            Self::Waited(time) => write!(f, "after {:.1} s", time.as_secs_f64()),
            Self::TimeLimit(limit) => write!(f, "the limit is {} s", limit.as_secs_f64()),
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::Answers { code, asked } => write!(f, "{code} answers {asked}"),
            Self::Window { distance, window } => {
                write!(f, "a distance of {distance}, the agreed window is {window}")
            }
            Self::History { distance, available } => {
                write!(f, "a distance of {distance} with {available} bytes of history")
            }
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// What is wrong with a byte that cannot be UTF-8, in words.
pub const fn utf8_fault(fault: Utf8Fault) -> &'static str {
    match fault {
        Utf8Fault::LeadByte => "a byte that cannot begin a character",
        Utf8Fault::ContinuationMissing => "a character that is not completed",
        Utf8Fault::Overlong => "an overlong form",
        Utf8Fault::Surrogate => "a UTF-16 surrogate",
        Utf8Fault::AboveMaximum => "a code point above U+10FFFF",
    }
}

/// A command that would have broken a rule: the caller's fault, and nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A Close frame was sent already, or the connection failed.
    Closed,
    /// A control frame's payload is above 125 bytes; a Close reason above 123.
    ControlTooLong {
        /// Bytes that were given.
        length: usize,
    },
    /// A close code that no frame may carry, or that this role may not send.
    CloseCode(CloseCode),
    /// Another message, while one is open that is sent in parts.
    MessageOpen,
    /// A part of a message, but no message was begun.
    NoMessageOpen,
    /// A whole message, while one is being taken in parts.
    PartTaken,
    /// The end of a text message inside a character, or bytes that are no UTF-8.
    TextNotUtf8,
    /// A header's value or a target that would break the head in two.
    Head,
    /// A header that the handshake writes itself, so that a second one would contradict it, or that it must not have.
    HandshakeHeader(&'static str),
    /// What was given for the request would break this rule: a subprotocol that is no token, say, or is there twice.
    Request(Rule),
    /// A subprotocol that the request does not offer.
    SubprotocolUnoffered,
    /// A status that cannot reject a handshake.
    RejectionStatus(u16),
}

impl Misuse {
    /// The rule that would have been broken.
    pub const fn rule(self) -> Option<Rule> {
        match self {
            Self::Closed => Some(Rule::FrameAfterClose),
            Self::ControlTooLong { .. } => Some(Rule::ControlTooLong),
            Self::CloseCode(code) if code.is_reserved() => Some(Rule::CloseCodeReserved),
            Self::CloseCode(code) if code.may_be_sent() => Some(Rule::CloseCodeWrongRole),
            Self::CloseCode(_) => Some(Rule::CloseCodeInvalid),
            Self::MessageOpen => Some(Rule::DataInterleaved),
            Self::NoMessageOpen => Some(Rule::ContinuationOrphan),
            Self::TextNotUtf8 => Some(Rule::TextInvalidUtf8),
            Self::Request(rule) => Some(rule),
            Self::SubprotocolUnoffered => Some(Rule::ResponseSubprotocolUnoffered),
            Self::PartTaken | Self::Head | Self::HandshakeHeader(_) | Self::RejectionStatus(_) => None,
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closing: nothing may be sent after a Close frame"),
            Self::ControlTooLong { length } => write!(
                f,
                "{length} bytes do not fit into a control frame: 125 at most, 123 for a Close reason; shorten it"
            ),
            Self::CloseCode(code) => write!(
                f,
                "{code} must not be sent: use 1000 to 1003, 1007 to 1014 (1010 as a client only), 3000 to 4999, or no \
                 code at all"
            ),
            Self::MessageOpen => f.write_str("a message is open: end it before the next one begins"),
            Self::NoMessageOpen => f.write_str("no message is open: begin one before its parts"),
            Self::PartTaken => {
                f.write_str("a message is being taken in parts: take the others before the next message")
            }
            Self::TextNotUtf8 => f.write_str("a text message must be UTF-8: send these bytes as binary"),
            Self::Head => {
                f.write_str("a line break, or a character that no header may have, in the handshake's head")
            }
            Self::HandshakeHeader(name) => write!(
                f,
                "{name} is a header that the handshake writes itself, or must not have: leave it out, or use the setting \
                 that is meant for it"
            ),
            Self::Request(rule) => write!(f, "the request would break {}: {}", rule.id(), rule.sentence()),
            Self::SubprotocolUnoffered => {
                f.write_str("a subprotocol that the request does not offer: choose one that it does, or none")
            }
            Self::RejectionStatus(status) => {
                write!(f, "{status} cannot reject a handshake: use 400 to 599, or a redirect")
            }
        }
    }
}

impl core::error::Error for Misuse {}
