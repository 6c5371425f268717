//! A client's engine and a server's, over a simulated link and clock: no socket, no sleep.

use std::collections::VecDeque;
use std::time::Duration;

use framewise_proto::rules::{CloseCode, Limits, Rule};
use framewise_proto::{
    CloseFrame, Config, Connection, Ended, EndedBy, Event, MessageKind, Misuse, Strictness, Transport,
};

/// What an end saw.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseFrame>),
    Violation(Rule, u64),
    Tolerated(Rule),
    Ended(Ended),
}

/// One end with its inbox.
struct End {
    engine: Connection,
    inbox: Vec<u8>,
    /// The message of which parts came, and the last did not.
    message: Option<Vec<u8>>,
    seen: Vec<Seen>,
}

impl End {
    fn client(config: Config) -> Self {
        let mut counter = 0_u32;
        let keys = Box::new(move || {
            counter = counter.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            counter.to_be_bytes()
        });
        Self::new(Connection::client(config, keys, 0, Duration::ZERO))
    }

    fn server(config: Config) -> Self {
        Self::new(Connection::server(config, 0, Duration::ZERO))
    }

    fn new(engine: Connection) -> Self {
        Self { engine, inbox: Vec::new(), message: None, seen: Vec::new() }
    }

    fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let (consumed, event) = self.engine.receive(now, &mut self.inbox[at..]);
            at += consumed;
            let Some(event) = event else { break };
            Self::see(&mut self.message, &mut self.seen, event);
        }
        self.inbox.drain(..at);
        self.poll();
    }

    fn see(message: &mut Option<Vec<u8>>, seen: &mut Vec<Seen>, event: Event<'_>) {
        seen.push(match event {
            Event::Data { payload, first, last } => {
                assert_eq!(first, message.is_none(), "the first part is first, and no other");
                let so_far = message.get_or_insert_default();
                so_far.extend_from_slice(&payload);
                if !last {
                    return;
                }
                Seen::Message(payload.kind(), message.take().expect("it is there"))
            }
            Event::Ping(payload) => Seen::Ping(payload.to_vec()),
            Event::Pong(payload) => Seen::Pong(payload.to_vec()),
            Event::Close(close) => Seen::Close(close),
            Event::Violation(violation) => {
                Seen::Violation(violation.rule, violation.offset.expect("the engine counts"))
            }
            Event::Tolerated(violation) => Seen::Tolerated(violation.rule),
            Event::Inflated { .. } => unreachable!("no extension was agreed"),
            Event::Ended(ended) => Seen::Ended(ended),
        });
    }

    fn poll(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            Self::see(&mut self.message, &mut self.seen, event);
        }
    }

    fn written(&mut self) -> Vec<u8> {
        let mut written = Vec::new();
        while let Some(transmit) = self.engine.poll_transmit() {
            written.extend(transmit.into_vec());
        }
        written
    }
}

/// Lets both ends talk until neither has anything to say, in pieces of `cut` bytes.
fn run(client: &mut End, server: &mut End, cut: usize) {
    let mut wires = [VecDeque::new(), VecDeque::new()];
    loop {
        wires[0].extend(client.written());
        wires[1].extend(server.written());
        if wires.iter().all(VecDeque::is_empty) {
            return;
        }
        for (wire, end) in wires.iter_mut().zip([&mut *server, &mut *client]) {
            let piece: Vec<u8> = wire.drain(..cut.min(wire.len())).collect();
            end.receive(Duration::ZERO, &piece);
        }
    }
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame::new(CloseCode(code), reason)
}

#[test]
fn messages_of_every_form_of_length_arrive_whole_in_any_pieces() {
    for cut in [1, 2, 3, 7, 64, 1000, usize::MAX] {
        let (mut client, mut server) = (End::client(Config::default()), End::server(Config::default()));
        let mut expected = Vec::new();
        for length in [0, 1, 125, 126, 127, 5000, 0xffff, 0x1_0000] {
            if length > 5000 && cut < 64 {
                continue;
            }
            let text = "aé€😀".chars().cycle().scan(0, |size, c| {
                *size += c.len_utf8();
                (*size <= length).then_some(c)
            });
            let text: String = text.collect();
            client.engine.send_text(&text).expect("open");
            expected.push(Seen::Message(MessageKind::Text, text.into_bytes()));
            let binary: Vec<u8> = (0..length).map(|i| i as u8).collect();
            client.engine.send_binary(&binary).expect("open");
            expected.push(Seen::Message(MessageKind::Binary, binary));
        }
        run(&mut client, &mut server, cut);
        assert_eq!(server.seen, expected, "in pieces of {cut}");
    }
}

#[test]
fn a_message_in_parts_may_be_cut_inside_a_character_and_a_ping_goes_between() {
    let (mut client, mut server) = (End::client(Config::default()), End::server(Config::default()));
    server.engine.begin(MessageKind::Text).expect("open");
    server.engine.send_part(b"\xf0\x9f", false).expect("a text may be cut anywhere");
    server.engine.ping(Duration::ZERO, b"are you there").expect("a control frame may go between");
    assert_eq!(server.engine.send_text("another"), Err(Misuse::MessageOpen));
    server.engine.send_part(b"\x98\x80", true).expect("it ends at a character's border");
    run(&mut client, &mut server, 1);
    let text = Seen::Message(MessageKind::Text, "😀".into());
    assert_eq!(client.seen, [Seen::Ping(b"are you there".to_vec()), text]);
    assert_eq!(server.seen, [Seen::Pong(b"are you there".to_vec())]);
}

#[test]
fn either_end_closes_and_both_know_who() {
    for client_closes in [true, false] {
        for frame in [None, Some(close(1000, "done")), Some(close(4999, ""))] {
            let (mut client, mut server) = (End::client(Config::default()), End::server(Config::default()));
            let (closer, other) =
                if client_closes { (&mut client, &mut server) } else { (&mut server, &mut client) };
            closer.engine.close(Duration::ZERO, frame.as_ref()).expect("open");
            assert_eq!(closer.engine.send_text("late"), Err(Misuse::Closed));
            let _ = other;
            run(&mut client, &mut server, 1);
            let code = frame.as_ref().map_or(CloseCode::NO_STATUS, |frame| frame.code);
            let echo = frame.clone().map(|frame| close(frame.code.0, ""));
            let us = Seen::Ended(Ended::new(EndedBy::Us, code, "", true));
            let reason = frame.as_ref().map_or_else(String::new, |frame| frame.reason.clone());
            let peer = Seen::Ended(Ended::new(EndedBy::Peer, code, reason, true));
            let (closer, other) = if client_closes { (&client, &server) } else { (&server, &client) };
            assert_eq!(closer.seen, [Seen::Close(echo), us]);
            assert_eq!(other.seen, [Seen::Close(frame), peer]);
            // RFC 6455 §7.1.1: the server closes TCP first.
            assert_eq!(server.engine.poll_transport(), Transport::CloseAfterWriting);
            assert_eq!(client.engine.poll_transport(), Transport::AwaitEnd);
        }
    }
}

#[test]
fn a_close_that_is_not_answered_is_not_waited_for() {
    let config = Config::default().limits(Limits::DEFAULT.close(Duration::from_secs(3)));
    let mut client = End::client(config);
    client.engine.close(Duration::from_secs(10), None).expect("open");
    assert_eq!(client.engine.poll_timeout(), Some(Duration::from_secs(13)));
    client.engine.handle_timeout(Duration::from_millis(12_999));
    client.poll();
    assert_eq!(client.seen, []);
    client.engine.handle_timeout(Duration::from_secs(13));
    client.poll();
    let code = CloseCode::ABNORMAL_CLOSURE;
    let ended = Ended::new(EndedBy::Nobody, code, "", false);
    assert_eq!(client.seen, [Seen::Violation(Rule::CloseTimeout, 0), Seen::Ended(ended)]);
    assert_eq!(client.engine.poll_transport(), Transport::Close);
}

#[test]
fn a_server_that_keeps_tcp_open_is_not_waited_for_either() {
    let (mut client, mut server) = (End::client(Config::default()), End::server(Config::default()));
    client.engine.close(Duration::ZERO, None).expect("open");
    run(&mut client, &mut server, 100);
    let deadline = client.engine.poll_timeout().expect("there is a deadline for the server's end of TCP");
    assert_eq!(deadline.as_secs(), 1);
    client.engine.handle_timeout(deadline);
    client.poll();
    assert_eq!(client.engine.poll_transport(), Transport::Close);
    assert_eq!(client.seen.len(), 2, "nothing was wrong: {:?}", client.seen);
}

#[test]
fn silence_ends_the_connection_only_where_a_limit_says_so() {
    let mut client = End::client(Config::default());
    assert_eq!(client.engine.poll_timeout(), None);
    let limits = Limits::DEFAULT.idle(Duration::from_secs(60));
    client = End::client(Config::default().limits(limits));
    client.receive(Duration::from_secs(30), b"\x89\x00");
    assert_eq!(client.engine.poll_timeout(), Some(Duration::from_secs(90)));
    client.engine.handle_timeout(Duration::from_secs(60));
    client.poll();
    assert_eq!(client.seen, [Seen::Ping(Vec::new())]);
    client.engine.handle_timeout(Duration::from_secs(90));
    client.poll();
    assert_eq!(client.seen[1], Seen::Violation(Rule::IdleTimeout, 2));
}

#[test]
fn control_frames_are_limited_by_the_second_from_the_first_of_them_on() {
    let limits = Limits::DEFAULT.control_rate(2);
    let mut client = End::client(Config::default().limits(limits));
    for second in 0..3 {
        client.receive(Duration::from_secs(second), b"\x8a\x00\x8a\x00");
    }
    assert_eq!(client.seen.len(), 6);
    client.receive(Duration::from_millis(2_999), b"\x8a\x00");
    assert_eq!(client.seen[6], Seen::Violation(Rule::ControlFlood, 12));
}

/// The loop of the front page: `None` means that more bytes are needed, so nothing that is there may be left.
#[test]
fn none_means_that_more_bytes_are_needed() {
    let text = || Seen::Message(MessageKind::Text, b"hi".to_vec());
    let ping = || Seen::Ping(Vec::new());
    for (bytes, expected) in [
        // A first fragment without payload, or a later one, and what comes behind it.
        (&b"\x01\x00\x80\x02hi\x89\x00"[..], vec![text(), ping()]),
        (b"\x01\x00\x00\x00\x00\x00\x80\x02hi\x89\x00", vec![text(), ping()]),
        (b"\x01\x02hi\x00\x00\x80\x00\x89\x00", vec![text(), ping()]),
        (b"\x01\x01h\x00\x00\x89\x00\x80\x01i", vec![ping(), text()]),
        // The message is not over.
        (b"\x01\x00\x00\x00", vec![]),
    ] {
        for cut in 0..=bytes.len() {
            let mut client = End::client(Config::default());
            for piece in [&bytes[..cut], &bytes[cut..]] {
                client.receive(Duration::ZERO, piece);
                assert!(client.inbox.len() < 2, "{bytes:02x?} cut at {cut}: {:02x?}", client.inbox);
            }
            assert_eq!(client.seen, expected, "{bytes:02x?} cut at {cut}");
            assert_eq!(client.inbox, b"", "{bytes:02x?} cut at {cut}");
        }
    }
}

/// A header that is wrong in its first two bytes is answered from them: what it says of its length may never come.
#[test]
fn two_bytes_of_a_header_that_are_wrong_are_answered() {
    let open: &[u8] = b"\x01\x81\0\0\0\0x";
    for (before, header, rule, also) in [
        (&b""[..], b"\x88\xfe", Rule::ControlTooLong, &[][..]),
        (b"", b"\x89\xff", Rule::ControlTooLong, &[]),
        (b"", b"\x83\xff", Rule::OpcodeReservedData, &[]),
        (b"", b"\xb1\xff", Rule::Rsv2Set, &[Rule::Rsv3Set]),
        (b"", b"\xc2\xfe", Rule::Rsv1Unnegotiated, &[]),
        (b"", b"\x8f\xfe", Rule::OpcodeReservedControl, &[Rule::ControlTooLong]),
        (b"", b"\x09\x7e", Rule::ControlFragmented, &[Rule::MaskMissing, Rule::ControlTooLong]),
        (b"", b"\x82\x7f", Rule::MaskMissing, &[]),
        (b"", b"\x80\xfe", Rule::ContinuationOrphan, &[]),
        (open, b"\x82\xfe", Rule::DataInterleaved, &[]),
        (open, b"\x00\xff", Rule::FragmentsTooMany, &[]),
    ] {
        // Whatever follows them, and however it is cut.
        for rest in [&b""[..], b"\x00\x05", b"\x80\x00\x00\x00\x00\x00\x00\x05abcd", &[0xff; 12]] {
            let bytes = [before, header, rest].concat();
            for cut in 0..bytes.len() {
                let limits = Limits::DEFAULT.fragments(1);
                let mut server = Connection::server(Config::default().limits(limits), 0, Duration::ZERO);
                let mut found = None;
                let (mut inbox, mut arrived) = (Vec::new(), 0);
                for piece in [&bytes[..cut], &bytes[cut..]] {
                    inbox.extend_from_slice(piece);
                    arrived += piece.len();
                    let mut at = 0;
                    loop {
                        let (consumed, event) = server.receive(Duration::ZERO, &mut inbox[at..]);
                        at += consumed;
                        match event {
                            Some(Event::Violation(violation)) => {
                                found.get_or_insert((violation, arrived));
                            }
                            Some(_) => {}
                            None => break,
                        }
                    }
                    inbox.drain(..at);
                }
                let (violation, arrived) = found.expect("it is wrong");
                assert_eq!((violation.rule, &violation.also[..]), (rule, also), "{bytes:02x?} cut at {cut}");
                assert_eq!(violation.offset, Some(before.len() as u64), "{bytes:02x?} cut at {cut}");
                assert!(cut < before.len() + 2 || arrived == cut, "{bytes:02x?} cut at {cut}: it waited");
            }
        }
    }
    // These are not decided by two bytes.
    for header in [b"\x82\xfe", b"\x81\xff", b"\x01\xfe"] {
        let mut server = End::server(Config::default());
        server.receive(Duration::ZERO, header);
        assert_eq!((&server.seen[..], &server.inbox[..]), (&[][..], &header[..]));
    }
    let strictness = Strictness::default().unmasked_client_frames(true);
    let mut server = End::server(Config::default().strictness(strictness));
    server.receive(Duration::ZERO, b"\x82\x7e");
    assert_eq!(server.seen, []);
    server.receive(Duration::ZERO, b"\x00\x05");
    assert_eq!(server.seen, [Seen::Violation(Rule::LengthNotMinimal16, 0), server.seen[1].clone()]);
}

#[test]
fn what_comes_after_a_violation_or_a_close_is_never_delivered() {
    let mut client = End::client(Config::default());
    client.receive(Duration::ZERO, b"\x83\x00\x81\x02hi");
    let reason = "opcode-reserved-data".to_owned();
    let failed = Ended::new(EndedBy::Us, CloseCode::PROTOCOL_ERROR, reason, false);
    assert_eq!(client.seen, [Seen::Violation(Rule::OpcodeReservedData, 0), Seen::Ended(failed)]);
    client = End::client(Config::default());
    client.receive(Duration::ZERO, b"\x88\x00\x81\x02hi\x81\x02hi");
    let closed = Ended::new(EndedBy::Peer, CloseCode::NO_STATUS, "", true);
    assert_eq!(client.seen, [Seen::Close(None), Seen::Tolerated(Rule::FrameAfterClose), Seen::Ended(closed)]);
}

#[test]
fn a_leniency_lets_its_rule_pass_and_says_so() {
    let strictness = Strictness::default().masked_server_frames(true);
    let mut client = End::client(Config::default().strictness(strictness));
    for byte in *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" {
        client.receive(Duration::ZERO, &[byte]);
    }
    assert_eq!(
        client.seen,
        [Seen::Tolerated(Rule::MaskPresent), Seen::Message(MessageKind::Text, b"Hello".to_vec())]
    );
    client.receive(Duration::ZERO, b"\xa1\x85\x37\xfa\x21\x3d");
    assert_eq!(client.seen[2], Seen::Violation(Rule::Rsv2Set, 11), "the others are enforced as before");
}

#[test]
fn a_wrong_command_is_refused_and_nothing_is_sent() {
    let mut server = End::server(Config::default());
    let long = vec![b'x'; 126];
    assert_eq!(server.engine.ping(Duration::ZERO, &long), Err(Misuse::ControlTooLong { length: 126 }));
    assert_eq!(server.engine.pong(&long), Err(Misuse::ControlTooLong { length: 126 }));
    assert_eq!(server.engine.send_part(b"", true), Err(Misuse::NoMessageOpen));
    for code in [0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 65535] {
        let refused = server.engine.close(Duration::ZERO, Some(&close(code, "")));
        assert_eq!(refused, Err(Misuse::CloseCode(CloseCode(code))));
    }
    let reason = "é".repeat(62);
    let refused = server.engine.close(Duration::ZERO, Some(&close(1000, &reason)));
    assert_eq!(refused, Err(Misuse::ControlTooLong { length: 124 }));
    server.engine.begin(MessageKind::Text).expect("open");
    assert_eq!(server.engine.send_part(b"\xff", false), Err(Misuse::TextNotUtf8));
    assert_eq!(server.engine.send_part(b"\xe2\x82", true), Err(Misuse::TextNotUtf8));
    assert_eq!(server.written(), b"");
}

#[test]
fn a_hostile_length_allocates_nothing() {
    for length in [1_u64 << 62, u64::MAX >> 1, u64::MAX] {
        let mut client = End::client(Config::default());
        let mut frame = b"\x82\x7f".to_vec();
        frame.extend_from_slice(&length.to_be_bytes());
        client.receive(Duration::ZERO, &frame);
        assert!(matches!(client.seen[0], Seen::Violation(Rule::FrameTooBig | Rule::LengthTopBit, 0)));
    }
}
