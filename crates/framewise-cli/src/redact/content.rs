//! Replacements of the same length that say nothing.

use super::pieces::Level;

/// Text: each character becomes one of the same length in UTF-8, so that what is invalid stays so, at the same byte.
pub(super) fn text(bytes: &[u8], level: Level) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match (level, letter.len_utf8()) {
                (Level::Kept, _) => replaced.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
                (Level::Replaced, 1) => replaced.push(b'x'),
                (Level::Shape, 1) => replaced.push(shape(letter)),
                (_, 2) => replaced.extend_from_slice("\u{e9}".as_bytes()),
                (_, 3) => replaced.extend_from_slice("\u{20ac}".as_bytes()),
                (_, _) => replaced.extend_from_slice("\u{1f600}".as_bytes()),
            }
        }
        // Bytes that are no character are what a diagnosis is about.
        replaced.extend_from_slice(chunk.invalid());
    }
    replaced
}

fn shape(letter: char) -> u8 {
    match letter {
        'a'..='z' => b'x',
        'A'..='Z' => b'X',
        '0'..='9' => b'1',
        // One byte, so that it is ASCII.
        _ => u8::try_from(letter).unwrap_or(b'x'),
    }
}

/// Bytes that are no text: a pattern that is no text either. What is text by chance, or by mistake, stays text.
pub(super) fn binary(bytes: &[u8], level: Level) -> Vec<u8> {
    if level == Level::Kept {
        bytes.to_vec()
    } else if std::str::from_utf8(bytes).is_ok() {
        text(bytes, level)
    } else {
        vec![0xaa; bytes.len()]
    }
}

/// Text of a head or a body: the ends of its lines, and bytes that have no place in a head, stay.
pub(super) fn line(bytes: &[u8], level: Level) -> Vec<u8> {
    let mut replaced = text(bytes, level);
    for (new, &old) in replaced.iter_mut().zip(bytes) {
        if old < b' ' || old == 0x7f {
            *new = old;
        }
    }
    replaced
}

/// A compressed message: another one of the same length, a block of fixed codes (RFC 1951 §3.2.6) without references to
/// what was before it.
pub(super) fn compressed(length: usize) -> Vec<u8> {
    if length < 2 {
        // RFC 7692 §7.2.3.6: an empty message is one byte, 0x00.
        return vec![0; length];
    }
    let mut bits = Bits::default();
    // BFINAL 0, BTYPE 01.
    bits.push(0b0, 1);
    bits.push(0b10, 2);
    for _ in 0..length - 2 {
        // A literal `x`: eight bits, 0x30 + 0x78, the highest first.
        bits.push(0x30 + u32::from(b'x'), 8);
    }
    // The end of the block, and the head of an empty stored block, whose four bytes were cut off (RFC 7692 §7.2.1).
    bits.push(0, 7);
    bits.push(0, 3);
    bits.bytes
}

/// Bits in bytes, the lowest bit of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// The highest bit of the code first.
    fn push(&mut self, code: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((code >> bit & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn text_keeps_its_length_and_its_faults() {
        assert_eq!(text("a1é€😀".as_bytes(), Level::Replaced), "xxé€😀".as_bytes());
        assert_eq!(text("{\"Aß\":7}".as_bytes(), Level::Shape), "{\"Xé\":1}".as_bytes());
        assert_eq!(text(b"Jos\xe9!", Level::Replaced), b"xxx\xe9x");
        assert_eq!(text(b"ab\xe2\x82", Level::Replaced), b"xx\xe2\x82");
        assert_eq!(line(b"a b\r\n", Level::Replaced), b"xxx\r\n");
        assert_eq!(binary(b"\xff\x01", Level::Shape), b"\xaa\xaa");
        assert_eq!(binary(b"hi", Level::Replaced), b"xx");
    }

    /// Read back by the observer itself: a length of `compressed` that is wrong is a finding.
    #[test]
    fn a_compressed_replacement_of_each_length_is_a_message() {
        for length in 1..=120 {
            let mut payload = String::new();
            for byte in compressed(length) {
                let _ = write!(payload, " {byte:02x}");
            }
            assert_eq!(compressed(length).len(), length);
            let text = format!("open permessage-deflate\n< c1 {length:02x}{payload}\n");
            let transcript: framewise_transcript::Transcript = text.parse().expect("a transcript");
            assert_eq!(framewise_inspect::diagnose(&transcript).findings, [], "{text}");
        }
        let text = "open permessage-deflate\n< c1 02 ff ff\n";
        let transcript: framewise_transcript::Transcript = text.parse().expect("a transcript");
        assert_ne!(framewise_inspect::diagnose(&transcript).findings, [], "the check can fail");
    }
}
