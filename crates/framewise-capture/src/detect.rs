use std::fmt;

use crate::Format;

/// A file that people take for a recording and that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// gzip, zip or zstd.
    Compressed,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compressed => "it is compressed; decompress it first",
        })
    }
}

/// Whether a file is a packet capture: pcap in both byte orders, with microseconds and with nanoseconds, or pcapng.
pub(crate) fn is_capture(bytes: &[u8]) -> bool {
    let captures: [&[u8]; 5] = [
        b"\xa1\xb2\xc3\xd4",
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"\x4d\x3c\xb2\xa1",
        b"\x0a\x0d\x0d\x0a",
    ];
    captures.iter().any(|magic| bytes.starts_with(magic))
}

/// What a file is that is not read.
pub(crate) fn foreign(bytes: &[u8]) -> Option<Foreign> {
    let archives: [&[u8]; 3] = [b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"];
    let begins = |magics: &[&[u8]]| magics.iter().any(|magic| bytes.starts_with(magic));
    if begins(&archives) { Some(Foreign::Compressed) } else { None }
}

/// The format of a text: hexadecimal, where the first line that is not a comment begins as hexadecimal does.
pub(crate) fn format(text: &str) -> Format {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    // A digit, or `0x` and `\x` before it.
    let is_hex = line.is_some_and(|line| {
        let token = line.split_whitespace().next().unwrap_or_default().trim_end_matches([':', ',']);
        let token = token.trim_start_matches("\\x").trim_start_matches("0x");
        token.chars().take(2).all(|c| c.is_ascii_hexdigit())
    });
    if is_hex { Format::Hex } else { Format::Transcript }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_detected_by_its_first_line() {
        for text in ["81 85", "# a frame\n\n8185", "0x81, 0x85", r"\x81", "00000000: 8185  ..", "\u{feff}81"]
        {
            assert_eq!(format(text), Format::Hex, "{text}");
        }
        for text in ["open", "> 81 85", "[0.1] < 81", "leg a", "# 81\nopen", "", "hello", "\u{feff}> 81"] {
            assert_eq!(format(text), Format::Transcript, "{text}");
        }
    }

    #[test]
    fn captures_are_told_by_their_first_bytes() {
        for (bytes, expected) in [
            (&b"\xd4\xc3\xb2\xa1\x02\x00"[..], true),
            (b"\x0a\x0d\x0d\x0a\x6c", true),
            // Look-alikes: line breaks, the same bytes as text.
            (b"\n\r\n\ropen", false),
            (b"d4c3b2a1", false),
        ] {
            assert_eq!(is_capture(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn foreign_files_are_told_by_their_first_bytes() {
        for (bytes, expected) in [
            (&b"\x1f\x8b\x08"[..], Some(Foreign::Compressed)),
            // Look-alikes: another object, the same word elsewhere.
            (b"{\"catalog\": 1}", None),
            (b"> \"log\"", None),
        ] {
            assert_eq!(foreign(bytes), expected, "{bytes:?}");
        }
    }
}
