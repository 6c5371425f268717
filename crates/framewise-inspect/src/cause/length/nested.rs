//! A frame inside the payload of another one.

use framewise_proto::{Header, Opcode};
use framewise_rules::{Role, Rule};

use crate::cause::evidence::{Evidence, reads_as_text};
use crate::frames::FrameSeen;

/// Payload that is searched.
const SEARCHED: usize = 64 * 1024;
/// From so many bytes of payload on that are no text, a frame is found in them by chance.
const NOISE: usize = 256;
/// Frames in a row that may have got between.
const CHAIN: usize = 8;

/// What was found inside a payload.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nested {
    /// One frame or more, whole, and behind them the rest of the payload, to the end that its length says.
    GoesOn { at: u64, header: Header, size: u64 },
    /// One frame or more, whole, to the end of the stream: the payload does not go on.
    Ends { at: u64, header: Header },
    /// A header whose frame the recording does not hold to its end.
    Open { at: u64, header: Header },
}

/// Looks for a frame inside the payload of `outer`: one whose end, or whose end and the payload's, falls on a boundary.
pub(super) fn nested(e: &Evidence<'_>, outer: &FrameSeen) -> Option<Nested> {
    let end = e.own().window.end();
    let payload = outer.payload();
    let there = e.raw(outer);
    let text = outer.header.opcode == Opcode::Text && !outer.header.rsv1;
    let noise = there.len() > NOISE && !text;
    // A frame that is whole but for its fault explains itself: nothing got between the one before and its end.
    let doubtful = noise || (e.finding.offset == outer.end() && e.whole(outer.end()));
    let mut ends = None;
    for (index, &first) in there.iter().take(SEARCHED).enumerate() {
        // A frame that begins a message, or a control frame: 00, 02 and 80 are too common for anything else.
        if !matches!(first, 0x81 | 0x82 | 0x88..=0x8a | 0xc1 | 0xc2 | 0x01) {
            continue;
        }
        let at = payload + index as u64;
        let Some(header) = e.header(at).filter(|header| tells(e, at, header)) else { continue };
        if doubtful && !stands_out(e, at, &header) {
            continue;
        }
        let mut boundary = at;
        let mut next = Some(header);
        for _ in 0..CHAIN {
            let Some(header) = next else { break };
            boundary = (boundary + header.size() as u64).saturating_add(header.length);
            if boundary > end {
                break;
            }
            let size = boundary - at;
            let outer_end = payload.saturating_add(outer.header.length).saturating_add(size);
            // All of it is there: then the rest of the payload is what follows, and a boundary behind that.
            if outer_end <= end && boundary < outer_end && e.fits(outer_end) {
                return Some(Nested::GoesOn { at, header, size });
            }
            next = e.header(boundary);
        }
        if ends.is_none() && to_the_end(e, at) {
            ends = Some(Nested::Ends { at, header });
        }
    }
    ends.or_else(|| open(e, outer))
}

/// Whether a header is more than chance has in a long payload of any bytes: a text that reads as one.
fn stands_out(e: &Evidence<'_>, at: u64, header: &Header) -> bool {
    header.opcode == Opcode::Text && header.length >= 8 && reads_as_text(&plain(e, at, header), 8)
}

/// Whether whole frames lead from `at` to the end of the stream, or several of them on.
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

/// Whether a header is more than two bytes that look like one: it announces a payload, and of a text it reads as text.
fn tells(e: &Evidence<'_>, at: u64, header: &Header) -> bool {
    let payload = plain(e, at, header);
    match header.opcode {
        Opcode::Text if !header.rsv1 => !payload.is_empty() && std::str::from_utf8(&payload).is_ok(),
        Opcode::Ping | Opcode::Pong => true,
        Opcode::Close => payload.is_empty() || payload.len() > 1,
        _ => !payload.is_empty(),
    }
}

fn plain(e: &Evidence<'_>, at: u64, header: &Header) -> Vec<u8> {
    let bytes = e.bytes(at);
    let Some(header) = Header::decode(bytes).filter(|full| full.size() == header.size()) else {
        return Vec::new();
    };
    let end = usize::try_from(header.length)
        .map_or(bytes.len(), |length| (header.size() + length).min(bytes.len()));
    let mut payload = bytes[header.size()..end].to_vec();
    if let Some(key) = header.mask {
        framewise_simd::unmask(&mut payload, key, 0);
    }
    payload
}

/// In a text, the first byte that is none is the header of a text or control frame whose payload, as far as the recording
/// goes, reads as text.
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
    reads_as_text(&plain(e, at, &header), 1).then_some(Nested::Open { at, header })
}

/// Where frames begin again, at `from` or behind it: whole ones to the end of the stream, or that end.
pub(super) fn boundary(e: &Evidence<'_>, from: u64) -> u64 {
    let end = e.own().window.end();
    (from..end.min(from + SEARCHED as u64))
        .find(|&at| to_the_end(e, at) && e.header(at).is_some_and(|header| tells(e, at, &header)))
        .unwrap_or(end)
}
