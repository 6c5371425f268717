//! What the crate `tracing` is told.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{REQUEST, accepted, client_and_raw, masked, plain, server_and_raw};
use framewise::proto::Opcode;
use framewise::{Client, Config, Error, Keepalive, Reply, Server, Strictness};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Metadata, Subscriber};

/// Keeps each event as a line: level, message, fields; and the spans that it is in.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<u64>>>);

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            write!(self.fields, " {}={value:?}", field.name()).expect("room for a field");
        }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "framewise"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let line = format!("{} {}{}", event.metadata().level(), line.message, line.fields);
        self.0.lock().expect("one thread").push(line);
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line::default();
        span.record(&mut line);
        let mut lines = self.0.lock().expect("one thread");
        lines.push(format!("SPAN {}{}", span.metadata().name(), line.fields));
        Id::from_u64(1 + lines.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, id: &Id) {
        self.1.lock().expect("one thread").push(id.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.1.lock().expect("one thread").pop();
    }
}

impl Collector {
    fn start() -> (Self, DefaultGuard) {
        let collector = Self::default();
        let guard = set_default(collector.clone());
        (collector, guard)
    }

    /// What came since it was asked last.
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("one thread"))
    }

    /// One line, which begins like this and has all of these in it.
    fn assert_one(&self, begins: &str, has: &[&str]) {
        let lines = self.lines();
        let [line] = &lines[..] else { panic!("one line, not {lines:#?}") };
        assert!(line.starts_with(begins), "{line}");
        for part in has {
            assert!(line.contains(part), "{line} has no {part}");
        }
    }
}

#[tokio::test]
async fn the_life_of_a_connection_is_told_for_debugging() {
    let (collector, _guard) = Collector::start();
    let (near, far) = duplex(1 << 16);
    let (client, server) = (Client::new().protocol("chat"), Server::new().protocols(["chat"]));
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(
        collector.lines(),
        [
            r#"DEBUG handshake done role="server" protocol="chat" deflate=false"#,
            r#"DEBUG handshake done role="client" protocol="chat" deflate=false"#,
        ]
    );
    client.send("a secret").await.unwrap();
    client.start_close(4000, "enough").unwrap();
    let end = async {
        assert!(server.next().await.unwrap().is_ok());
        assert!(server.next().await.is_none());
        drop(server);
    };
    let (last, ()) = tokio::join!(client.next(), end);
    assert!(last.is_none());
    assert_eq!(
        collector.lines(),
        [
            r#"DEBUG close sent role="client" code=4000 reason="enough""#,
            r#"DEBUG close received role="server" code=4000 reason="enough""#,
            r#"DEBUG ended role="server" by=Peer code=4000 clean=true"#,
            r#"DEBUG close received role="client" code=4000 reason="""#,
            r#"DEBUG ended role="client" by=Us code=4000 clean=true"#,
        ]
    );
}

#[tokio::test]
async fn a_rule_that_is_broken_is_a_warning_with_its_place() {
    let (collector, _guard) = Collector::start();
    let (mut server, mut raw) = server_and_raw().await;
    collector.lines();
    raw.write_all(&plain(Opcode::Text, true, b"no mask")).await.unwrap();
    assert!(server.next_event().await.unwrap().is_err());
    collector.assert_one(
        "WARN rule broken: mask-missing: ",
        &[r#"role="server""#, r#"rule="mask-missing""#, r#"by="client""#, "frame=1", "answer=close 1002"],
    );
    // A connection that is lost is no wonder.
    let (mut server, raw) = server_and_raw().await;
    collector.lines();
    drop(raw);
    assert!(server.next_event().await.unwrap().is_err());
    collector.assert_one("INFO connection lost: close-missing: ", &["answer=1006"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_tolerated_is_told_and_a_keepalive_that_is_missed() {
    let (collector, _guard) = Collector::start();
    let strictness = Strictness::default().masked_server_frames(true);
    let (mut client, mut raw) = client_and_raw(Config::default().strictness(strictness)).await;
    collector.lines();
    raw.write_all(&masked(Opcode::Text, true, b"masked")).await.unwrap();
    client.next().await.unwrap().unwrap();
    collector.assert_one("INFO tolerated: mask-present: ", &[r#"by="server""#, "answer=close 1002"]);

    let (mut server, mut raw) = accepted(Server::new().keepalive(Keepalive::default()), 1 << 16).await;
    collector.lines();
    let talk = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        raw.write_all(&masked(Opcode::Binary, true, b"")).await.unwrap();
        raw
    };
    let listen = async {
        server.next().await.unwrap().unwrap();
        server.next().await.unwrap().unwrap_err();
    };
    let _raw = tokio::join!(talk, listen);
    let lines = collector.lines();
    assert!(lines[0].starts_with("INFO keepalive missed: ping-unanswered: "), "{lines:#?}");
    assert!(lines[1].starts_with("INFO connection lost: idle-timeout: "), "{lines:#?}");
    assert_eq!(lines[2..], [r#"DEBUG ended role="server" by=Nobody code=1006 clean=false"#]);
}

#[tokio::test]
async fn handshakes_that_come_to_nothing_are_told() {
    let (collector, _guard) = Collector::start();
    let rejecting = Server::new().reply(|_| Reply::reject(404, "nobody\n"));
    for (server, request, line) in [
        (&rejecting, REQUEST, r#"DEBUG handshake rejected role="server" status=404"#),
        (&rejecting, "BREW / HTTP/1.1\r\nHost: pot\r\n\r\n", "WARN rule broken: request-method: "),
    ] {
        let (mut near, far) = duplex(1 << 16);
        near.write_all(request.as_bytes()).await.unwrap();
        near.shutdown().await.unwrap();
        assert!(server.accept(far).await.is_err());
        collector.assert_one(line, &[r#"role="server""#]);
    }
    for (response, line) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            "DEBUG handshake rejected: response-status: ",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            "WARN rule broken: response-connection: ",
        ),
    ] {
        let (near, mut far) = duplex(1 << 16);
        far.write_all(response.as_bytes()).await.unwrap();
        assert!(Client::new().connect_over(near, "ws://h/").await.is_err());
        collector.assert_one(line, &[r#"role="client""#]);
    }
    let unreachable = Client::new().connect("ws://127.0.0.1:1/").await.unwrap_err();
    assert!(matches!(unreachable, Error::Connect(_)));
    collector.assert_one("DEBUG cannot connect to ws://127.0.0.1:1/: ", &[r#"role="client""#]);
}

#[tokio::test]
async fn a_server_that_stops_sends_its_close() {
    let (collector, _guard) = Collector::start();
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serve = listener.serve_until(stopped, |mut ws| async move { while ws.next().await.is_some() {} });
    let visit = async {
        let mut client = Client::new().connect(&format!("ws://{address}/")).await.unwrap();
        client.send("hello").await.unwrap();
        client.flush().await.unwrap();
        stop.send(()).unwrap();
        assert!(client.next().await.is_none());
    };
    tokio::join!(serve, visit);
    let lines = collector.lines();
    let sent = r#"DEBUG close sent role="server" code=1001 reason="""#;
    assert!(lines.iter().any(|line| line == sent), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_is_told() {
    let (collector, _guard) = Collector::start();
    let limits = framewise::Limits::DEFAULT.idle(Duration::from_secs(60));
    let (mut server, mut raw) = accepted(Server::new().limits(limits), 1_000).await;
    collector.lines();
    assert!(server.send(vec![0; 5_000]).await.is_err());
    // It is not silent: it reads nothing.
    raw.write_all(&masked(Opcode::Binary, true, b"")).await.unwrap();
    server.next().await.unwrap().unwrap();
    assert!(matches!(server.next_event().await, Some(Err(Error::Io(_)))));
    collector.assert_one("INFO connection lost: the peer has not read anything", &[r#"role="server""#]);
    let _ = raw.read_u8().await;
}

#[tokio::test]
async fn a_connection_of_a_listener_has_a_span_with_its_number_and_its_peer() {
    let (collector, _guard) = Collector::start();
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let in_spans = Arc::clone(&collector.1);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(listener.serve(move |mut ws| {
        let (tell, in_spans) = (tell.clone(), Arc::clone(&in_spans));
        async move {
            ws.next().await;
            // In the span of its connection, also on the handler's own task.
            tell.send(in_spans.lock().unwrap().len()).unwrap();
            Err::<(), _>(Error::other("the disk is full"))
        }
    }));
    for number in 1..3 {
        let mut client = framewise::connect(&format!("ws://{address}/")).await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(told.recv().await, Some(1));
        assert!(matches!(client.next().await, Some(Err(_))));
        let lines = collector.lines();
        let peer = client.get_ref().tcp().local_addr().unwrap();
        let span = format!("SPAN connection id={number} peer={peer}");
        assert_eq!(lines.iter().filter(|line| **line == span).count(), 1, "{span}: {lines:#?}");
        assert!(lines.iter().any(|line| line == "WARN handler failed: the disk is full"), "{lines:#?}");
    }
}

#[tokio::test]
async fn bytes_that_a_dropped_connection_could_not_write_are_told() {
    let (collector, _guard) = Collector::start();
    let (mut server, _raw) = accepted(Server::new(), 1_000).await;
    server.feed(vec![0; 500]).await.unwrap();
    collector.lines();
    drop(server);
    assert_eq!(collector.lines(), Vec::<String>::new(), "they fitted");
    let (mut server, _raw) = accepted(Server::new(), 1_000).await;
    server.feed(vec![0; 5_000]).await.unwrap();
    collector.lines();
    drop(server);
    collector
        .assert_one("WARN dropped with bytes that were not written", &[r#"role="server""#, "bytes=4004"]);
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn a_panic_of_a_handler_of_tower_is_told() {
    use framewise::tower::WebSocketService;
    use hyper_util::service::TowerToHyperService;

    let (collector, _guard) = Collector::start();
    let server = || {
        Server::new()
            .reply(|request| if request.target == "/" { Reply::accept() } else { panic!("in the reply") })
    };
    let service = |server| {
        WebSocketService::new(server, |ws, _| async move { assert!(!ws.is_open(), "in the handler") })
    };
    for (target, says) in [("/", "in the handler"), ("/x", "in the reply")] {
        let stream = crate::common::http::serve(TowerToHyperService::new(service(server())), true);
        if let Ok(mut client) = Client::new().connect_over(stream, &format!("ws://h{target}")).await {
            client.next().await;
        }
        let told = format!("ERROR handler panicked: {says}");
        let lines = collector.lines();
        assert_eq!(lines.iter().filter(|line| **line == told).count(), 1, "{lines:#?}");
    }
}
