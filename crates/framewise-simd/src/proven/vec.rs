use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::utf8::{Utf8, Utf8Error};

/// Bytes written from front to back and validated in steps, for example a text while it is inflated.
///
/// [`check`](Self::check) continues where it stopped. Truncating or changing checked bytes loses the proof, not the bytes.
#[derive(Clone, Debug, Default)]
pub struct Utf8Vec {
    bytes: Vec<u8>,
    /// The number of bytes that led the validator from `before` to `after`. If it is zero, `after` equals `before`.
    checked: usize,
    before: Utf8,
    after: Utf8,
}

impl Utf8Vec {
    /// An empty buffer, at the start of a text.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), checked: 0, before: Utf8::new(), after: Utf8::new() }
    }

    /// Uses the memory of `buffer`, unless this has memory of its own.
    pub fn reuse(&mut self, mut buffer: Vec<u8>) {
        if self.bytes.capacity() == 0 {
            buffer.clear();
            self.bytes = buffer;
        }
    }

    /// The number of bytes that fit without another allocation.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// As [`Vec::reserve_exact`].
    pub fn reserve_exact(&mut self, additional: usize) {
        self.bytes.reserve_exact(additional);
    }

    /// Sets the length to `length` bytes; new bytes are zero.
    pub fn resize(&mut self, length: usize) {
        self.keep(length);
        self.bytes.resize(length, 0);
    }

    /// Shortens it to the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.keep(length);
        self.bytes.truncate(length);
    }

    /// The bytes after the first `start`, to write to.
    pub fn tail_mut(&mut self, start: usize) -> &mut [u8] {
        self.keep(start);
        &mut self.bytes[start..]
    }

    /// Removes all bytes and starts a new text; keeps the memory.
    pub fn clear(&mut self) {
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.clear();
        *self = Self { bytes, ..Self::new() };
    }

    /// Validates the bytes that were not checked yet.
    ///
    /// # Errors
    ///
    /// The first byte that cannot be UTF-8, with its offset from the first unchecked byte. No byte counts as checked then.
    pub fn check(&mut self) -> Result<(), Utf8Error> {
        let checked = self.after.validate(&self.bytes[self.checked..]);
        self.checked = self.bytes.len();
        if checked.is_err() {
            self.keep(0);
        }
        checked
    }

    /// Whether everything was checked, and the text may end here.
    pub fn is_boundary(&self) -> bool {
        self.checked == self.bytes.len() && self.after.is_boundary()
    }

    /// Takes the bytes out; the bytes written next continue the text.
    #[must_use]
    pub fn take(&mut self) -> Self {
        // Bytes that were not checked lead to no known state.
        let after = if self.checked == self.bytes.len() { self.after } else { Utf8::new() };
        core::mem::replace(self, Self { bytes: Vec::new(), checked: 0, before: after, after })
    }

    /// The text. `None` unless all of it was checked, and it starts and ends at a character boundary.
    pub fn as_str(&self) -> Option<&str> {
        let is_text = self.before.is_boundary() && self.is_boundary();
        // SAFETY: all of the bytes led a validator from a boundary to a boundary: they are UTF-8. Each method that changes
        // checked bytes calls `keep`, which marks them as unchecked.
        is_text.then(|| unsafe { core::str::from_utf8_unchecked(&self.bytes) })
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// Returns itself if [`as_str`](Self::as_str) is `None`.
    pub fn into_string(self) -> Result<String, Self> {
        if self.as_str().is_none() {
            return Err(self);
        }
        // SAFETY: as in `as_str`.
        Ok(unsafe { String::from_utf8_unchecked(self.bytes) })
    }

    /// Call before the bytes from `length` on change. If any of them was checked, none counts as checked any more: the state
    /// at `length` is not known.
    fn keep(&mut self, length: usize) {
        if length < self.checked {
            self.checked = 0;
            self.after = self.before;
        }
    }
}

impl Deref for Utf8Vec {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(vec: &mut Utf8Vec, bytes: &[u8]) {
        let start = vec.len();
        vec.resize(start + bytes.len());
        vec.tail_mut(start).copy_from_slice(bytes);
    }

    #[test]
    fn bytes_checked_piece_by_piece_are_text() {
        let mut vec = Utf8Vec::new();
        assert_eq!(vec.as_str(), Some(""));
        for byte in "aé𝄞".bytes() {
            write(&mut vec, &[byte]);
            assert_eq!(vec.as_str(), None, "not checked");
            assert_eq!(vec.check(), Ok(()));
        }
        assert_eq!(vec.as_str(), Some("aé𝄞"));
        assert_eq!(vec.into_string().unwrap(), "aé𝄞");
    }

    #[test]
    fn bytes_changed_or_truncated_are_unchecked() {
        let mut vec = Utf8Vec::new();
        write(&mut vec, "aé".as_bytes());
        vec.check().unwrap();
        vec.tail_mut(3);
        assert_eq!(vec.as_str(), Some("aé"), "only bytes after the checked ones may change");
        vec.tail_mut(1)[0] = 0xff;
        assert_eq!((vec.as_str(), vec.is_boundary()), (None, false));
        assert_eq!(vec.check().unwrap_err().offset, 1);
        assert_eq!(vec.as_str(), None);
        vec.truncate(1);
        vec.check().unwrap();
        assert_eq!(vec.as_str(), Some("a"));
        vec.resize(0);
        write(&mut vec, b"\x80");
        assert_eq!(vec.as_str(), None);
        assert!(vec.into_string().is_err());
    }

    #[test]
    fn bytes_taken_inside_a_character_are_not_text() {
        let mut vec = Utf8Vec::new();
        let text = "é".as_bytes();
        for half in [&text[..1], &text[1..]] {
            write(&mut vec, half);
            vec.check().unwrap();
            let taken = vec.take();
            assert_eq!(taken.as_str(), None);
            vec.reuse(taken.into_bytes());
        }
        write(&mut vec, b"x");
        vec.check().unwrap();
        assert_eq!(vec.take().as_str(), Some("x"));
        write(&mut vec, text);
        vec.clear();
        write(&mut vec, b"y");
        vec.check().unwrap();
        assert_eq!(vec.as_str(), Some("y"));
    }
}
