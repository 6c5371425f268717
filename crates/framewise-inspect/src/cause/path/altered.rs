//! Bytes that another leg carries otherwise: lost, added or changed on the way.

use framewise_rules::{Cause, Role, Rule};

use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::compare::{self, controls};
use crate::finding::hex;
use crate::leg::Leg;

/// How many bytes around the fault are compared.
const COMPARED: u64 = 64;
/// How many bytes may be lost or added in one place.
const SHIFT: usize = 16;
/// How many equal bytes make a place the same.
const EQUAL: usize = 6;
/// How many bytes of each leg are quoted.
const SHOWN: usize = 8;

/// A frame breaks a rule on this leg, and the leg before it carries other bytes there.
pub(in crate::cause) fn stream_altered(e: &Evidence<'_>) -> Option<Sign> {
    if !(e.in_frame() || e.is(&[Rule::PayloadTruncated, Rule::HeaderTruncated])) {
        return None;
    }
    let before = compare::source(e.legs, e.leg, e.stream)?;
    let (own, sent) = (e.own(), before.dir(e.stream));
    let (base, sent_base) = (own.frames.as_ref()?.base, sent.frames.as_ref()?.base);
    if sent.gaps || own.gaps || sent.broken {
        return None;
    }
    // The frame of the finding begins where that of the leg before begins, if all bytes until then were passed on.
    let start = e.frame().map_or(e.finding.offset, |frame| frame.offset.min(e.finding.offset));
    let at = start.checked_sub(base)?;
    let (came, went) = (own.window.read(start, COMPARED), sent.window.read(sent_base + at, COMPARED));
    if !e.work.take(COMPARED * 4) || !same_until(e, before, at) {
        return None;
    }
    let same = came.iter().zip(went).take_while(|(came, went)| came == went).count();
    let (came, went) = (&came[same..], &went[same..]);
    let what = difference(came, went)?;
    let evidence = format!(
        "at byte {} the leg {} carries {} and the leg {} carries {}: {what}",
        start + same as u64,
        before.name,
        shown(went),
        e.leg.name,
        shown(came)
    );
    e.path_fault(Cause::BytesAlteredOnPath, evidence)
}

/// Whether both legs carry the same bytes before this distance from the first frame, as far as they are kept.
fn same_until(e: &Evidence<'_>, before: &Leg, at: u64) -> bool {
    let (own, sent) = (e.own(), before.dir(e.stream));
    let (Some(base), Some(sent_base)) =
        (own.frames.as_ref().map(|frames| frames.base), sent.frames.as_ref().map(|frames| frames.base))
    else {
        return false;
    };
    let length = at.min(COMPARED);
    let from = at - length;
    own.window.read(base + from, length) == sent.window.read(sent_base + from, length)
}

/// What happened to the bytes that were sent, in words; `None` if the rest is not alike, so that nothing is known.
fn difference(came: &[u8], went: &[u8]) -> Option<String> {
    let alike = |one: &[u8], other: &[u8]| {
        let length = one.len().min(other.len());
        // The end of what was recorded is as good as many equal bytes.
        (length >= EQUAL.min(one.len().max(other.len())) && length > 0) && one[..length] == other[..length]
    };
    for shift in 1..=SHIFT {
        if went.len() > shift && alike(came, &went[shift..]) {
            return Some(format!("{} {} lost", shown(&went[..shift]), if shift == 1 { "is" } else { "are" }));
        }
        if came.len() > shift && alike(&came[shift..], went) {
            return Some(format!(
                "{} {} added",
                shown(&came[..shift]),
                if shift == 1 { "is" } else { "are" }
            ));
        }
        if came.len() > shift && went.len() > shift && alike(&came[shift..], &went[shift..]) {
            return Some(format!("{} became {}", shown(&went[..shift]), shown(&came[..shift])));
        }
    }
    None
}

/// The first bytes in hexadecimal.
fn shown(bytes: &[u8]) -> String {
    let more = if bytes.len() > SHOWN { " …" } else { "" };
    format!("{}{more}", hex(&bytes[..bytes.len().min(SHOWN)]))
}

/// A control frame that one leg carries with another payload than the next: whoever gives up over it is not at fault.
pub(in crate::cause) fn control_altered(e: &Evidence<'_>) -> Option<Sign> {
    let end = e.is(&[
        Rule::PingUnanswered,
        Rule::PongMismatched,
        Rule::CloseMissing,
        Rule::CloseUnanswered,
        Rule::CloseCodeNotEchoed,
        Rule::ConnectionReset,
    ]);
    let refused = e.finding.rule.is_none() && e.finding.close.is_some() && e.finding.answer.is_none();
    if e.legs.len() < 2 || !(end || refused) {
        return None;
    }
    [Role::Client, Role::Server].into_iter().find_map(|from| {
        e.legs.iter().find_map(|sink| {
            let source = compare::source(e.legs, sink, from)?;
            let (sent, came) = (controls::all(source, from)?, controls::all(sink, from)?);
            if !e.work.take((sent.len() + came.len()) as u64) {
                return None;
            }
            // An intermediary that answers Pings itself sends its own: then the frames do not match one by one.
            let alike = sent.len() >= came.len()
                && sent.iter().zip(&came).all(|(sent, came)| sent.header.opcode == came.header.opcode);
            let (sent, came) = sent
                .into_iter()
                .zip(came)
                .filter(|_| alike)
                .find(|(sent, came)| sent.preview != came.preview && sent.at.step <= came.at.step)?;
            let evidence = format!(
                "the {from}'s {} is {} on the leg {}, and {} on the leg {}",
                sent.header.opcode,
                controls::whole(source, from, sent),
                source.name,
                controls::whole(sink, from, came),
                sink.name
            );
            e.path_fault(Cause::BytesAlteredOnPath, evidence)
        })
    })
}
