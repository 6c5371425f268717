//! The closing handshake: Close frames right and wrong, what comes after them, and the end of TCP.

use framewise_proto::Opcode;
use framewise_rules::{CloseCode, Rule};

use super::{fails, frames};
use crate::case::{Case, Cut, Due, Frame, Level, Of, Payload, Seen, Step};

/// Half of a surrogate pair in a text.
const BAD_TEXT: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";

fn close(payload: impl Into<Payload>) -> Step {
    Step::Frame(Frame::new(Opcode::Close, payload))
}

fn code(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

fn with_reason(number: u16, reason: &[u8]) -> Vec<u8> {
    [&code(number), reason].concat()
}

fn answered(before: Vec<Seen>, codes: &[u16]) -> Due {
    Due::Close { before, codes: codes.to_vec() }
}

pub(super) fn push(cases: &mut Vec<Case>) {
    order(cases);
    payloads(cases);
    codes(cases);
    reasons(cases);
    ends(cases);
}

/// A Close, and what comes before and after it.
fn order(cases: &mut Vec<Case>) {
    let hello = || Step::Frame(Frame::new(Opcode::Text, "Hello World!"));
    let normal = || close(code(1000));
    cases.push(
        frames(
            "close/after-a-message",
            "A message comes back, and then a Close is answered",
            vec![hello(), Step::Settle, normal()],
            answered(vec![Seen::Text("Hello World!".into())], &[1000, 1005]),
        )
        .autobahn("7.1.1"),
    );
    let after: [(&str, &str, Step, &str); 3] = [
        ("second-close", "A second Close is ignored", close(""), "7.1.2"),
        (
            "ping-after",
            "A Ping after a Close is not answered",
            Step::Frame(Frame::new(Opcode::Ping, "")),
            "7.1.3",
        ),
        ("message-after", "A message after a Close does not come back", hello(), "7.1.4"),
    ];
    for (name, says, step, number) in after {
        cases.push(
            frames(format!("close/{name}"), says, vec![normal(), step], answered(vec![], &[1000, 1005]))
                .rule(Rule::FrameAfterClose)
                .autobahn(number),
        );
    }
    let first = Step::Frame(Frame::new(Opcode::Text, "fragment1").unfinished());
    let second = Step::Frame(Frame::new(Opcode::Continuation, "fragment2"));
    cases.push(
        frames(
            "close/inside-a-message",
            "A Close between two fragments is answered, and the message is given up",
            vec![first, normal(), second],
            // RFC 6455 §5.5.1: "the endpoint typically echos the status code it received"; that a message has no end is a reason
            // for another.
            answered(vec![], &[1000, 1005, 1002]),
        )
        .autobahn("7.1.5"),
    );
    let large = Step::Frame(Frame::new(Opcode::Text, Payload::Repeat(b"BAsd7&jh23", 256 * 1024)));
    cases.push(
        frames(
            "close/after-a-large-message",
            "A message of 256 KiB, another, a Close and a Ping at once: whether the messages come back is up to the endpoint",
            vec![large, hello(), normal(), Step::Frame(Frame::new(Opcode::Ping, ""))],
            Due::Observe,
        )
        .level(Level::Observe)
        .autobahn("7.1.6"),
    );
}

fn payloads(cases: &mut Vec<Case>) {
    type Legal<'c> = (&'static str, Vec<u8>, &'c [u16], Option<&'static str>);
    let legal: [Legal<'_>; 6] = [
        ("empty", vec![], &[1005, 1000], Some("7.3.1")),
        ("code", code(1000), &[1000, 1005], Some("7.3.3")),
        ("reason", with_reason(1000, b"Hello World!"), &[1000, 1005], Some("7.3.4")),
        ("longest-reason", with_reason(1000, &[b'*'; 123]), &[1000, 1005], Some("7.3.5")),
        ("reason-of-longer-characters", with_reason(1000, "größer 😀".as_bytes()), &[1000, 1005], None),
        (
            "longest-reason-of-longer-characters",
            with_reason(1000, "é".repeat(61).as_bytes()),
            &[1000, 1005],
            None,
        ),
    ];
    for (name, payload, codes, number) in legal {
        for (suffix, cut) in [("", Cut::Whole), ("-byte-by-byte", Cut::Every(1))] {
            let case = frames(
                format!("close/payload/{name}{suffix}"),
                "A Close frame is answered with a Close frame, and TCP ends",
                vec![close(payload.clone())],
                answered(vec![], codes),
            )
            .cut(cut)
            .rule(Rule::CloseUnanswered);
            cases.push(match number.filter(|_| suffix.is_empty()) {
                Some(number) => case.autobahn(number),
                None => case,
            });
        }
    }
    for byte in [0, 3, 0x61, 0xff] {
        let case = frames(
            format!("close/payload/one-byte-{byte:02x}"),
            "A Close frame of one byte fails the connection",
            vec![close(vec![byte])],
            fails(Rule::ClosePayloadOneByte, vec![]),
        )
        .rule(Rule::ClosePayloadOneByte);
        cases.push(if byte == 0x61 { case.autobahn("7.3.2") } else { case });
    }
}

/// Codes at each boundary of the registry's ranges.
fn codes(cases: &mut Vec<Case>) {
    let numbered_valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    let numbered_invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    let mut numbers: Vec<u16> = (0..=4)
        .chain([255, 256, 257, 500, 998, 999])
        .chain(1000..=1020)
        .chain([1100, 1999, 2000, 2001, 2998, 2999, 3000, 3001, 3500, 3999, 4000, 4001, 4100, 4998, 4999])
        .chain([5001, 6000, 9999, 32_767, 32_768, 59_395, 65_534])
        .collect();
    numbers.extend([5000, 65_535]);
    for number in numbers {
        let observed = match number {
            5000 => Some("7.13.1"),
            65_535 => Some("7.13.2"),
            _ => None,
        };
        if let Some(autobahn) = observed {
            cases.push(
                frames(
                    format!("close/code/{number}-observed"),
                    format!("What a Close frame with code {number} is answered with"),
                    vec![close(code(number))],
                    Due::Observe,
                )
                .level(Level::Observe)
                .autobahn(autobahn),
            );
        }
        let sent = CloseCode(number);
        for (suffix, payload) in [("", code(number)), ("-with-reason", with_reason(number, b"because"))] {
            for (cut_name, cut) in [("", Cut::Whole), ("-cut-inside", Cut::At(7))] {
                let name = format!("close/code/{number}{suffix}{cut_name}");
                let steps = vec![close(payload.clone())];
                let plain = suffix.is_empty() && cut_name.is_empty();
                let case = if sent.may_be_sent() {
                    let mut codes = vec![number, 1000, 1005];
                    codes.dedup();
                    let case = frames(
                        name,
                        format!("A Close frame with code {number} is answered"),
                        steps,
                        answered(vec![], &codes),
                    );
                    match numbered_valid.iter().position(|&numbered| numbered == number) {
                        Some(index) if plain => case.autobahn(format!("7.7.{}", index + 1)),
                        Some(_) | None => case,
                    }
                } else {
                    let rule =
                        if sent.is_reserved() { Rule::CloseCodeReserved } else { Rule::CloseCodeInvalid };
                    let says = format!("A Close frame with code {number} fails the connection");
                    let case = frames(name, says, steps, fails(rule, vec![])).rule(rule);
                    match numbered_invalid.iter().position(|&numbered| numbered == number) {
                        Some(index) if plain => case.autobahn(format!("7.9.{}", index + 1)),
                        Some(_) | None => case,
                    }
                };
                cases.push(case.cut(cut));
            }
        }
    }
    // RFC 6455 §5.5.1: "the endpoint typically echos the status code it received".
    for number in [1000, 1001, 3000, 4999] {
        cases.push(
            frames(
                format!("close/code/{number}-is-echoed"),
                format!("The answer to a Close frame with code {number} has the same code"),
                vec![close(code(number))],
                answered(vec![], &[number]),
            )
            .rule(Rule::CloseCodeNotEchoed)
            .level(Level::Should),
        );
    }
}

fn reasons(cases: &mut Vec<Case>) {
    let rule = Rule::CloseReasonInvalidUtf8;
    let faults: [(&str, &[u8], Option<&str>); 6] = [
        ("surrogate", BAD_TEXT, Some("7.5.1")),
        ("lead-ff", b"\xff", None),
        ("lone-continuation", b"ok\x80", None),
        ("overlong", b"\xc0\xaf", None),
        ("incomplete", b"gr\xc3", None),
        ("above-10ffff", b"\xf4\x90\x80\x80", None),
    ];
    for (name, reason, number) in faults {
        for (suffix, cut) in [("", Cut::Whole), ("-byte-by-byte", Cut::Every(1))] {
            let case = frames(
                format!("close/reason/{name}{suffix}"),
                "A Close frame whose reason is not valid UTF-8 fails the connection",
                vec![close(with_reason(1000, reason))],
                fails(rule, vec![]),
            )
            .rule(rule)
            .cut(cut);
            cases.push(match number.filter(|_| suffix.is_empty()) {
                Some(number) => case.autobahn(number),
                None => case,
            });
        }
    }
}

/// TCP ends without a Close: how the endpoint ends then is its own affair. What was incomplete is no message: RFC 6455
/// §6.2 has one delivered when its last frame, with FIN, has been received.
fn ends(cases: &mut Vec<Case>) {
    let half = || Step::Frame(Frame { claims: Some(10), ..Frame::new(Opcode::Text, "half") });
    let message = || Step::Frame(Frame::new(Opcode::Text, "half").unfinished());
    let hello = || Step::Frame(Frame::new(Opcode::Text, "Hello"));
    let echo = || vec![Seen::Text("Hello".into())];
    let halves: [(&str, Vec<Step>, Vec<Seen>, Rule); 7] = [
        ("at-once", vec![], vec![], Rule::CloseMissing),
        ("inside-a-header", vec![Step::Bytes(vec![0x81])], vec![], Rule::HeaderTruncated),
        ("inside-a-payload", vec![half()], vec![], Rule::PayloadTruncated),
        ("inside-a-message", vec![message()], vec![], Rule::CloseMissing),
        (
            "inside-a-header-after-an-echo",
            vec![hello(), Step::Settle, Step::Bytes(vec![0x81])],
            echo(),
            Rule::HeaderTruncated,
        ),
        (
            "inside-a-payload-after-an-echo",
            vec![hello(), Step::Settle, half()],
            echo(),
            Rule::PayloadTruncated,
        ),
        (
            "inside-a-message-after-an-echo",
            vec![hello(), Step::Settle, message()],
            echo(),
            Rule::CloseMissing,
        ),
    ];
    for (name, mut steps, before, rule) in halves {
        steps.push(Step::Eof);
        let says =
            "This end shuts its direction without a Close frame: what was incomplete does not come back";
        let case = frames(format!("close/end-of-tcp/{name}"), says, steps, Due::Lost { before });
        cases.push(Case { of: Of::Both, ..case.rule(rule) });
    }
}
