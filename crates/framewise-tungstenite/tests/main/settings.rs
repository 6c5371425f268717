use framewise_tungstenite::framewise::{DeflateConfig, Limits, Strictness};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;

use crate::tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use crate::tokio_tungstenite::tungstenite::{Error, Message};
use crate::{pair, raw};

#[tokio::test]
async fn compression_is_agreed_if_both_ends_want_it() {
    let text = "the same words, ".repeat(1000);
    for (deflate, small) in [(Some(DeflateConfig::default()), true), (None, false)] {
        let (mut client, mut server) = pair(WebSocketConfig::default().deflate(deflate)).await;
        client.feed(Message::text(text.as_str())).await.expect("it is queued");
        let queued = client.into_framewise();
        assert_eq!(queued.queued() < text.len() / 10, small, "{}", queued.queued());
        drop(queued);
        assert_eq!(
            server.next().await.expect("a message").expect("a valid one"),
            Message::text(text.as_str())
        );
    }
}

#[tokio::test]
async fn without_settings_compression_depends_on_the_feature() {
    assert_eq!(WebSocketConfig::default().deflate.is_some(), cfg!(feature = "deflate"));
}

#[tokio::test]
async fn violations_are_tolerated_as_set() {
    let unmasked = [0x81, 2, b'h', b'i'];
    let masked = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    let strictness = Strictness::default().masked_server_frames(true);
    for (role, config, bytes) in [
        (Role::Server, WebSocketConfig::default().accept_unmasked_frames(true), &unmasked[..]),
        (Role::Client, WebSocketConfig::default().strictness(strictness), &masked[..]),
    ] {
        let (mut ws, mut peer) = raw(role, config).await;
        peer.write_all(bytes).await.expect("room");
        assert_eq!(ws.next().await.expect("a message").expect("a tolerated one"), Message::text("hi"));
        let (mut ws, mut peer) = raw(role, WebSocketConfig::default()).await;
        peer.write_all(bytes).await.expect("room");
        ws.next().await.expect("an error").expect_err("by default, it is a violation");
    }
}

#[tokio::test]
async fn the_limits_of_framewise_apply() {
    let config = WebSocketConfig::default().limits(Limits::default().fragments(2));
    let (mut ws, mut peer) = raw(Role::Client, config).await;
    peer.write_all(&[0x01, 0, 0x00, 0, 0x80, 0]).await.expect("room");
    let error = ws.next().await.expect("an error").expect_err("three fragments");
    assert!(matches!(error, Error::AttackAttempt), "{error:?}");
}

#[tokio::test]
async fn a_full_queue_returns_the_message() {
    let config = WebSocketConfig::default().write_buffer_size(1000).max_write_buffer_size(2000);
    let (mut ws, _peer) = raw(Role::Server, config).await;
    let message = Message::binary(vec![0; 1500]);
    ws.feed(message.clone()).await.expect("it is queued");
    // The first message is written when the next one asks for room.
    ws.feed(message.clone()).await.expect("it is queued");
    let error = futures_util::Sink::start_send(std::pin::Pin::new(&mut ws), message.clone());
    match error {
        Err(Error::WriteBufferFull(returned)) => assert_eq!(*returned, message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sender_waits_for_a_slow_reader() {
    let config = WebSocketConfig::default().write_buffer_size(1000);
    let (mut ws, peer) = raw(Role::Server, config).await;
    let message = Message::binary(vec![0; crate::ROOM]);
    ws.feed(message.clone()).await.expect("it is queued");
    ws.feed(message.clone()).now_or_never();
    assert!(ws.feed(message).now_or_never().is_none(), "nobody reads");
    drop(peer);
}

#[test]
#[should_panic(expected = "max_write_buffer_size must be larger")]
fn a_queue_without_room_for_a_message_is_a_mistake() {
    let config = WebSocketConfig::default().write_buffer_size(10).max_write_buffer_size(10);
    raw(Role::Server, config).now_or_never();
}
