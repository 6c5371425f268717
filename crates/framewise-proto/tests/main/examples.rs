//! The examples over blocking streams: they meet each other, and peers that keep no rules.

#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../examples/blocking_client.rs"]
mod blocking_client;
#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../examples/blocking_server.rs"]
mod blocking_server;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use blocking_client::{Message, ask};
use blocking_server::serve;
use framewise_proto::rules::{CloseCode, Limits, Rule};
use framewise_proto::{Config, EndedBy, MessageKind, Violation};

/// The two ends of a connection over TCP: the client's and the server's.
fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    (client, listener.accept().expect("the client").0)
}

fn limited(limits: Limits) -> Arc<Config> {
    Arc::new(Config::default().limits(limits))
}

/// The rule that ended a side.
fn rule<T>(result: Result<T, Box<dyn std::error::Error>>) -> Rule {
    let error = result.err().expect("an error");
    match error.downcast::<Box<Violation>>() {
        Ok(violation) => violation.rule,
        Err(error) => error.downcast::<Violation>().expect("a violation").rule,
    }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn client_and_server_exchange_messages_and_end_cleanly() {
    let (client, server) = streams();
    let config = Arc::new(Config::default());
    let messages: Vec<_> = [0, 1, 125, 126, 65_536, 300_000]
        .into_iter()
        .flat_map(|size| [(MessageKind::Text, b'x', size), (MessageKind::Binary, 0xff, size)])
        .map(|(kind, byte, size)| Message { kind, payload: vec![byte; size] })
        .collect();
    let (asked, served) = thread::scope(|scope| {
        let serving = scope.spawn(|| serve(server, Arc::clone(&config)).expect("a clean end"));
        let asked = ask(client, "h", &config, &messages).expect("a clean end");
        (asked, serving.join().expect("no panic"))
    });
    let (answers, ended) = asked;
    assert_eq!(answers.len(), messages.len());
    for (answer, message) in answers.iter().zip(&messages) {
        assert!(
            answer.kind == message.kind && answer.payload == message.payload,
            "{}",
            message.payload.len()
        );
    }
    let (ended, served) = (ended.expect("an end"), served.expect("an end"));
    assert_eq!((ended.by, ended.code, ended.clean), (EndedBy::Us, CloseCode::NORMAL_CLOSURE, true));
    assert_eq!((served.by, served.code, served.clean), (EndedBy::Peer, CloseCode::NORMAL_CLOSURE, true));
}

#[test]
fn what_breaks_a_rule_is_answered_and_told() {
    for (sent, broken, answer) in [
        ("POST / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), Rule::RequestMethod, "HTTP/1.1 405 "),
        (REQUEST.replace("Host: h\r\n", ""), Rule::RequestHost, "HTTP/1.1 400 "),
        ("GET /".to_owned(), Rule::RequestTruncated, "HTTP/1.1 400 "),
        (format!("{REQUEST}\u{1}\u{2}hi"), Rule::MaskMissing, "HTTP/1.1 101 "),
        (REQUEST.to_owned(), Rule::CloseMissing, "HTTP/1.1 101 "),
    ] {
        let (mut client, server) = streams();
        client.write_all(sent.as_bytes()).expect("room");
        client.shutdown(std::net::Shutdown::Write).expect("an open stream");
        assert_eq!(rule(serve(server, Arc::default())), broken, "{sent}");
        let mut got = Vec::new();
        client.read_to_end(&mut got).expect("an answer");
        assert!(got.starts_with(answer.as_bytes()), "{}", String::from_utf8_lossy(&got));
    }
    let (client, mut server) = streams();
    server.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").expect("room");
    assert_eq!(rule(ask(client, "h", &Arc::default(), &[])), Rule::ResponseStatus);
}

#[test]
fn a_peer_that_is_silent_is_not_waited_for() {
    let short = Duration::from_millis(5);
    let (mut client, server) = streams();
    let limits = Limits::DEFAULT.handshake(short);
    assert_eq!(rule(serve(server, limited(limits))), Rule::RequestTimeout);
    let mut got = String::new();
    client.read_to_string(&mut got).expect("an answer");
    assert!(got.starts_with("HTTP/1.1 408 "), "{got}");

    let (client, server) = streams();
    assert_eq!(rule(ask(client, "h", &limited(limits), &[])), Rule::ResponseTimeout);
    drop(server);

    let (mut client, server) = streams();
    client.write_all(REQUEST.as_bytes()).expect("room");
    let limits = Limits::DEFAULT.idle(short).close(short);
    assert_eq!(rule(serve(server, limited(limits))), Rule::IdleTimeout);
}
