//! Compressed messages that break a rule.

use framewise_proto::deflate::DeflateConfig;
use framewise_proto::rules::Rule;
use framewise_proto::{Event, Violation};

use super::{NOW, agreed, client, compressed, config, server};
use crate::messages::{received, written};

/// A payload that is cut off, or that is more than one stream needs.
#[test]
fn a_message_that_ends_inside_a_block_does_not_inflate() {
    let prices = (0..40).map(|i| format!("{{\"id\":{},\"price\":{}}}", i * 7919 % 1000, i * i));
    let message = prices.collect::<Vec<_>>().join(",");
    for takeover in [true, false] {
        let wishes = DeflateConfig::default().peer_no_context_takeover(!takeover);
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
        let wishes = DeflateConfig::default().peer_no_context_takeover(forgets);
        let expected: Vec<_> = expected.iter().map(|text| text.as_bytes().to_vec()).collect();
        for cut in [1, usize::MAX] {
            let mut client = client(config(wishes), &agreed(&wishes, &DeflateConfig::default()));
            assert_eq!(received(&mut client, &bytes, cut), (expected.clone(), rule), "cut {cut}");
        }
    }
}

#[test]
fn what_does_not_inflate_is_told_by_its_rule() {
    let plain = DeflateConfig::default();
    let forgetful = plain.peer_no_context_takeover(true);
    let narrow = plain.peer_window_bits(8);
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
    let narrow = plain.peer_window_bits(12);
    let narrowest = plain.peer_window_bits(8);
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
    let mut wide = server(config(DeflateConfig::default().threshold(0)), &agreement);
    let mut message: Vec<u8> = (0..300_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    message.extend_from_within(..40);
    wide.send_binary(&message).expect("open");
    written(&mut wide)
}

/// Whatever is wrong, and wherever in what comes out: the first of it is reported, however the payload is cut.
#[test]
fn the_first_fault_in_what_comes_out_is_reported_at_every_cut() {
    let repeat = |byte: u8, count: usize| vec![byte; count];
    let window = DeflateConfig::default().peer_window_bits(8);
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
