//! The queue of what is to be written is bounded, whatever the peer does.

use std::time::Duration;

use crate::common::{Counting, accepted, masked, plain};
use framewise::proto::{Header, Opcode};
use framewise::{Client, Error, Event, Message, Misuse, Server, TrySendError};
use futures_util::{FutureExt as _, Sink, SinkExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::advance;

#[tokio::test]
async fn the_bound_is_a_setting_of_both_ends() {
    for bytes in [0, 1, 500, 64 * 1024, 1 << 20] {
        let (near, far) = duplex(1_000);
        let (client, server) = (Client::new().send_queue(bytes), Server::new().send_queue(bytes));
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        for ws in [&mut client, &mut server] {
            let mut queued = 0;
            while !ws.is_full() {
                ws.feed(vec![7; 100]).await.unwrap();
                queued += 1;
                assert!(ws.queued() < bytes.max(1) + 106);
            }
            assert_eq!(queued, bytes.div_ceil(ws.queued() / queued).max(1), "a bound of {bytes}");
        }
    }
}

#[tokio::test]
async fn try_send_gives_back_what_has_no_room() {
    let (mut server, mut raw) = accepted(Server::new().send_queue(1_000), 1_000).await;
    let mut sent = 0_u32;
    let back = loop {
        match server.try_send(vec![sent as u8; 300]) {
            Ok(()) => sent += 1,
            Err(TrySendError::Full(message)) => break message,
            Err(error) => panic!("{error}"),
        }
    };
    // The stream took 1,000 bytes; then 1,000 are queued, and some more.
    assert_eq!((sent, &back), (7, &Message::binary(vec![7; 300])), "and it is complete");
    assert_eq!(server.queued(), 7 * 304 - 1_000);
    let read = async {
        let mut got = vec![0; 7 * 304];
        raw.read_exact(&mut got).await.unwrap();
        got
    };
    let (flushed, got) = tokio::join!(server.flush(), read);
    flushed.unwrap();
    assert_eq!((got[4], got[6 * 304 + 4]), (0, 6));
    server.try_send(back).unwrap();
    server.start_close(1000, "").unwrap();
    let closed = server.try_send("late").unwrap_err();
    assert!(matches!(closed, TrySendError::Failed(Error::Misuse(Misuse::Closed))), "{closed}");
}

#[tokio::test]
async fn try_send_knows_of_a_message_that_is_open_and_of_a_stream_that_failed() {
    let (mut server, raw) = accepted(Server::new(), 1_000).await;
    server.begin(framewise::MessageKind::Text).unwrap();
    let open = server.try_send("another").unwrap_err();
    assert!(matches!(open, TrySendError::Failed(Error::Misuse(Misuse::MessageOpen))), "{open}");
    server.send_part(b"", true).await.unwrap();
    drop(raw);
    // The first that writes is told.
    assert!(matches!(server.try_send("lost").unwrap_err(), TrySendError::Failed(Error::Io(_))));
    assert!(matches!(server.try_send("late").unwrap_err(), TrySendError::Failed(Error::Io(_))));
}

#[tokio::test(start_paused = true)]
async fn pings_of_a_peer_that_reads_nothing_cost_no_memory() {
    let (server, raw) = accepted(Server::new().send_queue(10_000), 1_000).await;
    let mut server = server;
    let (mut read, mut write) = tokio::io::split(raw);
    let ping = masked(Opcode::Ping, true, &[7; 125]);
    let flood = async {
        for second in 0..200_u32 {
            write.write_all(&ping.repeat(999)).await.unwrap();
            write.write_all(&masked(Opcode::Binary, true, &second.to_be_bytes())).await.unwrap();
            advance(Duration::from_secs(1)).await;
        }
        write.write_all(&masked(Opcode::Ping, true, b"the last")).await.unwrap();
        write.write_all(&masked(Opcode::Text, true, b"done")).await.unwrap();
    };
    let serve = async {
        let mut pings = 0;
        loop {
            assert!(server.queued() <= 2 * 10_000 + 127, "{} bytes after {pings} Pings", server.queued());
            match server.next_event().await.unwrap().unwrap() {
                Event::Ping(_) => pings += 1,
                Event::Message(message) if message == Message::text("done") => break pings,
                Event::Message(_) => {}
                other @ (Event::Part(_) | Event::Pong(_) | Event::Close(_) | Event::Tolerated(_) | _) => {
                    panic!("{other:?}")
                }
            }
        }
    };
    let (pings, ()) = tokio::join!(serve, flood);
    assert_eq!(pings, 200 * 999 + 1);
    // When it reads again it gets Pongs, the last of them for the last Ping, and the message.
    let last = [plain(Opcode::Pong, true, b"the last"), plain(Opcode::Text, true, b"hello")];
    let read = async {
        let (mut got, mut frames, mut at) = (Vec::new(), Vec::new(), 0);
        while !last.iter().all(|frame| frames.contains(frame)) {
            read.read_buf(&mut got).await.unwrap();
            while let Some(header) = Header::decode(&got[at..])
                && let Some(frame) = got[at..].get(..header.size() + header.length as usize)
            {
                frames.push(frame.to_vec());
                at += frame.len();
            }
        }
        frames
    };
    let send = async {
        server.send("hello").await.unwrap();
        server.flush().await.unwrap();
    };
    let (frames, ()) = tokio::join!(read, send);
    let pong = plain(Opcode::Pong, true, &[7; 125]);
    assert!((80..250).contains(&frames.len()), "{} frames", frames.len());
    assert!(frames.iter().all(|frame| *frame == pong || last.contains(frame)));
}

#[tokio::test]
async fn a_full_queue_that_moves_again_wakes_who_waits() {
    let (near, far) = duplex(100);
    let mut near = Counting::new(near);
    near.cut = 7;
    let client = Client::new().send_queue(50);
    let server = Server::new();
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let send = async {
        for number in 0..200_u8 {
            client.send(vec![number; 40]).await.unwrap();
        }
        client.close(1000, "").await.unwrap();
    };
    let take = async {
        for number in 0..200_u8 {
            assert_eq!(server.next().await.unwrap().unwrap(), Message::binary(vec![number; 40]));
        }
        assert!(server.next().await.is_none());
        drop(server);
    };
    tokio::join!(send, take);
}

#[tokio::test]
async fn what_a_stream_that_failed_did_not_take_is_let_go() {
    for size in [100, 60_000] {
        let (mut server, raw) = accepted(Server::new(), 1_000).await;
        server.feed(vec![7; size]).await.unwrap();
        server.feed("behind it").await.unwrap();
        drop(raw);
        assert!(matches!(server.flush().await, Err(Error::Io(_))));
        assert_eq!((server.queued(), server.is_full()), (0, false), "{size} bytes");
    }
}

/// Feeds a sink until it waits. How many events it took.
fn fill<T>(sink: &mut (impl Sink<T, Error = Error> + Unpin), event: impl Fn() -> T) -> usize {
    (0..100).take_while(|_| sink.feed(event()).now_or_never().is_some_and(|fed| fed.is_ok())).count()
}

#[tokio::test]
async fn a_sink_is_not_ready_while_its_queue_is_full() {
    let message = || Message::binary(vec![7; 296]);
    // The stream takes 1,000 bytes, and 1,000 are queued then.
    let (mut server, _raw) = accepted(Server::new().send_queue(1_000), 1_000).await;
    assert_eq!((fill(&mut server, message), server.is_full()), (7, true));
    let (server, _raw) = accepted(Server::new().send_queue(1_000), 1_000).await;
    let mut events = server.into_events();
    assert_eq!((fill(&mut events, || Event::Message(message())), events.get_ref().is_full()), (7, true));
    let (server, _raw) = accepted(Server::new().send_queue(1_000), 1_000).await;
    let (mut sender, _receiver) = server.split();
    assert_eq!((fill(&mut sender, message), sender.is_full()), (7, true));
}

#[tokio::test]
async fn a_queue_that_is_not_full_any_more_takes_a_message_though_it_is_not_empty() {
    let (mut server, _raw) = accepted(Server::new().send_queue(1_000), 700).await;
    server.feed(vec![7; 1_496]).await.unwrap();
    assert!(server.is_full());
    server.feed("next").now_or_never().expect("the stream takes 700 bytes of 1,500").unwrap();
    assert_eq!(server.queued(), 800 + 6);
}

#[tokio::test]
async fn what_the_stream_did_not_take_yet_is_written_when_the_connection_is_dropped() {
    let (mut server, mut raw) = accepted(Server::new(), 100).await;
    server.send(vec![7; 98]).await.unwrap();
    // There is no room for any of it.
    assert!(server.send("last").now_or_never().is_none());
    raw.read_exact(&mut [0; 100]).await.unwrap();
    drop(server);
    let mut got = Vec::new();
    raw.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, plain(Opcode::Text, true, b"last"));
}
