//! UTF-8: what a text message may be, and where it breaks.

use framewise_proto::Opcode;
use framewise_rules::Rule;

use super::{fails, frames};
use crate::case::{Case, Cut, Due, Frame, Level, Payload, Seen, Step};

/// The Greek word kosme, as test files for UTF-8 have it.
const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
/// A text of one to four bytes a character.
const MIXED: &str = "Hello-µ@ßöäüàá-UTF-8!!";

pub(super) fn push(cases: &mut Vec<Case>) {
    whole_and_in_fragments(cases);
    fail_fast(cases);
    sequences(cases);
    each_fault_at_each_cut(cases);
    boundaries(cases);
}

fn text(payload: impl Into<Payload>) -> Step {
    Step::Frame(Frame::new(Opcode::Text, payload))
}

/// A text in fragments of these sizes, the rest in the last.
fn in_fragments(payload: &[u8], size: usize) -> Vec<Step> {
    let pieces: Vec<_> = payload.chunks(size).collect();
    let end = pieces.len() - 1;
    pieces
        .into_iter()
        .enumerate()
        .map(|(index, piece)| {
            let opcode = if index == 0 { Opcode::Text } else { Opcode::Continuation };
            let frame = Frame::new(opcode, piece);
            Step::Frame(if index < end { frame.unfinished() } else { frame })
        })
        .collect()
}

fn comes_back(name: impl Into<String>, says: &str, steps: Vec<Step>, payload: &[u8]) -> Case {
    frames(name, says, steps, Due::Answer(vec![Seen::Text(payload.into())]))
}

fn invalid(name: impl Into<String>, says: &str, steps: Vec<Step>, rule: Rule) -> Case {
    frames(name, says, steps, fails(rule, vec![])).rule(rule)
}

fn whole_and_in_fragments(cases: &mut Vec<Case>) {
    let empty = |fin, opcode| Step::Frame(Frame { fin, ..Frame::new(opcode, "") });
    let (t, c) = (Opcode::Text, Opcode::Continuation);
    cases.push(
        comes_back("text/empty", "An empty text message comes back", vec![text("")], b"").autobahn("6.1.1"),
    );
    let three = vec![empty(false, t), empty(false, c), empty(true, c)];
    cases.push(
        comes_back("text/empty-in-three", "An empty text message in three fragments comes back", three, b"")
            .autobahn("6.1.2"),
    );
    let middle = Step::Frame(Frame::new(c, "middle frame payload").unfinished());
    let around = vec![empty(false, t), middle, empty(true, c)];
    cases.push(
        comes_back(
            "text/empty-around",
            "A text message with empty first and last fragments comes back",
            around,
            b"middle frame payload",
        )
        .autobahn("6.1.3"),
    );
    let bytes = MIXED.as_bytes();
    cases.push(
        comes_back(
            "text/mixed",
            "A text message with longer characters comes back",
            vec![text(MIXED)],
            bytes,
        )
        .autobahn("6.2.1"),
    );
    let at = MIXED.find('ü').unwrap_or_default();
    let two =
        vec![Step::Frame(Frame::new(t, &MIXED[..at]).unfinished()), Step::Frame(Frame::new(c, &MIXED[at..]))];
    cases.push(
        comes_back("text/mixed-cut-between-characters", "Fragments may end between characters", two, bytes)
            .autobahn("6.2.2"),
    );
    cases.push(
        comes_back(
            "text/mixed-in-single-bytes",
            "Fragments may end inside a character",
            in_fragments(bytes, 1),
            bytes,
        )
        .autobahn("6.2.3"),
    );
    cases.push(
        comes_back(
            "text/kosme-in-single-bytes",
            "Fragments may end inside a character",
            in_fragments(KOSME, 1),
            KOSME,
        )
        .autobahn("6.2.4"),
    );
    for size in 2..=7 {
        let name = format!("text/mixed-in-fragments-of-{size}");
        cases.push(comes_back(
            name,
            "Fragments may end inside a character",
            in_fragments(bytes, size),
            bytes,
        ));
    }
    let rule = Rule::TextInvalidUtf8;
    let surrogate = [KOSME, b"\xed\xa0\x80", b"edited"].concat();
    let says = "A text message with half of a surrogate pair fails the connection";
    cases.push(invalid("text/surrogate", says, vec![text(surrogate.clone())], rule).autobahn("6.3.1"));
    cases.push(
        invalid("text/surrogate-in-single-bytes", says, in_fragments(&surrogate, 1), rule).autobahn("6.3.2"),
    );
}

/// The first bad byte has come, and the rest of the message is held back.
fn fail_fast(cases: &mut Vec<Case>) {
    let rule = Rule::TextInvalidUtf8;
    let bad = [KOSME, b"\xf4\x90\x80\x80", b"edited"].concat();
    let (t, c) = (Opcode::Text, Opcode::Continuation);
    for (name, parts, number) in [
        ("sequence", [&bad[..11], &bad[11..15], &bad[15..]], 1),
        ("byte", [&bad[..12], &bad[12..13], &bad[13..]], 2),
    ] {
        let steps = vec![
            Step::Frame(Frame::new(t, parts[0]).unfinished()),
            Step::Settle,
            Step::Frame(Frame::new(c, parts[1]).unfinished()),
        ];
        let late = vec![Step::Frame(Frame::new(c, parts[2]))];
        let due = Due::Fail { codes: vec![1007], before: vec![], late };
        cases.push(
            frames(
                format!("text/fail-fast/{name}-in-its-own-fragment"),
                "A bad byte fails the connection when it comes, not when its message is complete",
                steps,
                due,
            )
            .rule(rule)
            .level(Level::Should)
            .autobahn(format!("6.4.{number}")),
        );
    }
    for (name, until, number) in [("sequence", 15, 3), ("byte", 13, 4)] {
        // One frame whose end is held back: its header, and its payload up to the bad byte.
        let whole = Frame::new(t, &bad[..until]);
        let steps = vec![Step::Frame(Frame { claims: Some(bad.len() as u64), ..whole })];
        let due =
            Due::Fail { codes: vec![1007], before: vec![], late: vec![Step::Rest(bad[until..].to_vec())] };
        cases.push(
            frames(
                format!("text/fail-fast/{name}-inside-a-frame"),
                "A bad byte fails the connection when it comes, not when its frame is complete",
                steps,
                due,
            )
            .rule(rule)
            .level(Level::Should)
            .autobahn(format!("6.4.{number}")),
        );
    }
}

/// A name, and each sequence with whether it is valid.
type Group = (&'static str, Vec<(bool, Vec<u8>)>);

/// Sequences that a decoder has to tell apart, in the order of a well-known test file.
fn sequences(cases: &mut Vec<Case>) {
    let around = |middle: &[u8]| [&b"hello"[..], middle, b"world"].concat();
    let valid = |list: &[&[u8]]| list.iter().map(|&bytes| (true, bytes.to_vec())).collect::<Vec<_>>();
    let wrong = |list: &[&[u8]]| list.iter().map(|&bytes| (false, bytes.to_vec())).collect::<Vec<_>>();
    let lonely = |from: u8, to: u8| (from..to).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>();
    let missing: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    let mut continuations: Vec<_> =
        (1..=6).map(|count| (false, b"\x80\xbf".iter().copied().cycle().take(count).collect())).collect();
    continuations.insert(1, (false, vec![0xbf]));
    continuations.push((false, (0x80..0xbf).collect()));
    let mut planes = vec![(true, b"\xef\xbf\xbe".to_vec()), (true, b"\xef\xbf\xbf".to_vec())];
    let leads: [(u8, &[u8]); 5] = [
        (0xf0, &[0x9f, 0xaf, 0xbf]),
        (0xf1, &[0x8f, 0x9f, 0xaf, 0xbf]),
        (0xf2, &[0x8f, 0x9f, 0xaf, 0xbf]),
        (0xf3, &[0x8f, 0x9f, 0xaf, 0xbf]),
        (0xf4, &[0x8f]),
    ];
    for (lead, seconds) in leads {
        for &second in seconds {
            for last in [0xbe, 0xbf] {
                planes.push((true, vec![lead, second, 0xbf, last]));
            }
        }
    }
    let groups: [Group; 19] = [
        (
            "valid",
            [&b"\x24"[..], b"\xc2\xa2", b"\xe2\x82\xac", b"\xf0\xa4\xad\xa2"]
                .into_iter()
                .map(|middle| (true, around(middle)))
                .chain([(true, KOSME.to_vec())])
                .collect(),
        ),
        (
            "prefixes",
            (1..=KOSME.len())
                .map(|end| (std::str::from_utf8(&KOSME[..end]).is_ok(), KOSME[..end].to_vec()))
                .collect(),
        ),
        ("first-of-length", valid(&[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"])),
        ("first-of-length-5-and-6", wrong(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"])),
        ("last-of-length", valid(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"])),
        (
            "last-of-length-4-to-6",
            wrong(&[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        ),
        (
            "around-gaps",
            [
                valid(&[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"]),
                wrong(&[b"\xf4\x90\x80\x80"]),
            ]
            .concat(),
        ),
        ("continuation-alone", continuations),
        (
            "lead-alone",
            [(0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd)]
                .into_iter()
                .map(|(from, to)| (false, lonely(from, to)))
                .collect(),
        ),
        ("last-byte-missing", wrong(&missing)),
        ("incomplete-in-a-row", vec![(false, missing.concat())]),
        ("impossible", wrong(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"])),
        (
            "overlong-slash",
            wrong(&[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ]),
        ),
        (
            "overlong-largest",
            wrong(&[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ]),
        ),
        (
            "overlong-nul",
            wrong(&[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ]),
        ),
        (
            "surrogates",
            wrong(&[
                b"\xed\xa0\x80",
                b"\xed\xad\xbf",
                b"\xed\xae\x80",
                b"\xed\xaf\xbf",
                b"\xed\xb0\x80",
                b"\xed\xbe\x80",
                b"\xed\xbf\xbf",
            ]),
        ),
        (
            "surrogate-pairs",
            wrong(&[
                b"\xed\xa0\x80\xed\xb0\x80",
                b"\xed\xa0\x80\xed\xbf\xbf",
                b"\xed\xad\xbf\xed\xb0\x80",
                b"\xed\xad\xbf\xed\xbf\xbf",
                b"\xed\xae\x80\xed\xb0\x80",
                b"\xed\xae\x80\xed\xbf\xbf",
                b"\xed\xaf\xbf\xed\xb0\x80",
                b"\xed\xaf\xbf\xed\xbf\xbf",
            ]),
        ),
        ("noncharacters", planes),
        (
            "specials",
            valid(&[
                b"\xef\xbf\xb9",
                b"\xef\xbf\xba",
                b"\xef\xbf\xbb",
                b"\xef\xbf\xbc",
                b"\xef\xbf\xbd",
                b"\xef\xbf\xbe",
                b"\xef\xbf\xbf",
            ]),
        ),
    ];
    for (group, (name, members)) in groups.into_iter().enumerate() {
        for (index, (is_valid, bytes)) in members.into_iter().enumerate() {
            let number = format!("6.{}.{}", group + 5, index + 1);
            let name = format!("text/sequence/{name}-{}", index + 1);
            cases.push(sequence(name, is_valid, &bytes, vec![text(bytes.clone())]).autobahn(number));
        }
    }
}

fn sequence(name: String, is_valid: bool, bytes: &[u8], steps: Vec<Step>) -> Case {
    if is_valid {
        return comes_back(name, "A text message of valid UTF-8 comes back", steps, bytes);
    }
    // An incomplete character at the end breaks another rule than a bad byte; the code is the same.
    let truncated = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none());
    let rule = if truncated { Rule::TextTruncatedUtf8 } else { Rule::TextInvalidUtf8 };
    invalid(name, "A text message that is not valid UTF-8 fails the connection", steps, rule)
}

/// The kinds of fault that UTF-8 can have, each after 0 to 3 good bytes, cut at each place: into two fragments, and into
/// two segments of one frame.
fn each_fault_at_each_cut(cases: &mut Vec<Case>) {
    let faults: [(&str, &[u8]); 14] = [
        ("lone-continuation", b"\x80"),
        ("lone-continuation-bf", b"\xbf"),
        ("overlong-2", b"\xc0\x80"),
        ("overlong-2-c1", b"\xc1\xbf"),
        ("overlong-3", b"\xe0\x80\x80"),
        ("overlong-4", b"\xf0\x80\x80\x80"),
        ("surrogate", b"\xed\xa0\x80"),
        ("above-10ffff", b"\xf4\x90\x80\x80"),
        ("lead-f5", b"\xf5\x80\x80\x80"),
        ("lead-ff", b"\xff"),
        ("short-2", b"\xc3a"),
        ("short-3", b"\xe2\x82a"),
        ("short-4", b"\xf0\x9f\x98a"),
        ("two-leads", b"\xc3\xc3"),
    ];
    let prefixes: [&[u8]; 4] = [b"", b"a", "é".as_bytes(), "€".as_bytes()];
    let rule = Rule::TextInvalidUtf8;
    let says = "A bad byte fails the connection, wherever the message is cut";
    for (name, fault) in faults {
        for prefix in prefixes {
            let bytes = [prefix, fault, b"end"].concat();
            for at in 0..=prefix.len() + fault.len() {
                let before = prefix.len();
                let two = vec![
                    Step::Frame(Frame::new(Opcode::Text, &bytes[..at]).unfinished()),
                    Step::Frame(Frame::new(Opcode::Continuation, &bytes[at..])),
                ];
                cases.push(invalid(
                    format!("text/fault/{name}-after-{before}-fragments-{at}"),
                    says,
                    two,
                    rule,
                ));
                // The header of a frame to a server is six bytes long, to a client two.
                let case = invalid(
                    format!("text/fault/{name}-after-{before}-segments-{at}"),
                    says,
                    vec![text(bytes.clone())],
                    rule,
                );
                cases.push(case.cut(Cut::At(6 + at)));
            }
        }
    }
}

/// Long texts, with a bad byte or a longer character around the places where fast checkers change their step.
fn boundaries(cases: &mut Vec<Case>) {
    let rule = Rule::TextInvalidUtf8;
    for at in [15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 4_095, 4_096, 65_535] {
        let mut bad = vec![b'a'; at + 64];
        bad[at] = 0xff;
        cases.push(invalid(
            format!("text/long/bad-byte-at-{at}"),
            "A bad byte deep in a long text fails the connection",
            vec![text(bad)],
            rule,
        ));
        for (size, character) in [(2, "é"), (3, "€"), (4, "😀")] {
            let good = ["a".repeat(at - 1).as_str(), character, &"b".repeat(40)].concat();
            cases.push(comes_back(
                format!("text/long/{size}-byte-character-across-{at}"),
                "A longer character deep in a long text is legal",
                vec![text(good.as_str())],
                good.as_bytes(),
            ));
        }
    }
}
