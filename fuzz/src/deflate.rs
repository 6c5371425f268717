//! permessage-deflate: messages arrive as they were sent, whatever was agreed. An arbitrary payload is inflated within
//! the limit or refused, with the same result however it is cut.

use std::time::Duration;

use framewise_proto::deflate::{Context, DeflateAgreement, DeflateConfig};
use framewise_proto::extension::parse_extensions;
use framewise_proto::{Config, Connection, Header, MessageKind, Opcode};
use framewise_rules::{Limits, Role};

use crate::engine::{AGREEMENTS, Flags, Run, Seen};
use crate::input::{Cut, Input};

const NOW: Duration = Duration::ZERO;

/// The properties.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let agreed = AGREEMENTS[1 + usize::from(choice >> 1) % 3];
    if choice & 1 == 0 { round_trip(choice, agreed, input) } else { hostile(agreed, input) }
}

/// Messages arrive as they were sent.
fn round_trip(choice: u8, agreed: &str, mut input: Input<'_>) {
    let agreement = parse_extensions(agreed).as_deref().and_then(DeflateAgreement::in_response);
    let agreement = agreement.expect("the agreements are valid");
    let deflate = DeflateConfig::default()
        .level(1 + input.byte() % 9)
        .threshold(usize::from(input.byte() % 32))
        .context(if choice & 0x10 == 0 { Context::Kept } else { Context::Shared });
    let config = Config::default().deflate(deflate).limits(Limits::DEFAULT);
    let keys = Box::new(|| [9, 8, 7, 6]);
    let mut client = Connection::client(config.clone(), keys, 0, NOW).with_deflate(&agreement);
    let server = Connection::server(config, 0, NOW).with_deflate(&agreement);
    let mut sent = Vec::new();
    let mut written = Vec::new();
    while !input.rest().is_empty() && sent.len() < 32 {
        let shape = input.byte();
        let piece = input.take(usize::from(shape >> 2));
        // Repeated, so that compression pays.
        let message = piece.repeat(1 << ((shape & 3) * 2));
        if shape & 4 == 0 {
            client.send_binary(&message).expect("it is open");
        } else {
            client.begin(MessageKind::Binary).expect("no message is open");
            let (first, second) = message.split_at(message.len() / 3);
            client.send_part(first, false).expect("it is open");
            client.send_part(second, true).expect("it is open");
        }
        sent.push(Seen::Message(MessageKind::Binary, message));
        while let Some(transmit) = client.poll_transmit() {
            written.extend(transmit.into_vec());
        }
    }
    let run = Run::of(server, &Cut::Pieces(choice).pieces(&written));
    let messages: Vec<_> = run.seen.into_iter().filter(|seen| matches!(seen, Seen::Message(..))).collect();
    assert_eq!(messages, sent);
}

/// The arbitrary payload, in one frame or two.
fn hostile(agreed: &'static str, mut input: Input<'_>) {
    let flags = Flags { role: Role::Client, agreed, lenient: false, limited: input.byte() & 1 != 0 };
    let mut stream = Vec::new();
    while !input.rest().is_empty() && stream.len() < 4096 {
        let shape = input.byte();
        let payload = input.take(usize::from(shape & 0x7f) + 1);
        let (first, second) =
            payload.split_at(if shape & 0x80 == 0 { payload.len() } else { payload.len() / 2 });
        let header = Header::new(
            if payload.len() & 1 == 0 { Opcode::Text } else { Opcode::Binary },
            first.len() as u64,
            None,
        );
        let frame = |stream: &mut Vec<u8>, header: Header, payload: &[u8]| {
            let (bytes, size) = header.encode();
            stream.extend_from_slice(&bytes[..size]);
            stream.extend_from_slice(payload);
        };
        frame(&mut stream, Header { rsv1: true, fin: second.is_empty(), ..header }, first);
        if !second.is_empty() {
            frame(&mut stream, Header::new(Opcode::Continuation, second.len() as u64, None), second);
        }
    }
    crate::engine::check(&[&[flags.byte(), 1][..], &stream].concat());
    let limit = if flags.limited { 500 } else { 1 << 20 };
    for seen in Run::of(flags.connection(Role::Client), &[&stream]).seen {
        if let Seen::Message(_, message) = seen {
            assert!(message.len() <= limit, "{} bytes, limit {limit}", message.len());
        }
    }
}

/// Messages to send, and the compressed payloads of the examples.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..3)
        .map(|choice| [&[choice << 1, 5, 0][..], b"\xffthe quick brown fox jumps\x0bhello"].concat())
        .collect();
    for (_, open, stream) in crate::seeds::streams() {
        let Some(header) = Header::decode(&stream).filter(|header| header.rsv1 && header.length < 128) else {
            continue;
        };
        let payload = &stream[header.size().min(stream.len())..];
        let payload = &payload[..payload.len().min(header.length as usize)];
        let payload: Vec<u8> =
            payload.iter().zip(header.mask.unwrap_or_default().iter().cycle()).map(|(a, b)| a ^ b).collect();
        let choice = if open.contains("takeover") { 3 } else { 1 };
        if !payload.is_empty() {
            seeds.push([&[choice, 0, payload.len() as u8 - 1][..], &payload].concat());
        }
    }
    seeds
}
