//! Validation (RFC 6455 §8.1, RFC 3629), by the kernels of this machine.

use crate::backend::Backend;
use crate::proven::Utf8Piece;
use crate::utf8::{Utf8, Utf8Error, Utf8Fault};

/// The text that `bytes` are, as [`core::str::from_utf8`], with the kernels of [`Utf8::validate`].
///
/// ```
/// assert_eq!(framewise_simd::as_str("κόσμε".as_bytes()), Ok("κόσμε"));
/// assert_eq!(framewise_simd::as_str(&"κόσμε".as_bytes()[..3]).unwrap_err().offset, 3);
/// ```
///
/// # Errors
///
/// The first byte that cannot be UTF-8; where the text ends inside a character, its own length as the offset, and
/// [`Utf8Fault::ContinuationMissing`].
#[inline]
pub fn as_str(bytes: &[u8]) -> Result<&str, Utf8Error> {
    let mut text = Utf8::new();
    text.validate(bytes)?;
    if !text.is_boundary() {
        return Err(Utf8Error { offset: bytes.len(), fault: Utf8Fault::ContinuationMissing });
    }
    // SAFETY: `validate` has found that `bytes`, from the start of a text on, are UTF-8 but for a character that is not
    // complete at their end, and there is none. They are borrowed for as long as the text, so that nobody changes them.
    Ok(unsafe { core::str::from_utf8_unchecked(bytes) })
}

impl Utf8 {
    /// Validates the next piece of the text.
    ///
    /// # Errors
    ///
    /// The first byte that cannot be UTF-8, with its offset in `bytes`.
    #[inline]
    pub fn validate(&mut self, bytes: &[u8]) -> Result<(), Utf8Error> {
        Backend::current().validate(self, bytes)
    }

    /// Unmasks the next piece of the text in place and validates it, in one pass; `key` and `phase` as for
    /// [`unmask`](crate::unmask).
    ///
    /// # Errors
    ///
    /// The first byte that cannot be UTF-8, with its offset in `payload`. All of `payload` is unmasked even so.
    #[inline]
    pub fn unmask_and_validate(
        &mut self,
        payload: &mut [u8],
        key: [u8; 4],
        phase: usize,
    ) -> Result<(), Utf8Error> {
        Backend::current().unmask_and_validate(self, payload, key, phase)
    }

    /// As [`Utf8::validate`], with the proof.
    ///
    /// # Errors
    ///
    /// As of [`Utf8::validate`].
    #[inline]
    pub fn validate_piece<'b>(&mut self, bytes: &'b [u8]) -> Result<Utf8Piece<'b>, Utf8Error> {
        let before = *self;
        self.validate(bytes)?;
        Ok(Utf8Piece::new(bytes, before, *self))
    }

    /// As [`Utf8::unmask_and_validate`], with the proof.
    ///
    /// # Errors
    ///
    /// As of [`Utf8::unmask_and_validate`].
    #[inline]
    pub fn unmask_piece<'b>(
        &mut self,
        payload: &'b mut [u8],
        key: [u8; 4],
        phase: usize,
    ) -> Result<Utf8Piece<'b>, Utf8Error> {
        let before = *self;
        self.unmask_and_validate(payload, key, phase)?;
        Ok(Utf8Piece::new(payload, before, *self))
    }
}
