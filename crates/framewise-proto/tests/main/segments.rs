//! Large messages are written from where they lie.

use std::time::Duration;

use framewise_proto::rules::CloseCode;
use framewise_proto::{
    Bytes, CloseFrame, Config, Connection, Event, MessageKind, Misuse, Transmit, Utf8Bytes,
};

const NOW: Duration = Duration::ZERO;
const LARGE: usize = 4097;

fn server() -> Connection {
    Connection::server(Config::default(), 0, NOW)
}

fn client() -> Connection {
    Connection::client(Config::default(), Box::new(|| [0x37, 0xfa, 0x21, 0x3d]), 0, NOW)
}

fn lengths(transmit: &Transmit) -> Vec<usize> {
    transmit.segments().map(<[u8]>::len).collect()
}

/// What arrives, of each message its kind and payload.
fn received(engine: &mut Connection, mut bytes: Vec<u8>) -> Vec<(MessageKind, Vec<u8>)> {
    let (mut at, mut messages) = (0, Vec::new());
    loop {
        let (consumed, event) = engine.receive(NOW, &mut bytes[at..]);
        at += consumed;
        match event {
            Some(Event::Data { payload, first: true, last: true }) => {
                messages.push((payload.kind(), payload.to_vec()));
            }
            Some(other) => panic!("{other:?}"),
            None => return messages,
        }
    }
}

#[test]
fn a_server_copies_no_large_payload() {
    let (mut server, mut client) = (server(), client());
    let (binary, text) = (Bytes::from(vec![7; 70_000]), Utf8Bytes::from("é".repeat(3_000)));
    server.send_text("before").expect("open");
    server.send_binary_shared(binary.clone()).expect("open");
    server.send_text_shared(text.clone()).expect("open");
    server.send_binary(b"behind").expect("open");
    assert_eq!(server.queued(), 8 + 10 + 70_000 + 4 + 6_000 + 8);

    let transmit = server.poll_transmit().expect("it was queued");
    assert_eq!(lengths(&transmit), [8 + 10, 70_000, 4, 6_000, 8]);
    let places: Vec<_> = transmit.segments().map(<[u8]>::as_ptr).collect();
    assert_eq!((places[1], places[3]), (binary.as_ptr(), text.as_bytes().as_ptr()));
    assert_eq!(server.queued(), 0);

    let expected = [
        (MessageKind::Text, b"before".to_vec()),
        (MessageKind::Binary, binary.to_vec()),
        (MessageKind::Text, text.as_bytes().to_vec()),
        (MessageKind::Binary, b"behind".to_vec()),
    ];
    assert_eq!(received(&mut client, transmit.into_vec()), expected);
}

#[test]
fn a_small_one_is_copied_and_one_segment_with_its_neighbours() {
    let mut server = server();
    for length in [0, 1, LARGE - 1] {
        server.send_binary_shared(vec![7; length].into()).expect("open");
    }
    assert_eq!(server.poll_transmit().expect("it was queued").segments().count(), 1);
    server.send_binary_shared(vec![7; LARGE].into()).expect("open");
    assert_eq!(lengths(&server.poll_transmit().expect("it was queued")), [4, LARGE]);
}

#[test]
fn a_client_masks_it_where_it_lies_unless_somebody_else_has_it() {
    let (mut server, mut client) = (server(), client());
    let (alone, shared) = (Bytes::from(vec![7; LARGE]), Bytes::from(vec![8; LARGE]));
    let place = alone.as_ptr();
    client.send_binary_shared(alone).expect("open");
    client.send_binary_shared(shared.clone()).expect("open");
    let transmit = client.poll_transmit().expect("it was queued");
    assert_eq!(lengths(&transmit), [8, LARGE, 8 + LARGE]);
    assert_eq!(transmit.segments().nth(1).map(<[u8]>::as_ptr), Some(place));
    assert!(shared.iter().all(|&byte| byte == 8), "what is shared is not masked");
    let expected = [7, 8].map(|byte| (MessageKind::Binary, vec![byte; LARGE]));
    assert_eq!(received(&mut server, transmit.into_vec()), expected);
}

#[test]
fn what_may_not_be_sent_is_not_queued() {
    let mut server = server();
    server.begin(MessageKind::Text).expect("open");
    let large = || Bytes::from(vec![7; LARGE]);
    assert_eq!(server.send_binary_shared(large()), Err(Misuse::MessageOpen));
    assert_eq!(server.queued(), 0);
    server.close(NOW, None).expect("open");
    assert_eq!(server.send_binary_shared(large()), Err(Misuse::Closed));
    assert_eq!(server.queued(), 2, "the Close alone");
}

#[test]
fn the_memory_of_what_was_written_is_used_again() {
    let mut server = server();
    server.send_binary(&[7; 1000]).expect("open");
    let mut transmit = server.poll_transmit().expect("it was queued");
    let place = transmit.segments().next().map(<[u8]>::as_ptr);
    transmit.advance(transmit.len());
    server.recycle(transmit);
    assert!(server.poll_transmit().is_none(), "nothing comes again");
    server.send_binary(&[8; 1000]).expect("open");
    let transmit = server.poll_transmit().expect("it was queued");
    assert_eq!(transmit.segments().next().map(<[u8]>::as_ptr), place);
}

#[test]
fn a_text_is_a_str_where_it_is_whole() {
    let text = "é".repeat(40);
    // A header of two bytes, and a text of 80.
    let mut server = server();
    server.send_text(&text).expect("open");
    let frame = server.poll_transmit().expect("it was queued").into_vec();
    for cut in [0, 2 + 9, 2 + 10] {
        let mut client = client();
        let mut bytes = frame.clone();
        let (mut at, mut parts) = (0, Vec::new());
        for end in [cut, bytes.len()] {
            while let (consumed, Some(Event::Data { payload, .. })) = client.receive(NOW, &mut bytes[at..end])
            {
                at += consumed;
                parts.push(payload.as_str().map(str::to_owned));
            }
        }
        let expected = match cut {
            0 => vec![Some(text.clone())],
            // In the middle of a character: neither is one.
            11 => vec![None, None],
            _ => vec![Some(text[..10].to_owned()), Some(text[10..].to_owned())],
        };
        assert_eq!(parts, expected, "cut at {cut}");
    }
    let mut whole = frame.clone();
    let (consumed, payload) = client()
        .receive_whole(NOW, &mut whole)
        .map_or((0, None), |(consumed, payload)| (consumed, payload.as_str().map(str::to_owned)));
    assert_eq!((consumed, payload), (frame.len(), Some(text)));
    // A binary one never is.
    server.send_binary(b"abc").expect("open");
    let mut bytes = server.poll_transmit().expect("it was queued").into_vec();
    let event = client().receive(NOW, &mut bytes).1;
    assert!(matches!(event, Some(Event::Data { payload, .. }) if payload.as_str().is_none()));
}

/// The lengths of the frames that are queued, and the engine with them.
fn queued(mut engine: Connection) -> (Vec<usize>, Connection) {
    let mut lengths = Vec::new();
    let mut before = 0;
    let mut add =
        |engine: &Connection| lengths.push(engine.queued() - std::mem::replace(&mut before, engine.queued()));
    engine.send_text("").expect("open");
    add(&engine);
    engine.send_text("small").expect("open");
    add(&engine);
    for size in [LARGE, LARGE + 1] {
        engine.send_binary_shared(vec![7; size].into()).expect("open");
        add(&engine);
    }
    engine.send_binary(&[7; LARGE]).expect("open");
    add(&engine);
    engine.send_binary_shared(vec![7; LARGE].into()).expect("open");
    add(&engine);
    engine.send_text("last").expect("open");
    add(&engine);
    (lengths, engine)
}

#[test]
fn what_is_not_begun_is_dropped_and_a_frame_that_is_begun_is_not() {
    for engine in [server, client] {
        let (lengths, _) = queued(engine());
        let all: usize = lengths.iter().sum();
        let ends: Vec<usize> = lengths
            .iter()
            .scan(0, |end, length| {
                Some({
                    *end += length;
                    *end
                })
            })
            .collect();
        for written in (0..=all)
            .filter(|written| written % 97 == 0 || ends.iter().any(|end| written.abs_diff(*end) < 20))
        {
            for second in [0, 1, 3] {
                let mut transmit = queued(engine()).1.poll_transmit().expect("it was queued");
                transmit.advance(written - second.min(written));
                transmit.advance(second.min(written));
                let rest: Vec<u8> = transmit.segments().collect::<Vec<_>>().concat();
                transmit.drop_unbegun();
                let end = if written == 0 {
                    0
                } else {
                    *ends.iter().find(|end| **end >= written).expect("a frame")
                };
                assert_eq!(transmit.len(), end - written, "{written}");
                assert!(transmit.into_vec() == rest[..end - written], "{written}");
            }
        }
    }
}

#[test]
fn an_abort_drops_what_is_queued_and_sends_the_close() {
    let close = |code| CloseFrame::new(CloseCode(code), "slow");
    let (_, mut server) = queued(server());
    // A Close that must not be sent drops nothing.
    let before = server.queued();
    assert_eq!(server.abort(NOW, Some(&close(1005))), Err(Misuse::CloseCode(CloseCode(1005))));
    assert_eq!((server.queued(), server.is_open()), (before, true));
    server.abort(NOW, Some(&close(1008))).expect("open");
    assert_eq!(server.poll_transmit().expect("the Close").into_vec(), b"\x88\x06\x03\xf0slow");
    assert_eq!(server.abort(NOW, None), Err(Misuse::Closed));
    assert_eq!(server.queued(), 0);
}

#[test]
fn of_many_large_ones_each_is_written_whole() {
    let mut server = server();
    for number in 0..100_u8 {
        server.send_binary_shared(vec![number; LARGE].into()).expect("open");
    }
    let mut transmit = server.poll_transmit().expect("they are queued");
    for number in 0..100 {
        let (all, segments) = (transmit.len(), lengths(&transmit));
        assert_eq!((all, segments.len()), ((100 - number) * (4 + LARGE), (100 - number) * 2));
        assert_eq!(transmit.segments().nth(1).map(|payload| usize::from(payload[0])), Some(number));
        transmit.advance(4 + LARGE);
    }
    assert!(transmit.is_empty());
}
