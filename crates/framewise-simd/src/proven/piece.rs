use core::fmt;
use core::ops::Deref;

use crate::utf8::Utf8;

/// A piece of a text that [`Utf8::validate_piece`] or [`Utf8::unmask_piece`] checked, with what it was checked to follow
/// and what has to follow it. It may begin and end inside a character.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Utf8Piece<'b> {
    /// They led the validator from `before` to `after`.
    bytes: &'b [u8],
    before: Utf8,
    after: Utf8,
}

impl<'b> Utf8Piece<'b> {
    /// `bytes`, which a validator just accepted: it was at `before`, and is at `after`.
    #[inline]
    pub(crate) const fn new(bytes: &'b [u8], before: Utf8, after: Utf8) -> Self {
        Self { bytes, before, after }
    }

    /// Its bytes.
    #[inline]
    pub const fn as_bytes(self) -> &'b [u8] {
        self.bytes
    }

    /// The text, where it is one by itself: where it neither begins nor ends inside a character.
    #[inline]
    pub fn as_str(self) -> Option<&'b str> {
        let whole = self.before.is_boundary() && self.after.is_boundary();
        // SAFETY: a validator accepted the bytes from a boundary on, which is where a text starts, and was at a boundary
        // behind them: they are UTF-8. They are borrowed since, so that nobody has changed them.
        whole.then(|| unsafe { core::str::from_utf8_unchecked(self.bytes) })
    }

    /// The state that the bytes before it led to.
    #[cfg(feature = "bytes")]
    #[inline]
    pub(crate) const fn before(self) -> Utf8 {
        self.before
    }

    /// The state that it leads to.
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
