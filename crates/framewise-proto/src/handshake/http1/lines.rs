//! The header lines of a head that has a malformed one (RFC 9112 §5).

use alloc::vec::Vec;

use super::{HeadFault, MAX_LINES, field};
use crate::extension::is_token;
use crate::handshake::{Fields, MalformedLine, Place};

/// The size of the start line, with its line end and empty lines before it; `None` if it is not complete.
///
/// RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line
/// (CRLF) received prior to the request-line".
pub(super) fn start_line(bytes: &[u8]) -> Option<usize> {
    let begin = bytes.iter().position(|&byte| byte != b'\r' && byte != b'\n')?;
    let end = bytes[begin..].iter().position(|&byte| byte == b'\n')?;
    Some(begin + end + 1)
}

/// Reads the header lines of `bytes`, a head from byte `base` of its stream, from byte `at` of it on. Returns them without
/// the malformed ones, and the size of the head; `None` as long as it is not complete.
pub(super) fn read(
    bytes: &[u8],
    mut at: usize,
    base: usize,
) -> Result<Option<(Fields<'_>, usize)>, HeadFault> {
    let (mut list, mut malformed) = (Vec::new(), None);
    for _ in 0..=MAX_LINES {
        // RFC 9112 §2.2: "a recipient MAY recognize a single LF as a line terminator and ignore any preceding CR."
        let Some(length) = bytes[at..].iter().position(|&byte| byte == b'\n') else {
            return not_yet(&bytes[at..]);
        };
        let line = &bytes[at..at + length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let next = at + length + 1;
        if line.is_empty() {
            // The parser found a fault; if it is none of these, do not accept what it rejects.
            let malformed = malformed.ok_or(HeadFault::NotHttp)?;
            return Ok(Some((Fields::with_malformed(list, malformed), next)));
        }
        if !is_text(line) {
            return Err(HeadFault::NotHttp);
        }
        match parts(line) {
            Ok((name, value)) => list.push(field(base + at, name, value)),
            Err(fault) => {
                let place = Place { offset: (base + at) as u64, length: line.len() as u64 };
                malformed.get_or_insert(MalformedLine { place, fault });
            }
        }
        at = next;
    }
    Err(HeadFault::TooManyLines)
}

fn not_yet<T>(line: &[u8]) -> Result<Option<T>, HeadFault> {
    if is_text(line) { Ok(None) } else { Err(HeadFault::NotHttp) }
}

/// Whether a line is text. A head without its empty line is followed by frames: they begin with a byte that begins no
/// character, in ASCII as in UTF-8.
const fn is_text(line: &[u8]) -> bool {
    !matches!(line, [0..=8 | 14..=31 | 0x80..=0xbf, ..])
}

/// The name and the value of a header line; otherwise the fault.
fn parts(line: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    // RFC 9112 §5.2: "A sender MUST NOT generate a message that includes line folding".
    if matches!(line, [b' ' | b'\t', ..]) {
        return Err("it begins with white space");
    }
    // RFC 9112 §5: "field-line = field-name ":" OWS field-value OWS".
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return Err("it has no colon") };
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.is_empty() {
        return Err("its name is empty");
    }
    // RFC 9112 §5.1: "No whitespace is allowed between the field name and colon. … A server MUST reject, with a response
    // status code of 400 (Bad Request), any received request message that contains whitespace between a header field name
    // and colon."
    if matches!(name, [.., b' ' | b'\t']) {
        return Err("white space before the colon");
    }
    // RFC 9110 §5.1: "field-name = token".
    let Some(text) = core::str::from_utf8(name).ok().filter(|_| is_token(name)) else {
        return Err("its name is not a token");
    };
    // RFC 9110 §5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous"; "field values
    // containing other CTL characters are also invalid".
    if value.iter().any(|&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
        return Err("a control character in its value");
    }
    Ok((text, value))
}
