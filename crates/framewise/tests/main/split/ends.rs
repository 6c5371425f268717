//! What becomes of a half when the other is gone, and how both come to the end of the connection.

use std::pin::Pin;
use std::task::Poll;

use framewise::{Event, Rule};
use tokio::io::ReadBuf;

use super::*;

#[tokio::test(start_paused = true)]
async fn without_a_receiver_a_send_waits_until_it_is_written_and_close_reads_by_itself() {
    let (mut client, server) = pair_with(Config::default(), 100).await;
    let (sender, receiver) = server.split();
    drop(receiver);
    assert!(sender.send(vec![1; 1000]).now_or_never().is_none(), "nobody else would write it");
    let send = async {
        sender.send(vec![2; 1000]).await.unwrap();
        assert_eq!(sender.queued(), 0);
        sender.close(4000, "done").await
    };
    let read = async {
        client.send("is let go").await.unwrap();
        // The first was queued, though its future was dropped.
        for number in [1, 2] {
            assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(vec![number; 1000]));
        }
        assert!(client.next().await.is_none());
        let ended = client.ended().unwrap();
        assert_eq!((ended.code.0, ended.clean), (4000, true));
        drop(client);
    };
    let (closed, ()) =
        timeout(NEVER, async { tokio::join!(send, read) }).await.expect("nobody waits for ever");
    closed.unwrap();
    assert!(!sender.is_open());
}

#[tokio::test]
async fn without_senders_the_receiver_goes_on() {
    let (mut client, server) = pair().await;
    let (sender, mut receiver) = server.split();
    drop((sender.clone(), sender));
    client.send("still there").await.unwrap();
    client.ping(b"?").await.unwrap();
    assert_eq!(receiver.next().await.unwrap().unwrap(), Message::text("still there"));
    assert!(receiver.next().now_or_never().is_none());
    assert_eq!(client.next_event().await.unwrap().unwrap(), Event::Pong("?".into()));
    receiver.sender().send("and so am I").await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("and so am I"));
}

#[tokio::test]
async fn without_either_the_connection_is_cut() {
    let (mut client, server) = pair().await;
    let (sender, receiver) = server.split();
    drop(receiver);
    drop(sender);
    let error = client.next().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::CloseMissing);
}

#[tokio::test]
async fn a_close_leaves_the_receiver_what_still_comes() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    let receive = tokio::spawn(async move {
        let mut got = Vec::new();
        while let Some(message) = receiver.next().await {
            got.push(message.unwrap());
            tokio::task::yield_now().await;
        }
        got
    });
    let close = tokio::spawn(async move { sender.close(1001, "").await });
    let mut frame = [0; 4];
    raw.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x88\x02\x03\xe9");
    for _ in 0..50 {
        raw.write_all(&masked(Opcode::Text, true, b"crossed it")).await.unwrap();
    }
    raw.write_all(&masked_close(1001)).await.unwrap();
    raw.read_to_end(&mut Vec::new()).await.unwrap();
    drop(raw);
    close.await.unwrap().unwrap();
    assert_eq!(receive.await.unwrap(), vec![Message::text("crossed it"); 50]);
}

#[tokio::test]
async fn a_close_needs_nobody_who_polls_the_receiver_and_keeps_what_it_reads_for_it() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    let bytes = [masked(Opcode::Text, true, b"kept").repeat(3), masked_close(1000)].concat();
    raw.write_all(&bytes).await.unwrap();
    let (closed, ()) = tokio::join!(sender.close(1000, ""), async {
        raw.read_to_end(&mut Vec::new()).await.unwrap();
        drop(raw);
    });
    closed.unwrap();
    // It is not put together again as long as it has something to give.
    let error = receiver.reunite(sender).unwrap_err();
    receiver = error.receiver;
    for _ in 0..3 {
        assert_eq!(receiver.next().await.unwrap().unwrap(), Message::text("kept"));
    }
    assert!(receiver.next().await.is_none());
    assert!(receiver.reunite(error.sender).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_close_keeps_no_more_than_64_kib_and_waits_for_the_receiver_to_take_some() {
    let flood = || masked(Opcode::Binary, true, &[7; 4000]).repeat(100);
    // Nobody takes: the closing is not done in time.
    let (server, raw) = server_and_raw().await;
    let (from, mut to) = tokio::io::split(raw);
    let (sender, mut receiver) = server.split();
    tokio::spawn(async move { to.write_all(&[flood(), masked_close(1000)].concat()).await });
    let closed = sender.close(1000, "").await;
    drop(from);
    assert_eq!(closed.unwrap_err().violation().unwrap().rule, Rule::CloseTimeout);
    let mut count = 0;
    let error = loop {
        match receiver.next().await.expect("an end") {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(count, 17, "of 4,000 bytes each");
    assert_eq!(error.violation().unwrap().rule, Rule::CloseTimeout, "and it is told, too");
    // Somebody takes: all of it comes.
    let (server, raw) = server_and_raw().await;
    let (mut from, mut to) = tokio::io::split(raw);
    let (sender, mut receiver) = server.split();
    tokio::spawn(async move { to.write_all(&[flood(), masked_close(1000)].concat()).await });
    let take = async {
        let mut count = 0;
        while let Some(message) = receiver.next().await {
            message.unwrap();
            count += 1;
            tokio::task::yield_now().await;
        }
        count
    };
    let read = async {
        from.read_to_end(&mut Vec::new()).await.unwrap();
        drop(from);
    };
    let (closed, (), count) = tokio::join!(sender.close(1000, ""), read, take);
    closed.unwrap();
    assert_eq!(count, 100);
}

#[tokio::test(start_paused = true)]
async fn a_close_reads_on_by_as_much_as_the_receiver_has_taken() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    raw.write_all(&masked(Opcode::Binary, true, &[7; 4000]).repeat(100)).await.unwrap();
    assert!(sender.close(1000, "").now_or_never().is_none());
    for _ in 0..3 {
        assert_eq!(receiver.next().await.unwrap().unwrap().len(), 4000);
    }
    sender.close(1000, "").await.unwrap_err();
    let mut kept = 0;
    while receiver.next().await.unwrap().is_ok() {
        kept += 1;
    }
    assert_eq!(kept, 17, "three of those came later");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_waits_keeps_the_deadline_of_a_close_that_a_sender_began() {
    let (server, _raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    let receive = tokio::spawn(async move { receiver.next().await });
    tokio::task::yield_now().await;
    sender.start_close(1000, "").unwrap();
    let end = timeout(Duration::from_secs(20), receive).await.expect("the deadline comes").unwrap();
    assert_eq!(end.unwrap().unwrap_err().violation().unwrap().rule, Rule::CloseTimeout);
}

#[tokio::test]
async fn a_queue_that_is_full_is_no_reason_to_wait_once_the_connection_is_closing() {
    let (server, _raw) = server_and_raw().await;
    let (sender, _receiver) = server.split();
    while sender.try_send(vec![0; 60_000]).is_ok() {}
    sender.start_close(1013, "too slow").unwrap();
    assert!(matches!(sender.try_send("late"), Err(TrySendError::Failed(Error::Misuse(Misuse::Closed)))));
    assert!(matches!(sender.send("late").await, Err(Error::Misuse(Misuse::Closed))));
}

#[tokio::test(start_paused = true)]
async fn the_peers_close_lets_those_go_who_wait_for_room() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    // The raw end has room for a megabyte.
    while sender.try_send(vec![0; 60_000]).is_ok() {}
    let waits = tokio::spawn(async move { sender.send("too late").await });
    tokio::task::yield_now().await;
    raw.write_all(&masked_close(1000)).await.unwrap();
    assert!(timeout(Duration::from_secs(1), receiver.next()).await.is_err(), "the client does not read");
    let refused = timeout(Duration::from_secs(1), waits).await.expect("it does not wait in vain").unwrap();
    assert!(matches!(refused, Err(Error::Misuse(Misuse::Closed))), "{refused:?}");
}

#[tokio::test]
async fn a_lost_connection_is_told_to_both_halves() {
    let (server, raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    let closing = sender.clone();
    drop(raw);
    let error = receiver.next().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::CloseMissing);
    assert!(receiver.next().await.is_none());
    assert!(matches!(sender.send("nobody").await, Err(Error::Misuse(Misuse::Closed))));
    assert!(matches!(sender.try_send("nobody"), Err(TrySendError::Failed(Error::Misuse(Misuse::Closed)))));
    let closed = closing.close(1000, "").await.unwrap_err();
    assert_eq!(closed.violation().unwrap().rule, Rule::CloseMissing);
    assert_eq!(receiver.violation().unwrap().rule, Rule::CloseMissing);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_wakes_a_receiver_that_waits() {
    let (mut server, _raw) = odd_server().await;
    server.get_mut().writes = Writes::Fail;
    let (sender, mut receiver) = server.split();
    let receive = tokio::spawn(async move { receiver.next().await });
    tokio::task::yield_now().await;
    assert!(matches!(sender.send("lost").await, Err(Error::Io(_))));
    let end = timeout(NEVER, receive).await.expect("it is woken").unwrap();
    assert_eq!(end.unwrap().unwrap_err().violation().unwrap().rule, Rule::ConnectionReset);
    // It is told once.
    assert!(matches!(sender.send("late").await, Err(Error::Misuse(Misuse::Closed))));
}

#[tokio::test(start_paused = true)]
async fn so_it_does_where_generic_code_splits() {
    let (mut server, _raw) = odd_server().await;
    server.get_mut().writes = Writes::Fail;
    let (mut sink, mut stream) = futures_util::StreamExt::split(server);
    let receive = tokio::spawn(async move { stream.next().await });
    tokio::task::yield_now().await;
    assert!(matches!(SinkExt::send(&mut sink, Message::text("lost")).await, Err(Error::Io(_))));
    let end = timeout(NEVER, receive).await.expect("it is woken").unwrap();
    assert_eq!(end.unwrap().unwrap_err().violation().unwrap().rule, Rule::ConnectionReset);
}

#[tokio::test]
async fn a_sender_is_told_how_the_stream_failed_until_the_receiver_is() {
    let (mut server, _raw) = odd_server().await;
    server.get_mut().writes = Writes::Fail;
    let (sender, mut receiver) = server.split();
    assert!(matches!(sender.start_close(1000, ""), Err(Error::Io(_))));
    assert!(matches!(sender.send("late").await, Err(Error::Io(_))));
    assert!(matches!(sender.try_send("late"), Err(TrySendError::Failed(Error::Io(_)))));
    let error = receiver.next().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::ConnectionReset);
    assert!(matches!(sender.send("late").await, Err(Error::Misuse(Misuse::Closed))));
}

#[tokio::test]
async fn who_sends_without_end_does_not_starve_the_receiver() {
    // One thread, and a stream that never makes its writer wait.
    let (mut server, mut raw) = odd_server().await;
    server.get_mut().writes = Writes::Swallow;
    let (sender, mut receiver) = server.split();
    let flood = tokio::spawn(async move { while sender.send("more").await.is_ok() {} });
    tokio::task::yield_now().await;
    raw.write_all(&masked(Opcode::Text, true, b"heard")).await.unwrap();
    assert_eq!(receiver.next().await.unwrap().unwrap(), Message::text("heard"));
    flood.abort();
}

#[tokio::test]
async fn a_server_that_stops_tells_connections_that_were_split() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(listener.serve_until(stopped, |ws| async move {
        let (sender, mut receiver) = ws.split();
        sender.send("hello").await.unwrap();
        while let Some(Ok(_)) = receiver.next().await {}
    }));
    let mut client = framewise::connect(&format!("ws://{address}/")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hello"));
    stop.send(()).unwrap();
    assert!(client.next().await.is_none());
    assert_eq!(client.ended().unwrap().code.0, 1001);
    served.await.unwrap();
}

/// A stream whose writes can be made to fail, or to go nowhere without ever making their writer wait.
struct Odd {
    stream: DuplexStream,
    writes: Writes,
}

enum Writes {
    Pass,
    Fail,
    Swallow,
}

async fn odd_server() -> (WebSocket<Odd>, DuplexStream) {
    let (mut near, far) = duplex(1 << 16);
    near.write_all(crate::common::REQUEST.as_bytes()).await.unwrap();
    let server = Server::new().accept(Odd { stream: far, writes: Writes::Pass }).await.unwrap();
    near.read_exact(&mut vec![0; crate::common::RESPONSE.len()]).await.unwrap();
    (server, near)
}

impl AsyncRead for Odd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Odd {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.writes {
            Writes::Pass => Pin::new(&mut self.stream).poll_write(cx, buf),
            Writes::Fail => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Writes::Swallow => Poll::Ready(Ok(buf.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
