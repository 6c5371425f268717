//! The client's side of the handshake, towards servers that are down, refuse, redirect, stop, or speak something else.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::{RESPONSE, read_head, switch};
use framewise::{Client, ConnectFault, Error, Misuse, Rule, Strictness, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// What a client makes of a server that answers its request so, and then ends.
async fn answered(answer: &[u8]) -> Error {
    let (near, mut far) = duplex(1 << 21);
    let server = async {
        read_head(&mut far).await;
        far.write_all(answer).await.expect("room for the answer");
        far.shutdown().await.expect("an end");
        far
    };
    let client = Client::new();
    let (connected, _far) = tokio::join!(client.connect_over(near, "ws://example.com/chat"), server);
    connected.expect_err("there is no connection")
}

/// A server on TCP that answers each connection's first bytes so.
async fn tcp_server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut first = [0; 4096];
            let _ = stream.read(&mut first).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut first).await;
        }
    });
    address
}

fn fault(error: &Error) -> ConnectFault {
    let Error::Connect(error) = error else { panic!("{error}") };
    error.fault()
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = connect(&format!("ws://{address}/")).await.unwrap_err();
    assert_eq!(fault(&error), ConnectFault::NobodyListens);
    assert!(error.to_string().contains(&format!("connection refused by {address}")), "{error}");
    let Error::Connect(error) = error else { unreachable!("it has a fault") };
    assert!(error.io_error().is_some(), "the system's own words are kept");
}

#[tokio::test]
async fn a_name_without_an_address_and_a_url_that_is_none() {
    let error = connect("ws://no-such-host.invalid/").await.unwrap_err();
    assert_eq!(fault(&error), ConnectFault::Name, "{error}");
    assert!(error.to_string().contains("no-such-host.invalid"));
    let error = connect("http://example.com/chat").await.unwrap_err();
    assert_eq!(fault(&error), ConnectFault::Url);
    assert!(error.to_string().contains("write ws://example.com/chat"), "{error}");
}

#[tokio::test]
async fn tls_where_plain_was_expected() {
    // What OpenSSL and rustls answer to "GET /": an alert. Others begin their own handshake.
    for answer in
        [&b"\x15\x03\x01\x00\x02\x02\x0a"[..], b"\x15\x03\x03\x00\x02\x02\x16", b"\x16\x03\x03\x00\x7a\x02"]
    {
        let address = tcp_server(answer).await;
        let error = connect(&format!("ws://{address}/")).await.unwrap_err();
        assert_eq!(fault(&error), ConnectFault::ServerSpeaksTls);
        assert!(error.to_string().contains("write wss://"), "{error}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn plain_http_where_tls_was_expected() {
    let address = tcp_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    let config =
        framewise::rustls::ClientConfig::builder_with_provider(framewise::crypto_provider().unwrap())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(framewise::rustls::RootCertStore::empty())
            .with_no_client_auth();
    let client = Client::new().tls_config(config.into());
    let error = client.connect(&format!("wss://{address}/")).await.unwrap_err();
    assert_eq!(fault(&error), ConnectFault::ServerSpeaksPlain);
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_rejection_is_kept_with_the_start_of_its_body() {
    let error =
        answered(b"HTTP/1.1 403 Forbidden\r\nX-Why: origin\r\nContent-Length: 9\r\n\r\nno entry\nand more")
            .await;
    let Error::Rejected(rejected) = &error else { panic!("{error}") };
    assert_eq!((rejected.status, rejected.reason.as_str()), (403, "Forbidden"));
    assert_eq!(rejected.header("x-why"), Some(&b"origin"[..]));
    assert_eq!(&rejected.body[..], b"no entry\n");
    assert_eq!(error.violation().unwrap().rule, Rule::ResponseStatus);
    assert!(error.to_string().starts_with("the server answered 403 Forbidden"), "{error}");

    // A body that is cut inside of a character is quoted up to there; one in another encoding is not.
    for (body, quoted) in [(&b"gr\xc3"[..], ": \"gr\" ("), (b"gr\xf6\xdf", "403 Forbidden (")] {
        let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n", body.len());
        let says = answered(&[head.as_bytes(), body, b"more"].concat()).await.to_string();
        assert!(says.contains(quoted), "{says}");
    }

    let long = [&b"HTTP/1.1 500 Oops\r\n\r\n"[..], &vec![b'x'; 1 << 20]].concat();
    let Error::Rejected(rejected) = answered(&long).await else { panic!("a rejection") };
    assert_eq!(rejected.body.len(), 4096);
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let error =
        answered(b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.com/chat/\r\n\r\n").await;
    let Error::Rejected(rejected) = &error else { panic!("{error}") };
    assert_eq!(rejected.location(), Some("https://example.com/chat/"));
    assert!(error.to_string().contains("redirect to \"https://example.com/chat/\""), "{error}");
}

#[tokio::test]
async fn interim_responses_are_skipped_and_count_towards_the_limit() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    let (near, mut far) = duplex(1 << 16);
    let client = Client::new();
    let (connected, ()) = tokio::join!(client.connect_over(near, "ws://example.com/chat"), async {
        let request = read_head(&mut far).await;
        let answer = format!("{interim}{}", switch(&request));
        // Byte by byte: no interim response is taken for the end.
        for byte in answer.bytes() {
            far.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        // A frame that breaks a rule: its place counts everything before it.
        far.write_all(&[0xff, 0]).await.unwrap();
    });
    drop(far);
    let mut ws = connected.unwrap();
    let response = ws.response().unwrap();
    assert_eq!((response.status, response.header("link")), (101, None));
    let error = ws.next().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().offset, Some((interim.len() + RESPONSE.len()) as u64));

    let Error::Rejected(rejected) =
        answered(format!("{interim}HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno").as_bytes()).await
    else {
        panic!("a rejection")
    };
    assert_eq!((rejected.status, &rejected.body[..]), (403, &b"no"[..]));
    assert_eq!(rejected.violation.offset, Some(interim.len() as u64));

    let error = answered(interim.as_bytes()).await;
    assert_eq!(error.violation().unwrap().rule, Rule::ResponseMissing);
    let error = answered(interim.repeat(10_000).as_bytes()).await;
    let violation = error.violation().unwrap();
    assert_eq!((violation.rule, violation.offset), (Rule::ResponseTooLarge, Some(16 * 1024)));
}

#[tokio::test]
async fn answers_that_break_a_rule() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (answer, rule) in [
        (String::new(), Rule::ResponseMissing),
        ("HTTP/1.1 101 Switch".to_owned(), Rule::ResponseMissing),
        ("SSH-2.0-OpenSSH_9.2p1\r\n".to_owned(), Rule::ResponseNotHttp),
        ("\u{1}".repeat(1 << 20), Rule::ResponseNotHttp),
        (format!("{good}\r\n"), Rule::ResponseAcceptMissing),
        (
            format!("{good}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            Rule::ResponseAcceptWrong,
        ),
        (format!("{good}X: {}\r\n\r\n", "y".repeat(1 << 20)), Rule::ResponseTooLarge),
    ] {
        assert_eq!(answered(answer.as_bytes()).await.violation().expect("a rule").rule, rule);
    }
}

#[tokio::test]
async fn a_response_of_more_than_128_header_lines_is_too_large() {
    let start = "HTTP/1.1 403 No\r\n";
    let Error::Rejected(rejected) =
        answered(format!("{start}{}\r\n", "X: y\r\n".repeat(128)).as_bytes()).await
    else {
        panic!("a response that is read")
    };
    assert_eq!((rejected.status, rejected.headers.len()), (403, 128));
    let error = answered(format!("{start}{}\r\n", "X: y\r\n".repeat(129)).as_bytes()).await;
    assert_eq!(error.violation().unwrap().rule, Rule::ResponseTooLarge);
    assert!(error.to_string().contains("more than 128 header lines"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_has_ten_seconds_and_a_body_has_one() {
    let start = Instant::now();
    let (near, _far) = duplex(1 << 16);
    let error = Client::new().connect_over(near, "ws://h/").await.unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::ResponseTimeout);
    assert_eq!(start.elapsed(), Duration::from_secs(10));

    let start = Instant::now();
    let (near, mut far) = duplex(1 << 16);
    far.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nlater").await.unwrap();
    let Error::Rejected(rejected) = Client::new().connect_over(near, "ws://h/").await.unwrap_err() else {
        panic!("a rejection")
    };
    assert_eq!((rejected.status, &rejected.body[..]), (503, &b"later"[..]));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn the_request_says_what_was_set() {
    let (near, mut far) = duplex(1 << 16);
    let client = Client::new().protocols(["v2", "v1"]).origin("https://example.com").header("Cookie", "a=b");
    let connecting = client.connect_over(near, "ws://user:secret@example.com:8080/chat?room=1");
    let (connected, request) = tokio::join!(connecting, async {
        let request = read_head(&mut far).await;
        let answer = switch(&request).replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: v1\r\n\r\n");
        far.write_all(answer.as_bytes()).await.unwrap();
        request
    });
    for line in [
        "GET /chat?room=1 HTTP/1.1",
        "Host: example.com:8080",
        "Sec-WebSocket-Protocol: v2, v1",
        "Origin: https://example.com",
        "Cookie: a=b",
        "Authorization: Basic dXNlcjpzZWNyZXQ=",
    ] {
        assert!(request.lines().any(|other| other == line), "{line} in {request}");
    }
    let ws = connected.unwrap();
    assert_eq!(ws.protocol(), Some("v1"));
    assert_eq!(ws.response().unwrap().status, 101);
}

#[tokio::test]
async fn the_callers_host_stands_for_that_of_the_url_and_must_be_one() {
    let (near, mut far) = duplex(1 << 16);
    let client = Client::new().header("host", "virtual.example:8080");
    let (connected, request) = tokio::join!(client.connect_over(near, "ws://127.0.0.1/"), async {
        let request = read_head(&mut far).await;
        far.write_all(switch(&request).as_bytes()).await.unwrap();
        request
    });
    connected.unwrap();
    let hosts: Vec<_> =
        request.lines().filter(|line| line.to_ascii_lowercase().starts_with("host:")).collect();
    assert_eq!(hosts, ["Host: virtual.example:8080"]);

    let (near, mut far) = duplex(1 << 16);
    let twice = client.header("Host", "other.example");
    let error = twice.connect_over(near, "ws://127.0.0.1/").await.unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::HandshakeHeader("Host"))), "{error}");
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "nothing was sent");
}

#[tokio::test]
async fn a_header_of_the_handshakes_own_is_refused_before_anybody_is_disturbed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    for name in ["Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
        let client = Client::new().header("Cookie", "a=b").header(name.to_ascii_lowercase(), "1");
        let (near, mut far) = duplex(1 << 16);
        for error in
            [client.connect(&url).await.unwrap_err(), client.connect_over(near, &url).await.unwrap_err()]
        {
            assert!(matches!(error, Error::Misuse(Misuse::HandshakeHeader(told)) if told == name), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "nothing was sent");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_header_that_would_break_the_head_is_not_sent_and_is_named() {
    for (name, value, says) in [
        ("X-Trace", "a\r\nY: b", "the value of the header X-Trace contains"),
        ("X-Trace", "a\0", "the value of the header X-Trace contains"),
        ("X Trace", "a", "the header name that begins with X goes on with"),
        ("", "a", "a header name is empty"),
        ("Sec-WebSocket-Protocol", "chat", "use the setting `protocols` instead"),
        ("Sec-WebSocket-Extensions", "permessage-deflate", "use the setting `deflate` instead"),
        (
            "Content-Length",
            "0",
            "Content-Length says how long a body is, which the handshake knows: leave it out",
        ),
    ] {
        let (near, mut far) = duplex(1 << 16);
        let error = Client::new().header(name, value).connect_over(near, "ws://h/").await.unwrap_err();
        assert!(matches!(error, Error::Misuse(_)) && error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("a\r"), "{error}");
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "nothing was sent");
    }
}

#[tokio::test]
async fn a_bearer_token_replaces_the_login_of_the_url() {
    let (near, mut far) = duplex(1 << 16);
    let client = Client::new().bearer_auth("4f1c");
    let (connected, request) = tokio::join!(client.connect_over(near, "ws://user:secret@h/"), async {
        let request = read_head(&mut far).await;
        far.write_all(switch(&request).as_bytes()).await.unwrap();
        request
    });
    connected.unwrap();
    let lines: Vec<_> = request.lines().filter(|line| line.starts_with("Authorization")).collect();
    assert_eq!(lines, ["Authorization: Bearer 4f1c"]);
}

#[tokio::test]
async fn a_url_may_be_any_text_and_a_stream_needs_no_client() {
    let address = crate::common::echo_server().await;
    let ws = connect(format!("ws://{address}/")).await.unwrap();
    assert_eq!(ws.get_ref().peer_addr().unwrap(), address);
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let url = String::from("ws://example.com/");
    let mut ws = framewise::connect_over(stream, &url).await.unwrap();
    ws.send(&url).await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some(url.as_str()));
}

#[tokio::test]
async fn what_a_client_tolerates_is_a_setting() {
    for tolerates in [true, false] {
        let (near, mut far) = duplex(1 << 16);
        let client = Client::new().strictness(Strictness::default().body_headers_on_101(tolerates));
        let (connected, ()) = tokio::join!(client.connect_over(near, "ws://example.com/"), async {
            let head = switch(&read_head(&mut far).await);
            far.write_all(head.replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n").as_bytes())
                .await
                .unwrap();
        });
        assert_eq!(connected.is_ok(), tolerates);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_complete_is_not_waited_for() {
    for (length, seconds) in [(2, 0), (3, 1)] {
        let (near, mut far) = duplex(1 << 16);
        let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\nno");
        far.write_all(head.as_bytes()).await.unwrap();
        let start = Instant::now();
        let client = Client::new();
        let Err(Error::Rejected(rejected)) = client.connect_over(near, "ws://h/").await else {
            panic!("no rejection")
        };
        assert_eq!((&rejected.body[..], start.elapsed().as_secs()), (&b"no"[..], seconds));
    }
}
