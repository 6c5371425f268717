//! The library's client against servers from other projects.

use framewise::{CloseCode, EndedBy, Event, Message, MessageKind};
use framewise_peers::{Saw, Server, hex};

#[tokio::test]
async fn ws() {
    converses(Server::Ws).await;
}

#[tokio::test]
async fn websockets() {
    converses(Server::Websockets).await;
}

#[tokio::test]
async fn aiohttp() {
    converses(Server::Aiohttp).await;
}

async fn converses(server: Server) {
    let Some(mut peer) = server.start() else { return };
    let url = peer.url();

    // Echoes, in both directions and of every kind.
    let mut ws = framewise::connect(&url).await.expect("a handshake");
    let long: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let texts = ["hello", "", "Grüße, 世界 🌍", &"é".repeat(35_000)].map(Message::from);
    let binaries = [&[][..], &[0, 255, 128], &long].map(Message::from);
    for message in texts.into_iter().chain(binaries) {
        ws.send(message.clone()).await.expect("an open connection");
        let echo = ws.next().await.expect("an open connection").expect("no violation");
        assert_eq!(echo, message, "{server:?}");
    }
    // Fragments, and a Ping that the server asks for once it has our Pong.
    for (asked, answer) in [("please fragment", "in three parts"), ("please ping", "pong: are you there?")] {
        ws.send(asked).await.expect("an open connection");
        let message = ws.next().await.expect("an open connection").expect("no violation");
        assert_eq!(message, Message::from(answer), "{server:?}");
    }
    // Our fragments, cut inside a character, with a Ping between them.
    ws.begin(MessageKind::Text).expect("an open connection");
    ws.send_part(b"in pieces \xe2\x82", false).await.expect("an open connection");
    ws.ping(b"between").await.expect("an open connection");
    ws.send_part(b"\xac", true).await.expect("an open connection");
    let message = ws.next().await.expect("an open connection").expect("no violation");
    assert_eq!(message, Message::from("in pieces €"), "{server:?}");
    // Our Ping.
    ws.ping(b"and you?").await.expect("an open connection");
    match ws.next_event().await {
        Some(Ok(Event::Pong(payload))) => assert_eq!(&payload[..], b"and you?"),
        other => panic!("{server:?} answered a Ping with {other:?}"),
    }
    // Our Close.
    ws.close(3000, "that is all, ✓").await.expect("a closing handshake");
    let ended = ws.ended().expect("the connection is closed");
    assert!(ended.clean && ended.by == EndedBy::Us, "{server:?}: {ended:?}");
    let saw = peer.connection();
    assert!(saw.contains(&Saw::Binary { hex: hex(&long) }), "{server:?}");
    match saw.last() {
        Some(Saw::Close { code: 3000, reason, clean: true }) => assert_eq!(reason, "that is all, ✓"),
        other => panic!("{server:?} saw {other:?}"),
    }

    // Their Close.
    let mut ws = framewise::connect(&url).await.expect("a handshake");
    ws.send("please close").await.expect("an open connection");
    match ws.next_event().await {
        Some(Ok(Event::Close(Some(close)))) => {
            assert_eq!((close.code, &*close.reason), (CloseCode::from(3001), "as you wish"));
        }
        other => panic!("{server:?} closed with {other:?}"),
    }
    assert!(ws.next().await.is_none());
    let ended = ws.ended().expect("the connection is closed");
    assert!(ended.clean && ended.by == EndedBy::Peer && ended.code == 3001.into(), "{server:?}: {ended:?}");
    assert!(matches!(peer.connection().last(), Some(Saw::Close { clean: true, .. })), "{server:?}");
}
