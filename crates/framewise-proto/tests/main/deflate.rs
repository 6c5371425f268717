//! permessage-deflate between two engines, and against streams that no compressor makes.

mod faults;
mod limits;

use std::time::Duration;

use framewise_proto::deflate::{Context, DeflateAgreement, DeflateConfig, negotiate};
use framewise_proto::{Config, Connection, Event, Header, MessageKind};

use crate::messages::{received, written};

const NOW: Duration = Duration::ZERO;

fn config(deflate: DeflateConfig) -> Config {
    Config::default().deflate(deflate)
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
                let wishes = DeflateConfig::default()
                    .window_bits(bits)
                    .peer_window_bits(23 - bits)
                    .no_context_takeover(!takeover)
                    .context(context)
                    .threshold(0)
                    .level(1 + bits % 9);
                let agreement = agreed(&wishes, &DeflateConfig::default().context(context).threshold(0));
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
    let wishes = DeflateConfig::default().peer_no_context_takeover(true);
    let agreement = agreed(&wishes, &DeflateConfig::default());
    // As above, in one message: what was handed out of it before is history, too.
    let bytes = b"\xc1\x0c\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00";
    for cut in [1, usize::MAX] {
        let mut client = client(config(wishes), &agreement);
        assert_eq!(received(&mut client, bytes, cut), (vec![b"HelloHello".to_vec()], None), "cut {cut}");
    }
}

#[test]
fn a_message_that_is_in_the_middle_leaves_the_shared_contexts_to_others() {
    for takeover in [true, false] {
        let wishes = DeflateConfig::default()
            .no_context_takeover(!takeover)
            .peer_no_context_takeover(!takeover)
            .context(Context::Shared)
            .threshold(0);
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

/// Pieces as small as a kilobyte of a compressed message, and messages of every small size, at each level.
#[test]
fn every_small_size_survives_at_every_level() {
    for level in 1..=9 {
        let wishes = DeflateConfig::default().level(level).threshold(0);
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

/// What a message of so many bytes, all the same or all different, is compressed to.
fn compressed(message: &[u8]) -> Vec<u8> {
    let wishes = DeflateConfig::default().threshold(0).level(9);
    let mut sender = server(config(wishes), &agreed(&wishes, &wishes));
    sender.send_binary(message).expect("open");
    let bytes = written(&mut sender);
    let header = Header::decode(&bytes).expect("it is complete");
    bytes[header.size()..].to_vec()
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
