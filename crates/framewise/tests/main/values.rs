//! The values of the interface answer what they are asked: messages, texts, URLs and errors.

use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use framewise::proto::Opcode;
use framewise::{Error, Message, ServeError, Text, TrySendError, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::common::{plain, server_and_raw};

#[test]
fn a_message_is_empty_without_payload_alone() {
    for (message, empty) in [
        (Message::text(""), true),
        (Message::text("a"), false),
        (Message::binary(Vec::new()), true),
        (Message::binary(vec![0]), false),
    ] {
        assert_eq!((message.is_empty(), message.as_bytes().is_empty()), (empty, empty), "{message:?}");
    }
}

#[test]
fn a_text_is_its_characters() {
    for text in ["", "é", "abc"] {
        for value in [Text::from_static(text), Text::from(text), Text::from(text.to_owned())] {
            assert_eq!((value.is_empty(), value.len()), (text.is_empty(), text.len()));
            assert_eq!(AsRef::<str>::as_ref(&value), text);
            assert_eq!(AsRef::<[u8]>::as_ref(&value), text.as_bytes());
            assert_eq!((value.to_string(), format!("{value:>5}")), (text.to_owned(), format!("{text:>5}")));
            assert!(value == *text && value == text);
            assert!(value != *"other" && value != "other");
            assert_eq!(value.into_bytes(), Bytes::from_static(text.as_bytes()));
        }
    }
}

#[test]
fn a_url_tells_its_parts_and_no_login() {
    for (url, host, port, tls, target, text) in [
        ("ws://example.com", "example.com", 80, false, "/", "ws://example.com/"),
        ("wss://u:p@example.com/a?b#c", "example.com", 443, true, "/a?b", "wss://example.com/a?b"),
        ("ws://[::1]:8080/", "::1", 8080, false, "/", "ws://[::1]:8080/"),
        ("wss://10.0.0.1:80", "10.0.0.1", 80, true, "/", "wss://10.0.0.1:80/"),
    ] {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let parsed: Url = url.parse().expect("it is one");
        assert_eq!((parsed.host(), parsed.port()), (host, port));
        assert_eq!((parsed.is_tls(), parsed.target()), (tls, target));
        assert_eq!(parsed.to_string(), text);
        let authority = text.split('/').nth(2);
        assert_eq!(Some(parsed.authority()), authority);
    }
}

/// An error whose source is another one.
#[derive(Debug)]
struct Around(io::Error);

impl std::fmt::Display for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("around it")
    }
}

impl StdError for Around {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn what_lies_behind_an_error_can_be_asked_of_all_that_hold_it() {
    let lost = || Error::from(io::Error::other(Around(io::Error::other("the cause"))));
    let source = |error: &dyn StdError| error.source().map(ToString::to_string);
    assert_eq!(source(&lost()).as_deref(), Some("the cause"));
    let sentence = lost().to_string();
    let full = TrySendError::Full(Message::text("secret"));
    let (failed, handshake) = (TrySendError::Failed(lost()), ServeError::Handshake(lost()));
    let handler = ServeError::Handler(Error::other(Around(io::Error::other("the cause"))));
    let held: [(&dyn StdError, &str); 3] =
        [(&failed, &sentence), (&handshake, &sentence), (&handler, "around it")];
    for (error, says) in held {
        assert_eq!((error.to_string().as_str(), source(error).as_deref()), (says, Some("the cause")));
    }
    let says = full.to_string();
    assert!(says.starts_with("the queue is full") && !says.contains("secret"), "{says}");
    assert_eq!(source(&full), None);
}

#[tokio::test]
async fn the_url_of_a_connection_that_failed_is_told_without_its_login() {
    let Err(Error::Connect(error)) = framewise::connect("ws://user:secret@name.invalid/a").await else {
        panic!("there is no such name")
    };
    assert_eq!(error.target(), "ws://***@name.invalid/a");
    let detailed = format!("{error:#?}");
    let (sentence, more) = detailed.split_once('\n').expect("the sentence, and more");
    assert_eq!(sentence, error.to_string());
    assert!(more.starts_with("Name"), "{more}");
    assert!(!detailed.contains("secret"), "{detailed}");
}

#[tokio::test]
async fn a_pong_that_nobody_asked_for_is_sent() {
    let (mut ws, mut raw) = server_and_raw().await;
    ws.pong(b"here").await.expect("open");
    let mut frame = [0; 6];
    raw.read_exact(&mut frame).await.expect("a frame");
    assert_eq!(&frame[..], plain(Opcode::Pong, true, b"here"));
    let (sender, _receiver) = ws.split();
    sender.pong(b"also").await.expect("open");
    raw.read_exact(&mut frame).await.expect("a frame");
    assert_eq!(&frame[..], plain(Opcode::Pong, true, b"also"));
    raw.shutdown().await.expect("the end");
}
