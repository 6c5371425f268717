//! Messages in fragments, with control frames between them, and fragments that belong to no message.

use framewise_proto::Opcode;
use framewise_rules::Rule;

use super::{fails, frames};
use crate::case::{Case, Cut, Due, Frame, Payload, Seen, Step};

const CUTS: [(&str, Cut); 3] =
    [("", Cut::Whole), ("-frame-by-frame", Cut::Frames), ("-byte-by-byte", Cut::Every(1))];

fn first(opcode: Opcode, payload: &str) -> Step {
    Step::Frame(Frame::new(opcode, payload).unfinished())
}

fn middle(payload: &str) -> Step {
    Step::Frame(Frame::new(Opcode::Continuation, payload).unfinished())
}

fn last(payload: &str) -> Step {
    Step::Frame(Frame::new(Opcode::Continuation, payload))
}

fn ping(payload: &str) -> Step {
    Step::Frame(Frame::new(Opcode::Ping, payload))
}

fn text(payload: &str) -> Seen {
    Seen::Text(payload.into())
}

pub(super) fn push(cases: &mut Vec<Case>) {
    legal(cases);
    patterns(cases);
    orphans(cases);
    interleaved(cases);
}

fn legal(cases: &mut Vec<Case>) {
    for (index, (suffix, cut)) in CUTS.into_iter().enumerate() {
        cases.push(
            frames(
                format!("fragments/two{suffix}"),
                "A text message in two fragments comes back whole",
                vec![first(Opcode::Text, "fragment1"), last("fragment2")],
                Due::Answer(vec![text("fragment1fragment2")]),
            )
            .cut(cut)
            .autobahn(format!("5.{}", index + 3)),
        );
        cases.push(
            frames(
                format!("fragments/ping-between{suffix}"),
                "A Ping between two fragments is answered before the message comes back",
                vec![first(Opcode::Text, "fragment1"), ping("ping payload"), last("fragment2")],
                Due::Answer(vec![Seen::Pong(b"ping payload".to_vec()), text("fragment1fragment2")]),
            )
            .cut(cut)
            .autobahn(format!("5.{}", index + 6)),
        );
    }
    for (name, cut, number) in [("", Cut::Whole, "5.19"), ("-frame-by-frame", Cut::Frames, "5.20")] {
        cases.push(
            frames(
                format!("fragments/five-with-two-pings{name}"),
                "Each Ping between five fragments is answered at once, and the message comes back whole",
                vec![
                    first(Opcode::Text, "fragment1"),
                    middle("fragment2"),
                    ping("pongme 1!"),
                    Step::Settle,
                    middle("fragment3"),
                    middle("fragment4"),
                    ping("pongme 2!"),
                    last("fragment5"),
                ],
                Due::Answer(vec![
                    Seen::Pong(b"pongme 1!".to_vec()),
                    Seen::Pong(b"pongme 2!".to_vec()),
                    text("fragment1fragment2fragment3fragment4fragment5"),
                ]),
            )
            .cut(cut)
            .autobahn(number),
        );
    }
}

/// A message of 16 bytes in every pattern of up to four fragments, empty ones among them, with and without Pongs between.
fn patterns(cases: &mut Vec<Case>) {
    let payload = "0123456789abcdef";
    for (kind, opcode) in [("text", Opcode::Text), ("binary", Opcode::Binary)] {
        for places in [
            [0, 0, 0],
            [0, 0, 16],
            [0, 8, 16],
            [0, 16, 16],
            [16, 16, 16],
            [1, 2, 3],
            [4, 8, 12],
            [5, 5, 11],
            [13, 14, 15],
            [8, 8, 8],
        ] {
            for between in [false, true] {
                let pieces = [
                    &payload[..places[0]],
                    &payload[places[0]..places[1]],
                    &payload[places[1]..places[2]],
                    &payload[places[2]..],
                ];
                let mut steps = Vec::new();
                for (index, piece) in pieces.into_iter().enumerate() {
                    let opcode = if index == 0 { opcode } else { Opcode::Continuation };
                    let frame = Frame::new(opcode, piece);
                    steps.push(Step::Frame(if index < 3 { frame.unfinished() } else { frame }));
                    if between && index < 3 {
                        steps.push(Step::Frame(Frame::new(Opcode::Pong, "between")));
                    }
                }
                let due = if opcode == Opcode::Text {
                    Seen::Text(payload.into())
                } else {
                    Seen::Binary(payload.into())
                };
                let with = if between { "-with-pongs" } else { "" };
                let [a, b, c] = places;
                for (suffix, cut) in CUTS {
                    cases.push(
                        frames(
                            format!("fragments/pattern/{kind}-{a}-{b}-{c}{with}{suffix}"),
                            format!("A {kind} message in four fragments, cut at {a}, {b} and {c}, comes back whole"),
                            steps.clone(),
                            Due::Answer(vec![due.clone()]),
                        )
                        .cut(cut),
                    );
                }
            }
        }
    }
}

fn orphans(cases: &mut Vec<Case>) {
    let rule = Rule::ContinuationOrphan;
    let case = |name: String, steps, before| {
        frames(
            name,
            "A continuation frame where no message is open fails the connection",
            steps,
            fails(rule, before),
        )
        .rule(rule)
    };
    let hello = || Step::Frame(Frame::new(Opcode::Text, "Hello, world!"));
    for (index, (suffix, cut)) in CUTS.into_iter().enumerate() {
        let finished = vec![last("non-continuation payload"), hello()];
        cases.push(
            case(format!("fragments/orphan/finished{suffix}"), finished, vec![])
                .cut(cut)
                .autobahn(format!("5.{}", index + 9)),
        );
        let open = vec![middle("non-continuation payload"), hello()];
        cases.push(
            case(format!("fragments/orphan/unfinished{suffix}"), open, vec![])
                .cut(cut)
                .autobahn(format!("5.{}", index + 12)),
        );
    }
    let after = vec![
        first(Opcode::Text, "fragment1"),
        last("fragment2"),
        middle("fragment3"),
        Step::Frame(Frame::new(Opcode::Text, "fragment4")),
    ];
    cases.push(
        case("fragments/orphan/after-a-message".into(), after, vec![text("fragment1fragment2")])
            .autobahn("5.15"),
    );
    for (name, opens, number) in [("open", middle("fragment1"), "5.16"), ("whole", last("fragment1"), "5.17")]
    {
        let steps = vec![opens, first(Opcode::Text, "fragment2"), last("fragment3")];
        cases.push(case(format!("fragments/orphan/{name}-before-a-message"), steps, vec![]).autobahn(number));
    }
    cases.push(case("fragments/orphan/empty".into(), vec![last("")], vec![]));
}

fn interleaved(cases: &mut Vec<Case>) {
    let rule = Rule::DataInterleaved;
    for (opened, a) in [("text", Opcode::Text), ("binary", Opcode::Binary)] {
        for (came, b) in [("text", Opcode::Text), ("binary", Opcode::Binary)] {
            for (fin, word) in [(true, "whole"), (false, "unfinished")] {
                let mut second = Frame::new(b, "fragment2");
                second.fin = fin;
                let case = frames(
                    format!("fragments/interleaved/{came}-{word}-inside-{opened}"),
                    format!("A new {came} frame inside a {opened} message fails the connection"),
                    vec![first(a, "fragment1"), Step::Frame(second)],
                    fails(rule, vec![]),
                )
                .rule(rule);
                let numbered = a == Opcode::Text && b == Opcode::Text && fin;
                cases.push(if numbered { case.autobahn("5.18") } else { case });
            }
        }
    }
    let empty = vec![first(Opcode::Text, ""), Step::Frame(Frame::new(Opcode::Text, Payload::from("")))];
    cases.push(
        frames(
            "fragments/interleaved/empty-inside-empty",
            "A new empty frame inside an empty message fails the connection",
            empty,
            fails(rule, vec![]),
        )
        .rule(rule),
    );
}
