//! The trace of tungstenite and tokio-tungstenite (`RUST_LOG=tungstenite=trace`): every frame, with its payload.

use std::time::Duration;

use framewise_rules::Role;

use super::told;
use crate::builder::{Builder, Frame, Payload};
use crate::note::{Note, Notes};
use crate::paste::{Found, time_of_day};
use crate::sink::Source;

/// Whether a line is of this log.
pub(super) fn is_line(line: &str) -> bool {
    line.contains("tungstenite::protocol")
        && (line.contains("Parsed headers [") || line.contains("writing frame"))
}

/// A frame whose header was logged, and what is not known of it yet.
struct Begun {
    header: [u8; 2],
    time: Option<Duration>,
}

pub(super) fn read(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    let mut builder = Builder::default();
    let mut logger = None;
    let (mut at, mut skipped, mut time) = (0, 0, None);
    let mut begun: Option<Begun> = None;
    while let Some(line) = lines.get(at) {
        at += 1;
        time = time_of_day(line).or(time);
        if line.contains("handshake initiated") {
            let server = line.contains("Server handshake");
            logger = Some(if server { Role::Server } else { Role::Client });
            incoming(&mut begun, logger, &[], None, &mut builder);
            if !builder.is_empty() {
                found.push(std::mem::take(&mut builder).finish(Source::Headers));
            }
        } else if let Some(header) = line.split_once("Parsed headers [").and_then(|(_, rest)| header(rest)) {
            incoming(&mut begun, logger, &[], None, &mut builder);
            begun = Some(Begun { header, time });
        } else if line.contains("writing frame") || line.contains("received frame") {
            let rows = lines[at..]
                .iter()
                .take(12)
                .position(|row| row.trim().starts_with("payload: "))
                .map_or(0, |row| row + 1);
            let block = &lines[at..at + rows];
            at += rows;
            let payload = field(block, "payload: 0x").map(hex).unwrap_or_default();
            if line.contains("writing") {
                outgoing(block, logger, &payload, time, &mut builder);
            } else {
                incoming(&mut begun, logger, &payload, Some(()), &mut builder);
            }
        } else {
            skipped += u64::from(!line.trim().is_empty() && !line.contains("tungstenite::"));
        }
    }
    incoming(&mut begun, logger, &[], None, &mut builder);
    if !builder.is_empty() {
        found.push(builder.finish(Source::Headers));
    }
    if logger.is_none() {
        notes.push(Note::Guess(
            "the client wrote the log; if the server did, the sides are swapped and every mask is a violation".to_owned(),
        ));
    }
    told("tungstenite's trace", skipped, notes);
    notes.push(Note::Limit(
        "the log does not tell connections apart: frames of several at once are mixed; the server's head is not in it".to_owned(),
    ));
    found
}

/// `129, 133]`: the two first bytes of a header, as they came.
fn header(rest: &str) -> Option<[u8; 2]> {
    let (first, second) = rest.split_once(']')?.0.split_once(", ")?;
    Some([first.parse().ok()?, second.parse().ok()?])
}

fn field<'b>(block: &[&'b str], name: &str) -> Option<&'b str> {
    block.iter().find_map(|row| row.trim().strip_prefix(name))
}

fn hex(digits: &str) -> Vec<u8> {
    crate::paste::pairs(digits, usize::MAX).0
}

/// The frame whose header came last, with its payload where that was logged.
fn incoming(
    begun: &mut Option<Begun>,
    logger: Option<Role>,
    payload: &[u8],
    whole: Option<()>,
    builder: &mut Builder,
) {
    let Some(Begun { header: [first, second], time }) = begun.take() else { return };
    let from = logger.unwrap_or(Role::Client).peer();
    // The length of one that was given up at its header may be in the bytes after these two.
    let length = u64::from(second & 0x7f).min(125);
    let bits = [first & 0x40 != 0, first & 0x20 != 0, first & 0x10 != 0];
    let masked = second & 0x80 != 0;
    // A server's mask is not taken off: then the payload is as it was sent.
    let payload = match whole {
        Some(()) if masked && from == Role::Server => Payload::Missing(payload.len() as u64),
        Some(()) => Payload::Bytes(payload),
        None => Payload::Missing(length),
    };
    let frame = Frame { fin: first & 0x80 != 0, reserved: bits, opcode: first & 0x0f, masked, payload };
    builder.frame(from, time, &frame);
}

fn outgoing(
    block: &[&str],
    logger: Option<Role>,
    payload: &[u8],
    time: Option<Duration>,
    builder: &mut Builder,
) {
    let from = logger.unwrap_or(Role::Client);
    let opcode = match field(block, "opcode: ") {
        Some("CONTINUE") => 0,
        Some("TEXT") => 1,
        Some("BINARY") => 2,
        Some("CLOSE") => 8,
        Some("PING") => 9,
        Some("PONG") => 10,
        _ => return,
    };
    let mut reserved = [false; 3];
    for (bit, word) in reserved.iter_mut().zip(field(block, "reserved: ").unwrap_or_default().split(' ')) {
        *bit = word == "true";
    }
    let number = |name| field(block, name).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    // Whether it is masked, the length on the wire tells.
    let (whole, length) = (number("length: "), number("payload length: "));
    let extra = match length {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    let masked = if whole > 0 { whole == length + extra + 4 } else { from == Role::Client };
    let fin = field(block, "final: ") != Some("false");
    builder.frame(from, time, &Frame { fin, reserved, opcode, masked, payload: Payload::Bytes(payload) });
}
