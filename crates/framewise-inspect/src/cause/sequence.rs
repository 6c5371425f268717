//! Causes in the order of frames, and in control frames.

use framewise_proto::Opcode;
use framewise_rules::{Cause, Rule};

use super::evidence::Evidence;
use super::sign::Sign;
use crate::frames::FrameSeen;

/// Headers of a response of the hixie drafts.
const HIXIE: &[&str] =
    &["sec-websocket-location", "sec-websocket-origin", "websocket-location", "websocket-origin"];

/// Frames or headers of a hixie or early hybi draft.
pub(super) fn draft_protocol(e: &Evidence<'_>) -> Option<Sign> {
    if e.breaks(Rule::RequestLegacyDraft) {
        let request = e.request()?;
        let evidence = match request.header("sec-websocket-version") {
            Some(version) => format!("Sec-WebSocket-Version: {version}"),
            None => "Sec-WebSocket-Key1 and -Key2, the headers of hixie-76".to_owned(),
        };
        // A server that answers in the words of a draft older than the client's.
        let older = e.response().and_then(|response| {
            HIXIE.iter().find(|name| !request.is_hixie() && response.header(name).is_some())
        });
        if let Some(name) = older {
            let evidence =
                format!("{evidence}; the response contains {name}, a header of the older hixie drafts");
            return e.peer_fault(Cause::DraftProtocol, evidence);
        }
        return e.own_fault(Cause::DraftProtocol, evidence);
    }
    // The answer of a draft's server has its own headers.
    if e.is(&[Rule::ResponseAcceptMissing, Rule::ResponseAcceptWrong]) {
        let response = e.response()?;
        let name = HIXIE.iter().find(|name| response.header(name).is_some())?;
        return e.own_fault(
            Cause::DraftProtocol,
            format!("the response contains {name}, a header of the hixie drafts"),
        );
    }
    // hixie: 00, text, FF.
    let start = e.start();
    if e.at_header()
        && start.first() == Some(&0)
        && start
            .iter()
            .take(4096)
            .position(|&byte| byte == 0xff)
            .is_some_and(|end| super::evidence::reads_as_text(&start[1..end], 1))
    {
        return e
            .own_fault(Cause::DraftProtocol, "the text between 00 and FF is a frame of the hixie drafts");
    }
    None
}

/// A control frame that is complete by itself, without FIN.
pub(super) fn fin_omitted(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::ControlFragmented]) {
        return None;
    }
    let header = framewise_proto::Header::decode(e.start())?;
    // A length of 2^64-1 would overflow.
    let end = (e.finding.offset + header.size() as u64).saturating_add(header.length);
    if header.length > 125 || !e.fits(end) {
        return None;
    }
    let evidence = format!(
        "the {} frame of {} bytes is complete, but FIN is not set; a valid frame, or the end, follows",
        header.opcode, header.length
    );
    e.own_fault(Cause::FinOmitted, evidence)
}

/// A reason or payload passed on without checking its length.
pub(super) fn control_payload_unbounded(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::ControlTooLong]) {
        return None;
    }
    let header = framewise_proto::Header::decode_without_mask(e.start())?;
    if header.length > 0xffff {
        return None;
    }
    let evidence = format!(
        "the {} frame has {} bytes of payload; at most 125 are allowed",
        header.opcode, header.length
    );
    e.own_fault(Cause::ControlPayloadUnbounded, evidence)
}

/// The data frames before the finding's, the last first.
fn data_before<'a>(e: &Evidence<'a>) -> Vec<&'a FrameSeen> {
    let Some(frames) = e.frames() else { return Vec::new() };
    frames
        .log
        .frames
        .iter()
        .rev()
        .filter(|frame| frame.offset < e.finding.offset && !frame.header.opcode.is_control())
        .take(64)
        .collect()
}

/// The fragments of two messages mixed: continuations follow after one of them ended.
pub(super) fn fragments_from_two_messages(e: &Evidence<'_>) -> Option<Sign> {
    let before = data_before(e);
    let last = before.first()?;
    let continues = |frame: &FrameSeen| frame.header.opcode == Opcode::Continuation;
    let evidence = match e.finding.rule? {
        // A fragmented message ended, and another fragment follows.
        Rule::ContinuationOrphan if last.header.opcode == Opcode::Continuation && last.header.fin => {
            format!(
                "a fragmented message ended with frame {}, and frame {} is one more fragment",
                last.number, e.finding.frame?
            )
        }
        Rule::DataInterleaved => {
            let log = &e.frames()?.log;
            let mut behind = log.frames.iter().filter(|frame| frame.offset >= e.finding.offset);
            if !behind.any(continues) && !before.iter().any(|frame| continues(frame)) {
                return None;
            }
            format!(
                "frame {} begins a message before the open one ended, and continuation frames are in use",
                e.finding.frame?
            )
        }
        _ => return None,
    };
    e.own_fault(Cause::FragmentsFromTwoMessages, evidence)
}

/// FIN or the opcode set as if each fragment were a message.
pub(super) fn continuation_flag_misused(e: &Evidence<'_>) -> Option<Sign> {
    let before = data_before(e);
    let last = before.first()?;
    let evidence = match e.finding.rule? {
        Rule::ContinuationOrphan => format!(
            "frame {} ended its message with FIN, but frame {} continues it",
            last.number, e.finding.frame?
        ),
        Rule::DataInterleaved => {
            format!(
                "FIN is not set in frame {}, but frame {} has its own opcode instead of being a continuation",
                last.number, e.finding.frame?
            )
        }
        _ => return None,
    };
    e.own_fault(Cause::ContinuationFlagMisused, evidence)
}

/// The same bytes may come from two writers that fragment their messages.
pub(super) fn fragments_perhaps_from_two_messages(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::DataInterleaved]) {
        return None;
    }
    let evidence = format!("frame {} begins a message before the open one ended", e.finding.frame?);
    e.own_fault(Cause::FragmentsFromTwoMessages, evidence)
}
