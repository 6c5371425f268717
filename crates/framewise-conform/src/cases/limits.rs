//! Sizes and numbers: large messages, many fragments, many small messages.

use framewise_proto::Opcode;

use super::frames;
use crate::case::{Case, Cut, Due, Echoes, Frame, Level, Material, Needs, Of, Payload, Seen, Step, Work};

const MIB: usize = 1024 * 1024;

pub(super) fn push(cases: &mut Vec<Case>) {
    sizes(cases);
    fragments(cases);
    pieces(cases);
    round_trips(cases);
    auto_fragmented(cases);
    floods(cases);
}

const KINDS: [(&str, Opcode, &[u8]); 2] =
    [("text", Opcode::Text, b"BAsd7&jh23"), ("binary", Opcode::Binary, b"\x00\xfe\x23\xfa\xf0")];

fn seen(opcode: Opcode, payload: Payload) -> Seen {
    if opcode == Opcode::Text { Seen::Text(payload) } else { Seen::Binary(payload) }
}

fn size_name(size: usize) -> String {
    if size >= MIB {
        format!("{}m", size / MIB)
    } else if size >= 1024 {
        format!("{}k", size / 1024)
    } else {
        size.to_string()
    }
}

fn sizes(cases: &mut Vec<Case>) {
    let sizes = [64 * 1024, 256 * 1024, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
    for (part, (kind, opcode, pattern)) in KINDS.into_iter().enumerate() {
        for (index, size) in sizes.into_iter().enumerate() {
            let payload = Payload::Repeat(pattern, size);
            cases.push(
                frames(
                    format!("size/{kind}-{}", size_name(size)),
                    format!("A {kind} message of {size} bytes comes back, byte for byte"),
                    vec![Step::Frame(Frame::new(opcode, payload.clone()))],
                    Due::Answer(vec![seen(opcode, payload)]),
                )
                .level(Level::Should)
                .autobahn(format!("9.{}.{}", part + 1, index + 1)),
            );
        }
    }
}

fn fragments(cases: &mut Vec<Case>) {
    let sizes = [64, 256, 1024, 4096, 16_384, 65_536, 256 * 1024, MIB, 4 * MIB];
    for (part, (kind, of)) in [("text", Material::Letter), ("binary", Material::Byte)].into_iter().enumerate()
    {
        for (index, size) in sizes.into_iter().enumerate() {
            let name = format!("size/{kind}-4m-in-fragments-of-{}", size_name(size));
            let says = format!("A {kind} message of 4 MiB in fragments of {size} bytes comes back");
            let echoes = Echoes { of, size: 4 * MIB, count: 1, fragment: size };
            let case = echo_case(name, says, echoes).level(Level::Should);
            cases.push(case.autobahn(format!("9.{}.{}", part + 3, index + 1)));
        }
    }
}

pub(super) fn echo_case(name: String, says: String, echoes: Echoes) -> Case {
    Case {
        name,
        says,
        rule: None,
        level: Level::Must,
        of: Of::Both,
        needs: Needs { echo: true, ..Needs::default() },
        autobahn: None,
        work: Work::Echoes(echoes),
    }
}

fn pieces(cases: &mut Vec<Case>) {
    for (part, (kind, opcode, pattern)) in KINDS.into_iter().enumerate() {
        for (index, size) in [64, 128, 256, 512, 1024, 2048].into_iter().enumerate() {
            let payload = Payload::Repeat(pattern, MIB);
            cases.push(
                frames(
                    format!("size/{kind}-1m-in-pieces-of-{size}"),
                    format!("A {kind} message of 1 MiB, sent in pieces of {size} bytes, comes back"),
                    vec![Step::Frame(Frame::new(opcode, payload.clone()))],
                    Due::Answer(vec![seen(opcode, payload)]),
                )
                .cut(Cut::Every(size))
                .autobahn(format!("9.{}.{}", part + 5, index + 1)),
            );
        }
    }
}

fn round_trips(cases: &mut Vec<Case>) {
    for (part, (kind, of)) in [("text", Material::Letter), ("binary", Material::Byte)].into_iter().enumerate()
    {
        for (index, size) in [0, 16, 64, 256, 1024, 4096].into_iter().enumerate() {
            let case = echo_case(
                format!("many/{kind}-{size}"),
                format!("A thousand {kind} messages of {size} bytes come back, one after the other"),
                Echoes { of, size, count: 1000, fragment: 0 },
            );
            cases.push(case.autobahn(format!("9.{}.{}", part + 7, index + 1)));
        }
    }
}

fn auto_fragmented(cases: &mut Vec<Case>) {
    let case = echo_case(
        "fragments/65536-in-fragments-of-1300".into(),
        "A text message of 65,536 bytes in fragments of 1,300 comes back whole".into(),
        Echoes { of: Material::Letter, size: 65_536, count: 1, fragment: 1300 },
    );
    cases.push(case.autobahn("10.1.1"));
}

/// Many frames at once that are legal one by one: whether an endpoint has a limit is its own affair.
fn floods(cases: &mut Vec<Case>) {
    let pings = (0..2_000).map(|_| Step::Frame(Frame::new(Opcode::Pong, "")));
    cases.push(
        frames(
            "flood/2000-pongs",
            "Two thousand Pongs at once: what the endpoint does",
            pings.collect(),
            Due::Observe,
        )
        .level(Level::Observe),
    );
    let mut empties: Vec<_> =
        (0..20_000).map(|_| Step::Frame(Frame::new(Opcode::Continuation, "").unfinished())).collect();
    empties.insert(0, Step::Frame(Frame::new(Opcode::Text, "").unfinished()));
    cases.push(
        frames(
            "flood/20000-empty-fragments",
            "A message of twenty thousand empty fragments: what the endpoint does",
            empties,
            Due::Observe,
        )
        .level(Level::Observe),
    );
    // The header alone says that the message is beyond what an endpoint should hold.
    let claims = Frame { claims: Some(1 << 40), ..Frame::new(Opcode::Binary, "start") };
    cases.push(
        frames(
            "flood/a-frame-of-1-tib",
            "A header that announces 1 TiB: what the endpoint does",
            vec![Step::Frame(claims)],
            Due::Observe,
        )
        .level(Level::Observe),
    );
}
