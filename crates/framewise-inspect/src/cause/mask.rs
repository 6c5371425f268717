//! Causes around masking.

use std::fmt::Write as _;

use framewise_proto::Opcode;
use framewise_rules::{Cause, CloseCode, Role, Rule};

use super::evidence::{Evidence, quote, reads_as_text};
use super::sign::Sign;
use crate::finding::hex;
use crate::frames::FrameSeen;

/// MASK is set, and the payload reads as text without unmasking.
pub(super) fn without_key_applied(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::TextInvalidUtf8, Rule::TextTruncatedUtf8, Rule::MaskPresent]) {
        return None;
    }
    let frame = e.frame()?;
    let key = frame.header.mask?;
    let raw = e.raw(frame);
    // With a zero key both readings are equal; a text that reads both ways is not evidence.
    if key == [0; 4] || !reads_as_text(raw, 3) || reads_as_text(&e.payload(frame), 3) {
        return None;
    }
    let evidence = format!(
        "unmasked with the key {} the payload is not text, but as sent it is {}",
        hex(&key),
        quote(raw)
    );
    e.own_fault(Cause::MaskedWithoutKeyApplied, evidence)
}

/// MASK is set on a control frame, and its payload means something only without unmasking: it is that of the Ping or the
/// Close that the frame answers, or a code of the RFC.
pub(super) fn control_without_key_applied(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[
        Rule::PongMismatched,
        Rule::CloseCodeNotEchoed,
        Rule::CloseCodeInvalid,
        Rule::CloseCodeReserved,
        Rule::CloseReasonInvalidUtf8,
    ]) {
        return None;
    }
    let frame = e.frame()?;
    let key = frame.header.mask.filter(|key| *key != [0; 4] && frame.header.length >= 2)?;
    let raw = e.raw(frame);
    let meaning = match frame.header.opcode {
        Opcode::Pong if e.peer().pings.is_open(raw) => "the payload of the Ping that it answers".to_owned(),
        Opcode::Close => {
            let code = CloseCode(u16::from_be_bytes(*raw.first_chunk()?));
            let asked = e.peer().frames.as_ref()?.close.as_ref().and_then(|close| close.code);
            let defined = matches!(code.0, 1000..=1003 | 1007..=1014);
            if !(asked == Some(code) || defined) || !(raw.len() == 2 || reads_as_text(&raw[2..], 1)) {
                return None;
            }
            let echo = if asked == Some(code) { ", the code of the Close that it answers" } else { "" };
            format!("the code {code}{echo}")
        }
        Opcode::Continuation
        | Opcode::Text
        | Opcode::Binary
        | Opcode::Ping
        | Opcode::Pong
        | Opcode::Reserved(_) => return None,
    };
    let evidence = format!(
        "the payload {} is {meaning}, as it was sent; unmasked with the key {} it is {}",
        hex(raw),
        hex(&key),
        hex(&e.payload(frame))
    );
    e.own_fault(Cause::MaskedWithoutKeyApplied, evidence)
}

/// A Pong carries the payload of a Ping as the client masked it: it was passed on without being unmasked.
pub(super) fn pong_not_unmasked(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::PongMismatched]) {
        return None;
    }
    let pong = e.payload(e.frame()?);
    let pings =
        e.peer().frames.as_ref()?.log.frames.iter().rev().filter(|frame| frame.header.opcode == Opcode::Ping);
    let key = pings.take(4).filter_map(|ping| ping.header.mask).find(|&key| {
        let mut unmasked = pong.clone();
        framewise_simd::unmask(&mut unmasked, key, 0);
        key != [0; 4] && e.peer().pings.is_open(&unmasked)
    })?;
    let evidence = format!(
        "unmasked with {}, the key of the Ping that it answers, the payload {} is the one of that Ping",
        hex(&key),
        hex(&pong)
    );
    e.own_fault(Cause::MaskedTwice, evidence)
}

/// Only frames without payload lack the mask.
pub(super) fn omitted_on_empty(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::MaskMissing]) {
        return None;
    }
    let log = &e.frames()?.log;
    // Requires a masked frame with a payload for comparison.
    if log.unmasked > 0 || log.unmasked_empty == 0 || log.masked == 0 {
        return None;
    }
    let evidence = format!(
        "{} without a payload {} no mask, {} with one {} masked",
        frames(log.unmasked_empty),
        if log.unmasked_empty == 1 { "has" } else { "have" },
        frames(log.masked),
        if log.masked == 1 { "is" } else { "are" },
    );
    e.own_fault(Cause::MaskOmittedOnEmpty, evidence)
}

/// No frame of the client is masked, or none of its control frames.
pub(super) fn client_does_not_mask(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::MaskMissing]) {
        return None;
    }
    let log = &e.frames()?.log;
    let unmasked = log.unmasked + log.unmasked_empty;
    if unmasked == 0 {
        return None;
    }
    if log.masked == 0 {
        return e.own_fault(
            Cause::ClientDoesNotMask,
            format!("the client sent {}, and none is masked", frames(unmasked)),
        );
    }
    // Control frames are often written by code of their own. A frame elsewhere, or one with another fault, rather
    // begins in the wrong place.
    let frame = e.frame()?;
    let is_control = |frame: &FrameSeen| frame.header.opcode.is_control();
    let (without, with): (Vec<_>, Vec<_>) = log.frames.iter().partition(|frame| frame.header.mask.is_none());
    if frame.header.length == 0
        || !e.finding.also.is_empty()
        || !e.whole(frame.offset)
        || !without.iter().all(|frame| is_control(frame))
        || with.iter().any(|frame| is_control(frame))
    {
        return None;
    }
    let evidence = format!(
        "the client masks its messages, and not its {}: another part of the client wrote it",
        frame.header.opcode
    );
    e.own_fault(Cause::ClientDoesNotMask, evidence)
}

/// The server's frames are masked.
pub(super) fn server_masks(e: &Evidence<'_>) -> Option<Sign> {
    if !(e.is(&[Rule::MaskPresent]) && e.stream == Role::Server) {
        return None;
    }
    let log = &e.frames()?.log;
    let frame = e.frame();
    // The bit may belong to a length instead.
    if log.masked == 0 || super::length::in_one_byte(e).is_some() {
        return None;
    }
    let reads = frame.map(|frame| e.payload(frame)).filter(|payload| reads_as_text(payload, 1));
    let mut evidence =
        format!("{} of the server {} masked", frames(log.masked), if log.masked == 1 { "is" } else { "are" });
    if let Some(payload) = reads {
        let _ = write!(evidence, "; unmasked, the first one is {}", quote(&payload));
    }
    e.own_fault(Cause::ServerMasks, evidence)
}

fn frames(count: u64) -> String {
    if count == 1 { "one frame".to_owned() } else { format!("{count} frames") }
}
