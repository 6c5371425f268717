//! What became of a WebSocket over HTTP/2.

use framewise_rules::{Cause, Role};

use super::{Ends, Note, stream};
use crate::http2::Bridge;
use crate::probe::Probe;
use crate::report::Verdict;
use crate::server::header;

/// Where no stream was opened: what is wrong, or why there is nothing to judge.
pub(crate) fn unopened(bridge: Bridge) -> Result<Note, String> {
    match bridge {
        Bridge::NoHttp2(says) => Err(format!("no HTTP/2 towards the client: {says}")),
        Bridge::NotAnnounced => Err(
            "HTTP/2 towards the client without WebSockets (RFC 8441): browsers open another connection with HTTP/1.1"
                .into(),
        ),
        Bridge::Rejected(head) => {
            let first = head.split("\r\n").next().unwrap_or_default();
            let says = format!(
                "the intermediary announces WebSockets over HTTP/2 (SETTINGS_ENABLE_CONNECT_PROTOCOL), and answers “{first}”"
            );
            let lines = head.split("\r\n").map(str::to_owned).collect();
            Ok(Note::new(Verdict::Refused, &[Cause::ExtendedConnectUnsupported], says).with(lines))
        }
        Bridge::Open(..) => Err("the stream was not played".into()),
    }
}

/// What was seen on an open stream.
pub(crate) fn judge(probe: &Probe, ends: &Ends) -> Vec<Note> {
    let Some(server) = &ends.server else {
        return vec![Note::new(
            Verdict::Answered,
            &[Cause::AnotherServerAnswers],
            "the extended CONNECT was answered with 200, and did not reach our server",
        )];
    };
    let (request, response) = (server.got.head_text(), ends.client.got.head_text());
    let lines = |text: &str| text.split("\r\n").map(str::to_owned).collect::<Vec<_>>();
    let mut notes = Vec::new();
    let mut found = |causes: &[Cause], says: String, head: &str| {
        notes.push(Note::new(Verdict::Changed, causes, says).with(lines(head)));
    };
    // Where the intermediary passes HTTP/2 on, there is nothing to translate.
    if !request.split("\r\n").next().is_some_and(|line| line.ends_with("HTTP/2")) {
        for (name, due, cause) in [
            ("Upgrade", "websocket", Cause::UpgradeHeadersDropped),
            ("Connection", "upgrade", Cause::UpgradeHeadersDropped),
            ("Sec-WebSocket-Key", "", Cause::KeyDroppedOnPath),
            ("Sec-WebSocket-Version", "13", Cause::HeadersChangedOnPath),
            ("Origin", "https://framewise.example", Cause::HeadersChangedOnPath),
        ] {
            let arrived = header(&request, name);
            if !arrived.is_some_and(|value| value.to_ascii_lowercase().contains(due)) {
                let arrived =
                    arrived.map_or_else(|| "is missing".to_owned(), |value| format!("arrived as “{value}”"));
                found(&[cause], format!("{name} {arrived} in the HTTP/1.1 request of the bridge"), &request);
            }
        }
    }
    // RFC 8441 §5: the key and the accept value are not used over HTTP/2; no client fails for one that is too many.
    if let Some(value) = header(&response, "sec-websocket-accept") {
        let says = format!("Sec-WebSocket-Accept: {value} of the HTTP/1.1 server is in the HTTP/2 answer");
        found(&[], says, &response);
    }
    for (from, one, other) in [(Role::Client, &ends.client, server), (Role::Server, server, &ends.client)] {
        notes.extend(stream::stream(probe, from, one, other));
    }
    notes
}
