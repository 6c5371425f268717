use core::ops::Deref;

use bytes::buf::UninitSlice;
use bytes::{BufMut, Bytes, BytesMut};

use super::{Utf8Bytes, Utf8Piece};
use crate::utf8::Utf8;

/// A message that is put together of its pieces. It is text as long as all of them were, one behind the other.
///
/// Bytes of which nothing is known, of a binary message, are taken as well: there is no proof then.
#[derive(Debug, Default)]
pub struct Utf8Buffer {
    bytes: BytesMut,
    /// The first so many bytes led the validator from the start of a text to `state`.
    checked: usize,
    state: Utf8,
}

impl Utf8Buffer {
    /// A buffer to be filled: what it holds is let go.
    pub fn new(mut buffer: BytesMut) -> Self {
        buffer.clear();
        Self { bytes: buffer, checked: 0, state: Utf8::new() }
    }

    /// Bytes that it has room for.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// As [`BytesMut::reserve`].
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Takes bytes of which nothing is known.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next piece of a text.
    pub fn push_piece(&mut self, piece: Utf8Piece<'_>) {
        let follows = self.checked == self.bytes.len() && piece.before() == self.state;
        self.bytes.extend_from_slice(&piece);
        if follows {
            self.checked += piece.len();
            self.state = piece.after();
        }
    }

    /// Lets `check` have what is behind the first `start` bytes, to unmask and check it where it lies. If the piece that it
    /// returns is the next one of the text, it counts as such.
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
        let (told, piece) = check(tail);
        // The memory is this buffer's own: a piece that lies there, and is borrowed still, is that part of it.
        if let Some(piece) = piece
            && piece.as_ptr() == here
            && piece.len() <= length
            && self.checked == start
            && piece.before() == self.state
        {
            self.checked += piece.len();
            self.state = piece.after();
        }
        told
    }

    /// The text, as far as it is known to be one: `None` where something else was taken, and inside a character.
    pub fn as_str(&self) -> Option<&str> {
        let whole = self.checked == self.bytes.len() && self.state.is_boundary();
        // SAFETY: all of the bytes led a validator from the start of a text to a boundary: they are UTF-8. Nothing writes
        // to them but `check_tail`, which forgets that they were checked where it does.
        whole.then(|| unsafe { core::str::from_utf8_unchecked(&self.bytes) })
    }

    /// The bytes, without a copy.
    pub fn freeze(self) -> Bytes {
        self.bytes.freeze()
    }

    /// The text, without a copy.
    ///
    /// # Errors
    ///
    /// Itself, where [`as_str`](Self::as_str) says `None`.
    pub fn freeze_text(self) -> Result<Utf8Bytes, Self> {
        if self.as_str().is_none() {
            return Err(self);
        }
        // SAFETY: as in `as_str`; frozen, nobody writes to them.
        Ok(unsafe { Utf8Bytes::new_unchecked(self.bytes.freeze()) })
    }
}

impl Deref for Utf8Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

// SAFETY: all of it is left to `BytesMut`, whose room lies behind the bytes that it holds.
unsafe impl BufMut for Utf8Buffer {
    fn remaining_mut(&self) -> usize {
        self.bytes.remaining_mut()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller has written so many bytes.
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
            // The second one where it lies.
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
        assert_eq!(buffer.as_str(), None, "of the first nothing is known");
        assert!(buffer.freeze_text().is_err());
    }

    #[test]
    fn what_was_checked_and_is_written_again_is_not_known() {
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
        assert_eq!(buffer.as_str(), None, "not where it has to begin");
    }
}
