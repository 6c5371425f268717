//! What browsers and tools write as JSON: HAR, Chrome's netlog, the events of the `DevTools` protocol, tshark's packets.

mod devtools;
mod har;
mod netlog;
mod stream;
mod tshark;

use serde_json::Value;

pub(crate) use stream::{is_har, read as stream};

use crate::note::{Note, Notes};
use crate::paste::Found;
use crate::{Error, Position, plural};

/// Reads a text that is JSON, or has JSON in its lines; `None` where it is neither.
pub(crate) fn read(text: &str, notes: &mut Notes) -> Option<Result<Vec<Found>, Error>> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let known = ["\"Network.webSocket", "\"webSocketFrame"].iter().any(|word| text.contains(word));
    if !start.starts_with(['{', '[']) && !known {
        return None;
    }
    match serde_json::from_str::<Value>(start) {
        Ok(value) => document(&value, notes).map(Ok),
        Err(error) => {
            // An object a line, or a log that was cut off when the browser ended.
            let values = lines(start);
            let mut found = devtools::read(&values, notes);
            if found.is_empty() {
                found = netlog::cut(start, &values, notes);
            }
            if found.is_empty() {
                found = har::messages(&values, notes);
            }
            if !found.is_empty() {
                let total = start.lines().filter(|line| !line.trim().is_empty()).count();
                if total > values.len() {
                    notes.push(Note::Skipped(plural((total - values.len()) as u64, "line")));
                }
                return Some(Ok(found));
            }
            let looks = start.contains("\"log\"")
                || start.contains("\"_source\"")
                || start.contains("\"logEventTypes\"");
            looks.then(|| {
                let at = Position { line: error.line(), column: error.column().max(1) };
                Err(Error::Json { at, message: error.to_string() })
            })
        }
    }
}

fn document(value: &Value, notes: &mut Notes) -> Option<Vec<Found>> {
    if value.pointer("/log/entries").is_some() {
        return Some(har::read(value, notes));
    }
    if value.pointer("/constants/logEventTypes").is_some() {
        return Some(netlog::read(value, notes));
    }
    let values = match value {
        Value::Array(values) => values.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![value.clone()]
        }
    };
    if values.first().is_some_and(|first| first.pointer("/_source/layers").is_some()) {
        return Some(tshark::read(&values, notes));
    }
    let found = devtools::read(&values, notes);
    let found = if found.is_empty() { har::messages(&values, notes) } else { found };
    (!found.is_empty()).then_some(found)
}

/// The objects that lines hold, whatever is before them.
fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| {
            let start = line.find('{')?;
            serde_json::from_str(line[start..].trim_end().trim_end_matches(',')).ok()
        })
        .collect()
}

/// The value of a name, if it is a text.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}
