//! Causes around permessage-deflate.

use std::collections::BTreeSet;

use framewise_proto::extension::PERMESSAGE_DEFLATE;
use framewise_rules::{Cause, Role, Rule};

use super::evidence::{Evidence, quote, reads_as_text};
use super::sign::Sign;
use super::stream::compressed_format;
use crate::compare;
use crate::finding::hex;
use crate::frames::FrameSeen;
use crate::inflate::TAIL;
use crate::leg::Leg;

fn offers(leg: &Leg) -> Option<bool> {
    let request = leg.request.as_ref()?;
    Some(request.request.extensions.iter().any(|extension| extension.name == PERMESSAGE_DEFLATE))
}

fn answers(leg: &Leg) -> Option<bool> {
    if let Some(opened) = &leg.opened {
        return Some(opened.contains(PERMESSAGE_DEFLATE));
    }
    let response = leg.response.as_ref().filter(|response| response.response.status == 101)?;
    Some(response.response.extensions.iter().any(|extension| extension.name == PERMESSAGE_DEFLATE))
}

/// The answer, or the offer, is on another leg and not on this one.
pub(super) fn header_stripped(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::Rsv1Unnegotiated, Rule::ResponseExtensionUnoffered]) {
        return None;
    }
    // An offer goes from the client to the server, an answer back: what a later leg carries alone was added.
    let (what, from, has): (_, _, fn(&Leg) -> Option<bool>) = if e.is(&[Rule::Rsv1Unnegotiated]) {
        ("answer", Role::Server, answers)
    } else {
        ("offer", Role::Client, offers)
    };
    let other = compare::sources(e.legs, e.leg, from).find(|other| has(other) == Some(true))?;
    let evidence = format!(
        "the {what} of {PERMESSAGE_DEFLATE} is on the leg {} and missing on the leg {}",
        other.name, e.leg.name
    );
    e.path_fault(Cause::ExtensionHeaderStripped, evidence)
}

/// One leg carries an agreement that the other lacks, or both do and one end fails at the first compressed frame.
pub(super) fn header_added(e: &Evidence<'_>) -> Option<Sign> {
    let refused = e.finding.rule.is_none();
    if !(refused || e.is(&[Rule::Rsv1Unnegotiated, Rule::CloseMissing, Rule::ConnectionReset])) {
        return None;
    }
    let own = answers(e.leg)?;
    let differs = e.other_legs().find(|other| answers(other).is_some_and(|answer| answer != own));
    if let Some(other) = differs {
        let (with, without) = if own { (e.leg, other) } else { (other, e.leg) };
        let evidence = format!(
            "the leg {} agreed {PERMESSAGE_DEFLATE}, the leg {} did not: an intermediary added the header, or forwarded it, and does not compress",
            with.name, without.name
        );
        return e.path_fault(Cause::ExtensionHeaderAdded, evidence);
    }
    // The same agreement on all legs, passed through by an intermediary that does not compress: the last frame before
    // the failing side gave up is compressed.
    let other = e.other_legs().find(|other| answers(other) == Some(true))?;
    let compressed = [Role::Client, Role::Server].into_iter().find_map(|role| {
        let last = other.dir(role).frames.as_ref()?.log.last_data()?;
        let passed = e.leg.dir(role).frames.as_ref().is_some_and(|frames| frames.log.last_data().is_some());
        (last.header.rsv1 && !passed).then_some(last)
    })?;
    let evidence = format!(
        "both legs agreed {PERMESSAGE_DEFLATE}, but the intermediary never forwarded the first compressed frame, at byte {} of the leg {}",
        compressed.offset, other.name
    );
    e.path_fault(Cause::ExtensionHeaderAdded, evidence)
}

/// The answer contains what was not offered: it was written by hand, or the offer was removed on the way.
pub(super) fn answer_unoffered(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::ResponseExtensionUnoffered]) {
        return None;
    }
    let offered: BTreeSet<_> = e.request()?.request.extensions.iter().map(|offer| &offer.name).collect();
    let answers = &e.response()?.response.extensions;
    let name = &answers.iter().find(|answer| !offered.contains(&answer.name))?.name;
    e.own_fault(
        Cause::ExtensionHeaderAdded,
        format!("the response contains {name}, which the request does not offer"),
    )
}

/// The compressed payload of the finding's frame, from its header on.
fn payload(e: &Evidence<'_>) -> Option<Vec<u8>> {
    let frame = e.frame()?;
    let compressed = e.is(&[Rule::Rsv1Unnegotiated, Rule::Rsv1OnControl, Rule::Rsv1OnContinuation])
        || (e.in_frame() && !e.at_header() && frame.header.rsv1);
    compressed.then(|| e.payload(frame))
}

/// The rules that a payload breaks if it is not raw DEFLATE: by itself, or by what it happens to inflate to.
const MEANT_OTHERWISE: &[Rule] = &[
    Rule::Rsv1Unnegotiated,
    Rule::DeflateDataInvalid,
    Rule::DeflateContextMismatch,
    Rule::DeflateWindowViolated,
    Rule::TextInvalidUtf8,
];

/// A header of zlib or gzip inside the compressed payload.
pub(super) fn wrapped(e: &Evidence<'_>) -> Option<Sign> {
    let payload = payload(e).filter(|_| e.is(MEANT_OTHERWISE))?;
    let format = compressed_format(&payload).filter(|format| *format != "zstd")?;
    let evidence =
        format!("the payload begins with {}, the header of {format}", hex(&payload[..payload.len().min(4)]));
    e.own_fault(Cause::DeflateWrapped, evidence)
}

/// 00 00 FF FF left at the end of the payload.
pub(super) fn tail_kept(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::DeflateDataInvalid]) {
        return None;
    }
    let number = e.frame()?.number;
    let mut last = e
        .frames()?
        .log
        .frames
        .iter()
        .rev()
        .filter(|frame| frame.number <= number && frame.header.fin && !frame.header.opcode.is_control());
    let kept: &FrameSeen = last.by_ref().take(2).find(|frame| ends_with_tail(e, frame))?;
    let evidence =
        format!("the payload of frame {} ends with 00 00 ff ff, which the sender must remove", kept.number);
    e.own_fault(Cause::DeflateTailKept, evidence)
}

fn ends_with_tail(e: &Evidence<'_>, frame: &FrameSeen) -> bool {
    let Some(start) = frame.header.length.checked_sub(TAIL.len() as u64) else { return false };
    let mut tail = e.read(frame.payload().saturating_add(start), TAIL.len() as u64).to_vec();
    if let Some(key) = frame.header.mask {
        framewise_simd::unmask(&mut tail, key, (start & 3) as usize);
    }
    tail == TAIL
}

/// RSV1 on continuations, each inflating by itself.
pub(super) fn per_fragment(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::Rsv1OnContinuation]) {
        return None;
    }
    let frame = e.frame()?;
    let first = e
        .frames()?
        .log
        .frames
        .iter()
        .rev()
        .find(|other| other.number < frame.number && !other.header.opcode.is_control())?;
    let (this, before) = (e.inflate(&e.payload(frame)), e.inflate(&e.payload(first)));
    let evidence = match (this, before) {
        (Some(_), Some(_)) => {
            format!("frames {} and {} inflate separately", first.number, frame.number)
        }
        (Some(_), None) => format!("frame {} inflates separately", frame.number),
        // RSV1 on each fragment is enough; the fragment may need history to inflate.
        (None, _) if first.header.rsv1 => {
            format!("frames {} and {} of one message both have RSV1", first.number, frame.number)
        }
        (None, _) => return None,
    };
    e.own_fault(Cause::CompressedPerFragment, evidence)
}

/// RSV1 frames that inflate, and no agreement on this leg.
pub(super) fn without_agreement(e: &Evidence<'_>) -> Option<Sign> {
    let frame = e.frame()?;
    let payload = payload(e).filter(|_| e.is(&[Rule::Rsv1Unnegotiated]))?;
    let plain = e.inflate(&payload).filter(|_| !frame.header.opcode.is_control())?;
    // Short payloads inflate by chance; so does some plain text.
    if payload.len() < 3 || reads_as_text(&payload, 1) {
        return None;
    }
    let evidence = format!(
        "the payload inflates to {}, but the response on this leg does not contain {PERMESSAGE_DEFLATE}{}",
        quote(&plain),
        if offers(e.leg) == Some(true) { ", which was offered" } else { "" }
    );
    e.own_fault(Cause::CompressedWithoutAgreement, evidence)
}

/// A distance beyond the history that the agreement, or the start of the connection, allows.
pub(super) fn context_lost(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::DeflateContextMismatch]) || not_compressed(e).is_some() {
        return None;
    }
    let evidence = format!("{}: the sender uses history that was not agreed", parenthesis(&e.finding.says));
    e.own_fault(Cause::DeflateContextLost, evidence)
}

/// A distance larger than the agreed window.
pub(super) fn window_too_large(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::DeflateWindowViolated]) || not_compressed(e).is_some() {
        return None;
    }
    e.own_fault(Cause::DeflateWindowTooLarge, parenthesis(&e.finding.says))
}

/// The numbers in the finding's sentence.
fn parenthesis(says: &str) -> String {
    let inside = says.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')'));
    inside.map_or(says, |(inside, _)| inside).to_owned()
}

/// RSV1 on a payload that was never deflated.
pub(super) fn not_compressed(e: &Evidence<'_>) -> Option<Sign> {
    let payload = payload(e).filter(|_| e.is(MEANT_OTHERWISE))?;
    let frame = e.frame()?;
    if frame.header.opcode.bits() > 2 || !reads_as_text(&payload, 2) {
        return None;
    }
    let evidence = format!("RSV1 is set, but the payload is plain text: {}", quote(&payload));
    e.own_fault(Cause::DeflateNotCompressed, evidence)
}

/// The offer sent back word for word as the answer.
pub(super) fn parameters_echoed(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[
        Rule::DeflateResponseInvalid,
        Rule::ResponseExtensionSyntax,
        Rule::ResponseExtensionUnoffered,
        Rule::DeflateWindowExceeds,
    ]) {
        return None;
    }
    let squeeze = |value: &str| value.split_whitespace().collect::<String>().to_ascii_lowercase();
    let answer = e.response()?.headers("sec-websocket-extensions").next()?;
    let squeezed = squeeze(answer);
    let offer = e
        .request()?
        .headers("sec-websocket-extensions")
        .find(|offer| squeeze(offer) == squeezed || offer.split(',').any(|part| squeeze(part) == squeezed))?;
    e.own_fault(
        Cause::DeflateParametersEchoed,
        format!("the response repeats the offer: {}", quote(offer.as_bytes())),
    )
}

/// The answer leaves out a parameter of the offer that binds the server.
pub(super) fn parameter_ignored(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::DeflateWindowExceeds, Rule::DeflateTakeoverIgnored]) {
        return None;
    }
    let answer = e.response()?.headers("sec-websocket-extensions").next().unwrap_or_default();
    let offer = e.request()?.headers("sec-websocket-extensions").next()?;
    let left_out = ["server_max_window_bits", "server_no_context_takeover"]
        .into_iter()
        .find(|parameter| offer.contains(parameter) && !answer.contains(parameter));
    let evidence = match left_out {
        Some(parameter) => {
            format!(
                "the offer requires {parameter}, but the response {} does not contain it",
                quote(answer.as_bytes())
            )
        }
        None => {
            format!("the response {} exceeds the offer {}", quote(answer.as_bytes()), quote(offer.as_bytes()))
        }
    };
    e.own_fault(Cause::DeflateParameterIgnored, evidence)
}
