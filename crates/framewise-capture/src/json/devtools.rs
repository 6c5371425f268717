//! The events of Chrome's `DevTools` protocol, `Network.webSocket…`, an object a line or an array.

use base64::Engine as _;
use framewise_rules::Role;
use serde_json::Value;

use super::text;
use crate::builder::{Builder, Frame, head, seconds};
use crate::chrome;
use crate::note::{Note, Notes};
use crate::paste::Found;
use crate::sink::Source;

struct Socket {
    id: String,
    path: String,
    url: Option<String>,
    builder: Builder,
}

/// The connections among the events, distinguished by their `requestId`.
pub(super) fn read(values: &[Value], notes: &mut Notes) -> Vec<Found> {
    let mut sockets: Vec<Socket> = Vec::new();
    let mut events = 0;
    for value in values {
        // A driver's log has the event in a `message`, as an object or as a text.
        let inner = value.get("message").map(|message| message.get("message").unwrap_or(message));
        let parsed = value
            .get("message")
            .and_then(Value::as_str)
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let parsed = parsed.as_ref().map(|parsed| parsed.get("message").unwrap_or(parsed));
        let Some(event) =
            [Some(value), inner, parsed].into_iter().flatten().find(|value| value.get("method").is_some())
        else {
            continue;
        };
        let (Some(method), Some(params)) = (text(event, "method"), event.get("params")) else { continue };
        let Some(name) = method.strip_prefix("Network.webSocket") else { continue };
        let Some(id) = text(params, "requestId") else { continue };
        events += 1;
        let index = sockets.iter().position(|socket| socket.id == id).unwrap_or_else(|| {
            sockets.push(Socket {
                id: id.to_owned(),
                path: "/".to_owned(),
                url: None,
                builder: Builder::default(),
            });
            sockets.len() - 1
        });
        take(&mut sockets[index], name, params, notes);
    }
    let found: Vec<Found> = sockets
        .into_iter()
        .filter(|socket| !socket.builder.is_empty())
        .map(|socket| {
            let (mut about, transcript) = socket.builder.finish(Source::Messages);
            about.server = socket.url;
            (about, transcript)
        })
        .collect();
    if !found.is_empty() {
        notes.push(Note::Read(format!("{events} events of the DevTools protocol")));
        notes.push(Note::Limit(
            "the DevTools protocol shows messages, not frames: no masks, fragments, Pings or Close frames"
                .to_owned(),
        ));
    }
    found
}

fn take(socket: &mut Socket, name: &str, params: &Value, notes: &mut Notes) {
    let time = params.get("timestamp").and_then(Value::as_f64).and_then(seconds);
    let fields = |value: Option<&Value>| -> Vec<(String, String)> {
        let map = value.and_then(|value| value.get("headers")).and_then(Value::as_object);
        map.into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    };
    let borrow = |fields: &[(String, String)], first: &str| {
        head(first, fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    match name {
        "Created" => {
            let url = text(params, "url").unwrap_or_default();
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            rest.find('/').map_or("/", |at| &rest[at..]).clone_into(&mut socket.path);
            socket.url = Some(url.to_owned());
        }
        "WillSendHandshakeRequest" => {
            let fields = fields(params.get("request"));
            if fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")) {
                socket.builder.head(
                    Role::Client,
                    time,
                    borrow(&fields, &format!("GET {} HTTP/1.1", socket.path)),
                );
            }
        }
        "HandshakeResponseReceived" => {
            let Some(response) = params.get("response") else { return };
            if socket.builder.is_empty() {
                return;
            }
            let status = response.get("status").and_then(Value::as_u64).unwrap_or(0);
            let bytes = text(response, "headersText").map_or_else(
                || {
                    let reason = text(response, "statusText").unwrap_or_default();
                    borrow(&fields(Some(response)), &format!("HTTP/1.1 {status} {reason}"))
                },
                |text| text.as_bytes().to_vec(),
            );
            socket.builder.head(Role::Server, time, bytes);
        }
        "FrameSent" | "FrameReceived" => {
            let Some(frame) = params.get("response") else { return };
            let from = if name == "FrameSent" { Role::Client } else { Role::Server };
            let opcode =
                frame.get("opcode").and_then(Value::as_u64).and_then(|opcode| u8::try_from(opcode).ok());
            let Some(opcode) = opcode.filter(|opcode| matches!(opcode, 1 | 2 | 8..=10)) else { return };
            let data = text(frame, "payloadData").unwrap_or_default();
            let bytes = match opcode {
                1 => data.as_bytes().to_vec(),
                _ => base64::engine::general_purpose::STANDARD.decode(data).unwrap_or_default(),
            };
            if opcode < 8 || bytes.len() <= 125 {
                socket.builder.frame(from, time, &Frame::whole(from, opcode, &bytes));
            }
        }
        "FrameError" => {
            let message = text(params, "errorMessage").unwrap_or_default();
            chrome::failed(message, notes);
            if let Some(rule) = chrome::rule(message) {
                socket.builder.told(Role::Server, rule);
            }
        }
        _ => {}
    }
}
