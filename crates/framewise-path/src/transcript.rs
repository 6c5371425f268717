//! What both ends of a connection saw, in the notation for recorded bytes.

use std::fmt::Write as _;
use std::time::Duration;

use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

use crate::end::Record;
use crate::judge::Ends;
use crate::tape::{Ended, Tape};

/// Bytes after the head of each direction of each leg that are written.
const WRITTEN: usize = 1024;
/// Bytes of a head that are written.
const HEAD: usize = 16 * 1024;

/// Both legs as far as they are short, with a comment above that says what was left out.
pub(crate) fn transcript(ends: &Ends) -> String {
    let mut transcript = Transcript::default();
    let mut text = String::new();
    let mut leg = |name: &str, requests: &Tape, answers: &Tape, shut: [Option<Duration>; 2]| {
        let index = transcript.legs.len();
        transcript.legs.push(Leg { name: name.to_owned(), open: None });
        let mut events = Vec::new();
        for (from, tape, shut) in [(Role::Client, requests, shut[0]), (Role::Server, answers, shut[1])] {
            events.extend(pieces(tape, shut).map(|(time, action)| Event {
                line: 0,
                time: Some(time),
                leg: index,
                from,
                action,
            }));
            let left = tape.bytes.len().saturating_sub(limit(tape));
            if left > 0 {
                let _ = writeln!(text, "# {name}: {left} more bytes from the {from} are not written here");
            }
        }
        events.sort_by_key(|event| event.time);
        for event in &mut events {
            // More digits tell a reader nothing.
            event.time = event.time.map(|time| Duration::from_micros(time.as_micros() as u64));
        }
        transcript.events.extend(events);
    };
    let shut = |record: &Record| record.shut;
    let client = &ends.client;
    // Each end knows what it sent itself, and what it got from the intermediary.
    leg("client-proxy", &client.sent, &client.got, [shut(client), None]);
    if let Some(server) = &ends.server {
        leg("proxy-server", &server.got, &server.sent, [None, shut(server)]);
    }
    let _ = write!(text, "{transcript}");
    text
}

/// How much of a direction is written.
fn limit(tape: &Tape) -> usize {
    tape.head.min(HEAD) + WRITTEN
}

/// What one side of a leg sent, piece by piece, and how its stream ended.
fn pieces(tape: &Tape, shut: Option<Duration>) -> impl Iterator<Item = (Duration, Action)> {
    let mut start = 0;
    let mut pieces = Vec::new();
    for &(end, at) in &tape.times {
        let until = end.min(limit(tape));
        if until > start {
            pieces.push((at, Action::Bytes(tape.bytes[start..until].to_vec())));
        }
        start = until;
    }
    // After a gap, an end would belong to bytes that are not there.
    let complete = tape.bytes.len() <= limit(tape);
    let end = tape.end.map(|(ended, at)| match ended {
        Ended::Eof => (at, Action::Eof),
        Ended::Reset => (at, Action::Reset),
    });
    let end = end.or_else(|| shut.map(|at| (at, Action::Eof))).filter(|_| complete);
    pieces.into_iter().chain(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_legs_are_written_and_parse_again() {
        let at = Duration::from_millis;
        let mut client = Record::default();
        client.sent.push(b"GET / HTTP/1.1\r\n\r\n", at(1));
        client.got.push(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", at(4));
        client.got.push(&[0x82; WRITTEN + 36], at(5));
        let mut server = Record::default();
        server.got.push(b"GET / HTTP/1.0\r\n\r\n", at(2));
        server.got.end = Some((Ended::Reset, at(6)));
        server.sent.push(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", at(3));
        let text = transcript(&Ends { client, server: Some(server), taps: Vec::new() });
        assert!(
            text.starts_with("# client-proxy: 36 more bytes from the server are not written here\n"),
            "{text}"
        );
        let parsed = Transcript::parse(&text).expect("the notation");
        let names: Vec<_> = parsed.legs.iter().map(|leg| &*leg.name).collect();
        assert_eq!(names, ["client-proxy", "proxy-server"]);
        assert_eq!(parsed.stream(1, Role::Client), b"GET / HTTP/1.0\r\n\r\n");
        assert_eq!(parsed.stream(0, Role::Server).len(), 36 + WRITTEN);
        assert!(matches!(parsed.events.last().map(|event| &event.action), Some(Action::Reset)));
    }
}
