//! A message in one frame that is complete takes a short path; everything else takes a long one. They cannot disagree: what is
//! received does not depend on how the bytes are cut, and so not on the path.

use std::time::Duration;

use framewise_proto::frame::LengthForm;
use framewise_proto::rules::{Limits, MessageKinds, Role};
use framewise_proto::{Config, Connection, Event, Header, MessageKind, Opcode, Strictness, Violation};

/// What was received; parts of a message are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message(MessageKind, Vec<u8>),
    Control(Opcode, Vec<u8>),
    Tolerated(Box<Violation>),
    Ended(Box<Violation>),
}

/// Which methods take the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Receive,
    ReceiveWhole,
}

struct Receiving {
    engine: Connection,
    kept: Vec<u8>,
    /// The parts of a message so far.
    part: Vec<u8>,
    seen: Vec<Seen>,
}

impl Receiving {
    fn new(sender: Role, config: Config) -> Self {
        let engine = match sender {
            Role::Client => Connection::server(config, 0, Duration::ZERO),
            Role::Server => Connection::client(config, Box::new(|| [1, 2, 3, 4]), 0, Duration::ZERO),
        };
        Self { engine, kept: Vec::new(), part: Vec::new(), seen: Vec::new() }
    }

    fn take(&mut self, bytes: &[u8], by: By) {
        self.kept.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let before = self.kept[at..].to_vec();
            if by == By::ReceiveWhole {
                if let Some((consumed, payload)) =
                    self.engine.receive_whole(Duration::ZERO, &mut self.kept[at..])
                {
                    self.seen.push(Seen::Message(payload.kind(), payload.to_vec()));
                    at += consumed;
                    continue;
                }
                if let Some(Event::Violation(violation)) = self.engine.poll_event() {
                    self.seen.push(Seen::Ended(violation));
                    self.kept.clear();
                    return;
                }
                assert_eq!(before, self.kept[at..], "bytes that are not consumed are not changed");
            }
            let (consumed, event) = self.engine.receive(Duration::ZERO, &mut self.kept[at..]);
            at += consumed;
            match event {
                None => break,
                Some(Event::Data { payload, first, last }) => {
                    assert_eq!(first, self.part.is_empty());
                    self.part.extend_from_slice(&payload);
                    if last {
                        self.seen.push(Seen::Message(payload.kind(), std::mem::take(&mut self.part)));
                    }
                }
                Some(Event::Ping(payload)) => self.seen.push(Seen::Control(Opcode::Ping, payload.to_vec())),
                Some(Event::Pong(payload)) => self.seen.push(Seen::Control(Opcode::Pong, payload.to_vec())),
                Some(Event::Close(close)) => {
                    let code = close.map_or_else(Vec::new, |close| close.code.0.to_be_bytes().to_vec());
                    self.seen.push(Seen::Control(Opcode::Close, code));
                }
                Some(Event::Tolerated(violation)) => self.seen.push(Seen::Tolerated(violation)),
                Some(Event::Violation(violation)) => self.seen.push(Seen::Ended(violation)),
                Some(other) => panic!("{other:?}"),
            }
        }
        self.kept.drain(..at);
    }

    /// What was seen, and what is written.
    fn done(mut self) -> (Vec<Seen>, Vec<u8>) {
        let mut written = Vec::new();
        while let Some(transmit) = self.engine.poll_transmit() {
            written.extend(transmit.into_vec());
        }
        (self.seen, written)
    }
}

/// xorshift: the same bytes in every run.
struct Random(u64);

impl Random {
    fn of(&mut self, many: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % many
    }
}

/// A frame: mostly a legal message, sometimes anything else.
fn frame(sender: Role, random: &mut Random) -> Vec<u8> {
    let opcode = match random.of(24) {
        0 => Opcode::Ping,
        1 | 2 => Opcode::Continuation,
        3 if random.of(3) == 0 => Opcode::Close,
        3 => Opcode::Pong,
        4 if random.of(6) == 0 => Opcode::Reserved(3),
        4..12 => Opcode::Binary,
        _ => Opcode::Text,
    };
    let length = match random.of(8) {
        0 => 0,
        1 if !opcode.is_control() => 124 + random.of(5),
        2 if !opcode.is_control() => 255 + random.of(3),
        3 if !opcode.is_control() && random.of(10) == 0 => 65_534 + random.of(4),
        _ => random.of(24),
    };
    let key = [random.of(256) as u8, random.of(256) as u8, random.of(256) as u8, random.of(256) as u8];
    let masked = (sender == Role::Client) != (random.of(60) == 0);
    let mut header = Header::new(opcode, length, masked.then_some(key));
    header.fin = opcode.is_control() || random.of(8) != 0;
    header.rsv1 = random.of(100) == 0;
    header.rsv3 = random.of(100) == 0;
    if random.of(60) == 0 {
        header.form = if random.of(2) == 0 { LengthForm::SixtyFour } else { LengthForm::Sixteen };
    }
    let (bytes, size) = header.encode();
    let mut frame = bytes[..size].to_vec();
    let odd = random.of(20) == 0;
    for at in 0..length {
        let last = at + 1 == length;
        let byte = match random.of(if last { 3 } else { 30 }) {
            0 if odd && opcode != Opcode::Close => 0xc3,
            1 if odd && opcode != Opcode::Close => 0xa9,
            _ if opcode == Opcode::Close && at < 2 => [3, 232][at as usize],
            _ => b'a' + random.of(26) as u8,
        };
        frame.push(byte ^ if masked { key[(at % 4) as usize] } else { 0 });
    }
    frame
}

fn config(random: &mut Random) -> Config {
    let mut limits = Limits::DEFAULT;
    match random.of(6) {
        0 => limits = limits.frame(20),
        1 => limits = limits.message(126),
        2 => limits = limits.fragments(random.of(3) as u32),
        3 => limits = limits.frame(65_535).message(65_536),
        _ => {}
    }
    let mut config = Config::default().limits(limits);
    if random.of(6) == 0 {
        config = config.messages(MessageKinds::TextOnly);
    }
    if random.of(4) == 0 {
        let strictness = Strictness::default().long_lengths(true);
        config = config.strictness(strictness.masked_server_frames(true).unmasked_client_frames(true));
    }
    config
}

#[test]
fn the_short_path_and_the_long_one_receive_the_same() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut messages, mut broken) = (0, 0);
    for round in 0..400 {
        let sender = if round % 2 == 0 { Role::Client } else { Role::Server };
        let config = config(&mut random);
        let stream: Vec<u8> = (0..=random.of(12)).flat_map(|_| frame(sender, &mut random)).collect();
        let received = |pieces: &[&[u8]], by: By| {
            let mut receiving = Receiving::new(sender, config.clone());
            for piece in pieces {
                receiving.take(piece, by);
            }
            receiving.done()
        };
        // One byte at a time no payload is ever complete with its header.
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let expected = received(&bytes, By::Receive);
        messages += expected.0.iter().filter(|seen| matches!(seen, Seen::Message(..))).count();
        broken += expected.0.iter().filter(|seen| matches!(seen, Seen::Ended(..))).count();
        for by in [By::Receive, By::ReceiveWhole] {
            let step = if stream.len() > 2000 { 997 } else { 1 };
            for cut in (0..=stream.len()).step_by(step) {
                let (first, rest) = stream.split_at(cut);
                assert_eq!(received(&[first, rest], by), expected, "round {round}, cut at {cut}, {by:?}");
            }
        }
    }
    assert!(messages > 500 && broken > 200, "{messages} messages, {broken} violations");
}
