use core::fmt;
use core::ops::Deref;

use crate::utf8::Utf8;

/// A piece of a text, validated by [`Utf8::validate_piece`] or [`Utf8::unmask_piece`], with the validator's state before
/// and after it. It may start and end inside a character.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Utf8Piece<'b> {
    /// These bytes led the validator from `before` to `after`.
    bytes: &'b [u8],
    before: Utf8,
    after: Utf8,
}

impl<'b> Utf8Piece<'b> {
    /// `bytes` that a validator has just accepted, which went from `before` to `after`.
    #[inline]
    pub(crate) const fn new(bytes: &'b [u8], before: Utf8, after: Utf8) -> Self {
        Self { bytes, before, after }
    }

    /// The bytes.
    #[inline]
    pub const fn as_bytes(self) -> &'b [u8] {
        self.bytes
    }

    /// The text. `None` if it starts or ends inside a character.
    #[inline]
    pub fn as_str(self) -> Option<&'b str> {
        let is_text = self.before.is_boundary() && self.after.is_boundary();
        // SAFETY: a validator accepted the bytes from a boundary, where a text starts, to another boundary: they are
        // UTF-8. They have been borrowed since, so that nothing has changed them.
        is_text.then(|| unsafe { core::str::from_utf8_unchecked(self.bytes) })
    }

    /// The validator's state before the piece.
    #[cfg(feature = "bytes")]
    #[inline]
    pub(crate) const fn before(self) -> Utf8 {
        self.before
    }

    /// The validator's state after the piece.
    #[cfg(feature = "bytes")]
    #[inline]
    pub(crate) const fn after(self) -> Utf8 {
        self.after
    }
}

impl Deref for Utf8Piece<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl<'b> From<&'b str> for Utf8Piece<'b> {
    #[inline]
    fn from(text: &'b str) -> Self {
        Self::new(text.as_bytes(), Utf8::new(), Utf8::new())
    }
}

impl fmt::Debug for Utf8Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => fmt::Debug::fmt(text, f),
            None => fmt::Debug::fmt(self.bytes, f),
        }
    }
}
