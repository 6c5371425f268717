//! Messages and texts out of the types that programs have, and back.

use std::borrow::Cow;

use bytes::Bytes;
use framewise::{CloseCode, Message, MessageKind, Text};

#[test]
fn a_message_is_made_of_whatever_holds_a_text() {
    let owned = String::from("hé");
    for message in [
        Message::from("hé"),
        Message::from(&owned),
        Message::from(owned.clone()),
        Message::from(Cow::Borrowed("hé")),
        Message::from(Cow::<str>::Owned(owned.clone())),
        Message::text(&owned),
        Message::text(Cow::Borrowed("hé")),
    ] {
        assert_eq!(message, Message::Text("hé".into()));
        assert!(message.is_text() && !message.is_binary());
        assert_eq!((message.kind(), message.to_string().as_str()), (MessageKind::Text, "hé"));
        assert_eq!(message.into_text().map(String::from), Ok(owned.clone()));
    }
    let binary = Message::binary("hé");
    assert!(binary.is_binary() && !binary.is_text());
    assert_eq!(binary.clone().into_text(), Err(binary), "it is UTF-8, and was not sent as text");
}

#[test]
fn a_message_is_printed_as_its_text_or_its_length() {
    assert_eq!(Message::binary(vec![7; 12]).to_string(), "(12 bytes)");
    assert_eq!(Message::binary(vec![7]).to_string(), "(1 byte)");
    assert_eq!(Message::binary(Vec::new()).to_string(), "(0 bytes)");
    assert_eq!(format!("{:>5}|{:<4}|", Message::text("abc"), Message::text("")), "  abc|    |");
}

#[test]
fn bytes_become_a_text_only_if_they_are_utf8_and_come_back_if_not() {
    assert_eq!(Text::try_from("hé".as_bytes().to_vec()), Ok("hé".into()));
    for bad in [&b"\xff"[..], b"ab\xe2\x82", b"\xed\xa0\x80"] {
        assert_eq!(Text::try_from(bad.to_vec()).unwrap_err().into_bytes(), bad);
        assert!(Text::try_from(Bytes::from(bad)).is_err());
    }
}

#[test]
fn a_text_that_nobody_shares_becomes_a_string_without_a_copy() {
    let made = String::from("a text of its own");
    let at = made.as_ptr();
    let back = String::from(Text::from(made));
    assert_eq!((back.as_str(), back.as_ptr()), ("a text of its own", at));
    let text = Text::from("shared");
    let other = text.clone();
    assert_eq!((String::from(text).as_str(), other.as_str()), ("shared", "shared"));
    assert_eq!(String::from(Text::from_static("static")), "static");
}

#[test]
fn a_close_code_is_a_number_and_is_printed_as_one() {
    assert_eq!((u16::from(CloseCode::GOING_AWAY), CloseCode::from(1001)), (1001, CloseCode::GOING_AWAY));
    assert_eq!(CloseCode(4000).to_string(), "4000");
}
