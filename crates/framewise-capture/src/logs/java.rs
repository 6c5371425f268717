//! The trace of Java-WebSocket (SLF4J at the level TRACE): heads, and the frames that it accepted.

use framewise_rules::{Role, Rule};

use super::told;
use crate::builder::{Builder, Frame, Payload};
use crate::note::{Note, Notes};
use crate::paste::{Found, is_request, is_response, time_of_day};
use crate::sink::Source;
use crate::text::bytes_of;

const FRAME: &str = "Framedata{ opcode:";

/// Whether a line is of this log.
pub(super) fn is_line(line: &str) -> bool {
    line.contains("WebSocketImpl - ") && (line.contains(FRAME) || head(line).is_some())
}

/// The first line of a head, and whether the logger sent it: `write(158): GET / HTTP/1.1`, `process(152): (HTTP/1.1 101`.
fn head(line: &str) -> Option<(bool, &str)> {
    let (_, said) = line.split_once("WebSocketImpl - ")?;
    let (sent, rest) = match said.strip_prefix("write(") {
        Some(rest) => (true, rest),
        None => (false, said.strip_prefix("process(")?),
    };
    let first = rest.split_once("): ")?.1;
    let first = if sent { first } else { first.strip_prefix('(')? };
    (is_request(first.as_bytes()) || is_response(first.as_bytes())).then_some((sent, first))
}

pub(super) fn read(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    let mut builder = Builder::default();
    let mut logger = None;
    let (mut at, mut skipped, mut time) = (0, 0, None);
    while let Some(line) = lines.get(at) {
        at += 1;
        time = time_of_day(line).or(time);
        if let Some((sent, first)) = head(line) {
            let request = is_request(first.as_bytes());
            if request {
                if !builder.is_empty() {
                    found.push(std::mem::take(&mut builder).finish(Source::Frames));
                }
                logger = Some(if sent { Role::Client } else { Role::Server });
            }
            let fields = lines[at..].iter().position(|line| line.is_empty()).unwrap_or(lines.len() - at);
            let mut bytes = Vec::new();
            for line in std::iter::once(&first).chain(&lines[at..at + fields]) {
                bytes.extend_from_slice(&bytes_of(line));
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"\r\n");
            builder.head(if request { Role::Client } else { Role::Server }, time, bytes);
            at += fields;
        } else if let Some((said, about)) = line.split_once(FRAME) {
            let own = logger.unwrap_or(Role::Client);
            frame(if said.contains("send frame: ") { own } else { own.peer() }, about, time, &mut builder);
        } else if let Some((_, message)) = line.split_once("org.java_websocket.exceptions.") {
            if let Some(rule) = rule(message) {
                builder.told(logger.unwrap_or(Role::Client).peer(), rule);
            }
        } else {
            let own =
                line.is_empty() || line.contains("org.java_websocket.") || line.trim().starts_with("at ");
            skipped += u64::from(!own);
        }
    }
    if !builder.is_empty() {
        found.push(builder.finish(Source::Frames));
    }
    told("Java-WebSocket's trace", skipped, notes);
    notes.push(Note::Limit(
        "the log has frames as they were understood: no masks or length forms, and of bytes that came together with a frame \
         that was refused, no frame at all"
            .to_owned(),
    ));
    found
}

/// `TEXT, fin:true, rsv1:false, …, payload length:[pos:0, len:2], payload:hi}`, and for a Close `code: 1000`
fn frame(from: Role, about: &str, time: Option<std::time::Duration>, builder: &mut Builder) {
    let opcode = match about.split(',').next().unwrap_or_default() {
        "CONTINUOUS" => 0,
        "TEXT" => 1,
        "BINARY" => 2,
        "CLOSING" => 8,
        "PING" => 9,
        "PONG" => 10,
        _ => return,
    };
    let number = |name: &str| -> Option<u64> {
        let rest = about.split_once(name)?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let length = number("len:").unwrap_or(0);
    let text = about.split_once("payload:").and_then(|(_, rest)| Some(rest.rsplit_once('}')?.0));
    let code = number("}code: ").and_then(|code| u16::try_from(code).ok()).filter(|_| opcode == 8);
    let bytes = match code {
        // Of a Close that came, the log has the code alone.
        Some(code) => {
            let text = text.unwrap_or_default();
            let start = (text.len() as u64).checked_sub(length.saturating_sub(2));
            let reason = start.and_then(|start| text.get(start as usize..)).filter(|_| length > 2);
            Some([&code.to_be_bytes()[..], reason.unwrap_or_default().as_bytes()].concat())
        }
        // Bytes that are not text are printed as other characters, so that the length differs.
        None => text.map(bytes_of).filter(|bytes| bytes.len() as u64 == length),
    };
    let payload = bytes.as_deref().map_or(Payload::Missing(length), Payload::Bytes);
    let fin = !about.contains("fin:false");
    builder.frame(from, time, &Frame { fin, payload, ..Frame::whole(from, opcode, &[]) });
}

/// The rule that an exception is about, if it is one.
fn rule(message: &str) -> Option<Rule> {
    let (_, words) = message.split_once(": ")?;
    if words.starts_with("bad rsv ") {
        let bits = [
            ("RSV1: true", Rule::Rsv1Unnegotiated),
            ("RSV2: true", Rule::Rsv2Set),
            ("RSV3: true", Rule::Rsv3Set),
        ];
        return bits.into_iter().find(|(bit, _)| words.contains(bit)).map(|(_, rule)| rule);
    }
    let number = |start: &str| -> Option<u64> { words.strip_prefix(start)?.trim().parse().ok() };
    if let Some(code) = number("closecode must not be sent over the wire: ") {
        return Some(if matches!(code, 1004..=1006 | 1015) {
            Rule::CloseCodeReserved
        } else {
            Rule::CloseCodeInvalid
        });
    }
    if let Some(opcode) = number("Unknown opcode ") {
        return match opcode {
            3..=7 => Some(Rule::OpcodeReservedData),
            11..=15 => Some(Rule::OpcodeReservedControl),
            _ => None,
        };
    }
    let messages = [
        ("Received text is no valid utf8 string!", Rule::TextInvalidUtf8),
        ("more than 125 octets", Rule::ControlTooLong),
        ("Control frame can't have fin==false set", Rule::ControlFragmented),
        ("Continuous frame sequence was not started.", Rule::ContinuationOrphan),
        ("Previous continuous frame sequence not completed.", Rule::DataInterleaved),
    ];
    messages.into_iter().find(|(text, _)| words.starts_with(text)).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_about_one_rule_or_none() {
        for (message, expected) in [
            ("InvalidFrameException: bad rsv RSV1: false RSV2: true RSV3: true", Some(Rule::Rsv2Set)),
            ("InvalidFrameException: Unknown opcode 11", Some(Rule::OpcodeReservedControl)),
            (
                "InvalidFrameException: closecode must not be sent over the wire: 1006",
                Some(Rule::CloseCodeReserved),
            ),
            (
                "InvalidFrameException: closecode must not be sent over the wire: 5000",
                Some(Rule::CloseCodeInvalid),
            ),
            // Look-alikes: what stands for several rules, an opcode that exists, another exception.
            ("InvalidFrameException: bad rsv RSV1: false RSV2: false RSV3: false", None),
            ("InvalidFrameException: Unknown opcode 8", None),
            ("WebsocketNotConnectedException", None),
        ] {
            assert_eq!(rule(message), expected, "{message}");
        }
    }
}
