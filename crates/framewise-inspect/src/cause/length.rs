//! Lengths and writes: where a frame really ends, and what got into it.

mod nested;

use framewise_proto::frame::LengthForm;
use framewise_proto::{Header, Opcode};
use framewise_rules::{Cause, CloseCode, Role, Rule};

use super::Sign;
use super::evidence::{Evidence, quote, reads_as_text};
use crate::finding::hex;
use crate::frames::FrameSeen;
pub(super) use nested::Nested;

/// The frame whose length is in doubt: the one of the finding where its content or its end is at fault, the one before
/// where a header is, and a frame that the other side waited for where that side gave up.
fn subject<'a>(e: &Evidence<'a>) -> Option<(Evidence<'a>, &'a FrameSeen)> {
    if e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) {
        let flipped = Evidence { stream: e.stream.peer(), ..*e };
        let last = flipped.frames()?.log.last()?;
        return (last.end() > flipped.own().window.end()).then_some((flipped, last));
    }
    if e.is(&[Rule::PayloadTruncated, Rule::MessageTooBig, Rule::FrameTooBig])
        || (e.in_frame() && !e.at_header())
    {
        return Some((*e, e.frame()?));
    }
    let before = e.at_header().then(|| e.before()).flatten()?;
    (before.end() == e.finding.offset).then_some((*e, before))
}

/// The header of the finding's own frame, where a length is at fault.
fn own_header(e: &Evidence<'_>) -> Option<Header> {
    e.at_header().then(|| Header::decode_without_mask(e.start()))?
}

/// The length is right when its bytes are reversed.
pub(super) fn byte_order(e: &Evidence<'_>) -> Option<Sign> {
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
    // No message is a tebibyte long: there the reversed length needs no other witness.
    let absurd = header.length >> 40 != 0 && swapped >> 32 == 0 && swapped > 0xffff;
    if !fits && !absurd {
        return None;
    }
    let at = offset + 2;
    let bytes = e.read(at, if header.form == LengthForm::Sixteen { 2 } else { 8 });
    let evidence = format!(
        "the length {} at byte {at} is {}; reversed it is {swapped}{}",
        hex(bytes),
        header.length,
        if fits { ", and there the next frame begins, or the stream ends" } else { "" }
    );
    e.own_fault(Cause::LengthByteOrder, evidence)
}

/// 126 or more written into the one length byte.
pub(super) fn in_one_byte(e: &Evidence<'_>) -> Option<Sign> {
    let (e, offset, header) = announced(e)?;
    if let Some(sign) = in_one_byte_before_key(&e, offset, &header) {
        return Some(sign);
    }
    let &second = e.read(offset, 2).get(1)?;
    let length = u64::from(second);
    let reading = match (e.stream, header.mask, header.form) {
        // A server has no mask: the top bit is the length's.
        (Role::Server, Some(_), _) if e.is(&[Rule::MaskPresent]) => "the MASK bit",
        (Role::Server, None, LengthForm::Sixteen) => "the sign of the 16-bit form",
        (Role::Server, None, LengthForm::SixtyFour) => "the sign of the 64-bit form",
        _ => return None,
    };
    let rest = e.left(offset + 2);
    let fits = rest >= length && e.fits(offset + 2 + length);
    let reads = |most: u64, least: usize| reads_as_text(e.read(offset + 2, most), least);
    // 256 and more lose what is above the byte.
    let wraps = rest > 255 && rest % 256 == length && reads(rest, 256);
    let plain = header.mask.is_some() && rest < length && reads(rest, 16);
    // Enough bytes have to stand there that a frame cannot end by chance.
    if !(fits && reads(length, 1) || wraps || plain) {
        return None;
    }
    let evidence = format!(
        "the second byte {second:02x} is {length} as a length, and reads as {reading}; {}",
        if fits {
            format!("{length} bytes on the next frame begins, or the stream ends")
        } else {
            format!("{rest} bytes of plain text follow")
        }
    );
    e.own_fault(Cause::LengthInOneByte, evidence)
}

/// The header whose length is in doubt, in its direction: of a frame that does not end, or of the finding itself.
fn announced<'a>(e: &Evidence<'a>) -> Option<(Evidence<'a>, u64, Header)> {
    match subject(e) {
        Some((e, frame)) if frame.header.form != LengthForm::Seven && !e.at_header() => {
            Some((e, frame.offset, frame.header))
        }
        _ => Some((*e, e.finding.offset, own_header(e)?)),
    }
}

/// The same under a mask: the first bytes of the masking key read as those of a longer form.
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
        // Of bytes that may be any nothing tells but that they end where everything does.
        _ => end == e.own().window.end(),
    };
    reads.then(|| {
        let evidence = format!(
            "the length byte holds {length}, which announces a longer form; read as the length itself, with the masking key {} behind it, the frame ends where the next one begins, or the stream does",
            hex(&key)
        );
        e.own_fault(Cause::LengthInOneByte, evidence)
    })?
}

/// 125 or 65,535 sent in the next larger form.
pub(super) fn boundary_off_by_one(e: &Evidence<'_>) -> Option<Sign> {
    let header = own_header(e).filter(|_| e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]))?;
    let limit = match header.form {
        LengthForm::Sixteen => 125,
        LengthForm::SixtyFour => 0xffff,
        LengthForm::Seven => return None,
    };
    (header.length == limit).then(|| {
        let evidence =
            format!("{limit} is the last length of the shorter form, and was sent in the longer one");
        e.own_fault(Cause::LengthBoundaryOffByOne, evidence)
    })?
}

/// The length counts characters, the payload is UTF-8.
pub(super) fn in_characters(e: &Evidence<'_>) -> Option<Sign> {
    let (e, frame) = subject(e)?;
    if !matches!(frame.header.opcode, Opcode::Text | Opcode::Continuation) || frame.header.length > 0xffff {
        return None;
    }
    let characters = frame.header.length;
    // At most four bytes each.
    let mut text = e.read(frame.payload(), 4 * characters + 4).to_vec();
    if let Some(key) = frame.header.mask {
        framewise_simd::unmask(&mut text, key, 0);
    }
    let valid = match std::str::from_utf8(&text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).ok()?,
    };
    // Code points, or the units of UTF-16 that JavaScript, Java and C# count.
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
                "the length is {characters}; {characters} characters from byte {} on are {bytes} bytes, and there the next frame begins, or the stream ends",
                frame.payload()
            );
            return e.own_fault(Cause::LengthInCharacters, evidence);
        }
    }
    None
}

fn torn<'a>(e: &Evidence<'a>) -> Option<(Evidence<'a>, &'a FrameSeen, Nested)> {
    let (e, frame) = subject(e)?;
    // A frame inside a control frame's 125 bytes is possible, but no known one was.
    let nested = (*e.notes.nested.get_or_init(|| nested::nested(&e, frame)))?;
    Some((e, frame, nested))
}

/// A whole frame inside the payload of another, which goes on after it.
pub(super) fn interleaved_writers(e: &Evidence<'_>) -> Option<Sign> {
    let (e, frame, nested) = torn(e)?;
    let evidence = match nested {
        Nested::GoesOn { at, header, size } => format!(
            "{} bytes into the payload of frame {}, at byte {at}, stands a whole {} frame of {size} bytes, and the payload goes on for {size} bytes behind its announced end",
            at - frame.payload(),
            frame.number,
            header.opcode
        ),
        Nested::Open { at, header } => format!(
            "{} bytes into the payload of frame {}, at byte {at}, stands the header of a {} frame of {} bytes",
            at - frame.payload(),
            frame.number,
            header.opcode,
            header.length
        ),
        Nested::Ends { .. } => return None,
    };
    e.own_fault(Cause::InterleavedWriters, evidence)
}

/// The frame after a cut one is the same frame again: an incomplete write was done over, from its beginning.
pub(super) fn restarted_write(e: &Evidence<'_>) -> Option<Sign> {
    let (e, frame, nested) = torn(e)?;
    let Nested::Ends { at, header } = nested else { return None };
    let length = at - frame.offset;
    let first = e.read(frame.offset, length);
    if first.len() < 3 || e.read(at, length) != first {
        return None;
    }
    let evidence = format!(
        "frame {} breaks off after {} of its {} bytes, and at byte {at} the same frame of {} bytes begins again",
        frame.number,
        at - frame.payload(),
        frame.header.length,
        header.length
    );
    e.own_fault(Cause::PartialWrite, evidence)
}

fn cut_short(e: &Evidence<'_>, cause: Cause, most: u64) -> Option<Sign> {
    let (e, frame, nested) = torn(e)?;
    let (at, header) = match nested {
        Nested::Ends { at, header } => (at, header),
        // A recording that stops there leaves it open whether the payload would have gone on.
        Nested::Open { at, header } if cause == Cause::PartialWrite => (at, header),
        Nested::Open { .. } | Nested::GoesOn { .. } => return None,
    };
    let length = at - frame.payload();
    if frame.header.length - length > most {
        return None;
    }
    let evidence = format!(
        "frame {} announces {} bytes, and after {length} of them, at byte {at}, a {} frame begins; the rest never comes",
        frame.number, frame.header.length, header.opcode
    );
    e.own_fault(cause, evidence)
}

/// The next frame starts a little earlier than the length says: the length was counted wrong.
pub(super) fn too_long(e: &Evidence<'_>) -> Option<Sign> {
    cut_short(e, Cause::LengthTooLong, 4)
}

/// A frame cut short and the next one following, the first never going on.
pub(super) fn partial_write(e: &Evidence<'_>) -> Option<Sign> {
    cut_short(e, Cause::PartialWrite, u64::MAX)
}

/// The same, by a wrong length.
pub(super) fn much_too_long(e: &Evidence<'_>) -> Option<Sign> {
    cut_short(e, Cause::LengthTooLong, u64::MAX)
}

/// The frame that goes on behind its length, and where the next one begins or the stream ends.
fn spilled<'a>(e: &Evidence<'a>) -> Option<(&'a FrameSeen, u64)> {
    let frame =
        if e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]) { e.frame()? } else { e.before()? };
    if !e.at_header() || frame.header.opcode.is_control() || frame.header.length > 0xffff {
        return None;
    }
    // A frame that is right but for its mask is a frame.
    if e.is(&[Rule::MaskMissing, Rule::MaskPresent]) && e.finding.also.is_empty() {
        return None;
    }
    let end = frame.end();
    // What stands where the frame says that it ends must not be a frame, not even one that breaks a rule.
    if end == e.finding.offset && e.whole(end) {
        return None;
    }
    if e.left(end) == 0 || e.header(end).is_some() || frame.end() > e.own().window.end() {
        return None;
    }
    Some((frame, *e.notes.boundary.get_or_init(|| nested::boundary(e, end + 1))))
}

/// A negative or truncated length.
pub(super) fn sign_or_overflow(e: &Evidence<'_>) -> Option<Sign> {
    if e.is(&[Rule::LengthTopBit]) {
        let header = own_header(e)?;
        let evidence = format!(
            "the length {} is {} as a signed number",
            hex(&header.length.to_be_bytes()),
            header.length.cast_signed()
        );
        return e.own_fault(Cause::LengthSignOrOverflow, evidence);
    }
    if let Some(sign) = in_32_bits(e) {
        return Some(sign);
    }
    let (frame, boundary) = spilled(e)?;
    let real = boundary - frame.payload();
    let announced = frame.header.length;
    let lost = match frame.header.form {
        // Who writes 64 bits has a length that needs them.
        LengthForm::SixtyFour => "more than 65,535 bytes were meant, and the upper bytes are gone".to_owned(),
        _ if real > 255 && real % 256 == announced => {
            format!("{real} bytes follow, and {announced} is what is left of {real} in eight bits")
        }
        _ if real > 0xffff && real % 0x1_0000 == announced => {
            format!("{real} bytes follow, and {announced} is what is left of {real} in sixteen bits")
        }
        _ => return None,
    };
    let evidence = format!(
        "frame {} announces {announced} bytes in its {} form; {lost}",
        frame.number,
        form(frame.header.form)
    );
    e.own_fault(Cause::LengthSignOrOverflow, evidence)
}

/// 32 bits behind 127: the lower half of what is read as the length are the bytes that follow it.
fn in_32_bits(e: &Evidence<'_>) -> Option<Sign> {
    /// No message is longer than 256 MiB, and read as 64 bits any that is written so is 544 GB and more.
    const LONGEST: u64 = 1 << 28;
    let (e, offset, header) = announced(e)?;
    let length = header.length >> 32;
    if header.form != LengthForm::SixtyFour || !(126..=LONGEST).contains(&length) {
        return None;
    }
    let payload = offset + 6 + if header.mask.is_some() { 4 } else { 0 };
    // Where the recording goes on that far, something has to begin there.
    if payload + length <= e.own().window.end() && !e.fits(payload + length) {
        return None;
    }
    let evidence = format!(
        "the eight bytes of the length, {}, are {}; the first four of them are {length}, and the others are the beginning of what follows",
        hex(&header.length.to_be_bytes()),
        header.length
    );
    e.own_fault(Cause::LengthSignOrOverflow, evidence)
}

const fn form(form: LengthForm) -> &'static str {
    match form {
        LengthForm::Seven => "short",
        LengthForm::Sixteen => "16-bit",
        LengthForm::SixtyFour => "64-bit",
    }
}

/// The next frame starts later than the length says.
pub(super) fn too_short(e: &Evidence<'_>) -> Option<Sign> {
    let (frame, boundary) = spilled(e)?;
    let payload = e.payload(frame);
    let wire = e.read(frame.end(), boundary - frame.end());
    // The payload goes on under the key that it began with, and in phase.
    let mut behind = wire.to_vec();
    if let Some(key) = frame.header.mask {
        framewise_simd::unmask(&mut behind, key, (frame.header.length & 3) as usize);
    }
    let unmasked = behind != wire && reads_as_text(&behind, 8) && !reads_as_text(wire, 8);
    let own = e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]);
    // What cannot be read is payload only where frames go on behind it.
    let resumes = boundary < e.own().window.end();
    if !own && !unmasked && !goes_on(&payload, wire, frame.header.mask.is_some(), resumes) {
        return None;
    }
    let evidence = format!(
        "frame {} announces {} bytes; what stands behind them, {}{}, is no header but goes on with the payload for {} bytes",
        frame.number,
        frame.header.length,
        if unmasked { "unmasked with the same key " } else { "" },
        quote(if unmasked { &behind[..behind.len().min(16)] } else { &wire[..wire.len().min(16)] }),
        wire.len()
    );
    e.own_fault(Cause::LengthTooShort, evidence)
}

/// Whether what follows a payload belongs to it: brackets that are open, one byte over and over, a character cut, or
/// bytes that are no text behind bytes that are none.
fn goes_on(payload: &[u8], behind: &[u8], masked: bool, resumes: bool) -> bool {
    // Under a mask what follows cannot be read.
    if masked || payload.is_empty() || behind.is_empty() {
        return masked && resumes && !reads_as_text(behind, 1);
    }
    if std::str::from_utf8(payload).is_err_and(|error| error.error_len().is_none())
        && matches!(behind[0], 0x80..=0xbf)
    {
        return true;
    }
    let same = payload.iter().chain(&behind[..behind.len().min(16)]).all(|&byte| byte == payload[0]);
    let text = (reads_as_text(payload, 1), reads_as_text(behind, 1));
    match text {
        (true, true) => same || open_brackets(payload) > 0,
        (false, false) => resumes || same,
        _ => same,
    }
}

/// Brackets of a JSON text that are not closed.
fn open_brackets(payload: &[u8]) -> i32 {
    if !matches!(payload.first(), Some(b'{' | b'[')) {
        return 0;
    }
    payload.iter().fold(0, |open, byte| match byte {
        b'{' | b'[' => open + 1,
        b'}' | b']' => open - 1,
        _ => open,
    })
}

/// Short lengths in a long form, and what they announce is there.
pub(super) fn always_long(e: &Evidence<'_>) -> Option<Sign> {
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
        "{} bytes in the {} form, and {} frame(s) like it; the frame ends where it says",
        frame.header.length,
        form(frame.header.form),
        long.count()
    );
    e.own_fault(Cause::LengthAlwaysLong, evidence)
}

/// Bytes that are compared with an earlier frame's.
const STALE: u64 = 32;

/// Bytes of an earlier buffer after the frame.
pub(super) fn stale_bytes(e: &Evidence<'_>) -> Option<Sign> {
    let frame = e.at_header().then(|| e.before()).flatten()?;
    if frame.end() != e.finding.offset {
        return None;
    }
    let size = frame.end() - frame.offset;
    let start = e.read(e.finding.offset, STALE);
    // A buffer that held a longer frame before, sent as long as that one was.
    let earlier = e.frames()?.log.frames.iter().rev().filter(|earlier| earlier.offset < frame.offset);
    for earlier in earlier.take(64) {
        let left = e.read(
            (earlier.offset + size).min(earlier.end()),
            (earlier.end() - earlier.offset).saturating_sub(size).min(STALE),
        );
        let same = left.iter().zip(start).take_while(|(left, right)| left == right).count();
        if same >= 3 && same == left.len().min(start.len()) {
            let evidence = format!(
                "{} behind frame {} are the bytes that frame {} had at that place",
                quote(&start[..same]),
                frame.number,
                earlier.number
            );
            return e.own_fault(Cause::StaleBytes, evidence);
        }
    }
    None
}
