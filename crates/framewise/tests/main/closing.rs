//! The end of a connection, in the order of RFC 6455 §7.1.1, on both sides.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::{
    Counting, REQUEST, accepted, client_and_raw, masked, masked_close, pair, plain, server_and_raw,
};
use framewise::proto::Opcode;
use framewise::{
    CloseCode, CloseFrame, Config, EndedBy, Error, Event, Limits, Message, Misuse, Rule, Server,
};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::Instant;

#[tokio::test]
async fn both_ends_learn_who_closed_and_why() {
    let (mut client, mut server) = pair().await;
    let serve = async {
        client.send("before the end").await.unwrap();
        client.close(4001, "enough").await.unwrap();
        client
    };
    let (client, ()) = tokio::join!(serve, async {
        assert_eq!(server.next().await.unwrap().unwrap(), Message::text("before the end"));
        let close = CloseFrame::new(CloseCode(4001), "enough");
        assert_eq!(server.next_event().await.unwrap().unwrap(), Event::Close(Some(close)));
        assert!(server.next_event().await.is_none());
        assert!(server.next_event().await.is_none(), "and so it stays");
        let ended = server.ended().unwrap();
        assert_eq!((ended.by, ended.code.0, ended.clean), (EndedBy::Peer, 4001, true));
        assert!(matches!(server.send("too late").await, Err(Error::Misuse(Misuse::Closed))));
        drop(server);
    });
    let ended = client.ended().unwrap();
    assert_eq!((ended.by, ended.code.0, ended.clean), (EndedBy::Us, 4001, true));
    assert!(client.violation().is_none());
}

#[tokio::test]
async fn the_server_shuts_down_first_and_the_client_waits_for_it() {
    let (mut client, mut raw) = client_and_raw(Config::default()).await;
    raw.write_all(&plain(Opcode::Close, true, &1000_u16.to_be_bytes())).await.unwrap();
    let served = async {
        let mut close = [0; 8];
        raw.read_exact(&mut close).await.unwrap();
        assert_eq!(close[..2], [0x88, 0x82], "the Close comes back");
        // Its side stays open until ours is closed.
        assert!(futures_util::FutureExt::now_or_never(raw.read_u8()).is_none());
        raw.shutdown().await.unwrap();
    };
    let (end, ()) = tokio::join!(client.next(), served);
    assert!(end.is_none());
}

#[tokio::test]
async fn a_server_sends_its_close_and_its_end_first() {
    let (mut server, mut raw) = server_and_raw().await;
    raw.write_all(&masked_close(1001)).await.unwrap();
    let client = async {
        let mut rest = Vec::new();
        // The end of the server's side comes though ours is open.
        raw.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"\x88\x02\x03\xe9");
        raw.write_all(&[0; 5_000]).await.unwrap();
        drop(raw);
    };
    let (end, ()) = tokio::join!(server.next(), client);
    assert!(end.is_none());
    assert_eq!(server.ended().unwrap().code.0, 1001);
}

#[tokio::test]
async fn messages_of_the_peer_are_kept_by_start_close() {
    let (mut server, mut raw) = server_and_raw().await;
    server.start_close(1001, "restart").unwrap();
    raw.write_all(&masked(Opcode::Text, true, b"crossed it")).await.unwrap();
    raw.write_all(&masked_close(1001)).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("crossed it"));
    let (end, rest) = tokio::join!(server.next(), async {
        let mut rest = Vec::new();
        raw.read_to_end(&mut rest).await.unwrap();
        drop(raw);
        rest
    });
    assert!(end.is_none());
    assert_eq!(rest, b"\x88\x09\x03\xe9restart");
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_and_the_connection_goes_on() {
    let (mut client, mut server) = pair().await;
    for code in [999, 1004, 1006, 1015, 1016, 2999, 5000] {
        assert!(matches!(server.close(code, "").await, Err(Error::Misuse(Misuse::CloseCode(_)))), "{code}");
    }
    let long = "x".repeat(124);
    assert!(matches!(
        server.start_close(1000, &long),
        Err(Error::Misuse(Misuse::ControlTooLong { length: 124 }))
    ));
    assert!(matches!(
        server.ping(&[0; 126]).await,
        Err(Error::Misuse(Misuse::ControlTooLong { length: 126 }))
    ));
    server.ping(b"still here").await.unwrap();
    assert_eq!(client.next_event().await.unwrap().unwrap(), Event::Ping("still here".into()));
    client.flush().await.unwrap();
    assert_eq!(server.next_event().await.unwrap().unwrap(), Event::Pong("still here".into()));
}

#[tokio::test]
async fn a_close_without_a_code_is_1005() {
    let (mut client, mut server) = pair().await;
    client.start_close(CloseCode::NO_STATUS, "").unwrap();
    let (_, event) = tokio::join!(client.flush(), server.next_event());
    assert_eq!(event.unwrap().unwrap(), Event::Close(None));
    drop(client);
    assert!(server.next().await.is_none());
    assert_eq!(server.ended().unwrap().code, CloseCode::NO_STATUS);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_close_is_not_waited_for() {
    let (mut server, _raw) = server_and_raw().await;
    let start = Instant::now();
    let error = server.close(1000, "").await.unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::CloseTimeout);
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(server.ended().unwrap().by, EndedBy::Nobody);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_tcp_open_is_not_waited_for() {
    let (mut client, mut raw) = client_and_raw(Config::default()).await;
    raw.write_all(&plain(Opcode::Close, true, b"\x03\xe8")).await.unwrap();
    let start = Instant::now();
    assert!(client.next().await.is_none());
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(client.ended().unwrap().clean, "both Close frames went over the wire");
    // Nor longer than for the Close.
    let config = Config::default().limits(Limits::default().close(Duration::from_millis(300)));
    let (mut client, mut raw) = client_and_raw(config).await;
    let start = Instant::now();
    let answer = async {
        raw.read_exact(&mut [0; 8]).await.unwrap();
        raw.write_all(&plain(Opcode::Close, true, b"\x03\xe8")).await.unwrap();
    };
    let (closed, ()) = tokio::join!(client.close(1000, ""), answer);
    closed.unwrap();
    assert_eq!(start.elapsed().as_millis(), 300);
}

/// RFC 6455 §5.5.1: "The server MUST close the underlying TCP connection immediately".
#[tokio::test(start_paused = true)]
async fn a_server_does_not_wait_for_a_client_that_keeps_tcp_open() {
    let start = Instant::now();
    let close = async |closes_first: bool| {
        let (mut server, mut raw) = server_and_raw().await;
        server.feed(vec![7; 3_000]).await.unwrap();
        raw.write_all(&masked_close(1001)).await.unwrap();
        if closes_first {
            server.close(1001, "").await.unwrap();
        } else {
            assert!(server.next().await.is_none());
        }
        let ended = server.ended().unwrap();
        let by = if closes_first { EndedBy::Us } else { EndedBy::Peer };
        assert_eq!((ended.by, ended.code.0, ended.clean), (by, 1001, true));
        // The queue, the Close and the end of TCP are there, although `server` is kept.
        let mut rest = Vec::new();
        raw.read_to_end(&mut rest).await.unwrap();
        assert_eq!((rest.len(), &rest[3_004..]), (3_008, &b"\x88\x02\x03\xe9"[..]));
    };
    close(true).await;
    close(false).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    // A client that broke a rule may still send: a reset could destroy the Close that it has not read.
    let (mut server, mut raw) = server_and_raw().await;
    raw.write_all(&masked(Opcode::Text, true, b"\xff")).await.unwrap();
    assert!(server.next().await.unwrap().is_err());
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_frame_after_the_close_is_reported_if_it_has_arrived() {
    let (mut server, mut raw) = server_and_raw().await;
    raw.write_all(&masked_close(1000)).await.unwrap();
    assert!(matches!(server.next_event().await, Some(Ok(Event::Close(_)))));
    raw.write_all(&masked(Opcode::Text, true, b"late")).await.unwrap();
    let Some(Ok(Event::Tolerated(late))) = server.next_event().await else { panic!("not reported") };
    assert_eq!(late.rule, Rule::FrameAfterClose);
    assert!(server.next_event().await.is_none());
}

#[tokio::test]
async fn an_end_without_a_close_is_a_finding() {
    for (bytes, rule) in [
        (vec![], Rule::CloseMissing),
        (vec![0x81], Rule::HeaderTruncated),
        (masked(Opcode::Text, true, b"hello")[..9].to_vec(), Rule::PayloadTruncated),
        (masked(Opcode::Text, true, &[b'x'; 200])[..120].to_vec(), Rule::PayloadTruncated),
        (masked(Opcode::Ping, true, b"hello")[..9].to_vec(), Rule::PayloadTruncated),
    ] {
        let (mut server, mut raw) = server_and_raw().await;
        raw.write_all(&bytes).await.unwrap();
        drop(raw);
        let error = server.next().await.unwrap().unwrap_err();
        let violation = error.violation().unwrap();
        assert_eq!(violation.rule, rule);
        assert_eq!(violation.offset, Some((REQUEST.len() + bytes.len()) as u64));
        assert!(server.next().await.is_none());
        assert_eq!(server.ended().unwrap().code.0, 1006);
    }
}

#[tokio::test]
async fn a_half_open_client_still_gets_what_was_queued_for_it() {
    // It sent its messages and its end, and reads on.
    let (mut server, mut raw) = server_and_raw().await;
    raw.write_all(&masked(Opcode::Binary, true, &[7; 3_000]).repeat(300)).await.unwrap();
    raw.shutdown().await.unwrap();
    let echo = async {
        let error = loop {
            match server.next().await.unwrap() {
                Ok(message) => server.send(message).await.unwrap(),
                Err(error) => break error,
            }
        };
        assert!(server.next().await.is_none());
        drop(server);
        error
    };
    let mut got = Vec::new();
    let (error, read) = tokio::join!(echo, raw.read_to_end(&mut got));
    read.unwrap();
    assert_eq!(error.violation().unwrap().rule, Rule::CloseMissing);
    assert_eq!(got.len(), 3_004 * 300);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_client_that_reads_nothing_is_waited_for_five_seconds() {
    let (mut server, mut raw) = accepted(Server::new(), 1_000).await;
    server.feed(vec![7; 5_000]).await.unwrap();
    raw.shutdown().await.unwrap();
    let start = Instant::now();
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!((error.violation().unwrap().rule, server.ended().is_some()), (Rule::CloseMissing, true));
    assert_eq!((start.elapsed().as_secs(), server.queued()), (5, 0));
    assert!(server.next().await.is_none());
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn so_long_a_flush_waits_for_it() {
    let (mut server, mut raw) = accepted(Server::new(), 1_000).await;
    server.feed(vec![7; 5_000]).await.unwrap();
    raw.shutdown().await.unwrap();
    let lost = server.next_event().await.unwrap().unwrap_err();
    assert_eq!(lost.violation().unwrap().rule, Rule::CloseMissing);
    let start = Instant::now();
    assert!(matches!(server.flush().await, Err(Error::Misuse(Misuse::Closed))));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_side_is_shut_down_once() {
    let (mut raw, far) = duplex(1 << 16);
    let wrong = masked(Opcode::Text, true, b"\xff");
    raw.write_all(&[REQUEST.as_bytes(), &wrong].concat()).await.unwrap();
    let mut server = Server::new().accept(Counting::new(far)).await.unwrap();
    let counts = Arc::clone(&server.get_ref().counts);
    for byte in 0..3 {
        assert!(server.next().now_or_never().is_none(), "the client has not ended its side");
        raw.write_all(&[byte]).await.unwrap();
    }
    drop(raw);
    assert!(server.next().await.unwrap().is_err());
    assert!(server.next().await.is_none());
    assert_eq!(counts.shutdowns.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_by_the_idle_limit_if_there_is_one() {
    let mut config = Config::default();
    config.limits.idle = Some(Duration::from_secs(60));
    let (mut server, mut raw) = crate::common::server_with(config).await;
    let start = Instant::now();
    let feed = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            raw.write_all(&masked(Opcode::Ping, true, b"")).await.unwrap();
        }
    };
    let (end, ()) = tokio::join!(server.next(), feed);
    let error = end.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::IdleTimeout);
    assert_eq!(start.elapsed().as_secs(), 210);
    // Nobody talks: there is no alarm to wake it.
    let (mut server, _raw) = server_and_raw().await;
    assert!(tokio::time::timeout(Duration::from_secs(1_000_000), server.next()).await.is_err());
}
