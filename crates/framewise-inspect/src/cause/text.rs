//! Causes of text that is not UTF-8.

mod binary;

use framewise_rules::{Cause, Rule};

use super::evidence::{Evidence, is_text_byte, quote, quote_text, reads_as_text};
use super::notes::Text;
use super::sign::Sign;
use crate::encoding;
use crate::finding::hex;
use crate::frames::FrameSeen;

/// The text at fault: its last frame, its bytes, and the index of the first bad byte.
fn text<'a>(e: &Evidence<'a>) -> Option<(&'a FrameSeen, &'a [u8], usize)> {
    if !e.is(&[Rule::TextInvalidUtf8, Rule::TextTruncatedUtf8, Rule::CloseReasonInvalidUtf8]) {
        return None;
    }
    let frame = e.frame()?;
    let text = e.notes.text.get_or_init(|| decoded(e, frame)).as_ref()?;
    // Each detector reads it once.
    if !e.work.take(text.bytes.len() as u64) {
        return None;
    }
    Some((frame, &text.bytes, text.bad))
}

fn decoded(e: &Evidence<'_>, frame: &FrameSeen) -> Option<Text> {
    let bytes = if e.is(&[Rule::CloseReasonInvalidUtf8]) {
        e.payload(frame).get(2..)?.to_vec()
    } else {
        // The complete message so far, because a frame may begin within a character.
        let parts = e.frames()?.log.frames.iter().filter(|part| {
            part.message == frame.message && part.number <= frame.number && !part.header.opcode.is_control()
        });
        let mut compressed = false;
        let mut message = Vec::new();
        for part in parts {
            compressed |= part.header.rsv1;
            message.extend(e.payload(part));
        }
        if compressed { e.inflate(&message)? } else { message }
    };
    let bad = std::str::from_utf8(&bytes).err()?.valid_up_to();
    Some(Text { bytes, bad })
}

/// ED A0..BF: a UTF-16 half encoded by itself.
pub(super) fn surrogates_encoded(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload, bad) = text(e)?;
    // The fault is the second byte: ED itself may begin a character.
    let at = [bad.checked_sub(1), Some(bad)].into_iter().flatten().find(|&at| {
        matches!(payload.get(at..at + 3), Some([0xed, 0xa0..=0xbf, 0x80..=0xbf]))
            || (matches!(payload.get(at..at + 2), Some([0xed, 0xa0..=0xbf])) && at + 2 == payload.len())
    })?;
    let half = &payload[at..payload.len().min(at + 3)];
    let pair = matches!(payload.get(at..at + 6), Some([0xed, 0xa0..=0xaf, _, 0xed, 0xb0..=0xbf, _]));
    let evidence = format!(
        "{} is {}",
        if pair { hex(&payload[at..at + 6]) } else { hex(half) },
        if pair {
            "a surrogate pair whose halves were encoded separately (CESU-8)"
        } else {
            "one half of a surrogate pair"
        }
    );
    e.own_fault(Cause::SurrogatesEncoded, evidence)
}

/// Modified UTF-8: NUL as C0 80.
pub(super) fn nul_encoded(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload, bad) = text(e)?;
    (payload.get(bad..bad + 2)? == [0xc0, 0x80])
        .then(|| e.own_fault(Cause::NulEncodedAsC080, "c0 80 is NUL in Modified UTF-8"))?
}

/// It is text when unmasked once more, or with the key at its beginning.
pub(super) fn masked_twice(e: &Evidence<'_>) -> Option<Sign> {
    let (frame, payload, _) = text(e)?;
    let mut tries = Vec::new();
    if let Some((key, rest)) = payload.split_first_chunk::<4>() {
        tries.push((*key, rest, "the key at its own beginning"));
    }
    tries.extend(frame.header.mask.map(|key| (key, payload, "its key once more")));
    // A payload that was passed on masked, with the key of the other side.
    let keys = e
        .peer()
        .frames
        .iter()
        .flat_map(|frames| frames.log.frames.iter().rev().take(4))
        .filter_map(|frame| frame.header.mask);
    tries.extend(keys.map(|key| (key, payload, "the key of a frame that came before")));
    let (key, which, reads) = tries
        .into_iter()
        .filter(|(key, ..)| *key != [0; 4])
        .find_map(|(key, bytes, which)| Some((key, which, text_under(e, bytes, key)?)))?;
    let evidence = format!("unmasked with {which}, {}, the payload is {}", hex(&key), quote(&reads));
    e.own_fault(Cause::MaskedTwice, evidence)
}

/// Bytes unmasked with this key, if they are text.
fn text_under(e: &Evidence<'_>, bytes: &[u8], key: [u8; 4]) -> Option<Vec<u8>> {
    /// This many bytes are enough to recognise binary data.
    const BEGINNING: usize = 64;
    let unmasked = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        framewise_simd::unmask(&mut bytes, key, 0);
        bytes
    };
    let beginning = unmasked(&bytes[..bytes.len().min(BEGINNING)]);
    if !beginning.iter().all(|&byte| byte >= 0x80 || is_text_byte(byte)) {
        return None;
    }
    let all = e.work.take(bytes.len() as u64).then(|| unmasked(bytes))?;
    reads_as_text(&all, 4).then_some(all)
}

/// The message ends within a character, and the next one begins with the rest.
pub(super) fn character_split(e: &Evidence<'_>) -> Option<Sign> {
    let (frame, payload, _) = text(e).filter(|_| e.is(&[Rule::TextTruncatedUtf8]))?;
    let error = std::str::from_utf8(payload).err().filter(|error| error.error_len().is_none())?;
    let cut = &payload[error.valid_up_to()..];
    let next = e
        .frames()?
        .log
        .frames
        .iter()
        .find(|next| next.number > frame.number && !next.header.opcode.is_control());
    let evidence = match next {
        Some(next) => {
            // Some protocols put a channel number or the like before each piece.
            let prefix = next.preview.iter().take(32).position(|&byte| byte >= 0x80)?;
            let rest = &next.preview[prefix..];
            let whole = [cut, rest].concat();
            let length = match cut[0] {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            let character = std::str::from_utf8(whole.get(..length)?).ok()?;
            let how = if prefix == 0 {
                "begins with".to_owned()
            } else {
                format!("continues, after {}, with", quote(&next.preview[..prefix]))
            };
            format!(
                "the message ends with {}, the next one {how} {}: together they are {}",
                hex(cut),
                hex(&rest[..length - cut.len()]),
                quote_text(character)
            )
        }
        // Nothing follows in the recording. The split character shows that the text was cut by bytes.
        None => {
            format!(
                "the message ends with {}, the first bytes of a character, after {} bytes",
                hex(cut),
                payload.len()
            )
        }
    };
    e.own_fault(Cause::CharacterSplit, evidence)
}

/// NULs or the patterns of unused memory in place of text.
pub(super) fn buffer_uninitialised(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload, bad) = text(e)?;
    let run = |at: usize| payload[at..].iter().take_while(|&&byte| byte == payload[at]).count();
    let filler = |byte: u8| match byte {
        0xcd => Some("the fill pattern of the Visual C++ debug allocator for new memory"),
        0xcc => Some("the fill pattern of Visual C++ for the stack"),
        0xdd => Some("the fill pattern of the Visual C++ debug allocator for freed memory"),
        0xfd => Some("the guard bytes of Visual C++ around memory"),
        0xfe | 0xee => Some("the fill pattern of Windows for freed memory"),
        0xab | 0xba => Some("the guard bytes of Windows after memory"),
        0xa5 | 0x5a => Some("a fill pattern of allocators"),
        0xff => Some("the content of erased flash memory"),
        _ => None,
    };
    let byte = *payload.get(bad)?;
    // Three equal letters may be text; unused memory repeats more often, or to the end.
    let unused = run(bad) >= 4 || (run(bad) == 3 && bad + 3 == payload.len());
    if let Some(what) = filler(byte).filter(|_| unused) {
        return e.own_fault(
            Cause::BufferUninitialised,
            format!("{byte:02x} is repeated {} times: {what}", run(bad)),
        );
    }
    // A C string ends within the payload, and leftovers follow.
    let nul = payload[..bad].iter().position(|&byte| byte == 0)?;
    if nul == 0 && run(0) == bad && bad >= 2 || reads_as_text(&payload[..nul], 2) {
        let evidence = format!(
            "the text ends with a NUL at byte {nul}, and bytes that are not text follow: {}",
            hex(&payload[nul..payload.len().min(nul + 12)])
        );
        return e.own_fault(Cause::BufferUninitialised, evidence);
    }
    None
}

/// The payload is a known binary format, or has the byte statistics of one.
pub(super) fn binary_sent_as_text(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload, _) =
        text(e).filter(|_| !e.is(&[Rule::TextTruncatedUtf8, Rule::CloseReasonInvalidUtf8]))?;
    // Protocols with header lines, such as STOMP, have the data after an empty line.
    let behind = [b"\n\n".as_slice(), b"\r\n\r\n"].iter().find_map(|empty| {
        let at = payload.windows(empty.len()).position(|part| part == *empty)?;
        reads_as_text(&payload[..at], 1).then(|| &payload[at + empty.len()..])
    });
    // A nested frame is binary as well, and is better evidence.
    let (there, format) =
        [behind, Some(payload)].into_iter().flatten().find_map(|part| Some((part, binary::format(part)?)))?;
    let evidence = format!("{} {format}", hex(&there[..there.len().min(8)]));
    e.own_fault(Cause::BinarySentAsText, evidence)
}

/// The payload is text in another encoding.
pub(super) fn other_encoding(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload, _) = text(e)?;
    // Everything is UTF-8 except a split character.
    if std::str::from_utf8(payload).is_err_and(|error| error.error_len().is_none())
        || surrogates_encoded(e).is_some()
    {
        return None;
    }
    let (name, reads) = e.work.take(encoding::STEPS).then(|| encoding::guess(payload))??;
    e.own_fault(Cause::TextInOtherEncoding, format!("the bytes are valid {name}: {}", quote_text(&reads)))
}
