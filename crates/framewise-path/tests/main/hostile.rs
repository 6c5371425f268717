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
