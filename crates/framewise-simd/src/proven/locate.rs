use core::ops::Range;

use bytes::{Buf as _, BytesMut};

use super::Utf8Bytes;

/// A text found in a buffer. It borrows the buffer, so that nothing changes the text.
#[derive(Debug)]
pub struct TextInBuffer<'a> {
    buffer: &'a mut BytesMut,
    /// The range of the text in the buffer.
    range: Range<usize>,
}

impl TextInBuffer<'_> {
    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: this range held a `str` when the buffer was borrowed, and the buffer is still borrowed.
        unsafe { core::str::from_utf8_unchecked(&self.buffer[self.range.clone()]) }
    }

    /// Removes the text and the bytes before it from the buffer.
    #[inline]
    pub fn skip(self) {
        self.buffer.advance(self.range.end);
    }

    /// Takes the text out of the buffer without a copy, and removes the bytes before it.
    #[inline]
    pub fn split(self) -> Utf8Bytes {
        let mut text = self.buffer.split_to(self.range.end);
        text.advance(self.range.start);
        // SAFETY: as in `as_str`. `split_to` made this the only handle to these bytes, and `freeze` ends writing.
        unsafe { Utf8Bytes::new_unchecked(text.freeze()) }
    }
}

/// Gives the bytes of a buffer to `find`, which may unmask and check them, and locates in the buffer the text that `find`
/// returned. `None` if `find` returned none, or one outside the buffer.
///
/// ```
/// use framewise_simd::{Utf8, find_text};
///
/// let mut buffer = bytes::BytesMut::from(&b"\x7f\x9f\x4d\x51\x58 and more"[..]);
/// let (length, text) = find_text(&mut buffer, |bytes| {
///     let piece = Utf8::new().unmask_piece(&mut bytes[..5], [0x37, 0xfa, 0x21, 0x3d], 0).ok();
///     (5, piece.and_then(|piece| piece.as_str()))
/// });
/// let text = text.expect("the text is in the buffer").split();
/// assert_eq!((length, text.as_str(), &buffer[..]), (5, "Hello", &b" and more"[..]));
/// ```
#[inline]
pub fn find_text<T>(
    buffer: &mut BytesMut,
    find: impl for<'b> FnOnce(&'b mut [u8]) -> (T, Option<&'b str>),
) -> (T, Option<TextInBuffer<'_>>) {
    let here = buffer.as_ptr().addr();
    let (result, text) = find(buffer);
    // The buffer owns its memory: a `str` at an address inside it is a part of it.
    let range = text.and_then(|text| {
        let start = text.as_ptr().addr().checked_sub(here)?;
        Some(start..start.checked_add(text.len())?)
    });
    let range = range.filter(|range| range.end <= buffer.len());
    (result, range.map(|range| TextInBuffer { buffer, range }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_the_buffer_is_located() {
        let mut buffer = BytesMut::from(&b"\xffab\xff"[..]);
        let ((), found) = find_text(&mut buffer, |bytes| ((), crate::as_str(&bytes[1..3]).ok()));
        let found = found.unwrap();
        assert_eq!(found.as_str(), "ab");
        assert_eq!(found.split().as_str(), "ab");
        assert_eq!(buffer[..], *b"\xff");
        let mut buffer = BytesMut::from(&b"\xffab\xff"[..]);
        let ((), found) = find_text(&mut buffer, |bytes| ((), crate::as_str(&bytes[1..3]).ok()));
        found.unwrap().skip();
        assert_eq!(buffer[..], *b"\xff");
    }

    #[test]
    fn a_text_outside_the_buffer_is_not() {
        let mut buffer = BytesMut::from(&b"\xff\xff"[..]);
        let ((), found) = find_text(&mut buffer, |_| ((), Some("ab")));
        assert!(found.is_none());
        let ((), found) = find_text(&mut buffer, |_| ((), None));
        assert!(found.is_none());
        assert_eq!(buffer[..], *b"\xff\xff");
    }
}
