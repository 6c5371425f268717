//! A receiver that does not take what is legal.

use std::fmt::Write as _;

use framewise_proto::Opcode;
use framewise_proto::frame::LengthForm;
use framewise_rules::{Cause, Role, Rule};

use super::idle::silence;
use crate::cause::Sign;
use crate::cause::evidence::Evidence;
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
        Some(code) => format!("a {kind} message, answered with a Close {code}"),
        None => format!("a {kind} message"),
    };
    e.peer_fault(Cause::MessageTypeUnsupported, evidence)
}

/// Every byte is legal, and the peer fails the connection, or drops it.
pub(crate) fn receiver_rejects(e: &Evidence<'_>) -> Option<Sign> {
    let refused = e.finding.rule.is_none() && e.finding.close.is_some();
    let inferred =
        e.is(&[Rule::UnsupportedData, Rule::MessageTooBig, Rule::FrameTooBig, Rule::ExtensionRequired]);
    if inferred {
        return None;
    }
    let sender = e.stream.peer();
    let dir = e.leg.dir(sender);
    let features = new_features(e);
    // A reader that wants a frame in one piece waits for the rest of a Close for ever.
    let ignored = e.is(&[Rule::CloseUnanswered]) && features.contains(&IN_PIECES);
    if !refused && !ignored {
        // A side that drops the connection as soon as something came that not every receiver takes, and that it had not
        // taken before.
        let dropped = e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) && !dir.broken;
        let at_once = silence(e.leg, e.stream).is_none_or(|silence| silence.as_secs() < 5);
        let last_is_theirs = dir.last.map(|last| last.step) > e.own().last.map(|last| last.step);
        if !(dropped && at_once && last_is_theirs && !features.is_empty()) {
            return None;
        }
    }
    let what = match e.finding.close {
        Some(code) if refused => format!("answers with {code}"),
        _ if ignored => "never answers its Close".to_owned(),
        _ => "drops the connection".to_owned(),
    };
    let mut evidence = format!("everything of the {sender} is legal, and the {} {what}", e.stream);
    if !features.is_empty() {
        let _ = write!(evidence, "; just before that came, for the first time: {}", features.join(", "));
    }
    e.own_fault(Cause::ReceiverRejectsLegalFrame, evidence)
}

/// What some receivers cannot take, and this one had not been sent before: of the last message, or of what came since the
/// receiver was heard.
fn new_features(e: &Evidence<'_>) -> Vec<&'static str> {
    /// Frames that are looked at where the receiver was not heard for long.
    const BURST: usize = 8;
    let Some(frames) = &e.peer().frames else { return Vec::new() };
    let log: Vec<&FrameSeen> = frames.log.frames.iter().collect();
    let Some(last) = log.len().checked_sub(1) else { return Vec::new() };
    let begins = |frame: &&FrameSeen| matches!(frame.header.opcode, Opcode::Text | Opcode::Binary);
    // A control frame behind a message that is complete stands for itself.
    let message = if log[last].header.opcode.is_control() && !inside(&log, last) {
        last
    } else {
        log.iter().rposition(begins).unwrap_or(last)
    };
    let heard = e.own().frames.as_ref().and_then(|own| {
        let frames = own.log.frames.iter();
        frames.rev().find(|frame| frame.header.opcode != Opcode::Close).map(|frame| frame.at.step)
    });
    let since = log.iter().position(|frame| Some(frame.at.step) > heard).unwrap_or(last);
    let new = |start: usize| -> Vec<_> {
        let has = |has: &Feature| (start..log.len()).any(|at| has(e, &log, at));
        let had = |has: &Feature| (0..start).any(|at| has(e, &log, at));
        FEATURES.iter().filter(|(_, feature)| has(feature) && !had(feature)).map(|(name, _)| *name).collect()
    };
    let features = new(message);
    if features.is_empty() { new(since.max(log.len().saturating_sub(BURST))) } else { features }
}

/// Whether the frame at `at` stands between the fragments of a message.
fn inside(log: &[&FrameSeen], at: usize) -> bool {
    log[..at]
        .iter()
        .rev()
        .find(|frame| !frame.header.opcode.is_control())
        .is_some_and(|frame| !frame.header.fin)
}

const IN_PIECES: &str = "a frame in several segments";

type Feature = fn(&Evidence<'_>, &[&FrameSeen], usize) -> bool;

/// What some receivers cannot take, and whether the frame at this place of its direction has it.
const FEATURES: &[(&str, Feature)] = &[
    ("a fragmented message", |_, log, at| {
        let header = log[at].header;
        header.opcode == Opcode::Continuation || (!header.opcode.is_control() && !header.fin)
    }),
    ("a control frame between the fragments of a message", |_, log, at| {
        log[at].header.opcode.is_control() && inside(log, at)
    }),
    ("a compressed message, as was agreed", |_, log, at| log[at].header.rsv1),
    ("a message without RSV1 although compression was agreed", |e, log, at| {
        let header = log[at].header;
        let begins = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        begins && !header.rsv1 && e.peer().frames.as_ref().is_some_and(Frames::deflate)
    }),
    ("an empty frame", |_, log, at| log[at].header.length == 0 && !log[at].header.opcode.is_control()),
    ("a length in a longer form", |_, log, at| log[at].header.form != LengthForm::Seven),
    ("a Close frame", |_, log, at| log[at].header.opcode == Opcode::Close),
    (IN_PIECES, |_, log, at| log[at].split),
    ("several frames in one segment", |_, log, at| at > 0 && log[at - 1].at.step == log[at].at.step),
    ("a frame in one segment with the head", |e, log, at| {
        e.stream == Role::Client
            && e.response().is_some_and(|response| {
                log[at].offset == response.end() && log[at].at.step == response.at.step
            })
    }),
    ("a control frame", |_, log, at| {
        log[at].header.opcode.is_control() && log[at].header.opcode != Opcode::Close
    }),
    ("text beyond ASCII", |_, log, at| {
        log[at].header.opcode == Opcode::Text && !log[at].preview.is_ascii() && !log[at].header.rsv1
    }),
];
