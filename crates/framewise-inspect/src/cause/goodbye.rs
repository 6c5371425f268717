//! The end of a conversation by the subprotocol's own words, before TCP ends without a Close.

use std::time::Duration;

use framewise_rules::{Cause, Role, Rule};

use super::evidence::{Evidence, quote};
use super::sign::Sign;
use crate::frames::FrameSeen;
use crate::leg::Leg;

/// The end comes at most this long after the goodbye; later, something else is the reason.
const SOON: Duration = Duration::from_secs(10);

/// The connection ends without a Close, and the last message of one side said goodbye.
pub(super) fn said(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) {
        return None;
    }
    let (_, end) = e.own().end?;
    let mut words: Vec<_> =
        [Role::Client, Role::Server].into_iter().filter_map(|role| goodbye(e, role)).collect();
    words.retain(|(_, _, frame)| {
        let after = end.time.zip(frame.at.time).map(|(end, said)| end.saturating_sub(said));
        frame.at.step <= end.step && after.is_none_or(|after| after <= SOON)
    });
    let (role, what, _) = words.into_iter().max_by_key(|(_, _, frame)| frame.at.step)?;
    let evidence =
        format!("the end follows the {role}'s {what}; the {} ended TCP without a Close frame", e.stream);
    e.own_fault(Cause::ClosedByApplication, evidence)
}

/// The goodbye in the last message of a side, and its frame.
fn goodbye<'a>(e: &Evidence<'a>, role: Role) -> Option<(Role, String, &'a FrameSeen)> {
    let log = &e.leg.dir(role).frames.as_ref()?.log;
    let mut data =
        log.frames.iter().rev().filter(|frame| !frame.header.opcode.is_control() && !frame.header.rsv1);
    let last = data.next()?;
    if !e.work.take(256) {
        return None;
    }
    let before = data.next();
    let what = mqtt(e.leg, last, before).or_else(|| text(e.leg, &last.preview))?;
    Some((role, what, last))
}

fn subprotocol(leg: &Leg) -> &str {
    leg.response.as_ref().and_then(|seen| seen.response.protocol.as_deref()).unwrap_or_default()
}

/// MQTT 3.1.1 §3.14 and MQTT 5 §3.14: the packet DISCONNECT. A packet may be cut into several messages (§6 of both).
fn mqtt(leg: &Leg, last: &FrameSeen, before: Option<&FrameSeen>) -> Option<String> {
    let spoken = subprotocol(leg).to_ascii_lowercase().starts_with("mqtt");
    let whole = matches!(*last.preview, [0xe0, length, ..] if last.preview.len() == usize::from(length) + 2);
    let pieces = *last.preview == [0] && before.is_some_and(|before| *before.preview == [0xe0]);
    ((spoken && whole) || pieces || *last.preview == [0xe0, 0]).then(|| "DISCONNECT of MQTT (e0)".to_owned())
}

/// Goodbyes in text.
fn text(leg: &Leg, preview: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(preview);
    let text = text.trim_end_matches(['\0', '\n', '\r', '\u{1e}']);
    let target = leg.request.as_ref().map_or("", |seen| seen.request.target.as_str());
    let spoken = subprotocol(leg);
    let json = |start: &str| text.starts_with('{') && text.replace(' ', "").starts_with(start);
    let name =
        if text == "DISCONNECT" || text.starts_with("DISCONNECT\n") || text.starts_with("DISCONNECT\r\n") {
            "DISCONNECT of STOMP"
        } else if text.starts_with("ERROR\n") && (spoken.contains("stomp") || text.contains("\nmessage:")) {
            "ERROR of STOMP"
        } else if json("{\"type\":\"connection_terminate\"") {
            "connection_terminate of GraphQL over WebSocket"
        } else if json("{\"type\":7,") || json("{\"type\":7}") {
            "Close message of SignalR"
        } else if (text == "41" || text.starts_with("41/") || text == "1") && target.contains("EIO=") {
            "disconnect packet of Socket.IO"
        } else if spoken.starts_with("wamp.") && text.starts_with("[6,") {
            "GOODBYE of WAMP"
        } else if spoken.starts_with("wamp.") && text.starts_with("[3,") {
            "ABORT of WAMP"
        } else if spoken.starts_with("ocpp") && text.starts_with("[2,") && text.contains("\"Reset\"") {
            "Reset of OCPP"
        } else if text.contains("\"method\":\"Inspector.detached\"")
            || text.contains("\"method\":\"Browser.close\"")
        {
            "end of the session in the Chrome DevTools Protocol"
        } else {
            return None;
        };
    Some(format!("{name} ({})", quote(text.as_bytes())))
}
