use bytes::Bytes;
use framewise_proto::{CloseFrame, Violation};

use crate::{Message, Part};

/// An event of [`crate::WebSocket::next_event`]: a message, or something that most programs do not need.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A complete message.
    Message(Message),
    /// A part of a message of which [`crate::WebSocket::next_part`] has returned another part before.
    Part(Part),
    /// A Ping; its Pong is queued already.
    Ping(Bytes),
    /// A Pong.
    Pong(Bytes),
    /// The peer's Close; the answer is queued already. `None`: a Close without a code.
    Close(Option<CloseFrame>),
    /// The peer broke a rule that is not enforced: never, or because [`crate::Strictness`] tolerates it. The connection goes
    /// on: log it, or ignore it.
    Tolerated(Box<Violation>),
}
