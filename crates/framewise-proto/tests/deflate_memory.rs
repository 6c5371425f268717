//! What permessage-deflate costs in memory, counted: the figures that the documentation of [`Context`] gives.

use std::time::Duration;

use allocation_counter::measure;
use framewise_proto::deflate::{Context, DeflateAgreement, DeflateConfig, negotiate};
use framewise_proto::rules::{Limits, Rule};
use framewise_proto::{Config, Connection, Event};

const NOW: Duration = Duration::ZERO;
const KIB: i64 = 1024;

fn config(deflate: DeflateConfig) -> Config {
    Config::default().deflate(deflate)
}

fn agreed(wishes: &DeflateConfig) -> DeflateAgreement {
    negotiate(&[wishes.offer()], wishes).expect("the offer is valid").1
}

fn server(wishes: DeflateConfig) -> Connection {
    Connection::server(config(wishes), 0, NOW).with_deflate(&agreed(&wishes))
}

fn client(wishes: DeflateConfig) -> Connection {
    Connection::client(config(wishes), Box::new(|| [0x37, 0xfa, 0x21, 0x3d]), 0, NOW)
        .with_deflate(&agreed(&wishes))
}

fn sent(engine: &mut Connection, message: &[u8]) -> Vec<u8> {
    engine.send_binary(message).expect("open");
    engine.poll_transmit().expect("it was queued").into_vec()
}

/// Receives a message: its length, or the rule that it broke. What it inflates to is let go piece by piece, or at its end.
fn received(engine: &mut Connection, bytes: &mut [u8], piecewise: bool) -> Result<usize, Rule> {
    let (mut at, mut length) = (0, 0);
    loop {
        let (consumed, event) = engine.receive(NOW, &mut bytes[at..]);
        at += consumed;
        match event {
            Some(Event::Inflated { last, .. }) => {
                if piecewise || last {
                    length += engine.take_inflated().len();
                }
                if last {
                    return Ok(length);
                }
            }
            Some(Event::Violation(violation)) => return Err(violation.rule),
            other => unreachable!("{other:?}"),
        }
    }
}

/// Compressible, and no part like another.
fn text(size: u32) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as u8).collect()
}

/// All agreements in which both ends do the same.
fn every_choice() -> Vec<DeflateConfig> {
    let mut choices = Vec::new();
    for window_bits in 8..=15 {
        for no_context_takeover in [false, true] {
            for context in [Context::Kept, Context::Shared] {
                choices.push(
                    DeflateConfig::default()
                        .window_bits(window_bits)
                        .peer_window_bits(window_bits)
                        .no_context_takeover(no_context_takeover)
                        .peer_no_context_takeover(no_context_takeover)
                        .context(context),
                );
            }
        }
    }
    choices
}

#[test]
fn between_messages_a_connection_holds_what_its_context_says() {
    for wishes in every_choice() {
        // The thread has its contexts from here on.
        let mut peer = client(wishes);
        let mut other = server(wishes);
        let _ = sent(&mut other, &text(1000));
        let _ = received(&mut other, &mut sent(&mut peer, &text(1000)), false);

        let (mut peer, mut engine) = (client(wishes), None);
        let plain =
            measure(|| drop(std::hint::black_box(Connection::server(config(wishes), 0, NOW)))).bytes_max;
        let created = measure(|| engine = Some(server(wishes))).bytes_current;
        assert!(created <= plain.cast_signed() + 256, "{created} bytes before the first message: {wishes:?}");

        let mut engine = engine.expect("it was made");
        let mut messages: Vec<_> = [700, 100_000, 700].map(|size| sent(&mut peer, &text(size))).into();
        let held = measure(|| {
            for message in &mut messages {
                received(&mut engine, message, true).expect("it is right");
            }
            for size in [700, 100_000, 700] {
                drop(sent(&mut engine, &text(size)));
            }
        });
        let window = 1 << wishes.window_bits;
        let most = match (wishes.no_context_takeover, wishes.context) {
            (true, _) => 0,
            (false, Context::Kept) => 160 * KIB + 5 * window.max(512),
            (false, Context::Shared) => 2 * window,
        };
        assert!(held.bytes_current <= most, "{} bytes, {most} are said: {wishes:?}", held.bytes_current);
    }
}

#[test]
fn a_thread_holds_one_compressor_and_one_inflater() {
    let wishes = DeflateConfig::default().no_context_takeover(true).peer_no_context_takeover(true);
    let mut frames: Vec<_> = (0..20).map(|_| sent(&mut client(wishes), &text(1000))).collect();
    // A thread that has none yet.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut engines: Vec<_> = frames.iter().map(|_| server(wishes)).collect();
            let mut all = || {
                for (engine, frame) in engines.iter_mut().zip(&mut frames) {
                    received(engine, &mut frame.clone(), false).expect("it is right");
                    drop(sent(engine, &text(1000)));
                }
            };
            let first = measure(&mut all).bytes_current;
            assert!((300 * KIB..340 * KIB).contains(&first), "{first} bytes");
            // And nothing like a context is allocated for a message.
            let again = measure(&mut all);
            assert_eq!(again.bytes_current, 0);
            assert!(again.bytes_total < 20 * 10_000, "{} bytes for 20 messages", again.bytes_total);
        });
    });
}

#[test]
fn a_bomb_takes_no_more_memory_than_the_limit() {
    const LIMIT: u64 = 1 << 20;
    let wishes = DeflateConfig::default();
    let bomb = sent(&mut server(wishes), &vec![0; 100 << 20]);
    assert!(bomb.len() < 110_000, "a thousand to one: {}", bomb.len());
    for piecewise in [false, true] {
        let limits = Limits::DEFAULT.inflated(LIMIT);
        let config = (config(wishes)).limits(limits);
        let mut engine =
            Connection::client(config, Box::new(|| [0; 4]), 0, NOW).with_deflate(&agreed(&wishes));
        let mut frame = bomb.clone();
        let mut end = Ok(0);
        let peak = measure(|| end = received(&mut engine, &mut frame, piecewise)).bytes_max;
        assert_eq!(end, Err(Rule::InflateTooBig));
        // The inflater, its history, and the Close frame.
        let slack = 128 * 1024;
        // While the output grows, half of it is there twice.
        let most = if piecewise { 2 * 64 * 1024 } else { LIMIT + LIMIT / 2 };
        assert!(peak <= most + slack, "{peak} bytes, piecewise: {piecewise}");
    }
}
