//! Pings, Pongs, and what a control frame may be.

use framewise_proto::Opcode;
use framewise_rules::Rule;

use super::{fails, frames};
use crate::case::{Case, Cut, Due, Frame, Level, Payload, Seen, Step};

fn ping(payload: impl Into<Payload>) -> Step {
    Step::Frame(Frame::new(Opcode::Ping, payload))
}

fn pong(payload: impl Into<Payload>) -> Step {
    Step::Frame(Frame::new(Opcode::Pong, payload))
}

pub(super) fn push(cases: &mut Vec<Case>) {
    pings(cases);
    pongs(cases);
    too_long(cases);
    fragmented(cases);
}

fn pings(cases: &mut Vec<Case>) {
    let payloads: [(&str, Vec<u8>, Option<&str>); 8] = [
        ("empty", vec![], Some("2.1")),
        ("text", b"Hello, world!".to_vec(), Some("2.2")),
        ("binary", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff".to_vec(), Some("2.3")),
        ("125-bytes", vec![0xfe; 125], Some("2.4")),
        ("1-byte", vec![0], None),
        ("124-bytes", vec![0; 124], None),
        ("invalid-utf8", vec![0xc0, 0x80], None),
        ("a-frame", b"\x88\x02\x03\xea".to_vec(), None),
    ];
    for (name, payload, number) in payloads {
        let case = |name: String| {
            frames(
                name,
                "A Ping is answered with a Pong that has the same payload",
                vec![ping(payload.clone())],
                Due::Answer(vec![Seen::Pong(payload.clone())]),
            )
            .rule(Rule::PingUnanswered)
        };
        let whole = case(format!("control/ping/{name}"));
        cases.push(match number {
            Some(number) => whole.autobahn(number),
            None => whole,
        });
        let chopped = case(format!("control/ping/{name}-byte-by-byte")).cut(Cut::Every(1));
        cases.push(if name == "125-bytes" { chopped.autobahn("2.6") } else { chopped });
    }
    for (name, cut, number) in [("ten", Cut::Whole, "2.10"), ("ten-byte-by-byte", Cut::Every(1), "2.11")] {
        let payloads: Vec<_> = (0..10).map(|index| format!("payload-{index}").into_bytes()).collect();
        let steps = payloads.iter().map(|payload| ping(payload.clone())).collect();
        // §5.5.3: an endpoint "MAY elect to send a Pong frame for only the most recently processed Ping frame".
        let case = frames(
            format!("control/ping/{name}"),
            "Ten Pings in a row are answered with ten Pongs",
            steps,
            Due::Answer(payloads.into_iter().map(Seen::Pong).collect()),
        );
        cases.push(case.level(Level::May).cut(cut).autobahn(number));
    }
}

fn pongs(cases: &mut Vec<Case>) {
    let close = || Step::Frame(Frame::new(Opcode::Close, b"\x03\xe8"));
    for (name, payload, number) in
        [("empty", &b""[..], "2.7"), ("with-payload", b"unsolicited pong payload", "2.8")]
    {
        let due = Due::Close { before: vec![], codes: vec![1000, 1005] };
        cases.push(
            frames(
                format!("control/pong/unsolicited-{name}"),
                "A Pong that nobody asked for is not answered",
                vec![pong(payload), close()],
                due,
            )
            .autobahn(number),
        );
    }
    cases.push(
        frames(
            "control/pong/unsolicited-then-ping",
            "A Pong that nobody asked for is not answered, and the Ping after it is",
            vec![pong("unsolicited pong payload"), ping("ping payload")],
            Due::Answer(vec![Seen::Pong(b"ping payload".to_vec())]),
        )
        .autobahn("2.9"),
    );
    cases.push(frames(
        "control/pong/125-bytes",
        "A Pong of 125 bytes is legal",
        vec![pong(vec![0xfe; 125])],
        Due::Accept,
    ));
}

fn too_long(cases: &mut Vec<Case>) {
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        for size in [126, 127, 65_535, 65_536] {
            let mut payload = vec![0xfe; size];
            if opcode == Opcode::Close {
                payload = vec![b'*'; size];
                payload[..2].copy_from_slice(&1000_u16.to_be_bytes());
            }
            let mut case = frames(
                format!("control/too-long/{opcode}-{size}"),
                format!("A {opcode} frame of {size} bytes fails the connection"),
                vec![Step::Frame(Frame::new(opcode, payload))],
                fails(Rule::ControlTooLong, vec![]),
            )
            .rule(Rule::ControlTooLong);
            if size == 126 && opcode == Opcode::Ping {
                case = case.autobahn("2.5");
            }
            if size == 126 && opcode == Opcode::Close {
                case = case.autobahn("7.3.6");
            }
            cases.push(case);
        }
    }
}

fn fragmented(cases: &mut Vec<Case>) {
    for (opcode, number) in [(Opcode::Ping, Some("5.1")), (Opcode::Pong, Some("5.2")), (Opcode::Close, None)]
    {
        let first: Payload =
            if opcode == Opcode::Close { Payload::from(b"\x03\xe8") } else { "fragment1".into() };
        let case = |name: String, steps| {
            frames(
                name,
                format!("A {opcode} frame without FIN fails the connection"),
                steps,
                fails(Rule::ControlFragmented, vec![]),
            )
            .rule(Rule::ControlFragmented)
        };
        let two = vec![
            Step::Frame(Frame::new(opcode, first.clone()).unfinished()),
            Step::Frame(Frame::new(Opcode::Continuation, "fragment2")),
        ];
        let whole = case(format!("control/fragmented/{opcode}"), two);
        cases.push(match number {
            Some(number) => whole.autobahn(number),
            None => whole,
        });
        cases.push(case(
            format!("control/fragmented/{opcode}-alone"),
            vec![Step::Frame(Frame::new(opcode, first.clone()).unfinished())],
        ));
        cases.push(case(
            format!("control/fragmented/{opcode}-empty"),
            vec![Step::Frame(Frame::new(opcode, "").unfinished())],
        ));
        cases.push(case(
            format!("control/fragmented/{opcode}-inside-a-message"),
            vec![
                Step::Frame(Frame::new(Opcode::Text, "a").unfinished()),
                Step::Frame(Frame::new(opcode, first).unfinished()),
            ],
        ));
    }
}
