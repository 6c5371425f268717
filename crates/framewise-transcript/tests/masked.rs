//! A masked payload cannot be read: in the examples of the rules a comment on its line says what it is unmasked.
//!
//! Printable characters stand for themselves, every other byte is `<hh>`; a Close starts with its code; a compressed
//! payload is hexadecimal, and what it inflates to may follow after `=`.
#![allow(missing_docs)]

use std::fmt::Write as _;

use framewise_rules::Rule;

/// A frame whose payload is masked, and not empty.
struct Masked {
    first_byte: u8,
    payload: Vec<u8>,
}

#[test]
fn a_comment_says_what_each_masked_payload_is() {
    let mut faults = Vec::new();
    let mut count = 0;
    for &rule in Rule::ALL {
        let examples = rule.examples();
        let bad = examples.bad.iter().map(|bad| bad.transcript);
        for transcript in bad.chain(examples.good.iter().map(|good| good.transcript)) {
            let deflate = transcript.lines().any(|line| {
                line.contains("permessage-deflate") && (line.starts_with("open") || line.starts_with('<'))
            });
            // Whether the message that is under way is compressed; a masked one comes from the client.
            let mut compressed = false;
            for line in transcript.lines() {
                let (event, comment) = line.split_once("  # ").unwrap_or((line, ""));
                let Some(bytes) = hexadecimal(event) else { continue };
                let says: Vec<_> =
                    masked(&bytes).iter().map(|frame| says(frame, deflate, &mut compressed)).collect();
                count += says.len();
                let says = says.join(", ");
                if comment != says && !comment.strip_prefix(&says).is_some_and(|rest| rest.starts_with(" = "))
                {
                    faults.push(format!("{rule}: {line}\n    its comment has to say: {says}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 150, "{count} payloads: the examples are not looked at");
}

/// The bytes of an event that are written in hexadecimal.
fn hexadecimal(event: &str) -> Option<Vec<u8>> {
    let (_, digits) = event.split_once("> ").or_else(|| event.split_once("< "))?;
    digits.split(' ').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// The masked frames of a step that starts at a frame's first byte; of the last one, as much as there is.
fn masked(mut bytes: &[u8]) -> Vec<Masked> {
    let mut frames = Vec::new();
    while let [first_byte, second_byte, rest @ ..] = bytes {
        let (length, rest) = match second_byte & 0x7f {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => break,
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => break,
            },
            length => (u64::from(length), rest),
        };
        let (key, rest) = if second_byte & 0x80 == 0 {
            ([0; 4], rest)
        } else {
            match rest.split_first_chunk() {
                Some((key, rest)) => (*key, rest),
                None => break,
            }
        };
        let end = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        let payload: Vec<_> =
            rest[..end].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        if second_byte & 0x80 != 0 && !payload.is_empty() {
            frames.push(Masked { first_byte: *first_byte, payload });
        }
        bytes = &rest[end..];
    }
    frames
}

fn says(frame: &Masked, deflate: bool, compressed: &mut bool) -> String {
    let opcode = frame.first_byte & 0x0f;
    if matches!(opcode, 1 | 2) {
        *compressed = deflate && frame.first_byte & 0x40 != 0;
    }
    match (opcode, frame.payload.as_slice()) {
        (0..=2, payload) if *compressed => {
            payload.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
        }
        (8, [high, low]) => u16::from_be_bytes([*high, *low]).to_string(),
        (8, [high, low, reason @ ..]) => {
            format!("{} {}", u16::from_be_bytes([*high, *low]), readable(reason))
        }
        (_, payload) => readable(payload),
    }
}

fn readable(payload: &[u8]) -> String {
    let mut text = String::new();
    for chunk in payload.utf8_chunks() {
        for character in chunk.valid().chars() {
            let latin = character < '\u{250}' && character.is_alphanumeric();
            if latin || character == '€' || matches!(character, ' '..='~') {
                text.push(character);
            } else {
                hide(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        hide(&mut text, chunk.invalid());
    }
    text
}

fn hide(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "<{byte:02x}>");
    }
}
