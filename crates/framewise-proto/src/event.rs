use alloc::boxed::Box;

use framewise_rules::CloseCode;

use crate::{CloseFrame, MessageKind, Violation};

/// What came of the bytes that were received.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// A message, or a part of one. A message that lay in the buffer whole comes whole: `first` and `last`.
    Data {
        /// Text or binary.
        kind: MessageKind,
        /// Unmasked where it lay. The parts of a text are valid together: a part may end inside a character.
        payload: &'b mut [u8],
        /// It begins a message.
        first: bool,
        /// It ends the message.
        last: bool,
    },
    /// A compressed message, or a part of one: what it inflated to waits in [`crate::Connection::take_inflated`].
    Inflated {
        /// Text or binary.
        kind: MessageKind,
        /// Bytes that it inflated to now: 64 KiB and what ends a message at the most. An endpoint with many connections
        /// counts them, and turns to the others between two of them.
        length: usize,
        /// It begins a message.
        first: bool,
        /// It ends the message.
        last: bool,
    },
    /// A Ping; its Pong is queued already.
    Ping(&'b [u8]),
    /// A Pong.
    Pong(&'b [u8]),
    /// The peer's Close; the answer is queued already. `None`: a Close without a code.
    Close(Option<CloseFrame>),
    /// The peer broke a rule: the connection failed, its Close frame is queued already, what comes is discarded.
    Violation(Box<Violation>),
    /// The peer broke a rule that is not enforced: by its nature (its answer is a note), or by this endpoint's
    /// [`crate::Strictness`]. The connection goes on.
    Tolerated(Box<Violation>),
    /// The connection is over; nothing else comes.
    Ended(Ended),
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// The peer, by its Close.
    Peer,
    /// We: by our Close, or because we failed the connection.
    Us,
    /// Nobody: it was lost.
    Nobody,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Who ended it.
    pub by: EndedBy,
    /// The code: the peer's, or 1005 if its Close had none; the one of the rule where we failed the connection; 1006
    /// where it was lost.
    pub code: CloseCode,
    /// Both Close frames went over the wire.
    pub clean: bool,
}
