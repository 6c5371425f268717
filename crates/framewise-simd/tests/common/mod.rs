//! The expected results: from `std`, and the fault from the bytes themselves.

#![allow(dead_code, reason = "each test file uses its part")]

use framewise_simd::{Utf8Error, Utf8Fault};

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The building blocks of the texts, each with characters of a different length.
pub(crate) const TEXTS: [&str; 5] = [
    "The quick brown fox jumps over the lazy dog, and then it does it again. ",
    "Ça coûte 3 € à l'entrée, où l'été s'achève en déjà-vu; naïve Größe, über Ærø. ",
    "本日は晴天なり。한국어 문장도 있습니다. 汉字与标点，混在一起。",
    "😀🙈🦀🎉𝄞🏳️\u{10ffff}👩‍👩‍👧",
    "a¢€𐍈\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}z",
];

/// One example of each fault: the bytes of the character up to the invalid one.
pub(crate) const FAULTS: [&[u8]; 24] = [
    b"\x80",
    b"\xbf",
    b"\xf8",
    b"\xff",
    b"\xc0",
    b"\xc1",
    b"\xf5",
    b"\xf7",
    b"\xc3A",
    b"\xc3\xc3",
    b"\xe2A",
    b"\xe2\x82A",
    b"\xe2\x82\xe2",
    b"\xf0A",
    b"\xf0\x9fA",
    b"\xf0\x9f\x98A",
    b"\xf1\x80\x80\xf1",
    b"\xe0\x80",
    b"\xe0\x9f",
    b"\xed\xa0",
    b"\xed\xbf",
    b"\xf0\x8f",
    b"\xf4\x90",
    b"\xf4\xbf",
];

/// The first `len` bytes of `text` repeated: they may end inside a character.
pub(crate) fn repeated(text: &str, len: usize) -> Vec<u8> {
    text.bytes().cycle().take(len).collect()
}

pub(crate) fn masked(text: &[u8], key: [u8; 4], phase: usize) -> Vec<u8> {
    text.iter().enumerate().map(|(i, byte)| byte ^ key[(phase + i) % 4]).collect()
}

/// The expected result for `bytes`: the first error, or the number of bytes of the incomplete character at the end.
pub(crate) fn expected(bytes: &[u8]) -> Result<usize, Utf8Error> {
    let Err(error) = str::from_utf8(bytes) else {
        return Ok(0);
    };
    let start = error.valid_up_to();
    // The first byte after which `std` reports an error instead of an incomplete character.
    for end in start + 1..=bytes.len() {
        if str::from_utf8(&bytes[start..end]).is_err_and(|error| error.error_len().is_some()) {
            return Err(Utf8Error { offset: end - 1, fault: fault(&bytes[start..end]) });
        }
    }
    Ok(bytes.len() - start)
}

fn fault(character: &[u8]) -> Utf8Fault {
    match *character {
        [0xc0 | 0xc1] => Utf8Fault::Overlong,
        [0xf5..=0xf7] => Utf8Fault::AboveMaximum,
        [_] => Utf8Fault::LeadByte,
        [.., 0x00..=0x7f | 0xc0..=0xff] => Utf8Fault::ContinuationMissing,
        [0xe0 | 0xf0, _] => Utf8Fault::Overlong,
        [0xed, _] => Utf8Fault::Surrogate,
        [0xf4, _] => Utf8Fault::AboveMaximum,
        _ => panic!("no fault in {character:02x?}"),
    }
}

/// xorshift64*: the same numbers in every run
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.number() >> 32) as usize % bound
    }
}
