//! Whole runs against servers on loopback.
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use framewise::{Message, Server, WebSocket};
use framewise_load::{Expect, Kind, Pace, Phase, Plan, Progress, Report, Unusable};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SHORT: Duration = Duration::from_millis(300);

/// Serves each connection with `serve`, on threads of its own.
fn server<F>(serve: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream));
            }
        });
    });
    address
}

async fn accept(stream: TcpStream) -> WebSocket<TcpStream> {
    Server::new().accept(stream).await.unwrap()
}

fn echo() -> SocketAddr {
    server(|stream| async {
        let mut ws = accept(stream).await;
        while let Some(Ok(message)) = ws.next().await {
            if ws.send(message).await.is_err() {
                return;
            }
        }
    })
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn plan(address: SocketAddr, pace: Pace) -> Plan {
    Plan::new(format!("ws://{address}/"), pace).connections(3).drain(SHORT)
}

fn rate(rate: f64) -> Pace {
    Pace::rate(rate, SHORT)
}

fn run(plan: &Plan) -> Report {
    plan.run(go_on).unwrap()
}

#[test]
fn a_rate_is_sent_and_answered() {
    let mix = vec![Kind::Text(5), Kind::Binary(70_000), Kind::Exactly("é".into()), Kind::Ping];
    let report = run(&plan(echo(), rate(1000.0)).mix(mix).workers(2));
    assert!(report.is_clean() && report.complete, "{:?}", report.findings);
    assert_eq!((report.messages.sent, report.messages.answered, report.messages.unanswered), (300, 300, 0));
    assert_eq!((report.connections.opened, report.connections.failed, report.connections.lost), (3, 0, 0));
    assert_eq!((report.latency.count, report.since_sent.count, report.handshake.count), (300, 300, 3));
    assert!(report.latency.p50 > 0.0 && report.latency.p50 <= report.latency.max);
    assert_eq!(report.series.iter().map(|second| second.answered).sum::<u64>(), 300);
    assert_eq!(report.generator.late.count, 300);
}

#[test]
fn each_connection_keeps_messages_in_flight() {
    let report = run(&plan(echo(), Pace::InFlight(4, SHORT)));
    assert!(report.is_clean(), "{:?}", report.findings);
    assert!(report.messages.answered > 12, "the next follow the answers: {:?}", report.messages);
    assert_eq!(report.messages.unanswered, 0);
}

#[test]
fn the_warm_up_does_not_count() {
    let phases = vec![
        Phase { duration: SHORT, from: 100.0, to: 100.0 },
        Phase { duration: SHORT, from: 500.0, to: 500.0 },
    ];
    let report = run(&plan(echo(), Pace::Rate(phases)).warm_up(SHORT));
    assert_eq!((report.messages.sent, report.latency.count), (150, 150));
    assert_eq!(report.series.iter().map(|second| second.answered).sum::<u64>(), 180);
}

/// A server that stalls once: each message that was due meanwhile waited, whether it was sent or not.
#[test]
fn a_stall_counts_for_every_message_that_was_due() {
    let stall = Duration::from_millis(400);
    let address = server(move |stream| async move {
        let mut ws = accept(stream).await;
        let mut count = 0;
        while let Some(Ok(message)) = ws.next().await {
            count += 1;
            if count == 10 {
                // The stall is what is measured: there is nothing to wait for.
                tokio::time::sleep(stall).await;
            }
            if ws.send(message).await.is_err() {
                return;
            }
        }
    });
    let pace = Pace::rate(1000.0, Duration::from_millis(600));
    let open = run(&plan(address, pace).connections(1).drain(stall * 4));
    assert_eq!(open.messages.answered, 600);
    // 400 messages were due during the stall, and waited 200 ms in the mean.
    assert!(open.latency.p50 > 100_000.0, "{:?}", open.latency);
    let closed =
        run(&plan(address, Pace::InFlight(1, Duration::from_millis(600))).connections(1).drain(stall * 4));
    assert!(closed.latency.p90 < 100_000.0, "one message in flight hides the stall: {:?}", closed.latency);
}

#[test]
fn wrong_answers_are_found() {
    let changed = server(|stream| async {
        let mut ws = accept(stream).await;
        while let Some(Ok(message)) = ws.next().await {
            let mut bytes = message.into_bytes().to_vec();
            bytes[2] ^= 1;
            if ws.send(Message::binary(bytes)).await.is_err() {
                return;
            }
        }
    });
    let binary = plan(changed, rate(100.0)).mix(vec![Kind::Binary(4)]);
    let report = run(&binary);
    assert_eq!((report.messages.wrong, report.findings.len()), (30, 1));
    assert!(report.findings[0].says.contains("byte 2 of 4"), "{:?}", report.findings);
    let report = run(&binary.clone().mix(vec![Kind::Text(4)]));
    assert!(report.findings[0].says.contains("a text message came back as binary"), "{:?}", report.findings);
    // The look-alike: any message is an answer.
    let report = run(&binary.expect(Expect::Reply));
    assert!(report.is_clean() && report.messages.answered == 30, "{:?}", report.findings);
}

#[test]
fn of_a_server_that_answers_nothing_messages_are_unanswered_unless_nothing_is_expected() {
    let silent = server(|stream| async {
        let mut ws = accept(stream).await;
        while let Some(Ok(_)) = ws.next().await {}
    });
    let plan = plan(silent, rate(100.0)).mix(vec![Kind::Text(4), Kind::Ping]);
    let report = run(&plan);
    assert_eq!((report.messages.answered, report.messages.unanswered), (15, 15), "Pings have their Pongs");
    assert_eq!(report.latency.count, 30, "what has no answer counts with the time that it waited");
    assert!(report.latency.max >= 300_000.0, "{:?}", report.latency);
    assert!(report.findings[0].says.contains("no answer"), "{:?}", report.findings);
    let report = run(&plan.expect(Expect::Nothing));
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.messages.sent, report.messages.answered), (30, 15));
}

/// A server that breaks a rule under load, and one that closes.
#[test]
fn broken_rules_and_early_ends_are_findings() {
    let reserved = server(|mut stream| async move {
        upgrade(&mut stream).await;
        let mut frame = [0; 64];
        let _ = stream.read(&mut frame).await;
        let _ = stream.write_all(b"\xc1\x02hi").await;
        // The client's Close ends it.
        while matches!(stream.read(&mut frame).await, Ok(1..)) {}
    });
    let report = run(&plan(reserved, rate(100.0)));
    assert_eq!(report.findings[0].rule.as_deref(), Some("rsv1-unnegotiated"), "{:?}", report.findings);
    assert_eq!((report.findings[0].count, report.connections.lost), (3, 3));
    let leaving = server(|stream| async {
        let mut ws = accept(stream).await;
        let _ = ws.next().await;
        let _ = ws.close(1013, "try again").await;
    });
    let report = run(&plan(leaving, rate(100.0)));
    assert_eq!(
        (report.findings[0].rule.as_deref(), report.findings[0].count),
        (None, 3),
        "{:?}",
        report.findings
    );
    assert!(report.findings[0].says.contains("1013 (\"try again\")"), "{:?}", report.findings);
    assert!(report.messages.sent < 30, "nothing is sent where every connection has ended");
}

async fn upgrade(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = framewise::proto::handshake::accept_value(key);
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await.unwrap();
}

#[test]
fn what_cannot_run_says_why() {
    let says = |plan: &Plan| -> String {
        let Unusable { .. } = plan.run(go_on).unwrap_err();
        plan.run(go_on).unwrap_err().to_string()
    };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(says(&plan(nobody, rate(10.0))).contains("refused"), "{}", says(&plan(nobody, rate(10.0))));
    let web = server(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    });
    assert!(says(&plan(web, rate(10.0))).contains("404"));
    let silent =
        server(|mut stream| async move { while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {} });
    assert!(says(&plan(silent, rate(10.0)).connect_timeout(SHORT)).contains("no handshake within 0.3 s"));
    let echo = echo();
    assert!(says(&plan(echo, rate(0.0))).contains("nothing to send"));
    assert!(says(&plan(echo, rate(10.0)).mix(vec![])).contains("nothing to send"));
    assert!(says(&plan(echo, rate(10.0)).connections(0)).contains("no connections"));
    assert!(says(&plan(echo, rate(10.0)).warm_up(SHORT)).contains("warm-up"));
    assert!(says(&Plan::new("ftp://127.0.0.1", rate(10.0))).contains("ws://"));
}

#[test]
fn a_run_that_is_ended_early_says_so() {
    let long = plan(echo(), Pace::rate(1000.0, Duration::from_secs(3600)));
    let report = long.run(|progress| {
        if progress.elapsed > Some(SHORT) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let report = report.unwrap();
    assert!(!report.complete && report.is_clean(), "{:?}", report.findings);
    assert!(report.messages.answered > 0 && report.seconds < 60.0, "{report:?}");
    assert!(report.html().contains("ended early"));
}
