use core::ops::Deref;

use bytes::buf::UninitSlice;
use bytes::{BufMut, Bytes, BytesMut};

use super::{Utf8Bytes, Utf8Piece};
use crate::utf8::Utf8;

/// A message assembled from its pieces. It is text while each piece is, and follows the one before.
///
/// Unchecked bytes, such as those of a binary message, can be added too; then it is not known to be text.
#[derive(Debug, Default)]
pub struct Utf8Buffer {
    bytes: BytesMut,
    /// The number of bytes that led the validator from the start of a text to `state`.
    checked: usize,
    state: Utf8,
}

impl Utf8Buffer {
    /// An empty message in the memory of `buffer`, whose contents are removed.
    pub fn new(mut buffer: BytesMut) -> Self {
        buffer.clear();
        Self { bytes: buffer, checked: 0, state: Utf8::new() }
    }

    /// The number of bytes that fit without another allocation.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// As [`BytesMut::reserve`].
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Adds unchecked bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds the next piece of a text.
    pub fn push_piece(&mut self, piece: Utf8Piece<'_>) {
        let follows = self.checked == self.bytes.len() && piece.before() == self.state;
        self.bytes.extend_from_slice(&piece);
        if follows {
            self.checked += piece.len();
            self.state = piece.after();
        }
    }

    /// Gives the bytes after the first `start` to `check`, to unmask and validate in place. If the piece that `check` returns
    /// is in this buffer and continues the text, it counts as checked.
    pub fn check_tail<T>(
        &mut self,
        start: usize,
        check: impl for<'b> FnOnce(&'b mut [u8]) -> (T, Option<Utf8Piece<'b>>),
    ) -> T {
        if start < self.checked {
            self.checked = 0;
            self.state = Utf8::new();
        }
        let tail = &mut self.bytes[start..];
        let (here, length) = (tail.as_ptr(), tail.len());
        let (result, piece) = check(tail);
        // The buffer owns its memory: a piece at this address that is still borrowed is this part of it.
        if let Some(piece) = piece
            && piece.as_ptr() == here
            && piece.len() <= length
            && self.checked == start
            && piece.before() == self.state
        {
            self.checked += piece.len();
            self.state = piece.after();
        }
        result
    }

    /// The text. `None` if unchecked bytes were added, or inside a character.
    pub fn as_str(&self) -> Option<&str> {
        let is_text = self.checked == self.bytes.len() && self.state.is_boundary();
        // SAFETY: all of the bytes led a validator from the start of a text to a boundary: they are UTF-8. Only
        // `check_tail` writes to them, and it marks them as unchecked first.
        is_text.then(|| unsafe { core::str::from_utf8_unchecked(&self.bytes) })
    }

    /// The bytes, without a copy.
    pub fn freeze(self) -> Bytes {
        self.bytes.freeze()
    }

    /// The text, without a copy.
    ///
    /// # Errors
    ///
    /// Returns itself if [`as_str`](Self::as_str) is `None`.
    pub fn freeze_text(self) -> Result<Utf8Bytes, Self> {
        if self.as_str().is_none() {
            return Err(self);
        }
        // SAFETY: as in `as_str`; nothing writes to frozen bytes.
        Ok(unsafe { Utf8Bytes::new_unchecked(self.bytes.freeze()) })
    }
}

impl Deref for Utf8Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

// SAFETY: every method is that of `BytesMut`, whose spare capacity is after the bytes that it holds.
unsafe impl BufMut for Utf8Buffer {
    fn remaining_mut(&self) -> usize {
        self.bytes.remaining_mut()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller has written `count` bytes.
        unsafe { self.bytes.advance_mut(count) }
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        self.bytes.chunk_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a text that is cut at `at`.
    fn pieces(text: &str, at: usize) -> [Utf8Piece<'_>; 2] {
        let mut utf8 = Utf8::new();
        let (first, second) = text.as_bytes().split_at(at);
        [first, second].map(|piece| utf8.validate_piece(piece).unwrap())
    }

    #[test]
    fn the_pieces_of_a_text_are_text() {
        let text = "aé𝄞";
        for at in 0..=text.len() {
            let [first, second] = pieces(text, at);
            let mut buffer = Utf8Buffer::default();
            buffer.push_piece(first);
            assert_eq!(buffer.as_str(), text.get(..at));
            // The second piece in place.
            let start = buffer.len();
            buffer.put_slice(&second);
            assert_eq!(buffer.as_str(), if second.is_empty() { Some(text) } else { None });
            buffer.check_tail(start, |tail| {
                let mut utf8 = first.after();
                ((), utf8.validate_piece(tail).ok())
            });
            assert_eq!(buffer.freeze_text().unwrap().as_str(), text);
        }
    }

    #[test]
    fn pieces_in_another_order_are_not() {
        let [first, second] = pieces("é", 1);
        for order in [[first, first], [second, first], [second, second]] {
            let mut buffer = Utf8Buffer::default();
            for piece in order {
                buffer.push_piece(piece);
            }
            assert_eq!(buffer.as_str(), None);
        }
        let mut buffer = Utf8Buffer::default();
        buffer.push(b"a");
        buffer.push_piece("b".into());
        assert_eq!(buffer.as_str(), None, "the first byte was not checked");
        assert!(buffer.freeze_text().is_err());
    }

    #[test]
    fn checked_bytes_written_again_are_unchecked() {
        let mut buffer = Utf8Buffer::default();
        buffer.push_piece("abc".into());
        buffer.check_tail(3, |_| ((), None));
        assert_eq!(buffer.as_str(), Some("abc"));
        buffer.check_tail(1, |tail| {
            tail[0] = 0xff;
            ((), Some("bc".into()))
        });
        assert_eq!(buffer.as_str(), None);
    }

    #[test]
    fn a_piece_from_elsewhere_proves_nothing() {
        let mut buffer = Utf8Buffer::default();
        buffer.put_slice(b"\xff\xff");
        buffer.check_tail(0, |_| ((), Some("ab".into())));
        assert_eq!(buffer.as_str(), None);
        buffer.check_tail(0, |tail| {
            tail.copy_from_slice(b"ab");
            ((), crate::as_str(&tail[1..]).ok().map(Utf8Piece::from))
        });
        assert_eq!(buffer.as_str(), None, "the piece does not start where the text ends");
    }
}
