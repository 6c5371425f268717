//! The plain loop is the fast one: what arrived together is answered together.

use crate::common::{Counting, REQUEST, RESPONSE, masked};
use framewise::proto::Opcode;
use framewise::{Message, Server, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

async fn counted(room: usize) -> (WebSocket<Counting<DuplexStream>>, DuplexStream) {
    let (mut near, far) = duplex(room);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let server = Server::new().accept(Counting::new(far)).await.unwrap();
    near.read_exact(&mut vec![0; RESPONSE.len()]).await.unwrap();
    (server, near)
}

async fn plain_loop(ws: &mut WebSocket<Counting<DuplexStream>>) {
    while let Some(message) = ws.next().await {
        ws.send(message.expect("a message")).await.expect("an echo");
    }
}

#[tokio::test]
async fn all_messages_of_one_read_are_answered_by_one_write() {
    // Small ones are encoded one behind the other; large ones are written from where they lie, in the same call.
    for (size, count) in [(128, 16), (128, 400), (1024, 16), (5_000, 12), (16_384, 3)] {
        let (mut server, mut raw) = counted(1 << 20).await;
        let before = server.get_ref().counts.writes();
        let burst = masked(Opcode::Text, true, &vec![b'x'; size]).repeat(count);
        raw.write_all(&burst).await.unwrap();
        let mut echo = vec![0; burst.len() - 4 * count];
        tokio::select! {
            () = plain_loop(&mut server) => unreachable!("the client did not close"),
            read = raw.read_exact(&mut echo) => { read.unwrap(); }
        }
        assert_eq!(server.get_ref().counts.writes() - before, 1, "{count} messages of {size} bytes");
        assert_eq!(server.read_buffer(), 0);
        assert_eq!(server.queued(), 0);
    }
}

#[tokio::test]
async fn what_is_fed_waits_at_the_high_water_mark_and_lose_nothing() {
    let (mut server, mut raw) = counted(10_000).await;
    let send = async {
        for number in 0..1_000_u32 {
            let mut payload = vec![0; 1_000];
            payload[..4].copy_from_slice(&number.to_be_bytes());
            server.feed(payload).await.unwrap();
            assert!(server.queued() <= 64 * 1024 + 1_004);
        }
        server.flush().await.unwrap();
    };
    let read = async {
        for number in 0..1_000_u32 {
            let mut frame = vec![0; 1_004];
            raw.read_exact(&mut frame).await.unwrap();
            assert_eq!(frame[..8], [&[0x82, 126, 0x03, 0xe8][..], &number.to_be_bytes()].concat());
        }
    };
    tokio::join!(send, read);
    // Those that fit wait for each other: far fewer writes than messages would need, were each flushed.
    assert!(server.get_ref().counts.writes() < 300, "{}", server.get_ref().counts.writes());
}

#[tokio::test]
async fn what_is_fed_goes_out_on_flush() {
    let (mut server, mut raw) = counted(1 << 16).await;
    let before = server.get_ref().counts.writes();
    server.feed("one").await.unwrap();
    server.feed("two").await.unwrap();
    assert_eq!(server.get_ref().counts.writes(), before);
    assert_eq!(server.queued(), 10);
    server.flush().await.unwrap();
    assert_eq!(server.get_ref().counts.writes(), before + 1);
    let mut frames = [0; 10];
    raw.read_exact(&mut frames).await.unwrap();
    assert_eq!(&frames, b"\x81\x03one\x81\x03two");
}

#[tokio::test]
async fn large_and_small_ones_keep_their_order_through_narrow_writes() {
    let (mut server, mut raw) = counted(3_000).await;
    server.get_mut().cut = 1_700;
    let sizes = [10, 5_000, 0, 70_000, 4_096, 4_095, 9_000, 1];
    let send = async {
        for (number, &size) in sizes.iter().enumerate() {
            server.send(vec![number as u8; size]).await.unwrap();
        }
        server.flush().await.unwrap();
    };
    let expected: Vec<u8> = sizes
        .iter()
        .enumerate()
        .flat_map(|(number, &size)| crate::common::plain(Opcode::Binary, true, &vec![number as u8; size]))
        .collect();
    let mut got = vec![0; expected.len()];
    let ((), read) = tokio::join!(send, raw.read_exact(&mut got));
    read.unwrap();
    assert!(got == expected);
}

#[tokio::test]
async fn messages_that_wait_hold_little_when_very_many_connections_do() {
    // 80 connections stop in the middle of a burst: 64 keep the buffer they read into, the others move what is left.
    let message = vec![7; 5_000];
    for _ in 0..2 {
        let mut waiting = Vec::new();
        for _ in 0..80 {
            let (mut server, mut raw) = counted(1 << 16).await;
            raw.write_all(&masked(Opcode::Binary, true, &message).repeat(3)).await.unwrap();
            assert_eq!(server.next().await.unwrap().unwrap(), Message::from(&message[..]));
            waiting.push((server, raw));
        }
        let lean = waiting.iter().filter(|(server, _)| server.read_buffer() < 3 * 5_000).count();
        // Other tests of this process may hold some.
        assert!((16..32).contains(&lean), "{lean}");
        for (server, _raw) in waiting.iter_mut().take(40) {
            for _ in 0..2 {
                assert_eq!(server.next().await.unwrap().unwrap(), Message::from(&message[..]));
            }
            assert_eq!(server.read_buffer(), 0);
        }
        // Those that took all have given theirs back, and the others do it when they are dropped.
    }
}
