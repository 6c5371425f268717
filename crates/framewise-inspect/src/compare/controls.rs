//! Compares the control frames of two legs.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::Role;

use super::{Difference, Kind};
use crate::finding::hex;
use crate::frames::FrameSeen;
use crate::leg::Leg;

/// How many bytes of a control frame are quoted.
const SHOWN: usize = 16;

/// A control frame of `from` that `sink` carries with another payload than `source`.
///
/// An intermediary may answer Pings itself and send its own. Then each leg is right by itself: only a Ping or a Pong that
/// shows as missing on a leg was changed.
pub(super) fn compare(legs: &[Leg], from: Role, source: usize, sink: usize) -> Option<Difference> {
    let (one, other) = (&legs[source], &legs[sink]);
    let (sent, came) = (all(one, from)?, all(other, from)?);
    let alike = sent.len() >= came.len()
        && sent.iter().zip(&came).all(|(sent, came)| sent.header.opcode == came.header.opcode);
    let (sent, came) = sent.into_iter().zip(came).filter(|_| alike).find(|(sent, came)| {
        sent.preview != came.preview
            && sent.at.step <= came.at.step
            && match sent.header.opcode {
                Opcode::Close => !same_close(&sent.preview, &came.preview),
                // The Ping that was sent has no Pong on the leg where it was sent.
                Opcode::Ping => one.dir(from).pings.is_open(&sent.preview) && at_once(sent, came),
                // The Ping that the Pong answers has none on the leg where it arrives.
                Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary | Opcode::Reserved(_) => {
                    other.dir(from.peer()).pings.is_open(&sent.preview)
                }
            }
    })?;
    let says = format!(
        "the {from}'s {} is {} on the leg {}, and {} on the leg {}",
        sent.header.opcode,
        whole(one, from, sent),
        one.name,
        whole(other, from, came),
        other.name
    );
    Some(Difference {
        kind: Kind::Altered,
        says,
        leg: sink,
        from,
        offset: came.offset,
        length: came.header.size() as u64 + came.header.length,
        message: came.message,
    })
}

/// Whether a frame was passed on, and not sent later for another reason.
fn at_once(sent: &FrameSeen, came: &FrameSeen) -> bool {
    const SOON: Duration = Duration::from_secs(1);
    sent.at.time.zip(came.at.time).is_none_or(|(sent, came)| came.saturating_sub(sent) < SOON)
}

/// Whether two Close frames mean the same: none says no code, and 1000 says no more (RFC 6455 §7.4.1).
fn same_close(one: &[u8], other: &[u8]) -> bool {
    let plain = |payload: &[u8]| payload.is_empty() || payload == [0x03, 0xe8];
    plain(one) && plain(other)
}

/// The complete control frames of a side, if all of its frames are kept.
pub(crate) fn all(leg: &Leg, from: Role) -> Option<Vec<&FrameSeen>> {
    let dir = leg.dir(from);
    let frames = &dir.frames.as_ref()?.log.frames;
    let all = !dir.gaps && frames.front().is_none_or(|first| first.number == 1);
    let control = |frame: &&FrameSeen| {
        matches!(frame.header.opcode, Opcode::Ping | Opcode::Pong | Opcode::Close)
            && frame.end() <= dir.window.end()
    };
    all.then(|| frames.iter().filter(control).collect())
}

/// The bytes of a control frame, unmasked: its header's first two bytes without MASK, and its payload.
pub(crate) fn whole(leg: &Leg, from: Role, frame: &FrameSeen) -> String {
    let mut bytes = leg.dir(from).window.read(frame.offset, 2).to_vec();
    if let Some(second) = bytes.get_mut(1) {
        *second &= 0x7f;
    }
    bytes.extend_from_slice(&frame.preview);
    hex(&bytes[..bytes.len().min(SHOWN)])
}
