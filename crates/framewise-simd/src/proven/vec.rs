use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::utf8::{Utf8, Utf8Error};

/// Bytes that are written from front to back and checked in between: what a text inflates to, for one.
///
/// [`check`](Self::check) goes on where it stopped. To cut off or to change what was checked is to lose the proof, not the
/// bytes.
#[derive(Clone, Debug, Default)]
pub struct Utf8Vec {
    bytes: Vec<u8>,
    /// The first so many bytes led the validator from `before` to `after`; `after` is `before` where there are none.
    checked: usize,
    before: Utf8,
    after: Utf8,
}

impl Utf8Vec {
    /// Nothing, at the start of a text.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), checked: 0, before: Utf8::new(), after: Utf8::new() }
    }

    /// Takes the memory of a buffer, where it has none of its own.
    pub fn reuse(&mut self, mut buffer: Vec<u8>) {
        if self.bytes.capacity() == 0 {
            buffer.clear();
            self.bytes = buffer;
        }
    }

    /// Bytes that it has room for.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// As [`Vec::reserve_exact`].
    pub fn reserve_exact(&mut self, additional: usize) {
        self.bytes.reserve_exact(additional);
    }

    /// Makes it `length` bytes long; what is new is zero.
    pub fn resize(&mut self, length: usize) {
        self.keep(length);
        self.bytes.resize(length, 0);
    }

    /// Cuts off what is behind the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.keep(length);
        self.bytes.truncate(length);
    }

    /// What is behind the first `start` bytes, to be written.
    pub fn tail_mut(&mut self, start: usize) -> &mut [u8] {
        self.keep(start);
        &mut self.bytes[start..]
    }

    /// The start of a text, without a byte. The memory stays.
    pub fn clear(&mut self) {
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.clear();
        *self = Self { bytes, ..Self::new() };
    }

    /// Checks what was not checked yet.
    ///
    /// # Errors
    ///
    /// The first byte that cannot be UTF-8, with its offset in what was not checked. Nothing is known to be text then.
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

    /// Takes it out; what is written next goes on with the text.
    #[must_use]
    pub fn take(&mut self) -> Self {
        // Of what was not checked nothing is known to follow.
        let after = if self.checked == self.bytes.len() { self.after } else { Utf8::new() };
        core::mem::replace(self, Self { bytes: Vec::new(), checked: 0, before: after, after })
    }

    /// The text; `None` where it was not checked, or is none by itself.
    pub fn as_str(&self) -> Option<&str> {
        let whole = self.before.is_boundary() && self.is_boundary();
        // SAFETY: the bytes, all of them, led a validator from a boundary to a boundary: they are UTF-8. Whatever changes
        // what was checked goes through `keep`, which forgets that it was.
        whole.then(|| unsafe { core::str::from_utf8_unchecked(&self.bytes) })
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// Itself, where [`as_str`](Self::as_str) says `None`.
    pub fn into_string(self) -> Result<String, Self> {
        if self.as_str().is_none() {
            return Err(self);
        }
        // SAFETY: as in `as_str`.
        Ok(unsafe { String::from_utf8_unchecked(self.bytes) })
    }

    /// The bytes from `length` on may change: if they were checked, what is before them is not known either.
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
    fn what_was_checked_piece_by_piece_is_text() {
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
    fn what_was_changed_or_cut_is_not_known() {
        let mut vec = Utf8Vec::new();
        write(&mut vec, "aé".as_bytes());
        vec.check().unwrap();
        vec.tail_mut(3);
        assert_eq!(vec.as_str(), Some("aé"), "what is behind it may change");
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
    fn what_is_taken_in_the_middle_of_a_character_is_none_by_itself() {
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
