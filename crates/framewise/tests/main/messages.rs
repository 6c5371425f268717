//! Messages of every size, kind and cut, both ways.

use crate::common::{Counting, client_and_raw, masked, pair, pair_with, plain, server_and_raw};
use bytes::Bytes;
use framewise::proto::Opcode;
use framewise::{Client, Config, Event, Message, MessageKind, Server, Text};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncWriteExt as _, duplex};

/// Sizes at which a header's form, a buffer, or the way of a payload changes.
const SIZES: [usize; 17] = [
    0, 1, 125, 126, 127, 4095, 4096, 4097, 8191, 8192, 65_535, 65_536, 100_000, 262_130, 262_144, 300_000,
    3_000_000,
];

fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[tokio::test]
async fn every_size_survives_the_way_there_and_back() {
    let (mut client, mut server) = pair_with(Config::default(), 100_000).await;
    let echo = async {
        while let Some(message) = server.next().await {
            server.send(message.expect("a message")).await.expect("an echo");
        }
    };
    let ask = async {
        for size in SIZES {
            client.send(payload(size)).await.expect("room");
            let answer = client.next().await.expect("an answer").expect("no error");
            assert!(answer == Message::binary(payload(size)), "{size} bytes of binary");
            let text = "é".repeat(size / 2);
            client.send(text.as_str()).await.expect("room");
            let answer = client.next().await.expect("an answer").expect("no error");
            assert!(answer == Message::text(text), "{size} bytes of text");
            assert_eq!(client.read_buffer(), 0, "an idle connection holds no buffer, after {size} bytes");
        }
        client.close(1000, "").await.expect("a clean end");
    };
    tokio::join!(echo, ask);
    assert_eq!(server.read_buffer(), 0);
}

#[tokio::test]
async fn many_sizes_in_one_burst_come_in_order_however_the_stream_cuts_them() {
    for cut in [1, 2, 3, 7, 137, 4096, 70_000] {
        let sizes = if cut < 100 { &SIZES[..10] } else { &SIZES[..] };
        let (near, far) = duplex(1 << 16);
        let (mut near, mut far) = (Counting::new(near), Counting::new(far));
        (near.cut, far.cut) = (cut, cut);
        let client = Client::new();
        let server = Server::new();
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
        let burst = async {
            for &size in sizes {
                server.send(payload(size)).await.expect("room");
            }
            server.close(1000, "that was it").await.expect("a clean end");
        };
        let take = async {
            for &size in sizes {
                let message = client.next().await.expect("a message").expect("no error");
                assert!(message == Message::binary(payload(size)), "{size} bytes, cut at {cut}");
            }
            assert!(client.next().await.is_none());
            assert_eq!(client.ended().expect("an end").code.0, 1000);
        };
        tokio::join!(burst, take);
    }
}

#[tokio::test]
async fn a_message_in_frames_is_put_together_with_pings_in_between() {
    let (mut server, mut raw) = server_and_raw().await;
    let mut bytes = masked(Opcode::Text, false, "h\u{e9}".as_bytes());
    bytes.extend(masked(Opcode::Ping, true, b"are you there"));
    bytes.extend(masked(Opcode::Continuation, false, b""));
    bytes.extend(masked(Opcode::Continuation, true, b"llo"));
    bytes.extend(masked(Opcode::Binary, true, b""));
    raw.write_all(&bytes).await.unwrap();
    assert_eq!(server.next_event().await.unwrap().unwrap(), Event::Ping("are you there".into()));
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("h\u{e9}llo"));
    assert_eq!(server.next().await.unwrap().unwrap(), Message::binary(Bytes::new()));
    assert_eq!(server.read_buffer(), 0);
}

#[tokio::test]
async fn a_large_message_may_come_in_a_thousand_frames() {
    let (mut client, mut raw) = client_and_raw(Config::default()).await;
    let part = payload(20_000);
    let send = async {
        for number in 0..100 {
            let opcode = if number == 0 { Opcode::Binary } else { Opcode::Continuation };
            raw.write_all(&plain(opcode, number == 99, &part)).await.unwrap();
        }
    };
    let ((), message) = tokio::join!(send, client.next());
    assert!(message.unwrap().unwrap() == Message::binary(part.repeat(100)));
}

#[tokio::test]
async fn it_is_a_stream_and_a_sink() {
    let (client, mut server) = pair().await;
    let (mut to_server, mut from_server) = StreamExt::split(client);
    let echo = async {
        while let Some(message) = server.next().await {
            server.send(message.expect("a message")).await.expect("an echo");
        }
    };
    let ask = async {
        SinkExt::send(&mut to_server, Message::from("one")).await.unwrap();
        to_server.feed("two".into()).await.unwrap();
        SinkExt::flush(&mut to_server).await.unwrap();
        for expected in ["one", "two"] {
            assert_eq!(from_server.next().await.unwrap().unwrap(), Message::text(expected));
        }
        SinkExt::close(&mut to_server).await.unwrap();
        assert!(from_server.next().await.is_none());
    };
    tokio::join!(echo, ask);
    assert!(server.ended().unwrap().clean);
}

#[tokio::test]
async fn a_slice_that_is_kept_keeps_its_bytes() {
    // What is handed out without a copy must not change when its buffer is read into again.
    let (mut client, mut server) = pair().await;
    let mut kept = Vec::new();
    for round in 0..200_u8 {
        let sent = vec![round; 9_000 + usize::from(round)];
        client.send(sent.clone()).await.unwrap();
        client.flush().await.unwrap();
        let message = server.next().await.unwrap().unwrap();
        assert!(message == Message::binary(sent));
        if round % 3 == 0 {
            kept.push((round, message));
        }
    }
    for (round, message) in kept {
        assert!(message.as_bytes().iter().all(|&byte| byte == round));
    }
}

/// However a text comes, it comes with the proof that it is one: there is no other way to have it as a `str`.
#[tokio::test]
async fn a_text_in_parts_that_are_cut_inside_characters_is_one() {
    let deflate = framewise::DeflateConfig::default().threshold(0);
    for compressed in [false, true] {
        let (near, far) = duplex(1 << 16);
        let (mut client, mut server) = (Client::new(), Server::new());
        if compressed {
            (client, server) = (client.deflate(deflate), server.deflate(deflate));
        }
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
        for size in [0, 10, 4096, 12_000, 200_000] {
            let text: String = "a\u{e9}\u{1d11e}".chars().cycle().take(size / 3).collect();
            for parts in [1, 2, 5] {
                let send = async {
                    client.begin(MessageKind::Text).expect("open");
                    let piece = (text.len() / parts + 1) | 1;
                    for part in text.as_bytes().chunks(piece) {
                        client.send_part(part, false).await.expect("a part");
                    }
                    client.send_part(b"", true).await.expect("the end");
                };
                let (got, ()) = tokio::join!(server.next(), send);
                let got = got.expect("a message").expect("no error");
                assert!(got.as_text() == Some(&text), "{size} in {parts}, compressed: {compressed}");
            }
        }
    }
}

#[test]
fn text_is_only_made_of_utf8() {
    assert!(Text::try_from(Bytes::from_static(b"\xff")).is_err());
    let text = Text::try_from(Bytes::from_static("h\u{e9}".as_bytes())).unwrap();
    assert_eq!((text.len(), text.as_str(), &*text), (3, "h\u{e9}", "h\u{e9}"));
    assert_eq!(Message::from("a").as_text(), Some("a"));
    assert_eq!(Message::from(vec![1_u8]).as_text(), None);
}

#[tokio::test]
async fn a_message_is_sent_in_parts_with_a_ping_between_them() {
    let (mut client, mut server) = pair().await;
    assert!(client.send_part(b"", true).await.is_err(), "no message was begun");
    client.begin(MessageKind::Text).expect("open");
    client.send_part(b"\xf0\x9f", false).await.expect("a text may be cut anywhere");
    client.ping(b"between").await.expect("a control frame may go between");
    assert!(client.send("another").await.is_err(), "the first is not done");
    client.send_part(b"\x98\x80", true).await.expect("open");
    client.flush().await.expect("open");
    let message = server.next().await.expect("open").expect("no violation");
    assert_eq!(message.as_text(), Some("😀"));
}
