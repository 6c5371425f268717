//! The upgrade as an extractor of axum.
#![cfg(feature = "axum")]

use crate::common::http::{ask, http2_request, rejects_bad_requests, serve};
use crate::common::{REQUEST, echo};
use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use framewise::axum::WebSocketUpgrade;
use framewise::{Client, DeflateConfig, Error, Limits, Message, Reply, Server};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

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
