//! What a peer does not do in time ends, whatever this end is waiting for; in simulated time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::common::{REQUEST, accepted, masked};
use framewise::proto::Opcode;
use framewise::{Client, EndedBy, Error, Event, Keepalive, Limits, Rule, Server, WebSocket};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex, join, sink,
};
use tokio::task::coop;
use tokio::time::{Instant, advance, sleep, timeout};

const EVER: Duration = Duration::from_secs(1_000_000);

fn idle(seconds: u64) -> Limits {
    Limits::DEFAULT.idle(Duration::from_secs(seconds))
}

async fn pair(limits: Limits) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(10_000);
    let (client, server) = (Client::new().limits(limits), Server::new().limits(limits));
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    (client.expect("the client's handshake"), server.expect("the server's handshake"))
}

async fn send_for_ever(ws: &mut WebSocket<DuplexStream>) -> Error {
    loop {
        if let Err(error) = ws.send(vec![7; 10_000]).await {
            return error;
        }
    }
}

fn assert_timed_out(error: &Error) {
    let Error::Io(io) = error else { panic!("{error}") };
    assert_eq!(io.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("has not read anything"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_and_a_server_are_told_how_long_a_peer_may_be_silent_and_how_long_a_close_may_take() {
    let limits = (idle(30)).close(Duration::from_secs(2));
    let (mut client, mut server) = pair(limits).await;
    let start = Instant::now();
    let error = client.next().await.unwrap().unwrap_err();
    assert_eq!((error.violation().unwrap().rule, start.elapsed().as_secs()), (Rule::IdleTimeout, 30));
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!((error.violation().unwrap().rule, start.elapsed().as_secs()), (Rule::IdleTimeout, 30));
    assert!(error.to_string().contains("30.0 s)"), "{error}");

    for client_closes in [true, false] {
        let (mut closer, mut other) = pair(limits).await;
        if !client_closes {
            (closer, other) = (other, closer);
        }
        let start = Instant::now();
        let error = closer.close(1000, "").await.unwrap_err();
        assert_eq!((error.violation().unwrap().rule, start.elapsed().as_secs()), (Rule::CloseTimeout, 2));
        assert!(error.to_string().contains("2.0 s)"), "{error}");
        drop(other);
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_to_a_peer_that_reads_nothing_ends_by_the_idle_limit() {
    let (mut server, raw) = accepted(Server::new().limits(idle(60)), 10_000).await;
    let start = Instant::now();
    assert_timed_out(&send_for_ever(&mut server).await);
    assert_eq!(start.elapsed().as_secs(), 60);
    assert!(server.send("more").await.is_err(), "and so it stays");
    // To the reader it is the rule: nothing came from it either.
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::IdleTimeout);
    assert!(server.next().await.is_none());
    assert_eq!((server.ended().unwrap().by, server.queued()), (EndedBy::Nobody, 0));
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn so_do_a_flush_and_a_part() {
    let (mut server, _raw) = accepted(Server::new().limits(idle(60)), 10_000).await;
    server.feed(vec![7; 50_000]).await.unwrap();
    let start = Instant::now();
    assert_timed_out(&server.flush().await.unwrap_err());
    assert_eq!(start.elapsed().as_secs(), 60);

    let (mut server, _raw) = accepted(Server::new().limits(idle(60)).send_queue(1), 10_000).await;
    server.begin(framewise::MessageKind::Binary).unwrap();
    server.feed_part(&vec![7; 50_000], false).await.unwrap();
    assert_timed_out(&server.send_part(&vec![7; 50_000], false).await.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn a_keepalive_bounds_a_send_as_well() {
    let (mut server, _raw) = accepted(Server::new().keepalive(Keepalive::default()), 10_000).await;
    let start = Instant::now();
    assert_timed_out(&send_for_ever(&mut server).await);
    assert_eq!(start.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn so_does_a_sender_with_a_receiver_beside_it_or_without() {
    for received in [true, false] {
        let (server, _raw) = accepted(Server::new().limits(idle(60)), 10_000).await;
        let (sender, receiver) = server.split();
        let start = Instant::now();
        let send = async {
            loop {
                if let Err(error) = sender.send(vec![7; 10_000]).await {
                    break error;
                }
            }
        };
        let error = if received {
            let mut receiver = receiver;
            let (error, end) = tokio::join!(send, receiver.next());
            let end = end.unwrap().unwrap_err();
            assert!(end.violation().is_some_and(|violation| violation.rule == Rule::IdleTimeout), "{end}");
            error
        } else {
            drop(receiver);
            let error = send.await;
            assert_timed_out(&error);
            error
        };
        assert_eq!(start.elapsed().as_secs(), 60, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_waited_for_and_without_a_limit_every_reader() {
    let (mut server, mut raw) = accepted(Server::new().limits(idle(60)), 10_000).await;
    let start = Instant::now();
    let read = async {
        for _ in 0..100 {
            sleep(Duration::from_secs(50)).await;
            raw.read_exact(&mut [0; 100]).await.unwrap();
        }
    };
    let (error, ()) = tokio::join!(send_for_ever(&mut server), read);
    assert_timed_out(&error);
    assert_eq!(start.elapsed().as_secs(), 100 * 50 + 60);

    let (mut server, _raw) = accepted(Server::new(), 10_000).await;
    assert!(timeout(EVER, send_for_ever(&mut server)).await.is_err());
    // The wait was given up, and another way to wait has its end.
    let start = Instant::now();
    server.start_close(1000, "").unwrap();
    assert!(server.flush().await.is_err());
    assert_eq!(start.elapsed().as_secs(), 5);
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::CloseTimeout);
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_and_reads_nothing_is_given_up() {
    let (server, raw) = accepted(Server::new().limits(idle(60)), 10_000).await;
    let (_read, mut write) = tokio::io::split(raw);
    let mut server = server;
    let start = Instant::now();
    let talk = async {
        let message = masked(Opcode::Binary, true, &[7; 1_000]);
        while write.write_all(&message).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    // It queues one large message, and reads on.
    let serve = async {
        server.feed(vec![7; 100_000]).await.unwrap();
        let error = loop {
            match server.next().await.unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        drop(server);
        error
    };
    let (error, ()) = tokio::join!(serve, talk);
    assert_timed_out(&error);
    assert!((60..63).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_close_to_a_peer_that_reads_nothing_ends() {
    let (mut server, _raw) = accepted(Server::new(), 10_000).await;
    server.feed(vec![7; 50_000]).await.unwrap();
    let start = Instant::now();
    let error = server.close(1000, "").await.unwrap_err();
    assert_eq!((error.violation().unwrap().rule, start.elapsed().as_secs()), (Rule::CloseTimeout, 5));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_comes_sooner_than_the_one_before_is_kept() {
    let (mut server, _raw) = accepted(Server::new().limits(idle(60)), 10_000).await;
    assert!(timeout(Duration::from_secs(1), server.next()).await.is_err());
    let start = Instant::now();
    server.start_close(1000, "").unwrap();
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!((error.violation().unwrap().rule, start.elapsed().as_secs()), (Rule::CloseTimeout, 5));
}

/// A client that has always something to be read, and counts as TCP does what a task may do in one go.
struct Endless {
    sent: usize,
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(coop::poll_proceed(cx)).made_progress();
        if self.sent == 0 {
            buf.put_slice(REQUEST.as_bytes());
        } else {
            buf.put_slice(&masked(Opcode::Binary, true, &[7; 1_000]));
        }
        self.sent += 1;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_stops_sending_holds_no_deadline_up() {
    let mut server = Server::new()
        .keepalive(Keepalive::default())
        .accept(join(Endless { sent: 0 }, sink()))
        .await
        .unwrap();
    let start = Instant::now();
    let serving = tokio::spawn(async move {
        let mut notes = 0;
        while start.elapsed().as_secs() < 100 {
            notes += usize::from(matches!(server.next_event().await.unwrap().unwrap(), Event::Tolerated(_)));
        }
        (notes, server.close(1000, "").await.unwrap_err())
    });
    let mut turns = 0;
    while !serving.is_finished() {
        advance(Duration::from_millis(500)).await;
        turns += 1;
        assert!(turns < 500, "it comes to an end");
    }
    let (notes, error) = serving.await.unwrap();
    assert_eq!(notes, 3, "Pings went out at 20, 40, 60 and 80 seconds, and none was answered");
    assert_eq!(error.violation().unwrap().rule, Rule::CloseTimeout);
    assert!((105..107).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_without_an_end_is_none() {
    let limits = Limits::DEFAULT.idle(Duration::MAX).close(Duration::MAX);
    let keepalive = Keepalive::default().interval(Duration::MAX).pong(Duration::MAX);
    let (mut server, _raw) = accepted(Server::new().limits(limits).keepalive(keepalive), 10_000).await;
    assert!(timeout(EVER, server.next()).await.is_err());
    assert!(timeout(EVER, send_for_ever(&mut server)).await.is_err());
    assert!(timeout(EVER, server.close(1000, "")).await.is_err());
}

#[tokio::test]
async fn so_is_one_of_the_handshake_and_of_the_end_of_a_server() {
    let limits = Limits::DEFAULT.handshake(Duration::MAX).close(Duration::MAX);
    let (mut client, mut server) = pair(limits).await;
    client.send("hi").await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap().as_text(), Some("hi"));

    let listener = Server::new().limits(limits).bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let serving = tokio::spawn(listener.serve_until(stopped, |mut ws| async move {
        assert!(ws.next().await.is_none());
    }));
    let mut client = Client::new().limits(limits).connect(&url).await.unwrap();
    stop.send(()).unwrap();
    assert!(client.next().await.is_none());
    assert_eq!(client.ended().unwrap().code.0, 1001);
    serving.await.unwrap();
}
