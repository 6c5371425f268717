//! The pairs of adjacent bytes that cannot occur in UTF-8: the grammar of RFC 3629 §4 as three tables of 16.
//!
//! The upper and the lower half of the first byte, and the upper half of the second, each look up eight bits. A bit that is
//! set in all three is a fault. Each bit is a row below: the halves that set it. The last row is not a fault by itself:
//! whether two continuation bytes may follow each other depends on the bytes before them.

/// A set of the values 0 to 15
const fn set(first: u8, last: u8) -> u16 {
    let mut set = 0;
    let mut value = first;
    while value <= last {
        set |= 1 << value;
        value += 1;
    }
    set
}

const ANY: u16 = set(0, 15);
const CONTINUATION: u16 = set(0x8, 0xb);

/// A continuation byte after a continuation byte
pub(crate) const CONTINUATIONS: u8 = 0x80;

/// Upper half of the first byte, its lower half, upper half of the second byte
const ROWS: [(u16, u16, u16); 8] = [
    // A lead byte, then no continuation byte
    (set(0xc, 0xf), ANY, ANY & !CONTINUATION),
    // ASCII, then a continuation byte
    (set(0x0, 0x7), ANY, CONTINUATION),
    // C0 and C1: overlong
    (set(0xc, 0xc), set(0, 1), CONTINUATION),
    // E0 80..9F: overlong
    (set(0xe, 0xe), set(0, 0), set(0x8, 0x9)),
    // ED A0..BF: a surrogate
    (set(0xe, 0xe), set(0xd, 0xd), set(0xa, 0xb)),
    // F0 80..8F: overlong; F5..FF 80..8F: above the maximum, or no lead byte
    (set(0xf, 0xf), set(0, 0) | set(5, 15), set(0x8, 0x8)),
    // F4 90..BF: above the maximum; F5..FF 90..BF: as above
    (set(0xf, 0xf), set(4, 15), set(0x9, 0xb)),
    (CONTINUATION, ANY, CONTINUATION),
];

const fn table(column: usize) -> [u8; 16] {
    let mut table = [0; 16];
    let mut row = 0;
    while row < 8 {
        let members = match column {
            0 => ROWS[row].0,
            1 => ROWS[row].1,
            _ => ROWS[row].2,
        };
        let mut value = 0;
        while value < 16 {
            if members >> value & 1 == 1 {
                table[value] |= 1 << row;
            }
            value += 1;
        }
        row += 1;
    }
    table
}

pub(crate) const FIRST_HIGH: [u8; 16] = table(0);
pub(crate) const FIRST_LOW: [u8; 16] = table(1);
pub(crate) const SECOND_HIGH: [u8; 16] = table(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Utf8;

    #[test]
    fn the_tables_know_each_pair() {
        for first in 0..=255 {
            for second in 0..=255 {
                let bits = FIRST_HIGH[usize::from(first >> 4)]
                    & FIRST_LOW[usize::from(first & 15)]
                    & SECOND_HIGH[usize::from(second >> 4)];
                let continuation = |byte: u8| (0x80..=0xbf).contains(&byte);
                let wrong = match first {
                    0x00..=0x7f => continuation(second),
                    // The bytes before are unknown here.
                    0x80..=0xbf => false,
                    0xc0..=0xff => !continuation(second) || Utf8::new().validate(&[first, second]).is_err(),
                };
                assert_eq!(bits & CONTINUATIONS != 0, continuation(first) && continuation(second));
                assert_eq!(bits & !CONTINUATIONS != 0, wrong, "{first:02x} {second:02x}");
            }
        }
    }
}
