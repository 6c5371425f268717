use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::Role;

use super::{SIDES, frame, marker, send};
use crate::end::Step;
use crate::probe::{Group, Probe};
use crate::report::Severity;
use crate::wire::{Frame, pattern};

pub(super) fn early() -> Vec<Probe> {
    let client = || frame(Role::Client, Opcode::Text, "early from the client");
    let server = || frame(Role::Server, Opcode::Text, "early from the server");
    let probe = |name, says: &str, early| {
        let mut probe = Probe::new(Group::Early, name, says);
        probe.early = early;
        probe
    };
    vec![
        probe("server", "a frame in the same segment as the 101 arrives", [vec![], server()])
            .hurts("servers that greet at once: the first message is lost")
            .from(Role::Server, vec![send(&[marker(Role::Server)])], 2),
        probe("client", "a frame in the same segment as the request arrives", [client(), vec![]])
            .hurts("clients that do not wait for the 101")
            .severity(Severity::Warning)
            .from(Role::Client, vec![send(&[marker(Role::Client)])], 2),
    ]
}

pub(super) fn sizes() -> Vec<Probe> {
    const SIZES: &[(usize, &str)] = &[
        (0, "0"),
        (1, "1"),
        (125, "125"),
        (126, "126"),
        (127, "127"),
        (1400, "1400"),
        (1500, "1500"),
        (4086, "4086"),
        (4096, "4096"),
        (4097, "4097"),
        (8192, "8192"),
        (8193, "8193"),
        (16_384, "16384"),
        (16_385, "16385"),
        (32_768, "32768"),
        (65_535, "65535"),
        (65_536, "65536"),
        (65_537, "65537"),
        (131_072, "128k"),
        (262_145, "256k+1"),
        (1_048_576, "1m"),
        (1_048_577, "1m+1"),
        (4_194_305, "4m+1"),
        (16_777_216, "16m"),
        (16_777_217, "16m+1"),
    ];
    let mut probes = Vec::new();
    for from in SIDES {
        for &(size, name) in SIZES {
            let says = format!("a frame of {size} bytes from the {from} arrives");
            let mut probe = Probe::new(Group::Size, format!("{name}-{from}"), says)
                .hurts("applications with messages of this size")
                .from(
                    from,
                    vec![
                        Step::Large { from, opcode: Opcode::Binary, fin: true, size },
                        send(&[marker(from)]),
                    ],
                    2,
                );
            probe.alone = size > 1_000_000;
            probe.deadline += Duration::from_millis(size as u64 / 1000);
            probes.push(probe);
        }
        // A message of 64 MiB in frames of 1 MiB.
        let mut steps = Vec::new();
        for index in 0..64 {
            let opcode = if index == 0 { Opcode::Binary } else { Opcode::Continuation };
            steps.push(Step::Large { from, opcode, fin: index == 63, size: 1 << 20 });
        }
        steps.push(send(&[marker(from)]));
        let says = format!("a message of 64 MiB in frames of 1 MiB from the {from} arrives");
        let mut probe = Probe::new(Group::Size, format!("64m-message-{from}"), says)
            .hurts("applications with large messages")
            .severity(Severity::Warning)
            .from(from, steps, 65);
        probe.alone = true;
        probe.deadline = Duration::from_secs(60);
        probes.push(probe);
    }
    probes
}

pub(super) fn fragments() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        let part = |opcode, text: &str| Frame::new(from, opcode, text).more().bytes();
        let last = |text: &str| frame(from, Opcode::Continuation, text);
        let (text, more) = (Opcode::Text, Opcode::Continuation);
        let rows: Vec<(&str, &str, Vec<Vec<u8>>)> = vec![
            (
                "three",
                "a message in three frames",
                vec![part(text, "one "), part(more, "two "), last("three")],
            ),
            (
                "character",
                "a message cut inside a character",
                vec![Frame::new(from, text, vec![0xe2, 0x82]).more().bytes(), frame(from, more, vec![0xac])],
            ),
            (
                "empty",
                "empty frames around and inside a message",
                vec![frame(from, text, ""), part(text, ""), part(more, "x"), part(more, ""), last("")],
            ),
            (
                "ping-between",
                "a Ping between two fragments",
                vec![part(text, "one "), frame(from, Opcode::Ping, "between"), last("two")],
            ),
            (
                "hundred",
                "a message in a hundred frames",
                (0..100)
                    .map(|index| match index {
                        0 => part(text, "x"),
                        99 => last("x"),
                        _ => part(more, "x"),
                    })
                    .collect(),
            ),
            (
                "many",
                "twenty messages in one segment",
                (0..20).map(|n| frame(from, text, format!("message {n}"))).collect(),
            ),
        ];
        for (name, says, mut frames) in rows {
            frames.push(marker(from));
            let count = frames.len();
            let probe = Probe::new(
                Group::Fragments,
                format!("{name}-{from}"),
                format!("{says} from the {from} arrives as sent"),
            );
            let probe = probe.hurts("receivers that take a frame for a message").severity(Severity::Warning);
            probes.push(probe.from(from, vec![send(&frames)], count));
        }
        let bytes = [frame(from, Opcode::Binary, pattern(200)), marker(from)].concat();
        let says = format!("frames of the {from} in segments of one byte arrive");
        let mut probe = Probe::new(Group::Fragments, format!("bytes-{from}"), says).hurts("slow links");
        probe.deadline = Duration::from_secs(20);
        probes.push(probe.from(from, vec![Step::Cut(bytes, 1)], 2));
    }
    probes
}

pub(super) fn deflate() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        let deflated = |opcode, payload: &[u8]| {
            let mut frame = Frame::new(from, opcode, payload);
            frame.header.rsv1 = true;
            frame.bytes()
        };
        let hello = || frame(from, Opcode::Text, "Hello");
        // RFC 7692 §7.2.3.1: "Hello" compressed. §7.2.3.2: once more, from the history.
        let first = deflated(Opcode::Text, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
        let again = deflated(Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        // 3,000 bytes twice: a window of 1,024 bytes does not reach from the second to the first.
        let twice = [pattern(3000), pattern(3000)].concat();
        let wide = deflated(Opcode::Binary, &stored(&twice));
        let rows = [
            (
                "message",
                "a compressed message",
                "permessage-deflate",
                vec![Step::Message(hello(), first.clone())],
            ),
            (
                "takeover",
                "two compressed messages, the second of which refers to the first,",
                "permessage-deflate",
                vec![Step::Message(hello(), first.clone()), Step::Message(hello(), again)],
            ),
            (
                "no-takeover",
                "two compressed messages without context takeover",
                "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
                vec![Step::Message(hello(), first.clone()), Step::Message(hello(), first.clone())],
            ),
            (
                "window",
                "a compressed message, where a window of 1,024 bytes is agreed,",
                "permessage-deflate; client_max_window_bits=10; server_max_window_bits=10",
                vec![Step::Message(frame(from, Opcode::Binary, twice), wide)],
            ),
        ];
        for (name, what, parameters, mut steps) in rows {
            let messages = steps.len();
            steps.push(send(&[marker(from)]));
            let says = format!("{what} of the {from} arrives with the same content");
            let mut probe = Probe::new(Group::Deflate, format!("{name}-{from}"), says)
                .hurts("endpoints that compress")
                .from(from, steps, messages + 1);
            let agreed = || vec![("Sec-WebSocket-Extensions", parameters.to_owned())];
            (probe.request, probe.response) = (agreed(), agreed());
            probes.push(probe);
        }
    }
    probes
}

/// A message in stored blocks, as RFC 7692 §7.2.3.3 has one.
fn stored(content: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    for block in content.chunks(usize::from(u16::MAX)) {
        let size = u16::try_from(block.len()).unwrap_or_default();
        payload.push(0);
        payload.extend(size.to_le_bytes());
        payload.extend((!size).to_le_bytes());
        payload.extend_from_slice(block);
    }
    payload.push(0);
    payload
}

pub(super) fn pings() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        for (name, opcode, size) in [
            ("ping", Opcode::Ping, 12),
            ("ping-empty", Opcode::Ping, 0),
            ("ping-125", Opcode::Ping, 125),
            ("pong-unsolicited", Opcode::Pong, 12),
        ] {
            let says = format!(
                "a {opcode} of {size} bytes from the {from} arrives, and nobody answers it on the way"
            );
            let probe = Probe::new(Group::Ping, format!("{name}-{from}"), says)
                .hurts("keepalives: they match a Pong to its Ping, and find out whether the other end lives")
                .severity(Severity::Warning);
            let mut probe =
                probe.from(from, vec![send(&[frame(from, opcode, pattern(size)), marker(from)])], 2);
            // A message in return, so that an answer on the way has the time to arrive.
            let back = from.peer();
            let (sender, receiver) = match from {
                Role::Client => (&mut probe.client, &mut probe.server),
                Role::Server => (&mut probe.server, &mut probe.client),
            };
            sender.push(Step::Await(1));
            receiver.push(send(&[marker(back)]));
            probes.push(probe);
        }
    }
    probes
}

pub(super) fn closes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        let mut add = |name: &str, payload: Vec<u8>| {
            let says = format!("a Close {name} from the {from} arrives, and the answer to it");
            let mut probe = Probe::new(Group::Close, format!("{name}-{from}"), says)
                .hurts("applications that act on the code: they see 1006, or another one");
            let steps = vec![send(&[frame(from, Opcode::Close, payload.clone())]), Step::Await(1)];
            let answer = vec![Step::Await(1), send(&[frame(from.peer(), Opcode::Close, payload)])];
            (probe.client, probe.server) = match from {
                Role::Client => (steps, answer),
                Role::Server => (answer, steps),
            };
            probes.push(probe);
        };
        for code in [
            1000_u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
            4999,
        ] {
            // Only a client sends 1010 (RFC 6455 §7.4.1).
            if code != 1010 || from == Role::Client {
                add(&code.to_string(), [&code.to_be_bytes()[..], b"why"].concat());
            }
        }
        add("empty", Vec::new());
        add("long-reason", [&1000_u16.to_be_bytes()[..], "r".repeat(123).as_bytes()].concat());
    }
    probes
}
