//! An error says everything in one sentence, and no part of it twice: neither to who walks its sources, nor to who returns
//! it from `main`.

use std::error::Error as StdError;
use std::io;

use framewise::proto::Opcode;
use framewise::{Client, CloseCode, Error, Misuse, Rule, ServeError, TrySendError, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;

use crate::common::{masked, pair, plain, read_head, server_and_raw};

/// An error of each kind, with what it is called here.
async fn each() -> Vec<(&'static str, Error)> {
    let mut errors = vec![
        ("rejected by us", Error::RequestRejected(404)),
        ("misuse", Misuse::CloseCode(CloseCode(1006)).into()),
        ("io of the system", io::Error::from_raw_os_error(104).into()),
        ("io with a text", io::Error::other("the peer reads nothing").into()),
        ("io around an io", io::Error::other(io::Error::from_raw_os_error(32)).into()),
        ("io around ours", io::Error::other(Error::from(Misuse::Closed)).into()),
        ("url", connect("http://example.com/").await.unwrap_err()),
        ("name", connect("ws://name.invalid/").await.unwrap_err()),
    ];
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    errors.push(("nobody listens", connect(&format!("ws://127.0.0.1:{port}/")).await.unwrap_err()));
    let (mut ws, mut raw) = server_and_raw().await;
    raw.write_all(&plain(Opcode::Text, true, b"unmasked")).await.unwrap();
    drop(raw);
    errors.push(("violation", ws.next().await.unwrap().unwrap_err()));
    let (near, mut far) = duplex(1 << 16);
    let client = Client::new();
    let (rejected, ()) = tokio::join!(client.connect_over(near, "ws://h/"), async {
        read_head(&mut far).await;
        far.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    });
    errors.push(("rejected", rejected.unwrap_err()));
    errors
}

/// The texts of an error and of its sources.
fn chain(error: &dyn StdError) -> Vec<String> {
    std::iter::successors(Some(error), |error| (**error).source()).map(ToString::to_string).collect()
}

#[track_caller]
fn says_it_once(name: &str, error: &dyn StdError) {
    let texts = chain(error);
    for (at, text) in texts.iter().enumerate() {
        for other in &texts[at + 1..] {
            assert!(!text.contains(other.as_str()), "{name}: {texts:#?}");
        }
    }
    let debug = format!("{error:?}");
    assert!(debug.starts_with(&texts[0]), "{name}: {debug}");
    assert!(!debug.contains(" {"), "{name} prints a struct: {debug}");
}

#[tokio::test]
async fn no_error_says_a_thing_twice_and_debug_begins_with_the_sentence() {
    for (name, error) in each().await {
        let detailed = format!("{error:#?}");
        assert!(detailed.starts_with(&error.to_string()), "{name}: {detailed}");
        says_it_once(name, &error);
        if let Error::Connect(error) = &error {
            says_it_once(name, error);
        }
        if let Error::Violation(violation) = &error {
            assert_eq!(violation.rule, Rule::MaskMissing);
            assert!(detailed.contains("rule: MaskMissing"), "{detailed}");
            assert_eq!(detailed.matches(&violation.to_string()).count(), 1, "{detailed}");
            says_it_once(name, &**violation);
        }
        let error = TrySendError::Failed(error);
        says_it_once(name, &error);
        let TrySendError::Failed(error) = error else { unreachable!() };
        let error = ServeError::Handshake(error);
        says_it_once(name, &error);
        let ServeError::Handshake(error) = error else { unreachable!() };
        let chained = chain(&io::Error::from(error));
        assert!(chained.windows(2).all(|pair| !pair[0].contains(&pair[1])), "{name}: {chained:?}");
    }
    for (name, error) in each().await {
        says_it_once(name, &ServeError::Handler(error));
    }
    let full = TrySendError::Full(vec![7; 1 << 20].into());
    says_it_once("full", &full);
    assert!(format!("{full:?}").len() < 200, "the message is not printed");
}

#[test]
fn every_misuse_says_what_to_do_once() {
    for misuse in [
        Misuse::Closed,
        Misuse::ControlTooLong { length: 126 },
        Misuse::CloseCode(CloseCode(1006)),
        Misuse::MessageOpen,
        Misuse::NoMessageOpen,
        Misuse::PartTaken,
        Misuse::TextNotUtf8,
        Misuse::Target,
        Misuse::HeaderName("".into()),
        Misuse::HeaderName("X".into()),
        Misuse::HeaderValue("X".into()),
        Misuse::HandshakeHeader("Upgrade"),
        Misuse::HandshakeHeader("Host"),
        Misuse::HandshakeHeader("Content-Length"),
        Misuse::HandshakeHeader("Sec-WebSocket-Protocol"),
        Misuse::Request(Rule::RequestSubprotocolSyntax),
        Misuse::SubprotocolUnoffered,
        Misuse::RejectionStatus(200),
    ] {
        says_it_once("misuse", &misuse);
        says_it_once("misuse", &Error::from(misuse.clone()));
        assert!(misuse.to_string().contains(": "), "what is the case, and what to do: {misuse}");
    }
}

#[cfg(feature = "hyper")]
#[test]
fn a_rejection_says_a_thing_once() {
    use framewise::{Reply, Server};

    let request = |lines: &[(&str, &str)]| {
        let request = http::Request::get("/").header("Host", "h");
        lines.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
    };
    let good = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (reply, lines) in [
        (Reply::accept(), &good[1..]),
        (Reply::reject(404, "there is only /chat\n"), &good),
        (Reply::reject(200, "not a rejection\n"), &good),
    ] {
        let server = Server::new().reply(move |_| reply.clone());
        let rejection = framewise::hyper::upgrade(&server, &mut request(lines)).unwrap_err();
        says_it_once("rejection", &rejection);
        assert_eq!(rejection.to_string(), rejection.error().to_string());
    }
}

#[tokio::test]
async fn halves_that_cannot_be_reunited_say_so_once() {
    let (one, other) = pair().await;
    let ((_, receiver), (sender, _)) = (one.split(), other.split());
    says_it_once("reunite", &receiver.reunite(sender).unwrap_err());
}

#[tokio::test]
async fn what_the_sentence_was_made_of_can_be_asked_for() {
    let Error::Connect(error) = connect("ws://127.0.0.1:1/").await.unwrap_err() else {
        panic!("nobody listens")
    };
    assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
}

/// What the page for those who come from tokio-tungstenite says of close codes, and the sentence of the error.
#[tokio::test]
async fn the_close_codes_that_may_be_sent_are_those_that_the_error_lists() {
    let codes = || (0..=3_001).chain(4_998..=5_001);
    let (mut client_says, mut server_says) = (Vec::new(), Vec::new());
    for (client_closes, says) in [(true, &mut client_says), (false, &mut server_says)] {
        let mut open = None;
        for code in codes() {
            let (mut client, mut server) = match open.take() {
                Some(pair) => pair,
                None => pair().await,
            };
            let closer = if client_closes { &mut client } else { &mut server };
            match closer.start_close(code, "why") {
                Ok(()) => says.push(code),
                Err(Error::Misuse(misuse)) => {
                    assert_eq!(misuse, Misuse::CloseCode(CloseCode(code)));
                    let list = "1000 to 1003, 1007 to 1014 (1010 as a client only), 3000 to 4999";
                    assert!(misuse.to_string().contains(list), "{misuse}");
                    open = Some((client, server));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    let listed = |code: &u16| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    let expected: Vec<u16> = codes().filter(listed).collect();
    assert_eq!(client_says, expected);
    let of_servers: Vec<u16> = expected.into_iter().filter(|code| *code != 1010).collect();
    assert_eq!(server_says, of_servers);
}

#[tokio::test]
async fn a_close_with_1005_or_none_and_no_reason_has_no_code() {
    for code in [CloseCode(1005), None.into()] {
        let (mut server, mut raw) = server_and_raw().await;
        server.start_close(code, "").unwrap();
        let mut close = [0; 2];
        raw.read_exact(&mut close).await.unwrap();
        assert_eq!(close, [0x88, 0]);
    }
    let (mut server, mut raw) = server_and_raw().await;
    let mut bytes = [0; 2];
    // A masked Close without a code: the server answers in kind.
    raw.write_all(&masked(Opcode::Close, true, b"")).await.unwrap();
    server.close(None, "").await.unwrap();
    raw.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, [0x88, 0]);
    let (mut server, _raw) = server_and_raw().await;
    assert!(matches!(server.start_close(None, "why"), Err(Error::Misuse(Misuse::CloseCode(_)))));
    let (mut server, mut raw) = server_and_raw().await;
    assert!(matches!(server.start_close(1005, "why"), Err(Error::Misuse(Misuse::CloseCode(_)))));
    raw.write_all(&masked(Opcode::Text, true, b"still open")).await.unwrap();
    server.next().await.unwrap().unwrap();
}

/// What a client says of a server that answers so.
async fn rejected_with(answer: &str) -> Error {
    let (near, mut far) = duplex(1 << 16);
    let client = Client::new();
    let (connected, ()) = tokio::join!(client.connect_over(near, "ws://h/"), async {
        read_head(&mut far).await;
        far.write_all(answer.as_bytes()).await.unwrap();
        drop(far);
    });
    connected.unwrap_err()
}

#[tokio::test]
async fn a_rejection_quotes_the_first_line_of_a_text() {
    let long = "x".repeat(200);
    for (kind, body, says) in [
        ("text/plain", "log in first\nthen come back\n", "403 Forbidden: \"log in first\" (response-status"),
        ("Text/Plain; charset=utf-8", "\r\n\r\nsecond\r\n", "403 Forbidden: \"second\" ("),
        ("application/json", "{\"error\":1}", "403 Forbidden: \"{\\\"error\\\":1}\" ("),
        ("text/plain", "a\u{1b}[31mb", "403 Forbidden: \"a\\u{1b}[31mb\" ("),
        ("text/plain", &long, &format!("403 Forbidden: \"{}…\" (", "x".repeat(120))),
        ("text/html", "<html>", "403 Forbidden (response-status"),
        ("application/octet-stream", "abc", "403 Forbidden (response-status"),
        ("text/plain", "", "403 Forbidden (response-status"),
    ] {
        let answer = format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let error = rejected_with(&answer).await.to_string();
        assert!(error.contains(says), "{kind}: {error}");
    }
    let none = rejected_with("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n").await.to_string();
    assert!(none.contains("403 Forbidden: \"no\" ("), "{none}");
}

#[tokio::test]
async fn no_secret_of_a_location_is_printed_and_a_program_can_have_it() {
    let error = rejected_with(
        "HTTP/1.1 302 Found\r\nLocation: https://user:s3cret@there/path?token=s3cret\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let Error::Rejected(rejected) = &error else { panic!("{error}") };
    assert_eq!(rejected.location(), Some("https://user:s3cret@there/path?token=s3cret"));
    for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(text.contains("https://***@there/path?***") && !text.contains("s3cret"), "{text}");
    }
}
