//! The details of packets as `tshark -V` prints them: heads, and the header of every frame.

use std::collections::BTreeMap;
use std::time::Duration;

use framewise_rules::Role;

use super::told;
use crate::builder::{Builder, Frame, Payload, seconds};
use crate::note::{Note, Notes};
use crate::paste::{Found, is_request, is_response};
use crate::sink::Source;

/// Connections of one text.
const MOST: usize = 4096;

/// A TCP connection, and the port of its client.
#[derive(Default)]
struct Stream {
    builder: Builder,
    client: Option<u16>,
}

/// The packet that is being read.
#[derive(Default)]
struct Packet {
    time: Option<Duration>,
    source: u16,
    stream: u64,
}

/// Whether a text has packets of this form.
pub(super) fn is_text(lines: &[&str]) -> bool {
    lines.iter().any(|line| line.starts_with("Transmission Control Protocol, Src Port: "))
        && lines.iter().any(|line| *line == "WebSocket" || *line == "Hypertext Transfer Protocol")
}

pub(super) fn read(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut streams: BTreeMap<u64, Stream> = BTreeMap::new();
    let mut packet = Packet::default();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let text = line.trim();
        if line.starts_with("Frame ") {
            packet = Packet::default();
        } else if let Some(epoch) = text.strip_prefix("Epoch Time: ") {
            packet.time = epoch.split(' ').next().and_then(|epoch| epoch.parse().ok()).and_then(seconds);
        } else if let Some(ports) = line.strip_prefix("Transmission Control Protocol, Src Port: ") {
            packet.source = ports.split(',').next().and_then(|port| port.parse().ok()).unwrap_or(0);
        } else if let Some(index) = text.strip_prefix("[Stream index: ") {
            packet.stream = index.trim_end_matches(']').parse().unwrap_or(0);
        } else if matches!(*line, "WebSocket" | "Hypertext Transfer Protocol") {
            let rows = lines[at..].iter().take_while(|row| row.starts_with(' ')).count();
            let block = &lines[at..at + rows];
            at += rows;
            if streams.len() >= MOST && !streams.contains_key(&packet.stream) {
                continue;
            }
            let stream = streams.entry(packet.stream).or_default();
            if *line == "WebSocket" { stream.frame(&packet, block) } else { stream.head(&packet, block) }
        }
    }
    let of_websocket = |stream: &Stream| !stream.builder.is_empty();
    let found = streams.into_values().filter(of_websocket);
    let found = found.map(|stream| stream.builder.finish(Source::Headers)).collect();
    told("tshark -V", 0, notes);
    notes.push(Note::Limit(
        "tshark -V has the headers of frames and their text, not the forms of lengths or how TCP ended; `tshark -w FILE` has \
         every byte"
            .to_owned(),
    ));
    found
}

impl Stream {
    /// A request begins a connection, and says which port is the client's.
    fn head(&mut self, packet: &Packet, block: &[&str]) {
        let mut bytes = Vec::new();
        for row in block {
            let field = row.strip_prefix("    ").filter(|row| !row.starts_with([' ', '[']));
            if let Some(field) = field.and_then(|field| field.strip_suffix("\\r\\n")) {
                bytes.extend_from_slice(field.as_bytes());
                bytes.extend_from_slice(b"\r\n");
            }
        }
        let from = match (is_request(&bytes), is_response(&bytes)) {
            (true, _) => Role::Client,
            (_, true) => Role::Server,
            _ => return,
        };
        if from == Role::Client {
            self.client = Some(packet.source);
        }
        // Its empty line is a row as well, but for a head that the packet cuts.
        if !bytes.ends_with(b"\r\n\r\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        self.builder.head(from, packet.time, bytes);
    }

    fn frame(&mut self, packet: &Packet, block: &[&str]) {
        let field =
            |name: &str| block.iter().find_map(|row| row.split_once(name)).map(|(_, value)| value.trim());
        let number = |text: &str| {
            let digits = text.rsplit_once('(').map_or(text, |(_, digits)| digits.trim_end_matches(')'));
            digits.parse::<u64>().ok()
        };
        let Some(opcode) = field("= Opcode: ").and_then(number) else { return };
        let masked = field("= Mask: ") == Some("True");
        let from = match self.client {
            Some(client) if client == packet.source => Role::Client,
            Some(_) => Role::Server,
            None if masked => Role::Client,
            None => Role::Server,
        };
        let extended = ["Extended Payload length (16 bits): ", "Extended Payload length (64 bits): "];
        let extended = extended.iter().find_map(|name| number(field(name)?));
        let length =
            extended.or_else(|| number(field("= Payload length: ")?.split(' ').next()?)).unwrap_or(0);
        let bits = field("= Reserved: 0x").and_then(|bits| u8::from_str_radix(bits, 16).ok()).unwrap_or(0);
        let payload = match (opcode, field("Status code: ").and_then(number)) {
            (8, Some(code)) => {
                let code = u16::try_from(code).unwrap_or(0).to_be_bytes();
                [&code[..], field("Reason: ").unwrap_or_default().as_bytes()].concat()
            }
            _ => field("Text: ").unwrap_or_default().as_bytes().to_vec(),
        };
        let payload =
            if payload.len() as u64 == length { Payload::Bytes(&payload) } else { Payload::Missing(length) };
        let frame = Frame {
            fin: field("= Fin: ") != Some("False"),
            reserved: [bits & 4 != 0, bits & 2 != 0, bits & 1 != 0],
            opcode: (opcode & 15) as u8,
            masked,
            payload,
        };
        self.builder.frame(from, packet.time, &frame);
    }
}
