//! Chrome's netlog (`--log-net-log=FILE`, `chrome://net-export`): the header of every frame, and the heads of the handshake.

use std::collections::BTreeMap;
use std::time::Duration;

use framewise_rules::Role;
use serde_json::Value;

use super::text;
use crate::builder::{Builder, Frame, Payload, head};
use crate::chrome;
use crate::note::{Note, Notes};
use crate::paste::Found;
use crate::plural;
use crate::sink::Source;

/// A complete log.
pub(super) fn read(log: &Value, notes: &mut Notes) -> Vec<Found> {
    let types = log.pointer("/constants/logEventTypes").and_then(Value::as_object);
    let names: BTreeMap<u64, &str> = types
        .into_iter()
        .flatten()
        .filter_map(|(name, number)| Some((number.as_u64()?, name.as_str())))
        .collect();
    let events = log.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    connections(events, &names, notes)
}

/// A log whose end is missing: an event a line, after a line of constants.
pub(super) fn cut(text: &str, events: &[Value], notes: &mut Notes) -> Vec<Found> {
    let Some(constants) = text.lines().next().and_then(|line| line.strip_prefix("{\"constants\":")) else {
        return Vec::new();
    };
    let Ok(constants) = serde_json::from_str::<Value>(constants.trim_end().trim_end_matches(',')) else {
        return Vec::new();
    };
    notes.push(Note::Limit("the netlog is cut off; what is there was read".to_owned()));
    let types = constants.get("logEventTypes").and_then(Value::as_object);
    let names: BTreeMap<u64, &str> = types
        .into_iter()
        .flatten()
        .filter_map(|(name, number)| Some((number.as_u64()?, name.as_str())))
        .collect();
    connections(events, &names, notes)
}

fn connections(events: &[Value], names: &BTreeMap<u64, &str>, notes: &mut Notes) -> Vec<Found> {
    let mut sources: BTreeMap<u64, Builder> = BTreeMap::new();
    let mut told = 0;
    for event in events {
        let (Some(name), Some(source)) = (
            event.get("type").and_then(Value::as_u64).and_then(|number| names.get(&number).copied()),
            event.pointer("/source/id").and_then(Value::as_u64),
        ) else {
            continue;
        };
        let Some(params) = event.get("params") else { continue };
        let time = text(event, "time").and_then(|time| time.parse().ok()).map(Duration::from_millis);
        told += u64::from(name.starts_with("WEBSOCKET_"));
        match name {
            "HTTP_TRANSACTION_SEND_REQUEST_HEADERS" => {
                let list = fields(params);
                let upgrade =
                    list.iter().any(|line| line.to_ascii_lowercase().starts_with("upgrade: websocket"));
                let line = text(params, "line").unwrap_or_default();
                // A redirect, or a login, is another request of the same source.
                if upgrade && line.contains("HTTP/1") {
                    let builder = sources.entry(source).or_default();
                    if builder.is_empty() {
                        builder.head(Role::Client, time, joined(line, &list));
                    }
                }
            }
            "HTTP_TRANSACTION_READ_RESPONSE_HEADERS" => {
                if let (Some(builder), list) = (sources.get_mut(&source), fields(params))
                    && let Some((line, list)) = list.split_first()
                {
                    builder.head(Role::Server, time, joined(line, list));
                }
            }
            "WEBSOCKET_SENT_FRAME_HEADER" | "WEBSOCKET_RECV_FRAME_HEADER" => {
                let from = if name.contains("SENT") { Role::Client } else { Role::Server };
                let flag = |name: &str| params.get(name).and_then(Value::as_bool).unwrap_or(false);
                let number = |name: &str| params.get(name).and_then(Value::as_u64).unwrap_or(0);
                let frame = Frame {
                    fin: flag("final"),
                    reserved: [flag("reserved1"), flag("reserved2"), flag("reserved3")],
                    opcode: (number("opcode") & 0x0f) as u8,
                    masked: flag("masked"),
                    payload: Payload::Missing(number("payload_length")),
                };
                sources.entry(source).or_default().frame(from, time, &frame);
            }
            "WEBSOCKET_INVALID_FRAME" => {
                let message =
                    text(params, "internal_reason").or_else(|| text(params, "reason")).unwrap_or_default();
                chrome::failed(message, notes);
                if let Some(rule) = chrome::rule(message) {
                    sources.entry(source).or_default().told(Role::Server, rule);
                }
            }
            "WEBSOCKET_UPGRADE_FAILURE" => {
                chrome::failed(text(params, "message").unwrap_or_default(), notes);
            }
            _ => {}
        }
    }
    let found: Vec<Found> = sources
        .into_values()
        .filter(|builder| !builder.is_empty())
        .map(|builder| builder.finish(Source::Headers))
        .collect();
    notes.push(Note::Read(format!(
        "a netlog of Chrome: {}, {}",
        plural(told, "WebSocket event"),
        plural(found.len() as u64, "WebSocket connection")
    )));
    if !found.is_empty() {
        notes.push(Note::Limit(
            "a netlog has the headers of frames, not their payloads, masking keys or length forms".to_owned(),
        ));
    }
    found
}

fn fields(params: &Value) -> Vec<String> {
    let list = params.get("headers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|line| Some(line.as_str()?.to_owned())).collect()
}

fn joined(first: &str, lines: &[String]) -> Vec<u8> {
    let fields = lines.iter().filter_map(|line| line.split_once(':'));
    head(first, fields.map(|(name, value)| (name, value.trim_start())))
}
