//! Both directions in each order that keeps the order of each, and what is a cause before what is its effect.

use std::time::Duration;

use framewise_rules::{Answer, CloseCode, MessageKinds, Role, Rule, SeenBy, Setup};
use framewise_transcript::{Action, Event, Transcript};

use super::endpoint::{self, Cut};
use super::observer::observe;
use super::parse;

fn event(from: Role, time: Option<Duration>, bytes: Vec<u8>) -> Event {
    Event { line: 0, time, leg: 0, from, action: Action::Bytes(bytes) }
}

/// A Close frame of this side; a client's has a key of zeros.
fn close(from: Role, code: CloseCode) -> Vec<u8> {
    let mut frame = match from {
        Role::Client => vec![0x88, 0x82, 0, 0, 0, 0],
        Role::Server => vec![0x88, 0x02],
    };
    frame.extend(code.0.to_be_bytes());
    frame
}

/// The fewest bytes of the last event after which an endpoint has something to react to.
fn visible(transcript: &Transcript, setup: &Setup, rule: Rule, last: &[u8]) -> usize {
    if rule.seen_by() == SeenBy::Observer {
        // What an endpoint takes for something else: it has the bytes that are at fault.
        let found = &observe(transcript, setup).findings[0];
        let stream = transcript.stream(0, transcript.events[transcript.events.len() - 1].from);
        let start = (stream.len() - last.len()) as u64;
        return ((found.offset + found.length).saturating_sub(start) as usize).clamp(1, last.len());
    }
    let seen = |count: &usize| {
        let mut cut = transcript.clone();
        cut.events.pop();
        let offender = &transcript.events[transcript.events.len() - 1];
        cut.events.push(event(offender.from, offender.time, last[..*count].to_vec()));
        !endpoint::judge(&cut, setup, rule.by(), Cut::Whole).found.is_empty()
    };
    (1..=last.len()).find(seen).unwrap_or(last.len())
}

/// The receiver fails the connection as soon as it can, and the rest of what broke it comes after its Close.
#[test]
fn a_reaction_does_not_explain_what_it_reacts_to() {
    let (mut runs, mut failures) = (0, Vec::new());
    for &rule in Rule::ALL {
        let Answer::Close(code) = rule.answer() else { continue };
        for bad in rule.examples().bad {
            let transcript = parse(bad.transcript);
            let Some((Event { from, time, action: Action::Bytes(last), .. }, before)) =
                transcript.events.split_last()
            else {
                continue;
            };
            // Who sent a Close before reacts with nothing.
            let receiver = from.peer();
            let closed = before.iter().any(|event| {
                event.from == receiver && endpoint::bytes(event).first().is_some_and(|&first| first == 0x88)
            });
            if closed || transcript.legs.len() > 1 {
                continue;
            }
            for cut in visible(&transcript, &bad.setup, rule, last)..=last.len() {
                let mut reacted = transcript.clone();
                reacted.events.pop();
                reacted.events.push(event(*from, *time, last[..cut].to_vec()));
                reacted.events.push(event(receiver, *time, close(receiver, code)));
                reacted.events.push(event(*from, *time, last[cut..].to_vec()));
                reacted.events.push(event(*from, *time, close(*from, code)));
                runs += 1;
                let connection = observe(&reacted, &bad.setup);
                let verdict = connection.verdict.map(|verdict| &connection.findings[verdict.finding]);
                let blamed = verdict.is_some_and(|found| {
                    found.by == Some(*from) && found.offset == bad.offset && found.rule.is_some()
                });
                if !blamed || connection.findings.iter().any(|found| found.rule.is_none()) {
                    let found: Vec<_> = connection
                        .findings
                        .iter()
                        .map(|found| (found.rule, found.by, found.offset))
                        .collect();
                    failures.push(format!("{rule} at {}, cut at {cut}: {found:?}\n{reacted}", bad.offset));
                    break;
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 500);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Legal frames of the other side, between any two bytes, change nothing.
#[test]
fn what_the_other_side_sends_in_between_changes_nothing() {
    let (mut runs, mut failures) = (0, Vec::new());
    for &rule in Rule::ALL {
        let bad =
            rule.examples().bad.iter().map(|bad| (bad.transcript, &bad.setup, Some((rule, bad.offset))));
        let good = rule.examples().good.iter().map(|good| (good.transcript, &good.setup, None));
        for (text, setup, expected) in bad.chain(good) {
            let transcript = parse(text);
            // Who has no frame of its own in it is free to send one at any time after the handshake.
            let silent = [Role::Client, Role::Server]
                .into_iter()
                .find(|&role| transcript.events.iter().all(|event| event.from != role));
            let (Some(silent), Some(_)) = (silent, &transcript.legs[0].open) else { continue };
            // What it says by its silence it would not say any more; and a Close 1003 would refuse the message.
            let connection = observe(&transcript, setup);
            let refused = connection.ended.is_some_and(|ended| ended.code == Some(CloseCode(1003)));
            if refused || connection.findings.iter().any(|found| found.by == Some(silent)) {
                continue;
            }
            // An empty message.
            let opcode = if setup.messages == MessageKinds::TextOnly { 0x81 } else { 0x82 };
            let message = match silent {
                Role::Client => vec![opcode, 0x80, 0, 0, 0, 0],
                Role::Server => vec![opcode, 0],
            };
            let places = transcript
                .events
                .iter()
                .enumerate()
                .flat_map(|(index, event)| (0..=endpoint::bytes(event).len()).map(move |at| (index, at)));
            for (index, at) in places {
                let mut woven = transcript.clone();
                let whole = &transcript.events[index];
                let bytes = endpoint::bytes(whole);
                let message = event(silent, whole.time, message.clone());
                if bytes.is_empty() {
                    woven.events.insert(index, message);
                } else {
                    let halves = [bytes[..at].to_vec(), bytes[at..].to_vec()];
                    let [first, second] = halves.map(|half| event(whole.from, whole.time, half));
                    woven.events.splice(index..=index, [first, message, second]);
                }
                runs += 1;
                let connection = observe(&woven, setup);
                let found: Vec<_> = connection
                    .findings
                    .iter()
                    .filter_map(|found| Some((found.rule?, found.offset)))
                    .collect();
                if found != expected.into_iter().collect::<Vec<_>>() {
                    failures.push(format!("{rule}: expected {expected:?}, found {found:?}\n{woven}"));
                    break;
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 1000);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
