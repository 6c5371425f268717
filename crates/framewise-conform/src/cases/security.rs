//! What an attacker would try: frames without a mask, messages that inflate to far more, headers that announce too much.

use framewise_proto::Opcode;
use framewise_rules::Rule;

use super::{deflate, fails, frames, handshake, responses};
use crate::case::{Case, Cut, Due, DueStatus, Frame, Level, Masking, Of, Payload, Seen, Step};

pub(super) fn push(cases: &mut Vec<Case>) {
    masks(cases);
    heads(cases);
    announced(cases);
    bombs(cases);
    floods(cases);
}

/// RFC 6455 §5.1: "The server MUST close the connection upon receiving a frame that is not masked", and the client upon one
/// that is.
fn masks(cases: &mut Vec<Case>) {
    let kinds = [
        ("text", Opcode::Text, 65_536),
        ("binary", Opcode::Binary, 65_536),
        ("ping", Opcode::Ping, 125),
        ("pong", Opcode::Pong, 125),
        ("close", Opcode::Close, 125),
    ];
    for (of, rule, word) in
        [(Of::Server, Rule::MaskMissing, "unmasked"), (Of::Client, Rule::MaskPresent, "masked")]
    {
        for (kind, opcode, most) in kinds {
            for size in [0, 1, 2, 125, 126, 127, 65_535, 65_536] {
                // A Close frame of one byte breaks another rule.
                if size > most || (opcode == Opcode::Close && size != 0) {
                    continue;
                }
                for (place, first) in [("first", false), ("after-a-message", true)] {
                    let frame =
                        Frame { mask: Masking::Wrong, ..Frame::new(opcode, Payload::Repeat(b"a", size)) };
                    let mut steps = vec![Step::Frame(frame)];
                    let mut before = Vec::new();
                    if first {
                        steps.insert(0, Step::Settle);
                        steps.insert(0, Step::Frame(Frame::new(Opcode::Text, "masked right")));
                        before.push(Seen::Text("masked right".into()));
                    }
                    let says = format!("A {word} {kind} of {size} bytes fails the connection");
                    let name = format!("security/{word}/{kind}-{size}-{place}");
                    let case = frames(name, says, steps, fails(rule, before)).rule(rule);
                    cases.push(Case { of, ..case });
                }
            }
        }
    }
    for (of, rule) in [(Of::Server, Rule::MaskMissing), (Of::Client, Rule::MaskPresent)] {
        let word = if of == Of::Server { "unmasked" } else { "masked" };
        let second = Frame { mask: Masking::Wrong, ..Frame::new(Opcode::Continuation, "b") };
        let steps = vec![Step::Frame(Frame::new(Opcode::Text, "a").unfinished()), Step::Frame(second)];
        let says = format!("A message whose second fragment is {word} fails the connection");
        let case = frames(format!("security/{word}/second-fragment"), says, steps, fails(rule, vec![]));
        cases.push(Case { of, ..case.rule(rule) });
    }
}

/// RFC 9110 §5.4: a server that gets more header lines than it "wishes to process" answers with a 4xx. One that keeps all
/// that comes can be filled by anybody, before the handshake; a client, by any server.
fn heads(cases: &mut Vec<Case>) {
    let lines = format!("X-Filling: {}\r\n", "a".repeat(1000)).repeat(1024);
    let request =
        [&b"GET {path} HTTP/1.1\r\nHost: {host}\r\n"[..], lines.as_bytes(), handshake::rest().as_bytes()]
            .concat();
    let says = "A request with 1 MiB of header lines is not accepted";
    let case = handshake::case("security/head-of-1-mib", says, request, DueStatus::NotAccept);
    cases.push(case.rule(Rule::RequestTooLarge).level(Level::Should));
    let response =
        [&b"HTTP/1.1 101 Switching Protocols\r\n"[..], lines.as_bytes(), responses::FIELDS_OF_101].concat();
    let says = "A response with 1 MiB of header lines is not accepted";
    let case = responses::case("too-large/1-mib", says, response, false);
    cases.push(case.rule(Rule::ResponseTooLarge).level(Level::Should));
}

/// RFC 6455 §10.4: an endpoint with a limit protects itself; §7.4.1: 1009 is "a message that is too big for it to process".
/// A header is enough to tell.
fn announced(cases: &mut Vec<Case>) {
    for (name, bits) in [("1-tib", 40), ("1-pib", 50), ("4-eib", 62)] {
        // Not of text: the Ping that asks whether the endpoint went on would break it.
        for (suffix, start) in [("", &b""[..]), ("-with-some", b"start")] {
            let claims = Frame { claims: Some(1 << bits), ..Frame::new(Opcode::Binary, start) };
            let due = Due::Fail { codes: vec![1009], before: vec![], late: vec![] };
            let says = format!("A header that announces 2^{bits} bytes fails with 1009 before they are sent");
            let case =
                frames(format!("limit/announced/{name}{suffix}"), says, vec![Step::Frame(claims)], due);
            cases.push(case.rule(Rule::FrameTooBig).level(Level::Should));
        }
    }
    // Where an endpoint has its limit is its own affair.
    for (name, bits) in [("64-mib", 26), ("128-mib", 27), ("1-gib", 30), ("4-gib", 32)] {
        let claims = Frame { claims: Some((1 << bits) + 1), ..Frame::new(Opcode::Binary, "start") };
        let says = format!("A header that announces more than 2^{bits} bytes: what the endpoint does");
        let name = format!("limit/observed/more-than-{name}");
        let case = frames(name, says, vec![Step::Frame(claims)], Due::Observe);
        cases.push(case.level(Level::Observe));
    }
    let first = Step::Frame(Frame::new(Opcode::Binary, "a").unfinished());
    let second = Frame { claims: Some(1 << 40), ..Frame::new(Opcode::Continuation, "b") };
    let due = Due::Fail { codes: vec![1009], before: vec![], late: vec![] };
    let says = "A fragment that announces 1 TiB fails with 1009 before it is sent";
    let case = frames("limit/announced/second-fragment", says, vec![first, Step::Frame(second)], due);
    cases.push(case.rule(Rule::FrameTooBig).level(Level::Should));
}

/// Bits as deflate packs them (RFC 1951 §3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn bit(&mut self, bit: u8) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= bit << (self.used % 8);
        }
        self.used += 1;
    }

    /// A Huffman code: its most significant bit first.
    fn code(&mut self, code: u16, length: u32) {
        for at in (0..length).rev() {
            self.bit(((code >> at) & 1) as u8);
        }
    }
}

/// A message that inflates to `258 * matches + 1` bytes of the letter a: a literal, and matches of the greatest length.
fn bomb(matches: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // Not the last block; fixed codes.
    for bit in [0, 1, 0] {
        bits.bit(bit);
    }
    bits.code(0x30 + u16::from(b'a'), 8);
    for _ in 0..matches {
        // Length 258, distance 1.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    // An empty block without compression, whose lengths RFC 7692 §7.2.1 leaves out.
    for bit in [0, 0, 0] {
        bits.bit(bit);
    }
    bits.bytes
}

fn bombs(cases: &mut Vec<Case>) {
    let compressed = |payload: Vec<u8>| Step::Frame(Frame::new(Opcode::Text, payload).rsv(4));
    for (name, matches) in [("257-bytes", 1), ("1-kib", 4), ("10-kib", 40), ("50-kib", 200)] {
        let text = Payload::Repeat(b"a", 258 * matches + 1);
        let case = frames(
            format!("deflate/dense/{name}"),
            "A message that compressed as well as deflate can comes back",
            vec![compressed(bomb(matches))],
            Due::Answer(vec![Seen::Text(text)]),
        );
        cases.push(deflate::needing(deflate::plain(), case));
    }
    for (name, matches) in [("1-mib", 4_100), ("16-mib", 65_100)] {
        let case = frames(
            format!("security/bomb/{name}"),
            "A message that inflates to 158 times its size: whether the endpoint has a limit",
            vec![compressed(bomb(matches))],
            Due::Observe,
        );
        cases.push(deflate::needing(deflate::plain(), case.level(Level::Observe)));
    }
    let many = (0..50).map(|_| compressed(bomb(400))).collect();
    let case = frames(
        "security/bomb/50-of-100-kib",
        "Fifty messages at once that inflate to 158 times their size: whether the endpoint has a limit",
        many,
        Due::Observe,
    );
    cases.push(deflate::needing(deflate::plain(), case.level(Level::Observe)));
}

/// Frames that are legal one by one, and many.
fn floods(cases: &mut Vec<Case>) {
    let fragment = |opcode, payload: &'static str| Step::Frame(Frame::new(opcode, payload).unfinished());
    for (name, count) in [("100", 100), ("1000", 1_000)] {
        let pings =
            |payload: &str| (0..count).map(|_| Step::Frame(Frame::new(Opcode::Ping, payload))).collect();
        for (size, steps) in [("empty", pings("")), ("125-bytes", pings(&"p".repeat(125)))] {
            let says =
                format!("{name} Pings at once: the endpoint goes on (it may answer the last one only)");
            let case = frames(format!("flood/{name}-pings-{size}"), says, steps, Due::Accept);
            // RFC 6455 §10.4 lets an endpoint protect itself: one that gives up has a limit.
            cases.push(case.rule(Rule::PingUnanswered).level(Level::May));
        }
        let mut steps = vec![fragment(Opcode::Text, "a")];
        steps.extend((2..count).map(|_| fragment(Opcode::Continuation, "a")));
        steps.push(Step::Frame(Frame::new(Opcode::Continuation, "a")));
        let text = Payload::Repeat(b"a", count);
        let says = format!("A message in {name} fragments of one byte comes back");
        let due = Due::Answer(vec![Seen::Text(text)]);
        let case = frames(format!("flood/{name}-fragments"), says, steps.clone(), due.clone());
        cases.push(case.clone().level(Level::Should));
        let split = Case { name: format!("flood/{name}-fragments-one-by-one"), ..case };
        cases.push(split.level(Level::Should).cut(Cut::Frames));
    }
}
