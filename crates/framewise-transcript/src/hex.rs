//! Reads hexadecimal digits: recordings are mostly these.

/// The value of each digit, and a number above 15 for every other byte.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut at = 0;
    while at < 256 {
        if let Some(digit) = (at as u8 as char).to_digit(16) {
            values[at] = digit as u8;
        }
        at += 1;
    }
    values
};

/// Appends the bytes whose pairs of hexadecimal digits `text` begins with, with one space or none between two pairs. Returns how
/// many bytes of `text` were read: up to the end of the last pair.
///
/// ```
/// let mut bytes = vec![0x81];
/// assert_eq!(framewise_transcript::hex_pairs(b"85 37fa  21", &mut bytes), 7);
/// assert_eq!(bytes, [0x81, 0x85, 0x37, 0xfa]);
/// ```
pub fn hex_pairs(text: &[u8], bytes: &mut Vec<u8>) -> usize {
    let mut read = 0;
    while let Some(&[first, second, third]) = text[read..].first_chunk() {
        let gap = usize::from(first == b' ' && read > 0);
        let [high, low] = if gap == 1 { [second, third] } else { [first, second] };
        let Some(byte) = pair(high, low) else { return read };
        bytes.push(byte);
        read += gap + 2;
    }
    if let [high, low] = text[read..]
        && let Some(byte) = pair(high, low)
    {
        bytes.push(byte);
        read += 2;
    }
    read
}

const fn pair(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (VALUES[high as usize], VALUES[low as usize]);
    if high | low > 15 { None } else { Some(high << 4 | low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_two_digits_and_nothing_else() {
        for high in 0..=255 {
            for low in 0..=255_u8 {
                let text = [high, low];
                let digits = text.iter().all(u8::is_ascii_hexdigit);
                let expected = str::from_utf8(&text)
                    .ok()
                    .filter(|_| digits)
                    .and_then(|text| u8::from_str_radix(text, 16).ok());
                for after in ["", " ", "g"] {
                    let mut bytes = Vec::new();
                    let read = hex_pairs(&[&text[..], after.as_bytes()].concat(), &mut bytes);
                    assert_eq!((bytes, read), (expected.into_iter().collect(), if digits { 2 } else { 0 }));
                }
            }
        }
    }

    #[test]
    fn it_stops_at_the_end_of_a_pair() {
        let read = |text: &str| {
            let mut bytes = Vec::new();
            (hex_pairs(text.as_bytes(), &mut bytes), bytes)
        };
        assert_eq!(read(""), (0, vec![]));
        assert_eq!(read(" 81"), (0, vec![]));
        assert_eq!(read("81 "), (2, vec![0x81]));
        assert_eq!(read("81 8"), (2, vec![0x81]));
        assert_eq!(read("818"), (2, vec![0x81]));
        assert_eq!(read("81 85"), (5, vec![0x81, 0x85]));
        assert_eq!(read("81  85"), (2, vec![0x81]));
        assert_eq!(read("8185 37"), (7, vec![0x81, 0x85, 0x37]));
        assert_eq!(read("8 185"), (0, vec![]));
    }
}
