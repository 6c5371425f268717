//! What stays unfinished: requests, frames, closings. How long an endpoint waits is its own affair, and recorded; that it
//! accepts what is not complete, or does not end TCP, is not.

use framewise_proto::Opcode;
use framewise_rules::Rule;

use super::{fails, frames, handshake};
use crate::case::{Case, Cut, Due, DueStatus, Frame, Level, Of, Seen, Step, Work};

pub(super) fn push(cases: &mut Vec<Case>) {
    requests(cases);
    half_closed(cases);
    unanswered(cases);
}

/// A request that ends too early, with and without the end of this direction.
fn requests(cases: &mut Vec<Case>) {
    let plain = handshake::plain();
    let last = plain.len() - 2;
    for (name, at) in [
        ("nothing", 0),
        ("one-byte", 1),
        ("request-line", 21),
        ("half-the-head", 80),
        ("no-empty-line", last),
    ] {
        for (suffix, eof, then, rule) in [
            ("", false, "and then silence", Rule::RequestTimeout),
            ("-then-end", true, "and then the end of this direction", Rule::RequestTruncated),
        ] {
            // RFC 6455 §4.2.2: the server sends the response when it "wishes to accept" the handshake that came, and RFC 9112
            // §8 lets it answer an incomplete request with an error alone.
            let mut case = handshake::case(
                format!("time/unfinished-request/{name}{suffix}"),
                format!("{at} bytes of a request, {then}: the server does not accept it"),
                plain[..at].to_vec(),
                DueStatus::NotAccept,
            )
            .rule(rule);
            if let Work::Request { end, .. } = &mut case.work {
                *end = eof;
            }
            cases.push(case);
        }
    }
}

fn text(payload: &str) -> Step {
    Step::Frame(Frame::new(Opcode::Text, payload))
}

/// This end shuts its direction. RFC 6455 says nothing of a connection that is open in one direction.
fn half_closed(cases: &mut Vec<Case>) {
    let ping = || Step::Frame(Frame::new(Opcode::Ping, "a"));
    let close = || Step::Frame(Frame::new(Opcode::Close, b"\x03\xe8"));
    let halves: [(&str, Vec<Step>); 5] = [
        ("after-a-message", vec![text("Hello"), Step::Eof]),
        ("after-an-echo", vec![text("Hello"), Step::Settle, Step::Eof]),
        ("after-a-ping", vec![ping(), Step::Eof]),
        ("after-a-pong", vec![Step::Frame(Frame::new(Opcode::Pong, "a")), Step::Eof]),
        ("inside-a-mask", vec![Step::Bytes(vec![0x81, 0x85, 1, 2]), Step::Eof]),
    ];
    for (name, steps) in halves {
        let says = "This end shuts its direction without a Close frame: what the endpoint does";
        let case = frames(format!("time/half-close/{name}"), says, steps, Due::Observe);
        cases.push(case.level(Level::Observe));
    }
    // RFC 6455 §5.5.1: "Upon receiving such a frame, the other peer sends a Close frame in response". The Close came before
    // the end of the stream.
    for (name, steps, before) in [
        ("after-a-close", vec![close(), Step::Eof], vec![]),
        (
            "after-an-echo-and-a-close",
            vec![text("Hello"), Step::Settle, close(), Step::Eof],
            vec![Seen::Text("Hello".into())],
        ),
    ] {
        let says = "A Close frame is answered although this end closes its direction after it";
        let due = Due::Close { before, codes: vec![1000, 1005] };
        let case = frames(format!("time/half-close/{name}"), says, steps, due).rule(Rule::CloseUnanswered);
        // An endpoint that sees the end first may take it for the loss of the connection.
        cases.push(case.level(Level::Should));
    }
}

/// Nothing more comes from this end: the endpoint has to come to an end by itself.
fn unanswered(cases: &mut Vec<Case>) {
    let half = || Frame { claims: Some(10), ..Frame::new(Opcode::Text, "half") };
    let silent: [(&str, Vec<Step>); 4] = [
        ("frame", vec![Step::Frame(half()), Step::Mute]),
        ("header", vec![Step::Bytes(vec![0x81]), Step::Mute]),
        ("message", vec![Step::Frame(Frame::new(Opcode::Text, "half").unfinished()), Step::Mute]),
        ("nothing", vec![Step::Mute]),
    ];
    for (name, steps) in silent {
        let says = "Something unfinished, and then silence: what the endpoint does";
        let case = frames(format!("time/silence/after-{name}"), says, steps, Due::Observe);
        cases.push(case.level(Level::Observe));
    }
    // RFC 6455 §7.1.7: an endpoint that fails the connection closes it; it need not wait for an answer to its Close.
    let steps = vec![Step::Mute, Step::Frame(Frame::new(Opcode::Reserved(3), ""))];
    let case = frames(
        "time/failing-close-unanswered",
        "The Close frame that fails the connection is not answered: whether the endpoint ends TCP by itself",
        steps.clone(),
        Due::Observe,
    );
    cases.push(Case { of: Of::Server, ..case.level(Level::Observe) });
    // RFC 6455 §7.1.1: the server ends TCP first; this end does not.
    for (name, steps) in [("close", vec![]), ("message-and-close", vec![text("Hello"), Step::Settle])] {
        let before = if steps.is_empty() { vec![] } else { vec![Seen::Text("Hello".into())] };
        let mut steps = steps;
        steps.push(Step::Frame(Frame::new(Opcode::Close, b"\x03\xe8")));
        let due = Due::Close { before, codes: vec![1000, 1005] };
        let says = "After the Close frames the server ends TCP, without waiting for this end to do it";
        let case =
            frames(format!("time/tcp-ends-after-{name}"), says, steps, due).rule(Rule::CloseTcpLingering);
        cases.push(Case { of: Of::Server, ..case });
    }
    let slow = frames(
        "time/fault-byte-by-byte",
        "A frame with a reserved opcode that comes byte by byte fails the connection",
        vec![Step::Frame(Frame::new(Opcode::Reserved(11), "late"))],
        fails(Rule::OpcodeReservedControl, vec![]),
    );
    cases.push(slow.rule(Rule::OpcodeReservedControl).cut(Cut::Every(1)));
}
