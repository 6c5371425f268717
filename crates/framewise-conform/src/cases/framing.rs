//! Frames: lengths and their forms, reserved bits, opcodes, masks.

use framewise_proto::Opcode;
use framewise_proto::frame::LengthForm;
use framewise_rules::Rule;

use super::{fails, frames};
use crate::case::{Case, Cut, Due, Frame, Masking, Of, Payload, Seen, Step};

const HELLO: &str = "Hello, world!";
const BYTES: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";

pub(super) fn push(cases: &mut Vec<Case>) {
    lengths(cases);
    forms(cases);
    reserved_bits(cases);
    opcodes(cases);
    masks(cases);
}

/// The payload's sizes around each boundary of the length's forms.
fn lengths(cases: &mut Vec<Case>) {
    let numbered = [0, 125, 126, 127, 128, 65_535, 65_536];
    let sizes = [
        0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 124, 125, 126, 127, 128, 129, 255,
        256, 1_023, 1_024, 4_095, 4_096, 16_383, 16_384, 32_767, 32_768, 65_534, 65_535, 65_536, 65_537,
        131_072,
    ];
    for (kind, opcode, pattern) in [("text", Opcode::Text, b"*"), ("binary", Opcode::Binary, b"\xfe")] {
        let part = if opcode == Opcode::Text { 1 } else { 2 };
        for size in sizes {
            let payload = Payload::Repeat(pattern, size);
            let case = |name: String, says: String| {
                let step = Step::Frame(Frame::new(opcode, payload.clone()));
                frames(name, says, vec![step], Due::Answer(vec![seen(opcode, payload.clone())]))
            };
            let mut whole = case(
                format!("frame/length/{kind}-{size}"),
                format!("A {kind} message of {size} bytes in one frame comes back"),
            );
            if let Some(index) = numbered.iter().position(|&numbered| numbered == size) {
                whole = whole.autobahn(format!("1.{part}.{}", index + 1));
            }
            cases.push(whole);
            if size <= 256 {
                cases.push(
                    case(
                        format!("frame/length/{kind}-{size}-byte-by-byte"),
                        format!("A {kind} message of {size} bytes, sent byte by byte, comes back"),
                    )
                    .cut(Cut::Every(1)),
                );
                for at in 1..=size.min(10) {
                    cases.push(
                        case(
                            format!("frame/length/{kind}-{size}-cut-at-{at}"),
                            format!("A {kind} message of {size} bytes, cut after byte {at}, comes back"),
                        )
                        .cut(Cut::At(at)),
                    );
                }
            }
        }
        let payload = Payload::Repeat(pattern, 65_536);
        cases.push(
            frames(
                format!("frame/length/{kind}-65536-in-pieces-of-997"),
                format!("A {kind} message of 65,536 bytes, sent in pieces of 997, comes back"),
                vec![Step::Frame(Frame::new(opcode, payload.clone()))],
                Due::Answer(vec![seen(opcode, payload)]),
            )
            .cut(Cut::Every(997))
            .autobahn(format!("1.{part}.8")),
        );
    }
}

fn seen(opcode: Opcode, payload: Payload) -> Seen {
    if opcode == Opcode::Text { Seen::Text(payload) } else { Seen::Binary(payload) }
}

/// Lengths in a longer form than they need, and with the top bit.
fn forms(cases: &mut Vec<Case>) {
    let forms = [
        (LengthForm::Sixteen, Rule::LengthNotMinimal16, "16", &[0_usize, 1, 125][..]),
        (LengthForm::SixtyFour, Rule::LengthNotMinimal64, "64", &[0, 1, 125, 126, 65_535][..]),
    ];
    for (form, rule, bits, sizes) in forms {
        for &size in sizes {
            for opcode in [Opcode::Text, Opcode::Binary, Opcode::Continuation] {
                let mut steps = Vec::new();
                if opcode == Opcode::Continuation {
                    steps.push(Step::Frame(Frame::new(Opcode::Binary, "start").unfinished()));
                }
                let payload = Payload::Repeat(b"a", size);
                steps.push(Step::Frame(Frame { form: Some(form), ..Frame::new(opcode, payload) }));
                let case = frames(
                    format!("frame/form/{opcode}-{size}-in-{bits}-bits"),
                    format!("A length of {size} in {bits} bits fails the connection"),
                    steps,
                    fails(rule, vec![]),
                );
                cases.push(case.rule(rule));
            }
        }
    }
    for claims in [1 << 63, (1 << 63) | 5, u64::MAX] {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let frame = Frame { claims: Some(claims), ..Frame::new(opcode, "") };
            cases.push(
                frames(
                    format!("frame/form/{opcode}-top-bit-{claims:x}"),
                    "A 64-bit length with its top bit set fails the connection",
                    vec![Step::Frame(frame)],
                    top_bit(vec![]),
                )
                .rule(Rule::LengthTopBit),
            );
        }
    }
}

/// RFC 6455 §5.2: "the most significant bit MUST be 0". No sentence gives the code: 1002 says that, and 1009 that such a
/// length is too big.
pub(super) fn top_bit(before: Vec<Seen>) -> Due {
    Due::Fail { codes: vec![1002, 1009], before, late: vec![] }
}

fn rsv_rule(bits: u8) -> Rule {
    match bits {
        4..=7 => Rule::Rsv1Unnegotiated,
        2..=3 => Rule::Rsv2Set,
        _ => Rule::Rsv3Set,
    }
}

/// Each combination of reserved bits on each opcode, without an extension.
fn reserved_bits(cases: &mut Vec<Case>) {
    let text = |bits| Step::Frame(Frame::new(Opcode::Text, HELLO).rsv(bits));
    let first = Seen::Text(HELLO.into());
    let numbered = |index: u8| format!("3.{index}");
    let named = |bits: u8, what: &str| {
        (
            format!("frame/reserved-bits/{what}-{bits}"),
            format!("Reserved bits {bits:03b} on {what} fail the connection"),
        )
    };
    for bits in 1..=7 {
        let rule = rsv_rule(bits);
        let opcodes =
            [Opcode::Text, Opcode::Binary, Opcode::Continuation, Opcode::Close, Opcode::Ping, Opcode::Pong];
        for opcode in opcodes {
            let mut steps = Vec::new();
            if opcode == Opcode::Continuation {
                steps.push(Step::Frame(Frame::new(Opcode::Text, "Hello, ").unfinished()));
            }
            let payload = if opcode == Opcode::Close { Payload::from(b"\x03\xe8") } else { HELLO.into() };
            steps.push(Step::Frame(Frame::new(opcode, payload).rsv(bits)));
            let (name, says) = named(bits, &opcode.to_string());
            let mut case = frames(name, says, steps, fails(rule, vec![])).rule(rule);
            if opcode == Opcode::Text && bits == 1 {
                case = case.autobahn(numbered(1));
            }
            cases.push(case);
        }
        let after = vec![text(0), text(bits), Step::Frame(Frame::new(Opcode::Ping, ""))];
        let (name, says) = named(bits, "the-second-message");
        let case = frames(name, says, after, fails(rule, vec![first.clone()])).rule(rule);
        cases.push(match bits {
            2 => case.autobahn(numbered(2)),
            3 => case.cut(Cut::Frames).autobahn(numbered(3)),
            4 => case.cut(Cut::Every(1)).autobahn(numbered(4)),
            _ => case,
        });
    }
    for (bits, opcode, payload, number) in [
        (5, Opcode::Binary, Payload::from(BYTES), 5),
        (6, Opcode::Binary, HELLO.into(), 6),
        (7, Opcode::Close, "".into(), 7),
    ] {
        let rule = rsv_rule(bits);
        let (name, says) = named(bits, &format!("{opcode}-of-{}-bytes", payload.len()));
        let steps = vec![Step::Frame(Frame::new(opcode, payload).rsv(bits))];
        cases.push(frames(name, says, steps, fails(rule, vec![])).rule(rule).autobahn(numbered(number)));
    }
}

/// Each reserved opcode: alone, with a payload, after a message.
fn opcodes(cases: &mut Vec<Case>) {
    for bits in (3..=7).chain(11..=15) {
        let control = bits > 7;
        let rule = if control { Rule::OpcodeReservedControl } else { Rule::OpcodeReservedData };
        let (part, index) = if control { (2, bits - 10) } else { (1, bits - 2) };
        let number = format!("4.{part}.{index}");
        let bad = |payload: &str| Step::Frame(Frame::new(Opcode::Reserved(bits), payload));
        let case = |name: &str, steps, before| {
            frames(
                format!("frame/opcode/{bits}-{name}"),
                format!("A frame with the reserved opcode {bits} fails the connection"),
                steps,
                fails(rule, before),
            )
            .rule(rule)
        };
        let number_if = |case: Case, on: bool| if on { case.autobahn(number.clone()) } else { case };
        let after = |payload| {
            vec![
                Step::Frame(Frame::new(Opcode::Text, HELLO)),
                bad(payload),
                Step::Frame(Frame::new(Opcode::Ping, "")),
            ]
        };
        let echo = || vec![Seen::Text(HELLO.into())];
        cases.push(number_if(case("empty", vec![bad("")], vec![]), index == 1));
        cases.push(number_if(case("with-payload", vec![bad("reserved opcode payload")], vec![]), index == 2));
        cases.push(case(
            "unfinished",
            vec![Step::Frame(Frame::new(Opcode::Reserved(bits), "a").unfinished())],
            vec![],
        ));
        cases.push(number_if(case("after-a-message-empty", after(""), echo()), index == 3));
        cases.push(number_if(case("after-a-message", after(HELLO), echo()), index == 4));
        let chopped = case("after-a-message-byte-by-byte", after(HELLO), echo()).cut(Cut::Every(1));
        cases.push(number_if(chopped, index == 5));
    }
}

/// Frames that are masked although they must not be, and the reverse.
fn masks(cases: &mut Vec<Case>) {
    let kinds = [
        (Opcode::Text, "Hello"),
        (Opcode::Binary, "Hello"),
        (Opcode::Text, ""),
        (Opcode::Ping, "Hello"),
        (Opcode::Ping, ""),
        (Opcode::Pong, ""),
        (Opcode::Close, "\u{3}\u{e8}"),
        (Opcode::Close, ""),
    ];
    for (rule, of, word) in
        [(Rule::MaskMissing, Of::Server, "unmasked"), (Rule::MaskPresent, Of::Client, "masked")]
    {
        let case = |name: String, steps, before| {
            let says = format!("An {word} frame fails the connection").replace("An masked", "A masked");
            Case { of, ..frames(name, says, steps, fails(rule, before)).rule(rule) }
        };
        let wrong = |opcode, payload: Payload| {
            Step::Frame(Frame { mask: Masking::Wrong, ..Frame::new(opcode, payload) })
        };
        for (opcode, payload) in kinds {
            // The close code 1000 as text would be its UTF-8.
            let payload = match (opcode, payload) {
                (Opcode::Close, "") => Payload::from(""),
                (Opcode::Close, _) => Payload::from(b"\x03\xe8"),
                (_, text) => text.into(),
            };
            let name = format!("frame/mask/{word}-{opcode}-{}", payload.len());
            cases.push(case(name.clone(), vec![wrong(opcode, payload.clone())], vec![]));
            cases.push(
                case(format!("{name}-byte-by-byte"), vec![wrong(opcode, payload)], vec![]).cut(Cut::Every(1)),
            );
        }
        for size in [125, 126, 65_535, 65_536] {
            let payload = Payload::Repeat(b"a", size);
            cases.push(case(
                format!("frame/mask/{word}-binary-{size}"),
                vec![wrong(Opcode::Binary, payload)],
                vec![],
            ));
        }
        let steps = vec![Step::Frame(Frame::new(Opcode::Text, HELLO)), wrong(Opcode::Text, HELLO.into())];
        let before = vec![Seen::Text(HELLO.into())];
        cases.push(case(format!("frame/mask/{word}-after-a-message"), steps, before));
        let steps = vec![
            Step::Frame(Frame::new(Opcode::Text, "Hello, ").unfinished()),
            wrong(Opcode::Continuation, "world!".into()),
        ];
        cases.push(case(format!("frame/mask/{word}-continuation"), steps, vec![]));
    }
}
