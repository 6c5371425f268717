//! What is sent is written before `send` returns, whatever the program does next; only answers to messages that were
//! received together wait for each other.

use std::pin::pin;
use std::task::{Context, Waker};

use framewise::proto::{Header, Opcode};
use framewise::{Client, DeflateConfig, Error, Message, MessageKind, Prepared, Server, WebSocket, connect};
use futures_util::SinkExt;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

use crate::common::{
    Counting, REQUEST, accepted, masked, masked_close, pair, plain, read_head, server_and_raw, switch,
};

/// The next frame is this text, and is there already.
fn arrived(raw: &mut DuplexStream, text: &str) {
    let expected = plain(Opcode::Text, true, text.as_bytes());
    let mut got = vec![0; expected.len()];
    let read = pin!(raw.read_exact(&mut got)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(read.is_ready(), "{text} has not arrived");
    assert_eq!(got, expected);
}

#[tokio::test]
async fn each_way_to_send_writes_though_nobody_reads() {
    let (mut ws, mut raw) = server_and_raw().await;
    let prepared = Prepared::new("prepared");
    for _ in 0..3 {
        ws.send("sent").await.unwrap();
        arrived(&mut raw, "sent");
        ws.try_send("tried").unwrap();
        arrived(&mut raw, "tried");
        ws.send_prepared(&prepared).await.unwrap();
        arrived(&mut raw, "prepared");
        ws.begin(MessageKind::Text).unwrap();
        ws.send_part(b"part", true).await.unwrap();
        arrived(&mut raw, "part");
        SinkExt::send(&mut ws, Message::text("sunk")).await.unwrap();
        arrived(&mut raw, "sunk");
        assert_eq!(ws.queued(), 0);
    }
    let (mut sender, _receiver) = ws.split();
    for _ in 0..3 {
        sender.send("sent").await.unwrap();
        arrived(&mut raw, "sent");
        sender.try_send("tried").unwrap();
        arrived(&mut raw, "tried");
        sender.send_prepared(&prepared).await.unwrap();
        arrived(&mut raw, "prepared");
        sender.try_send_prepared(&prepared).unwrap();
        arrived(&mut raw, "prepared");
        sender.begin(MessageKind::Text).await.unwrap();
        sender.send_part(b"part", true).await.unwrap();
        arrived(&mut raw, "part");
        SinkExt::send(&mut sender, Message::text("sunk")).await.unwrap();
        arrived(&mut raw, "sunk");
    }
}

#[tokio::test]
async fn what_is_fed_waits_for_what_is_sent() {
    let (mut near, far) = duplex(1 << 16);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut ws = Server::new().accept(Counting::new(far)).await.unwrap();
    read_head(&mut near).await;
    let counts = std::sync::Arc::clone(&ws.get_ref().counts);
    let before = counts.writes();
    let prepared = Prepared::new("prepared");
    ws.feed("one").await.unwrap();
    ws.feed_prepared(&prepared).await.unwrap();
    ws.begin(MessageKind::Text).unwrap();
    ws.feed_part(b"part", true).await.unwrap();
    assert_eq!((counts.writes() - before, ws.queued()), (0, 5 + 10 + 6));
    ws.send("two").await.unwrap();
    assert_eq!((counts.writes() - before, ws.queued()), (1, 0));
    for text in ["one", "prepared", "part", "two"] {
        arrived(&mut near, text);
    }
    let (sender, _receiver) = ws.split();
    sender.feed("three").await.unwrap();
    assert_eq!(counts.writes() - before, 1);
    sender.send("four").await.unwrap();
    assert_eq!(counts.writes() - before, 2);
    arrived(&mut near, "three");
    arrived(&mut near, "four");
}

#[tokio::test]
async fn bytes_in_the_middle_of_a_frame_are_no_message_whatever_they_look_like() {
    let (near, far) = duplex(1 << 20);
    let (server, mut raw) = (Server::new().deflate(DeflateConfig::default()), near);
    let extensions = "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    raw.write_all(REQUEST.replace("\r\n\r\n", extensions).as_bytes()).await.unwrap();
    let mut server = server.accept(far).await.unwrap();
    read_head(&mut raw).await;
    // A block that is stored, of bytes that are the header of a message each: 82 82, its key 82 82 82 82, its payload 82 82.
    let stored = [&[0, 0x60, 0xea, 0x9f, 0x15][..], &vec![0x82; 60_000], &[0]].concat();
    let header = Header { rsv1: true, ..Header::new(Opcode::Binary, stored.len() as u64, Some([0; 4])) };
    let (header, size) = header.encode();
    raw.write_all(&[&header[..size], &stored].concat()).await.unwrap();
    let part = server.next_part().await.unwrap().unwrap();
    assert!(!part.last && part.bytes.iter().all(|&byte| byte == 0x82), "{} bytes", part.bytes.len());
    assert!(server.read_buffer() > 0, "there is more");
    server.send("between").await.unwrap();
    arrived(&mut raw, "between");
}

#[tokio::test]
async fn an_answer_waits_only_for_messages_that_are_complete() {
    let message = masked(Opcode::Text, true, b"question");
    let first_part = masked(Opcode::Text, false, b"que");
    let last_part = masked(Opcode::Continuation, true, b"stion");
    let large = masked(Opcode::Binary, true, &vec![7; 9_000]);
    let ping = masked(Opcode::Ping, true, b"");
    for (behind, waits) in [
        (Vec::new(), false),
        (message.clone(), true),
        (message[..1].to_vec(), false),
        (message[..5].to_vec(), false),
        (message[..message.len() - 1].to_vec(), false),
        (large[..8_999].to_vec(), false),
        (first_part.clone(), false),
        ([&first_part[..], &last_part[..3]].concat(), false),
        ([&first_part[..], &last_part].concat(), true),
        ([&ping[..], &message].concat(), true),
        (ping.clone(), false),
        (masked_close(1000), false),
        (first_part.repeat(1), false),
    ] {
        let (mut ws, mut raw) = server_and_raw().await;
        raw.write_all(&[&message[..], &behind].concat()).await.unwrap();
        ws.next().await.unwrap().unwrap();
        ws.send("answer").await.unwrap();
        assert_eq!(ws.queued() > 0, waits, "{behind:02x?}");
        ws.try_send("more").unwrap();
        assert_eq!(ws.queued() > 0, waits, "{behind:02x?}");
        if waits {
            ws.next().await.unwrap().unwrap();
            ws.send("another").await.unwrap();
        }
        arrived(&mut raw, "answer");
        assert_eq!(ws.queued(), 0);
    }
}

#[tokio::test]
async fn very_many_frames_that_are_no_message_cost_a_send_little() {
    // As long as the end of the message is far, it is not looked for: what is sent is written.
    let (mut ws, mut raw) = server_and_raw().await;
    let mut burst = masked(Opcode::Text, true, b"question");
    burst.extend(masked(Opcode::Text, false, b""));
    burst.extend(masked(Opcode::Continuation, false, b"").repeat(100));
    burst.extend(masked(Opcode::Continuation, true, b""));
    raw.write_all(&burst).await.unwrap();
    ws.next().await.unwrap().unwrap();
    ws.send("answer").await.unwrap();
    arrived(&mut raw, "answer");
}

#[tokio::test]
async fn a_handler_that_greets_and_returns_has_greeted() {
    let greeting = Message::binary(vec![7; 4 << 20]);
    for greetings in [vec![Message::text("hello")], vec![greeting.clone(), Message::text("hello")]] {
        let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let sent = greetings.clone();
        tokio::spawn(listener.serve(move |mut ws| {
            let sent = sent.clone();
            async move {
                for message in sent {
                    ws.send(message).await?;
                }
                Ok::<(), Error>(())
            }
        }));
        let mut client = connect(&url).await.unwrap();
        for expected in greetings {
            assert!(client.next().await.unwrap().unwrap() == expected);
        }
        client.next().await.unwrap().unwrap_err();
    }
}

async fn tcp() -> (WebSocket<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let client = Client::new();
    let (client, ()) = tokio::join!(client.connect_over(near, "ws://example.com/chat"), async {
        let request = read_head(&mut far).await;
        far.write_all(switch(&request).as_bytes()).await.unwrap();
    });
    (client.unwrap(), far)
}

#[tokio::test]
async fn what_is_queued_when_a_connection_is_dropped_is_written() {
    // 4 KiB, and what is written from where it lies.
    for size in [100, 20_000] {
        let (mut client, mut raw) = tcp().await;
        client.feed(vec![7; size]).await.unwrap();
        client.feed("last").await.unwrap();
        drop(client);
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        assert_eq!(got.len(), size + if size < 126 { 6 } else { 8 } + 10, "{size}");

        let (client, mut raw) = tcp().await;
        let (sender, receiver) = client.split();
        sender.feed(vec![7; size]).await.unwrap();
        sender.feed("last").await.unwrap();
        drop(sender);
        drop(receiver);
        got.clear();
        raw.read_to_end(&mut got).await.unwrap();
        assert_eq!(got.len(), size + if size < 126 { 6 } else { 8 } + 10, "{size}");
    }
}

#[tokio::test]
async fn a_close_that_was_only_begun_is_written() {
    let (mut server, mut raw) = server_and_raw().await;
    server.start_close(1000, "bye").unwrap();
    drop(server);
    let mut got = Vec::new();
    raw.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"\x88\x05\x03\xe8bye");
}

#[tokio::test]
async fn a_connection_that_is_dropped_does_not_wait_for_a_peer_that_does_not_read() {
    let (mut server, mut raw) = accepted(Server::new(), 1_000).await;
    server.feed(vec![7; 3_000]).await.unwrap();
    drop(server);
    let mut got = Vec::new();
    raw.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 1_000);
    // Nor for one that is gone.
    let (mut server, raw) = accepted(Server::new(), 1_000).await;
    server.feed("late").await.unwrap();
    drop(raw);
    drop(server);
}

#[test]
fn a_connection_may_be_dropped_where_there_is_no_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, mut raw) = runtime.block_on(async {
        let (mut client, raw) = tcp().await;
        client.feed("late").await.unwrap();
        (client, raw)
    });
    drop(client);
    let mut got = Vec::new();
    runtime.block_on(raw.read_to_end(&mut got)).unwrap();
    assert_eq!(got.len(), 10);
    let (mut client, server) = runtime.block_on(pair());
    runtime.block_on(client.feed("late")).unwrap();
    drop(runtime);
    drop((client, server));
}

#[tokio::test]
async fn a_send_that_is_dropped_while_it_writes_has_queued_its_message_once() {
    let (mut server, mut raw) = accepted(Server::new(), 1_000).await;
    {
        let mut send = pin!(server.send(vec![7; 3_000]));
        assert!(send.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(send.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let mut got = vec![0; 3_004];
    let (flushed, read) = tokio::join!(server.flush(), raw.read_exact(&mut got));
    flushed.unwrap();
    read.unwrap();
    assert_eq!(server.queued(), 0);
}
