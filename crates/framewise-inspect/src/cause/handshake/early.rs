//! Frames before the end of the handshake or together with it, and connections that end right after it.

use std::time::Duration;

use framewise_rules::{Cause, Role, Rule};

use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::report::How;

/// The first frame shared a segment with the head and had no effect.
pub(in crate::cause) fn early_frames_lost(e: &Evidence<'_>) -> Option<Sign> {
    if e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) {
        return early_frames_waited_for(e);
    }
    if !e.is(&[Rule::RequestEarlyData]) {
        return None;
    }
    let request = e.request()?;
    // In one step with the head, and the peer sent nothing.
    let answered = e.peer().frames.as_ref().is_some_and(|frames| frames.frames() > 0);
    let together = e.own().last.is_some_and(|last| last.step == request.at.step);
    if answered || !together || e.response().is_none() {
        return None;
    }
    let evidence = format!(
        "{} bytes of frames arrived in one piece with the request's head, and the server did not answer them",
        e.finding.length
    );
    e.peer_fault(Cause::EarlyFramesLost, evidence)
}

/// The server's frames shared a segment with the 101, and the client ended without sending anything.
fn early_frames_waited_for(e: &Evidence<'_>) -> Option<Sign> {
    /// After a longer silence, the silence is the reason to end.
    const PATIENCE: Duration = Duration::from_secs(20);
    let response = e.response().filter(|_| e.stream == Role::Client)?;
    let silent = e.frames()?.frames() == 0;
    let log = &e.peer().frames.as_ref()?.log;
    let first = log.frames.front().filter(|first| first.offset == response.end())?;
    let together = log.frames.iter().all(|frame| frame.at.step == response.at.step && !frame.split);
    let (_, end) = e.own().end?;
    let waited = end.time.zip(response.at.time).map(|(end, came)| end.saturating_sub(came));
    if !silent || !together || waited.is_some_and(|waited| waited > PATIENCE) {
        return None;
    }
    let evidence = format!(
        "a {} frame arrived in one piece with the 101, and the client ended the connection before it sent a frame",
        first.header.opcode
    );
    e.own_fault(Cause::EarlyFramesLost, evidence)
}

/// Complete frames instead of the request.
fn frames_for_request(e: &Evidence<'_>) -> Option<Sign> {
    let end = e.own().window.end();
    let first = e.header(e.finding.offset)?;
    let mut at = e.finding.offset;
    while at < end {
        let header = e.header(at)?;
        at = (at + header.size() as u64).saturating_add(header.length);
    }
    (at == end).then(|| {
        let evidence = format!(
            "the stream begins with a complete {} frame, masked as a client's frames are, instead of a request",
            first.opcode
        );
        e.own_fault(Cause::SentBeforeUpgrade, evidence)
    })?
}

/// Frames written before the handshake is done.
pub(in crate::cause) fn sent_before_upgrade(e: &Evidence<'_>) -> Option<Sign> {
    if e.is(&[Rule::RequestNotHttp]) {
        return frames_for_request(e);
    }
    let early = match e.finding.rule? {
        Rule::RequestEarlyData | Rule::ResponseEarlyData => e.finding.length,
        // The server never answered a client that did not wait.
        Rule::ResponseMissing if e.leg.early => {
            e.leg.dir(Role::Client).window.end() - e.request()?.head.len() as u64
        }
        _ => return None,
    };
    let by = if e.is(&[Rule::ResponseEarlyData]) { Role::Server } else { Role::Client };
    let evidence = format!("the {by} sent {early} bytes of frames before the 101");
    Some(Sign { cause: Cause::SentBeforeUpgrade, fault: Some(by.into()), evidence })
}

/// 101, then the end of the connection.
pub(in crate::cause) fn upgrade_answered_then_closed(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) {
        return None;
    }
    let response = e.response().filter(|response| response.response.status == 101)?;
    let frames = |role: Role| e.leg.dir(role).frames.as_ref().map_or(0, crate::frames::Frames::frames);
    if frames(Role::Client) + frames(Role::Server) > 0 {
        return None;
    }
    let (how, end) = e.own().end?;
    let after = end.time.zip(response.at.time).map(|(end, answered)| end.saturating_sub(answered));
    if after.is_some_and(|after| after > Duration::from_secs(20)) {
        return None;
    }
    let evidence = format!(
        "after the 101 neither side sent a frame before the {} of the {}{}",
        if how == How::Reset { "reset" } else { "end" },
        e.stream,
        after.map(|after| format!(" {} ms later", after.as_millis())).unwrap_or_default()
    );
    e.own_fault(Cause::UpgradeAnsweredThenClosed, evidence)
}
