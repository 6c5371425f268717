//! The same program with tokio-tungstenite and with framewise-tungstenite.

#![allow(clippy::result_large_err)]

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

/// The program, with the names of a library.
macro_rules! with {
    ($name:ident, $library:ident, $other:pat => $rule:expr) => {
        mod $name {
            use super::*;
            use $library::tungstenite::error::{Error, ProtocolError};
            use $library::tungstenite::protocol::{Role, WebSocketConfig};
            use $library::tungstenite::{self, Message};
            use $library::{WebSocketStream, accept_hdr_async, client_async};

            fn told(message: &Message) -> String {
                match message {
                    Message::Text(text) => format!("text {text}"),
                    Message::Binary(bytes) => format!("binary {bytes:?}"),
                    Message::Ping(bytes) => format!("ping {bytes:?}"),
                    Message::Pong(bytes) => format!("pong {bytes:?}"),
                    Message::Close(None) => "close".to_owned(),
                    Message::Close(Some(close)) => format!("close {} {}", close.code, close.reason),
                    Message::Frame(_) => "frame".to_owned(),
                }
            }

            fn failed(error: &Error) -> String {
                match error {
                    Error::ConnectionClosed => "closed".to_owned(),
                    Error::AlreadyClosed => "already closed".to_owned(),
                    Error::Io(error) => format!("io {:?}", error.kind()),
                    Error::Capacity(error) => format!("{error:?}"),
                    Error::Protocol($other) => $rule,
                    #[allow(unreachable_patterns)]
                    Error::Protocol(error) => format!("{error:?}"),
                    Error::Utf8(_) => "utf8".to_owned(),
                    Error::Http(response) => format!("http {}", response.status()),
                    other => format!("{other:?}"),
                }
            }

            /// What one end returns for these bytes of the peer, and what it writes before the peer goes.
            pub(crate) async fn receives(client: bool, bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
                let role = if client { Role::Client } else { Role::Server };
                let config =
                    WebSocketConfig::default().max_message_size(Some(1000)).max_frame_size(Some(600));
                let (near, mut far) = duplex(64 * 1024);
                let mut ws = WebSocketStream::from_raw_socket(near, role, Some(config)).await;
                far.write_all(bytes).await.expect("room");
                far.shutdown().await.expect("it ends");
                let mut seen = Vec::new();
                while let Some(message) = ws.next().await {
                    match message {
                        Ok(message) => seen.push(told(&message)),
                        Err(error) => seen.push(failed(&error)),
                    }
                }
                drop(ws);
                let mut written = Vec::new();
                far.read_to_end(&mut written).await.expect("what it wrote");
                (seen, written)
            }

            /// What a server writes for these messages.
            pub(crate) async fn sends() -> Vec<u8> {
                let (near, mut far) = duplex(64 * 1024);
                let mut ws = WebSocketStream::from_raw_socket(near, Role::Server, None).await;
                for message in [
                    Message::text("hé"),
                    Message::binary(vec![7; 126]),
                    Message::binary(vec![7; 65_536 / 8]),
                    Message::Ping("p".into()),
                    Message::Pong("q".into()),
                    Message::text(""),
                ] {
                    ws.feed(message).await.expect("it is queued");
                }
                ws.flush().await.expect("it is written");
                ws.close(None).await.expect("it is written");
                let error = ws.send("late".into()).await.expect_err("it is closed");
                assert_eq!(failed(&error), "SendAfterClosing");
                drop(ws);
                let mut written = Vec::new();
                far.read_to_end(&mut written).await.expect("what it wrote");
                written
            }

            /// A client that sends what it is given, and returns what it sees.
            pub(crate) async fn client(stream: tokio::io::DuplexStream) -> Vec<String> {
                let request =
                    tungstenite::ClientRequestBuilder::new("ws://localhost/chat".parse().expect("a URL"))
                        .with_header("X-Token", "4f1c")
                        .with_sub_protocol("chat");
                let (mut ws, response) = client_async(request, stream).await.expect("a handshake");
                let mut seen =
                    vec![response.headers()["sec-websocket-protocol"].to_str().expect("text").to_owned()];
                for message in
                    [Message::text("hello"), Message::binary(vec![1; 100_000]), Message::Ping("p".into())]
                {
                    ws.send(message).await.expect("it is sent");
                }
                for _ in 0..3 {
                    seen.push(
                        told(&ws.next().await.expect("a message").expect("a valid one"))
                            .chars()
                            .take(20)
                            .collect(),
                    );
                }
                ws.close(None).await.expect("it is sent");
                while let Some(message) = ws.next().await {
                    seen.push(told(&message.expect("a valid one")));
                }
                seen
            }

            /// A server that echoes.
            pub(crate) async fn server(stream: tokio::io::DuplexStream) -> Vec<String> {
                use tungstenite::handshake::server::{Request, Response};
                let callback = |request: &Request, mut response: Response| {
                    assert_eq!(request.headers()["x-token"], "4f1c");
                    let chosen = request.headers()["sec-websocket-protocol"].clone();
                    response.headers_mut().insert("sec-websocket-protocol", chosen);
                    Ok(response)
                };
                let mut ws = accept_hdr_async(stream, callback).await.expect("a handshake");
                let mut seen = Vec::new();
                while let Some(message) = ws.next().await {
                    let message = message.expect("a valid one");
                    seen.push(told(&message).chars().take(20).collect());
                    if message.is_text() || message.is_binary() {
                        ws.send(message).await.expect("it is sent");
                    }
                }
                seen
            }
        }
    };
}

with!(theirs, tokio_tungstenite, ProtocolError::JunkAfterRequest => "junk".to_owned());
with!(ours, framewise_tungstenite, ProtocolError::Violation(violation) => violation.rule.to_string());

/// Bytes of the peer, whether a client reads them, what tokio-tungstenite returns, and what this does where it differs.
type Case = (&'static [u8], bool, &'static [&'static str], Option<&'static [&'static str]>);

const RESET: &str = "ResetWithoutClosingHandshake";

const CASES: &[Case] = &[
    (&[0x81, 5, b'h', b'e', b'l', b'l', b'o'], true, &["text hello", RESET], None),
    (&[0x01, 1, b'h', 0x89, 1, b'p', 0x80, 1, b'i'], true, &["ping b\"p\"", "text hi", RESET], None),
    (&[0x82, 0, 0x8a, 0], true, &["binary b\"\"", "pong b\"\"", RESET], None),
    (&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'], false, &["text hi", RESET], None),
    (&[0x88, 2, 3, 0xe8], true, &["close 1000 "], None),
    (&[0x88, 5, 3, 0xe9, b'b', b'y', b'e'], true, &["close 1001 bye"], None),
    (&[0x88, 0], true, &["close"], None),
    (&[0x88, 0x80, 0, 0, 0, 0], false, &["close"], None),
    (&[0x88, 0, 0x81, 0], true, &["close", "ReceivedAfterClosing"], Some(&["close"])),
    (&[], true, &[RESET], None),
    (&[0x81, 5, b'h'], true, &[RESET], None),
    (&[0xa1, 0], true, &["NonZeroReservedBits"], None),
    (&[0xc1, 0], true, &["NonZeroReservedBits"], None),
    (&[0x83, 0], true, &["InvalidOpcode(3)"], None),
    (&[0x8f, 0], true, &["InvalidOpcode(15)"], None),
    (&[0x81, 0x80, 0, 0, 0, 0], true, &["MaskedFrameFromServer"], None),
    (&[0x81, 0], false, &["UnmaskedFrameFromClient"], None),
    (&[0x09, 0], true, &["FragmentedControlFrame"], None),
    (&[0x80, 0], true, &["UnexpectedContinueFrame"], None),
    (&[0x01, 0, 0x81, 0], true, &["ExpectedFragment(Text)"], None),
    (&[0x01, 0, 0x82, 0], true, &["ExpectedFragment(Binary)"], Some(&["ExpectedFragment(Text)"])),
    (&[0x88, 1, 3], true, &["InvalidCloseSequence"], None),
    (&[0x81, 1, 0xff], true, &["utf8"], None),
    (&[0x82, 126, 2, 0x59], true, &["MessageTooLong { size: 601, max_size: 600 }"], None),
    // Rules that tungstenite does not check.
    (&[0x81, 126, 0, 1, b'a'], true, &["text a", RESET], Some(&["length-not-minimal-16"])),
    (&[0x88, 2, 3, 0xee], true, &["close 1002 Protocol violation"], Some(&["InvalidCloseSequence"])),
];

#[tokio::test]
async fn the_same_bytes_are_the_same_messages_and_errors() {
    for (bytes, client, theirs, ours) in CASES {
        assert_eq!(theirs::receives(*client, bytes).await.0, *theirs, "tokio-tungstenite: {bytes:x?}");
        assert_eq!(ours::receives(*client, bytes).await.0, ours.unwrap_or(theirs), "here: {bytes:x?}");
    }
}

#[tokio::test]
async fn the_same_answers_are_written() {
    // Masked frames are not the same twice: a server's.
    for bytes in
        [&[0x89, 0x81, 0, 0, 0, 0, b'p'][..], &[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8], &[0x88, 0x80, 0, 0, 0, 0]]
    {
        let (theirs, ours) = (theirs::receives(false, bytes).await.1, ours::receives(false, bytes).await.1);
        assert_eq!(ours[..theirs.len()], theirs, "{bytes:x?}");
    }
}

#[tokio::test]
async fn the_same_messages_are_the_same_bytes() {
    assert_eq!(ours::sends().await, theirs::sends().await);
}

#[tokio::test]
async fn each_talks_to_the_other() {
    let (near, far) = duplex(1000);
    let both = tokio::join!(theirs::client(near), theirs::server(far));
    let (near, far) = duplex(1000);
    assert_eq!(tokio::join!(ours::client(near), theirs::server(far)), both);
    let (near, far) = duplex(1000);
    assert_eq!(tokio::join!(theirs::client(near), ours::server(far)), both);
    let (near, far) = duplex(1000);
    assert_eq!(tokio::join!(ours::client(near), ours::server(far)), both);
}
