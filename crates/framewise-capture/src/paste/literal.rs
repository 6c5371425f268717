//! Bytes as programming languages print them, and base64.

use base64::Engine as _;

use super::{Block, Content, Piece, What, bare, is_request, is_response};
use crate::text::bytes_of;

/// The literals of a line.
pub(super) fn read(lines: &[&str]) -> Option<Block> {
    let line = bare(lines.first()?);
    let (name, bytes, missing) = buffer(line)
        .or_else(|| python(line).map(|bytes| ("Python bytes", bytes, 0)))
        .or_else(|| list(line).map(|bytes| ("a byte list", bytes, 0)))
        .or_else(|| base64(line).map(|bytes| ("base64", bytes, 0)))?;
    if bytes.len() < 2 {
        return None;
    }
    let mut pieces = vec![Piece { from: None, time: None, what: What::Bytes(bytes) }];
    if missing > 0 {
        pieces.push(Piece { from: None, time: None, what: What::Gap(missing) });
    }
    Some(Block { lines: 1, name, content: Content::Pieces(pieces) })
}

/// `<Buffer 88 02 03 e8>`, with `... 30 more bytes` at its end where Node cut it.
fn buffer(line: &str) -> Option<(&'static str, Vec<u8>, u64)> {
    let (body, _) = line.split_once("<Buffer ")?.1.split_once('>')?;
    let (digits, more) = body.split_once(" ... ").unwrap_or((body, ""));
    let mut bytes = Vec::new();
    for pair in digits.split(' ') {
        bytes.push(u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2)?);
    }
    Some(("a Node Buffer", bytes, more.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)))
}

/// `b'\x88\x02'`, also in `bytearray(…)`.
pub(crate) fn python(line: &str) -> Option<Vec<u8>> {
    let start = ["b'", "b\""].iter().filter_map(|quote| line.find(quote)).min()?;
    let before = line[..start].chars().next_back();
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let quote = line[start + 1..].chars().next()?;
    let mut bytes = Vec::new();
    let mut rest = line[start + 2..].chars();
    loop {
        match rest.next()? {
            c if c == quote => return Some(bytes),
            '\\' => match rest.next()? {
                'x' => {
                    let digits: String = rest.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).ok()?);
                }
                'n' => bytes.push(b'\n'),
                'r' => bytes.push(b'\r'),
                't' => bytes.push(b'\t'),
                other => bytes.extend_from_slice(&bytes_of(other.encode_utf8(&mut [0; 4]))),
            },
            other => bytes.extend_from_slice(&bytes_of(other.encode_utf8(&mut [0; 4]))),
        }
    }
}

/// `[136 2 3 232]`, `[]byte{0x88, 0x2}`, `[-120, 2, 3, -24]`, `Uint8Array(4) [136, 2, 3, 232]`.
fn list(line: &str) -> Option<Vec<u8>> {
    let start = match line.find("byte{") {
        Some(at) => at + 4,
        None => line.rfind('[').filter(|&at| !line[at..].starts_with("[]"))?,
    };
    let end = start + line[start..].find([']', '}'])?;
    let body = &line[start + 1..end];
    let mut bytes = Vec::new();
    for word in body.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()) {
        let number = match word.strip_prefix("0x") {
            Some(digits) => i32::from_str_radix(digits, 16).ok()?,
            None => word.parse::<i32>().ok()?,
        };
        bytes.push(u8::try_from(number).or_else(|_| i8::try_from(number).map(i8::cast_unsigned)).ok()?);
    }
    // Coordinates and the like are lists as well: bytes of a connection begin as a frame or a head does.
    (bytes.len() >= 2 && begins(&bytes)).then_some(bytes)
}

/// A line that is nothing but base64, of frames or a head.
fn base64(line: &str) -> Option<Vec<u8>> {
    let line = line.trim();
    let line = line.split_once(";base64,").map_or(line, |(_, data)| data).trim_matches('"');
    if line.len() < 4 || line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let standard = &base64::engine::general_purpose::STANDARD;
    let bytes = standard
        .decode(line)
        .or_else(|_| base64::engine::general_purpose::STANDARD_NO_PAD.decode(line))
        .or_else(|_| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(line.trim_end_matches('=')))
        .ok()?;
    begins(&bytes).then_some(bytes)
}

/// Whether bytes begin as a head, or as a frame whose bits are in order.
fn begins(bytes: &[u8]) -> bool {
    let frame = bytes.first().is_some_and(|&first| {
        first & 0x30 == 0
            && matches!(first & 0x0f, 0..=2 | 8..=10)
            && (first & 0x80 != 0 || first & 0x0f <= 2)
    });
    is_request(bytes) || is_response(bytes) || (frame && bytes[0] & 0x80 != 0)
}
