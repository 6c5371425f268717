//! The upgrade of requests that hyper serves.
#![cfg(feature = "hyper")]

use std::convert::Infallible;

use crate::common::http::{ask, http2_request, rejects_bad_requests, serve};
use crate::common::{REQUEST, RESPONSE, masked, plain, read_head};
use framewise::hyper::{Upgrade, upgrade};
use framewise::proto::Opcode;
use framewise::{Client, DeflateConfig, Error, Limits, Message, Misuse, Reply, Rule, Server};
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

type Upgrades = mpsc::UnboundedReceiver<Result<Upgrade, String>>;

/// A connection to a server, and what becomes of its requests.
fn connect(server: &Server, upgrades: bool) -> (DuplexStream, Upgrades) {
    let (told, tells) = mpsc::unbounded_channel();
    let server = server.clone();
    let service = service_fn(move |mut request| {
        let (response, outcome) = match upgrade(&server, &mut request) {
            Ok((response, upgrade)) => (response, Ok(upgrade)),
            Err(rejection) => {
                let says = rejection.to_string();
                (rejection.into_http(), Err(says))
            }
        };
        // A test that looks at the answer alone has no ear for it.
        let _ = told.send(outcome);
        async { Ok::<_, Infallible>(response) }
    });
    (serve(service, upgrades), tells)
}

#[tokio::test]
async fn a_good_request_is_upgraded_with_the_frames_behind_it() {
    let (mut near, mut upgrades) = connect(&Server::new(), true);
    near.write_all(&[REQUEST.as_bytes(), &masked(Opcode::Text, true, b"early")].concat()).await.unwrap();
    let mut ws = upgrades.recv().await.unwrap().unwrap().await.unwrap();
    let head = read_head(&mut near).await;
    for line in RESPONSE.trim_end().lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        let line = format!("\r\n{}: {value}\r\n", name.to_ascii_lowercase());
        assert!(head.to_ascii_lowercase().contains(&line.to_ascii_lowercase()), "{line}{head}");
    }
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("early"));
    let request = ws.request().unwrap();
    assert_eq!((request.target.as_str(), request.host.as_str()), ("/chat", "example.com"));

    // Large, and so from where it lies.
    let payload = vec![3; 40_000];
    ws.send(payload.clone()).await.unwrap();
    ws.flush().await.unwrap();
    let mut frame = vec![0; plain(Opcode::Binary, true, &payload).len()];
    near.read_exact(&mut frame).await.unwrap();
    assert!(frame == plain(Opcode::Binary, true, &payload));

    // The place of a fault counts from the head's first byte.
    let before = REQUEST.len() + masked(Opcode::Text, true, b"early").len();
    near.write_all(&plain(Opcode::Text, true, b"unmasked")).await.unwrap();
    near.shutdown().await.unwrap();
    let error = ws.next().await.unwrap().unwrap_err();
    let violation = error.violation().unwrap();
    assert_eq!((violation.rule, violation.offset), (Rule::MaskMissing, Some(before as u64)));
}

#[tokio::test]
async fn what_was_set_is_agreed() {
    let server = Server::new()
        .protocols(["v2", "v1"])
        .header("X-Served-By", "test")
        .deflate(DeflateConfig::default())
        .limits(Limits::DEFAULT.message(1000));
    let (near, mut upgrades) = connect(&server, true);
    let client = Client::new().protocols(["v1", "v2"]).deflate(DeflateConfig::default());
    let (client, upgraded) = tokio::join!(client.connect_over(near, "ws://example.com/"), upgrades.recv());
    let mut client = client.unwrap();
    let mut server = upgraded.unwrap().unwrap().await.unwrap();
    assert_eq!((client.protocol(), server.protocol()), (Some("v2"), Some("v2")));
    assert_eq!(client.response().unwrap().header("x-served-by"), Some(&b"test"[..]));
    assert!(client.response().unwrap().extensions.iter().any(|agreed| agreed.name == "permessage-deflate"));
    client.send("compressible ".repeat(50)).await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("compressible ".repeat(50)));
    let (closed, message) = tokio::join!(client.close(1000, ""), server.next());
    assert!(closed.is_ok() && message.is_none());
    assert!(client.ended().unwrap().clean && server.ended().unwrap().clean);
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_with_its_status() {
    rejects_bad_requests(|| connect(&Server::new(), true).0).await;
    // On one connection: a request that is rejected ends it for nobody.
    let (mut near, mut upgrades) = connect(&Server::new().origins(["https://example.com"]), true);
    let (head, body) = ask(&mut near, REQUEST.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 403 ") && body.starts_with("request-origin: "), "{head}{body}");
    assert!(upgrades.recv().await.unwrap().is_err_and(|says| says.starts_with("request-origin: ")));
    let good = REQUEST.replace("\r\n\r\n", "\r\nOrigin: https://example.com\r\n\r\n");
    let (head, _) = ask(&mut near, good.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(upgrades.recv().await.unwrap().unwrap().await.is_ok());
}

#[tokio::test]
async fn a_head_above_the_limit_is_too_large() {
    let server = Server::new().limits(Limits::DEFAULT.head(300));
    let long = REQUEST.replace("\r\n\r\n", &format!("\r\nCookie: {}\r\n\r\n", "c".repeat(300)));
    let (head, body) = ask(&mut connect(&server, true).0, long.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 431 ") && body.starts_with("request-too-large: "), "{head}{body}");
}

#[tokio::test]
async fn the_application_rejects_with_its_own_answer() {
    let server = Server::new().reply(|request| match request.target.as_str() {
        "/login" => Reply::reject(401, r#"{"error":"who?"}"#)
            .header("WWW-Authenticate", "Bearer")
            .header("Content-Type", "application/json"),
        _ => Reply::accept().protocol("never-offered"),
    });
    let (mut near, mut upgrades) = connect(&server, true);
    let (head, body) = ask(&mut near, REQUEST.replace("/chat", "/login").as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{head}");
    assert!(head.contains("www-authenticate: Bearer\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert_eq!(body, r#"{"error":"who?"}"#);
    assert_eq!(upgrades.recv().await.unwrap().unwrap_err(), Error::RequestRejected(401).to_string());
    let (head, _) = ask(&mut near, REQUEST.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
    assert_eq!(upgrades.recv().await.unwrap().unwrap_err(), Misuse::SubprotocolUnoffered.to_string());
}

#[tokio::test]
async fn http_2_and_what_hyper_cannot_upgrade_are_told_so() {
    let rejection = upgrade(&Server::new(), &mut http2_request()).unwrap_err();
    assert!(matches!(rejection.error(), Error::RequestRejected(505)));
    let response = rejection.into_http();
    assert_eq!(response.status(), 505);
    assert!(response.body().contains("HTTP/1.1") && !response.headers().contains_key("connection"));

    // A request that hyper did not make.
    let mut request = http::Request::builder().uri("/chat");
    for line in REQUEST.trim_end().lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let rejection = upgrade(&Server::new(), &mut request.body(()).unwrap()).unwrap_err();
    assert_eq!(rejection.into_http().status(), 500);

    // A connection that is served without upgrades.
    let (mut near, mut upgrades) = connect(&Server::new(), false);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let error = upgrades.recv().await.unwrap().unwrap().await.unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error}");
}
