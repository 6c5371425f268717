//! What is evidence beside something else, and is none, or other evidence, alone.
#![allow(missing_docs)]

use framewise_messages::read;
use framewise_rules::Cause;

fn score(text: &str, cause: Cause) -> f64 {
    read(text).causes.iter().find(|ranked| ranked.is == cause).map_or(0.0, |ranked| ranked.score)
}

/// Each cause, a text that speaks for it, and one that lacks a fact.
const PAIRS: [(Cause, &str, &str); 10] = [
    (
        Cause::RefusedByBotProtection,
        "The WebSocket handshake fails with HTTP 403, server: cloudflare",
        "The WebSocket handshake fails with HTTP 403, server: gunicorn",
    ),
    (
        Cause::UpgradeHeadersDropped,
        "Behind a reverse proxy the WebSocket is closed with code 1006",
        "On the train the WebSocket is closed with code 1006",
    ),
    (
        Cause::CompressedWithoutAgreement,
        "Invalid WebSocket frame: RSV1 must be clear, with permessage-deflate on in the client",
        "Invalid WebSocket frame: RSV1 must be clear, with two upgrade handlers on the same server",
    ),
    (
        Cause::HttpResponseInStream,
        "Invalid WebSocket frame: RSV1 must be clear, with two upgrade handlers on the same server",
        "Invalid WebSocket frame: RSV1 must be clear, with permessage-deflate on in the client",
    ),
    (
        Cause::TextInOtherEncoding,
        "Could not decode a text frame as UTF-8. The message has umlauts.",
        "Could not decode a text frame as UTF-8. The message is protobuf.",
    ),
    (
        Cause::BinarySentAsText,
        "Could not decode a text frame as UTF-8. The message is protobuf.",
        "Could not decode a text frame as UTF-8. The message has umlauts.",
    ),
    (
        Cause::NotAWebsocketClient,
        "With curl the server answers 426 Upgrade Required",
        "Through HAProxy the server answers 426 Upgrade Required",
    ),
    (
        Cause::ServerUnreachable,
        "In production the page opens ws://localhost:8080/chat and the WebSocket connection fails",
        "In production the page opens ws://chat.example/chat and the WebSocket connection fails",
    ),
    (
        Cause::NotAWebsocketEndpoint,
        "mqtt.js against mosquitto: WebSocket connection to 'ws://a.example:1883/' failed:",
        "mqtt.js against mosquitto: WebSocket connection to 'ws://a.example:9001/' failed:",
    ),
    (
        Cause::SessionOnAnotherServer,
        "Socket.IO with four instances and no sticky sessions: HTTP 400, session ID unknown",
        "Socket.IO on this machine: HTTP 400, bad request",
    ),
];

#[test]
fn facts_count_for_more_together() {
    for (cause, text, look_alike) in PAIRS {
        let (score, other) = (score(text, cause), score(look_alike, cause));
        assert!(
            score > 0.1 && score > 1.3 * other,
            "{cause}: {score:.2} and {other:.2}\n{text}\n{look_alike}"
        );
    }
}

/// A close code was received over an open connection; a refused connection never was one.
#[test]
fn an_open_connection_is_not_called_unreachable() {
    let open = "Connected (press CTRL+C to quit)\nDisconnected (code: 1005, reason: \"\")\nWhy is the connection refused?";
    assert_ne!(read(open).causes[0].is, Cause::ServerUnreachable, "{:?}", read(open).causes);
    let closed = "WebSocket error: why is the connection refused?";
    assert_eq!(read(closed).causes[0].is, Cause::ServerUnreachable, "{:?}", read(closed).causes);
}

/// What a program calls its parts describes no fault.
#[test]
fn parts_of_names_are_no_words() {
    let log =
        "12:00:01 ERROR (MainThread) [app.websocket_api.http.lock] WebSocket connection closed by client";
    assert!(score(log, Cause::InterleavedWriters) < 0.05, "{:?}", read(log).causes);
    let told =
        "12:00:01 ERROR the WebSocket connection closed: two threads send at the same time, without a lock";
    assert_eq!(read(told).causes[0].is, Cause::InterleavedWriters, "{:?}", read(told).causes);
}

/// A message that tells only that something failed gives way to what is said beside it.
#[test]
fn a_symptom_gives_way_to_what_is_said_beside_it() {
    let alone = "Firefox can't establish a connection to the server at wss://a.example/ws.";
    assert_eq!(read(alone).causes[0].is, Cause::ServerUnreachable, "{:?}", read(alone).causes);
    let told = format!("{alone} The certificate is self-signed and not trusted.");
    assert_eq!(read(&told).causes[0].is, Cause::CertificateRejected, "{:?}", read(&told).causes);
}

/// Code and documentation name every fault, and have none.
#[test]
fn long_documentation_claims_nothing() {
    let line = "- **[tls]** Report `self signed certificate in certificate chain` ([#12](https://github.com/a/b/pull/12))\n";
    let changes = format!("# Changelog\n{}", line.repeat(40));
    assert!(read(&changes).causes.is_empty(), "{:?}", read(&changes).causes);
    let script = format!("!function(e){{e.close(\"transport close\")}}(this);{}", "var a=1;".repeat(200));
    assert!(read(&script).causes.is_empty(), "{:?}", read(&script).causes);
    // One line of it is a question.
    assert!(!read("Error: self signed certificate in certificate chain").causes.is_empty());
}
