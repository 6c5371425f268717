//! Whatever the bytes: no panic, no time that grows with the square, and the same findings however the bytes are cut.

use framewise_inspect::report::Searched;
use framewise_inspect::{Connection, Endpoints, Observed, Observer, diagnose};
use framewise_rules::{Cause, Limits, Role, Rule, Setup};
use framewise_transcript::{Action, Transcript};

/// xorshift: the same bytes in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 32) as u8).collect()
    }
}

fn observe(open: Option<&str>, sides: [&[u8]; 2], cut: usize) -> Connection {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    if let Some(extensions) = open {
        observer.open(leg, extensions);
    }
    for (role, bytes) in [Role::Client, Role::Server].into_iter().zip(sides) {
        for piece in bytes.chunks(cut.max(1)) {
            observer.bytes(leg, role, None, piece);
        }
        observer.eof(leg, role, None);
    }
    observer.finish()
}

/// In a long payload of any bytes there are frames by chance: what comes behind it is not blamed on two writers.
#[test]
fn noise_before_a_fault_is_no_second_writer() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let faults: [&[u8]; 3] =
        [b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", b"\x81\x7e\x00\x05Hello", b"\x83\x05Hello"];
    for size in [1_000_u16, 4_000, 16_000, 60_000] {
        for fault in faults {
            let mut server = [&b"\x82\x7e"[..], &size.to_be_bytes()].concat();
            server.extend(random.bytes(size.into()));
            server.extend_from_slice(fault);
            let connection = observe(Some(""), [b"", &server], usize::MAX);
            let named = connection.findings.iter().flat_map(|finding| &finding.causes);
            let named: Vec<_> = named.map(|cause| cause.id).collect();
            assert!(!connection.findings.is_empty());
            assert!(!named.contains(&Cause::InterleavedWriters), "{size}, {fault:02x?}: {named:?}");
        }
    }
}

#[test]
fn random_bytes_are_survived() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..400 {
        let size = (random.next() % 600) as usize;
        let (mut client, mut server) = (random.bytes(size), random.bytes(size));
        // Plausible beginnings lead further in.
        if round % 4 == 1 {
            client.splice(0..0, *b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n");
            server.splice(0..0, *b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n");
        }
        for side in [&mut client, &mut server].into_iter().filter(|_| round % 4 == 2) {
            for byte in side.iter_mut().step_by(7) {
                *byte = [0x81, 0x82, 0x01, 0x80, 0xc1, 0x89, 0x05, 0x7e][usize::from(*byte % 8)];
            }
        }
        let open = [None, None, Some(""), Some("permessage-deflate; server_max_window_bits=9")][round % 4];
        let whole = observe(open, [&client, &server], usize::MAX);
        let bytes = observe(open, [&client, &server], 1);
        let said = |connection: &Connection| -> Vec<_> {
            connection.findings.iter().map(|finding| (finding.rule, finding.by, finding.offset)).collect()
        };
        assert_eq!(said(&whole), said(&bytes), "round {round}");
    }
}

/// What almost is one of the connections that broke: that is where the detectors look closest.
#[test]
fn broken_connections_are_survived_when_they_break_once_more() {
    let mut random = Random(7);
    for line in include_str!("../corpus/incidents.jsonl").lines() {
        let incident: serde_json::Value = serde_json::from_str(line).expect("a line is an object");
        let transcript: Transcript =
            incident["transcript"].as_str().expect("text").parse().expect("a transcript");
        for _ in 0..20 {
            let mut broken = transcript.clone();
            for event in &mut broken.events {
                if let Action::Bytes(bytes) = &mut event.action
                    && random.next().is_multiple_of(2)
                {
                    mutate(bytes, &mut random);
                }
            }
            diagnose(&broken);
        }
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = (random.next() as usize) % (bytes.len() + 1);
    match random.next() % 4 {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.next() as u8),
        2 => drop(bytes.drain(at..(at + 3).min(bytes.len()))),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (random.next() % 8);
            }
        }
    }
}

/// Steps of the search for causes are counted, and the findings of a connection are bounded.
#[test]
fn a_stream_of_anything_is_bounded_in_findings_and_steps() {
    const SIZE: usize = 1 << 18;
    let mut random = Random(42);
    let noise = random.bytes(SIZE);
    let zeros = vec![0; SIZE];
    let letters = vec![b'A'; SIZE];
    // Thousands of headers, each a fault; one header that never ends; a page without a line's end.
    let faults: Vec<u8> = [0x83, 0x01, 0x78].repeat(SIZE / 3);
    let headers: Vec<u8> = [0x81, 0x00].repeat(SIZE / 2);
    for stream in [&noise, &zeros, &letters, &faults, &headers] {
        for open in [None, Some(""), Some("permessage-deflate")] {
            let connection = observe(open, [stream, stream], 1 << 16);
            println!(
                "{:x?}… {open:?}: {} findings, {} steps",
                &stream[..4],
                connection.findings.len(),
                connection.steps
            );
            assert!(connection.findings.len() <= 1000);
            assert!(connection.steps <= 36 << 20, "{} steps for {open:?}", connection.steps);
        }
    }
}

#[test]
fn ten_mebibytes_of_legal_frames_leave_nothing_behind() {
    let mut stream = Vec::new();
    while stream.len() < 10 << 20 {
        stream.extend_from_slice(&[0x82, 0x7e, 0x20, 0x00]);
        stream.resize(stream.len() + 0x2000, 7);
        stream.extend_from_slice(b"\x81\x05hello\x8a\x00");
    }
    let connection = observe(Some(""), [b"", &stream], 1 << 16);
    assert_eq!(
        connection.findings.len(),
        1,
        "{:?}",
        connection.findings.iter().map(|f| f.rule).collect::<Vec<_>>()
    );
    // The end without a Close is the one finding: what it looks at does not grow with the stream.
    assert!(connection.steps < 1 << 20, "{} steps", connection.steps);
}

#[test]
fn a_live_view_is_told_of_heads_frames_and_findings_as_they_come() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    observer.bytes(leg, Role::Server, None, b"\x81\x02hi");
    assert!(
        matches!(observer.poll_observed(), Some(Observed::Frame { number: 1, payload, .. }) if payload == b"hi")
    );
    observer.bytes(leg, Role::Client, None, b"\x81\x02");
    let Some(Observed::Finding(finding)) = observer.poll_observed() else { panic!("the header tells") };
    assert_eq!(finding.finding().rule, Some(Rule::MaskMissing));
    assert_eq!(finding.finding().searched, Searched::No);
    let finding = std::thread::spawn(move || finding.compute()).join().expect("it does not panic");
    assert_eq!(finding.causes[0].id, Cause::ClientDoesNotMask);
    assert!(observer.poll_observed().is_none());
}

/// A long frame is shown when the first 256 bytes of its payload are there, once; a shorter one at its end.
#[test]
fn a_live_view_is_told_of_a_frame_when_enough_of_it_is_there() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    let shown = |observer: &mut Observer, bytes: &[u8]| -> Vec<(u64, usize)> {
        observer.bytes(leg, Role::Server, None, bytes);
        let seen = std::iter::from_fn(|| observer.poll_observed());
        seen.map(|seen| {
            let Observed::Frame { offset, payload, .. } = seen else { panic!("{seen:?}") };
            (offset, payload.len())
        })
        .collect()
    };
    let none: [(u64, usize); 0] = [];
    assert_eq!(shown(&mut observer, &[&b"\x82\x7e\x02\x00"[..], &[7; 255]].concat()), none);
    assert_eq!(shown(&mut observer, &[7]), [(0, 256)]);
    assert_eq!(shown(&mut observer, &[7; 256]), none, "it was shown");
    assert_eq!(shown(&mut observer, b"\x81\x03hi"), none, "a byte is missing");
    assert_eq!(shown(&mut observer, b"!"), [(516, 3)]);
    assert_eq!(shown(&mut observer, b"\x81\x00\x81\x00"), [(521, 0), (523, 0)]);
    // More than the preview in one piece.
    assert_eq!(shown(&mut observer, &[&b"\x82\x7e\x10\x00"[..], &[7; 4096]].concat()), [(525, 256)]);
}

/// Of what nobody asks for the last few thousand are kept, and of a rule that is broken again and again some findings.
#[test]
fn what_nobody_asks_for_is_bounded() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    observer.bytes(leg, Role::Server, None, &b"\x82\x00".repeat(5000));
    let seen: Vec<_> = std::iter::from_fn(|| observer.poll_observed()).collect();
    assert_eq!(seen.len(), 4096);
    assert!(matches!(seen[0], Observed::Frame { number: 905, .. }), "{:?}", seen[0]);
    for _ in 0..60 {
        observer.bytes(leg, Role::Client, None, b"\x82\x00");
    }
    let findings = observer.finish().findings;
    assert_eq!(findings.iter().filter(|finding| finding.rule == Some(Rule::MaskMissing)).count(), 50);
}

/// The limits that the observer was told are in the sentences of what exceeds them.
#[test]
fn a_finding_names_the_limit_that_was_exceeded() {
    let limits = Limits::DEFAULT.frame(4).message(6).fragments(2);
    let setup = Setup { limits, ..Setup::DEFAULT };
    let says = |bytes: &[u8]| {
        let mut observer = Observer::new(Endpoints::from(setup));
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        observer.bytes(leg, Role::Server, None, bytes);
        let findings = observer.finish().findings;
        findings.into_iter().map(|finding| (finding.rule, finding.says)).next().expect("a limit is exceeded")
    };
    let (rule, said) = says(b"\x82\x05hello");
    assert_eq!(rule, Some(Rule::FrameTooBig));
    assert!(said.contains("here 5, the limit is 4"), "{said}");
    let (rule, said) = says(b"\x02\x04four\x80\x03two");
    assert_eq!(rule, Some(Rule::MessageTooBig));
    assert!(said.contains("here 7, the limit is 6"), "{said}");
    let (rule, said) = says(b"\x02\x01a\x00\x01b\x80\x01c");
    assert_eq!(rule, Some(Rule::FragmentsTooMany));
    assert!(said.contains("here 3, the limit is 2"), "{said}");
}

/// A head that is longer than the limit is told where the limit is, as soon as one byte is above it.
#[test]
fn a_head_above_the_limit_is_found_at_the_limit() {
    let setup = Setup { limits: Limits::DEFAULT.head(64), ..Setup::DEFAULT };
    let found = |early: &[u8], role: Role, size: usize| {
        let mut observer = Observer::new(Endpoints::from(setup));
        let leg = observer.leg("client-server");
        let start: &[u8] = if role == Role::Client { b"GET /" } else { b"HTTP/1.1 101 " };
        let head: Vec<u8> = start.iter().copied().chain(std::iter::repeat(b'x')).take(size).collect();
        observer.bytes(leg, role, None, &[early, &head].concat());
        let findings = observer.finish().findings;
        findings.first().map(|finding| (finding.rule, finding.offset, finding.length))
    };
    assert_eq!(found(b"", Role::Client, 64), None);
    assert_eq!(found(b"", Role::Client, 67), Some((Some(Rule::RequestTooLarge), 64, 3)));
    assert_eq!(found(b"", Role::Server, 64), None);
    assert_eq!(found(b"", Role::Server, 67), Some((Some(Rule::ResponseTooLarge), 64, 3)));
    // Frames before the response are not part of its head.
    assert_eq!(found(b"\x81\x02hi", Role::Server, 67), Some((Some(Rule::ResponseTooLarge), 68, 3)));
}

/// That the causes were searched for is the rule, and not said.
#[test]
fn the_json_says_only_that_causes_were_not_searched_for() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    observer.bytes(leg, Role::Client, None, b"\x81\x02hi");
    let mut findings = observer.finish().findings;
    let key = |finding: &_| {
        let json = serde_json::to_value::<&framewise_inspect::report::Finding>(finding).expect("it is JSON");
        json.get("searched").map(|searched| searched.as_str().expect("a word").to_owned())
    };
    assert_eq!(key(&findings[0]), None);
    findings[0].searched = Searched::Partly;
    assert_eq!(key(&findings[0]).as_deref(), Some("partly"));
}

/// Lengths at which an offset, or a sum of two, leaves 63 or 64 bits, for every opcode, mask and side.
#[test]
fn lengths_at_the_end_of_what_64_bits_hold_are_survived() {
    let lengths =
        [0, 125, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 14, u64::MAX - 1, u64::MAX];
    for opcode in 0..16_u8 {
        for (length, mask, fin) in lengths.into_iter().flat_map(|length| {
            [(false, 0x80), (true, 0x80), (true, 0)].map(|(mask, fin)| (length, mask, fin))
        }) {
            let mut frame = vec![fin | opcode, if mask { 0xff } else { 0x7f }];
            frame.extend(length.to_be_bytes());
            frame.extend(if mask { &[1, 2, 3, 4][..] } else { &[] });
            for before in
                [&b""[..], b"\x01\x01a", b"\x81\x02hi", b"\x81\x7e\x00\x02hi", b"\xc1\x03\xf2\x48\x05"]
            {
                for behind in [&b""[..], b"hi"] {
                    let stream = [before, &frame, behind].concat();
                    for sides in [[&stream[..], b""], [b"", &stream[..]], [&stream[..], &stream[..]]] {
                        for open in ["", "permessage-deflate"] {
                            observe(Some(open), sides, usize::MAX);
                        }
                    }
                }
            }
        }
    }
}

/// The same of the length that a request's head announces for its body.
#[test]
fn a_body_as_long_as_64_bits_allow_is_survived() {
    for length in [1 << 63, u64::MAX - 1, u64::MAX] {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: {length}\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nbody"
        );
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x01\x02hi";
        for cut in [1, usize::MAX] {
            observe(None, [request.as_bytes(), response.as_bytes()], cut);
        }
    }
}

/// A server that fails a connection at the first fault has no use for what follows it.
#[test]
fn nothing_is_reported_after_the_first_enforced_finding_where_that_is_asked_for() {
    // A note (a Pong that answers another Ping), a fault, a note and a fault.
    let (first, rest): (&[u8], &[u8]) = (b"\x89\x01\x61", b"\x83\x00\x83\x00");
    let rules = |observer: Observer| -> Vec<_> {
        let mut observer = observer;
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        observer.bytes(leg, Role::Server, None, first);
        observer.bytes(leg, Role::Client, None, b"\x8a\x81\0\0\0\0b");
        observer.bytes(leg, Role::Server, None, rest);
        observer.bytes(leg, Role::Client, None, b"\x83\x80\0\0\0\0");
        observer.finish().findings.iter().filter_map(|finding| finding.rule).collect()
    };
    let all = rules(Observer::new(Endpoints::UNKNOWN));
    assert_eq!(all, [Rule::PongMismatched, Rule::OpcodeReservedData, Rule::OpcodeReservedData]);
    let until = rules(Observer::new(Endpoints::UNKNOWN).until_first_enforced());
    assert_eq!(until, [Rule::PongMismatched, Rule::OpcodeReservedData]);
}

/// A recording may show bytes of a side after its end. How many of them come at once decides nothing then, either.
#[test]
fn bytes_after_the_end_of_their_stream_are_judged_however_they_are_cut() {
    // A NUL in front of a frame, and a frame with a mask.
    for (stream, rule) in [
        (&b"\x00\x81\x04\xff\x00\x68\x69"[..], Rule::ResponseExtraBytes),
        (b"\x81\x84\0\0\0\0hihi", Rule::MaskPresent),
    ] {
        for ends in [&[][..], &[Action::Eof], &[Action::Reset]] {
            for cut in 1..=stream.len() {
                let mut observer = Observer::new(Endpoints::UNKNOWN);
                let leg = observer.leg("client-server");
                observer.open(leg, "");
                for end in ends {
                    match end {
                        Action::Eof => observer.eof(leg, Role::Server, None),
                        Action::Reset => observer.reset(leg, Role::Server, None),
                        Action::Bytes(_) | Action::Gap(_) => unreachable!("an end"),
                    }
                }
                for piece in stream.chunks(cut) {
                    observer.bytes(leg, Role::Server, None, piece);
                }
                let found: Vec<_> = observer.finish().findings.iter().map(|finding| finding.rule).collect();
                assert!(found.contains(&Some(rule)), "{found:?}, {ends:?}, cut {cut}");
            }
        }
    }
}
