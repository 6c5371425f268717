//! What the search for causes may cost: steps are counted, never timed.

use framewise_inspect::report::Searched;
use framewise_inspect::{Connection, Endpoints, Observer};
use framewise_rules::{Cause, Role};

/// Steps that the searches of one connection come to at most: 32 MiB, and 4 MiB for the finding that explains the end.
const MOST: u64 = 36 << 20;

/// Observes a server's stream, and hands back every diagnosis at once.
fn observe(open: Option<&str>, client: &[u8], server: &[u8]) -> Connection {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    if let Some(extensions) = open {
        observer.open(leg, extensions);
    }
    for (role, stream) in [(Role::Client, client), (Role::Server, server)] {
        for piece in stream.chunks(16 * 1024) {
            observer.bytes(leg, role, None, piece);
            while let Some(diagnosis) = observer.poll_settled() {
                observer.diagnosed(diagnosis.compute());
            }
        }
    }
    observer.eof(leg, Role::Server, None);
    observer.finish()
}

/// In the payload of a text each fourth byte begins a frame of 24 KiB, which leads to the next one.
fn frames_in_frames(count: usize) -> Vec<u8> {
    [&b"\x81\x7e\x20\x20"[..], &b"\x01\x7e\x60\x60".repeat(count)].concat()
}

#[test]
fn a_stream_of_frames_in_frames_costs_no_more_steps_than_its_bytes_allow() {
    /// What is tried of each byte: a header, and the eight that it may lead to.
    const EACH: u64 = 64;
    for count in [12_500, 25_000, 50_000, 100_000, 200_000] {
        let stream = frames_in_frames(count);
        let steps = observe(Some(""), b"", &stream).steps;
        println!("{} bytes: {steps} steps", stream.len());
        assert!(steps <= EACH * stream.len() as u64, "{} bytes: {steps} steps", stream.len());
    }
}

/// Its name, what was agreed before it, and what the two sides send.
type Stream<'s> = (&'s str, Option<&'s str>, Vec<u8>, Vec<u8>);

/// Whatever is sent: the budget of a connection holds, and where it was used up the findings say so.
#[test]
fn no_stream_costs_more_than_the_budget() {
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    let list = |name: &str, count: usize| {
        let all: Vec<_> = (0..count).map(|at| format!("p{at}")).collect();
        format!("{name}: {}\r\n\r\n", all.join(", "))
    };
    let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let offers = format!("{request}{}", list("Sec-WebSocket-Extensions", 6_000));
    let answers = format!("{response}{}", list("Sec-WebSocket-Extensions", 6_001));
    let protocols = format!("{response}{}", list("Sec-WebSocket-Protocol", 6_000));
    let plain = format!("{request}\r\n");
    // A bomb: a block of zeros, 1,000 to one, in one message and another.
    let bomb = |rest: &[u8]| {
        let payload = [&b"\xec\xc0\x81\x00\x00\x00\x00\xc3\xa0\xfa\x53\x9f"[..], &vec![0; 60_000]].concat();
        let length = u16::try_from(payload.len()).expect("it is short").to_be_bytes();
        [&b"\xc2\x7e"[..], &length, &payload, rest].concat()
    };
    let streams: Vec<Stream<'_>> = vec![
        ("frames in frames", Some(""), vec![], frames_in_frames(100_000)),
        ("headers", Some(""), vec![], b"\x83\x01\x78".repeat(350_000)),
        ("texts with a bad byte", Some(""), vec![], {
            let text = [&b"\x81\x7e\xff\xff"[..], &[b'['; 65_534], b"\xff"].concat();
            text.repeat(16)
        }),
        ("a text in 500 fragments", Some(""), vec![], {
            let mut text = b"\x01\x7e\x01\xf4".to_vec();
            text.resize(504, b'a');
            for _ in 0..500 {
                text.extend(b"\x00\x7e\x01\xf4");
                text.resize(text.len() + 500, b'a');
            }
            text.extend(b"\x80\x01\xff");
            text
        }),
        (
            "pings, then a fault",
            Some(""),
            vec![],
            [b"\x89\x00".repeat(50_000), b"\x83\x00".repeat(100)].concat(),
        ),
        ("bombs without an agreement", Some(""), vec![], bomb(b"\x00").repeat(16)),
        ("bombs", Some("permessage-deflate"), vec![], bomb(b"\xc1\x03\xff\xff\xff").repeat(16)),
        ("lengths of 16 bits", Some(""), vec![], b"\x82\x7e\x00\x05hello".repeat(50_000)),
        ("one text, and what goes on behind it", Some(""), vec![], {
            [&b"\x81\x7e\xff\xff"[..], &vec![b'{'; 250_000]].concat()
        }),
        ("extensions that nobody offered", None, offers.into_bytes(), answers.into_bytes()),
        ("subprotocols that nobody offered", None, plain.into_bytes(), protocols.into_bytes()),
    ];
    for (name, open, client, server) in streams {
        let connection = observe(open, &client, &server);
        let partly = connection.findings.iter().filter(|found| found.searched == Searched::Partly).count();
        println!(
            "{name}: {} findings, {partly} partly, {} steps",
            connection.findings.len(),
            connection.steps
        );
        assert!(connection.steps <= MOST, "{name}: {}", connection.steps);
        assert!(connection.verdict.is_some(), "{name}");
    }
}

/// What explains the end is searched for, even where what came before it left nothing.
#[test]
fn the_finding_that_explains_the_end_is_searched_when_the_budget_is_used_up() {
    // A masking key that counts up is a note, and each text a search of its own.
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    observer.bytes(leg, Role::Server, None, &frames_in_frames(60_000));
    while observer.poll_observed().is_some() {}
    let connection = observer.finish();
    let verdict = connection.verdict.expect("a rule is broken");
    assert_ne!(connection.findings[verdict.finding].searched, Searched::No);
    // What was found before the bound was reached is told, what comes after it is not guessed.
    for found in connection.findings.iter().filter(|found| found.searched == Searched::No) {
        assert!(found.causes.is_empty(), "{:?}", found.causes);
    }
}

/// The look-alike: a real case of the same shape is found within the budget.
#[test]
fn a_message_inside_a_long_one_is_found_within_the_budget() {
    let mut stream = b"\x82\x7e\xea\x60".to_vec();
    stream.resize(30_004, 0x55);
    stream.extend(b"\x81\x17{\"event\":\"heartbeat 7\"}");
    stream.resize(60_004 + 25, 0x55);
    stream.extend(b"\x82\x02\x01\x02");
    let connection = observe(Some(""), b"", &stream);
    let first = &connection.findings[0];
    assert_eq!(first.searched, Searched::Done);
    assert_eq!(first.causes[0].id, Cause::InterleavedWriters);
    assert!(connection.steps < MOST / 4, "{}", connection.steps);
}

/// Taking bytes in searches for nothing.
#[test]
fn bytes_are_taken_in_without_a_search() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    for piece in frames_in_frames(100_000).chunks(4096) {
        observer.bytes(leg, Role::Server, None, piece);
    }
    observer.eof(leg, Role::Server, None);
    assert_eq!(observer.steps(), 0);
    assert!(observer.poll_settled().is_some_and(|diagnosis| diagnosis.finding().causes.is_empty()));
}
