//! Intermediaries that speak HTTP/2 with the client, and HTTP/1.1 with our server.

use std::fmt::Write as _;

use bytes::Bytes;
use framewise_path::{Path, Report, Verdict, probes};
use framewise_rules::Cause;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::relay::{Fault, listener, through};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bridge {
    Right,
    /// As Envoy's: the HTTP/1.1 request has no key.
    KeyMissing,
    /// As HAProxy's: the accept value of the HTTP/1.1 server is in the HTTP/2 answer.
    AcceptLeaked,
    /// As Go's: nobody handles what is announced.
    AnnouncedOnly,
    /// HTTP/2 without WebSockets.
    NotAnnounced,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_bridge_is_named_and_a_right_one_is_as_sent() {
    for (bridge, verdict, causes, part) in [
        (Bridge::Right, Verdict::AsSent, vec![], "it did"),
        (Bridge::KeyMissing, Verdict::Changed, vec![Cause::KeyDroppedOnPath], "Sec-WebSocket-Key is missing"),
        (Bridge::AcceptLeaked, Verdict::Changed, vec![], "Sec-WebSocket-Accept"),
        (Bridge::AnnouncedOnly, Verdict::Refused, vec![Cause::ExtendedConnectUnsupported], "HTTP/2 404"),
        (Bridge::NotAnnounced, Verdict::Skipped, vec![], "without WebSockets"),
    ] {
        let report = through_bridge(bridge).await;
        let outcome =
            report.probes.iter().find(|outcome| outcome.name.starts_with("http2/")).expect("it ran");
        assert_eq!(outcome.verdict, verdict, "{bridge:?}: {outcome:#?}");
        assert_eq!(report.causes, causes, "{bridge:?}: {outcome:#?}");
        assert!(outcome.says.contains(part), "{bridge:?}: {}", outcome.says);
    }
    // What passes bytes on passes HTTP/2 on; what speaks HTTP/1.1 alone is not asked.
    let plain = through(Fault::None, &["http2/"]).await;
    assert_eq!(plain.probes[0].verdict, Verdict::AsSent, "{:#?}", plain.probes);
    let old = through(Fault::OnlyHttp1, &["http2/", "ping/"]).await;
    assert_eq!(old.probes.last().map(|outcome| outcome.verdict), Some(Verdict::Skipped), "{:#?}", old.probes);
    assert!(old.causes.is_empty(), "{:#?}", old.probes);
}

async fn through_bridge(bridge: Bridge) -> Report {
    let ((origin, address), (intermediary, via)) = (listener().await, listener().await);
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = intermediary.accept().await {
            tokio::spawn(async move {
                let mut first = [0; 3];
                let _ = client.peek(&mut first).await;
                if &first == b"PRI" {
                    speak(client, address, bridge).await;
                } else if let Ok(mut server) = TcpStream::connect(address).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    let path = Path::new(&format!("ws://{via}/"), "127.0.0.1:0").expect("a path");
    let chosen: Vec<_> = probes::all(&[])
        .into_iter()
        .filter(|probe| probe.name.starts_with("http2/") || probe.name == "handshake/plain")
        .collect();
    let report = path.run_on(origin, &chosen, |_| {}).await.expect("it listens");
    task.abort();
    report
}

async fn speak(client: TcpStream, origin: std::net::SocketAddr, bridge: Bridge) {
    let mut builder = h2::server::Builder::new();
    if bridge != Bridge::NotAnnounced {
        builder.enable_connect_protocol();
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(client).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(translate(request, respond, origin, bridge));
    }
}

async fn translate(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    origin: std::net::SocketAddr,
    bridge: Bridge,
) {
    if bridge == Bridge::AnnouncedOnly {
        let none = Response::builder().status(404).body(()).expect("an answer");
        let _ = respond.send_response(none, true);
        return;
    }
    let Ok(mut server) = TcpStream::connect(origin).await else { return };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut head =
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    for (name, value) in request.headers() {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().expect("text"));
    }
    if bridge != Bridge::KeyMissing {
        head.push_str("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    }
    head.push_str("\r\n");
    server.write_all(head.as_bytes()).await.expect("it is there");
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(server.read_u8().await.expect("an answer"));
    }
    let mut answer = Response::builder().status(200);
    if bridge == Bridge::AcceptLeaked {
        answer = answer.header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
    let mut send = respond.send_response(answer.body(()).expect("an answer"), false).expect("it is sent");
    let mut receive = request.into_body();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move {
        while let Some(Ok(data)) = receive.data().await {
            let _ = receive.flow_control().release_capacity(data.len());
            if to_server.write_all(&data).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        // It is queued without limit: the probe sends 100 KB.
        if send.send_data(Bytes::copy_from_slice(&buffer[..count]), false).is_err() {
            return;
        }
    }
    let _ = send.send_data(Bytes::new(), true);
}

/// What an intermediary does that speaks HTTP/1.1 with the client, and HTTP/2 with our server, as nghttpx with `proto=h2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upward {
    Right,
    OriginLost,
    SubprotocolLost,
    CookieLost,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_towards_http2_is_as_good_as_what_it_passes_on() {
    const PROBES: &[&str] = &["handshake/", "early/", "size/4096-", "fragments/", "ping/", "close/1000"];
    for (bridge, name, causes) in [
        (Upward::Right, "handshake/headers", vec![]),
        (Upward::OriginLost, "handshake/headers", vec![Cause::HeadersChangedOnPath]),
        (Upward::SubprotocolLost, "handshake/subprotocol", vec![Cause::HeadersChangedOnPath]),
        (Upward::CookieLost, "handshake/headers", vec![Cause::HeadersChangedOnPath]),
    ] {
        let ((origin, address), (intermediary, via)) = (listener().await, listener().await);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = intermediary.accept().await {
                tokio::spawn(upward(client, address, bridge));
            }
        });
        let report = crate::relay::run(via, origin, PROBES).await;
        task.abort();
        assert_eq!(report.causes, causes, "{bridge:?}: {:#?}", report.probes);
        let outcome = report.probes.iter().find(|outcome| outcome.name == name).expect("it ran");
        assert_eq!(outcome.causes, causes, "{bridge:?}: {outcome:#?}");
        assert!(outcome.says.contains("as HTTP/2 (RFC 8441)"), "{bridge:?}: {}", outcome.says);
        assert!(!outcome.says.contains("protocol: websocket"), "{bridge:?}: {}", outcome.says);
        // What follows the heads passes as it was sent.
        let rest = report.probes.iter().filter(|outcome| {
            ["early/server", "size/", "fragments/", "ping/", "close/"]
                .iter()
                .any(|one| outcome.name.starts_with(one))
        });
        for outcome in rest {
            assert!(
                outcome.verdict == Verdict::AsSent || outcome.says.starts_with("it arrived"),
                "{bridge:?}: {outcome:#?}"
            );
        }
    }
}

async fn upward(mut client: TcpStream, origin: std::net::SocketAddr, bridge: Upward) -> std::io::Result<()> {
    let (head, rest) = crate::relay::head(&mut client).await?;
    let server = TcpStream::connect(origin).await?;
    let Ok((send, connection)) = h2::client::Builder::new().handshake::<_, Bytes>(server).await else {
        return Ok(());
    };
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let target = head.split(' ').nth(1).unwrap_or("/");
    let mut request = Request::builder().method("CONNECT").uri(format!("http://x{target}"));
    let mut key = String::new();
    for (name, value) in head.split("\r\n").filter_map(|line| line.split_once(": ")) {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "sec-websocket-key" => value.clone_into(&mut key),
            // RFC 8441 §5 and RFC 9113 §8.2.2: these belong to HTTP/1.1.
            "host" | "upgrade" | "connection" | "content-length" => {}
            "origin" if bridge == Upward::OriginLost => {}
            "sec-websocket-protocol" if bridge == Upward::SubprotocolLost => {}
            name => request = request.header(name, value),
        }
    }
    let mut request = request.body(()).expect("a request");
    request.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
    let mut send = send.ready().await.map_err(std::io::Error::other)?;
    let (response, mut up) = send.send_request(request, false).map_err(std::io::Error::other)?;
    let response = response.await.map_err(std::io::Error::other)?;
    let accept = framewise_proto::handshake::accept_value(&key);
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
    );
    for (name, value) in response.headers() {
        if bridge != Upward::CookieLost || name != "set-cookie" {
            let _ = write!(answer, "{name}: {}\r\n", value.to_str().expect("text"));
        }
    }
    answer.push_str("\r\n");
    client.write_all(answer.as_bytes()).await?;
    let mut receive = response.into_body();
    let (mut from_client, mut to_client) = client.into_split();
    let down = tokio::spawn(async move {
        while let Some(Ok(data)) = receive.data().await {
            let _ = receive.flow_control().release_capacity(data.len());
            if to_client.write_all(&data).await.is_err() {
                return;
            }
        }
        let _ = to_client.shutdown().await;
    });
    let _ = up.send_data(Bytes::from(rest), false);
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
        if up.send_data(Bytes::copy_from_slice(&buffer[..count]), false).is_err() {
            break;
        }
    }
    let _ = up.send_data(Bytes::new(), true);
    let _ = down.await;
    Ok(())
}
