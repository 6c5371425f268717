//! What an engine says to the byte: where something is wrong and why, what is just within a limit, and what is queued.

use std::time::Duration;

use framewise_proto::handshake::{ClientOffer, ResponseHead, check_response, extension_required};
use framewise_proto::rules::{CloseCode, Limits, MessageKinds, Rule};
use framewise_proto::{
    CloseFrame, Config, Connection, Detail, Event, MessageKind, Misuse, Opcode, Strictness, Violation,
};

use crate::messages::written;

const NOW: Duration = Duration::ZERO;

fn client(config: Config) -> Connection {
    Connection::client(config, Box::new(|| [0; 4]), 0, NOW)
}

fn limited(limits: Limits) -> Config {
    Config::default().limits(limits)
}

/// The first violation in `bytes`, given in two pieces.
fn wrong(engine: &mut Connection, bytes: &[u8], cut: usize) -> Option<Box<Violation>> {
    let mut inbox = Vec::new();
    for piece in [&bytes[..cut], &bytes[cut..]] {
        inbox.extend_from_slice(piece);
        let mut at = 0;
        loop {
            match engine.receive(NOW, &mut inbox[at..]) {
                (_, Some(Event::Violation(violation) | Event::Tolerated(violation))) => {
                    return Some(violation);
                }
                (consumed, Some(_)) => at += consumed,
                (consumed, None) => {
                    at += consumed;
                    break;
                }
            }
        }
        inbox.drain(..at);
    }
    None
}

/// Where a violation is: its first byte, how many there are, its frame and its message.
fn place(violation: &Violation) -> (u64, u64, u64, u64) {
    (violation.offset.expect("it was counted"), violation.length, violation.frame, violation.message)
}

#[test]
fn what_is_within_a_limit_passes_and_what_is_beyond_it_is_measured() {
    let limits = Limits::DEFAULT;
    let of = |got, limit| Detail::Limit { got, limit };
    for (limits, within, beyond, rule, detail, at) in [
        (
            limits.frame(5),
            &b"\x82\x05hello"[..],
            &b"\x82\x06hello!"[..],
            Rule::FrameTooBig,
            of(6, 5),
            (0, 2, 1, 0),
        ),
        (
            limits.frame(5),
            b"\x02\x05hello\x80\x05hello",
            b"\x02\x05hello\x80\x06hello!",
            Rule::FrameTooBig,
            of(6, 5),
            (7, 2, 2, 1),
        ),
        (limits.message(5), b"\x82\x05hello", b"\x82\x06hello!", Rule::MessageTooBig, of(6, 5), (0, 2, 1, 0)),
        (
            limits.message(5),
            b"\x02\x03abc\x80\x02de",
            b"\x02\x03abc\x80\x03def",
            Rule::MessageTooBig,
            of(6, 5),
            (5, 2, 2, 1),
        ),
        (
            limits.fragments(2),
            b"\x02\x01a\x80\x01b",
            b"\x02\x01a\x00\x01b\x80\x01c",
            Rule::FragmentsTooMany,
            of(3, 2),
            (6, 2, 3, 1),
        ),
        (limits.fragments(0), b"", b"\x82\x01a", Rule::FragmentsTooMany, of(1, 0), (0, 2, 1, 0)),
        (
            limits.control_run(2),
            b"\x89\0\x8a\0\x82\0\x89\0",
            b"\x89\0\x8a\0\x89\0",
            Rule::ControlFlood,
            of(3, 2),
            (4, 2, 3, 0),
        ),
        (
            limits.control_rate(2),
            b"\x89\0\x8a\0",
            b"\x89\0\x82\0\x8a\0\x89\0",
            Rule::ControlFlood,
            of(3, 2),
            (6, 2, 4, 1),
        ),
        (limits.control_run(0), b"\x82\0", b"\x89\0", Rule::ControlFlood, of(1, 0), (0, 2, 1, 0)),
        (limits.control_rate(0), b"\x82\0", b"\x89\0", Rule::ControlFlood, of(1, 0), (0, 2, 1, 0)),
        (
            limits,
            b"\x82\x7e\x00\x7e",
            b"\x82\x7e\x00\x7d",
            Rule::LengthNotMinimal16,
            Detail::Length(125),
            (0, 4, 1, 0),
        ),
        (
            limits,
            b"\x82\0",
            b"\x82\0\x83\0",
            Rule::OpcodeReservedData,
            Detail::Opcode(Opcode::Reserved(3)),
            (2, 2, 2, 1),
        ),
    ] {
        for cut in 0..=within.len() {
            assert_eq!(wrong(&mut client(limited(limits)), within, cut), None, "{within:02x?} at {cut}");
        }
        for cut in 0..=beyond.len() {
            let found = wrong(&mut client(limited(limits)), beyond, cut).expect("it is beyond the limit");
            assert_eq!(
                (found.rule, found.detail, place(&found)),
                (rule, detail, at),
                "{beyond:02x?} at {cut}"
            );
        }
    }
}

#[test]
fn a_kind_that_is_not_accepted_is_told_in_one_frame_and_in_several() {
    let (text, binary) =
        ([&b"\x81\x02hi"[..], b"\x01\x01h\x80\x01i"], [&b"\x82\x02hi"[..], b"\x02\x01h\x80\x01i"]);
    for (messages, accepted, other) in
        [(MessageKinds::TextOnly, text, binary), (MessageKinds::BinaryOnly, binary, text)]
    {
        for (accepted, other) in accepted.into_iter().zip(other) {
            let config = || Config::default().messages(messages);
            assert_eq!(wrong(&mut client(config()), accepted, 0), None);
            let found = wrong(&mut client(config()), other, 0).expect("it is not accepted");
            assert_eq!((found.rule, place(&found)), (Rule::UnsupportedData, (0, 2, 1, 0)));
        }
    }
}

#[test]
fn a_fault_of_text_is_told_where_it_lies_however_it_is_cut() {
    for (bytes, rule, at) in [
        (&b"\x82\x01a\x81\x03ab\xff"[..], Rule::TextInvalidUtf8, (7, 1, 2, 2)),
        (b"\x81\x04ab\xe2\x82", Rule::TextTruncatedUtf8, (4, 2, 1, 1)),
        (b"\x01\x02a\xff", Rule::TextInvalidUtf8, (3, 1, 1, 1)),
        (b"\x01\x02ab\x80\x02c\xff", Rule::TextInvalidUtf8, (7, 1, 2, 1)),
        (b"\x01\x02ab\x80\x03c\xe2\x82", Rule::TextTruncatedUtf8, (7, 2, 2, 1)),
        (b"\x01\x02ab\x80\x02\xe2\x82", Rule::TextTruncatedUtf8, (6, 2, 2, 1)),
        // The character begins in a frame before: the whole last frame stands for it.
        (b"\x01\x03ab\xe2\x80\x01\x82", Rule::TextTruncatedUtf8, (5, 3, 2, 1)),
        (b"\x88\x05\x03\xe8a\xffb", Rule::CloseReasonInvalidUtf8, (5, 1, 1, 0)),
        (b"\x82\0\x88\x02\x03\xec", Rule::CloseCodeReserved, (4, 2, 2, 1)),
        (b"\x88\x07\x03\xe8abc\xe2\x82", Rule::CloseReasonInvalidUtf8, (7, 2, 1, 0)),
    ] {
        for cut in 0..=bytes.len() {
            let found = wrong(&mut client(Config::default()), bytes, cut).expect("it is wrong");
            assert_eq!((found.rule, place(&found)), (rule, at), "{bytes:02x?} cut at {cut}");
        }
    }
}

#[test]
fn the_end_of_the_stream_is_named_by_what_it_cuts() {
    for (bytes, rule, at) in [
        (&b""[..], Rule::CloseMissing, (0, 0, 0, 0)),
        (b"\x82\x01a", Rule::CloseMissing, (3, 0, 1, 1)),
        (b"\x82\x01a\x82", Rule::HeaderTruncated, (4, 0, 2, 1)),
        (b"\x82\x01a\x82\x7e\x01", Rule::HeaderTruncated, (6, 0, 2, 1)),
        (b"\x82\x01a\x89\x05ab", Rule::PayloadTruncated, (7, 0, 2, 1)),
        (b"\x82\x01a\x82\x05ab", Rule::PayloadTruncated, (7, 0, 2, 2)),
    ] {
        let (mut engine, mut inbox, mut at_byte) = (client(Config::default()), bytes.to_vec(), 0);
        while let (consumed @ 1.., _) = engine.receive(NOW, &mut inbox[at_byte..]) {
            at_byte += consumed;
        }
        engine.receive_eof(NOW, &inbox[at_byte..]);
        let Some(Event::Violation(found)) = engine.poll_event() else { panic!("an end without a Close") };
        assert_eq!((found.rule, place(&found)), (rule, at), "{bytes:02x?}");
    }
}

#[test]
fn what_is_at_hand_and_what_is_queued_can_be_asked() {
    let mut engine = client(Config::default());
    assert_eq!((engine.remaining(), engine.receiving(), engine.queued()), (0, None, 0));
    assert!(engine.receive(NOW, &mut b"\x81\x05he".to_vec()).1.is_some());
    assert_eq!((engine.remaining(), engine.receiving()), (3, Some(MessageKind::Text)));
    assert!(engine.receive(NOW, &mut b"llo".to_vec()).1.is_some());
    assert_eq!((engine.remaining(), engine.receiving()), (0, None));

    engine.ping(NOW, b"abc").expect("open");
    assert_eq!(engine.queued(), 9);
    let mut other = client(Config::default());
    other.ping(NOW, &[b'o'; 100]).expect("open");
    let other = other.poll_transmit().expect("a Ping");
    // What is given back while something is queued takes nothing away.
    let capacity = other.capacity();
    engine.recycle(other);
    let small = engine.poll_transmit().expect("a Ping");
    assert!(small.capacity() < capacity);
    assert_eq!((small.into_vec(), engine.queued()), (b"\x89\x83\0\0\0\0abc".to_vec(), 0));
    // What is given back while nothing is, is used again, and empty.
    let mut other = client(Config::default());
    other.ping(NOW, &[b'o'; 100]).expect("open");
    let other = other.poll_transmit().expect("a Ping");
    engine.recycle(other);
    assert_eq!((engine.queued(), engine.poll_transmit().is_none()), (0, true));
    engine.pong(b"").expect("open");
    let pong = engine.poll_transmit().expect("a Pong");
    assert_eq!((pong.capacity(), pong.into_vec()), (capacity, b"\x8a\x80\0\0\0\0".to_vec()));

    assert_eq!(engine.close_deadline(), None);
    engine.close(Duration::from_secs(7), None).expect("open");
    assert_eq!(engine.close_deadline(), Some(Duration::from_secs(7) + Limits::DEFAULT.close));
}

#[test]
fn a_full_queue_answers_the_last_ping_alone_and_before_a_close() {
    let pings = || b"\x89\x01a\x89\x01b\x89\x01c".to_vec();
    // A Pong is 7 bytes.
    for (send_queue, answered) in [(7, &b"ac"[..]), (8, b"abc"), (15, b"abc"), (0, b"ac")] {
        for close in [false, true] {
            let mut engine = client(Config::default().send_queue(send_queue));
            assert_eq!(wrong(&mut engine, &pings(), 0), None);
            if close {
                engine.close(NOW, None).expect("open");
            }
            let mut expected: Vec<u8> =
                answered.iter().flat_map(|&ping| [0x8a, 0x81, 0, 0, 0, 0, ping]).collect();
            if close {
                expected.extend_from_slice(b"\x88\x80\0\0\0\0");
            }
            assert_eq!(written(&mut engine), expected, "{send_queue}");
        }
    }
}

#[test]
fn the_longest_control_frames_are_sent() {
    let mut engine = client(Config::default());
    let longest = [b'x'; 125];
    assert_eq!((engine.ping(NOW, &longest), engine.pong(&longest)), (Ok(()), Ok(())));
    let reason = "x".repeat(123);
    assert_eq!(engine.close(NOW, Some(&CloseFrame::new(CloseCode(1000), reason))), Ok(()));
    assert_eq!(written(&mut engine).len(), 3 * (6 + 125));
    assert_eq!(engine.close(NOW, None), Err(Misuse::Closed));
}

#[test]
fn silence_is_measured_to_the_moment() {
    let idle = Some(Duration::from_secs(60));
    let mut engine = client(limited(idle.map_or(Limits::DEFAULT, |idle| Limits::DEFAULT.idle(idle))));
    engine.handle_timeout(Duration::from_millis(59_999));
    assert_eq!(engine.poll_event(), None);
    engine.handle_timeout(Duration::from_secs(60));
    let Some(Event::Violation(found)) = engine.poll_event() else { panic!("it was silent") };
    assert_eq!((found.rule, found.detail), (Rule::IdleTimeout, Detail::Waited(Duration::from_secs(60))));
    assert_eq!(engine.poll_timeout(), engine.close_deadline());
}

#[test]
fn a_whole_message_is_taken_at_once_and_nothing_else_is() {
    let mut engine = client(Config::default());
    let mut take = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let (size, payload) = engine.receive_whole(NOW, &mut bytes)?;
        Some((payload.kind(), size, payload.len()))
    };
    assert_eq!(take(b"\x82\x02hi\x89\0"), Some((MessageKind::Binary, 4, 2)));
    assert_eq!(take(b"\x81\x00"), Some((MessageKind::Text, 2, 0)));
    for other in [&b"\x82\x02h"[..], b"\x82", b"\x02\x02hi", b"\x89\x02hi", b"\x83\x00", b"\x82\x80\0\0\0\0"]
    {
        assert_eq!(take(other), None, "{other:02x?}");
    }
    assert_eq!(take(b"\x81\x02h\xff"), None);
    let Some(Event::Violation(found)) = engine.poll_event() else { panic!("it is no UTF-8") };
    assert_eq!((found.rule, place(&found)), (Rule::TextInvalidUtf8, (9, 1, 3, 3)));
    assert_eq!(engine.receive_whole(NOW, &mut b"\x82\x02hi".to_vec()), None, "it is over");
}

#[test]
fn each_leniency_tolerates_its_rules_and_no_others() {
    let strict = Strictness::default();
    for (strictness, rules) in [
        (strict, &[][..]),
        (strict.masked_server_frames(true), &[Rule::MaskPresent]),
        (strict.unmasked_client_frames(true), &[Rule::MaskMissing]),
        (strict.long_lengths(true), &[Rule::LengthNotMinimal16, Rule::LengthNotMinimal64]),
        (strict.invalid_close_codes(true), &[Rule::CloseCodeReserved, Rule::CloseCodeInvalid]),
        (strict.body_headers_on_101(true), &[Rule::ResponseBodyFraming]),
    ] {
        for &rule in Rule::ALL {
            assert_eq!(strictness.tolerates(rule), rules.contains(&rule), "{rule:?}");
        }
    }
    // A code that is tolerated is answered without one.
    for (invalid_close_codes, answer) in
        [(true, &b"\x88\x80\0\0\0\0"[..]), (false, b"\x88\x95\0\0\0\0\x03\xeaclose-code-reserved")]
    {
        let strictness = strict.invalid_close_codes(invalid_close_codes);
        let mut engine = client(Config::default().strictness(strictness));
        let found = wrong(&mut engine, b"\x88\x02\x03\xec", 0).expect("1004 is reserved");
        assert_eq!((found.rule, found.detail), (Rule::CloseCodeReserved, Detail::Code(CloseCode(1004))));
        assert_eq!(written(&mut engine), answer);
    }
}

#[test]
fn a_violation_is_told_in_words() {
    let found = wrong(&mut client(Config::default()), b"\x82\0\x83\0", 0).expect("opcode 3 is reserved");
    let sentence = found.sentence().to_string();
    assert!(sentence.ends_with(" (opcode 3). Sent by the server at byte 2, frame 2."), "{sentence}");
    assert!(found.to_string().starts_with("opcode-reserved-data: "), "{found}");
    let mut engine = client(Config::default());
    assert_eq!(wrong(&mut engine, b"\x82\0", 0), None);
    engine.receive_eof(NOW, b"");
    let Some(Event::Violation(found)) = engine.poll_event() else { panic!("an end without a Close") };
    let sentence = found.sentence().to_string();
    assert!(sentence.ends_with(". By the server after byte 2, frame 1."), "{sentence}");
    // An HTTP library parsed the head: there are no bytes to count.
    let head = ResponseHead { status: 404, reason: "", fields: [].into_iter().collect(), place: None };
    let [found] = &check_response(&head, &ClientOffer::default())[..] else { panic!("the status is wrong") };
    let sentence = found.sentence().to_string();
    assert!(sentence.ends_with(" (here 404). By the server."), "{sentence}");
}

#[test]
fn a_misuse_names_the_rule_that_it_would_break() {
    for (misuse, rule) in [
        (Misuse::Closed, Some(Rule::FrameAfterClose)),
        (Misuse::ControlTooLong { length: 126 }, Some(Rule::ControlTooLong)),
        (Misuse::CloseCode(CloseCode(1006)), Some(Rule::CloseCodeReserved)),
        (Misuse::CloseCode(CloseCode(1010)), Some(Rule::CloseCodeWrongRole)),
        (Misuse::CloseCode(CloseCode(5000)), Some(Rule::CloseCodeInvalid)),
        (Misuse::MessageOpen, Some(Rule::DataInterleaved)),
        (Misuse::NoMessageOpen, Some(Rule::ContinuationOrphan)),
        (Misuse::TextNotUtf8, Some(Rule::TextInvalidUtf8)),
        (Misuse::Request(Rule::RequestTarget), Some(Rule::RequestTarget)),
        (Misuse::SubprotocolUnoffered, Some(Rule::ResponseSubprotocolUnoffered)),
        (Misuse::PartTaken, None),
        (Misuse::Target, None),
        (Misuse::HeaderName("X".into()), None),
        (Misuse::HeaderValue("X".into()), None),
        (Misuse::HandshakeHeader("Host"), None),
        (Misuse::RejectionStatus(200), None),
    ] {
        assert_eq!(misuse.rule(), rule, "{misuse}");
    }
}

#[test]
fn what_follows_a_close_is_told_at_its_first_byte() {
    let mut engine = client(Config::default());
    let found = wrong(&mut engine, b"\x82\0\x88\0\x81\x02hi", 0).expect("it follows a Close");
    assert_eq!((found.rule, place(&found)), (Rule::FrameAfterClose, (4, 1, 3, 1)));
}

#[test]
fn a_clients_code_is_confirmed_by_a_server_without_it() {
    for (code, answer) in [(1010_u16, &b"\x88\0"[..]), (1001, b"\x88\x02\x03\xe9")] {
        let mut engine = Connection::server(Config::default(), 0, NOW);
        let [high, low] = code.to_be_bytes();
        assert_eq!(wrong(&mut engine, &[0x88, 0x82, 0, 0, 0, 0, high, low], 0), None);
        assert_eq!(written(&mut engine), answer);
    }
    let mut engine = client(Config::default());
    assert_eq!(wrong(&mut engine, b"\x88\x02\x03\xf2", 0), None);
    assert_eq!(written(&mut engine), b"\x88\x82\0\0\0\0\x03\xf2", "a client gives it back");
}

#[test]
fn what_was_seen_to_be_wrong_elsewhere_fails_the_connection() {
    let mut engine = client(Config::default());
    engine.fail_for(Duration::from_secs(2), extension_required(9));
    let Some(Event::Violation(found)) = engine.poll_event() else { panic!("it failed") };
    assert_eq!(found.rule, Rule::ExtensionRequired);
    assert_eq!(engine.close_deadline(), Some(Duration::from_secs(2) + Limits::DEFAULT.close));
    assert!(written(&mut engine).ends_with(b"\x03\xf2extension-required"));
}

#[test]
fn codes_opcodes_and_faults_of_text_have_their_words() {
    let close = |reason: &str| CloseFrame::new(CloseCode(1000), reason).to_string();
    assert!(close("bye").ends_with(" \"bye\"") && close("bye").starts_with(&close("")));
    assert!(!close("").contains('"'));
    let opcodes = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa, 0x3, 0xb].map(|bits| {
        let header = framewise_proto::Header::decode(&[0x80 | bits, 0]).expect("two bytes");
        header.opcode.to_string()
    });
    let words =
        ["continuation", "text", "binary", "close", "ping", "pong", "reserved opcode 3", "reserved opcode B"];
    assert_eq!(opcodes, words);
    for (text, words) in [
        (&b"\xff"[..], "a byte that cannot begin a character"),
        (b"\xe2a", "a character that is not completed"),
        (b"\xe0\x80\x80", "an overlong form"),
        (b"\xed\xa0\x80", "a UTF-16 surrogate"),
        (b"\xf4\x90\x80\x80", "a code point above U+10FFFF"),
    ] {
        let frame = [&[0x81, text.len() as u8], text].concat();
        let found = wrong(&mut client(Config::default()), &frame, 0).expect("it is no UTF-8");
        assert_eq!(found.detail.to_string(), words);
    }
}

#[test]
fn a_length_of_eight_bytes_is_needed_from_65536_on_and_has_no_top_bit() {
    let header = |length: u64| [&[0x82, 0x7f], &length.to_be_bytes()[..]].concat();
    let found = |length| {
        wrong(&mut client(Config::default()), &header(length), 0).map(|found| (found.rule, found.detail))
    };
    assert_eq!(found(0xffff), Some((Rule::LengthNotMinimal64, Detail::Length(0xffff))));
    assert_eq!(found(0x1_0000), None);
    let limit = Limits::DEFAULT.frame;
    let detail = Detail::Limit { got: u64::MAX >> 1, limit };
    assert_eq!(found(u64::MAX >> 1), Some((Rule::FrameTooBig, detail)));
    assert_eq!(found(1 << 63), Some((Rule::LengthTopBit, Detail::None)));
}

#[test]
fn a_fault_behind_empty_fragments_is_told_where_it_lies() {
    // A fragment of a byte, two empty ones, and an opcode that is reserved.
    let bytes = b"\x02\x01a\x00\x00\x00\x00\x83\x00";
    for cut in 0..=bytes.len() {
        let violation = wrong(&mut client(Config::default()), bytes, cut).expect("it is reserved");
        assert_eq!((violation.rule, place(&violation)), (Rule::OpcodeReservedData, (7, 2, 4, 1)), "{cut}");
    }
}
