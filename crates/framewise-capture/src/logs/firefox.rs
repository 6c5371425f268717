//! Firefox's log (`MOZ_LOG=timestamp,nsWebSocket:5`): which frames came and went, with their lengths.

use std::time::Duration;

use framewise_rules::{Role, Rule};

use super::told;
use crate::builder::{Builder, Frame, Payload};
use crate::note::{Note, Notes};
use crate::paste::{Found, time_of_day};
use crate::sink::Source;

/// Sockets of one log: a tab has few.
const MOST: usize = 4096;

#[derive(Default)]
struct Socket {
    id: String,
    url: Option<String>,
    builder: Builder,
    /// The length of the frame that comes in.
    length: u64,
    /// The opcode and the length of what is sent next.
    next: Option<(u8, u64)>,
    /// The last frame that came.
    last: Option<u8>,
}

/// Whether a line is of this log.
pub(super) fn is_line(line: &str) -> bool {
    line.contains("/nsWebSocket WebSocketChannel")
}

pub(super) fn read(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut sockets: Vec<Socket> = Vec::new();
    // Whose input is processed: the lines about a frame do not say it.
    let (mut input, mut output) = (0, 0);
    let mut skipped = 0;
    for line in lines {
        let Some((_, text)) = line.split_once("/nsWebSocket ") else {
            skipped += u64::from(!line.is_empty());
            continue;
        };
        let time = time_of_day(line);
        let Some((method, rest)) =
            text.strip_prefix("WebSocketChannel::").and_then(|text| text.split_once(' '))
        else {
            continue;
        };
        let method = method.trim_end_matches(':').trim_end_matches("()");
        let of = of(rest).and_then(|id| index(&mut sockets, id));
        match method {
            "AsyncOpen" => {
                if let (Some(url), Some(socket)) = (rest.strip_prefix("uri="), sockets.last_mut()) {
                    socket.url = Some(url.to_owned());
                }
            }
            "OnStartRequest" => {
                let status = rest.strip_prefix("HTTP status ").filter(|status| *status != "101");
                if let Some(status) = status {
                    notes.push(Note::Limit(format!(
                        "the server answered with HTTP status {status} instead of 101; the log does not have its head"
                    )));
                }
            }
            "ProcessInput" => {
                input = of.unwrap_or(input);
                let Some(socket) = sockets.get_mut(input) else { continue };
                incoming(socket, rest, time);
            }
            "" => {
                if let Some(socket) = sockets.get_mut(input) {
                    failed(socket, rest);
                }
            }
            "PrimeNewOutgoingMessage" => {
                output = of.unwrap_or(output);
                if let (Some(socket), Some(about)) = (sockets.get_mut(output), rest.split_once("[type=")) {
                    socket.next = outgoing(about.1);
                }
            }
            "OnOutputStreamReady" => {
                output = of.unwrap_or(output);
                let sent = rest
                    .strip_prefix("Try to send ")
                    .and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
                if let (Some(socket), Some(sent)) = (sockets.get_mut(output), sent) {
                    send(socket, sent, time);
                }
            }
            "AbortSession" => {
                let Some(socket) = of.and_then(|of| sockets.get_mut(of)) else { continue };
                // What Firefox does not name, and gives up at.
                if let Some(opcode) = socket.last {
                    let rule = match opcode {
                        3..=7 => Some(Rule::OpcodeReservedData),
                        11..=15 => Some(Rule::OpcodeReservedControl),
                        _ => None,
                    };
                    if let Some(rule) = rule {
                        socket.builder.told(Role::Server, rule);
                    }
                }
            }
            _ => {}
        }
    }
    let found: Vec<Found> = sockets
        .into_iter()
        .filter(|socket| !socket.builder.is_empty())
        .map(|socket| {
            let (mut about, transcript) = socket.builder.finish(Source::Frames);
            about.server = socket.url;
            (about, transcript)
        })
        .collect();
    told("Firefox's log", skipped, notes);
    notes.push(Note::Limit(
        "the log has the kinds and lengths of frames: no payloads, masks, fragments or close codes"
            .to_owned(),
    ));
    found
}

/// The address of the channel, which every line about one begins with.
fn of(rest: &str) -> Option<&str> {
    let id = rest.split([' ', '[', ']']).find(|word| !word.is_empty())?;
    (id.len() >= 6 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

fn index(sockets: &mut Vec<Socket>, id: &str) -> Option<usize> {
    if let Some(at) = sockets.iter().rposition(|socket| socket.id == id) {
        return Some(at);
    }
    if sockets.len() >= MOST {
        return None;
    }
    sockets.push(Socket { id: id.to_owned(), ..Socket::default() });
    Some(sockets.len() - 1)
}

fn incoming(socket: &mut Socket, rest: &str, time: Option<Duration>) {
    if let Some(length) = rest.strip_prefix("payload ") {
        socket.length = length.split(' ').next().and_then(|length| length.parse().ok()).unwrap_or(0);
    } else if let Some(opcode) = rest.strip_prefix("Frame accumulated - opcode ") {
        let Ok(opcode) = opcode.trim().parse::<u8>() else { return };
        socket.last = Some(opcode);
        // Whether it is the last of its message is not said; a reserved opcode is given up at.
        if matches!(opcode, 1 | 2 | 8..=10) {
            let payload = Payload::Missing(socket.length);
            let frame = Frame { payload, ..Frame::whole(Role::Server, opcode, &[]) };
            socket.builder.frame(Role::Server, time, &frame);
        }
    } else if let Some(bits) = rest.strip_prefix("unexpected reserved bits ") {
        let rule = match u8::from_str_radix(bits.trim(), 16).unwrap_or(0) & 0x70 {
            0 => return,
            bits if bits & 0x40 != 0 => Rule::Rsv1Unnegotiated,
            bits if bits & 0x20 != 0 => Rule::Rsv2Set,
            _ => Rule::Rsv3Set,
        };
        socket.builder.told(Role::Server, rule);
    }
}

/// What Firefox gives up at, in its own words.
fn failed(socket: &mut Socket, rest: &str) {
    let rule = match rest.trim() {
        "text frame invalid utf-8" => Rule::TextInvalidUtf8,
        "Client RECEIVING masked frame." => Rule::MaskPresent,
        _ => return,
    };
    socket.builder.told(Role::Server, rule);
}

/// `text len=8]`
fn outgoing(about: &str) -> Option<(u8, u64)> {
    let (kind, length) = about.trim_end_matches(']').split_once(" len=")?;
    let opcode = match kind {
        "text" => 1,
        "binary" | "stream" => 2,
        "close" | "fin" => 8,
        "ping" => 9,
        "pong" => 10,
        _ => return None,
    };
    Some((opcode, length.parse().ok()?))
}

fn send(socket: &mut Socket, sent: u64, time: Option<Duration>) {
    let Some((opcode, length)) = socket.next.take() else { return };
    // Of a Close the log has the length on the wire alone: two bytes of header, four of the key.
    let length = if opcode == 8 { sent.saturating_sub(6).min(125) } else { length };
    let frame = Frame { payload: Payload::Missing(length), ..Frame::whole(Role::Client, opcode, &[]) };
    socket.builder.frame(Role::Client, time, &frame);
}
