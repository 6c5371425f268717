//! Requests through hyper, over a stream in memory.

use std::error::Error;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::{REQUEST, read_head};

/// The client's end of a connection that hyper serves.
pub(crate) fn serve<S, B>(service: S, upgrades: bool) -> DuplexStream
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (near, far) = duplex(1 << 16);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(far), service);
    if upgrades {
        tokio::spawn(connection.with_upgrades());
    } else {
        tokio::spawn(connection);
    }
    near
}

/// The head and the body of the answer to a request.
pub(crate) async fn ask(stream: &mut DuplexStream, request: &[u8]) -> (String, String) {
    stream.write_all(request).await.expect("room for the request");
    let head = read_head(stream).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).await.expect("the body");
    (head, String::from_utf8(body).expect("a body in UTF-8"))
}

/// Requests that are no handshake, with the status of the answer and the rule that its body names.
pub(crate) fn bad_requests() -> Vec<(String, u16, &'static str)> {
    let head = |from: &str, to: &str| REQUEST.replace(from, to);
    vec![
        (head("GET", "POST"), 405, "request-method"),
        (head("/chat", "http://other.example/chat"), 400, "request-host-mismatch"),
        (head("HTTP/1.1", "HTTP/1.0"), 505, "request-http-version"),
        (head("Host: example.com\r\n", ""), 400, "request-host"),
        (head("Upgrade: websocket\r\n", ""), 426, "request-upgrade"),
        (head("Upgrade: websocket", "Upgrade: h2c"), 426, "request-upgrade"),
        (head("Connection: Upgrade", "Connection: keep-alive"), 426, "request-connection"),
        (head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400, "request-key-missing"),
        (head("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400, "request-key-invalid"),
        (head("Version: 13", "Version: 12"), 426, "request-legacy-draft"),
        (head("Version: 13", "Version: 14"), 426, "request-version"),
        (head("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}"), 400, "request-body"),
        (head("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 400, "request-body"),
        (head("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a,,b\r\n\r\n"), 400, "request-subprotocol-syntax"),
        ("GET /chat HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned(), 426, "request-upgrade"),
    ]
}

/// Holds a service to the answers to them.
pub(crate) async fn rejects_bad_requests(connect: impl Fn() -> DuplexStream) {
    for (request, status, rule) in bad_requests() {
        let (head, body) = ask(&mut connect(), request.as_bytes()).await;
        let line = head.lines().next().unwrap_or_default();
        assert!(line.split(' ').nth(1) == Some(&status.to_string()), "{request}{head}{body}");
        assert!(body.starts_with(&format!("{rule}: ")), "{request}{head}{body}");
        assert!(head.contains("content-type: text/plain; charset=utf-8\r\n"), "{head}");
        assert_eq!(status == 405, head.contains("allow: GET\r\n"), "{head}");
        let upgrade = head.contains("upgrade: websocket\r\nsec-websocket-version: 13\r\n");
        assert_eq!(status == 426, upgrade && head.contains("connection: upgrade\r\n"), "{head}");
    }
}

/// The handshake of HTTP/2 (RFC 8441), as hyper gives it.
pub(crate) fn http2_request() -> Request<String> {
    Request::builder()
        .method("CONNECT")
        .uri("https://example.com/chat")
        .version(http::Version::HTTP_2)
        .header("sec-websocket-version", "13")
        .body(String::new())
        .expect("a request")
}
