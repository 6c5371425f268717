//! A receiver that does not take what is legal.

use std::fmt::Write as _;

use framewise_proto::Opcode;
use framewise_proto::frame::LengthForm;
use framewise_rules::{Cause, Role, Rule};

use super::idle::silence;
use crate::cause::Sign;
use crate::cause::evidence::Evidence;
use crate::leg::Direction;

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
    // A side that drops the connection as soon as something came that not every receiver takes.
    let sender = e.stream.peer();
    let dir = e.leg.dir(sender);
    let features = features(
        dir,
        e.leg.response.as_ref().map(crate::handshake::ResponseSeen::end).filter(|_| sender == Role::Server),
    );
    if !refused {
        let dropped = e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) && !dir.broken;
        let at_once = silence(e.leg, e.stream).is_none_or(|silence| silence.as_secs() < 5);
        let last_is_theirs = dir.last.map(|last| last.step) > e.own().last.map(|last| last.step);
        // One that took frames for long takes them: it ended for another reason.
        let young = dir.frames.as_ref().is_some_and(|frames| frames.frames() <= 16);
        if !(dropped && at_once && last_is_theirs && young && !features.is_empty()) {
            return None;
        }
    }
    let mut evidence = match (refused, e.finding.close) {
        (true, Some(code)) => {
            format!("everything of the {sender} is legal, and the {} answers with {code}", e.stream)
        }
        _ => format!("everything of the {sender} is legal, and the {} drops the connection", e.stream),
    };
    if !features.is_empty() {
        let _ = write!(evidence, "; the last that came: {}", features.join(", "));
    }
    e.own_fault(Cause::ReceiverRejectsLegalFrame, evidence)
}

/// What about the last frames of a direction some receivers cannot take.
fn features(dir: &Direction, head_end: Option<u64>) -> Vec<String> {
    let Some(frames) = &dir.frames else { return Vec::new() };
    let mut features = Vec::new();
    let mut add = |feature: &str| {
        if !features.iter().any(|known| known == feature) {
            features.push(feature.to_owned());
        }
    };
    let recent: Vec<_> = frames.log.frames.iter().rev().take(8).collect();
    let Some(last) = recent.first() else { return features };
    if recent.iter().any(|frame| frame.header.opcode == Opcode::Continuation) || !last.header.fin {
        add("a fragmented message");
    }
    let inside = |number: u64| {
        recent
            .iter()
            .find(|frame| frame.number < number && !frame.header.opcode.is_control())
            .is_some_and(|frame| !frame.header.fin)
    };
    if recent.iter().any(|frame| frame.header.opcode.is_control() && inside(frame.number)) {
        add("a control frame between the fragments of a message");
    }
    if recent.iter().any(|frame| frame.header.rsv1) {
        add("a compressed message, as was agreed");
    } else if frames.deflate() && recent.iter().any(|frame| !frame.header.opcode.is_control()) {
        add("a message without RSV1 although compression was agreed");
    }
    if recent.iter().any(|frame| frame.header.length == 0 && !frame.header.opcode.is_control()) {
        add("an empty frame");
    }
    if recent.iter().any(|frame| frame.header.form != LengthForm::Seven) {
        add("a length in a longer form");
    }
    if last.header.opcode == Opcode::Close {
        add("a Close frame");
    }
    if frames.log.split {
        add("a frame in several segments");
    }
    if frames.log.joined {
        add("several frames in one segment");
    }
    if head_end.is_some_and(|end| recent.iter().any(|frame| frame.offset == end)) && frames.log.with_head {
        add("a frame in one segment with the head");
    }
    if recent.iter().any(|frame| frame.header.opcode.is_control() && frame.header.opcode != Opcode::Close) {
        add("a control frame");
    }
    let text = recent
        .iter()
        .any(|frame| frame.header.opcode == Opcode::Text && !frame.preview.is_ascii() && !frame.header.rsv1);
    if text {
        add("text beyond ASCII");
    }
    features
}
