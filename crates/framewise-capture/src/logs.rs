//! The logs of libraries: Python `websockets` and `websocket-client` here, others in files of their own.

mod curl;
mod firefox;
mod java;
mod tshark;
mod tungstenite;

use std::time::Duration;

use framewise_rules::Role;

use crate::builder::{Builder, Frame, Payload};
use crate::note::{Note, Notes};
use crate::paste::{Found, bare, is_request, is_response, python, time_of_day};
use crate::plural;
use crate::sink::Source;
use crate::text::bytes_of;

/// Reads a log, if it is one.
pub(crate) fn read(text: &str, notes: &mut Notes) -> Vec<Found> {
    let lines: Vec<&str> = text.lines().map(bare).collect();
    if lines.iter().any(|line| {
        line.contains("++Sent raw: ")
            || line.contains("++Rcv raw: ")
            || line.contains("--- request header ---")
    }) {
        return websocket_client(&lines, notes);
    }
    if lines.iter().any(|line| firefox::is_line(line)) {
        return firefox::read(&lines, notes);
    }
    if lines.iter().any(|line| java::is_line(line)) {
        return java::read(&lines, notes);
    }
    if curl::is_log(&lines) {
        return curl::read(&lines, notes);
    }
    if tshark::is_text(&lines) {
        return tshark::read(&lines, notes);
    }
    if lines.iter().any(|line| tungstenite::is_line(line)) {
        return tungstenite::read(&lines, notes);
    }
    let frame = |line: &&str| said(line).is_some_and(|(_, rest)| opcode(rest).is_some() || rest == "EOF");
    if lines.iter().any(frame)
        && lines.iter().any(|line| {
            line.contains("= connection is ") || said(line).is_some_and(|(_, rest)| is_head(rest))
        })
    {
        return websockets(&lines, notes);
    }
    crate::chrome::console(text, notes)
}

fn is_head(rest: &str) -> bool {
    is_request(rest.as_bytes()) || is_response(rest.as_bytes())
}

/// `websocket.enableTrace(True)`: raw bytes, and heads.
fn websocket_client(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    let mut builder = Builder::default();
    let (mut at, mut read) = (0, 0_u64);
    while let Some(line) = lines.get(at) {
        at += 1;
        let time = time_of_day(line);
        let head = [("--- request header ---", Role::Client), ("--- response header ---", Role::Server)];
        if let Some((_, from)) = head.into_iter().find(|(title, _)| line.contains(title)) {
            if from == Role::Client && !builder.is_empty() {
                found.push(std::mem::take(&mut builder).finish(Source::Bytes));
            }
            let end = lines[at..]
                .iter()
                .position(|line| line.contains("-----------------------"))
                .unwrap_or(lines.len() - at);
            let mut bytes = Vec::new();
            for line in lines[at..at + end].iter().filter(|line| !line.is_empty()) {
                bytes.extend_from_slice(&bytes_of(line));
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"\r\n");
            builder.head(from, time, bytes);
            at += end + 1;
            read += end as u64 + 2;
        } else if let Some(from) = raw(line)
            && let Some(bytes) = python(line)
        {
            builder.bytes(from, time, bytes);
            read += 1;
        } else {
            read += u64::from(
                line.contains("++Sent decoded: ") || line.contains("++Rcv decoded: ") || line.is_empty(),
            );
        }
    }
    if !builder.is_empty() {
        found.push(builder.finish(Source::Bytes));
    }
    told("websocket-client's trace", lines.len() as u64 - read.min(lines.len() as u64), notes);
    found
}

fn raw(line: &str) -> Option<Role> {
    if line.contains("++Sent raw: ") {
        Some(Role::Client)
    } else if line.contains("++Rcv raw: ") {
        Some(Role::Server)
    } else {
        None
    }
}

fn told(name: &str, skipped: u64, notes: &mut Notes) {
    notes.push(Note::Read(name.to_owned()));
    if skipped > 0 {
        notes.push(Note::Skipped(plural(skipped, "line")));
    }
}

/// What a line of `websockets` says: `> TEXT 'hi' [2 bytes]`, after whatever its log puts before it.
fn said(line: &str) -> Option<(char, &str)> {
    for (at, sign) in line.char_indices().filter(|(_, c)| matches!(c, '>' | '<')) {
        let before = line[..at].chars().next_back();
        let Some(rest) = line[at + 1..].strip_prefix(' ') else { continue };
        if before.is_none_or(|c| matches!(c, ' ' | ':' | '\t' | ']' | '|')) {
            return Some((sign, rest));
        }
    }
    None
}

fn opcode(rest: &str) -> Option<u8> {
    let (word, more) = rest.split_once(' ')?;
    if !(more.ends_with("bytes]") || more.ends_with("byte]") || more.ends_with("continued]")) {
        return None;
    }
    match word {
        "CONT" => Some(0),
        "TEXT" => Some(1),
        "BINARY" => Some(2),
        "CLOSE" => Some(8),
        "PING" => Some(9),
        "PONG" => Some(10),
        _ => None,
    }
}

/// The DEBUG log of Python `websockets`, which uvicorn's trace has as well: a frame a line, long payloads cut.
fn websockets(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    let mut builder = Builder::default();
    let mut head: Option<(char, Vec<u8>)> = None;
    // Which side `>` is: the one that logs.
    let mut logger = None;
    let (mut skipped, mut time) = (0, None);
    for line in lines {
        time = time_of_day(line).or(time);
        let Some((sign, rest)) = said(line) else {
            skipped += u64::from(!line.contains("= connection is ") && !line.is_empty());
            finish(&mut head, logger, time, &mut builder);
            continue;
        };
        if is_head(rest) {
            finish(&mut head, logger, time, &mut builder);
            if is_request(rest.as_bytes()) {
                if !builder.is_empty() {
                    found.push(std::mem::take(&mut builder).finish(Source::Frames));
                }
                logger = Some(if sign == '>' { Role::Client } else { Role::Server });
            }
            head = Some((sign, Vec::new()));
        }
        let by_name =
            ["client", "server"].into_iter().find(|name| line.contains(&format!("websockets.{name}")));
        logger = logger.or(by_name.map(|name| if name == "client" { Role::Client } else { Role::Server }));
        if let Some((of, bytes)) = &mut head
            && *of == sign
            && (is_head(rest) || rest.contains(':'))
            && opcode(rest).is_none()
        {
            bytes.extend_from_slice(&bytes_of(rest));
            bytes.extend_from_slice(b"\r\n");
            continue;
        }
        finish(&mut head, logger, time, &mut builder);
        let from = side(sign, logger);
        if rest == "EOF" {
            builder.eof(from, time);
        } else if let Some(opcode) = opcode(rest) {
            frame(from, opcode, rest, time, &mut builder, notes);
        } else {
            skipped += 1;
        }
    }
    finish(&mut head, logger, time, &mut builder);
    if !builder.is_empty() {
        found.push(builder.finish(Source::Frames));
    }
    if logger.is_none() {
        notes.push(Note::Guess(
            "the client wrote the log, so `>` is what it sent; if the server did, the sides are swapped"
                .to_owned(),
        ));
    }
    told("the debug log of Python websockets", skipped, notes);
    notes.push(Note::Limit(
        "the log has frames as they were understood: no masks, RSV1 or length forms, and no frame that was refused".to_owned(),
    ));
    found
}

fn side(sign: char, logger: Option<Role>) -> Role {
    let own = logger.unwrap_or(Role::Client);
    if sign == '>' { own } else { own.peer() }
}

fn finish(
    head: &mut Option<(char, Vec<u8>)>,
    logger: Option<Role>,
    time: Option<Duration>,
    builder: &mut Builder,
) {
    if let Some((sign, mut bytes)) = head.take() {
        bytes.extend_from_slice(b"\r\n");
        builder.head(side(sign, logger), time, bytes);
    }
}

fn frame(
    from: Role,
    opcode: u8,
    rest: &str,
    time: Option<Duration>,
    builder: &mut Builder,
    notes: &mut Notes,
) {
    let Some((text, about)) = rest.rsplit_once(" [") else { return };
    let payload = text.split_once(' ').map_or("", |(_, payload)| payload);
    let length = about.split([' ', ']', ',']).find_map(|word| word.parse::<u64>().ok()).unwrap_or(0);
    let bytes = match payload {
        "''" | "\"\"" | "" => Some(Vec::new()),
        quoted if quoted.starts_with(['\'', '"']) => python(&format!("b{quoted}")),
        close if opcode == 8 && close.get(4..6) == Some(" (") => close_of(close),
        hex => {
            let bytes: Option<Vec<u8>> =
                hex.split(' ').map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
            bytes
        }
    };
    // What was cut does not have its length.
    let bytes = bytes.filter(|bytes| bytes.len() as u64 == length);
    if opcode == 8
        && let Some(bytes) = &bytes
        && let [high, low, reason @ ..] = &**bytes
    {
        let code = u16::from_be_bytes([*high, *low]);
        if matches!(code, 1002 | 1003 | 1007 | 1009 | 1010 | 1011) {
            let reason = String::from_utf8_lossy(reason);
            let said = if reason.is_empty() { code.to_string() } else { format!("{code} {reason}") };
            notes.push(Note::Limit(format!(
                "the {from} ended it with \"{said}\"; what that means: framewise explain \"{said}\""
            )));
        }
    }
    let payload = bytes.as_deref().map_or(Payload::Missing(length), Payload::Bytes);
    let fin = !about.contains("continued");
    builder.frame(
        from,
        time,
        &Frame { fin, reserved: [false; 3], opcode, masked: from == Role::Client, payload },
    );
}

/// `1002 (protocol error) invalid status code`
fn close_of(text: &str) -> Option<Vec<u8>> {
    let code: u16 = text.get(..4)?.parse().ok()?;
    let reason = text.split_once(") ").map_or("", |(_, reason)| reason);
    Some([&code.to_be_bytes()[..], reason.as_bytes()].concat())
}
