//! Recognises binary formats by their signatures, by parsing them completely, and by byte statistics.

use crate::cause::stream::compressed_format;

const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "is the signature of PNG"),
    (b"\xff\xd8\xff", "is the signature of JPEG"),
    (b"GIF8", "is the signature of GIF"),
    (b"RIFF", "is the signature of RIFF: WAV, AVI or WebP"),
    (b"OggS", "is the signature of Ogg"),
    (b"fLaC", "is the signature of FLAC"),
    (b"ID3", "is the signature of MP3"),
    (b"\x1a\x45\xdf\xa3", "is the signature of WebM"),
    (b"%PDF", "is the signature of PDF"),
    (b"PK\x03\x04", "is the signature of ZIP"),
    (b"\xac\xed\x00\x05", "is the signature of serialised Java objects"),
    (b"\x7fELF", "is the signature of ELF"),
    (b"BM\x36", "is the signature of BMP"),
    (b"\xca\xfe\xba\xbe", "is the signature of Java classes"),
];

/// The format that a payload has, or seems to have.
pub(super) fn format(payload: &[u8]) -> Option<String> {
    if let Some(format) = compressed_format(payload) {
        return Some(format!("is the header of {format}"));
    }
    if let Some((_, says)) = SIGNATURES.iter().find(|(signature, _)| payload.starts_with(signature)) {
        return Some((*says).to_owned());
    }
    if payload.get(4..8) == Some(b"ftyp") {
        return Some("is the signature of MP4".to_owned());
    }
    // BSON: its own length first, little-endian, and a NUL last.
    if let Some((length, rest)) = payload.split_first_chunk::<4>()
        && u32::from_le_bytes(*length) as usize == payload.len()
        && rest.last() == Some(&0)
    {
        return Some("is the length of the whole payload, as in BSON".to_owned());
    }
    if payload.len() >= 3
        && msgpack(payload, 0, &mut 0) == Some(payload.len())
        && matches!(payload[0], 0x80..=0x9f | 0xdc..=0xdf)
    {
        return Some("begins a MessagePack map or array that ends where the payload ends".to_owned());
    }
    if payload.len() >= 3
        && cbor(payload, 0, &mut 0) == Some(payload.len())
        && matches!(payload[0], 0x81..=0x9b | 0xa1..=0xbb)
    {
        return Some("begins a CBOR map or array that ends where the payload ends".to_owned());
    }
    if let Some(fields) = protobuf(payload).filter(|&fields| fields >= 2) {
        return Some(format!("begins {fields} Protocol Buffers fields that end where the payload ends"));
    }
    let controls = payload
        .iter()
        .filter(|&&byte| matches!(byte, 0..=8 | 0xb | 0xc | 0xe..=0x1a | 0x1c..=0x1f | 0x7f))
        .count();
    // UTF-16 has many NULs, but is text.
    let wide =
        payload.chunks_exact(2).filter(|pair| (pair[0] == 0) != (pair[1] == 0)).count() * 4 > payload.len();
    (controls >= 2 && controls * 10 >= payload.len() && !wide).then(|| {
        format!(
            "begins {} bytes, {controls} of which are control characters; text does not contain those",
            payload.len()
        )
    })
}

/// The largest depth of nesting that is parsed.
const DEPTH: u32 = 32;

/// The end of a MessagePack value that begins at `at`.
fn msgpack(bytes: &[u8], at: usize, depth: &mut u32) -> Option<usize> {
    let &first = bytes.get(at)?;
    let number = |length: usize| {
        let digits = bytes.get(at + 1..at + 1 + length)?;
        Some(digits.iter().fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit)))
    };
    let (start, plain, items) = match first {
        0..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (at + 1, 0, 0),
        0x80..=0x8f => (at + 1, 0, 2 * usize::from(first & 0xf)),
        0x90..=0x9f => (at + 1, 0, usize::from(first & 0xf)),
        0xa0..=0xbf => (at + 1, usize::from(first & 0x1f), 0),
        0xc1 => return None,
        0xc4 | 0xd9 => (at + 2, number(1)?, 0),
        0xc5 | 0xda => (at + 3, number(2)?, 0),
        0xc6 | 0xdb => (at + 5, number(4)?, 0),
        0xc7 => (at + 3, number(1)?, 0),
        0xc8 => (at + 4, number(2)?, 0),
        0xc9 => (at + 6, number(4)?, 0),
        0xcc | 0xd0 => (at + 2, 0, 0),
        0xcd | 0xd1 => (at + 3, 0, 0),
        0xca | 0xce | 0xd2 => (at + 5, 0, 0),
        0xcb | 0xcf | 0xd3 => (at + 9, 0, 0),
        0xd4..=0xd8 => (at + 2 + (1 << (first - 0xd4)), 0, 0),
        0xdc => (at + 3, 0, number(2)?),
        0xdd => (at + 5, 0, number(4)?),
        0xde => (at + 3, 0, 2 * number(2)?),
        0xdf => (at + 5, 0, number(4)?.checked_mul(2)?),
    };
    inside(bytes, start.checked_add(plain)?, items, depth, msgpack)
}

/// The end of a CBOR item that begins at `at` (RFC 8949); of definite length.
fn cbor(bytes: &[u8], at: usize, depth: &mut u32) -> Option<usize> {
    let &first = bytes.get(at)?;
    let (value, start) = match first & 0x1f {
        short @ 0..=23 => (usize::from(short), at + 1),
        wide @ 24..=27 => {
            let length = 1 << (wide - 24);
            let digits = bytes.get(at + 1..at + 1 + length)?;
            (digits.iter().fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit)), at + 1 + length)
        }
        _ => return None,
    };
    let (plain, items) = match first >> 5 {
        2 | 3 => (value, 0),
        4 => (0, value),
        5 => (0, value.checked_mul(2)?),
        6 => (0, 1),
        _ => (0, 0),
    };
    inside(bytes, start.checked_add(plain)?, items, depth, cbor)
}

type Parser = fn(&[u8], usize, &mut u32) -> Option<usize>;

fn inside(bytes: &[u8], mut at: usize, items: usize, depth: &mut u32, parse: Parser) -> Option<usize> {
    if *depth > DEPTH {
        return None;
    }
    *depth += 1;
    for _ in 0..items {
        at = parse(bytes, at, depth)?;
    }
    *depth -= 1;
    Some(at)
}

/// The number of Protocol Buffers fields, if the complete payload consists of them.
fn protobuf(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut fields = 0;
    let varint = |at: &mut usize| {
        let mut value = 0_u64;
        for shift in 0..10 {
            let &byte = bytes.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << (shift * 7).min(63);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    while at < bytes.len() {
        let key = varint(&mut at)?;
        // Field numbers are small in practice; text read as a key yields large ones.
        if key >> 3 == 0 || key >> 3 > 64 {
            return None;
        }
        match key & 7 {
            0 => {
                varint(&mut at)?;
            }
            1 => at += 8,
            2 => {
                let length = usize::try_from(varint(&mut at)?).ok()?;
                at = at.checked_add(length)?;
            }
            5 => at += 4,
            _ => return None,
        }
        fields += 1;
    }
    (at == bytes.len()).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each form of a value ends where its length says, and nowhere else.
    #[test]
    fn every_form_of_messagepack_is_read_to_its_end() {
        let forms: &[&[u8]] = &[
            b"\x7f",
            b"\xc0",
            b"\xc2",
            b"\xc3",
            b"\xe0",
            b"\x81\x01\x02",
            b"\x91\x01",
            b"\xa2hi",
            b"\xc4\x02hi",
            b"\xd9\x02hi",
            b"\xc5\x00\x02hi",
            b"\xda\x00\x02hi",
            b"\xc6\x00\x00\x00\x02hi",
            b"\xdb\x00\x00\x00\x02hi",
            b"\xc7\x02\x05hi",
            b"\xc8\x00\x02\x05hi",
            b"\xc9\x00\x00\x00\x02\x05hi",
            b"\xcc\xff",
            b"\xd0\xff",
            b"\xcd\xff\xff",
            b"\xd1\xff\xff",
            b"\xca\xff\xff\xff\xff",
            b"\xce\xff\xff\xff\xff",
            b"\xd2\xff\xff\xff\xff",
            b"\xcb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xd4\x05h",
            b"\xd5\x05hi",
            b"\xd6\x05four",
            b"\xd7\x05eight...",
            b"\xd8\x05sixteen.........",
            b"\xdc\x00\x01\x01",
            b"\xdd\x00\x00\x00\x01\x01",
            b"\xde\x00\x01\x01\x02",
            b"\xdf\x00\x00\x00\x01\x01\x02",
        ];
        for form in forms {
            // 0xc1 is never used: who reads one byte more or less meets it.
            let bytes = [form, &b"\xc1\xc1"[..]].concat();
            assert_eq!(msgpack(&bytes, 0, &mut 0), Some(form.len()), "{form:02x?}");
            assert_eq!(
                msgpack(&form[..form.len() - 1], 0, &mut 0).filter(|&end| end < form.len()),
                None,
                "{form:02x?}"
            );
        }
        assert_eq!(msgpack(b"\xc1", 0, &mut 0), None);
        for (head, rest) in [(&b"\xda\x01\x00"[..], &[b'x'; 256][..]), (b"\xde\x00\x02", b"\x01\x02\x03\x04")]
        {
            let form = [head, rest].concat();
            assert_eq!(msgpack(&form, 0, &mut 0), Some(form.len()), "{head:02x?}");
            assert_eq!(msgpack(&form, form.len() - 1, &mut 0), Some(form.len()), "from its last byte on");
        }
    }

    /// Values beside each other are no deeper than one, and those in each other are read up to a depth.
    #[test]
    fn nesting_is_followed_to_a_depth() {
        let beside = [&b"\xdc\x00\x64"[..], &[1; 100]].concat();
        assert_eq!(msgpack(&beside, 0, &mut 0), Some(beside.len()));
        for (outer, parse) in [(0x91, msgpack as Parser), (0x81, cbor)] {
            let nested = |depth: u32| [vec![outer; depth as usize], vec![1]].concat();
            assert_eq!(parse(&nested(DEPTH), 0, &mut 0), Some(DEPTH as usize + 1));
            assert_eq!(parse(&nested(DEPTH + 1), 0, &mut 0), None);
        }
    }

    #[test]
    fn every_form_of_cbor_is_read_to_its_end() {
        let forms: &[&[u8]] = &[
            b"\x17",
            b"\x18\xff",
            b"\x19\xff\xff",
            b"\x1a\xff\xff\xff\xff",
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x20",
            b"\x42hi",
            b"\x58\x02hi",
            b"\x62hi",
            b"\x79\x00\x02hi",
            b"\x81\x01",
            b"\x98\x01\x01",
            b"\xa1\x01\x02",
            b"\xc1\x01",
            b"\xf5",
            b"\xf9\x00\x00",
            b"\xfa\x00\x00\x00\x00",
            b"\xfb\x00\x00\x00\x00\x00\x00\x00\x00",
        ];
        for form in forms {
            let bytes = [form, &b"\x1f\x1f"[..]].concat();
            assert_eq!(cbor(&bytes, 0, &mut 0), Some(form.len()), "{form:02x?}");
        }
        let long = [&b"\x79\x01\x00"[..], &[b'x'; 256]].concat();
        assert_eq!(cbor(&long, 0, &mut 0), Some(long.len()));
        // Lengths that are not given beforehand, and the three that are reserved.
        for form in [b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x5f", b"\x9f"] {
            assert_eq!(cbor(form, 0, &mut 0), None, "{form:02x?}");
        }
    }

    #[test]
    fn every_kind_of_field_of_protocol_buffers_is_read_to_its_end() {
        let (varint, fixed64, length, fixed32) = (
            &b"\x08\x96\x01"[..],
            &b"\x09\xff\xff\xff\xff\xff\xff\xff\xff"[..],
            &b"\x12\x02hi"[..],
            &b"\x0d\xff\xff\xff\xff"[..],
        );
        for field in [varint, fixed64, length, fixed32] {
            assert_eq!(protobuf(&[field, varint].concat()), Some(2), "{field:02x?}");
            assert_eq!(protobuf(&[varint, &field[..field.len() - 1]].concat()), None, "{field:02x?}");
        }
        assert_eq!(protobuf(b"\x80\x04\x01"), Some(1), "field 64");
        // Field 0, twice, field 65, a group, a varint of eleven bytes.
        for none in [
            &b"\x00\x01"[..],
            b"\x02\x00",
            b"\x88\x04\x01",
            b"\x0b\x01",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_eq!(protobuf(none), None, "{none:02x?}");
        }
    }

    #[test]
    fn formats_are_told_apart_and_text_is_none_of_them() {
        for (payload, says) in [
            (&b"\x82\xa1a\x01\xa1b\xc3"[..], "MessagePack"),
            (b"\xa2\x61a\x01\x61b\xf5", "CBOR"),
            (b"\x08\x96\x01\x12\x07testing", "Protocol Buffers"),
            (b"\x0c\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x00", "BSON"),
            (b"\x1f\x8b\x08\x00\x00", "gzip"),
            (b"\x78\x9c\xcb\x48", "zlib"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"\xf3\x01\x02\x80\x07\x00\x99\x13", "control characters"),
        ] {
            assert!(
                format(payload).is_some_and(|format| format.contains(says)),
                "{payload:x?}: {:?}",
                format(payload)
            );
        }
        for text in [
            &b"caf\xe9 au lait"[..],
            b"\xc4\xe3\xba\xc3",
            b"h\0e\0l\0l\0o\0",
            "naïve".as_bytes(),
            b"",
            b"\xff",
        ] {
            assert_eq!(format(text), None, "{text:x?}");
        }
    }
}
