//! The server's side of the handshake, towards clients that stop, drip, flood, or speak something else.

use std::time::Duration;

use crate::common::{REQUEST, RESPONSE};
use framewise::{Error, Message, Misuse, Reply, Rule, Server, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

/// What a server makes of these bytes, and what it answers.
async fn shake(server: &Server, bytes: &[u8]) -> (Result<WebSocket<DuplexStream>, Error>, String) {
    let (near, far) = duplex(1 << 12);
    let (mut read, mut write) = tokio::io::split(near);
    let talk = async {
        let _ = write.write_all(bytes).await;
        let _ = write.shutdown().await;
    };
    let mut got = vec![0; 4096];
    let (accepted, (), count) = tokio::join!(server.accept(far), talk, async {
        let mut filled = 0;
        loop {
            match read.read(&mut got[filled..]).await {
                Ok(count @ 1..) => filled += count,
                _ => break filled,
            }
            if got[..filled].windows(4).any(|window| window == b"\r\n\r\n")
                && got.starts_with(b"HTTP/1.1 101")
            {
                break filled;
            }
        }
    });
    got.truncate(count);
    (accepted, String::from_utf8(got).expect("an answer in UTF-8"))
}

fn rule(accepted: Result<WebSocket<DuplexStream>, Error>) -> Rule {
    accepted.expect_err("it is refused").violation().expect("a rule").rule
}

#[tokio::test]
async fn a_good_request_is_accepted_with_the_frames_behind_it() {
    let bytes =
        [REQUEST.as_bytes(), &crate::common::masked(framewise::proto::Opcode::Text, true, b"early")].concat();
    let (accepted, answer) = shake(&Server::new(), &bytes).await;
    let mut ws = accepted.unwrap();
    assert_eq!(answer, RESPONSE);
    assert_eq!(ws.request().unwrap().target, "/chat");
    assert_eq!(ws.request().unwrap().host, "example.com");
    assert!(ws.response().is_none());
    ws.forget_handshake();
    assert!(ws.request().is_none());
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("early"));
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_with_its_status() {
    let server = Server::new().origins(["https://example.com"]);
    let head = |from: &str, to: &str| REQUEST.replace(from, to).into_bytes();
    for (bytes, expected, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), Rule::RequestNotHttp, "400"),
        (vec![0xaa; 1 << 20], Rule::RequestNotHttp, "400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), Rule::RequestNotHttp, "400"),
        (head("GET", "POST"), Rule::RequestMethod, "405"),
        (head("HTTP/1.1", "HTTP/1.0"), Rule::RequestHttpVersion, "505"),
        (head("Host: example.com\r\n", ""), Rule::RequestHost, "400"),
        (head("Upgrade: websocket\r\n", ""), Rule::RequestUpgrade, "426"),
        (head("Version: 13", "Version: 12"), Rule::RequestLegacyDraft, "426"),
        (head("dGhlIHNhbXBsZSBub25jZQ==", "short"), Rule::RequestKeyInvalid, "400"),
        (head("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}"), Rule::RequestBody, "400"),
        (head("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"), Rule::RequestOrigin, "403"),
        (REQUEST.as_bytes()[..60].to_vec(), Rule::RequestTruncated, "400"),
        (Vec::new(), Rule::RequestTruncated, "400"),
        (head("/chat", &format!("/{}", "a".repeat(1 << 20))), Rule::RequestTooLarge, "431"),
        (head("\r\n\r\n", &"\r\nX: y".repeat(1 << 17)), Rule::RequestTooLarge, "431"),
    ] {
        let (accepted, answer) = shake(&server, &bytes).await;
        assert_eq!(rule(accepted), expected);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{expected}: {answer}");
        assert!(answer.contains(expected.id()), "the body names the rule: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_or_stops_has_ten_seconds() {
    for drip in [true, false] {
        let (mut near, far) = duplex(1 << 12);
        let talk = async {
            for byte in REQUEST.bytes() {
                if drip {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                if near.write_all(&[byte]).await.is_err() || (!drip && byte == b'H') {
                    break;
                }
            }
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let accept = async {
            let start = Instant::now();
            let accepted = Server::new().accept(far).await;
            // The answer, and then the time that the client has to take it.
            assert_eq!(start.elapsed(), Duration::from_secs(15));
            accepted
        };
        let (accepted, answer) = tokio::join!(accept, talk);
        assert_eq!(rule(accepted), Rule::RequestTimeout);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[tokio::test]
async fn a_request_of_more_than_128_header_lines_is_too_large() {
    let lines = |count: usize| {
        let more = count - (REQUEST.lines().count() - 2);
        REQUEST.replace("\r\n\r\n", &format!("{}\r\n\r\n", "\r\nX: y".repeat(more)))
    };
    let (accepted, _) = shake(&Server::new(), lines(128).as_bytes()).await;
    assert_eq!(accepted.unwrap().request().unwrap().headers.len(), 128);
    let (accepted, answer) = shake(&Server::new(), lines(129).as_bytes()).await;
    let error = accepted.expect_err("it is rejected").to_string();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    for said in [&answer, &error] {
        assert!(said.contains("more than 128 header lines"), "{said}");
    }
}

#[tokio::test]
async fn the_application_decides_by_what_the_request_says() {
    let server = Server::new().protocols(["v2", "v1"]).header("X-Served-By", "test").reply(|request| {
        match request.target.as_str() {
            "/chat" => Reply::accept(),
            "/odd" => Reply::accept().protocol("never-offered"),
            "/length" => Reply::accept().header("Content-Length", "0"),
            "/ok" => Reply::reject(200, "not a handshake"),
            "/split" => Reply::reject(400, "").header("X", "y\r\nZ: w"),
            "/moved" => Reply::reject(308, "").header("Location", "/chat"),
            _ => Reply::reject(404, "there is only /chat\n"),
        }
    });
    let offer = REQUEST.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: v1, v2\r\n\r\n");
    let (accepted, answer) = shake(&server, offer.as_bytes()).await;
    assert_eq!(accepted.unwrap().protocol(), Some("v2"), "the server's preference counts");
    assert!(answer.contains("Sec-WebSocket-Protocol: v2\r\n") && answer.contains("X-Served-By: test\r\n"));

    let (accepted, answer) = shake(&server, REQUEST.as_bytes()).await;
    assert_eq!(accepted.unwrap().protocol(), None);
    assert!(!answer.contains("Sec-WebSocket-Protocol"));

    let (accepted, answer) = shake(&server, offer.replace("/chat", "/other").as_bytes()).await;
    assert!(matches!(accepted, Err(Error::RequestRejected(404))));
    assert!(
        answer.starts_with("HTTP/1.1 404 Not Found\r\n") && answer.ends_with("\r\n\r\nthere is only /chat\n")
    );

    let (accepted, answer) = shake(&server, offer.replace("/chat", "/moved").as_bytes()).await;
    assert!(matches!(accepted, Err(Error::RequestRejected(308))));
    assert!(answer.contains("\r\nLocation: /chat\r\n"));

    // What would break the handshake is not sent, and the client is not left without an answer.
    for (target, misuse) in [
        ("/odd", Misuse::SubprotocolUnoffered),
        ("/length", Misuse::HandshakeHeader("Content-Length")),
        ("/ok", Misuse::RejectionStatus(200)),
        ("/split", Misuse::HeaderValue("X".into())),
    ] {
        let (accepted, answer) = shake(&server, offer.replace("/chat", target).as_bytes()).await;
        assert!(matches!(accepted, Err(Error::Misuse(got)) if got == misuse), "{target}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 500 "), "{target}: {answer}");
    }
}

#[tokio::test]
async fn a_refusal_has_the_status_the_headers_and_the_body_of_the_application() {
    let server = Server::new().header("X-Served-By", "only a 101").reply(|_| {
        Reply::reject(401, r#"{"error":"token expired"}"#)
            .header("WWW-Authenticate", "Bearer")
            .header("Content-Type", "application/json")
    });
    let (accepted, answer) = shake(&server, REQUEST.as_bytes()).await;
    assert!(matches!(accepted, Err(Error::RequestRejected(401))));
    assert_eq!(
        answer,
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nWWW-Authenticate: Bearer\r\nContent-Type: application/json\r\n\
         Content-Length: 25\r\n\r\n{\"error\":\"token expired\"}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_in_the_applications_own_time() {
    let server = Server::new().protocols(["v2", "v1"]).header("X-Served-By", "test");
    let request = REQUEST.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: v1\r\n\r\n");
    let early = crate::common::masked(framewise::proto::Opcode::Text, true, b"early");
    for accepts in [true, false] {
        let (mut near, far) = duplex(1 << 12);
        near.write_all(&[request.as_bytes(), &early].concat()).await.unwrap();
        let pending = server.request(far).await.unwrap();
        assert_eq!(
            (pending.request().target.as_str(), &pending.request().protocols[..]),
            ("/chat", &["v1".to_owned()][..])
        );
        // A look-up that takes longer than a client may for its request.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        if accepts {
            let mut ws = pending.answer(Reply::accept()).await.unwrap();
            assert_eq!(ws.protocol(), Some("v1"));
            assert_eq!(ws.request().unwrap().target, "/chat");
            assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("early"));
            let head = crate::common::read_head(&mut near).await;
            assert!(head.contains("X-Served-By: test\r\n"), "{head}");
        } else {
            near.shutdown().await.unwrap();
            let answered = pending.answer(Reply::reject(403, "not you\n")).await;
            assert!(matches!(answered, Err(Error::RequestRejected(403))));
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.unwrap();
            assert!(
                answer.starts_with("HTTP/1.1 403 Forbidden\r\n") && answer.ends_with("\r\n\r\nnot you\n")
            );
        }
    }
    // A client that did not wait.
    let (mut near, far) = duplex(1 << 12);
    near.write_all(request.as_bytes()).await.unwrap();
    let pending = server.request(far).await.unwrap();
    drop(near);
    assert!(matches!(pending.answer(Reply::accept()).await, Err(Error::Io(_))));
}
