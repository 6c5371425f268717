//! Causes around lengths and writes: where a frame really ends, and what was written into it.

mod form;
mod nested;

use framewise_proto::Header;
use framewise_proto::frame::LengthForm;
use framewise_rules::{Cause, Rule};

use super::evidence::{Evidence, quote, reads_as_text};
use super::notes::Nested;
use super::sign::Sign;
use crate::finding::hex;
use crate::frames::FrameSeen;
pub(super) use form::{always_long, boundary_off_by_one, byte_order, in_characters, in_one_byte};
use form::{form, in_32_bits};

/// The frame whose length is in doubt: the finding's own if its content or end is at fault, the previous one if a
/// header is, or the frame that the other side was waiting for when it gave up.
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

/// The header of the finding's own frame, if a length is at fault.
fn own_header(e: &Evidence<'_>) -> Option<Header> {
    e.at_header().then(|| Header::decode_without_mask(e.start()))?
}

fn torn<'a>(e: &Evidence<'a>) -> Option<(Evidence<'a>, &'a FrameSeen, Nested)> {
    let (e, frame) = subject(e)?;
    // A frame within a control frame's 125 bytes is possible, but was never seen.
    let nested = (*e.notes.nested.get_or_init(|| nested::nested(&e, frame)))?;
    Some((e, frame, nested))
}

/// A complete frame within the payload of another, which continues after it.
pub(super) fn interleaved_writers(e: &Evidence<'_>) -> Option<Sign> {
    let (e, frame, nested) = torn(e)?;
    let evidence = match nested {
        Nested::GoesOn { at, header, size } => format!(
            "a complete {} frame of {size} bytes begins {} bytes into the payload of frame {}, at byte {at}, and the payload continues for {size} bytes after its announced end",
            header.opcode,
            at - frame.payload(),
            frame.number
        ),
        Nested::Open { at, header } => format!(
            "the header of a {} frame of {} bytes is {} bytes into the payload of frame {}, at byte {at}",
            header.opcode,
            header.length,
            at - frame.payload(),
            frame.number
        ),
        Nested::Ends { .. } => return None,
    };
    e.own_fault(Cause::InterleavedWriters, evidence)
}

/// After an incomplete frame, the same frame again: the write was repeated from its beginning.
pub(super) fn restarted_write(e: &Evidence<'_>) -> Option<Sign> {
    let (e, frame, nested) = torn(e)?;
    let Nested::Ends { at, header } = nested else { return None };
    let length = at - frame.offset;
    let first = e.read(frame.offset, length);
    if first.len() < 3 || e.read(at, length) != first {
        return None;
    }
    let evidence = format!(
        "frame {} stops after {} of its {} bytes, and at byte {at} the same frame of {} bytes begins again",
        frame.number,
        at - frame.payload(),
        frame.header.length,
        header.length
    );
    e.own_fault(Cause::PartialWrite, evidence)
}

fn cut_short(e: &Evidence<'_>, cause: Cause, most: u64) -> Option<Sign> {
    // A 32-bit length read as 64 bits is not an incomplete payload.
    if in_32_bits(e).is_some() {
        return None;
    }
    let (e, frame, nested) = torn(e)?;
    let (at, header) = match nested {
        Nested::Ends { at, header } => (at, header),
        // If the recording stops there, it is unknown whether the payload continues.
        Nested::Open { at, header } if cause == Cause::PartialWrite => (at, header),
        Nested::Open { .. } | Nested::GoesOn { .. } => return None,
    };
    let length = at - frame.payload();
    if frame.header.length - length > most {
        return None;
    }
    let evidence = format!(
        "frame {} announces {} bytes, but after {length} of them, at byte {at}, a {} frame begins; the rest is never sent",
        frame.number, frame.header.length, header.opcode
    );
    e.own_fault(cause, evidence)
}

/// The next frame starts a little earlier than the length says: the length was counted wrong.
pub(super) fn too_long(e: &Evidence<'_>) -> Option<Sign> {
    cut_short(e, Cause::LengthTooLong, 4)
}

/// A frame is incomplete, and the next one follows.
pub(super) fn partial_write(e: &Evidence<'_>) -> Option<Sign> {
    cut_short(e, Cause::PartialWrite, u64::MAX)
}

/// As [`partial_write`], because of a wrong length.
pub(super) fn much_too_long(e: &Evidence<'_>) -> Option<Sign> {
    cut_short(e, Cause::LengthTooLong, u64::MAX)
}

/// The frame that continues after its length, and the offset of the next frame or of the stream's end.
fn spilled<'a>(e: &Evidence<'a>) -> Option<(&'a FrameSeen, u64)> {
    let frame =
        if e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]) { e.frame()? } else { e.before()? };
    if !e.at_header() || frame.header.opcode.is_control() || frame.header.length > 0xffff {
        return None;
    }
    // If only the mask is wrong, it is a frame.
    if e.is(&[Rule::MaskMissing, Rule::MaskPresent]) && e.finding.also.is_empty() {
        return None;
    }
    let end = frame.end();
    // There must be no frame where this one ends by its length, not even an invalid one.
    if end == e.finding.offset && e.whole(end) {
        return None;
    }
    if e.left(end) == 0 || e.header(end).is_some() {
        return None;
    }
    Some((frame, *e.notes.boundary.get_or_init(|| nested::boundary(e, end + 1))))
}

/// A negative or truncated length.
pub(super) fn sign_or_overflow(e: &Evidence<'_>) -> Option<Sign> {
    if e.is(&[Rule::LengthTopBit]) {
        let header = own_header(e)?;
        let evidence = format!(
            "the length {} is {} as a signed integer",
            hex(&header.length.to_be_bytes()),
            header.length.cast_signed()
        );
        return e.own_fault(Cause::LengthSignOrOverflow, evidence);
    }
    if let Some(sign) = in_32_bits(e) {
        return Some(sign);
    }
    let (frame, boundary) = spilled(e)?;
    // More than what is announced: a boundary is after the frame's end.
    let real = boundary - frame.payload();
    let announced = frame.header.length;
    let lost = match frame.header.form {
        // A 64-bit length is used only if the length needs it.
        LengthForm::SixtyFour => {
            "a 64-bit length is meant for more than 65,535 bytes, so its upper bytes were lost".to_owned()
        }
        _ if real % 256 == announced => {
            format!("{real} bytes follow, and {real} truncated to eight bits is {announced}")
        }
        _ if real % 0x1_0000 == announced => {
            format!("{real} bytes follow, and {real} truncated to sixteen bits is {announced}")
        }
        _ => return None,
    };
    let evidence = format!(
        "frame {} announces {announced} bytes in the {} form; {lost}",
        frame.number,
        form(frame.header.form)
    );
    e.own_fault(Cause::LengthSignOrOverflow, evidence)
}

/// The next frame starts later than the length says.
pub(super) fn too_short(e: &Evidence<'_>) -> Option<Sign> {
    let (frame, boundary) = spilled(e)?;
    let payload = e.payload(frame);
    let wire = e.read(frame.end(), boundary - frame.end());
    // The payload continues with the same key, in phase.
    let mut behind = wire.to_vec();
    if let Some(key) = frame.header.mask {
        framewise_simd::unmask(&mut behind, key, (frame.header.length & 3) as usize);
    }
    let unmasked = behind != wire && reads_as_text(&behind, 8) && !reads_as_text(wire, 8);
    let own = e.is(&[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]);
    // Unreadable bytes are payload only if frames follow them.
    let resumes = boundary < e.own().window.end();
    if !own && !unmasked && !goes_on(&payload, wire, frame.header.mask.is_some(), resumes) {
        return None;
    }
    let evidence = format!(
        "frame {} announces {} bytes; the bytes after them, {}{}, are not a header but continue the payload for {} bytes",
        frame.number,
        frame.header.length,
        if unmasked { "unmasked with the same key " } else { "" },
        quote(if unmasked { &behind[..behind.len().min(16)] } else { &wire[..wire.len().min(16)] }),
        wire.len()
    );
    e.own_fault(Cause::LengthTooShort, evidence)
}

/// Whether the bytes after a payload belong to it: open brackets, one byte repeated, a split character, or binary bytes
/// after binary bytes.
fn goes_on(payload: &[u8], behind: &[u8], masked: bool, resumes: bool) -> bool {
    // Masked bytes cannot be read.
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

/// The number of brackets of a JSON text that are not closed.
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

/// How many bytes are compared with an earlier frame.
const STALE: u64 = 32;

/// Bytes of an earlier buffer after the frame.
pub(super) fn stale_bytes(e: &Evidence<'_>) -> Option<Sign> {
    let frame = e.at_header().then(|| e.before()).flatten()?;
    if frame.end() != e.finding.offset {
        return None;
    }
    let size = frame.end() - frame.offset;
    let start = e.read(e.finding.offset, STALE);
    // The buffer held a longer frame before, and was sent with that length.
    let earlier = e.frames()?.log.frames.iter().rev().filter(|earlier| earlier.offset < frame.offset);
    for earlier in earlier.take(64) {
        let left = e.read(
            (earlier.offset + size).min(earlier.end()),
            (earlier.end() - earlier.offset).saturating_sub(size).min(STALE),
        );
        let same = left.iter().zip(start).take_while(|(left, right)| left == right).count();
        if same >= 3 && same == left.len().min(start.len()) {
            let evidence = format!(
                "the bytes {} after frame {} are those of frame {} at the same position",
                quote(&start[..same]),
                frame.number,
                earlier.number
            );
            return e.own_fault(Cause::StaleBytes, evidence);
        }
    }
    None
}
