use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;

use crate::ROOM;
use crate::tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use crate::tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError, UrlError};
use crate::tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use crate::tokio_tungstenite::tungstenite::handshake::server::{
    ErrorResponse, Request, Response, create_response, write_response,
};
use crate::tokio_tungstenite::tungstenite::http::{self, HeaderValue, StatusCode};
use crate::tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message};
use crate::tokio_tungstenite::{accept_async, accept_hdr_async, client_async, connect_async};

#[tokio::test]
async fn a_client_connects_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/chat", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut ws = accept_async(stream).await.expect("a handshake");
        while let Some(Ok(message)) = ws.next().await {
            if message.is_text() {
                ws.send(message).await.expect("it is sent");
            }
        }
    });
    let (mut ws, response) = connect_async(url).await.expect("a connection");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert!(response.headers().contains_key("sec-websocket-accept"));
    assert!(response.body().is_none());
    assert!(ws.get_ref().get_ref().peer_addr().is_ok());
    ws.send(Message::text("hello")).await.expect("it is sent");
    assert_eq!(ws.next().await.expect("a message").expect("a valid one"), Message::text("hello"));
    ws.close(None).await.expect("it is sent");
    while ws.next().await.is_some() {}
    server.await.expect("no panic");
}

#[tokio::test]
async fn the_callback_reads_the_request_and_adds_to_the_response() {
    let (near, far) = duplex(ROOM);
    let callback = |request: &Request, mut response: Response| {
        assert_eq!(request.uri().path(), "/chat");
        assert_eq!(request.headers()["x-token"], "4f1c");
        assert!(response.headers().contains_key("sec-websocket-accept"));
        let headers = response.headers_mut();
        headers.append("sec-websocket-protocol", HeaderValue::from_static("b"));
        headers.append("x-room", HeaderValue::from_static("7"));
        Ok(response)
    };
    let request = ClientRequestBuilder::new("ws://localhost/chat".parse().expect("a URL"))
        .with_header("X-Token", "4f1c")
        .with_sub_protocol("a")
        .with_sub_protocol("b");
    let (client, server) = tokio::join!(client_async(request, near), accept_hdr_async(far, callback));
    server.expect("a handshake");
    let (_, response) = client.expect("a handshake");
    assert_eq!(response.headers()["sec-websocket-protocol"], "b");
    assert_eq!(response.headers()["x-room"], "7");
}

#[tokio::test]
async fn a_rejection_has_its_status_headers_and_body_at_both_ends() {
    let (near, far) = duplex(ROOM);
    let callback = |_: &Request, _: Response| {
        let response = http::Response::builder().status(401).header("x-why", "no token");
        Err::<Response, ErrorResponse>(response.body(Some("log in".to_owned())).expect("a response"))
    };
    let (client, server) =
        tokio::join!(client_async("ws://localhost/", near), accept_hdr_async(far, callback));
    for error in [client.map(drop).expect_err("rejected"), server.map(drop).expect_err("rejected")] {
        let Error::Http(response) = error else { panic!("{error:?}") };
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["x-why"], "no token");
        assert_eq!(response.body().as_deref(), Some(&b"log in"[..]));
    }
}

#[tokio::test]
async fn a_rejection_cannot_be_a_success() {
    let (near, far) = duplex(ROOM);
    let callback = |_: &Request, _: Response| Err::<Response, ErrorResponse>(http::Response::new(None));
    let (client, server) =
        tokio::join!(client_async("ws://localhost/", near), accept_hdr_async(far, callback));
    let error = server.map(drop).expect_err("a mistake");
    assert!(matches!(error, Error::Protocol(ProtocolError::CustomResponseSuccessful)), "{error:?}");
    let Err(Error::Http(response)) = client else { panic!("the client gets an answer") };
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_bad_request_is_answered() {
    let good = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (from, to, expected, status) in [
        ("GET", "POST", ProtocolError::WrongHttpMethod, "405"),
        ("HTTP/1.1", "HTTP/1.0", ProtocolError::WrongHttpVersion, "505"),
        ("Connection: Upgrade\r\n", "", ProtocolError::MissingConnectionUpgradeHeader, "426"),
        ("Upgrade: websocket", "Upgrade: h2c", ProtocolError::MissingUpgradeWebSocketHeader, "426"),
        ("Version: 13", "Version: 14", ProtocolError::MissingSecWebSocketVersionHeader, "426"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", ProtocolError::MissingSecWebSocketKey, "400"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "short", ProtocolError::InvalidSecWebSocketKey, "400"),
    ] {
        let (mut near, far) = duplex(ROOM);
        near.write_all(good.replace(from, to).as_bytes()).await.expect("room");
        let client = async {
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.expect("an answer");
            drop(near);
            answer
        };
        let (server, answer) = tokio::join!(accept_async(far), client);
        let error = server.map(drop).expect_err("a bad request");
        assert!(matches!(&error, Error::Protocol(error) if *error == expected), "{to}: {error:?}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{to}: {answer}");
    }
}

/// What a client gets for a response.
async fn answered(response: &str, request: http::Request<()>) -> Error {
    let (near, mut far) = duplex(ROOM);
    let server = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(far.read_u8().await.expect("a request"));
        }
        let request = String::from_utf8(request).expect("text");
        let (_, rest) = request.split_once("Sec-WebSocket-Key: ").expect("a key");
        let accept = derive_accept_key(&rest.as_bytes()[..24]);
        far.write_all(response.replace("ACCEPT", &accept).as_bytes()).await.expect("room");
        drop(far);
    };
    let (client, ()) = tokio::join!(client_async(request, near), server);
    client.map(drop).expect_err("a bad response")
}

#[tokio::test]
async fn a_bad_response_is_an_error() {
    let plain = || "ws://localhost/".into_client_request().expect("a request");
    let offers = || {
        let mut request = plain();
        request.headers_mut().append("sec-websocket-protocol", HeaderValue::from_static("a"));
        request
    };
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for (lines, request, expected) in [
        ("\r\n", plain(), ProtocolError::SecWebSocketAcceptKeyMismatch),
        ("Sec-WebSocket-Accept: x\r\n\r\n", plain(), ProtocolError::SecWebSocketAcceptKeyMismatch),
        ("Sec-WebSo", plain(), ProtocolError::HandshakeIncomplete),
        (
            "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: b\r\n\r\n",
            offers(),
            ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::InvalidSubProtocol),
        ),
        (
            "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: b\r\n\r\n",
            plain(),
            ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::ServerSentSubProtocolNoneRequested),
        ),
    ] {
        let error = answered(&format!("{head}{lines}"), request).await;
        assert!(matches!(&error, Error::Protocol(error) if *error == expected), "{lines}: {error:?}");
    }
    let error = answered("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", plain()).await;
    let Error::Http(response) = error else { panic!("{error:?}") };
    assert_eq!((response.status(), response.body().as_deref()), (StatusCode::NOT_FOUND, Some(&b"nope"[..])));
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_an_error() {
    let good = || "ws://localhost/".into_client_request().expect("a request");
    for name in ["host", "connection", "upgrade", "sec-websocket-version", "sec-websocket-key"] {
        for twice in [false, true] {
            let mut request = good();
            if twice {
                request.headers_mut().append(name, HeaderValue::from_static("x"));
            } else {
                request.headers_mut().remove(name);
            }
            let error = client_async(request, duplex(ROOM).0).await.map(drop).expect_err("a bad request");
            let Error::Protocol(ProtocolError::InvalidHeader(wrong)) = error else { panic!("{error:?}") };
            assert_eq!(wrong.as_str(), name);
        }
    }
    for (url, expected) in [
        ("http://localhost/", UrlError::UnsupportedUrlScheme),
        ("wss://localhost/", UrlError::TlsFeatureNotEnabled),
    ] {
        if cfg!(feature = "__rustls-tls") && url.starts_with("wss") {
            continue;
        }
        let (near, _far) = duplex(ROOM);
        let error =
            crate::tokio_tungstenite::client_async_tls(url, near).await.map(drop).expect_err("a bad URL");
        assert!(matches!(&error, Error::Url(error) if *error == expected), "{url}: {error:?}");
    }
    assert!(matches!("/chat".into_client_request(), Err(Error::Url(UrlError::NoHostName))));
}

#[test]
fn a_response_is_written_for_another_library() {
    let mut request = "ws://localhost/".into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-key", HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
    request.headers_mut().remove("host");
    let response = create_response(&request).expect("a response");
    let mut head = Vec::new();
    write_response(&mut head, &response).expect("it is written");
    let head = String::from_utf8(head).expect("text");
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    request.headers_mut().remove("upgrade");
    let error = create_response(&request).expect_err("a bad request");
    assert!(matches!(error, Error::Protocol(ProtocolError::MissingUpgradeWebSocketHeader)), "{error:?}");
}
