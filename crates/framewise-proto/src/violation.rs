use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use framewise_rules::{Answer, CloseCode, Role, Rule};
use framewise_simd::Utf8Fault;

use crate::Opcode;
use crate::handshake::Place;

/// A rule that the peer broke: which one, where, and how a strict endpoint answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The side that broke it.
    pub by: Role,
    /// Bytes from the start of the offender's stream to the first byte that breaks the rule. If the end of the stream or a
    /// timeout breaks it, the length of the stream. The stream begins with the handshake if the engine read it. `None` if
    /// an HTTP library parsed the handshake, because there are no bytes to count.
    pub offset: Option<u64>,
    /// How many bytes break the rule: 0 if an end or a timeout does, or if there is no offset.
    ///
    /// It may go beyond the bytes that have arrived, so as not to depend on how they were cut: a header is named with its
    /// masking key, and a frame that does not inflate, or inflates to invalid text, with its whole payload.
    pub length: u64,
    /// The number of the frame, from 1; 0 in the handshake.
    pub frame: u64,
    /// The number of the message, from 1; 0 before the first.
    pub message: u64,
    /// What the sentence of the rule does not say.
    pub detail: Detail,
    /// Other rules that the same frame header, or the same head, breaks.
    pub also: Vec<Rule>,
}

/// Details of a violation that the sentence of its rule does not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing.
    None,
    /// What the head lacks: a header, or an extension. The place of the violation is the complete head.
    Missing(&'static str),
    /// How the byte fails to be UTF-8.
    Utf8(Utf8Fault),
    /// The close code that was sent.
    Code(CloseCode),
    /// The status of the response.
    Status(u16),
    /// A size above a limit.
    Limit {
        /// The size.
        got: u64,
        /// Allowed.
        limit: u64,
    },
    /// A message that inflates to more than this many times its payload ([`framewise_rules::Limits::inflate_ratio`]).
    Ratio {
        /// Inflated bytes so far.
        inflated: u64,
        /// Allowed.
        limit: u32,
    },
    /// The budget that connections share ([`crate::deflate::InflateBudget`]) is used up.
    Budget {
        /// Bytes that all connections hold.
        held: u64,
        /// Allowed.
        limit: u64,
    },
    /// The length in the header.
    Length(u64),
    /// The opcode.
    Opcode(Opcode),
    /// Too many of something that a head contains.
    MoreThan {
        /// Allowed.
        limit: u64,
        /// What is counted: "header lines".
        of: &'static str,
    },
    /// The bytes begin a TLS handshake on a plain port.
    Tls,
    /// How long this end waited for the peer.
    Waited(Duration),
    /// A time limit that passed.
    Overdue {
        /// How long one side waited for the other.
        waited: Duration,
        /// Allowed.
        limit: Duration,
    },
    /// A number of bytes.
    Bytes(u64),
    /// The close code that answers another one.
    Answers {
        /// The code that was sent.
        code: CloseCode,
        /// The code that was received before.
        asked: CloseCode,
    },
    /// A back-reference beyond the agreed LZ77 window (RFC 7692 §7.1.2).
    Window {
        /// How far back it reaches, in bytes.
        distance: u32,
        /// The agreed window, in bytes.
        window: u32,
    },
    /// A back-reference to bytes before the start of the history (RFC 7692 §7.1.1).
    History {
        /// How far back it reaches, in bytes.
        distance: u32,
        /// The length of the history, in bytes.
        available: u64,
    },
    /// The fault, in a few words.
    Words(&'static str),
}

impl Violation {
    /// How a strict endpoint answers.
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
        write!(f, "{}: {} ", self.rule.id(), self.sentence())?;
        let answer = self.answer();
        if answer == Answer::Lost {
            // RFC 6455 §7.1.5: it "is considered to be 1006", and is never sent.
            write!(f, "Reported as {}", CloseCode::ABNORMAL_CLOSURE)
        } else {
            write!(f, "Answer: {answer}")
        }
    }
}

/// The sentence first, since `main` prints this of an error that it returns; `{:#?}` adds the fields.
impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if !f.alternate() {
            return Ok(());
        }
        let Self { rule, by, offset, length, frame, message, detail, also } = self;
        f.write_str("\n")?;
        f.debug_struct("Violation")
            .field("rule", rule)
            .field("by", by)
            .field("offset", offset)
            .field("length", length)
            .field("frame", frame)
            .field("message", message)
            .field("detail", detail)
            .field("also", also)
            .finish()
    }
}

impl core::error::Error for Violation {}

impl Violation {
    /// The violation in words: what broke the rule, which side sent it, and where.
    pub const fn sentence(&self) -> Sentence<'_> {
        Sentence(self)
    }
}

/// Displays a violation in words: see [`Violation::sentence`].
#[derive(Clone, Copy, Debug)]
pub struct Sentence<'v>(&'v Violation);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(violation) = self;
        f.write_str(violation.rule.sentence())?;
        if violation.detail != Detail::None {
            write!(f, " ({})", violation.detail)?;
        }
        if let Detail::Missing(_) = violation.detail {
            write!(f, ". By the {}", violation.by)?;
            return match violation.offset.filter(|_| violation.length > 0) {
                Some(offset) => write!(f, ", in the head that ends at byte {}.", offset + violation.length),
                None => f.write_str("."),
            };
        }
        // An end or a timeout has no bytes that the peer sent.
        let sent = if violation.length > 0 { "Sent by" } else { "By" };
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
            Self::Missing(what) => write!(f, "{what} is missing"),
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
            Self::Overdue { waited, limit } => {
                write!(f, "after {:.1} s, the limit is {} s", waited.as_secs_f64(), limit.as_secs_f64())
            }
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

/// A UTF-8 fault in words.
pub const fn utf8_fault(fault: Utf8Fault) -> &'static str {
    match fault {
        Utf8Fault::LeadByte => "a byte that cannot begin a character",
        Utf8Fault::ContinuationMissing => "a character that is not completed",
        Utf8Fault::Overlong => "an overlong form",
        Utf8Fault::Surrogate => "a UTF-16 surrogate",
        Utf8Fault::AboveMaximum => "a code point above U+10FFFF",
    }
}

/// A command of the application that would break a rule. Nothing was sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A Close frame has been sent, or the connection has failed.
    Closed,
    /// The payload of a control frame is longer than 125 bytes, or a Close reason is longer than 123.
    ControlTooLong {
        /// The length in bytes.
        length: usize,
    },
    /// A frame must not carry this close code, or this role must not send it.
    CloseCode(CloseCode),
    /// The message was compressed with other parameters than those of this connection.
    OtherCompression,
    /// A new message was begun while another one is being sent in parts.
    MessageOpen,
    /// A part was sent, but no message was begun.
    NoMessageOpen,
    /// A complete message was requested while one is being received in parts.
    PartTaken,
    /// A text message is not UTF-8, or ends inside a character.
    TextNotUtf8,
    /// The target of the request does not begin with `/`, or contains a space or a control character.
    Target,
    /// The name of a header is empty or contains a character that is not allowed. Here: what is before that character.
    HeaderName(Box<str>),
    /// The value of the header with this name contains a line break or another control character.
    HeaderValue(Box<str>),
    /// The handshake writes this header itself, or must not contain it.
    HandshakeHeader(&'static str),
    /// The request would break this rule, for example with a subprotocol that is not a token or is offered twice.
    Request(Rule),
    /// The server chose a subprotocol that the request does not offer.
    SubprotocolUnoffered,
    /// The handshake agreed an extension other than permessage-deflate.
    Extension,
    /// This status cannot reject a handshake.
    RejectionStatus(u16),
}

impl Misuse {
    /// The rule that the command would break.
    pub const fn rule(&self) -> Option<Rule> {
        match self {
            Self::Closed => Some(Rule::FrameAfterClose),
            Self::ControlTooLong { .. } => Some(Rule::ControlTooLong),
            Self::CloseCode(code) if code.is_reserved() => Some(Rule::CloseCodeReserved),
            Self::CloseCode(code) if code.may_be_sent() => Some(Rule::CloseCodeWrongRole),
            Self::CloseCode(_) => Some(Rule::CloseCodeInvalid),
            Self::MessageOpen => Some(Rule::DataInterleaved),
            Self::NoMessageOpen => Some(Rule::ContinuationOrphan),
            Self::TextNotUtf8 => Some(Rule::TextInvalidUtf8),
            Self::Request(rule) => Some(*rule),
            Self::SubprotocolUnoffered => Some(Rule::ResponseSubprotocolUnoffered),
            Self::OtherCompression
            | Self::PartTaken
            | Self::Target
            | Self::HeaderName(_)
            | Self::HeaderValue(_)
            | Self::HandshakeHeader(_)
            | Self::Extension
            | Self::RejectionStatus(_) => None,
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closing or closed: nothing may be sent after a Close frame"),
            Self::ControlTooLong { length } => write!(
                f,
                "{length} bytes do not fit into a control frame: shorten them to 125, a Close reason to 123"
            ),
            Self::CloseCode(code) => write!(
                f,
                "{code} must not be sent: use 1000 to 1003, 1007 to 1014 (1010 as a client only), 3000 to 4999, or no \
                 code at all"
            ),
            Self::OtherCompression => f.write_str(
                "the message was compressed with other parameters than those of this connection: compress it for this one",
            ),
            Self::MessageOpen => f.write_str("a message is open: end it before the next one begins"),
            Self::NoMessageOpen => f.write_str("no message is open: begin one before its parts"),
            Self::PartTaken => f.write_str(
                "a message is being received in parts: receive the other parts before the next message",
            ),
            Self::TextNotUtf8 => f.write_str("a text message must be UTF-8: send these bytes as binary"),
            Self::Target => f.write_str(
                "the target of a request must be a path without spaces and control characters: begin it with / and encode the \
                 others, a space as %20",
            ),
            Self::HeaderName(start) if start.is_empty() => {
                f.write_str("a header name is empty or begins with a character that is not allowed: correct it")
            }
            Self::HeaderName(start) => write!(
                f,
                "the header name that begins with {start} goes on with a character that is not allowed: correct it"
            ),
            Self::HeaderValue(name) => write!(
                f,
                "the value of the header {name} contains a line break or another control character: remove it"
            ),
            Self::HandshakeHeader(name) => {
                let (why, instead) = refused_header(name);
                write!(f, "the header {name} {why}: {instead}")
            }
            Self::Request(rule) => write!(f, "the request would break {}: {}", rule.id(), rule.sentence()),
            Self::SubprotocolUnoffered => {
                f.write_str("the request does not offer this subprotocol: choose one that it offers, or none")
            }
            Self::Extension => f.write_str(
                "the handshake agreed an extension other than permessage-deflate, the only one that is supported: do not offer it",
            ),
            Self::RejectionStatus(status) => {
                write!(f, "{status} cannot reject a handshake: use 400 to 599, or a redirect")
            }
        }
    }
}

/// Why a header is not the caller's to set, and what to use instead.
fn refused_header(name: &str) -> (&'static str, &'static str) {
    match name {
        "Host" => ("is in the request already", "set it once"),
        "Sec-WebSocket-Protocol" => ("is written by the handshake", "use the setting `protocols` instead"),
        "Sec-WebSocket-Extensions" => ("is written by the handshake", "use the setting `deflate` instead"),
        "Content-Length" | "Transfer-Encoding" => {
            ("says how long a body is, which the handshake knows", "leave it out")
        }
        _ => ("is written by the handshake", "leave it out"),
    }
}

/// The sentence: `main` prints this of an error that it returns.
impl fmt::Debug for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Misuse {}
