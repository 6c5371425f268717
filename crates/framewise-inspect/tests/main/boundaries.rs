//! Boundaries that lie behind more bytes than a transcript shows: one byte less, and one more.

use std::time::Duration;

use framewise_inspect::report::Finding;
use framewise_inspect::{Endpoints, Observer};
use framewise_rules::{Cause, Limits, Role, Rule, Setup};

/// The findings of a server's stream, with or without its end.
fn server(stream: &[u8]) -> Vec<Finding> {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    observer.bytes(leg, Role::Server, None, stream);
    observer.finish().findings
}

fn rules(findings: &[Finding]) -> Vec<Rule> {
    findings.iter().filter_map(|finding| finding.rule).collect()
}

/// The causes of the first finding, and what tells them.
fn causes(findings: &[Finding]) -> Vec<(Cause, &str)> {
    let first = findings.first().expect("something is found");
    first.causes.iter().map(|cause| (cause.id, cause.evidence.as_str())).collect()
}

fn named(findings: &[Finding], cause: Cause) -> Option<String> {
    causes(findings).into_iter().find(|(id, _)| *id == cause).map(|(_, evidence)| evidence.to_owned())
}

/// A frame without a mask, its length in the shortest form.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let header = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => vec![first, short],
        (_, Ok(length)) => [&[first, 126][..], &length.to_be_bytes()].concat(),
        _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [&header, payload].concat()
}

/// A payload that is longer than three of its like may be in the window is not believed where a boundary is looked for.
#[test]
fn a_frame_of_16_kib_is_believed_where_a_boundary_is_looked_for_and_a_longer_one_is_not() {
    const REACH: usize = 16 * 1024;
    // An unknown opcode, which may be no header at all; in its payload three frames, of which one breaks a rule.
    let inside = b"\x81\x01a\x81\x81\0\0\0\0b\x81\x01c";
    let doubtful = |length: usize| {
        let payload = [&inside[..], &vec![b'.'; length - inside.len()]].concat();
        [frame(0x83, &payload), b"\x82\x00".to_vec()].concat()
    };
    assert_eq!(rules(&server(&doubtful(REACH))), [Rule::OpcodeReservedData]);
    let longer = rules(&server(&doubtful(REACH + 1)));
    assert_eq!(longer.first(), Some(&Rule::OpcodeReservedData));
    // Frames behind bytes that are none: what breaks a rule there is found once the boundary is.
    let lost = |length: usize| {
        let found = frame(0x81, &vec![b'.'; length]);
        [&b"\xf3\xff"[..], &[0xff; 14], &found, b"\x82\x00\x82\x00\x82\x80\0\0\0\0"].concat()
    };
    assert_eq!(rules(&server(&lost(REACH))).last(), Some(&Rule::MaskPresent));
    // A line end in front of the first frame.
    let extra = |length: usize| [&b"\r\n"[..], &frame(0x81, &vec![b'.'; length])].concat();
    assert_eq!(rules(&server(&extra(REACH))), [Rule::ResponseExtraBytes]);
    assert!(!rules(&server(&extra(REACH + 1))).contains(&Rule::ResponseExtraBytes));
}

/// A length that 16 bits hold may have been counted wrong; a longer one was meant.
#[test]
fn a_length_of_65_535_may_be_too_short_or_in_characters_and_a_longer_one_is_neither() {
    let json = |length: usize| {
        let text = [&b"[\""[..], &vec![b'x'; length - 2], b"yz\"]"].concat();
        let mut stream = frame(0x81, &text[..length]);
        stream.extend(&text[length..]);
        stream.extend(b"\x81\x02hi");
        server(&stream)
    };
    assert!(named(&json(0xffff), Cause::LengthTooShort).is_some());
    assert_eq!(named(&json(0x1_0000), Cause::LengthTooShort), None);
    assert_eq!(named(&json(0x1_0001), Cause::LengthTooShort), None);
    let characters = |length: usize| {
        let mut stream = frame(0x81, &vec![b'.'; length]);
        stream.truncate(stream.len() - length);
        stream.extend("é".repeat(length).bytes());
        stream.extend(b"\x81\x02hi");
        server(&stream)
    };
    assert!(named(&characters(0xffff), Cause::LengthInCharacters).is_some());
    assert_eq!(named(&characters(0x1_0000), Cause::LengthInCharacters), None);
}

/// Where frames go on behind a length that is too short is looked for in 64 KiB.
#[test]
fn a_boundary_is_looked_for_in_64_kib() {
    let spilled = |left_over: usize| {
        let findings = server(&[&b"\x82\x04xxxx"[..], &vec![b'x'; left_over], b"\x82\x02\x01\x02"].concat());
        named(&findings, Cause::LengthTooShort).expect("the payload goes on")
    };
    assert!(spilled(0x1_0000).ends_with("for 65536 bytes"), "{}", spilled(0x1_0000));
    assert!(spilled(0x1_0001).ends_with("for 65541 bytes"), "to the end: {}", spilled(0x1_0001));
}

/// A frame in another one reads as text where 4 KiB of it do: then it may end inside a character, and only then.
#[test]
fn what_is_text_for_4_kib_is_text() {
    let inside = |payload: &[u8]| {
        let outer = vec![b'a'; 8 * 1024];
        let mut stream = frame(0x81, &outer);
        let middle = 4 + 100;
        stream.splice(middle..middle, frame(0x81, payload));
        stream.extend(b"\x81\x02hi");
        named(&server(&stream), Cause::InterleavedWriters)
    };
    let cut = |length: usize| [&vec![b'b'; length - 1][..], b"\xc3"].concat();
    assert_eq!(inside(&cut(4096)), None, "half a character at its end");
    assert!(inside(&[&cut(4096)[..], b"\xa9"].concat()).is_some(), "the look ends inside a character");
    assert!(inside(&[b'b'; 4096]).is_some());
}

/// A receiver that drops the connection inside a frame of 64 KiB has a limit; one that has the whole of it has none.
#[test]
fn a_connection_that_ends_inside_a_large_frame_is_told_from_one_that_ends_behind_it() {
    let dropped = |length: usize, missing: usize| {
        let mut observer = Observer::new(Endpoints::UNKNOWN);
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        let mut stream = frame(0x82, &vec![7; length]);
        stream.truncate(stream.len() - missing);
        observer.bytes(leg, Role::Server, None, &stream);
        observer.eof(leg, Role::Client, None);
        named(&observer.finish().findings, Cause::LimitOfReceiver)
    };
    assert!(dropped(0x1_0000, 1).is_some());
    assert_eq!(dropped(0x1_0000, 0), None);
    assert_eq!(dropped(0xffff, 1), None);
}

/// What is not kept from the first message on is not compared.
#[test]
fn legs_are_compared_as_long_as_all_their_messages_are_kept() {
    const KEPT: usize = 4096;
    let altered_of = |mut observer: Observer, first: usize, second: usize, bad: Option<usize>| {
        for (name, count, bad) in [("client-proxy", first, None), ("proxy-server", second, bad)] {
            let leg = observer.leg(name);
            observer.open(leg, "");
            let message = |at: usize| {
                let [high, low] = (at as u16).to_be_bytes();
                [0x82, 0x82, 0, 0, 0, 0, high, if bad == Some(at) { !low } else { low }]
            };
            let stream: Vec<u8> = (0..count).flat_map(message).collect();
            observer.bytes(leg, Role::Client, None, &stream);
        }
        observer.finish().findings.iter().any(|finding| finding.says.contains("on the legs"))
    };
    let altered = |first, second, bad| {
        altered_of(Observer::new(Endpoints::UNKNOWN).with_several_legs(), first, second, bad)
    };
    assert!(!altered(KEPT, KEPT, None));
    assert!(altered(KEPT, KEPT, Some(KEPT - 1)));
    // One more, and the lists begin at different messages.
    assert!(!altered(KEPT + 1, KEPT, None));
    assert!(!altered(KEPT, KEPT + 1, None));
    // The first leg's messages were read before there was another one to compare them with.
    assert!(!altered_of(Observer::new(Endpoints::UNKNOWN), KEPT, KEPT, Some(KEPT - 1)));
}

/// Silence as long as the limit is not above it.
#[test]
fn silence_is_a_fault_above_the_limit() {
    let limits = Limits::DEFAULT.idle(Duration::from_secs(30));
    let silent = |end: Duration| {
        let mut observer = Observer::new(Endpoints::from(Setup { limits, ..Setup::DEFAULT }));
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        for (role, bytes) in [(Role::Server, &b"\x82\x00"[..]), (Role::Client, b"\x82\x80\0\0\0\0")] {
            observer.bytes(leg, role, Some(Duration::ZERO), bytes);
        }
        observer.bytes(leg, Role::Server, Some(end), b"\x82\x00");
        rules(&observer.finish().findings).contains(&Rule::IdleTimeout)
    };
    assert!(!silent(Duration::from_secs(30)));
    assert!(silent(Duration::from_millis(30_001)));
}

/// Who sends what, and when, in milliseconds.
type Steps<'s> = Vec<(Role, u64, &'s [u8])>;

/// The deadlines of endpoints whose limits are known: ten seconds for a handshake, five for a Close.
#[test]
fn a_deadline_is_missed_above_its_limit_by_the_side_that_is_waited_for() {
    use Role::{Client, Server};

    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    const PING: &[u8] = b"\x89\x00";
    const CLOSE: &[u8] = b"\x88\x02\x03\xe8";
    const CLIENT_CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";
    const NOTHING: &[u8] = b"\x82\x80\0\0\0\0";
    let (half, rest) = REQUEST.split_at(20);
    let handshakes: [(Steps<'_>, Option<Rule>); 9] = [
        (vec![(Client, 0, REQUEST.as_bytes()), (Server, 10_000, RESPONSE.as_bytes())], None),
        (
            vec![(Client, 0, REQUEST.as_bytes()), (Server, 10_001, RESPONSE.as_bytes())],
            Some(Rule::ResponseTimeout),
        ),
        (vec![(Client, 0, half.as_bytes()), (Client, 10_000, rest.as_bytes())], None),
        (vec![(Client, 0, half.as_bytes()), (Client, 10_001, rest.as_bytes())], Some(Rule::RequestTimeout)),
        // The time of a response runs from the end of the request on, and ends with the response.
        (
            vec![
                (Client, 0, half.as_bytes()),
                (Client, 9_000, rest.as_bytes()),
                (Server, 19_000, RESPONSE.as_bytes()),
                (Client, 60_000, NOTHING),
            ],
            None,
        ),
        // Each is told once.
        (
            vec![
                (Client, 0, REQUEST.as_bytes()),
                (Server, 20_000, &RESPONSE.as_bytes()[..20]),
                (Server, 40_000, &RESPONSE.as_bytes()[20..]),
            ],
            Some(Rule::ResponseTimeout),
        ),
        // No request has begun, or something that is none.
        (vec![(Server, 0, b"H"), (Client, 20_000, REQUEST.as_bytes())], None),
        (vec![(Client, 0, b"\x16\x03\x01\x00\x05hello"), (Client, 20_000, b"hello")], None),
        // A response that was rejected, or that is none.
        (
            vec![
                (Client, 0, REQUEST.as_bytes()),
                (Server, 1_000, b"HTTP/1.1 404 Not Found\r\n\r\n"),
                (Server, 20_000, b"x"),
            ],
            None,
        ),
    ];
    let closes: [(Steps<'_>, Option<Rule>); 7] = [
        (vec![(Server, 0, CLOSE), (Client, 5_000, CLIENT_CLOSE)], None),
        (vec![(Server, 0, CLOSE), (Client, 5_001, CLIENT_CLOSE)], Some(Rule::CloseTimeout)),
        (vec![(Client, 0, CLIENT_CLOSE), (Server, 5_001, CLOSE)], Some(Rule::CloseTimeout)),
        (
            vec![(Server, 0, CLOSE), (Client, 6_000, NOTHING), (Client, 12_000, NOTHING)],
            Some(Rule::CloseTimeout),
        ),
        (vec![(Server, 0, CLOSE), (Client, 1_000, CLIENT_CLOSE), (Client, 20_000, b"")], None),
        (vec![(Server, 0, b"\x82\x00"), (Client, 20_000, NOTHING)], None),
        // Who left a Ping unanswered is gone already.
        (vec![(Server, 0, PING), (Server, 6_000, CLOSE), (Client, 20_000, NOTHING)], None),
    ];
    let timeouts = [Rule::RequestTimeout, Rule::ResponseTimeout, Rule::CloseTimeout, Rule::IdleTimeout];
    let all =
        handshakes.into_iter().map(|case| (false, case)).chain(closes.into_iter().map(|case| (true, case)));
    for (open, (steps, wanted)) in all {
        let mut observer = Observer::new(Endpoints::from(Setup::DEFAULT));
        let leg = observer.leg("client-server");
        if open {
            observer.open(leg, "");
        }
        for (role, time, bytes) in &steps {
            observer.bytes(leg, *role, Some(Duration::from_millis(*time)), bytes);
        }
        let mut found = rules(&observer.finish().findings);
        found.retain(|rule| timeouts.contains(rule));
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "{steps:?}");
    }
}

/// Of several faults in what a message inflates to the first one counts, wherever the limit is.
#[test]
fn the_first_fault_in_what_a_message_inflates_to_is_told() {
    let found = |inflated: u64, agreed: &str, messages: &[&[u8]]| {
        let limits = Limits::DEFAULT.inflated(inflated);
        let mut observer = Observer::new(Endpoints::from(Setup { limits, ..Setup::DEFAULT }));
        let leg = observer.leg("client-server");
        observer.open(leg, agreed);
        for message in messages {
            observer.bytes(leg, Role::Server, None, message);
        }
        rules(&observer.finish().findings)
    };
    // A stored block of "abcd" and a byte that is no text.
    let text: &[u8] = b"\xc1\x0b\x00\x05\x00\xfa\xffabcd\xff\x00";
    assert_eq!(found(5, "permessage-deflate", &[text]), [Rule::TextInvalidUtf8]);
    assert_eq!(found(4, "permessage-deflate", &[text]), [Rule::InflateTooBig]);
    // The same block as binary, and a block of a type that there is not.
    let broken: &[u8] = b"\xc2\x0b\x00\x05\x00\xfa\xffabcd\xff\x07";
    assert_eq!(found(5, "permessage-deflate", &[broken]), [Rule::DeflateDataInvalid]);
    assert_eq!(found(4, "permessage-deflate", &[broken]), [Rule::InflateTooBig]);
    // "a", three bytes from a distance of two, which is ruled out, and so on: decoding goes on.
    let agreed = "permessage-deflate; server_no_context_takeover";
    let (first, second): (&[u8], &[u8]) = (b"\xc2\x03\x4a\x04\x00", b"\xc2\x05\x4a\x04\x42\x00\x00");
    assert_eq!(found(2, agreed, &[first, second]), [Rule::DeflateContextMismatch]);
    assert_eq!(found(4, agreed, &[first, second]), [Rule::DeflateContextMismatch]);
}

/// Where no limit is known a message is looked at in full, as long as it is not of a size that nobody sends.
#[test]
fn a_byte_that_is_no_text_is_found_behind_a_mebibyte_that_was_inflated() {
    // Stored blocks of 65,535 letters, and one of the byte.
    let mut payload = Vec::new();
    for _ in 0..20 {
        payload.extend(b"\x00\xff\xff\x00\x00");
        payload.resize(payload.len() + 0xffff, b'a');
    }
    payload.extend(b"\x00\x01\x00\xfe\xff\xff\x00");
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "permessage-deflate");
    observer.bytes(leg, Role::Server, None, &frame(0xc1, &payload));
    assert_eq!(rules(&observer.finish().findings), [Rule::TextInvalidUtf8]);
}

/// Where no limit is known a head may have 64 KiB.
#[test]
fn a_head_of_64_kib_may_go_on_and_a_longer_one_may_not() {
    let found = |size: usize| {
        let mut observer = Observer::new(Endpoints::UNKNOWN);
        let leg = observer.leg("client-server");
        let head = [&b"GET /"[..], &vec![b'x'; size - 5]].concat();
        observer.bytes(leg, Role::Client, None, &head);
        observer.finish().findings.first().map(|finding| (finding.rule, finding.offset))
    };
    assert_eq!(found(0x1_0000), None);
    assert_eq!(found(0x1_0001), Some((Some(Rule::RequestTooLarge), 0x1_0000)));
}

/// How much a message may inflate to depends on how much of its payload was inflated, in steps of 4 KiB.
#[test]
fn the_ratio_counts_the_payload_of_all_frames() {
    let found = |first: usize, second: usize, ratio: u32| {
        let limits = Limits::DEFAULT.inflate_ratio(ratio).inflate_ratio_from(1);
        let mut observer = Observer::new(Endpoints::from(Setup { limits, ..Setup::DEFAULT }));
        let leg = observer.leg("client-server");
        observer.open(leg, "permessage-deflate");
        // "a", and eight repetitions of it, 258 bytes each, in thirteen bytes: 159 to one.
        let all = b"\x05\xa3\x60\x14\x8c\x82\x51\x30\x0a\x46\xc1\x28\x18".repeat((first + second) / 13 + 1);
        let bomb = [&b"\x4a\x1c"[..], &all].concat();
        let stream = [frame(0x42, &bomb[..first]), frame(0, &bomb[first..first + second])].concat();
        observer.bytes(leg, Role::Server, None, &stream);
        let findings = observer.finish().findings;
        findings.first().map(|finding| (finding.rule, finding.says.clone()))
    };
    // The last step is not full: what it inflates to is less than it may.
    assert_eq!(found(4096, 5000, 159), None);
    assert_eq!(found(2048, 4000, 159), None);
    // Above the ratio at the end of the first step, whichever frame it ends in.
    for (first, second, frame) in [(4096, 5000, 1), (2048, 4000, 2)] {
        let (rule, says) = found(first, second, 158).expect("it is above the ratio");
        assert_eq!(rule, Some(Rule::InflateTooBig));
        assert!(says.contains("here 649903, the limit is 647168"), "{says}");
        assert!(says.ends_with(&format!("frame {frame}.")), "{says}");
    }
}
