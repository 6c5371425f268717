//! The incremental validator: its state between pieces, and the scalar check that names the fault.

/// What is wrong with a byte sequence that is not UTF-8 (RFC 3629 §3, §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utf8Fault {
    /// A byte that cannot start a character, where one must start: a stray continuation byte (80 to BF), or F8 to FF.
    LeadByte,
    /// A byte that is not a continuation byte (80 to BF), where one must follow.
    ContinuationMissing,
    /// A character encoded in more bytes than necessary: C0, C1, E0 followed by 80 to 9F, F0 followed by 80 to 8F.
    Overlong,
    /// Half of a UTF-16 surrogate pair, U+D800 to U+DFFF: ED followed by A0 to BF.
    Surrogate,
    /// A code point above U+10FFFF: F4 followed by 90 to BF, or F5 to F7.
    AboveMaximum,
}

/// Where a text stops being UTF-8, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utf8Error {
    /// Offset in the given slice, in bytes, of the first byte that cannot follow the bytes before it in UTF-8.
    pub offset: usize,
    /// What is wrong with it.
    pub fault: Utf8Fault,
}

/// Validates a text message that arrives in pieces; holds the state between pieces.
///
/// A piece may end anywhere, even inside a character. Validation fails fast: an invalid byte is reported as soon as it
/// arrives. After an error the state is that of [`Utf8::new`].
///
/// > When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a
/// > valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_. (RFC 6455 §8.1)
///
/// ```
/// let mut text = framewise_simd::Utf8::new();
/// text.validate("κόσ".as_bytes())?;
/// text.validate(&"μ".as_bytes()[..1])?;
/// assert_eq!(text.open(), 1); // the message may not end here
/// text.validate(&"με".as_bytes()[1..])?;
/// assert!(text.is_boundary());
/// # Ok::<(), framewise_simd::Utf8Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8 {
    /// Bytes seen so far of the character that is incomplete
    seen: u8,
    /// Continuation bytes that the character still needs; if zero, no character is incomplete and all fields are zero
    due: u8,
    /// The range of the next byte: all continuation bytes, except after E0, ED, F0 and F4
    low: u8,
    high: u8,
}

impl Utf8 {
    /// A validator at the start of a text.
    pub const fn new() -> Self {
        Self { seen: 0, due: 0, low: 0, high: 0 }
    }

    /// Whether the text may end here: no character is incomplete.
    pub const fn is_boundary(&self) -> bool {
        self.due == 0
    }

    /// The number of bytes seen of a character that is still incomplete, 0 to 3.
    pub const fn open(&self) -> usize {
        self.seen as usize
    }

    /// Continuation bytes that the incomplete character still needs
    #[inline]
    pub(crate) const fn due(self) -> usize {
        self.due as usize
    }

    /// Finishes a check that found `bytes` valid up to `right`, except for a character that is incomplete there.
    #[inline]
    pub(crate) fn settle(&mut self, bytes: &[u8], right: usize) -> Result<(), Utf8Error> {
        let open = match bytes[..right] {
            [.., 0xc0..=0xff] => 1,
            [.., 0xe0..=0xff, _] => 2,
            [.., 0xf0..=0xff, _, _] => 3,
            _ if right == bytes.len() => return Ok(()),
            _ => 0,
        };
        self.scalar(bytes, right - open)
    }

    /// Validates `bytes` from `at` on. Offsets are those of `bytes`.
    pub(crate) fn scalar(&mut self, bytes: &[u8], mut at: usize) -> Result<(), Utf8Error> {
        while at < bytes.len() {
            if self.due == 0 {
                at = skip_characters(bytes, at);
                if at == bytes.len() {
                    break;
                }
            }
            // The character is incomplete or invalid: look at its bytes one by one, to keep it or to name the fault.
            if let Err(fault) = self.step(bytes[at]) {
                *self = Self::new();
                return Err(Utf8Error { offset: at, fault });
            }
            at += 1;
        }
        Ok(())
    }

    /// Consumes one byte by the grammar of RFC 3629 §4.
    pub(crate) const fn step(&mut self, byte: u8) -> Result<(), Utf8Fault> {
        if self.due > 0 {
            if byte < self.low || byte > self.high {
                return Err(self.fault(byte));
            }
            *self = match self.due {
                1 => Self::new(),
                due => Self { seen: self.seen + 1, due: due - 1, low: 0x80, high: 0xbf },
            };
            return Ok(());
        }
        let (due, low, high) = match byte {
            0x00..=0x7f => return Ok(()),
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            // "The definition of UTF-8 prohibits encoding character numbers between U+D800 and U+DFFF" (RFC 3629 §3)
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            // "The octet values C0, C1, F5 to FF never appear." (RFC 3629 §1)
            0xc0 | 0xc1 => return Err(Utf8Fault::Overlong),
            0xf5..=0xf7 => return Err(Utf8Fault::AboveMaximum),
            0x80..=0xbf | 0xf8..=0xff => return Err(Utf8Fault::LeadByte),
        };
        *self = Self { seen: 1, due, low, high };
        Ok(())
    }

    /// Why `byte` cannot continue the incomplete character. The range shows its lead byte.
    const fn fault(self, byte: u8) -> Utf8Fault {
        match (byte, self.low, self.high) {
            (0x80..=0xbf, _, 0x9f) => Utf8Fault::Surrogate,
            (0x80..=0xbf, _, 0x8f) => Utf8Fault::AboveMaximum,
            (0x80..=0xbf, _, _) => Utf8Fault::Overlong,
            (0x00..=0x7f | 0xc0..=0xff, _, _) => Utf8Fault::ContinuationMissing,
        }
    }
}

/// The offset of the first character from `at` on that is incomplete or invalid, or the length of the text.
fn skip_characters(bytes: &[u8], mut at: usize) -> usize {
    const fn is_continuation(byte: u8) -> bool {
        byte & 0xc0 == 0x80
    }
    loop {
        match bytes[at..] {
            [0x00..=0x7f, ..] => {
                at += 1;
                // ASCII usually comes in runs.
                while let Some(word) = bytes[at..].first_chunk::<8>() {
                    let high = u64::from_le_bytes(*word) & 0x8080_8080_8080_8080;
                    at += high.trailing_zeros() as usize / 8;
                    if high != 0 {
                        break;
                    }
                }
            }
            [0xc2..=0xdf, b, ..] if is_continuation(b) => at += 2,
            [0xe0, 0xa0..=0xbf, c, ..]
            | [0xed, 0x80..=0x9f, c, ..]
            | [0xe1..=0xec | 0xee | 0xef, 0x80..=0xbf, c, ..]
                if is_continuation(c) =>
            {
                at += 3;
            }
            [0xf0, 0x90..=0xbf, c, d, ..]
            | [0xf1..=0xf3, 0x80..=0xbf, c, d, ..]
            | [0xf4, 0x80..=0x8f, c, d, ..]
                if is_continuation(c) && is_continuation(d) =>
            {
                at += 4;
            }
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> (usize, Utf8Fault) {
        let error = Utf8::new().validate(bytes).unwrap_err();
        (error.offset, error.fault)
    }

    #[test]
    fn each_fault_at_its_byte() {
        assert_eq!(fault(b"\x80"), (0, Utf8Fault::LeadByte));
        assert_eq!(fault(b"a\xff"), (1, Utf8Fault::LeadByte));
        assert_eq!(fault(b"\xc3a"), (1, Utf8Fault::ContinuationMissing));
        assert_eq!(fault(b"\xe2\x82\xc3"), (2, Utf8Fault::ContinuationMissing));
        assert_eq!(fault(b"\xe0A"), (1, Utf8Fault::ContinuationMissing));
        assert_eq!(fault(b"\xc1"), (0, Utf8Fault::Overlong));
        assert_eq!(fault(b"\xe0\x9f"), (1, Utf8Fault::Overlong));
        assert_eq!(fault(b"\xf0\x8f"), (1, Utf8Fault::Overlong));
        assert_eq!(fault(b"\xed\xa0"), (1, Utf8Fault::Surrogate));
        assert_eq!(fault(b"\xf4\x90"), (1, Utf8Fault::AboveMaximum));
        assert_eq!(fault(b"\xf5"), (0, Utf8Fault::AboveMaximum));
    }

    #[test]
    fn an_open_character_is_counted() {
        let mut text = Utf8::new();
        for (i, byte) in "𝄞".bytes().enumerate() {
            assert_eq!(text.open(), i);
            assert_eq!(text.is_boundary(), i == 0);
            assert_eq!(text.validate(&[byte]), Ok(()));
        }
        assert_eq!(text, Utf8::new());
    }
}
