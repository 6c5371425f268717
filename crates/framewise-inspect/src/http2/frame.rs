//! Frames of HTTP/2 (RFC 9113 §4.1), as far as they tell whether a stream carries a WebSocket.

/// The length of a frame's header, in bytes.
pub(super) const HEADER: usize = 9;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) length: usize,
    pub(super) kind: Kind,
    flags: u8,
    pub(super) stream: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    RstStream,
    Other,
}

/// A flag of DATA and HEADERS frames (RFC 9113 §6.1, §6.2): the side sends no more in this stream.
const END_STREAM: u8 = 0x1;
/// Flags of a HEADERS frame (RFC 9113 §6.2): a byte of padding length, and five bytes of priority, before the fields.
/// The first is one of DATA too.
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

impl Frame {
    /// The frame whose header begins these bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[high, middle, low, kind, flags, a, b, c, d, ..] = bytes else { return None };
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            3 => Kind::RstStream,
            _ => Kind::Other,
        };
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        // RFC 9113 §4.1: the first bit means nothing.
        let stream = u32::from_be_bytes([a & 0x7f, b, c, d]);
        Some(Self { length, kind, flags, stream })
    }

    /// Whether the side sends no more in this stream.
    pub(super) const fn ends_stream(&self) -> bool {
        self.flags & END_STREAM != 0
    }

    /// The content of a DATA frame, or the header fields of a HEADERS frame, compressed.
    pub(super) fn content<'b>(&self, payload: &'b [u8]) -> &'b [u8] {
        let padding =
            if self.flags & PADDED != 0 { payload.first().map_or(0, |&length| length.into()) } else { 0 };
        let priority = self.kind == Kind::Headers && self.flags & PRIORITY != 0;
        let before = usize::from(self.flags & PADDED != 0) + if priority { 5 } else { 0 };
        let end = payload.len().saturating_sub(padding).max(before.min(payload.len()));
        payload.get(before..end).unwrap_or_default()
    }
}

/// Whether header fields are those of a CONNECT, as an encoder writes them at first: `:method` with a value of its own,
/// since the static table has none (RFC 7541, appendix A), in ASCII or in Huffman's code (appendix B).
pub(super) fn is_connect(fields: &[u8]) -> bool {
    const ASCII: &[u8] = b"\x07CONNECT";
    const HUFFMAN: &[u8] = &[0x87, 0xbd, 0xab, 0x4e, 0x9c, 0x17, 0xb7, 0xff];
    // It is among the pseudo-header fields, which come first.
    let start = &fields[..fields.len().min(256)];
    start.windows(ASCII.len()).any(|bytes| bytes == ASCII || bytes == HUFFMAN)
}

/// The status of a response, which is its first field (RFC 9113 §8.3.2); `None` where only its encoder knows it.
pub(super) fn status(fields: &[u8]) -> Option<u16> {
    let mut rest = fields;
    // RFC 7541 §6.3: sizes of the dynamic table come first.
    while let Some((0x20..=0x3f, after)) = rest.split_first() {
        let long = rest[0] == 0x3f;
        let end = if long { after.iter().position(|&byte| byte < 0x80)? + 1 } else { 0 };
        rest = &after[end..];
    }
    match *rest {
        [0x88, ..] => Some(200),
        [0x89, ..] => Some(204),
        [0x8a, ..] => Some(206),
        [0x8b, ..] => Some(304),
        [0x8c, ..] => Some(400),
        [0x8d, ..] => Some(404),
        [0x8e, ..] => Some(500),
        // A literal whose name is one of the entries 8 to 14 of the static table, all `:status`.
        [0x48..=0x4e | 0x08..=0x0e | 0x18..=0x1e, length, ref value @ ..] => {
            let value = value.get(..usize::from(length & 0x7f))?;
            if length & 0x80 == 0 { digits(value.iter().copied()) } else { digits(huffman(value)) }
        }
        _ => None,
    }
}

/// Three digits.
fn digits(mut bytes: impl Iterator<Item = u8>) -> Option<u16> {
    let mut number = 0;
    for _ in 0..3 {
        let digit = bytes.next().filter(u8::is_ascii_digit)?;
        number = number * 10 + u16::from(digit - b'0');
    }
    bytes.next().is_none().then_some(number)
}

/// Digits in Huffman's code (RFC 7541, appendix B): 0 to 2 have five bits, the others six.
fn huffman(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    std::iter::from_fn(move || {
        let mut code = 0;
        for _ in 0..5 {
            code = code << 1 | bits.next()?;
        }
        if code <= 2 {
            return Some(b'0' + code);
        }
        code = code << 1 | bits.next()?;
        (0x19..=0x1f).contains(&code).then(|| b'3' + code - 0x19)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_in_each_form() {
        for (fields, expected) in [
            (&[0x88][..], Some(200)),
            (&[0x8d, 0x00], Some(404)),
            (&[0x08, 3, b'4', b'2', b'6'], Some(426)),
            (&[0x48, 0x83, 0x68, 0x4e, 0x7f], Some(426)),
            (&[0x1e, 0x83, 0x68, 0x0c, 0xff], Some(403)),
            (&[0x08, 0x82, 0x08, 0x03], Some(101)),
            // After sizes of the dynamic table.
            (&[0x20, 0x8e], Some(500)),
            (&[0x3f, 0xe1, 0x1f, 0x88], Some(200)),
            // Entries of the dynamic table, other fields, and what is cut.
            (&[0xbe], None),
            (&[0x82], None),
            (&[0x08, 3, b'4', b'2'], None),
            (&[0x08, 2, b'4', b'2'], None),
            (&[0x08, 4, b'4', b'2', b'6', b'0'], None),
            (&[0x3f, 0xff], None),
            (&[], None),
        ] {
            assert_eq!(status(fields), expected, "{fields:x?}");
        }
    }

    #[test]
    fn fields_are_without_padding_and_priority() {
        let frame = |flags| Frame { length: 0, kind: Kind::Headers, flags, stream: 1 };
        assert_eq!(frame(4).content(&[1, 2]), [1, 2]);
        assert_eq!(frame(PADDED).content(&[1, 2, 0]), [2]);
        assert_eq!(frame(PADDED | PRIORITY).content(&[2, 0, 0, 0, 0, 9, 7, 8, 0, 0]), [7, 8]);
        assert_eq!(frame(PADDED).content(&[200, 2, 0]), [0; 0]);
        assert_eq!(frame(PRIORITY).content(&[1, 2]), [0; 0]);
    }
}
