//! The messages: identical in every run and on both sides.

use std::fmt::Write;

use crate::cell::Kind;

const ASCII: &str = "The quick brown fox jumps over the lazy dog, and the lazy dog lets it. Pack my box with five \
                     dozen liquor jugs; how vexingly quick daft zebras jump! 0123456789 ";
/// Characters of one to four bytes, in runs of the length of words.
const SCRIPTS: &str = "Voilà l'été déjà passé, où êtes-vous? Съешь же ещё этих мягких французских булок. \
                       いろはにほへとちりぬるを、色は匂へど。 Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. 天地玄黃，宇宙洪荒。 🦊🐕 ok. ";

/// Exactly `bytes` bytes of `kind`; `number` makes each JSON message different.
pub fn message(kind: Kind, bytes: usize, number: usize) -> Vec<u8> {
    match kind {
        Kind::Text => repeat(ASCII, bytes),
        Kind::Utf8 => repeat(SCRIPTS, bytes),
        Kind::Binary => noise(bytes),
        Kind::Json => json(bytes, number),
    }
}

fn repeat(text: &str, bytes: usize) -> Vec<u8> {
    let mut all = text.repeat(bytes / text.len() + 1);
    let mut end = bytes;
    while !all.is_char_boundary(end) {
        end -= 1;
    }
    all.truncate(end);
    // A character cut in two would not be text.
    all.push_str(&"x".repeat(bytes - end));
    all.into_bytes()
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..bytes).map(|_| random.next().to_le_bytes()[4]).collect()
}

fn json(bytes: usize, number: usize) -> Vec<u8> {
    let mut random = Random(number as u64 * 2 + 1);
    let mut text = String::from("[");
    while text.len() < bytes {
        let value = random.next();
        let _ = write!(
            text,
            "{{\"id\":{},\"symbol\":\"{}\",\"price\":{}.{:02},\"volume\":{},\"side\":\"{}\",\"time\":\"2026-11-{:02}T{:02}:{:02}:00Z\"}},",
            value >> 40,
            ["EURUSD", "BTCUSD", "AAPL", "MSFT", "VOD.L"][(value % 5) as usize],
            value % 977,
            (value >> 8) % 100,
            (value >> 16) % 100_000,
            if value & 64 == 0 { "buy" } else { "sell" },
            value % 28 + 1,
            (value >> 5) % 24,
            (value >> 12) % 60,
        );
    }
    // No parser reads it, so it may end in the middle of a record.
    text.truncate(bytes);
    text.into_bytes()
}

/// xorshift64: no dependency, and the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_text_of_the_length_asked_for() {
        for kind in [Kind::Text, Kind::Utf8, Kind::Json] {
            for bytes in [1, 2, 3, 125, 126, 128, 1024, 16_384, 131_072] {
                let message = message(kind, bytes, 3);
                assert_eq!(message.len(), bytes);
                assert!(std::str::from_utf8(&message).is_ok());
            }
        }
    }
}
