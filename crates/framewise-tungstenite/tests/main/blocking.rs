use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use framewise_tungstenite::framewise::{DeflateConfig, Rule};

use crate::tokio_tungstenite::tungstenite::client::client_with_config;
use crate::tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use crate::tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use crate::tokio_tungstenite::tungstenite::http::{self, HeaderValue, StatusCode};
use crate::tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use crate::tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use crate::tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use crate::tokio_tungstenite::tungstenite::{
    ClientRequestBuilder, Error, HandshakeError, Message, WebSocket, accept, accept_hdr, accept_with_config,
    client, connect,
};

/// Two ends of a TCP connection.
fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let near = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    (near, listener.accept().expect("a connection").0)
}

/// A stream whose input is there already; `None` is a read that would block. It keeps what is written.
#[derive(Debug, Default)]
struct Script {
    input: VecDeque<Option<Vec<u8>>>,
    written: Vec<u8>,
    blocks_writes: bool,
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.pop_front() {
            Some(Some(bytes)) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Some(None) => Err(io::ErrorKind::WouldBlock.into()),
            None => Ok(0),
        }
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.blocks_writes {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.written.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn script(input: &[&[u8]]) -> Script {
    Script { input: input.iter().map(|bytes| Some(bytes.to_vec())).collect(), ..Script::default() }
}

#[test]
fn a_client_and_a_server_talk_and_close() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut ws = accept(stream).expect("a handshake");
        let mut seen = Vec::new();
        loop {
            match ws.read() {
                Ok(message) => {
                    if message.is_text() || message.is_binary() {
                        ws.send(message.clone()).expect("it is sent");
                    }
                    seen.push(message);
                }
                Err(error) => return (error, seen),
            }
        }
    });
    let (mut ws, response) = connect(url).expect("a connection");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    for message in [Message::text("hello"), Message::binary(vec![7; 300_000]), Message::text("")] {
        ws.send(message.clone()).expect("it is sent");
        assert_eq!(ws.read().expect("a message"), message);
    }
    ws.send(Message::Ping("p".into())).expect("it is sent");
    assert_eq!(ws.read().expect("a message"), Message::Pong("p".into()));
    let close = CloseFrame { code: CloseCode::Away, reason: "bye".into() };
    ws.close(Some(close.clone())).expect("it is sent");
    assert!(!ws.can_write());
    assert!(matches!(ws.write("late".into()), Err(Error::Protocol(ProtocolError::SendAfterClosing))));
    let answer = Message::Close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() }));
    assert_eq!(ws.read().expect("the answer"), answer);
    let (error, seen) = server.join().expect("no panic");
    assert!(matches!(error, Error::ConnectionClosed), "{error}");
    assert_eq!(seen.last(), Some(&Message::Close(Some(close))));
    assert!(matches!(ws.read(), Err(Error::ConnectionClosed)));
    assert!(matches!(ws.read(), Err(Error::AlreadyClosed)));
    assert!(matches!(ws.write("late".into()), Err(Error::AlreadyClosed)));
    assert!(ws.ended().is_some_and(|ended| ended.clean));
}

#[test]
fn the_callback_decides() {
    let (near, far) = tcp();
    let server = thread::spawn(move || {
        accept_hdr(far, |request: &Request, mut response: Response| {
            assert_eq!(request.headers()["x-token"], "4f1c");
            response.headers_mut().append("sec-websocket-protocol", HeaderValue::from_static("b"));
            Ok(response)
        })
        .map(drop)
    });
    let request = ClientRequestBuilder::new("ws://localhost/".parse().expect("a URL"))
        .with_header("X-Token", "4f1c")
        .with_sub_protocol("b");
    let (_, response) = client(request, near).expect("a handshake");
    assert_eq!(response.headers()["sec-websocket-protocol"], "b");
    server.join().expect("no panic").expect("a handshake");

    let (near, far) = tcp();
    let server = thread::spawn(move || {
        accept_hdr(far, |_: &Request, _: Response| {
            let response = http::Response::builder().status(401);
            Err::<Response, ErrorResponse>(response.body(Some("log in".into())).expect("a response"))
        })
        .map(drop)
    });
    let error = client("ws://localhost/", near).map(drop).expect_err("rejected");
    let HandshakeError::Failure(Error::Http(response)) = error else { panic!("{error:?}") };
    assert_eq!(
        (response.status(), response.body().as_deref()),
        (StatusCode::UNAUTHORIZED, Some(&b"log in"[..]))
    );
    let error = server.join().expect("no panic").expect_err("rejected");
    let HandshakeError::Failure(Error::Http(response)) = error else { panic!("{error:?}") };
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn a_bad_request_is_answered() {
    let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut ws = script(&[&request[..]]);
    let HandshakeError::Failure(error) = accept(&mut ws).map(drop).expect_err("a bad request") else {
        panic!("nothing blocks")
    };
    assert!(matches!(error, Error::Protocol(ProtocolError::MissingUpgradeWebSocketHeader)), "{error}");
    assert!(ws.written.starts_with(b"HTTP/1.1 426 "), "{}", String::from_utf8_lossy(&ws.written));
}

#[test]
fn a_handshake_that_blocks_continues_later() {
    let request = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for cut in [1, 20, request.len() - 1] {
        let (first, second) = request.as_bytes().split_at(cut);
        let mut stream = script(&[first, second]);
        stream.input.insert(1, None);
        stream.input.push_back(Some(vec![0x81, 0x82, 0, 0, 0, 0, b'h', b'i']));
        let Err(HandshakeError::Interrupted(mut middle)) = accept(stream) else { panic!("it would block") };
        middle.get_mut().get_mut().blocks_writes = true;
        let Err(HandshakeError::Interrupted(mut middle)) = middle.handshake() else {
            panic!("it would block")
        };
        middle.get_mut().get_mut().blocks_writes = false;
        let mut ws = middle.handshake().expect("a handshake");
        let response = String::from_utf8_lossy(&ws.get_ref().written).into_owned();
        assert!(response.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{response}");
        assert_eq!(ws.read().expect("a message"), Message::text("hi"));
    }
}

#[test]
fn a_message_arrives_however_it_is_cut() {
    let frames = [0x01, 3, b'h', 0xc3, 0xa9, 0x89, 1, b'p', 0x80, 1, b'!', 0x82, 2, 1, 2];
    for cut in 0..=frames.len() {
        let (first, second) = frames.split_at(cut);
        let mut stream = script(&[]);
        stream.input = [Some(first.to_vec()), None, Some(second.to_vec())]
            .into_iter()
            .filter(|part| part.as_ref().is_none_or(|part| !part.is_empty()))
            .collect();
        let mut ws = WebSocket::from_raw_socket(stream, Role::Client, None);
        let mut messages = Vec::new();
        while messages.len() < 3 {
            match ws.read() {
                Ok(message) => messages.push(message),
                Err(Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                Err(error) => panic!("{cut}: {error}"),
            }
        }
        assert_eq!(messages, [Message::Ping("p".into()), Message::text("hé!"), Message::binary(vec![1, 2])]);
        // The Ping was answered before the reader waited.
        assert!(matches!(
            ws.read(),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_))
        ));
        assert_eq!(ws.get_ref().written[0], 0x8a, "{cut}");
    }
}

#[test]
fn a_violation_is_answered_with_a_close() {
    let mut ws = WebSocket::from_partially_read(script(&[]), vec![0xa1, 0], Role::Client, None);
    assert!(matches!(ws.read(), Err(Error::Protocol(ProtocolError::NonZeroReservedBits))));
    assert_eq!(ws.violation().map(|violation| violation.rule), Some(Rule::Rsv2Set));
    assert_eq!(ws.get_ref().written[0], 0x88);
    assert!(matches!(ws.read(), Err(Error::ConnectionClosed)));
    let config = WebSocketConfig::default().max_message_size(Some(3));
    let mut ws = WebSocket::from_raw_socket(script(&[&[0x82, 4, 0, 0, 0, 0]]), Role::Client, Some(config));
    let expected = CapacityError::MessageTooLong { size: 4, max_size: 3 };
    assert!(matches!(ws.read(), Err(Error::Capacity(error)) if error == expected));
}

#[test]
fn what_cannot_be_written_stays_queued() {
    let config = WebSocketConfig::default().write_buffer_size(0).max_write_buffer_size(10);
    let stream = Script { blocks_writes: true, ..Script::default() };
    let mut ws = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let Err(Error::Io(error)) = ws.write("hello".into()) else { panic!("it would block") };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let Err(Error::WriteBufferFull(message)) = ws.write("too much".into()) else { panic!("it is full") };
    assert_eq!(*message, Message::text("too much"));
    ws.get_mut().blocks_writes = false;
    ws.flush().expect("it is written");
    assert_eq!(ws.get_ref().written, b"\x81\x05hello");
}

#[test]
fn messages_are_compressed_if_both_ends_want_it() {
    let (near, far) = tcp();
    let config = WebSocketConfig::default().deflate(DeflateConfig::default());
    let server = thread::spawn(move || {
        let mut ws = accept_with_config(far, Some(config)).expect("a handshake");
        let message = ws.read().expect("a message");
        ws.send(message).expect("it is sent");
    });
    let (mut ws, response) = client_with_config("ws://localhost/", near, Some(config)).expect("a handshake");
    assert!(response.headers().contains_key("sec-websocket-extensions"));
    let text = Message::text("the same words, ".repeat(1000));
    ws.send(text.clone()).expect("it is sent");
    assert_eq!(ws.read().expect("a message"), text);
    server.join().expect("no panic");
}

#[test]
fn redirects_are_followed_without_secrets() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let target = format!("ws://{}/there", other.local_addr().expect("an address"));
    let first = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            request.push(byte[0]);
        }
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).expect("it is sent");
        String::from_utf8(request).expect("text")
    });
    let second = thread::spawn(move || {
        let (stream, _) = other.accept().expect("a client");
        let mut secret = None;
        accept_hdr(stream, |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/there");
            secret = request.headers().get("authorization").cloned();
            Ok(response)
        })
        .map(drop)
        .expect("a handshake");
        secret
    });
    let request =
        ClientRequestBuilder::new(url.parse().expect("a URL")).with_header("Authorization", "Bearer 4f1c");
    connect(request).expect("a connection");
    assert!(first.join().expect("no panic").contains("4f1c"));
    assert_eq!(second.join().expect("no panic"), None);
}
