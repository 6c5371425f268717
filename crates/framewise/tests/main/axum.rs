//! The upgrade as an extractor of axum.
#![cfg(feature = "axum")]

use std::time::Duration;

use crate::common::http::{ask, http2_request, rejects_bad_requests, serve};
use crate::common::{REQUEST, echo, masked, plain};
use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use framewise::axum::WebSocketUpgrade;
use framewise::proto::Opcode;
use framewise::{Client, DeflateConfig, Error, Keepalive, Limits, Message, Reply, Server, Strictness};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

type Failures = mpsc::UnboundedSender<Error>;

async fn chat(ws: WebSocketUpgrade, Path(room): Path<String>) -> Response {
    assert_eq!(ws.selected_protocol(), None);
    let offered = ws.request().protocols.join(" ");
    let ws = ws.protocols(["v2", "v1"]).header("X-Served-By", "test").deflate(DeflateConfig::default());
    let selected = ws.selected_protocol().map(str::to_owned);
    ws.limits(Limits::DEFAULT.message(100)).on_upgrade(|mut ws| async move {
        assert_eq!(ws.protocol(), selected.as_deref());
        ws.send(format!("{room}: {offered}")).await?;
        echo(ws).await
    })
}

async fn strict(ws: WebSocketUpgrade, State(failures): State<Failures>) -> Response {
    let server = Server::new().origins(["https://example.com"]).reply(|request| {
        if request.header("authorization").is_some() {
            Reply::accept()
        } else {
            Reply::reject(401, "log in\n")
        }
    });
    ws.server(server).on_failed_upgrade(move |error| failures.send(error).unwrap()).on_upgrade(echo)
}

async fn optional(ws: Option<WebSocketUpgrade>) -> Response {
    match ws {
        Some(ws) => ws.on_upgrade(echo),
        None => "a page".into_response(),
    }
}

fn app() -> (Router, mpsc::UnboundedReceiver<Error>) {
    let (failures, failed) = mpsc::unbounded_channel();
    let router = Router::new()
        .route("/chat", any(|ws: WebSocketUpgrade| async { ws.on_upgrade(echo) }))
        .route("/chat/{room}", any(chat))
        .route("/strict", any(strict))
        .route("/optional", any(optional))
        .with_state(failures);
    (router, failed)
}

fn connect() -> DuplexStream {
    serve(TowerToHyperService::new(app().0), true)
}

#[tokio::test]
async fn a_handler_has_what_axum_gives_and_what_the_client_offers() {
    let client = Client::new().protocols(["v1", "v3"]).deflate(DeflateConfig::default());
    let mut ws = client.connect_over(connect(), "ws://example.com/chat/lobby").await.unwrap();
    assert_eq!(ws.protocol(), Some("v1"));
    let response = ws.response().unwrap();
    assert_eq!(response.header("x-served-by"), Some(&b"test"[..]));
    assert!(response.extensions.iter().any(|agreed| agreed.name == "permessage-deflate"));
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("lobby: v1 v3"));
    ws.send("echo").await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("echo"));
    // The limit is the handler's.
    ws.send(vec![0; 101]).await.unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.ended().unwrap().code.0, 1009);
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_with_its_status() {
    rejects_bad_requests(connect).await;
    let (mut parts, _) = http2_request().into_parts();
    let rejected = <WebSocketUpgrade as FromRequestParts<()>>::from_request_parts(&mut parts, &());
    assert_eq!(rejected.await.unwrap_err().into_response().status(), 505);
}

#[tokio::test]
async fn what_the_handler_sets_can_reject_and_it_hears_of_it() {
    let (router, mut failed) = app();
    let mut near = serve(TowerToHyperService::new(router), true);
    let strict = REQUEST.replace("/chat", "/strict");
    let (head, body) = ask(&mut near, strict.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 403 ") && body.starts_with("request-origin: "), "{head}{body}");
    assert!(matches!(failed.recv().await, Some(Error::Violation(_))));
    let strict = strict.replace("\r\n\r\n", "\r\nOrigin: https://example.com\r\n\r\n");
    let (head, body) = ask(&mut near, strict.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 401 ") && body == "log in\n", "{head}{body}");
    assert!(matches!(failed.recv().await, Some(Error::RequestRejected(401))));

    let strict = strict.replace("\r\n\r\n", "\r\nAuthorization: Bearer x\r\n\r\n");
    let (head, _) = ask(&mut near, strict.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");

    // A connection that cannot be upgraded.
    let (router, mut failed) = app();
    let mut near = serve(TowerToHyperService::new(router), false);
    near.write_all(strict.as_bytes()).await.unwrap();
    assert!(matches!(failed.recv().await, Some(Error::Io(_))));
}

fn without_key(request: &str) -> String {
    request
        .lines()
        .filter(|line| !line.starts_with("Sec-WebSocket-Key"))
        .fold(String::new(), |head, line| head + line + "\r\n")
}

#[tokio::test]
async fn a_handler_may_serve_other_requests_as_well() {
    let page = "GET /optional HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let mut near = connect();
    let (head, body) = ask(&mut near, page.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && body == "a page", "{head}{body}");
    // Who asks for a WebSocket, and does it wrong, is told so, and not given the page.
    let optional = REQUEST.replace("/chat", "/optional");
    for (bad, rule) in [
        (optional.replace("Version: 13", "Version: 14"), "request-version"),
        (optional.replace("Upgrade: websocket\r\n", ""), "request-upgrade"),
        (optional.replace("GET", "POST"), "request-method"),
        (without_key(&optional).replace("websocket", "h2c , WebSocket"), "request-key-missing"),
    ] {
        let (_, body) = ask(&mut near, bad.as_bytes()).await;
        assert!(body.starts_with(&format!("{rule}: ")), "{body}");
    }
    let (mut parts, _) = http2_request().into_parts();
    let rejected = <Option<WebSocketUpgrade>>::from_request_parts(&mut parts, &());
    assert_eq!(rejected.await.unwrap_err().into_response().status(), 505);
    let (head, _) = ask(&mut near, optional.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

/// A connection to a router with one route, and its raw end after the 101.
async fn raw_end<T: Future<Output = Response> + Send + 'static>(
    handler: impl Fn(WebSocketUpgrade) -> T + Clone + Send + Sync + 'static,
) -> DuplexStream {
    let router = Router::new().route("/chat", any(handler));
    let mut near = serve(TowerToHyperService::new(router), true);
    let (head, _) = ask(&mut near, REQUEST.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    near
}

#[tokio::test(start_paused = true)]
async fn keepalive_sends_pings_at_its_interval_and_its_absence_none() {
    let keepalive = Keepalive::default().interval(Duration::from_secs(7));
    let mut near =
        raw_end(move |ws: WebSocketUpgrade| async move { ws.keepalive(keepalive).on_upgrade(echo) }).await;
    let before = Instant::now();
    let mut ping = [0; 2];
    timeout(Duration::from_secs(60), near.read_exact(&mut ping)).await.unwrap().unwrap();
    assert_eq!((ping[0], before.elapsed()), (0x89, Duration::from_secs(7)));

    let mut near = raw_end(|ws: WebSocketUpgrade| async move { ws.on_upgrade(echo) }).await;
    assert!(timeout(Duration::from_secs(3600), near.read_u8()).await.is_err());
}

#[tokio::test]
async fn send_queue_bounds_what_waits_for_a_client_that_does_not_read() {
    const FRAME: usize = 1000;
    let mut counts = Vec::new();
    for queue in [10 * FRAME, 40 * FRAME] {
        let handler = move |ws: WebSocketUpgrade| async move {
            ws.send_queue(queue).on_upgrade(|mut ws| async move {
                let mut sent: u32 = 0;
                while ws.try_send(vec![0; FRAME]).is_ok() {
                    sent += 1;
                }
                ws.send(vec![1; 4]).await?;
                ws.close(1000, &sent.to_string()).await
            })
        };
        let mut near = raw_end(handler).await;
        let long = plain(Opcode::Binary, true, &[0; FRAME]);
        let mut sent: usize = 0;
        let mut frame = vec![0; long.len()];
        loop {
            near.read_exact(&mut frame[..6]).await.unwrap();
            if frame[..6] == plain(Opcode::Binary, true, &[1; 4]) {
                break;
            }
            near.read_exact(&mut frame[6..]).await.unwrap();
            sent += 1;
        }
        let mut close = vec![0; 4 + sent.to_string().len()];
        near.read_exact(&mut close).await.unwrap();
        assert_eq!(close, plain(Opcode::Close, true, &[&[3, 0xe8], sent.to_string().as_bytes()].concat()));
        counts.push(sent);
    }
    // The streams between take as much both times.
    assert!((29..=31).contains(&(counts[1] - counts[0])), "{counts:?}");
}

#[tokio::test]
async fn strictness_tolerates_what_it_names_and_nothing_else() {
    let long = {
        let mut frame = masked(Opcode::Text, true, b"hi");
        frame.splice(1..2, [0xfe, 0, 2]);
        frame
    };
    let close = |rule: &str| plain(Opcode::Close, true, &[&[3, 0xea], rule.as_bytes()].concat());
    for (tolerates, answer) in
        [(true, plain(Opcode::Text, true, b"hi")), (false, close("length-not-minimal-16"))]
    {
        let strictness = Strictness::default().long_lengths(tolerates);
        let mut near =
            raw_end(move |ws: WebSocketUpgrade| async move { ws.strictness(strictness).on_upgrade(echo) })
                .await;
        near.write_all(&long).await.unwrap();
        let mut got = vec![0; answer.len()];
        near.read_exact(&mut got).await.unwrap();
        assert_eq!(got, answer, "{tolerates}");
        if tolerates {
            near.write_all(&plain(Opcode::Text, true, b"hi")).await.unwrap();
            let mut got = vec![0; close("mask-missing").len()];
            near.read_exact(&mut got).await.unwrap();
            assert_eq!(got, close("mask-missing"));
        }
    }
}

#[tokio::test]
async fn reply_decides_on_the_request_and_adds_to_the_response() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.protocols(["v2"])
            .reply(|request| match request.header("authorization") {
                Some(_) => Reply::accept().protocol("v1").header("X-User", "1"),
                None => Reply::reject(401, "log in\n").header("WWW-Authenticate", "Bearer"),
            })
            .on_upgrade(echo)
    }
    let router = Router::new().route("/chat", any(handler));
    let mut near = serve(TowerToHyperService::new(router), true);
    let request = REQUEST.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: v1, v2\r\n\r\n");
    let (head, body) = ask(&mut near, request.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 401 ") && body == "log in\n", "{head}{body}");
    assert!(head.contains("\r\nwww-authenticate: Bearer\r\n"), "{head}");
    let request = request.replace("\r\n\r\n", "\r\nAuthorization: Bearer x\r\n\r\n");
    let (head, _) = ask(&mut near, request.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("\r\nsec-websocket-protocol: v1\r\n") && head.contains("\r\nx-user: 1\r\n"),
        "{head}"
    );
    near.write_all(&masked(Opcode::Text, true, b"hi")).await.unwrap();
    let mut echoed = [0; 4];
    near.read_exact(&mut echoed).await.unwrap();
    assert_eq!(echoed, plain(Opcode::Text, true, b"hi")[..]);
}
