//! permessage-deflate between two engines, and against streams that no compressor makes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use framewise_proto::deflate::{Context, DeflateAgreement, DeflateConfig, InflateBudget, negotiate};
use framewise_proto::rules::{Limits, Rule};
use framewise_proto::{Config, Connection, Event, Header, MessageKind, Violation};

const NOW: Duration = Duration::ZERO;

fn config(deflate: DeflateConfig) -> Config {
    Config { deflate: Some(deflate), ..Config::default() }
}

fn agreed(client: &DeflateConfig, server: &DeflateConfig) -> DeflateAgreement {
    negotiate(&[client.offer()], server).expect("the offer is valid").1
}

fn client(config: Config, agreement: &DeflateAgreement) -> Connection {
    Connection::client(config, Box::new(|| [0x37, 0xfa, 0x21, 0x3d]), 0, NOW).with_deflate(agreement)
}

fn server(config: Config, agreement: &DeflateAgreement) -> Connection {
    Connection::server(config, 0, NOW).with_deflate(agreement)
}

fn written(engine: &mut Connection) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some(transmit) = engine.poll_transmit() {
        written.extend(transmit.into_vec());
    }
    written
}

/// The messages in `bytes`, given in pieces of `cut`, and the rule that was broken.
fn received(engine: &mut Connection, bytes: &[u8], cut: usize) -> (Vec<Vec<u8>>, Option<Rule>) {
    let (mut messages, mut message, mut inbox) = (Vec::new(), Vec::new(), Vec::new());
    for piece in bytes.chunks(cut) {
        inbox.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let (consumed, event) = engine.receive(NOW, &mut inbox[at..]);
            at += consumed;
            let last = match event {
                Some(Event::Data { payload, last, .. }) => {
                    message.extend_from_slice(&payload);
                    last
                }
                Some(Event::Inflated { last, .. }) => {
                    message.extend_from_slice(&engine.take_inflated());
                    last
                }
                Some(Event::Violation(violation)) => return (messages, Some(violation.rule)),
                Some(_) => false,
                None => break,
            };
            if last {
                messages.push(std::mem::take(&mut message));
            }
        }
        inbox.drain(..at);
    }
    (messages, None)
}

/// Messages that look alike, so that a compressor with takeover refers from one to the other.
fn messages() -> Vec<Vec<u8>> {
    let noise: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    vec![
        b"Hello".to_vec(),
        Vec::new(),
        b"Hello".to_vec(),
        noise.clone(),
        noise[100..4000].to_vec(),
        "été ".repeat(30_000).into_bytes(),
        noise[..1].to_vec(),
    ]
}

#[test]
fn whatever_is_agreed_what_is_sent_arrives() {
    let mut runs = 0;
    for bits in [8, 9, 12, 15] {
        for takeover in [true, false] {
            for context in [Context::Kept, Context::Shared] {
                let wishes = DeflateConfig {
                    window_bits: bits,
                    peer_window_bits: 23 - bits,
                    no_context_takeover: !takeover,
                    context,
                    threshold: 0,
                    level: 1 + bits % 9,
                    ..DeflateConfig::default()
                };
                let agreement =
                    agreed(&wishes, &DeflateConfig { context, threshold: 0, ..DeflateConfig::default() });
                for cut in [1, 17, usize::MAX] {
                    let (mut client, mut server) =
                        (client(config(wishes), &agreement), server(config(wishes), &agreement));
                    for [sender, receiver] in [[&mut client, &mut server]] {
                        for message in messages() {
                            sender.send_binary(&message).expect("open");
                        }
                        let bytes = written(sender);
                        assert!(bytes.len() < 20_000, "it is compressed: {}", bytes.len());
                        assert_eq!(received(receiver, &bytes, cut), (messages(), None));
                        for message in messages() {
                            receiver.send_binary(&message).expect("open");
                        }
                        let bytes = written(receiver);
                        assert_eq!(received(sender, &bytes, cut), (messages(), None));
                    }
                    runs += 1;
                }
            }
        }
    }
    assert_eq!(runs, 4 * 2 * 2 * 3);
}

#[test]
fn small_messages_and_parts_go_between_compressed_ones() {
    let wishes = DeflateConfig::default();
    let agreement = agreed(&wishes, &wishes);
    let (mut client, mut server) = (client(config(wishes), &agreement), server(config(wishes), &agreement));
    client.send_text("below the threshold").expect("open");
    client.begin(MessageKind::Text).expect("open");
    client.send_part("é".repeat(300).as_bytes(), false).expect("open");
    client.ping(Duration::ZERO, b"between").expect("open");
    client.send_part(b"\xc3", false).expect("open");
    client.send_part(b"\xa9", true).expect("open");
    client.send_text(&"x".repeat(200)).expect("open");
    let bytes = written(&mut client);
    assert_eq!(bytes[0], 0x81, "sent as it is");
    let expected = vec![b"below the threshold".to_vec(), "é".repeat(301).into_bytes(), b"x".repeat(200)];
    assert_eq!(received(&mut server, &bytes, 3), (expected, None));
}

/// The examples of RFC 7692 §7.2.3, as a server sends them.
#[test]
fn the_examples_of_the_rfc_inflate() {
    let wishes = DeflateConfig::default();
    let agreement = agreed(&wishes, &wishes);
    let hello = || vec![b"Hello".to_vec()];
    for (bytes, expected) in [
        // One compressed block; two fragments; takeover; an uncompressed block; BFINAL; two blocks; an empty one.
        (&b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"[..], hello()),
        (b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", hello()),
        (b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00", vec![b"Hello".to_vec(); 2]),
        (b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", hello()),
        (b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", hello()),
        (b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", hello()),
        (b"\xc1\x01\x00", vec![Vec::new()]),
    ] {
        for cut in [1, 2, usize::MAX] {
            let mut client = client(config(wishes), &agreement);
            assert_eq!(received(&mut client, bytes, cut), (expected.clone(), None), "{bytes:02x?}");
        }
    }
}

#[test]
fn a_final_block_does_not_end_the_history() {
    let wishes = DeflateConfig::default();
    let mut client = client(config(wishes), &agreed(&wishes, &wishes));
    // "Hello" with BFINAL, then "Hello" as a reference five bytes back.
    let bytes = b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(received(&mut client, bytes, usize::MAX), (vec![b"Hello".to_vec(); 2], None));
}

#[test]
fn a_final_block_does_not_end_the_message() {
    let wishes = DeflateConfig { peer_no_context_takeover: true, ..DeflateConfig::default() };
    let agreement = agreed(&wishes, &DeflateConfig::default());
    // As above, in one message: what was handed out of it before is history, too.
    let bytes = b"\xc1\x0c\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00";
    for cut in [1, usize::MAX] {
        let mut client = client(config(wishes), &agreement);
        assert_eq!(received(&mut client, bytes, cut), (vec![b"HelloHello".to_vec()], None), "cut {cut}");
    }
}

/// A payload that is cut off, or that is more than one stream needs.
#[test]
fn a_message_that_ends_inside_a_block_does_not_inflate() {
    let prices = (0..40).map(|i| format!("{{\"id\":{},\"price\":{}}}", i * 7919 % 1000, i * i));
    let message = prices.collect::<Vec<_>>().join(",");
    for takeover in [true, false] {
        let wishes = DeflateConfig { peer_no_context_takeover: !takeover, ..DeflateConfig::default() };
        let agreement = agreed(&wishes, &DeflateConfig::default());
        let mut server = server(config(DeflateConfig::default()), &agreement);
        server.send_text(&message).expect("open");
        let whole = written(&mut server);
        let payload = &whole[4..];
        for length in 1..payload.len() {
            let mut bytes = vec![0xc1, 126, (length >> 8) as u8, length as u8];
            if length < 126 {
                bytes = vec![0xc1, length as u8];
            }
            bytes.extend_from_slice(&payload[..length]);
            let mut client = client(config(wishes), &agreement);
            let (messages, rule) = received(&mut client, &bytes, usize::MAX);
            assert_eq!((messages.len(), rule), (0, Some(Rule::DeflateDataInvalid)), "{length} bytes");
        }
        let mut client = client(config(wishes), &agreement);
        assert_eq!(received(&mut client, &whole, 5), (vec![message.clone().into_bytes()], None));
    }
}

/// 00 00 FF FF that was not taken off: the next message goes on where it stands, if there is takeover.
#[test]
fn a_tail_that_was_kept_breaks_the_next_message_under_takeover() {
    let kept = b"\xc1\x0b\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff";
    let bytes = [&kept[..], b"\x81\x01x\xc1\x00", kept].concat();
    for (forgets, expected, rule) in [
        (false, ["Hello", "x", ""].as_slice(), Some(Rule::DeflateDataInvalid)),
        (true, &["Hello", "x", "", "Hello"], None),
    ] {
        let wishes = DeflateConfig { peer_no_context_takeover: forgets, ..DeflateConfig::default() };
        let expected: Vec<_> = expected.iter().map(|text| text.as_bytes().to_vec()).collect();
        for cut in [1, usize::MAX] {
            let mut client = client(config(wishes), &agreed(&wishes, &DeflateConfig::default()));
            assert_eq!(received(&mut client, &bytes, cut), (expected.clone(), rule), "cut {cut}");
        }
    }
}

#[test]
fn a_message_that_is_in_the_middle_leaves_the_shared_contexts_to_others() {
    for takeover in [true, false] {
        let wishes = DeflateConfig {
            no_context_takeover: !takeover,
            peer_no_context_takeover: !takeover,
            context: Context::Shared,
            threshold: 0,
            ..DeflateConfig::default()
        };
        let agreement = agreed(&wishes, &wishes);
        let mut pairs: Vec<_> = (0..5)
            .map(|_| (client(config(wishes), &agreement), server(config(wishes), &agreement)))
            .collect();
        let mut sent = vec![Vec::new(); pairs.len()];
        for round in 0..3 {
            for (client, _) in &mut pairs {
                client.begin(MessageKind::Binary).expect("open");
            }
            for part in 0..4_u8 {
                for (number, (client, _)) in pairs.iter_mut().enumerate() {
                    let text = format!("round {round} of {number}, part {part} ").repeat(number + 1);
                    sent[number].extend_from_slice(text.as_bytes());
                    client.send_part(text.as_bytes(), part == 3).expect("it was begun");
                }
            }
        }
        // What they receive is mixed in the same way.
        let mut inboxes: Vec<_> = pairs.iter_mut().map(|(client, _)| written(client)).collect();
        let mut arrived = vec![Vec::new(); pairs.len()];
        while inboxes.iter().any(|inbox| !inbox.is_empty()) {
            for (number, (_, server)) in pairs.iter_mut().enumerate() {
                let size = inboxes[number].len().min(150);
                let mut bytes: Vec<u8> = inboxes[number].drain(..size).collect();
                let mut at = 0;
                loop {
                    let (consumed, event) = server.receive(NOW, &mut bytes[at..]);
                    at += consumed;
                    match event {
                        Some(Event::Inflated { .. }) => {
                            arrived[number].extend_from_slice(&server.take_inflated());
                        }
                        None => break,
                        Some(other) => unreachable!("{other:?}"),
                    }
                }
                inboxes[number].splice(..0, bytes.drain(at..));
            }
        }
        assert!(arrived == sent, "takeover {takeover}");
    }
}

#[test]
fn what_does_not_inflate_is_told_by_its_rule() {
    let plain = DeflateConfig::default();
    let forgetful = DeflateConfig { peer_no_context_takeover: true, ..plain };
    let narrow = DeflateConfig { peer_window_bits: 8, ..plain };
    let far = far_reference();
    let mut far_behind_a_final_block = far.clone();
    far_behind_a_final_block.splice(4..4, *b"\xf3\x48\xcd\xc9\xc9\x07\x00");
    far_behind_a_final_block[3] += 7;
    for (wishes, bytes, rule) in [
        (plain, &b"\xc1\x05\xff\xff\xff\xff\xff"[..], Rule::DeflateDataInvalid),
        // A reference into history that is not there: at the start, and with no takeover.
        (plain, b"\xc1\x05\xf2\x00\x11\x00\x00", Rule::DeflateContextMismatch),
        (
            forgetful,
            b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
            Rule::DeflateContextMismatch,
        ),
        (narrow, &far, Rule::DeflateWindowViolated),
        (narrow, &far_behind_a_final_block, Rule::DeflateWindowViolated),
        // RSV1 where it has no meaning.
        (plain, b"\xc9\x00", Rule::Rsv1OnControl),
        (plain, b"\x41\x03\xf2\x48\xcd\xc0\x04\xc9\xc9\x07\x00", Rule::Rsv1OnContinuation),
        // Text that is none, seen before the message ends: FF in a stored block of a first fragment.
        (plain, b"\x41\x06\x00\x01\x00\xfe\xff\xff", Rule::TextInvalidUtf8),
        (plain, b"\xc1\x07\x00\x01\x00\xfe\xff\xc3\x00", Rule::TextTruncatedUtf8),
    ] {
        for cut in [1, usize::MAX] {
            let mut client = client(config(wishes), &agreed(&wishes, &plain));
            let (_, found) = received(&mut client, bytes, cut);
            assert_eq!(found, Some(rule), "{bytes:02x?}");
        }
    }
}

/// zlib decodes differently where much input and much room are there, and gives other reasons then.
#[test]
fn the_first_fault_of_a_stream_counts_wherever_it_is_cut() {
    // "aaa", a reference 257 bytes back, and a distance code that stands for nothing.
    let reference_first = b"\x4a\x4c\x4c\x04\x05\x00\xe8\x01";
    // The same two the other way round.
    let code_first = b"\x4a\x4c\x4c\x04\x3d\x50";
    // 518 bytes, and a reference 4097 bytes back.
    let beyond_a_long_output = b"\x63\x18\x05\x01\xa3\x00\xff";
    let plain = DeflateConfig::default();
    let narrow = DeflateConfig { peer_window_bits: 12, ..plain };
    let narrowest = DeflateConfig { peer_window_bits: 8, ..plain };
    for (wishes, stream, rule) in [
        (plain, &reference_first[..], Rule::DeflateContextMismatch),
        (narrow, reference_first, Rule::DeflateContextMismatch),
        (narrowest, reference_first, Rule::DeflateWindowViolated),
        (plain, code_first, Rule::DeflateDataInvalid),
        (narrowest, code_first, Rule::DeflateDataInvalid),
        (plain, beyond_a_long_output, Rule::DeflateContextMismatch),
        (narrow, beyond_a_long_output, Rule::DeflateWindowViolated),
    ] {
        let mut frame = [b"\xc2\x28", stream].concat();
        frame.resize(42, 0);
        for cut in 1..=frame.len() {
            let mut client = client(config(wishes), &agreed(&wishes, &plain));
            assert_eq!(received(&mut client, &frame, cut).1, Some(rule), "{stream:02x?}, cut {cut}");
        }
    }
}

/// 300 different bytes, and then the first of them again: a reference 300 bytes back.
fn far_reference() -> Vec<u8> {
    let agreement = agreed(&DeflateConfig::default(), &DeflateConfig::default());
    let mut wide = server(config(DeflateConfig { threshold: 0, ..DeflateConfig::default() }), &agreement);
    let mut message: Vec<u8> = (0..300_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    message.extend_from_within(..40);
    wide.send_binary(&message).expect("open");
    written(&mut wide)
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let wishes = DeflateConfig { threshold: 0, ..DeflateConfig::default() };
    let agreement = agreed(&wishes, &wishes);
    let mut sender = server(config(wishes), &agreement);
    sender.send_binary(&vec![0; 50_000_000]).expect("open");
    let bomb = written(&mut sender);
    assert!(bomb.len() < 60_000);
    let limits = Limits { inflated: 1_000_000, ..Limits::DEFAULT };
    let mut client = client(Config { limits, ..config(wishes) }, &agreement);
    let (messages, rule) = received(&mut client, &bomb, usize::MAX);
    assert_eq!((messages.len(), rule), (0, Some(Rule::InflateTooBig)));
    // Below it, it arrives piece by piece.
    let limits = Limits { inflate_ratio: u32::MAX, ..Limits::DEFAULT };
    let mut patient = self::client(Config { limits, ..config(wishes) }, &agreement);
    let mut inbox = bomb.clone();
    let (mut at, mut total) = (0, 0);
    loop {
        let (consumed, event) = patient.receive(NOW, &mut inbox[at..]);
        at += consumed;
        match event {
            Some(Event::Inflated { length, last, .. }) => {
                let piece = patient.take_inflated();
                assert_eq!(piece.len(), length);
                // What ends the message is not counted in a step.
                assert!(piece.len() <= 65_536 + 2_048 && piece.capacity() <= 140_000, "{}", piece.capacity());
                total += piece.len();
                if last {
                    break;
                }
            }
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(total, 50_000_000);
}

/// Pieces as small as a kilobyte of a compressed message, and messages of every small size, at each level.
#[test]
fn every_small_size_survives_at_every_level() {
    for level in 1..=9 {
        let wishes = DeflateConfig { level, threshold: 0, ..DeflateConfig::default() };
        let agreement = agreed(&wishes, &wishes);
        let (mut client, mut server) =
            (client(config(wishes), &agreement), server(config(wishes), &agreement));
        for size in 0..300 {
            let message: Vec<u8> = (0..size).map(|i: u32| (i * i % 251) as u8).collect();
            client.send_binary(&message).expect("open");
            let bytes = written(&mut client);
            assert_eq!(
                received(&mut server, &bytes, 1000),
                (vec![message], None),
                "level {level}, size {size}"
            );
        }
    }
}

/// The size that a message of zeros reaches, sent in pieces of `cut` bytes, and the rule that it breaks.
fn reached(limits: Limits, payload: &[u8], cut: usize) -> (usize, Option<Box<Violation>>) {
    let wishes = DeflateConfig::default();
    let mut client = client(Config { limits, ..config(wishes) }, &agreed(&wishes, &wishes));
    // A frame that says that it is long, and does not end.
    let mut bytes = b"\x42\x7f\0\0\0\0\0\xff\xff\xff".to_vec();
    bytes.extend_from_slice(payload);
    let (mut inbox, mut inflated) = (Vec::new(), 0);
    for piece in bytes.chunks(cut) {
        inbox.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let (consumed, event) = client.receive(NOW, &mut inbox[at..]);
            at += consumed;
            match event {
                Some(Event::Inflated { length, .. }) => {
                    assert!(length <= 64 * 1024, "one call inflates {length} bytes");
                    inflated += length;
                }
                Some(Event::Violation(violation)) => return (inflated, Some(violation)),
                Some(other) => unreachable!("{other:?}"),
                None => break,
            }
        }
        inbox.drain(..at);
    }
    assert!(inbox.is_empty(), "None means that more bytes are needed");
    (inflated, None)
}

/// What a message of so many bytes, all the same or all different, is compressed to.
fn compressed(message: &[u8]) -> Vec<u8> {
    let wishes = DeflateConfig { threshold: 0, level: 9, ..DeflateConfig::default() };
    let mut sender = server(config(wishes), &agreed(&wishes, &wishes));
    sender.send_binary(message).expect("open");
    let bytes = written(&mut sender);
    let header = Header::decode(&bytes).expect("it is complete");
    bytes[header.size()..].to_vec()
}

#[test]
fn a_message_that_never_ends_is_held_to_a_multiple_of_what_arrived() {
    const MIB: usize = 1 << 20;
    let zeros = compressed(&vec![0; 63 * MIB]);
    assert!((60_000..70_000).contains(&zeros.len()));
    let (_, broken) = reached(Limits { inflate_ratio: u32::MAX, ..Limits::DEFAULT }, &zeros, usize::MAX);
    assert_eq!(broken, None, "the limit that is on by default is what stops it");
    let mut found = Vec::new();
    for cut in [1, 700, 4096, 4097, usize::MAX] {
        let (inflated, broken) = reached(Limits::DEFAULT, &zeros, cut);
        let broken = broken.expect("it is above the ratio");
        assert_eq!(broken.rule, Rule::InflateTooBig);
        assert!(inflated <= MIB, "{inflated}");
        found.push(broken);
    }
    assert!(found.iter().all(|broken| *broken == found[0]), "it depends on the cut: {found:?}");

    // Up to 1 MiB anything goes, and JSON as far as it goes.
    assert_eq!(reached(Limits::DEFAULT, &compressed(&vec![0; MIB]), usize::MAX).1, None);
    let mut records = String::new();
    for id in 0..40_000 {
        let _ =
            writeln!(records, r#"{{"id": {id}, "value": 0.0, "status": "OK", "unit": "C", "source": ""}},"#);
    }
    assert!(records.len() > 2 * MIB);
    let (inflated, broken) = reached(Limits::DEFAULT, &compressed(records.as_bytes()), 1000);
    assert_eq!((inflated > 2 * MIB, broken), (true, None));
}

/// Whatever is wrong, and wherever in what comes out: the first of it is reported, however the payload is cut.
#[test]
fn the_first_fault_in_what_comes_out_is_reported_at_every_cut() {
    let repeat = |byte: u8, count: usize| vec![byte; count];
    let window = DeflateConfig { peer_window_bits: 8, ..DeflateConfig::default() };
    let mut far = b"x".repeat(40);
    let mut state = 1_u32;
    far.extend(
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'0' + (state >> 26) as u8
        })
        .take(600),
    );
    far.extend_from_within(300..340);
    let mut far_and_bad = far.clone();
    far_and_bad.push(0xff);
    let mut bad_and_far = far[..200].to_vec();
    bad_and_far.push(0xff);
    bad_and_far.extend_from_slice(&far[200..]);
    for (wishes, mut payload, tail, rule) in [
        (DeflateConfig::default(), b"\x00\x01\x00\xfe\xff\xff".to_vec(), &b"\x07"[..], Rule::TextInvalidUtf8),
        (DeflateConfig::default(), b"\x00\x01\x00\xfe\xffa".to_vec(), b"\x07", Rule::DeflateDataInvalid),
        // More than a step puts out, the fault behind it, and text that is none behind that.
        (
            DeflateConfig::default(),
            compressed(&repeat(b'a', 200_000)),
            b"\0\0\xff\xff\x07",
            Rule::DeflateDataInvalid,
        ),
        (
            DeflateConfig::default(),
            compressed(&[repeat(b'a', 130_000), repeat(0xff, 1), repeat(b'a', 70_000)].concat()),
            b"\0\0\xff\xff\x07",
            Rule::TextInvalidUtf8,
        ),
        (window, compressed(&far_and_bad), b"", Rule::DeflateWindowViolated),
        (window, compressed(&bad_and_far), b"", Rule::TextInvalidUtf8),
    ] {
        payload.extend_from_slice(tail);
        let mut frame = vec![0x41, 0x7e];
        frame.extend_from_slice(&u16::try_from(payload.len() + 500).expect("it is short").to_be_bytes());
        frame.extend_from_slice(&payload);
        let mut first: Option<Box<Violation>> = None;
        for cut in (1..=frame.len()).filter(|cut| frame.len() < 400 || cut % 7 == 1) {
            let mut client = client(config(wishes), &agreed(&wishes, &DeflateConfig::default()));
            let (mut inbox, mut found) = (Vec::new(), None);
            for piece in [&frame[..cut], &frame[cut..]] {
                inbox.extend_from_slice(piece);
                let mut at = 0;
                loop {
                    let (consumed, event) = client.receive(NOW, &mut inbox[at..]);
                    at += consumed;
                    match event {
                        Some(Event::Violation(violation)) => found = found.or(Some(violation)),
                        Some(_) => drop(client.take_inflated()),
                        None => break,
                    }
                }
                inbox.drain(..at);
            }
            let found = found.unwrap_or_else(|| panic!("{rule}, cut at {cut}: nothing is found"));
            assert_eq!(found.rule, rule, "cut at {cut}");
            assert_eq!(*first.get_or_insert(found.clone()), found, "cut at {cut}");
        }
    }
}

#[test]
fn connections_that_share_a_budget_hold_no_more_than_it_allows() {
    let wishes = DeflateConfig::default();
    let agreement = agreed(&wishes, &wishes);
    let budget = Arc::new(InflateBudget::new(1_000_000));
    let config = Arc::new(Config { inflate_budget: Some(budget.clone()), ..config(wishes) });
    let mut start = b"\x42\x7f\0\0\0\0\0\xff\xff\xff".to_vec();
    start.extend(compressed(&vec![0; 300_000]));
    let receive = |end: &mut Connection, bytes: &[u8]| {
        let (mut bytes, mut at, mut broken) = (bytes.to_vec(), 0, None);
        loop {
            let (consumed, event) = end.receive(NOW, &mut bytes[at..]);
            at += consumed;
            match event {
                Some(Event::Violation(violation)) => broken = Some(violation.rule),
                Some(_) => {}
                None => return broken,
            }
        }
    };
    let new = || Connection::client(config.clone(), Box::new(|| [0; 4]), 0, NOW).with_deflate(&agreement);
    let mut ends: Vec<_> = (0..3).map(|_| new()).collect();
    for end in &mut ends {
        assert_eq!(receive(end, &start), None);
    }
    assert!((890_000..=900_000).contains(&budget.held()), "{}", budget.held());
    // A fourth finds no room, whatever its own limit.
    assert_eq!(receive(&mut new(), &start), Some(Rule::InflateTooBig));
    assert!(budget.held() <= 900_000, "what failed holds nothing: {}", budget.held());
    // Taken by the application, or gone with its connection, it counts no longer.
    let taken = ends[0].take_inflated();
    assert!(taken.len() > 290_000 && budget.held() <= 600_000);
    let mut fourth = new();
    assert_eq!(receive(&mut fourth, &start), None);
    drop((ends, fourth));
    assert_eq!(budget.held(), 0);
}

#[test]
fn an_inflated_text_is_a_str_where_it_is_whole() {
    let wishes = DeflateConfig::default();
    let agreement = agreed(&wishes, &wishes);
    let text = "Gr\u{fc}\u{df}e, \u{4e16}\u{754c}. ".repeat(20_000);
    let mut server = server(config(wishes), &agreement);
    server.send_text(&text).expect("open");
    server.send_binary(text.as_bytes()).expect("open");
    let bytes = written(&mut server);
    for whole in [true, false] {
        let mut client = client(config(wishes), &agreement);
        let (mut inbox, mut at, mut inside) = (bytes.clone(), 0, 0);
        for expected in [Some(&text[..]), None] {
            let mut got = Vec::new();
            loop {
                let (consumed, event) = client.receive(NOW, &mut inbox[at..]);
                at += consumed;
                let Some(Event::Inflated { last, .. }) = event else { panic!("{event:?}") };
                if last || !whole {
                    let taken = client.take_inflated();
                    match expected {
                        Some(_) if whole => assert_eq!(taken.as_str(), expected),
                        Some(_) => {
                            // What began or ended inside a character is none by itself.
                            inside += usize::from(taken.as_str().is_none());
                            assert_eq!(taken.as_str(), std::str::from_utf8(&taken).ok());
                        }
                        None => assert_eq!(taken.as_str(), None, "nobody has checked it"),
                    }
                    got.extend_from_slice(&taken);
                    client.recycle_inflated(taken.into_bytes());
                }
                if last {
                    break;
                }
            }
            assert!(got == text.as_bytes());
        }
        assert_eq!(inside > 0, !whole, "{inside}");
    }
}
