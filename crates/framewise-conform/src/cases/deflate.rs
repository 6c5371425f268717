//! permessage-deflate: each offer with each answer, messages of all sizes, and data that does not inflate.

use framewise_proto::Opcode;
use framewise_rules::Rule;

use super::{fails, frames};
use crate::case::{
    Case, Cut, Deflate, Due, Echoes, Frame, Level, Material, Needs, Of, Payload, Seen, Step, Work,
};

/// Message size and fragment size (0: whole) of the exchanges.
const SIZES: [(usize, usize); 18] = [
    (16, 0),
    (64, 0),
    (256, 0),
    (1024, 0),
    (4096, 0),
    (8192, 0),
    (16_384, 0),
    (32_768, 0),
    (65_536, 0),
    (131_072, 0),
    (8192, 256),
    (16_384, 256),
    (32_768, 256),
    (65_536, 256),
    (131_072, 256),
    (131_072, 1024),
    (131_072, 4096),
    (131_072, 32_768),
];

pub(super) const PLAIN: &str = "permessage-deflate";

pub(super) fn push(cases: &mut Vec<Case>) {
    exchanges(cases);
    frames_of_messages(cases);
    faults(cases);
}

pub(super) fn plain() -> Deflate {
    Deflate {
        offer: "permessage-deflate; client_no_context_takeover; client_max_window_bits".into(),
        answers: vec![PLAIN.into()],
        exactly: None,
    }
}

fn exchanges(cases: &mut Vec<Case>) {
    let materials = [
        ("json", Material::Json),
        ("image", Material::Image),
        ("prose", Material::Prose),
        ("html", Material::Html),
        ("compressed", Material::Compressed),
    ];
    for (part, (name, of)) in materials.into_iter().enumerate() {
        exchange(cases, &format!("deflate/{name}"), of, &plain(), &format!("12.{}", part + 1));
    }
    let accepts = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    let offer = |more: &str| format!("{accepts}{more}");
    let parameters: [(&str, String, &[&'static str]); 7] = [
        ("plain", offer(""), &[PLAIN]),
        (
            "no-takeover",
            offer("; server_no_context_takeover"),
            &["permessage-deflate; client_no_context_takeover"],
        ),
        ("window-9", offer("; server_max_window_bits=9"), &["permessage-deflate; client_max_window_bits=9"]),
        (
            "window-15",
            offer("; server_max_window_bits=15"),
            &["permessage-deflate; client_max_window_bits=15"],
        ),
        (
            "no-takeover-window-9",
            offer("; server_no_context_takeover; server_max_window_bits=9"),
            &["permessage-deflate; client_no_context_takeover; client_max_window_bits=9"],
        ),
        (
            "no-takeover-window-15",
            offer("; server_no_context_takeover; server_max_window_bits=15"),
            &["permessage-deflate; client_no_context_takeover; client_max_window_bits=15"],
        ),
        (
            "three-offers",
            [
                offer("; server_no_context_takeover; server_max_window_bits=9"),
                offer("; server_no_context_takeover"),
                offer(""),
            ]
            .join(", "),
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
                "permessage-deflate; client_no_context_takeover",
                PLAIN,
            ],
        ),
    ];
    for (part, (name, offer, answers)) in parameters.into_iter().enumerate() {
        let answers = answers.iter().map(|&answer| answer.into()).collect();
        let deflate = Deflate { offer: offer.into(), answers, exactly: None };
        exchange(
            cases,
            &format!("deflate/parameters/{name}"),
            Material::Json,
            &deflate,
            &format!("13.{}", part + 1),
        );
    }
}

fn exchange(cases: &mut Vec<Case>, prefix: &str, of: Material, deflate: &Deflate, number: &str) {
    for (index, (size, fragment)) in SIZES.into_iter().enumerate() {
        let fragments = if fragment == 0 { String::new() } else { format!("-in-fragments-of-{fragment}") };
        cases.push(Case {
            name: format!("{prefix}-{size}{fragments}"),
            says: format!("Compressed messages of {size}, one after the other, come back as they were"),
            rule: None,
            level: Level::Must,
            of: Of::Both,
            needs: Needs { echo: true, deflate: Some(deflate.clone()), cases: vec![] },
            autobahn: Some(format!("{number}.{}", index + 1)),
            work: Work::Echoes(Echoes { of, size, count: 1000, fragment }),
        });
    }
}

/// "Hello", compressed (RFC 7692 §7.2.3.1).
pub(super) const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

pub(super) fn needing(deflate: Deflate, case: Case) -> Case {
    Case { needs: Needs { deflate: Some(deflate), ..case.needs.clone() }, ..case }
}

fn first(payload: impl Into<Payload>) -> Frame {
    Frame::new(Opcode::Text, payload).rsv(4)
}

/// How a compressed message may be framed, and how its blocks may be made.
fn frames_of_messages(cases: &mut Vec<Case>) {
    let hello = || Due::Answer(vec![Seen::Text("Hello".into())]);
    let continuation = |payload: &[u8]| Frame::new(Opcode::Continuation, payload);
    let legal: [(&str, Vec<Frame>); 7] = [
        ("one-frame", vec![first(HELLO)]),
        ("two-fragments", vec![first(&HELLO[..3]).unfinished(), continuation(&HELLO[3..])]),
        ("empty-first-fragment", vec![first("").unfinished(), continuation(HELLO)]),
        ("empty-last-fragment", vec![first(HELLO).unfinished(), continuation(b"")]),
        // RFC 7692 §7.2.3.3: a block without compression; §7.2.3.4: a block with BFINAL; §7.2.3.5: two blocks.
        ("stored-block", vec![first(b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")]),
        ("final-block", vec![first(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")]),
        ("two-blocks", vec![first(b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")]),
    ];
    for (name, list) in legal {
        for (suffix, cut) in [("", Cut::Whole), ("-byte-by-byte", Cut::Every(1))] {
            let steps = list.iter().cloned().map(Step::Frame).collect();
            let case = frames(
                format!("deflate/frames/{name}{suffix}"),
                "A compressed message comes back",
                steps,
                hello(),
            );
            cases.push(needing(plain(), case.cut(cut)));
        }
    }
    let empty = frames(
        "deflate/frames/empty-message",
        "An empty compressed message comes back",
        vec![Step::Frame(first(b"\x00"))],
        Due::Answer(vec![Seen::Text("".into())]),
    );
    cases.push(needing(plain(), empty));
    let plain_message = frames(
        "deflate/frames/uncompressed-message",
        "A message that is not compressed comes back although permessage-deflate was agreed",
        vec![Step::Frame(Frame::new(Opcode::Text, "Hello"))],
        hello(),
    );
    cases.push(needing(plain(), plain_message));
    // The second refers to the first: RFC 7692 §7.2.3.2.
    let takeover = frames(
        "deflate/frames/takeover",
        "A message that refers to the one before it comes back",
        vec![Step::Frame(first(HELLO)), Step::Frame(first(b"\xf2\x00\x11\x00\x00"))],
        Due::Answer(vec![Seen::Text("Hello".into()), Seen::Text("Hello".into())]),
    );
    // Not offered with `client_no_context_takeover`: a server may take that up.
    let exactly = Deflate { offer: PLAIN.into(), exactly: Some(PLAIN.into()), ..plain() };
    cases.push(needing(exactly, takeover));
    let ping = frames(
        "deflate/frames/ping-between-fragments",
        "A Ping between the fragments of a compressed message is answered",
        vec![
            Step::Frame(first(&HELLO[..3]).unfinished()),
            Step::Frame(Frame::new(Opcode::Ping, "a")),
            Step::Frame(continuation(&HELLO[3..])),
        ],
        Due::Answer(vec![Seen::Pong(b"a".to_vec()), Seen::Text("Hello".into())]),
    );
    cases.push(needing(plain(), ping));
}

fn faults(cases: &mut Vec<Case>) {
    let invalid: [(&str, &[u8]); 6] = [
        ("reserved-block-type", b"\x07\x00"),
        ("stored-length-mismatch", b"\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f"),
        ("not-deflate", b"\xff\xff\xff\xff\xff\xff"),
        ("distance-before-the-start", b"\xf2\x00\x11\x00\x00"),
        ("truncated", b"\xf2\x48\xcd"),
        ("truncated-stored", b"\x00\x05\x00\xfa\xff\x48"),
    ];
    for (name, payload) in invalid {
        let rule = if name.starts_with("distance") {
            Rule::DeflateContextMismatch
        } else {
            Rule::DeflateDataInvalid
        };
        let due = Due::Fail { codes: vec![1007, 1002], before: vec![], late: vec![] };
        let case = frames(
            format!("deflate/fault/{name}"),
            "Compressed data that does not inflate fails the connection",
            vec![Step::Frame(first(payload))],
            due,
        );
        // Few decoders see that data end inside a block, and no sentence says that they have to.
        let case = if name.starts_with("truncated") {
            let Case { name, work: Work::Frames { steps, .. }, .. } = case else { continue };
            let says = "Compressed data that end too early: what the endpoint does";
            frames(name, says, steps, Due::Observe).level(Level::Observe)
        } else {
            case.rule(rule)
        };
        cases.push(needing(plain(), case));
    }
    let text = |payload: &'static [u8]| vec![Step::Frame(first(payload))];
    // A stored block of one byte that is no UTF-8; and one of half a character.
    for (name, payload, rule) in [
        ("invalid-utf8", &b"\x00\x01\x00\xfe\xff\xff\x00"[..], Rule::TextInvalidUtf8),
        ("truncated-utf8", b"\x00\x01\x00\xfe\xff\xc3\x00", Rule::TextTruncatedUtf8),
    ] {
        let case = frames(
            format!("deflate/fault/{name}"),
            "A compressed text that inflates to something that is not UTF-8 fails the connection",
            text(payload),
            fails(rule, vec![]),
        );
        cases.push(needing(plain(), case.rule(rule)));
    }
    let wrong: [(&str, Vec<Frame>, Rule); 4] = [
        (
            "rsv1-on-continuation",
            vec![first(&HELLO[..3]).unfinished(), Frame::new(Opcode::Continuation, &HELLO[3..]).rsv(4)],
            Rule::Rsv1OnContinuation,
        ),
        ("rsv1-on-ping", vec![Frame::new(Opcode::Ping, "a").rsv(4)], Rule::Rsv1OnControl),
        ("rsv1-on-close", vec![Frame::new(Opcode::Close, b"\x03\xe8").rsv(4)], Rule::Rsv1OnControl),
        ("rsv2-too", vec![Frame::new(Opcode::Text, HELLO).rsv(6)], Rule::Rsv2Set),
    ];
    for (name, list, rule) in wrong {
        let case = frames(
            format!("deflate/fault/{name}"),
            "A reserved bit that permessage-deflate does not allow there fails the connection",
            list.into_iter().map(Step::Frame).collect(),
            fails(rule, vec![]),
        );
        cases.push(needing(plain(), case.rule(rule)));
    }
}
