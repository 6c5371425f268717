//! Types of the crate `http`, in and out: feature `http`.

use crate::common::{echo_server, read_head, switch};
use framewise::{Client, Error, Misuse, Reply, Rule, Server};
use http::header::{COOKIE, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

/// The head that a request of the crate http leads to.
async fn asked(client: &Client, request: Request<()>) -> String {
    let (near, mut far) = duplex(1 << 14);
    let (connected, head) = tokio::join!(client.request_over(near, request), async {
        let head = read_head(&mut far).await;
        far.write_all(switch(&head).as_bytes()).await.unwrap();
        head
    });
    connected.unwrap();
    head
}

#[tokio::test]
async fn a_request_of_http_is_sent_with_its_headers_and_those_of_the_client() {
    let mut more = HeaderMap::new();
    more.append(USER_AGENT, HeaderValue::from_static("test"));
    more.append("x-twice", HeaderValue::from_static("1"));
    more.append("x-twice", HeaderValue::from_static("2"));
    let client = Client::new().headers(&more).protocol("v2");
    let request = Request::get("ws://example.com:8080/chat?room=1")
        .header(COOKIE, "a=b")
        .header(SEC_WEBSOCKET_PROTOCOL, "v1, v0")
        .body(())
        .unwrap();
    let head = asked(&client, request).await;
    assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8080\r\n"), "{head}");
    for line in
        ["cookie: a=b", "user-agent: test", "x-twice: 1", "x-twice: 2", "Sec-WebSocket-Protocol: v2, v1, v0"]
    {
        assert!(head.lines().any(|other| other == line), "{line} in {head}");
    }
}

#[tokio::test]
async fn a_complete_handshake_of_another_library_is_written_anew() {
    let request = Request::get("ws://127.0.0.1:9001/")
        .header("Host", "virtual.example")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    let head = asked(&Client::new(), request).await;
    for (name, times) in [("Host", 1), ("Connection", 1), ("Upgrade", 1), ("Sec-WebSocket-Key", 1)] {
        let lines = head
            .lines()
            .filter(|line| line.split_once(':').is_some_and(|(other, _)| other.eq_ignore_ascii_case(name)));
        assert_eq!(lines.count(), times, "{name} in {head}");
    }
    assert!(head.contains("Host: virtual.example\r\n") && !head.contains("dGhlIHNhbXBsZSBub25jZQ=="));
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_refused_before_anything_is_sent() {
    let get = || Request::get("ws://h/");
    for (request, misuse) in [
        (get().method(Method::POST), Misuse::Request(Rule::RequestMethod)),
        (get().version(Version::HTTP_2), Misuse::Request(Rule::RequestHttpVersion)),
        (get().version(Version::HTTP_10), Misuse::Request(Rule::RequestHttpVersion)),
        (
            get().header("Sec-WebSocket-Extensions", "permessage-deflate"),
            Misuse::HandshakeHeader("Sec-WebSocket-Extensions"),
        ),
        (get().header("Content-Length", "0"), Misuse::HandshakeHeader("Content-Length")),
        (get().header("Sec-WebSocket-Protocol", "a b"), Misuse::Request(Rule::RequestSubprotocolSyntax)),
    ] {
        let (near, mut far) = duplex(1 << 14);
        let error = Client::new().request_over(near, request.body(()).unwrap()).await.unwrap_err();
        assert!(matches!(&error, Error::Misuse(got) if *got == misuse), "{error}");
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "nothing was sent");
    }
    let error = Client::new().request(Request::get("/chat").body(()).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "a URL without a host: {error}");
}

#[tokio::test]
async fn request_connects_to_the_url_of_the_request() {
    let request = Request::get(format!("ws://{}/", echo_server().await)).body(()).unwrap();
    let mut ws = Client::new().request(request).await.unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some("hello"));
    assert_eq!(ws.response().unwrap().to_http().unwrap().status(), 101);
}

#[tokio::test]
async fn what_a_server_received_is_a_request_of_http() {
    let server = Server::new().reply(|request| {
        assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
        let http = request.to_http().unwrap();
        assert_eq!(http.uri(), "/chat?room=1");
        assert_eq!(http.headers()["x-bytes"].as_bytes(), b"caf\xe9");
        // A value of any bytes, the other way.
        Reply::accept().header("X-Bytes", http.headers()["x-bytes"].as_bytes())
    });
    let (near, far) = duplex(1 << 14);
    let client = Client::new().header("X-Bytes", b"caf\xe9");
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/chat?room=1"), server.accept(far));
    server.unwrap();
    assert_eq!(client.unwrap().response().unwrap().header("x-bytes"), Some(&b"caf\xe9"[..]));
}
