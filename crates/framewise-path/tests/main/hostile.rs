//! Intermediaries that refuse, answer themselves, hang, or end the connection.

use framewise_path::{Path, Report, Verdict, probes};
use framewise_rules::Cause;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::relay::{listener, run};

/// What an intermediary that forwards nothing answers to each request.
async fn answering(answer: &'static str) -> Report {
    let (origin, _) = listener().await;
    let (intermediary, via) = listener().await;
    let task = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = intermediary.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            match answer {
                "" => drop(stream),
                "hang" => held.push(stream),
                answer => {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    held.push(stream);
                }
            }
        }
    });
    let report = run(via, origin, &["handshake/plain", "ping/ping-client"]).await;
    task.abort();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_refused_is_the_report_with_the_words_of_who_refused_it() {
    for (answer, verdict, cause) in [
        (
            "HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 4\r\n\r\ngone",
            Verdict::Refused,
            Cause::ServerErrorStatus,
        ),
        ("HTTP/1.1 508 Loop Detected\r\nContent-Length: 0\r\n\r\n", Verdict::Refused, Cause::ForwardingLoop),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            Verdict::Refused,
            Cause::AuthenticationRequired,
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            Verdict::Refused,
            Cause::NotAWebsocketEndpoint,
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            Verdict::Refused,
            Cause::AuthenticationRequired,
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n",
            Verdict::Refused,
            Cause::Redirected,
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            Verdict::Answered,
            Cause::AnotherServerAnswers,
        ),
        // Another protocol, with its greeting; an alert of TLS.
        ("SSH-2.0-OpenSSH_9.2\r\n", Verdict::Refused, Cause::NotAWebsocketEndpoint),
        ("\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}", Verdict::Refused, Cause::PlainInTlsPort),
        ("", Verdict::Closed, Cause::ConnectionCutOnPath),
        ("hang", Verdict::Hung, Cause::ConnectionCutOnPath),
    ] {
        let report = answering(answer).await;
        assert_eq!(report.probes[0].verdict, verdict, "{answer}: {:#?}", report.probes);
        assert_eq!(report.causes.first(), Some(&cause), "{answer}: {:#?}", report.probes);
        assert_eq!(report.probes[1].verdict, Verdict::Skipped, "{answer}");
        if answer.contains("502") {
            assert_eq!(report.software.as_deref(), Some("nginx"));
            assert!(
                report.probes[0].bytes.iter().any(|line| line == "gone"),
                "{:#?}",
                report.probes[0].bytes
            );
        }
    }
}

/// A relay that forwards to its own address, with Via, until it has seen a request ten times.
#[tokio::test(flavor = "multi_thread")]
async fn an_intermediary_that_forwards_to_itself_is_named() {
    let ((origin, _), (intermediary, via)) = (listener().await, listener().await);
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = intermediary.accept().await {
            tokio::spawn(async move {
                let (head, _) = crate::relay::head(&mut client).await?;
                if head.matches("relay").count() >= 10 {
                    return client
                        .write_all(b"HTTP/1.1 508 Loop Detected\r\nContent-Length: 0\r\n\r\n")
                        .await;
                }
                let mut next = tokio::net::TcpStream::connect(via).await?;
                next.write_all(head.replacen("\r\n\r\n", "\r\nVia: 1.1 relay\r\n\r\n", 1).as_bytes()).await?;
                tokio::io::copy_bidirectional(&mut client, &mut next).await.map(drop)
            });
        }
    });
    let report = run(via, origin, &["handshake/plain", "ping/ping-client"]).await;
    task.abort();
    assert_eq!(report.causes, [Cause::ForwardingLoop], "{:#?}", report.probes);
}

/// As jupyter-server-proxy: it answers the client, and then connects to the server. That server is ours all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_intermediary_that_answers_before_it_connects_reaches_our_server() {
    let ((origin, address), (intermediary, via)) = (listener().await, listener().await);
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = intermediary.accept().await {
            tokio::spawn(async move {
                let (head, _) = crate::relay::head(&mut client).await?;
                let key = head.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
                let accept = framewise_proto::handshake::accept_value(key.unwrap_or_default());
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                client.write_all(answer.as_bytes()).await?;
                // The client has its 101, and goes on.
                let mut sent = vec![0; 8];
                client.read_exact(&mut sent).await?;
                let mut server = tokio::net::TcpStream::connect(address).await?;
                server.write_all(head.as_bytes()).await?;
                let (_, rest) = crate::relay::head(&mut server).await?;
                client.write_all(&rest).await?;
                server.write_all(&sent).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
            });
        }
    });
    let report = run(via, origin, &["size/125-", "ping/ping-client", "fragments/three-client"]).await;
    task.abort();
    let wrong: Vec<_> = report.probes.iter().filter(|outcome| outcome.verdict != Verdict::AsSent).collect();
    assert!(wrong.is_empty() && report.causes.is_empty(), "{wrong:#?}");
}

/// The login that it wants can be given.
#[tokio::test(flavor = "multi_thread")]
async fn an_intermediary_that_wants_a_login_gets_it_in_a_header() {
    for (value, verdict) in [("Basic eDp5", Verdict::AsSent), ("Basic eDp6", Verdict::Refused)] {
        let ((origin, address), (intermediary, via)) = (listener().await, listener().await);
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = intermediary.accept().await {
                tokio::spawn(async move {
                    let (head, _) = crate::relay::head(&mut client).await?;
                    if !head.contains("\r\nAuthorization: Basic eDp5\r\n") {
                        let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
                        return client.write_all(answer.as_bytes()).await;
                    }
                    let mut server = tokio::net::TcpStream::connect(address).await?;
                    server.write_all(head.as_bytes()).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
                });
            }
        });
        let path = Path::new(&format!("ws://{via}/"), "127.0.0.1:0").expect("a path");
        let path = path.header("Authorization", value).expect("a header");
        let report = path.run_on(origin, &[probes::all(&[]).remove(0)], |_| {}).await.expect("a report");
        task.abort();
        assert_eq!(report.probes[0].verdict, verdict, "{:#?}", report.probes);
        let due: &[Cause] = if verdict == Verdict::AsSent { &[] } else { &[Cause::AuthenticationRequired] };
        assert_eq!(report.causes, due, "{:#?}", report.probes);
        assert!(path_error(&["bad name", "A\r\nB"]), "a name is a token");
    }
}

fn path_error(names: &[&str]) -> bool {
    let path = || Path::new("ws://127.0.0.1:1/", "127.0.0.1:0").expect("a path");
    names.iter().all(|name| path().header(name, "x").is_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_and_an_address_in_use_are_no_findings() {
    let (gone, via) = listener().await;
    drop(gone);
    let chosen = probes::all(&[]);
    let path = Path::new(&format!("ws://{via}/"), "127.0.0.1:0").expect("a path");
    let error = path.run(&chosen, |_| {}).await.expect_err("nobody listens").to_string();
    assert!(error.contains(&via.to_string()), "{error}");
    let (_taken, origin) = listener().await;
    let path = Path::new("ws://127.0.0.1:1/", &origin.to_string()).expect("a path");
    let error = path.run(&chosen, |_| {}).await.expect_err("it is taken").to_string();
    assert!(error.contains("in use"), "{error}");
    for via in ["ftp://x", "ws://", "nonsense://"] {
        assert!(Path::new(via, "127.0.0.1:0").is_err(), "{via}");
    }
}

/// Without an intermediary at all, the client reaches the server itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_origin_itself_may_be_the_address_of_the_client() {
    let origin = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let via = origin.local_addr().expect("its address");
    let report = run(via, origin, &["handshake/", "close/1000"]).await;
    assert!(report.causes.is_empty(), "{:#?}", report.probes);
}
