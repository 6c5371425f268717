//! Close payloads, and the end of the closing handshake.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::{Answer, Cause, CloseCode, Rule};

use super::evidence::{Evidence, quote, reads_as_text};
use super::sign::Sign;
use crate::finding::hex;
use crate::frames::FrameSeen;

const PAYLOAD: &[Rule] = &[
    Rule::CloseCodeInvalid,
    Rule::CloseCodeReserved,
    Rule::ClosePayloadOneByte,
    Rule::CloseReasonInvalidUtf8,
];

/// The Close frame of the finding, and its payload, unmasked.
fn payload<'a>(e: &Evidence<'a>) -> Option<(&'a FrameSeen, Vec<u8>)> {
    if !e.is(PAYLOAD) {
        return None;
    }
    let frame = e.frame()?;
    (frame.header.opcode == Opcode::Close).then(|| (frame, e.payload(frame)))
}

fn code(bytes: &[u8]) -> Option<CloseCode> {
    bytes.first_chunk().map(|&code| CloseCode(u16::from_be_bytes(code)))
}

/// The code in ASCII digits.
pub(super) fn code_as_text(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload) = payload(e)?;
    let digits: String =
        payload.iter().map(|&byte| char::from(byte)).take_while(char::is_ascii_digit).collect();
    let code: u32 = digits.parse().ok()?;
    if digits.len() != 4 || !(1000..5000).contains(&code) {
        return None;
    }
    e.own_fault(Cause::CloseCodeAsText, format!("the payload is {}: {code} in ASCII digits", quote(&payload)))
}

/// Readable text from the payload's first byte.
pub(super) fn reason_without_code(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload) = payload(e)?;
    if !e.is(&[Rule::CloseCodeInvalid, Rule::ClosePayloadOneByte]) || !reads_as_text(&payload, 1) {
        return None;
    }
    // Two bytes alone may be any number, so both must be letters or digits.
    if payload.len() < 3 && !payload.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let evidence = format!(
        "the payload is {} from its first byte: the code before the reason is missing",
        quote(&payload)
    );
    e.own_fault(Cause::CloseReasonWithoutCode, evidence)
}

/// 1005, 1006 or 1015: a local event's code passed on.
pub(super) fn code_forwarded(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload) = payload(e)?;
    let code = code(&payload).filter(|_| e.is(&[Rule::CloseCodeReserved]))?;
    let event = match code.0 {
        1005 => "libraries report a Close without a code as",
        1006 => "libraries report a lost connection as",
        1015 => "libraries report a failed TLS handshake as",
        _ => return None,
    };
    let mut evidence = format!("{event} {code}, and the {} sent it", e.stream);
    let answers = e
        .peer()
        .frames
        .as_ref()
        .and_then(|frames| frames.close.as_ref())
        .is_some_and(|close| close.code.is_none());
    if answers && code.0 == 1005 {
        evidence += "; the peer's Close has no code";
    }
    e.own_fault(Cause::CloseCodeForwarded, evidence)
}

/// The code is right when its bytes are swapped.
pub(super) fn code_byte_order(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload) = payload(e)?;
    let code = code(&payload).filter(|_| e.is(&[Rule::CloseCodeInvalid]))?;
    let swapped = CloseCode(code.0.swap_bytes());
    if !swapped.may_be_sent() {
        return None;
    }
    let evidence = format!("{} is {code}; with its bytes swapped it is {swapped}", hex(&payload[..2]));
    e.own_fault(Cause::CloseCodeByteOrder, evidence)
}

/// The code is right when unmasked once more, or once less.
pub(super) fn payload_masked_twice(e: &Evidence<'_>) -> Option<Sign> {
    let (frame, payload) = payload(e)?;
    let found = code(&payload)?;
    // A code of the RFC, or a valid code with a readable reason: one in thirty numbers is a valid code by chance.
    let right = |bytes: &[u8]| {
        code(bytes).filter(|code| {
            matches!(code.0, 1000..=1003 | 1007..=1014)
                || (code.may_be_sent() && reads_as_text(&bytes[2..], 3))
        })
    };
    let keys = frame.header.mask.into_iter().chain(
        // A payload that was echoed without unmasking it with the peer's key.
        e.peer()
            .frames
            .iter()
            .flat_map(|frames| frames.log.frames.iter().rev().take(4))
            .filter_map(|frame| frame.header.mask),
    );
    for key in keys.filter(|key| *key != [0; 4]) {
        let mut again = payload.clone();
        framewise_simd::unmask(&mut again, key, 0);
        if let Some(code) = right(&again) {
            let evidence = format!(
                "unmasked, the code is {found}; unmasked again with the key {} it is {code}",
                hex(&key)
            );
            return e.own_fault(Cause::ClosePayloadMaskedTwice, evidence);
        }
    }
    None
}

/// 0, or a code outside all ranges.
pub(super) fn code_made_up(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload) = payload(e)?;
    let code = code(&payload).filter(|_| e.is(&[Rule::CloseCodeInvalid, Rule::CloseCodeReserved]))?;
    let other = [
        code_as_text(e),
        reason_without_code(e),
        code_forwarded(e),
        code_byte_order(e),
        payload_masked_twice(e),
    ];
    if other.iter().any(Option::is_some) {
        return None;
    }
    let evidence = match code.0 {
        0..1000 => format!("{code} is below 1000, the first valid code"),
        5000.. => format!("{code} is above 4999, the last valid code"),
        _ => format!("{code} is not assigned"),
    };
    e.own_fault(Cause::CloseCodeMadeUp, evidence)
}

/// The reason ends inside a character.
pub(super) fn reason_cut(e: &Evidence<'_>) -> Option<Sign> {
    let (_, payload) = payload(e)?;
    if !e.is(&[Rule::CloseReasonInvalidUtf8]) {
        return None;
    }
    let error = std::str::from_utf8(payload.get(2..)?).err()?;
    if error.error_len().is_some() {
        return None;
    }
    let evidence = format!(
        "the reason of {} bytes ends inside a character, with {}",
        payload.len() - 2,
        hex(&payload[2 + error.valid_up_to()..])
    );
    e.own_fault(Cause::CloseReasonCut, evidence)
}

/// Two Close frames.
pub(super) fn sent_twice(e: &Evidence<'_>) -> Option<Sign> {
    // Bytes that break another rule as well are not a Close.
    if !e.is(&[Rule::FrameAfterClose]) || !e.finding.also.is_empty() {
        return None;
    }
    let second = framewise_proto::Header::decode_without_mask(e.start())?;
    if second.opcode != Opcode::Close {
        return None;
    }
    let first = e.frames()?.close.as_ref()?;
    let evidence = format!("one Close is at byte {}, another one at byte {}", first.offset, e.finding.offset);
    e.own_fault(Cause::CloseSentTwice, evidence)
}

/// The end of TCP right after a Close, without an answer.
pub(super) fn answer_skipped(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::CloseUnanswered]) {
        return None;
    }
    let close = e.peer().frames.as_ref()?.close.as_ref()?;
    let (_, end) = e.own().end?;
    let after = end.time.zip(close.at.time).map(|(end, close)| end.saturating_sub(close));
    if after.is_some_and(|after| after > Duration::from_secs(5)) {
        return None;
    }
    let evidence = match after {
        Some(after) => {
            format!("the {} ends its stream {} ms after it received the Close", e.stream, after.as_millis())
        }
        None => format!("the {} received the Close and ends its stream", e.stream),
    };
    e.own_fault(Cause::CloseAnswerSkipped, evidence)
}

/// The application's own code, in a protocol that defines it.
pub(super) fn declined(e: &Evidence<'_>) -> Option<Sign> {
    if e.finding.rule.is_some() || e.finding.answer != Some(Answer::Note) {
        return None;
    }
    let code = e.finding.close?;
    let crate::application::Refusal { protocol, means } = crate::application::refusal(e.leg, code)?;
    // The side that closes refuses what the other one asked for.
    e.peer_fault(Cause::ClosedByApplication, format!("{code} means in {protocol}: {means}"))
}
