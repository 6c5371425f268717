//! The flows that mitmproxy and mitmdump save (`-w FILE`, version 7 and later): typed netstrings, one after another.

use framewise_rules::{Role, Rule};

use crate::builder::{Builder, Frame, head, seconds};
use crate::note::{Note, Notes};
use crate::paste::Found;
use crate::plural;
use crate::sink::Source;

/// How deep values may be in each other.
const DEEPEST: usize = 16;

/// A value, whose parts are read when they are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value<'b> {
    kind: u8,
    bytes: &'b [u8],
}

/// The first value, and what follows it: `5:hello,`.
fn value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let colon = bytes.iter().take(12).position(|&byte| byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let rest = &bytes[colon + 1..];
    let kind = *rest.get(length)?;
    matches!(kind, b',' | b';' | b'#' | b'^' | b'!' | b'~' | b']' | b'}')
        .then(|| (Value { kind, bytes: &rest[..length] }, &rest[length + 1..]))
}

impl<'b> Value<'b> {
    fn items(self) -> impl Iterator<Item = Value<'b>> {
        let mut rest = if matches!(self.kind, b']' | b'}') { self.bytes } else { &[] };
        std::iter::from_fn(move || {
            let (item, after) = value(rest)?;
            rest = after;
            Some(item)
        })
    }

    /// The value of a name in a dictionary.
    fn get(self, name: &str) -> Option<Self> {
        let mut items = self.items().take(256);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if key.bytes == name.as_bytes() {
                return Some(value);
            }
        }
        None
    }

    fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().take(DEEPEST).try_fold(self, |value, name| value.get(name))
    }

    fn text(self) -> String {
        String::from_utf8_lossy(self.bytes).into_owned()
    }

    fn number(self) -> Option<f64> {
        std::str::from_utf8(self.bytes).ok()?.parse().ok()
    }

    fn is_true(self) -> bool {
        self.bytes == b"true"
    }
}

/// Reads saved flows; `None` where the file is something else.
pub(crate) fn read(bytes: &[u8], notes: &mut Notes) -> Option<Vec<Found>> {
    if !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let (first, _) = value(bytes)?;
    if first.kind != b'}' || first.get("type").is_none() || first.get("version").is_none() {
        return None;
    }
    let (mut rest, mut found, mut others) = (bytes, Vec::new(), 0);
    while !rest.is_empty() {
        let Some((flow, after)) = value(rest) else {
            notes.push(Note::Limit("the file of flows is cut off; what is there was read".to_owned()));
            break;
        };
        rest = after;
        match flow.get("websocket").filter(|websocket| websocket.kind == b'}') {
            Some(websocket) => found.push(connection(flow, websocket)),
            None => others += 1,
        }
    }
    notes.push(Note::Read(format!(
        "flows of mitmproxy, {}",
        plural(found.len() as u64, "WebSocket connection")
    )));
    if others > 0 {
        notes.push(Note::Skipped(plural(others, "other flow")));
    }
    notes.push(Note::Limit(
        "mitmproxy keeps messages and headers, and takes off compression: no masks, fragments, Pings, or how TCP ended"
            .to_owned(),
    ));
    Some(found)
}

fn connection(flow: Value<'_>, websocket: Value<'_>) -> Found {
    let mut builder = Builder::default();
    let text = |path: &[&str]| flow.at(path).map(Value::text).unwrap_or_default();
    let time = |path: &[&str]| flow.at(path).and_then(Value::number).and_then(seconds);
    let fields = |side: &str| -> Vec<(String, String)> {
        let list = flow.at(&[side, "headers"]);
        let pairs = list.into_iter().flat_map(Value::items);
        pairs.filter_map(|pair| Some((pair.items().next()?.text(), pair.items().nth(1)?.text()))).collect()
    };
    let joined = |first: &str, side: &str| {
        let fields = fields(side);
        head(first, fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    let version = text(&["request", "http_version"]);
    // Over HTTP/2 there is no such handshake.
    if version.starts_with("HTTP/1") {
        let first = format!("{} {} {version}", text(&["request", "method"]), text(&["request", "path"]));
        builder.head(Role::Client, time(&["request", "timestamp_start"]), joined(&first, "request"));
        let first = format!(
            "{} {} {}",
            text(&["response", "http_version"]),
            text(&["response", "status_code"]),
            text(&["response", "reason"])
        );
        builder.head(Role::Server, time(&["response", "timestamp_start"]), joined(&first, "response"));
    }
    for message in websocket.get("messages").into_iter().flat_map(Value::items) {
        let mut parts = message.items();
        let (Some(kind), Some(from), Some(content)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let from = if from.is_true() { Role::Client } else { Role::Server };
        let opcode = if kind.bytes == b"1" { 1 } else { 2 };
        let time = parts.next().and_then(Value::number).and_then(seconds);
        builder.frame(from, time, &Frame::whole(from, opcode, content.bytes));
    }
    close(websocket, &mut builder);
    let (mut about, transcript) = builder.finish(Source::Messages);
    let scheme = if text(&["request", "scheme"]) == "https" { "wss" } else { "ws" };
    about.server = Some(format!(
        "{scheme}://{}:{}{}",
        text(&["request", "host"]),
        text(&["request", "port"]),
        text(&["request", "path"])
    ));
    (about, transcript)
}

/// How it ended. What mitmproxy itself fails at, it saves as a Close of the side that broke the rule.
fn close(websocket: Value<'_>, builder: &mut Builder) {
    let code = websocket.get("close_code").and_then(|code| code.text().parse::<u16>().ok());
    let Some(code) = code else { return };
    let from = if websocket.get("closed_by_client").is_some_and(Value::is_true) {
        Role::Client
    } else {
        Role::Server
    };
    let reason = websocket.get("close_reason").map(|reason| reason.bytes).unwrap_or_default();
    if let Some(rule) = rule(&String::from_utf8_lossy(reason)) {
        builder.told(from, rule);
        return;
    }
    // 1005 and 1006 are never sent.
    if (1000..5000).contains(&code) && !matches!(code, 1005 | 1006) && reason.len() <= 123 {
        let payload = [&code.to_be_bytes()[..], reason].concat();
        builder.frame(
            from,
            websocket.get("timestamp_end").and_then(Value::number).and_then(seconds),
            &Frame::whole(from, 8, &payload),
        );
    }
}

/// The rule that a message of wsproto, which mitmproxy is built on, is about.
fn rule(reason: &str) -> Option<Rule> {
    let messages = [
        ("client received unexpected masked frame", Rule::MaskPresent),
        ("server received unexpected unmasked frame", Rule::MaskMissing),
        ("remote CLOSE with local-only reason", Rule::CloseCodeReserved),
        ("CLOSE with invalid code", Rule::CloseCodeInvalid),
        ("CLOSE with unknown reserved code", Rule::CloseCodeInvalid),
        ("CLOSE with 1 byte payload", Rule::ClosePayloadOneByte),
        ("Error decoding CLOSE reason", Rule::CloseReasonInvalidUtf8),
        ("'utf-8' codec can't decode byte", Rule::TextInvalidUtf8),
        ("Control frame with payload len > 125", Rule::ControlTooLong),
        ("Invalid attempt to fragment control frame", Rule::ControlFragmented),
        ("unexpected CONTINUATION", Rule::ContinuationOrphan),
        ("expected CONTINUATION, got", Rule::DataInterleaved),
        ("Payload length used 2 bytes when 1", Rule::LengthNotMinimal16),
        ("Payload length used 8 bytes when 2", Rule::LengthNotMinimal64),
        ("8-byte payload length with non-zero MSB", Rule::LengthTopBit),
    ];
    messages.into_iter().find(|(text, _)| reason.contains(text)).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_typed_netstrings() {
        let (list, rest) = value(b"16:1:a,2:12#4:true!]x").expect("a list");
        assert_eq!(rest, b"x");
        let kinds: Vec<_> = list.items().map(|item| (item.kind, item.text())).collect();
        assert_eq!(kinds, [(b',', "a".to_owned()), (b'#', "12".to_owned()), (b'!', "true".to_owned())]);
        for broken in [&b"3:ab,"[..], b"1:a?", b":a,", b"99999999999999999999:a,", b"1x:a,", b""] {
            assert_eq!(value(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn numbers_and_dumps_are_no_flows() {
        for text in [&b"81 85"[..], b"00000000: 8185", b"12:34:56 IP a > b", b"2:{}}", b"12"] {
            assert!(read(text, &mut Notes::default()).is_none());
        }
    }
}
