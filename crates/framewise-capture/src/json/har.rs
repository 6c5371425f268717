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

/// The WebSocket connections among the entries.
pub(super) fn read(har: &Value, notes: &mut Notes) -> Vec<Found> {
    let entries = har.pointer("/log/entries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let found: Vec<Found> =
        entries.iter().filter(|entry| is_websocket(entry)).map(|entry| connection(entry, notes)).collect();
    let creator = har.pointer("/log/creator/name").and_then(Value::as_str).unwrap_or("unknown software");
    notes.push(Note::Read(format!(
        "a HAR of {creator}, {}",
        plural(found.len() as u64, "WebSocket connection")
    )));
    let others = entries.len() - found.len();
    if others > 0 {
        notes.push(Note::Skipped(format!(
            "{others} other {}",
            if others == 1 { "request" } else { "requests" }
        )));
    }
    notes.push(Note::Limit(LIMIT.to_owned()));
    found
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
    messages.iter().copied().for_each(|value| message(value, &mut builder));
    notes.push(Note::Read(format!("{} of a HAR", plural(messages.len() as u64, "message"))));
    notes.push(Note::Limit(LIMIT.to_owned()));
    vec![builder.finish(Source::Messages)]
}

fn is_websocket(entry: &Value) -> bool {
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

fn connection(entry: &Value, notes: &mut Notes) -> Found {
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
    messages.map_or(&[][..], Vec::as_slice).iter().for_each(|value| message(value, &mut builder));
    if let Some(code) = entry
        .pointer("/_webSocketClose/code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
    {
        let reason = entry.pointer("/_webSocketClose/reason").and_then(Value::as_str).unwrap_or_default();
        notes.push(Note::Guess(
            "the server sent the Close frame, since the HAR does not say who did".to_owned(),
        ));
        let payload = [&code.to_be_bytes()[..], reason.as_bytes()].concat();
        builder.frame(Role::Server, None, &Frame::whole(Role::Server, 8, &payload));
    }
    let url = entry.pointer("/request/url").and_then(Value::as_str);
    let (mut about, transcript) = builder.finish(Source::Messages);
    about.server = url.map(str::to_owned);
    (about, transcript)
}

fn direction(message: &Value) -> Option<Role> {
    match text(message, "type")? {
        "send" | "sent" | "request" => Some(Role::Client),
        "receive" | "received" | "response" => Some(Role::Server),
        _ => None,
    }
}

fn message(message: &Value, builder: &mut Builder) {
    let Some(from) = direction(message) else { return };
    let opcode = message.get("opcode").and_then(Value::as_u64).unwrap_or(1);
    let Some(opcode) = u8::try_from(opcode).ok().filter(|opcode| matches!(opcode, 1 | 2 | 8..=10)) else {
        return;
    };
    let data = text(message, "data").unwrap_or_default();
    let bytes = match opcode {
        1 => data.as_bytes().to_vec(),
        _ => base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap_or_else(|_| data.as_bytes().to_vec()),
    };
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
