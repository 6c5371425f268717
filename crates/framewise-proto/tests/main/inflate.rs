//! What a message may inflate to, what its buffers cost, and what is offered and agreed, to the byte.

use std::sync::Arc;
use std::time::Duration;

use framewise_proto::deflate::{
    Context, DeflateAgreement, DeflateConfig, InflateBudget, InflateLimits, negotiate,
};
use framewise_proto::extension::parse_extensions;
use framewise_proto::rules::{Limits, Rule};
use framewise_proto::{Config, Connection, Detail, Event, Violation};

const NOW: Duration = Duration::ZERO;
/// "Hello", of RFC 7692 §7.2.3.1, in one frame.
const HELLO: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";

fn client(config: Config) -> Connection {
    let wishes = config.deflate.unwrap_or_default();
    let (_, agreement) = negotiate(&[wishes.offer()], &DeflateConfig::default()).expect("the offer is valid");
    Connection::client(config, Box::new(|| [0; 4]), 0, NOW).with_deflate(&agreement)
}

/// A frame with a message of so many zeros, compressed by zlib.
fn zeros(length: usize) -> Vec<u8> {
    let wishes = DeflateConfig::default().threshold(0);
    let (_, agreement) = negotiate(&[wishes.offer()], &wishes).expect("the offer is valid");
    let config = Config::default().deflate(wishes);
    let mut server = Connection::server(config, 0, NOW).with_deflate(&agreement);
    server.send_binary(&vec![0; length]).expect("open");
    server.poll_transmit().expect("a frame").into_vec()
}

/// Bytes of the last message, or what is wrong; the buffers are left until then.
fn inflated(engine: &mut Connection, bytes: &[u8]) -> Result<Vec<u8>, Box<Violation>> {
    let (mut bytes, mut at) = (bytes.to_vec(), 0);
    loop {
        let (consumed, event) = engine.receive(NOW, &mut bytes[at..]);
        at += consumed;
        match event {
            Some(Event::Inflated { last: true, .. }) => return Ok(engine.take_inflated().to_vec()),
            Some(Event::Violation(violation)) => return Err(violation),
            Some(_) => {}
            None => panic!("the message is whole"),
        }
    }
}

#[test]
fn a_message_may_inflate_to_its_limit_and_is_measured_beyond_it() {
    let limits = Limits::DEFAULT;
    for (limits, length, detail) in [
        (limits.inflated(1_000), 1_000, None),
        (limits.inflated(1_000), 1_001, Some(Detail::Limit { got: 1_001, limit: 1_000 })),
        // Of a payload, pieces of 4 KiB are counted.
        (limits.inflate_ratio(2).inflate_ratio_from(0), 8_192, None),
        (
            limits.inflate_ratio(2).inflate_ratio_from(0),
            8_193,
            Some(Detail::Ratio { inflated: 8_193, limit: 2 }),
        ),
        // Both limits: the one that was passed is told.
        (
            limits.inflated(8_193).inflate_ratio(2).inflate_ratio_from(0),
            8_193,
            Some(Detail::Ratio { inflated: 8_193, limit: 2 }),
        ),
        (limits.inflate_ratio(2).inflate_ratio_from(9_000), 9_000, None),
        (
            limits.inflate_ratio(2).inflate_ratio_from(9_000),
            9_001,
            Some(Detail::Ratio { inflated: 9_001, limit: 2 }),
        ),
    ] {
        let mut engine = client(Config::default().limits(limits));
        // A message before it counts for itself.
        assert_eq!(inflated(&mut engine, HELLO).as_deref(), Ok(&b"Hello"[..]));
        let frame = zeros(length);
        let found = inflated(&mut engine, &frame);
        match detail {
            None => assert_eq!(found, Ok(vec![0; length])),
            Some(detail) => {
                let found = found.expect_err("it is beyond the limit");
                assert_eq!((found.rule, found.detail), (Rule::InflateTooBig, detail));
                let header = if frame[1] < 126 { 2 } else { 4 };
                let place = (HELLO.len() as u64 + header, frame.len() as u64 - header);
                assert_eq!((found.offset, found.length), (Some(place.0), place.1));
                assert_eq!((found.frame, found.message), (2, 2));
            }
        }
    }
    let limits = InflateLimits::new(&limits.inflate_ratio(3).inflate_ratio_from(5));
    for (payload, allowed, piece) in [
        (0, 3 * 4_096, 4_096),
        (1, 3 * 4_096, 4_095),
        (4_095, 3 * 4_096, 1),
        (4_096, 3 * 4_096, 4_096),
        (4_097, 6 * 4_096, 4_095),
        (10_000, 9 * 4_096, 2_288),
    ] {
        assert_eq!((limits.of(payload), limits.piece(payload)), (allowed, piece), "{payload}");
    }
}

#[test]
fn a_budget_counts_until_what_it_counts_is_taken_or_given_up() {
    let budget = Arc::new(InflateBudget::new(10));
    assert_eq!((budget.limit(), budget.held()), (10, 0));
    let config = || Config::default().inflate_budget(budget.clone());
    let mut engine = client(config());
    let mut hello = HELLO.to_vec();
    let (consumed, event) = engine.receive(NOW, &mut hello);
    assert!(consumed == HELLO.len() && matches!(event, Some(Event::Inflated { length: 5, last: true, .. })));
    assert_eq!(budget.held(), 5);
    assert_eq!(engine.take_inflated().to_vec(), b"Hello");
    assert_eq!(budget.held(), 0);
    // A message that was not taken makes way for the next, and one that is broken for all.
    for _ in 0..2 {
        assert!(engine.receive(NOW, &mut HELLO.to_vec()).1.is_some());
        assert_eq!(budget.held(), 5);
    }
    let found = inflated(&mut engine, &zeros(11)).expect_err("it is beyond the budget");
    assert_eq!((found.rule, found.detail), (Rule::InflateTooBig, Detail::Budget { held: 11, limit: 10 }));
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_buffer_is_used_again_where_it_is_small_and_the_context_is_kept() {
    for (context, capacity, reused) in [
        (Context::Kept, 64 * 1024, true),
        (Context::Kept, 64 * 1024 + 1, false),
        (Context::Shared, 64 * 1024, false),
    ] {
        let deflate = Some(DeflateConfig::default().context(context));
        let mut engine = client(Config::default().deflate(deflate));
        let mut buffer = Vec::with_capacity(capacity);
        buffer.extend_from_slice(b"old");
        engine.recycle_inflated(buffer);
        assert!(engine.receive(NOW, &mut HELLO.to_vec()).1.is_some());
        let message = engine.take_inflated();
        assert_eq!(&message[..], b"Hello");
        assert_eq!(message.capacity() == capacity, reused, "{context:?} {capacity}");
    }
    // It does not take away what waits to be taken.
    let mut engine = client(Config::default());
    assert!(engine.receive(NOW, &mut HELLO.to_vec()).1.is_some());
    engine.recycle_inflated(Vec::with_capacity(100));
    assert_eq!(engine.take_inflated().to_vec(), b"Hello");
}

#[test]
fn invalid_text_that_comes_out_is_told_and_a_next_message_begins_anew() {
    // Stored blocks with "a\xff", "a\xe2\x82" and "\xe2\x82\xac".
    for (payload, rule) in [
        (&b"\x00\x02\x00\xfd\xffa\xff\x00"[..], Some(Rule::TextInvalidUtf8)),
        (b"\x00\x03\x00\xfc\xffa\xe2\x82\x00", Some(Rule::TextTruncatedUtf8)),
        (b"\x00\x03\x00\xfc\xff\xe2\x82\xac\x00", None),
    ] {
        let mut frame = vec![0xc1, payload.len() as u8];
        frame.extend_from_slice(payload);
        let mut engine = client(Config::default());
        assert_eq!(inflated(&mut engine, HELLO).as_deref(), Ok(&b"Hello"[..]));
        assert_eq!(inflated(&mut engine, &frame).err().map(|found| found.rule), rule, "{payload:02x?}");
        // The same bytes are right where they are no text.
        frame[0] = 0xc2;
        assert!(inflated(&mut client(Config::default()), &frame).is_ok());
    }
}

#[test]
fn an_offer_says_what_differs_from_the_default() {
    let wishes = DeflateConfig::default();
    for (wishes, offer) in [
        (wishes, "permessage-deflate; client_max_window_bits"),
        (
            wishes.window_bits(14).peer_window_bits(14),
            "permessage-deflate; server_max_window_bits=14; client_max_window_bits=14",
        ),
        (
            wishes.no_context_takeover(true).peer_no_context_takeover(true),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
    ] {
        assert_eq!(wishes.offer().to_string(), offer);
    }
    let agreed = |answer: &str| DeflateAgreement::in_response(&parse_extensions(answer).expect("a list"));
    let agreement = agreed("other, permessage-deflate; client_no_context_takeover; server_max_window_bits=9");
    let agreement = agreement.expect("it is agreed");
    assert_eq!((agreement.client.window_bits, agreement.client.takeover), (15, false));
    assert_eq!((agreement.server.window_bits, agreement.server.takeover), (9, true));
    assert_eq!(agreed("other"), None);
    assert_eq!(agreed("permessage-deflate; client_max_window_bits"), None, "a hint is no answer");
}

#[test]
fn the_first_and_the_last_part_of_a_message_are_told_as_such() {
    let mut engine = client(Config::default());
    for _ in 0..2 {
        let (mut parts, mut whole, mut inbox) = (Vec::new(), Vec::new(), Vec::new());
        for &byte in b"\x41\x03\xf2\x48\xcd\x00\x00\x80\x04\xc9\xc9\x07\x00" {
            inbox.push(byte);
            let (consumed, event) = engine.receive(NOW, &mut inbox);
            if let Some(Event::Inflated { length, first, last, .. }) = event {
                assert!(length > 0 || last);
                parts.push((first, last));
                whole.extend_from_slice(&engine.take_inflated());
            }
            inbox.drain(..consumed);
        }
        assert_eq!(whole, b"Hello");
        assert!(parts.len() > 2, "{parts:?}");
        let count = parts.len();
        for (number, part) in parts.into_iter().enumerate() {
            assert_eq!(part, (number == 0, number + 1 == count));
        }
    }
}

#[test]
fn what_a_client_masked_inflates_in_many_steps() {
    let wishes = DeflateConfig::default().threshold(0);
    let (_, agreement) = negotiate(&[wishes.offer()], &wishes).expect("the offer is valid");
    let config = Config::default().deflate(wishes);
    let keys = Box::new(|| [0x37, 0xfa, 0x21, 0x3d]);
    let mut client = Connection::client(config.clone(), keys, 0, NOW).with_deflate(&agreement);
    let mut server = Connection::server(config, 0, NOW).with_deflate(&agreement);
    let message: Vec<u8> = (0..8_u8).flat_map(|byte| vec![byte; 100_000]).collect();
    client.send_binary(&message).expect("open");
    let mut bytes = client.poll_transmit().expect("a frame").into_vec();
    let (mut at, mut whole, mut steps) = (0, Vec::new(), 0);
    while at < bytes.len() || whole.len() < message.len() {
        let (consumed, event) = server.receive(NOW, &mut bytes[at..]);
        at += consumed;
        let Some(Event::Inflated { .. }) = event else { panic!("{event:?}") };
        whole.extend_from_slice(&server.take_inflated());
        steps += 1;
    }
    assert_eq!((whole == message, steps), (true, message.len() / (64 * 1024) + 1));
}

#[test]
fn a_message_refers_to_the_one_before_it_under_takeover_alone() {
    // Each byte once: nothing in it can be referred to.
    let message: Vec<u8> = (0..=255).collect();
    for context in [Context::Kept, Context::Shared] {
        for takeover in [true, false] {
            let wishes = DeflateConfig::default().context(context).no_context_takeover(!takeover);
            let (_, agreement) = negotiate(&[wishes.offer()], &wishes).expect("the offer is valid");
            let config = Config::default().deflate(wishes);
            let mut client = Connection::client(config, Box::new(|| [0; 4]), 0, NOW).with_deflate(&agreement);
            let mut length = || {
                client.send_binary(&message).expect("open");
                client.poll_transmit().expect("a frame").len()
            };
            let (first, second) = (length(), length());
            assert!(first > message.len(), "{context:?}, {first}");
            assert_eq!(second < 50, takeover, "{context:?}, {second}");
        }
    }
}

#[test]
fn each_connection_of_a_thread_compresses_at_its_level() {
    // Repetitions, of which a higher level finds more.
    let message: Vec<u8> = (0..3_000_u32).map(|at| (at * at / 7 % 11 + at / 500) as u8).collect();
    let lengths = [1, 9, 1, 9].map(|level| {
        let wishes = DeflateConfig::default().level(level).no_context_takeover(true);
        let (_, agreement) = negotiate(&[wishes.offer()], &wishes).expect("the offer is valid");
        let config = Config::default().deflate(wishes);
        let mut client = Connection::client(config, Box::new(|| [0; 4]), 0, NOW).with_deflate(&agreement);
        client.send_binary(&message).expect("open");
        client.poll_transmit().expect("a frame").len()
    });
    assert!(lengths[0] > lengths[1], "{lengths:?}");
    assert_eq!(lengths[..2], lengths[2..]);
}

#[test]
fn a_compressed_message_without_payload_is_empty() {
    let mut engine = client(Config::default());
    for _ in 0..2 {
        assert_eq!(inflated(&mut engine, b"\xc1\x00").ok(), Some(Vec::new()));
        assert_eq!(inflated(&mut engine, HELLO).ok(), Some(b"Hello".to_vec()));
    }
}
