//! Causes in the length itself: its encoding, and what it counts.

use framewise_proto::frame::LengthForm;
use framewise_proto::{Header, Opcode};
use framewise_rules::{Cause, CloseCode, Role, Rule};

use super::{own_header, subject};
use crate::cause::evidence::{Evidence, reads_as_text};
use crate::cause::sign::Sign;
use crate::finding::hex;

/// The length is right when its bytes are reversed.
pub(in crate::cause) fn byte_order(e: &Evidence<'_>) -> Option<Sign> {
    let (e, offset, header) = match subject(e) {
        Some((e, frame)) => (e, frame.offset, frame.header),
        None => (*e, e.finding.offset, own_header(e)?),
    };
    byte_order_of(&e, offset, &header).or_else(|| byte_order_of(&e, e.finding.offset, &own_header(&e)?))
}

fn byte_order_of(e: &Evidence<'_>, offset: u64, header: &Header) -> Option<Sign> {
    let swapped = match header.form {
        LengthForm::Seven => return None,
        LengthForm::Sixteen => u64::from((header.length as u16).swap_bytes()),
        LengthForm::SixtyFour => header.length.swap_bytes(),
    };
    if swapped == header.length || swapped < 126 {
        return None;
    }
    let fits = e.fits((offset + header.size() as u64).saturating_add(swapped));
    // No message is a tebibyte long, so the reversed length needs no further evidence.
    let absurd = header.length >> 40 != 0 && swapped >> 32 == 0 && swapped > 0xffff;
    if !fits && !absurd {
        return None;
    }
    let at = offset + 2;
    let bytes = e.read(at, if header.form == LengthForm::Sixteen { 2 } else { 8 });
    let evidence = format!(
        "the length {} at byte {at} is {}; with its bytes reversed it is {swapped}{}",
        hex(bytes),
        header.length,
        if fits { ", and at that end the next frame begins, or the stream ends" } else { "" }
    );
    e.own_fault(Cause::LengthByteOrder, evidence)
}

/// 126 or more written into the one length byte.
pub(in crate::cause) fn in_one_byte(e: &Evidence<'_>) -> Option<Sign> {
    let (e, offset, header) = announced(e)?;
    if let Some(sign) = in_one_byte_before_key(&e, offset, &header) {
        return Some(sign);
    }
    let &second = e.read(offset, 2).get(1)?;
    let length = u64::from(second);
    let reading = match (e.stream, header.mask, header.form) {
        // A server does not mask: the top bit belongs to the length.
        (Role::Server, Some(_), _) if e.is(&[Rule::MaskPresent]) => "the MASK bit",
        (Role::Server, None, LengthForm::Sixteen) => "the sign of the 16-bit form",
        (Role::Server, None, LengthForm::SixtyFour) => "the sign of the 64-bit form",
        _ => return None,
    };
    let rest = e.left(offset + 2);
    let fits = rest >= length && e.fits(offset + 2 + length);
    let reads = |most: u64, least: usize| reads_as_text(e.read(offset + 2, most), least);
    // A length of 256 or more loses its higher bits.
    let wraps = rest % 256 == length && reads(rest, 256);
    let plain = header.mask.is_some() && rest < length && reads(rest, 16);
    // Enough bytes must follow, so that a frame does not end there by chance.
    if !(fits && reads(length, 1) || wraps || plain) {
        return None;
    }
    let evidence = format!(
        "the second byte {second:02x} is {length} as a length, but is read as {reading}; {}",
        if fits {
            format!("after {length} bytes the next frame begins, or the stream ends")
        } else {
            format!("{rest} bytes of plain text follow")
        }
    );
    e.own_fault(Cause::LengthInOneByte, evidence)
}

/// The header whose length is in doubt: of a frame that does not end, or of the finding.
fn announced<'a>(e: &Evidence<'a>) -> Option<(Evidence<'a>, u64, Header)> {
    match subject(e) {
        Some((e, frame)) if frame.header.form != LengthForm::Seven && !e.at_header() => {
            Some((e, frame.offset, frame.header))
        }
        _ => Some((*e, e.finding.offset, own_header(e)?)),
    }
}

/// As [`in_one_byte`], with a mask: the masking key's first bytes are read as a longer length.
fn in_one_byte_before_key(e: &Evidence<'_>, offset: u64, header: &Header) -> Option<Sign> {
    let length = match header.form {
        LengthForm::Seven => return None,
        LengthForm::Sixteen => 126,
        LengthForm::SixtyFour => 127,
    };
    if header.mask.is_none() || e.whole(offset) {
        return None;
    }
    let end = offset + 6 + length;
    let bytes = e.read(offset, 6 + length);
    let (&key, masked) = bytes.get(2..)?.split_first_chunk::<4>()?;
    if masked.len() as u64 != length || !e.fits(end) {
        return None;
    }
    let mut payload = masked.to_vec();
    framewise_simd::unmask(&mut payload, key, 0);
    let code =
        || payload.first_chunk().is_some_and(|&code| CloseCode(u16::from_be_bytes(code)).may_be_sent());
    let reads = match header.opcode {
        Opcode::Text if !header.rsv1 => std::str::from_utf8(&payload).is_ok(),
        Opcode::Close => code() && std::str::from_utf8(&payload[2..]).is_ok(),
        // Binary bytes give no evidence except that they end with the stream.
        _ => end == e.own().window.end(),
    };
    reads.then(|| {
        let evidence = format!(
            "the length byte is {length}, which announces a longer form; if it is the length itself, followed by the masking key {}, the frame ends where the next one begins, or the stream ends",
            hex(&key)
        );
        e.own_fault(Cause::LengthInOneByte, evidence)
    })?
}

/// 125 or 65,535 sent in the next larger form.
pub(in crate::cause) fn boundary_off_by_one(e: &Evidence<'_>) -> Option<Sign> {
    let header = own_header(e).filter(|_| e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]))?;
    let limit = match header.form {
        LengthForm::Sixteen => 125,
        LengthForm::SixtyFour => 0xffff,
        LengthForm::Seven => return None,
    };
    (header.length == limit).then(|| {
        let evidence =
            format!("{limit} is the largest length of the shorter form, but was sent in the longer one");
        e.own_fault(Cause::LengthBoundaryOffByOne, evidence)
    })?
}

/// The length counts characters, the payload is UTF-8.
pub(in crate::cause) fn in_characters(e: &Evidence<'_>) -> Option<Sign> {
    let (e, frame) = subject(e)?;
    if !matches!(frame.header.opcode, Opcode::Text | Opcode::Continuation) || frame.header.length > 0xffff {
        return None;
    }
    let characters = frame.header.length;
    // At most four bytes each.
    let mut text = e.read(frame.payload(), 4 * characters).to_vec();
    if let Some(key) = frame.header.mask {
        framewise_simd::unmask(&mut text, key, 0);
    }
    let valid = match std::str::from_utf8(&text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).ok()?,
    };
    // Code points, or UTF-16 code units as in JavaScript, Java and C#.
    for units in [char::len_utf16 as fn(char) -> usize, |_| 1] {
        let mut counted = 0;
        let mut bytes = 0;
        for character in valid.chars() {
            if counted >= characters {
                break;
            }
            counted += units(character) as u64;
            bytes += character.len_utf8() as u64;
        }
        if counted == characters && bytes > characters && e.fits(frame.payload() + bytes) {
            let evidence = format!(
                "the length is {characters}, but {characters} characters from byte {} on take {bytes} bytes, after which the next frame begins, or the stream ends",
                frame.payload()
            );
            return e.own_fault(Cause::LengthInCharacters, evidence);
        }
    }
    None
}

/// A 32-bit length after 126 or 127: read as 16 bits it is zero, read as 64 bits it goes on into the payload.
pub(super) fn in_32_bits(e: &Evidence<'_>) -> Option<Sign> {
    /// Longer messages do not occur. Read as 64 bits, a 32-bit length of 126 or more becomes 504 GiB or more.
    const LONGEST: u64 = 1 << 28;
    let (e, offset, header) = announced(e)?;
    let &four = e.read(offset + 2, 4).first_chunk()?;
    let length = u64::from(u32::from_be_bytes(four));
    if !(126..=LONGEST).contains(&length) {
        return None;
    }
    let payload = offset + 6 + if header.mask.is_some() { 4 } else { 0 };
    let end = e.own().window.end();
    let evidence = match header.form {
        LengthForm::Sixteen if header.length == 0 && payload + length <= end && e.fits(payload + length) => {
            format!(
                "the two bytes of the length are 0, but with the two after them, {}, they are {length}, and at that end the next frame begins, or the stream ends",
                hex(&four)
            )
        }
        // If the recording is that long, a frame must begin there.
        LengthForm::SixtyFour if payload + length > end || e.fits(payload + length) => format!(
            "the eight bytes of the length, {}, are {}; the first four alone are {length}, and the others are the first bytes of the payload",
            hex(&header.length.to_be_bytes()),
            header.length
        ),
        LengthForm::Seven | LengthForm::Sixteen | LengthForm::SixtyFour => return None,
    };
    e.own_fault(Cause::LengthSignOrOverflow, evidence)
}

pub(super) const fn form(form: LengthForm) -> &'static str {
    match form {
        LengthForm::Seven => "short",
        LengthForm::Sixteen => "16-bit",
        LengthForm::SixtyFour => "64-bit",
    }
}

/// Short lengths in a long form, followed by that many bytes.
pub(in crate::cause) fn always_long(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]) || boundary_off_by_one(e).is_some() {
        return None;
    }
    let frame = e.frame()?;
    if !e.fits(frame.end()) {
        return None;
    }
    let long = e.frames()?.log.frames.iter().filter(|frame| {
        Header::new(frame.header.opcode, frame.header.length, None).form != frame.header.form
    });
    let evidence = format!(
        "{} bytes are sent in the {} form, as in {} frame(s) in all; the frame ends where its length says",
        frame.header.length,
        form(frame.header.form),
        long.count()
    );
    e.own_fault(Cause::LengthAlwaysLong, evidence)
}
