//! An hour of ordinary traffic of ten stacks: nothing may be found in it. `ordinary/README.md` says which and how they were
//! recorded.

use std::time::Duration;

use framewise_inspect::report::Finding;
use framewise_inspect::{Connection, diagnose};
use framewise_rules::Rule;
use framewise_transcript::{Action, Transcript};

const SESSIONS: &[(&str, &str)] = &[
    ("websockets", include_str!("../ordinary/websockets.txt")),
    ("aiohttp", include_str!("../ordinary/aiohttp.txt")),
    ("tornado", include_str!("../ordinary/tornado.txt")),
    ("websocket-client-uvicorn-wsproto", include_str!("../ordinary/websocket-client-uvicorn-wsproto.txt")),
    ("websockets-uvicorn-sansio", include_str!("../ordinary/websockets-uvicorn-sansio.txt")),
    ("ws", include_str!("../ordinary/ws.txt")),
    ("undici-ws", include_str!("../ordinary/undici-ws.txt")),
    ("faye", include_str!("../ordinary/faye.txt")),
    ("websocket-node", include_str!("../ordinary/websocket-node.txt")),
    ("java-websocket", include_str!("../ordinary/java-websocket.txt")),
];
const HOUR: Duration = Duration::from_secs(3600);
/// Shorter pauses are a network's and an endpoint's own time, which no hour makes longer.
const PAUSE: Duration = Duration::from_millis(100);

fn session(text: &str) -> Transcript {
    text.parse().expect("the recording is a transcript")
}

/// The same session with its pauses made longer, such that it lasts an hour. How long a Ping waits for its Pong is the
/// endpoint's own time as well: a blocking client answers when it reads.
fn stretched(mut session: Transcript) -> Transcript {
    let times: Vec<Duration> = session.events.iter().map(|event| event.time.expect("it has times")).collect();
    let pauses: Vec<(Duration, bool)> = times
        .windows(2)
        .zip(&session.events)
        .map(|(pair, before)| {
            let pause = pair[1].saturating_sub(pair[0]);
            let ping = matches!(&before.action, Action::Bytes(bytes) if bytes[0] == 0x89);
            (pause, pause >= PAUSE && !ping)
        })
        .collect();
    let long: Duration = pauses.iter().filter(|(_, long)| *long).map(|(pause, _)| pause).sum();
    let factor = HOUR.as_secs_f64() / long.as_secs_f64();
    let mut now = times[0];
    for (event, (pause, long)) in session.events.iter_mut().skip(1).zip(pauses) {
        now += if long { pause.mul_f64(factor) } else { pause };
        event.time = Some(now);
    }
    session
}

fn said(connection: &Connection) -> Vec<&str> {
    connection.findings.iter().map(|finding: &Finding| &*finding.says).collect()
}

#[test]
fn nothing_is_claimed_of_an_hour_of_ordinary_traffic() {
    let compressed = SESSIONS
        .iter()
        .filter(|(_, text)| text.contains("\\r\\nSec-WebSocket-Extensions: permessage-deflate"));
    assert!(SESSIONS.len() == 10 && compressed.count() >= 7);
    for (name, text) in SESSIONS {
        let recorded = session(text);
        let hour = stretched(recorded.clone());
        assert!(hour.events.last().and_then(|event| event.time) >= Some(HOUR), "{name}");
        for (session, what) in [(recorded, "recorded"), (hour, "an hour")] {
            let connection = diagnose(&session);
            assert!(connection.findings.is_empty(), "{name}, {what}: {:?}", said(&connection));
            assert!(connection.verdict.is_none() && connection.ended.is_some(), "{name}, {what}");
        }
    }
}

/// A recording that stops anywhere says nothing about what would have come.
#[test]
fn nothing_is_claimed_where_a_recording_stops() {
    for (name, text) in SESSIONS {
        let hour = stretched(session(text));
        for end in 0..hour.events.len() {
            let mut part = hour.clone();
            part.events.truncate(end);
            let connection = diagnose(&part);
            assert!(connection.findings.is_empty(), "{name}, {end} events: {:?}", said(&connection));
        }
    }
}

/// The same sessions with one thing wrong: without the Close frames, and with one bit of a frame's header changed.
#[test]
fn what_is_wrong_in_the_same_traffic_is_found() {
    for (name, text) in SESSIONS {
        let whole = session(text);
        let rules = |session: &Transcript| -> Vec<Option<Rule>> {
            diagnose(session).findings.iter().map(|finding| finding.rule).collect()
        };
        let opens =
            |action: &Action| matches!(action, Action::Bytes(bytes) if bytes.len() < 140 && bytes[0] == 0x88);
        let mut unclosed = whole.clone();
        unclosed.events.retain(|event| !opens(&event.action));
        assert!(rules(&unclosed).contains(&Some(Rule::CloseMissing)), "{name}: {:?}", rules(&unclosed));
        let mut reserved = whole.clone();
        let frame = reserved.events.iter_mut().skip(4).find_map(|event| match &mut event.action {
            Action::Bytes(bytes) if bytes[0] & 0x8f <= 0x82 && bytes[0] & 0x80 != 0 => Some(bytes),
            Action::Bytes(_) | Action::Eof | Action::Reset | Action::Gap(_) => None,
        });
        frame.expect("a data frame")[0] |= 0x20;
        assert!(rules(&reserved).contains(&Some(Rule::Rsv2Set)), "{name}: {:?}", rules(&reserved));
    }
}
