use framewise_proto::{MessageKind, Payload};

use crate::Message;

/// A message that is lent: a complete message in the buffer of somebody else.
///
/// ```
/// use framewise::{Message, MessageRef};
///
/// assert_eq!(MessageRef::from("hello").as_text(), Some("hello"));
/// assert_eq!(MessageRef::from(&[1, 2][..]).to_message(), Message::binary(vec![1, 2]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageRef<'m> {
    /// Text: UTF-8 (RFC 6455 §5.6).
    Text(&'m str),
    /// Any bytes.
    Binary(&'m [u8]),
}

impl<'m> MessageRef<'m> {
    /// The text; `None` for a binary message.
    pub const fn as_text(self) -> Option<&'m str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload of a text or binary message.
    #[inline]
    pub const fn as_bytes(self) -> &'m [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Whether it is text or binary.
    pub const fn kind(self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The size of the payload in bytes.
    #[inline]
    pub const fn len(self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty, which is legal.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A copy, to keep.
    pub fn to_message(self) -> Message {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes.into(),
        }
    }
}

impl<'m> From<&'m str> for MessageRef<'m> {
    fn from(text: &'m str) -> Self {
        Self::Text(text)
    }
}

impl<'m> From<&'m String> for MessageRef<'m> {
    fn from(text: &'m String) -> Self {
        Self::Text(text)
    }
}

impl<'m> From<&'m [u8]> for MessageRef<'m> {
    fn from(bytes: &'m [u8]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'m, const N: usize> From<&'m [u8; N]> for MessageRef<'m> {
    fn from(bytes: &'m [u8; N]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'m> From<&'m Vec<u8>> for MessageRef<'m> {
    fn from(bytes: &'m Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl<'m> From<&'m Message> for MessageRef<'m> {
    fn from(message: &'m Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

/// A complete message that the engine received.
impl<'m> From<Payload<'m>> for MessageRef<'m> {
    #[inline]
    fn from(payload: Payload<'m>) -> Self {
        match (payload.as_str(), payload) {
            (Some(text), _) => Self::Text(text),
            (None, Payload::Binary(bytes)) => Self::Binary(bytes),
            // A complete text is always one.
            (None, Payload::Text(piece)) => Self::Binary(piece.as_bytes()),
        }
    }
}
