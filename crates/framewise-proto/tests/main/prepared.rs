//! Messages that were compressed once, between those that a connection compresses itself.

use std::time::Duration;

use framewise_proto::deflate::{Context, DeflateAgreement, DeflateConfig, negotiate};
use framewise_proto::{Config, Connection, MessageKind, Misuse};

use crate::messages::{received, written};

const NOW: Duration = Duration::ZERO;

fn ends(wishes: DeflateConfig) -> (Connection, Connection, DeflateAgreement) {
    let (_, agreement) = negotiate(&[wishes.offer()], &wishes).expect("the offer is valid");
    let config = Config::default().deflate(wishes);
    let keys = Box::new(|| [0x37, 0xfa, 0x21, 0x3d]);
    (
        Connection::client(config.clone(), keys, 0, NOW).with_deflate(&agreement),
        Connection::server(config, 0, NOW).with_deflate(&agreement),
        agreement,
    )
}

/// Everything that goes from one end to the other, as messages.
fn delivered(from: &mut Connection, to: &mut Connection) -> Vec<Vec<u8>> {
    arrived(to, &written(from))
}

/// What bytes that arrive are, as messages.
fn arrived(to: &mut Connection, bytes: &[u8]) -> Vec<Vec<u8>> {
    let (messages, broken) = received(to, bytes, bytes.len().max(1));
    assert_eq!(broken, None);
    messages
}

/// Bytes that come again after `period`, so that a compressor refers as far back as its window lets it.
fn repeating(period: usize, length: usize, seed: u32) -> Vec<u8> {
    (0..length).map(|at| ((at % period) as u32 ^ seed).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

fn send_prepared(connection: &mut Connection, payload: &[u8]) {
    match connection.compression(payload.len()) {
        None => connection.send_binary(payload).expect("open"),
        Some(compression) => {
            let compressed = compression.compress_binary(payload);
            connection.send_compressed(&compressed).expect("open");
        }
    }
}

#[test]
fn prepared_and_ordinary_ones_arrive_in_turn_whatever_is_agreed() {
    let mut runs = 0;
    for window_bits in 8..=15 {
        for takeover in [true, false] {
            for context in [Context::Kept, Context::Shared] {
                let wishes = DeflateConfig::default()
                    .window_bits(window_bits)
                    .peer_window_bits(window_bits)
                    .no_context_takeover(!takeover)
                    .peer_no_context_takeover(!takeover)
                    .context(context)
                    .level(1 + window_bits % 9);
                let (mut client, mut server, agreement) = ends(wishes);
                assert_eq!(
                    (agreement.server.window_bits, agreement.server.takeover),
                    (window_bits, takeover)
                );
                for [from, to] in [[&mut server, &mut client]] {
                    let mut sent = Vec::new();
                    for round in 0..30_u32 {
                        // Just inside, at, and beyond what the window reaches; what was sent before comes again.
                        let period = (1_usize << window_bits) + 100 * (round as usize % 6);
                        let payload = repeating(
                            period.saturating_sub(300).max(7),
                            20 + 977 * (round as usize % 40),
                            round % 3,
                        );
                        match round % 5 {
                            0 | 3 => send_prepared(from, &payload),
                            1 => {
                                from.begin(MessageKind::Binary).expect("open");
                                from.send_part(&payload[..10], false).expect("open");
                                from.ping(Duration::ZERO, b"between").expect("open");
                                from.send_part(&payload[10..], true).expect("open");
                            }
                            _ => from.send_binary(&payload).expect("open"),
                        }
                        sent.push(payload);
                    }
                    assert!(
                        delivered(from, to) == sent,
                        "window {window_bits}, takeover {takeover}, {context:?}"
                    );
                }
                runs += 1;
            }
        }
    }
    assert_eq!(runs, 8 * 2 * 2);
}

#[test]
fn a_client_sends_them_masked() {
    let (mut client, mut server, _) = ends(DeflateConfig::default());
    let payload = b"once for all ".repeat(50);
    for _ in 0..3 {
        send_prepared(&mut client, &payload);
        client.send_binary(&payload).expect("open");
    }
    assert_eq!(delivered(&mut client, &mut server), vec![payload; 6]);
}

#[test]
fn equal_settings_are_equal_compressions_and_no_others() {
    let compression = |window_bits, level| {
        let (_, server, _) = ends(DeflateConfig::default().window_bits(window_bits).level(level));
        server.compression(1000).expect("it is agreed")
    };
    assert_eq!(compression(15, 6), compression(15, 6));
    assert_ne!(compression(15, 6), compression(14, 6));
    assert_ne!(compression(15, 6), compression(15, 7));
    // What zlib does not tell apart.
    assert_eq!(compression(8, 6), compression(9, 6));
    let (_, server, _) = ends(DeflateConfig::default().threshold(500));
    assert_eq!(server.compression(499), None);
    assert!(server.compression(500).is_some());
    assert_eq!(Connection::server(Config::default(), 0, NOW).compression(1000), None);
}

#[test]
fn what_would_break_a_rule_is_refused() {
    let (_, mut server, _) = ends(DeflateConfig::default());
    let payload = b"not now ".repeat(50);
    let compressed = server.compression(payload.len()).expect("it is agreed").compress_binary(&payload);
    server.begin(MessageKind::Text).expect("open");
    let refused = server.send_compressed(&compressed);
    assert_eq!(refused, Err(Misuse::MessageOpen));
    assert_eq!(server.send_compressed_shared(&compressed), Err(Misuse::MessageOpen));
    server.close(NOW, None).expect("open");
    assert_eq!(server.send_compressed(&compressed), Err(Misuse::Closed));
}

#[test]
fn what_was_compressed_in_another_way_is_not_sent() {
    let payload = b"not here ".repeat(50);
    let (_, server, _) = ends(DeflateConfig::default());
    let compressed = server.compression(payload.len()).expect("it is agreed").compress_binary(&payload);
    let (_, other, _) = ends(DeflateConfig::default().peer_window_bits(10));
    let plain = Connection::server(Config::default(), 0, NOW);
    for mut other in [other, plain] {
        assert_eq!(other.send_compressed(&compressed), Err(Misuse::OtherCompression));
        assert_eq!(other.send_compressed_shared(&compressed), Err(Misuse::OtherCompression));
        assert_eq!(other.queued(), 0);
    }
    // Below the threshold it is not compressed here, but may be.
    let (_, mut equal, _) = ends(DeflateConfig::default().threshold(10_000));
    assert_eq!(equal.send_compressed(&compressed), Ok(()));
}

/// The connections of a thread share compressors by their window: one with a larger window would refer too far back.
#[test]
fn a_shared_compressor_has_the_window_that_was_agreed() {
    for window_bits in [15, 10, 9, 10, 15, 9, 8, 12] {
        let wishes = DeflateConfig::default()
            .window_bits(window_bits)
            .peer_window_bits(window_bits)
            .context(Context::Shared);
        let (mut client, mut server, _) = ends(wishes);
        for period in [400, 800, 3_000, 20_000] {
            let message = repeating(period, 3 * period, 7);
            client.send_binary(&message).expect("open");
            assert_eq!(delivered(&mut client, &mut server), [message], "{window_bits} bits, period {period}");
        }
    }
}

#[test]
fn a_large_one_is_a_segment_of_its_own_and_arrives_from_either_end() {
    let (mut client, mut server, _) = ends(DeflateConfig::default());
    let compression = server.compression(1000).expect("it is agreed");
    // Noise does not get smaller; the same byte again and again does.
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let messages: [Vec<u8>; 3] = [vec![7; 6_000], (0..6_000).map(|_| noise()).collect(), vec![8; 6_000]];
    let prepared = messages.each_ref().map(|message| compression.compress_binary(message));
    // The small ones, each with its header, and the header of the large one; a client masks copies.
    for segments in [3, 1] {
        let (from, to) = if segments == 3 { (&mut server, &mut client) } else { (&mut client, &mut server) };
        for message in &prepared {
            from.send_compressed_shared(message).expect("open");
        }
        let transmit = from.poll_transmit().expect("they are queued");
        assert_eq!(transmit.segments().count(), segments);
        assert!(arrived(to, &transmit.into_vec()) == messages);
    }
}
