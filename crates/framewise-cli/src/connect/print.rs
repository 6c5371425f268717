use std::io::{self, Write};

use framewise::Message;

use super::Binary;
use crate::render::{clean, shorten};

/// Characters of a text, and bytes of a binary message, that a person is shown.
const SHOWN_CHARS: usize = 4_000;
const SHOWN_BYTES: usize = 256;
/// Bytes whose hexadecimal is made at once: a message of 64 MiB takes no more than one of a kilobyte.
const PIECE: usize = 4 * 1024;

/// Where messages are printed: standard input does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// Above a prompt, on a terminal.
    Prompt,
    /// On a terminal, while a pipe or a file is sent.
    Terminal,
    /// Into a pipe or a file: for a program, to which every byte counts.
    Pipe,
}

/// A message as a person reads it: clean, and cut where it is long.
pub(super) fn shown(message: &Message) -> String {
    match message {
        Message::Text(text) => {
            let text = text.as_str();
            let cut = text.char_indices().nth(SHOWN_CHARS).map_or(0, |(at, _)| text.len() - at);
            let more = if cut == 0 { String::new() } else { format!(" ({cut} bytes more)") };
            format!("{}{more}", clean(&shorten(text, SHOWN_CHARS)))
        }
        Message::Binary(bytes) => {
            let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
            let mut hex = Vec::with_capacity(3 * shown.len());
            // Writing to a Vec cannot fail.
            let _ = write_hex(&mut hex, shown);
            let more = match bytes.len() - shown.len() {
                0 => String::new(),
                cut => format!(" … ({cut} bytes more)"),
            };
            format!("{}{more}", String::from_utf8_lossy(&hex))
        }
    }
}

/// A message as a program reads it: a line, or the bytes of a binary message where they are wanted as they are.
pub(super) fn write_message(out: &mut impl Write, message: &Message, binary: Binary) -> io::Result<()> {
    match (message, binary) {
        (Message::Text(text), _) => out.write_all(text.as_bytes())?,
        (Message::Binary(bytes), Binary::Hex) => write_hex(out, bytes)?,
        (Message::Binary(bytes), Binary::Raw) => return out.write_all(bytes),
    }
    out.write_all(b"\n")
}

fn write_hex(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(3 * PIECE.min(bytes.len()));
    for (index, piece) in bytes.chunks(PIECE).enumerate() {
        text.clear();
        for &byte in piece {
            text.extend_from_slice(&[b' ', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]]);
        }
        out.write_all(if index == 0 { &text[1..] } else { &text })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what is written, and how much of it at once.
    #[derive(Default)]
    struct Counting {
        written: Vec<u8>,
        largest: usize,
    }

    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.largest = self.largest.max(bytes.len());
            self.written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(message: &Message, binary: Binary) -> Counting {
        let mut out = Counting::default();
        write_message(&mut out, message, binary).expect("a Vec takes every write");
        out
    }

    #[test]
    fn the_hexadecimal_of_a_large_message_is_made_piece_by_piece() {
        let bytes: Vec<u8> = (0..=255).cycle().take(8 << 20).collect();
        let out = written(&Message::binary(bytes.clone()), Binary::Hex);
        assert_eq!(out.written.len(), 3 * bytes.len());
        assert!(out.largest <= 3 * PIECE, "{} bytes of text at once", out.largest);
        let expected: Vec<_> = bytes[..3 * PIECE].iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(out.written.starts_with(expected.join(" ").as_bytes()) && out.written.ends_with(b" ff\n"));
    }

    #[test]
    fn a_program_gets_every_byte() {
        assert_eq!(
            written(&Message::text("\x1b[2J\u{202e}"), Binary::Hex).written,
            "\x1b[2J\u{202e}\n".as_bytes()
        );
        assert_eq!(written(&Message::binary(vec![0, 255]), Binary::Hex).written, b"00 ff\n");
        assert_eq!(written(&Message::binary(vec![0, 255]), Binary::Raw).written, b"\0\xff");
        assert_eq!(written(&Message::binary(vec![]), Binary::Hex).written, b"\n");
    }

    #[test]
    fn a_person_gets_what_can_be_read() {
        assert_eq!(shown(&Message::text("\x1b[2Jé\u{202e}")), "\\x1b[2Jé\\u{202e}");
        assert_eq!(shown(&Message::binary(vec![0, 255])), "00 ff");
        let long = shown(&Message::text("é".repeat(5_000)));
        assert!(long.chars().count() < 4_100 && long.ends_with("é… (2000 bytes more)"), "{long}");
        let long = shown(&Message::binary(vec![0; 1 << 20]));
        assert!(long.len() < 1_000 && long.ends_with("00 … (1048320 bytes more)"), "{long}");
    }
}
