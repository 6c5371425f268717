use bytes::Bytes;
use framewise_proto::{CloseFrame, Violation};

use crate::{Message, Part};

/// What [`crate::WebSocket::next_event`] says: messages, and what most programs need not see.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// A part of a message of which [`crate::WebSocket::next_part`] took one before; others come whole.
    Part(Part),
    /// A Ping; its Pong is queued already.
    Ping(Bytes),
    /// A Pong.
    Pong(Bytes),
    /// The peer's Close; the answer is queued already. `None`: a Close without a code.
    Close(Option<CloseFrame>),
    /// The peer broke a rule that is not enforced: by its nature, or because [`crate::Strictness`] lets it pass.
    Tolerated(Box<Violation>),
}
