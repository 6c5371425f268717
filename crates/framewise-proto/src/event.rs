use alloc::boxed::Box;
use alloc::string::String;

use framewise_rules::CloseCode;

use crate::{CloseFrame, MessageKind, Payload, Violation};

/// The result of received bytes. A new one is a breaking change, because every caller of the engine has to act on it.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// A message, or a part of one. A message that is complete in the buffer is one event, with `first` and `last`.
    Data {
        /// Text or binary, unmasked in place. Text is valid as a whole: a part may begin or end inside a character.
        payload: Payload<'b>,
        /// Whether this is the first part of its message.
        first: bool,
        /// Whether this is the last part of its message.
        last: bool,
    },
    /// A compressed message, or a part of one. [`crate::Connection::take_inflated`] returns the inflated bytes.
    Inflated {
        /// Text or binary.
        kind: MessageKind,
        /// How many bytes were inflated: at most 64 KiB and the end of a message. An endpoint with many connections counts
        /// them, and serves the others in between.
        length: usize,
        /// Whether this is the first part of its message.
        first: bool,
        /// Whether this is the last part of its message.
        last: bool,
    },
    /// A Ping; its Pong is queued already.
    Ping(&'b [u8]),
    /// A Pong.
    Pong(&'b [u8]),
    /// The peer's Close; the answer is queued already. `None`: a Close without a code.
    Close(Option<CloseFrame>),
    /// The peer broke a rule. The connection has failed: the Close frame is queued, and further input is discarded.
    Violation(Box<Violation>),
    /// The peer broke a rule that is not enforced: never (its answer is a note), or not by this endpoint
    /// ([`crate::Strictness`]). The connection continues.
    Tolerated(Box<Violation>),
    /// The connection has ended. This is the last event.
    Ended(Ended),
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndedBy {
    /// The peer, by its Close.
    Peer,
    /// This endpoint, by its Close or because it failed the connection.
    Us,
    /// Neither: the connection was lost.
    Nobody,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Who ended it.
    pub by: EndedBy,
    /// The close code: the one of the peer, or 1005 if its Close had none; the one of the rule if this endpoint failed the
    /// connection; 1006 if the connection was lost.
    pub code: CloseCode,
    /// The reason that came with the code: the one of the peer's Close; the rule's name if this endpoint failed the connection;
    /// empty if there was none.
    pub reason: String,
    /// Whether both Close frames were sent.
    pub clean: bool,
}

impl Ended {
    /// An end to compare with, in tests.
    pub fn new(by: EndedBy, code: impl Into<CloseCode>, reason: impl Into<String>, clean: bool) -> Self {
        Self { by, code: code.into(), reason: reason.into(), clean }
    }
}
