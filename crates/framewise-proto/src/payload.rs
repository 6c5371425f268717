use core::ops::Deref;

use framewise_simd::Utf8Piece;

use crate::MessageKind;

/// The payload of a message, or of a part of one, unmasked in place.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload<'b> {
    /// Checked text: a complete message is a `str` without another check ([`Payload::as_str`]). A part may begin or end
    /// within a character.
    Text(Utf8Piece<'b>),
    /// Any bytes.
    Binary(&'b mut [u8]),
}

impl<'b> Payload<'b> {
    /// Text or binary.
    #[inline]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The text; `None` for a binary message, and for a part that begins or ends within a character.
    #[inline]
    pub fn as_str(&self) -> Option<&'b str> {
        match self {
            Self::Text(text) => text.as_str(),
            Self::Binary(_) => None,
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}
