//! The limits on what a message inflates to.

use std::fmt::Write as _;
use std::sync::Arc;

use framewise_proto::deflate::{DeflateConfig, InflateBudget};
use framewise_proto::rules::{Limits, Rule};
use framewise_proto::{Connection, Event, Violation};

use super::{NOW, agreed, client, compressed, config, server};
use crate::messages::{received, written};

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let wishes = DeflateConfig::default().threshold(0);
    let agreement = agreed(&wishes, &wishes);
    let mut sender = server(config(wishes), &agreement);
    sender.send_binary(&vec![0; 50_000_000]).expect("open");
    let bomb = written(&mut sender);
    assert!(bomb.len() < 60_000);
    let limits = Limits::DEFAULT.inflated(1_000_000);
    let mut client = client((config(wishes)).limits(limits), &agreement);
    let (messages, rule) = received(&mut client, &bomb, usize::MAX);
    assert_eq!((messages.len(), rule), (0, Some(Rule::InflateTooBig)));
    // Below it, it arrives piece by piece.
    let limits = Limits::DEFAULT.inflate_ratio(u32::MAX);
    let mut patient = self::client((config(wishes)).limits(limits), &agreement);
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

/// The size that a message of zeros reaches, sent in pieces of `cut` bytes, and the rule that it breaks.
fn reached(limits: Limits, payload: &[u8], cut: usize) -> (usize, Option<Box<Violation>>) {
    let wishes = DeflateConfig::default();
    let mut client = client((config(wishes)).limits(limits), &agreed(&wishes, &wishes));
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

#[test]
fn a_message_that_never_ends_is_held_to_a_multiple_of_what_arrived() {
    const MIB: usize = 1 << 20;
    let zeros = compressed(&vec![0; 63 * MIB]);
    assert!((60_000..70_000).contains(&zeros.len()));
    let (_, broken) = reached(Limits::DEFAULT.inflate_ratio(u32::MAX), &zeros, usize::MAX);
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

#[test]
fn connections_that_share_a_budget_hold_no_more_than_it_allows() {
    let wishes = DeflateConfig::default();
    let agreement = agreed(&wishes, &wishes);
    let budget = Arc::new(InflateBudget::new(1_000_000));
    let config = Arc::new((config(wishes)).inflate_budget(budget.clone()));
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
