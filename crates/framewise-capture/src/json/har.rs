//! HAR: what browsers, Playwright, mitmproxy and HTTP Toolkit export.

use std::time::Duration;

use base64::Engine as _;
use framewise_rules::Role;
use serde_json::Value;

use super::text;
use crate::builder::{Builder, Frame, head, seconds};
use crate::note::{Note, Notes};
use crate::paste::Found;
use crate::plural;
use crate::sink::Source;

const LIMIT: &str = "a HAR has messages and headers: it cannot show masks, fragments, compression, Pings, or how TCP ended, and \
                     most have no Close frames; for those, record with `framewise inspect` or tcpdump";

/// How the data of a message is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Data {
    /// Text as it is, the rest in base64: Chrome.
    ByOpcode,
    /// In base64 where `encoding` says so, of whatever kind: gori.
    Marked,
}

impl Data {
    /// How this software writes it.
    pub(super) fn of(creator: Option<&str>) -> Self {
        if creator == Some("gori") { Self::Marked } else { Self::ByOpcode }
    }
}

/// The WebSocket connections among the entries.
pub(super) fn read(har: &Value, notes: &mut Notes) -> Vec<Found> {
    let creator = har.pointer("/log/creator/name").and_then(Value::as_str);
    let data = Data::of(creator);
    let entries = har.pointer("/log/entries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let found: Vec<Found> = entries
        .iter()
        .filter(|entry| is_websocket(entry))
        .map(|entry| connection(entry, data, notes))
        .collect();
    told(creator, found.len() as u64, (entries.len() - found.len()) as u64, notes);
    found
}

/// Notes what a HAR holds.
pub(super) fn told(creator: Option<&str>, connections: u64, others: u64, notes: &mut Notes) {
    let creator = creator.unwrap_or("unknown software");
    notes.push(Note::Read(format!("a HAR of {creator}, {}", plural(connections, "WebSocket connection"))));
    if others > 0 {
        notes.push(Note::Skipped(format!(
            "{others} other {}",
            if others == 1 { "request" } else { "requests" }
        )));
    }
    notes.push(Note::Limit(LIMIT.to_owned()));
}

/// Messages, an object a line: what Playwright writes beside a HAR.
pub(super) fn messages(values: &[Value], notes: &mut Notes) -> Vec<Found> {
    let is_message = |value: &&Value| {
        value.get("opcode").is_some() && text(value, "data").is_some() && direction(value).is_some()
    };
    let messages: Vec<&Value> = values.iter().filter(is_message).collect();
    if messages.is_empty() {
        return Vec::new();
    }
    let mut builder = Builder::default();
    messages.iter().copied().for_each(|value| message(value, Data::ByOpcode, &mut builder));
    notes.push(Note::Read(format!("{} of a HAR", plural(messages.len() as u64, "message"))));
    notes.push(Note::Limit(LIMIT.to_owned()));
    vec![builder.finish(Source::Messages)]
}

pub(super) fn is_websocket(entry: &Value) -> bool {
    let url = entry.pointer("/request/url").and_then(Value::as_str).unwrap_or_default();
    let upgrade =
        |name| field(entry, name, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    entry.get("_webSocketMessages").is_some()
        || url.starts_with("ws://")
        || url.starts_with("wss://")
        || text(entry, "_resourceType") == Some("websocket")
        || upgrade("request")
        || upgrade("response")
}

fn fields<'e>(entry: &'e Value, side: &str) -> Vec<(&'e str, &'e str)> {
    let list = entry.get(side).and_then(|side| side.get("headers")).and_then(Value::as_array);
    let list = list.map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(|field| Some((text(field, "name")?, text(field, "value")?)))
        // The pseudo-headers of HTTP/2.
        .filter(|(name, _)| !name.starts_with(':'))
        .collect()
}

fn field<'e>(entry: &'e Value, side: &str, name: &str) -> Option<&'e str> {
    fields(entry, side).into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

pub(super) fn connection(entry: &Value, data: Data, notes: &mut Notes) -> Found {
    let mut builder = Builder::default();
    let version = entry
        .pointer("/request/httpVersion")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let status = entry.pointer("/response/status").and_then(Value::as_u64).unwrap_or(0);
    let request = fields(entry, "request");
    let response = fields(entry, "response");
    let has = |list: &[(&str, &str)], name: &str| list.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    // Who exports may leave out what a browser does not show to extensions: then there is no handshake to judge.
    let whole =
        has(&request, "sec-websocket-key") && (status != 101 || has(&response, "sec-websocket-accept"));
    if version.contains('2') || version.contains('3') {
        notes.push(Note::Limit("the handshake over HTTP/2 or HTTP/3 is not judged".to_owned()));
    } else if whole || (status >= 200 && !request.is_empty()) {
        let url = entry.pointer("/request/url").and_then(Value::as_str).unwrap_or_default();
        let method = entry.pointer("/request/method").and_then(Value::as_str).unwrap_or("GET");
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| rest[at..].split('#').next().unwrap_or("/"));
        builder.head(Role::Client, None, head(&format!("{method} {path} HTTP/1.1"), request.into_iter()));
        if status > 0 {
            let reason = entry.pointer("/response/statusText").and_then(Value::as_str).unwrap_or_default();
            let mut bytes = head(&format!("HTTP/1.1 {status} {reason}"), response.into_iter());
            let body =
                entry.pointer("/response/content/text").and_then(Value::as_str).filter(|_| status != 101);
            bytes.extend_from_slice(body.unwrap_or_default().as_bytes());
            builder.head(Role::Server, None, bytes);
        }
    } else {
        notes.push(Note::Limit("the HAR lacks headers of the handshake, which is not judged".to_owned()));
    }
    let messages = entry.get("_webSocketMessages").and_then(Value::as_array);
    messages.map_or(&[][..], Vec::as_slice).iter().for_each(|value| message(value, data, &mut builder));
    if let Some(close) = entry.get("_webSocketClose") {
        closed(close, &mut builder, notes);
    }
    let url = entry.pointer("/request/url").and_then(Value::as_str);
    let (mut about, transcript) = builder.finish(Source::Messages);
    about.server = url.map(str::to_owned);
    (about, transcript)
}

/// How HTTP Toolkit says that a connection ended: `{"code", "reason", "timestamp"}` or `"aborted"`.
fn closed(close: &Value, builder: &mut Builder, notes: &mut Notes) {
    let code = close.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let reason = text(close, "reason").unwrap_or_default();
    let time = close.get("timestamp").and_then(Value::as_f64).and_then(time);
    // RFC 6455 §7.4.1: 1005 stands for a Close without a code and 1006 for none; both are never sent.
    let payload = match code {
        Some(1005) => Vec::new(),
        Some(code) if !matches!(code, 1006 | 1015) => [&code.to_be_bytes()[..], reason.as_bytes()].concat(),
        Some(_) | None => {
            if code.is_some() || close.as_str() == Some("aborted") {
                notes.push(Note::Limit(
                    "the connection ended without a Close frame; the HAR does not say who ended it"
                        .to_owned(),
                ));
            }
            return;
        }
    };
    notes.push(Note::Guess("the server sent the Close frame, since the HAR does not say who did".to_owned()));
    if payload.len() <= 125 {
        builder.frame(Role::Server, time, &Frame::whole(Role::Server, 8, &payload));
    }
}

fn direction(message: &Value) -> Option<Role> {
    match text(message, "type")? {
        "send" | "sent" | "request" => Some(Role::Client),
        "receive" | "received" | "response" => Some(Role::Server),
        _ => None,
    }
}

fn message(message: &Value, data: Data, builder: &mut Builder) {
    let Some(from) = direction(message) else { return };
    let opcode = message.get("opcode").and_then(Value::as_u64).unwrap_or(1);
    let Some(opcode) = u8::try_from(opcode).ok().filter(|opcode| matches!(opcode, 1 | 2 | 8..=10)) else {
        return;
    };
    let words = text(message, "data").unwrap_or_default();
    let base64 = match data {
        Data::ByOpcode => opcode != 1,
        // What gori says itself is between the frames.
        Data::Marked if words.starts_with("[gori] ") => return,
        Data::Marked => text(message, "encoding") == Some("base64"),
    };
    let decoded = base64.then(|| base64::engine::general_purpose::STANDARD.decode(words).ok()).flatten();
    let bytes = decoded.unwrap_or_else(|| words.as_bytes().to_vec());
    if opcode >= 8 && bytes.len() > 125 {
        return;
    }
    let time = message.get("time").and_then(Value::as_f64).and_then(time);
    builder.frame(from, time, &Frame::whole(from, opcode, &bytes));
}

/// Chrome counts seconds since 1970, Playwright milliseconds, or says −1.
fn time(value: f64) -> Option<Duration> {
    seconds(if value > 1e11 { value / 1000.0 } else { value }).filter(|_| value > 0.0)
}

#[cfg(test)]
mod tests {
    use framewise_transcript::Action;

    use super::*;

    fn frames(creator: &str, entry: &str) -> (Vec<(Role, Vec<u8>)>, Notes) {
        let har = format!(r#"{{"log":{{"creator":{{"name":"{creator}"}},"entries":[{entry}]}}}}"#);
        let mut notes = Notes::default();
        let found = read(&serde_json::from_str(&har).expect("it is JSON"), &mut notes);
        let bytes = |action| match action {
            Action::Bytes(bytes) => bytes,
            Action::Eof | Action::Reset | Action::Gap(_) => Vec::new(),
        };
        let (_, transcript) = found.into_iter().next().expect("a connection");
        let frames = transcript.events.into_iter().map(|event| (event.from, bytes(event.action))).collect();
        (frames, notes)
    }

    #[test]
    fn what_is_in_base64_depends_on_who_wrote_it() {
        let entry = r#"{"_webSocketMessages":[
            {"type":"receive","opcode":2,"data":"aGk="},{"type":"receive","opcode":9,"data":"ping"},
            {"type":"receive","opcode":1,"data":"/w==","encoding":"base64"},{"type":"receive","opcode":1,"data":"[gori] reset"}]}"#;
        let sent = |creator: &str| -> Vec<Vec<u8>> {
            frames(creator, entry).0.into_iter().map(|(_, bytes)| bytes).collect()
        };
        assert_eq!(sent("gori"), [&b"\x82\x04aGk="[..], b"\x89\x04ping", b"\x81\x01\xff"]);
        let chrome = sent("WebInspector");
        assert_eq!((&chrome[0][..], &chrome[2][..]), (&b"\x82\x02hi"[..], &b"\x81\x04/w=="[..]));
    }

    #[test]
    fn a_close_that_was_never_sent_is_none() {
        let end = |close: &str| {
            let entry = format!(r#"{{"_webSocketMessages":[],"_webSocketClose":{close}}}"#);
            let (frames, notes) = frames("HTTP Toolkit", &entry);
            (frames.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), notes.iter().count())
        };
        assert_eq!(end(r#"{"code":1001,"reason":"bye","timestamp":1}"#).0, [b"\x88\x05\x03\xe9bye"]);
        assert_eq!(end(r#"{"code":1005,"reason":""}"#).0, [b"\x88\x00"]);
        let (none, notes) = end(r#"{"code":1006,"reason":""}"#);
        assert!(none.is_empty() && notes == end("\"aborted\"").1, "{notes}");
        assert_eq!(notes, end("null").1 + 1, "and it is said");
    }
}
