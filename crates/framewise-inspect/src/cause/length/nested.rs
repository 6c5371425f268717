//! Finds a frame within the payload of another.

use framewise_proto::{Header, Opcode};
use framewise_rules::{Role, Rule};

use crate::cause::evidence::{Evidence, Wanted};
use crate::cause::notes::Nested;
use crate::frames::FrameSeen;

/// How much payload is searched.
const SEARCHED: usize = 64 * 1024;
/// How many possible headers are tried: twice as many as occur by chance in that much payload.
const CANDIDATES: usize = 4096;
/// In binary payloads of at least this many bytes, frames are found by chance.
const NOISE: usize = 256;
/// How many frames in a row may be nested.
const CHAIN: usize = 8;

/// Looks for a frame within the payload of `outer` whose end, or whose end and the payload's end, is a boundary.
pub(super) fn nested(e: &Evidence<'_>, outer: &FrameSeen) -> Option<Nested> {
    let payload = outer.payload();
    let there = e.read(payload, outer.header.length.min(SEARCHED as u64));
    let text = outer.header.opcode == Opcode::Text && !outer.header.rsv1;
    let noise = there.len() > NOISE && !text;
    // If the finding's frame is complete apart from its fault, nothing is nested before it.
    let doubtful = noise || (e.finding.offset == outer.end() && e.whole(outer.end()));
    let mut ends = None;
    // A frame that begins a message, or a control frame: 00, 02 and 80 are too common for anything else.
    let begins = |byte: &u8| matches!(byte, 0x81 | 0x82 | 0x88..=0x8a | 0xc1 | 0xc2 | 0x01);
    let candidates = there.iter().enumerate().filter(|(_, byte)| begins(byte)).take(CANDIDATES);
    for (index, _) in candidates.take_while(|_| !e.work.is_short()) {
        let at = payload + index as u64;
        let Some(header) = e.header(at) else { continue };
        if doubtful && !stands_out(e, at, &header) {
            continue;
        }
        // Check the frame's end first; its content is read only then.
        let size = resumes(e, outer, at, &header);
        if size.is_none() && (ends.is_some() || !to_the_end(e, at)) || !tells(e, at, &header) {
            continue;
        }
        match size {
            Some(size) => return Some(Nested::GoesOn { at, header, size }),
            None => ends = Some(Nested::Ends { at, header }),
        }
    }
    ends.or_else(|| open(e, outer))
}

/// The size of the frames from `at` on, if the rest of the payload and then a boundary follow.
fn resumes(e: &Evidence<'_>, outer: &FrameSeen, at: u64, first: &Header) -> Option<u64> {
    let end = e.own().window.end();
    let mut boundary = at;
    let mut next = Some(*first);
    for _ in 0..CHAIN {
        let header = next?;
        boundary = (boundary + header.size() as u64).saturating_add(header.length);
        let size = boundary - at;
        let outer_end = outer.end().saturating_add(size);
        if outer_end <= end && e.fits(outer_end) {
            return Some(size);
        }
        next = e.header(boundary);
    }
    None
}

/// Whether a header in a long binary payload is more than chance: its frame is a readable text.
fn stands_out(e: &Evidence<'_>, at: u64, header: &Header) -> bool {
    header.opcode == Opcode::Text && header.length >= 8 && e.reads(at, Wanted::Text).is_text(8)
}

/// Whether complete frames follow from `at` to the end of the stream, or several in a row.
fn to_the_end(e: &Evidence<'_>, mut at: u64) -> bool {
    let end = e.own().window.end();
    for _ in 0..CHAIN {
        let Some(header) = e.header(at) else { return false };
        at = (at + header.size() as u64).saturating_add(header.length);
        if at >= end {
            return at == end;
        }
    }
    true
}

/// Whether a header is more than two bytes that look like one: it has a payload, which is readable if it is a text.
fn tells(e: &Evidence<'_>, at: u64, header: &Header) -> bool {
    let there = e.left(at + header.size() as u64).min(header.length);
    match header.opcode {
        Opcode::Text if !header.rsv1 => there > 0 && e.reads(at, Wanted::Utf8).is_utf8(),
        Opcode::Ping | Opcode::Pong => true,
        Opcode::Close => there != 1,
        _ => there > 0,
    }
}

/// In a text: the first invalid byte begins a text or control frame whose payload, as far as recorded, reads as text.
fn open(e: &Evidence<'_>, outer: &FrameSeen) -> Option<Nested> {
    if !e.is(&[Rule::TextInvalidUtf8]) || e.stream != Role::Server {
        return None;
    }
    let at = e.finding.offset;
    let header = e.header(at)?;
    let end = (at + header.size() as u64).saturating_add(header.length);
    let believed =
        matches!(header.opcode, Opcode::Text | Opcode::Ping | Opcode::Pong | Opcode::Close) && header.fin;
    if !believed
        || header.length == 0
        || header.length > 0x10_0000
        || end <= e.own().window.end()
        || at < outer.payload()
    {
        return None;
    }
    e.reads(at, Wanted::Text).is_text(1).then_some(Nested::Open { at, header })
}

/// The offset from which complete frames continue to the end of the stream, at or after `from`; otherwise that end.
pub(super) fn boundary(e: &Evidence<'_>, from: u64) -> u64 {
    let end = e.own().window.end();
    (from..end.min(from + SEARCHED as u64))
        .take_while(|_| !e.work.is_short())
        .find(|&at| to_the_end(e, at) && e.header(at).is_some_and(|header| tells(e, at, &header)))
        .unwrap_or(end)
}
