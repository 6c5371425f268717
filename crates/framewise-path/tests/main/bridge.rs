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
