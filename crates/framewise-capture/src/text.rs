use crate::{Error, Position};

/// UTF-8, or UTF-16 with its mark, as PowerShell writes what is redirected.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Error> {
    let wide = |of: fn([u8; 2]) -> u16| {
        bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect::<Vec<_>>()
    };
    let units = match bytes {
        [0xff, 0xfe, ..] => Some(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(wide(u16::from_be_bytes)),
        _ => None,
    };
    if let Some(units) = units {
        return String::from_utf16(&units).map_err(|_| Error::Utf16);
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let before = &bytes[..error.valid_up_to()];
    let is_text = |&byte: &u8| byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
    if before.len() < 4 || !before.iter().all(is_text) {
        return Err(Error::Binary);
    }
    let byte = bytes[before.len()];
    let before = std::str::from_utf8(before).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Err(Error::Utf8 { at: Position { line, column }, byte })
}

/// The first character that stands for a byte that is no text: private use, which no text has.
const STAND_IN: u32 = 0x10_ff00;

/// A text with bytes in between that are no UTF-8, as a terminal's output may have; [`bytes_of`] gives them back.
pub(crate) fn lossless(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(STAND_IN + u32::from(byte))));
    }
    text
}

/// The bytes that a text of [`lossless`] was made of.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c).checked_sub(STAND_IN).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_or_marked_utf_16() {
        assert_eq!(decode("open é".as_bytes()).as_deref(), Ok("open é"));
        let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            [&mark[..], &"open é".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
        };
        assert_eq!(decode(&utf16([0xff, 0xfe], u16::to_le_bytes)).as_deref(), Ok("open é"));
        assert_eq!(decode(&utf16([0xfe, 0xff], u16::to_be_bytes)).as_deref(), Ok("open é"));
        assert_eq!(decode(b"\xff\xfe\x00\xd8"), Err(Error::Utf16));
    }

    #[test]
    fn what_is_no_text_is_kept() {
        for bytes in [&b"caf\xc3\xa9\xff\x81\x05hello\x00"[..], b"", b"\xf0\x9f", "\u{1f600}".as_bytes()] {
            assert_eq!(bytes_of(&lossless(bytes)), bytes);
        }
    }

    #[test]
    fn bytes_that_are_none_are_reported_by_their_place() {
        let at = |line, column| Position { line, column };
        assert_eq!(decode(b"open\n> \"\xc3\xa9\xff\""), Err(Error::Utf8 { at: at(2, 5), byte: 0xff }));
        assert_eq!(decode(b"\x81\x85\x37"), Err(Error::Binary));
        assert_eq!(decode(b"ab\x00d\xff"), Err(Error::Binary));
    }
}
