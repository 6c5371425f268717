//! A message in one frame that arrives whole is read a shorter way: both ways see the same.

use framewise_inspect::report::Finding;
use framewise_inspect::{Endpoints, Observed, Observer};
use framewise_proto::frame::LengthForm;
use framewise_proto::{Header, Opcode};
use framewise_rules::{Limits, Role, Rule, Setup};

use crate::robust::Random;

type Frame = (u64, u64, Header, Vec<u8>);
type Found = (Option<Rule>, u64, u64, Option<u64>, Option<u64>, Vec<Rule>, String);

fn found(finding: Finding) -> Found {
    let Finding { rule, offset, length, frame, message, also, says, .. } = finding;
    (rule, offset, length, frame, message, also, says)
}

/// What is seen of a stream that arrives in pieces of this size.
fn seen(endpoints: Endpoints, from: Role, stream: &[u8], piece: usize) -> (Vec<Frame>, Vec<Found>) {
    let mut observer = Observer::new(endpoints);
    let leg = observer.leg("client-server");
    observer.open(leg, "permessage-deflate");
    let mut frames = Vec::new();
    for bytes in stream.chunks(piece) {
        observer.bytes(leg, from, None, bytes);
        while let Some(observed) = observer.poll_observed() {
            if let Observed::Frame { offset, number, header, payload, .. } = observed {
                frames.push((offset, number, header, payload));
            }
        }
    }
    (frames, observer.finish().findings.into_iter().map(found).collect())
}

/// Appends a frame: mostly a legal message, sometimes anything else.
fn push(stream: &mut Vec<u8>, from: Role, random: &mut Random) {
    let mut of = |many: u64| random.next() % many;
    let opcode = match of(24) {
        0 => Opcode::Ping,
        1 => Opcode::Continuation,
        2 if of(8) == 0 => Opcode::Close,
        2 => Opcode::Pong,
        3..12 => Opcode::Binary,
        _ => Opcode::Text,
    };
    let length = match of(12) {
        0 => 0,
        1 => 125 + of(3),
        2 => 254 + of(5),
        3 if of(8) == 0 => 65_534 + of(4),
        3 => 1000,
        _ => of(40),
    };
    let length = if opcode.is_control() { length.min(125) } else { length };
    let key = (random.next() as u32).to_be_bytes();
    let mut of = |many: u64| random.next() % many;
    let masked = (from == Role::Client) != (of(200) == 0);
    let mut header = Header::new(opcode, length, masked.then_some(key));
    header.fin = of(12) != 0 || opcode.is_control();
    header.rsv1 = of(300) == 0;
    if of(200) == 0 && header.form == LengthForm::Seven {
        header.form = LengthForm::Sixteen;
    }
    let (bytes, size) = header.encode();
    stream.extend_from_slice(&bytes[..size]);
    let start = stream.len();
    // "é" now and then at the end, cut or whole.
    let bad = of(60) == 0;
    for at in 0..length {
        let last = at + 1 == length;
        stream.push(match of(if last { 6 } else { 400 }) {
            0 if bad => 0xc3,
            1 if bad => 0xff,
            _ => b'a' + of(26) as u8,
        });
    }
    if masked {
        framewise_simd::unmask(&mut stream[start..], key, 0);
    }
}

#[test]
fn what_arrives_whole_is_seen_as_what_arrives_in_pieces() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let limits = Limits::DEFAULT.frame(65_535).message(65_535);
    let limited = Endpoints::from(Setup { limits, ..Setup::DEFAULT });
    let (mut frames, mut faults) = (0, 0);
    for round in 0..50 {
        let from = if round % 2 == 0 { Role::Client } else { Role::Server };
        let mut stream = Vec::new();
        for _ in 0..30 {
            push(&mut stream, from, &mut random);
        }
        for endpoints in [Endpoints::UNKNOWN, limited] {
            let whole = seen(endpoints, from, &stream, usize::MAX);
            frames += whole.0.len();
            faults += whole.1.len();
            for piece in [1, 131] {
                let cut = seen(endpoints, from, &stream, piece);
                assert_eq!(whole.0, cut.0, "round {round}, pieces of {piece}");
                assert_eq!(whole.1, cut.1, "round {round}, pieces of {piece}");
            }
        }
    }
    assert!(frames > 2_000 && faults > 100, "{frames} frames, {faults} findings");
}

/// A caller who shows no frames is given none, and all findings.
#[test]
fn without_frames_only_findings_are_seen() {
    let stream = b"\x82\x02ab\x89\x00\x81\x01\xff\x82\x00";
    let seen = |observer: Observer| {
        let mut observer = observer;
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        observer.bytes(leg, Role::Server, None, stream);
        let mut rules = Vec::new();
        let mut frames = 0;
        while let Some(observed) = observer.poll_observed() {
            match observed {
                Observed::Frame { .. } => frames += 1,
                Observed::Finding(finding) => rules.push(finding.finding().rule),
                Observed::Head { .. } | _ => {}
            }
        }
        (frames, rules)
    };
    let rules = vec![Some(Rule::TextInvalidUtf8)];
    assert_eq!(seen(Observer::new(Endpoints::UNKNOWN)), (4, rules.clone()));
    assert_eq!(seen(Observer::new(Endpoints::UNKNOWN).without_frames()), (0, rules));
}
