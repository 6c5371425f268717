//! Causes in a receiver that does not accept legal bytes.

use std::fmt::Write as _;

use framewise_proto::Opcode;
use framewise_proto::frame::LengthForm;
use framewise_rules::{Cause, Role, Rule};

use super::idle::silence;
use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::frames::{FrameSeen, Frames};

/// A kind of message that the receiver refuses.
pub(crate) fn message_type_unsupported(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::UnsupportedData]) {
        return None;
    }
    let kind = e.frame().map_or(Opcode::Binary, |frame| frame.header.opcode);
    let answer =
        e.peer().frames.as_ref().and_then(|frames| frames.close.as_ref()).and_then(|close| close.code);
    let evidence = match answer {
        Some(code) => format!("the answer to a {kind} message is a Close {code}"),
        None => format!("the message is {kind}"),
    };
    e.peer_fault(Cause::MessageTypeUnsupported, evidence)
}

/// Every byte is legal, and the peer fails or drops the connection.
pub(crate) fn receiver_rejects(e: &Evidence<'_>) -> Option<Sign> {
    let refused = e.finding.rule.is_none() && e.finding.answer.is_none() && e.finding.close.is_some();
    let inferred =
        e.is(&[Rule::UnsupportedData, Rule::MessageTooBig, Rule::FrameTooBig, Rule::ExtensionRequired]);
    if inferred {
        return None;
    }
    let sender = e.stream.peer();
    let dir = e.leg.dir(sender);
    let features = new_features(e);
    // A reader that expects a frame in one read waits forever for the rest of a Close.
    let ignored = e.is(&[Rule::CloseUnanswered]) && features.contains(&IN_PIECES);
    if !refused && !ignored {
        // A side that drops the connection right after a feature that not every receiver supports, and that was not
        // used before.
        let dropped = e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) && !dir.broken;
        let at_once = silence(e.leg, e.stream).is_none_or(|silence| silence.as_secs() < 5);
        let last_is_theirs = dir.last.map(|last| last.step) > e.own().last.map(|last| last.step);
        if !(dropped && at_once && last_is_theirs && !features.is_empty()) {
            return None;
        }
    }
    let what = match e.finding.close {
        Some(code) => format!("answers with {code}"),
        None if ignored => "never answers its Close".to_owned(),
        None => "drops the connection".to_owned(),
    };
    let mut evidence = format!("every byte of the {sender} is legal, but the {} {what}", e.stream);
    if !features.is_empty() {
        let _ = write!(evidence, "; new just before that: {}", features.join(", "));
    }
    e.own_fault(Cause::ReceiverRejectsLegalFrame, evidence)
}

/// Features that some receivers do not support, and that were not used before: in the last message, or since the
/// receiver's last bytes.
fn new_features(e: &Evidence<'_>) -> Vec<&'static str> {
    /// How many frames are read after a long silence of the receiver.
    const BURST: usize = 8;
    let Some(frames) = &e.peer().frames else { return Vec::new() };
    // What came after the end, or after the Close that refuses, is not a reason for it.
    let ended = match e.finding.close {
        Some(_) => e.own().frames.as_ref().and_then(|own| own.close.as_ref()).map(|close| close.at.step),
        None => e.own().end.map(|(_, end)| end.step),
    };
    let log: Vec<Arrived<'_>> =
        arrived(frames).filter(|arrived| ended.is_none_or(|ended| arrived.frame.at.step <= ended)).collect();
    let Some(last) = log.len().checked_sub(1) else { return Vec::new() };
    // Each feature is checked in each frame.
    if !e.work.take((log.len() * FEATURES.len()) as u64) {
        return Vec::new();
    }
    let begins = |arrived: &Arrived<'_>| matches!(arrived.frame.header.opcode, Opcode::Text | Opcode::Binary);
    // A control frame after a complete message is checked alone.
    let message = if log[last].frame.header.opcode.is_control() && !log[last].inside {
        last
    } else {
        log.iter().rposition(begins).unwrap_or(last)
    };
    let heard = e.own().frames.as_ref().and_then(|own| {
        let frames = own.log.frames.iter();
        frames.rev().find(|frame| frame.header.opcode != Opcode::Close).map(|frame| frame.at.step)
    });
    let since = log.iter().position(|arrived| Some(arrived.frame.at.step) > heard).unwrap_or(last);
    let new = |start: usize| -> Vec<_> {
        let has = |has: &Feature| log[start..].iter().any(|arrived| has(e, arrived));
        let had = |has: &Feature| log[..start].iter().any(|arrived| has(e, arrived));
        FEATURES.iter().filter(|(_, feature)| has(feature) && !had(feature)).map(|(name, _)| *name).collect()
    };
    let features = new(message);
    if features.is_empty() { new(since.max(log.len().saturating_sub(BURST))) } else { features }
}

/// A frame in the context of the frames before it.
struct Arrived<'f> {
    frame: &'f FrameSeen,
    before: Option<&'f FrameSeen>,
    /// It is between the fragments of a message.
    inside: bool,
}

fn arrived(frames: &Frames) -> impl Iterator<Item = Arrived<'_>> {
    let (mut before, mut open) = (None, false);
    frames.log.frames.iter().map(move |frame| {
        let arrived = Arrived { frame, before: before.replace(frame), inside: open };
        if !frame.header.opcode.is_control() {
            open = !frame.header.fin;
        }
        arrived
    })
}

/// Whether a short compressed message needs the history of the ones before it (RFC 7692 §7.1.1, context takeover).
fn refers_back(e: &Evidence<'_>, frame: &FrameSeen) -> bool {
    /// Longer ones are not inflated for this.
    const SHORT: u64 = 1024;
    let header = frame.header;
    if !(header.rsv1 && header.fin && header.length <= SHORT && frame.end() <= e.peer().window.end()) {
        return false;
    }
    let mut payload = e.look_at(e.peer().window.read(frame.payload(), header.length)).to_vec();
    if let Some(key) = header.mask {
        framewise_simd::unmask(&mut payload, key, 0);
    }
    !payload.is_empty() && e.inflate(&payload).is_none()
}

const IN_PIECES: &str = "a frame in several segments";

type Feature = fn(&Evidence<'_>, &Arrived<'_>) -> bool;

/// Features that some receivers do not support, and whether a frame has them.
const FEATURES: &[(&str, Feature)] = &[
    ("a fragmented message", |_, arrived| {
        let header = arrived.frame.header;
        header.opcode == Opcode::Continuation || (!header.opcode.is_control() && !header.fin)
    }),
    ("a control frame between the fragments of a message", |_, arrived| {
        arrived.frame.header.opcode.is_control() && arrived.inside
    }),
    ("a compressed message, as was agreed", |_, arrived| arrived.frame.header.rsv1),
    ("a compressed message that refers back to an earlier one, as was agreed", |e, arrived| {
        refers_back(e, arrived.frame)
    }),
    ("a message without RSV1 although compression was agreed", |e, arrived| {
        let header = arrived.frame.header;
        let begins = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        begins && !header.rsv1 && e.peer().frames.as_ref().is_some_and(Frames::deflate)
    }),
    ("an empty frame", |_, arrived| {
        arrived.frame.header.length == 0 && !arrived.frame.header.opcode.is_control()
    }),
    ("a length in a longer form", |_, arrived| arrived.frame.header.form != LengthForm::Seven),
    ("a Close frame", |_, arrived| arrived.frame.header.opcode == Opcode::Close),
    (IN_PIECES, |_, arrived| arrived.frame.split),
    ("several frames in one segment", |_, arrived| {
        arrived.before.is_some_and(|before| before.at.step == arrived.frame.at.step)
    }),
    ("a frame in one segment with the head", |e, arrived| {
        e.stream == Role::Client
            && e.response().is_some_and(|response| {
                arrived.frame.offset == response.end() && arrived.frame.at.step == response.at.step
            })
    }),
    ("a control frame", |_, arrived| {
        arrived.frame.header.opcode.is_control() && arrived.frame.header.opcode != Opcode::Close
    }),
    ("text beyond ASCII", |_, arrived| {
        let frame = arrived.frame;
        frame.header.opcode == Opcode::Text && !frame.preview.is_ascii() && !frame.header.rsv1
    }),
];
