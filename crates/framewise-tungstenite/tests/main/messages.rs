use futures_util::stream::FusedStream as _;
use futures_util::{SinkExt, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use crate::tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use crate::tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use crate::tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};
use crate::{pair, raw};

fn going_away() -> CloseFrame {
    CloseFrame { code: CloseCode::Away, reason: "bye".into() }
}

#[tokio::test]
async fn every_kind_of_message_arrives() {
    let (mut client, mut server) = pair(WebSocketConfig::default()).await;
    for message in [
        Message::text("hello"),
        Message::binary(vec![0, 255]),
        Message::Ping("p".into()),
        Message::Pong("q".into()),
        Message::text(""),
    ] {
        client.send(message.clone()).await.expect("it is sent");
        assert_eq!(server.next().await.expect("a message").expect("a valid one"), message);
    }
    // The Ping was answered.
    server.flush().await.expect("it is written");
    assert_eq!(client.next().await.expect("a message").expect("a valid one"), Message::Pong("p".into()));
}

#[tokio::test]
async fn both_ends_see_the_close_and_then_the_end() {
    let (mut client, mut server) = pair(WebSocketConfig::default()).await;
    client.close(Some(going_away())).await.expect("it is sent");
    let close = Message::Close(Some(going_away()));
    assert_eq!(server.next().await.expect("a message").expect("a valid one"), close);
    assert!(!server.is_terminated());
    assert!(server.next().await.is_none());
    assert!(server.is_terminated());
    // Its answer has the code.
    let answer = CloseFrame { code: CloseCode::Away, reason: "".into() };
    assert_eq!(client.next().await.expect("a message").expect("a valid one"), Message::Close(Some(answer)));
    drop(server);
    assert!(client.next().await.is_none());
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn nothing_is_sent_after_the_close() {
    let (mut client, mut server) = pair(WebSocketConfig::default()).await;
    client.close(None).await.expect("it is sent");
    for message in [Message::text("late"), Message::Close(None), Message::Ping("".into())] {
        let error = client.send(message).await.expect_err("it is closed");
        assert!(matches!(error, Error::Protocol(ProtocolError::SendAfterClosing)), "{error}");
    }
    assert_eq!(server.next().await.expect("a message").expect("a valid one"), Message::Close(None));
    assert!(server.next().await.is_none());
    assert!(matches!(server.send("late".into()).await, Err(Error::AlreadyClosed)));
    server.flush().await.expect("nothing is left to write");
}

#[tokio::test]
async fn closing_the_sink_sends_a_close_and_does_not_wait() {
    let (mut client, mut peer) = raw(Role::Client, WebSocketConfig::default()).await;
    SinkExt::close(&mut client).await.expect("it is sent");
    let mut bytes = [0; 6];
    peer.read_exact(&mut bytes).await.expect("a Close");
    assert_eq!(bytes[..2], [0x88, 0x80]);
    SinkExt::close(&mut client).await.expect("it was sent");
}

#[tokio::test]
async fn halves_work_in_two_tasks() {
    let (client, server) = pair(WebSocketConfig::default()).await;
    let (mut send, mut receive) = client.split();
    let echo = tokio::spawn(async move {
        let (mut send, mut receive) = server.split();
        while let Some(Ok(message)) = receive.next().await {
            if message.is_binary() {
                send.send(message).await.expect("the client reads");
            }
        }
    });
    // Larger than what the stream takes at once, in both directions.
    let large = Message::binary(vec![7; 300_000]);
    let sent = large.clone();
    let sender = tokio::spawn(async move {
        for _ in 0..5 {
            send.send(sent.clone()).await.expect("the server reads");
        }
        send
    });
    for _ in 0..5 {
        assert_eq!(receive.next().await.expect("a message").expect("a valid one"), large);
    }
    let mut client = sender.await.expect("no panic").reunite(receive).expect("the same connection");
    client.close(None).await.expect("it is sent");
    while let Some(message) = client.next().await {
        message.expect("a valid one");
    }
    echo.await.expect("no panic");
}

#[tokio::test]
async fn frames_are_fragments_of_a_message() {
    let (mut client, mut server) = pair(WebSocketConfig::default()).await;
    for (payload, opcode, last) in
        [("hel", Data::Text, false), ("l", Data::Continue, false), ("o", Data::Continue, true)]
    {
        let frame = Frame::message(payload, OpCode::Data(opcode), last);
        client.feed(Message::Frame(frame)).await.expect("it is queued");
    }
    client.send(Message::Frame(Frame::ping("p"))).await.expect("it is sent");
    assert_eq!(server.next().await.expect("a message").expect("a valid one"), Message::text("hello"));
    assert_eq!(server.next().await.expect("a message").expect("a valid one"), Message::Ping("p".into()));
    client.send(Message::Frame(Frame::close(Some(going_away())))).await.expect("it is sent");
    let close = Message::Close(Some(going_away()));
    assert_eq!(server.next().await.expect("a message").expect("a valid one"), close);
}

#[tokio::test]
async fn an_illegal_frame_is_not_sent() {
    let (mut client, mut peer) = raw(Role::Client, WebSocketConfig::default()).await;
    let mut reserved = Frame::message("x", OpCode::Data(Data::Text), true);
    reserved.header_mut().rsv2 = true;
    let mut fragment = Frame::ping("x");
    fragment.header_mut().is_final = false;
    let long = CloseFrame { code: CloseCode::Normal, reason: "x".repeat(124).into() };
    let unsendable = CloseFrame { code: CloseCode::Abnormal, reason: "".into() };
    for (message, expected) in [
        (Message::Frame(reserved), ProtocolError::NonZeroReservedBits),
        (Message::Frame(fragment), ProtocolError::FragmentedControlFrame),
        (
            Message::Frame(Frame::message("x", OpCode::Data(Data::Reserved(4)), true)),
            ProtocolError::InvalidOpcode(4),
        ),
        (
            Message::Frame(Frame::message("x", OpCode::Control(Control::Reserved(11)), true)),
            ProtocolError::InvalidOpcode(11),
        ),
        (
            Message::Frame(Frame::message("x", OpCode::Data(Data::Continue), true)),
            ProtocolError::UnexpectedContinueFrame,
        ),
        (
            Message::Frame(Frame::message("x", OpCode::Control(Control::Close), true)),
            ProtocolError::InvalidCloseSequence,
        ),
        (Message::Ping(vec![0; 126].into()), ProtocolError::ControlFrameTooBig),
        (Message::Close(Some(long)), ProtocolError::ControlFrameTooBig),
        (Message::Close(Some(unsendable)), ProtocolError::InvalidCloseSequence),
    ] {
        match client.send(message.clone()).await {
            Err(Error::Protocol(error)) => assert_eq!(error, expected, "{message:?}"),
            other => panic!("{message:?}: {other:?}"),
        }
    }
    // Of all that, nothing was written.
    client.send(Message::Ping(vec![0; 125].into())).await.expect("it is legal");
    assert_eq!(peer.read_u8().await.expect("a Ping"), 0x89);
}

#[tokio::test]
async fn bytes_that_were_read_with_the_head_are_the_first_message() {
    let (near, mut far) = tokio::io::duplex(100);
    let part = vec![0x81, 5, b'h', b'e'];
    let mut client =
        crate::tokio_tungstenite::WebSocketStream::from_partially_read(near, part, Role::Client, None).await;
    far.write_all(b"llo").await.expect("the rest");
    assert_eq!(client.next().await.expect("a message").expect("a valid one"), Message::text("hello"));
    assert_eq!(client.get_config().max_frame_size, Some(16 << 20));
    let _: &tokio::io::DuplexStream = client.get_ref();
    let mut stream = client.into_inner();
    stream.write_all(b"raw").await.expect("room");
    let mut bytes = [0; 3];
    far.read_exact(&mut bytes).await.expect("bytes");
    assert_eq!(&bytes, b"raw");
}
