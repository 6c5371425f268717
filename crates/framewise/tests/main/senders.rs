//! What a sender can do besides sending, and what becomes of one that outlives its connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use framewise::proto::Opcode;
use framewise::{
    Adopt, Client, Config, EndedBy, Error, Event, Message, Misuse, Reply, Role, Sender, Server, TrySendError,
    connect,
};
use futures_util::FutureExt as _;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, sleep};

use crate::common::{accepted, echo, echo_server, masked, pair, pair_with, plain, server_and_raw};

#[tokio::test]
async fn one_list_holds_the_senders_of_every_kind_of_connection() {
    let mut members: Vec<Sender> = Vec::new();
    let address = echo_server().await;
    let (sender, mut tcp) = connect(&format!("ws://{address}/")).await.unwrap().split();
    members.push(sender);
    let (client, server) = pair().await;
    let (sender, mut memory) = client.split();
    members.push(sender);
    tokio::spawn(echo(server));
    for member in &members {
        member.send("welcome").await.unwrap();
    }
    assert_eq!(tcp.next().await.unwrap().unwrap(), Message::text("welcome"));
    assert_eq!(memory.next().await.unwrap().unwrap(), Message::text("welcome"));
    // Each goes back to its own kind.
    let sender = members.remove(0);
    assert!(tcp.reunite(sender).unwrap().get_ref().tcp().nodelay().unwrap());
    assert!(memory.reunite(members.remove(0)).is_ok());
}

#[tokio::test]
async fn both_halves_know_what_the_connection_knew() {
    let server = Server::new().reply(|_| Reply::accept().protocol("chat").header("X-Room", "7"));
    let (near, far) = duplex(1 << 16);
    let client = Client::new().protocol("chat").header("X-Name", "ada");
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/there"), server.accept(far));
    let ((client, mut client_rx), (server, server_rx)) = (client.unwrap().split(), server.unwrap().split());
    assert_eq!((client.role(), client_rx.role()), (Role::Client, Role::Client));
    assert_eq!((server.role(), server_rx.role()), (Role::Server, Role::Server));
    for protocol in [client.protocol(), client_rx.protocol(), server.protocol(), server_rx.protocol()] {
        assert_eq!(protocol, Some("chat"));
    }
    for request in [server.request(), server_rx.request()] {
        assert_eq!(request.unwrap().header("x-name"), Some(&b"ada"[..]));
    }
    for response in [client.response(), client_rx.response()] {
        assert_eq!(response.unwrap().header("x-room"), Some(&b"7"[..]));
    }
    assert!(client.request().is_none() && server_rx.response().is_none());
    assert_eq!((client.round_trip(), client_rx.round_trip()), (None, None));
    tokio::spawn(async move {
        let mut server_rx = server_rx;
        while server_rx.next().await.is_some() {}
    });
    client.start_ping(b"?").unwrap();
    assert_eq!(client_rx.next_event().await.unwrap().unwrap(), Event::Pong("?".into()));
    assert!(client.round_trip().is_some() && client_rx.round_trip() == client.round_trip());
}

#[tokio::test]
async fn pings_and_pongs_are_started_without_waiting() {
    let (mut ws, mut raw) = server_and_raw().await;
    ws.start_ping(b"1").unwrap();
    ws.start_pong(b"2").unwrap();
    assert!(matches!(ws.start_ping(&[0; 126]), Err(Error::Misuse(Misuse::ControlTooLong { length: 126 }))));
    let (sender, _receiver) = ws.split();
    sender.start_ping(b"3").unwrap();
    sender.start_pong(b"4").unwrap();
    assert!(matches!(
        sender.start_pong(&[0; 126]),
        Err(Error::Misuse(Misuse::ControlTooLong { length: 126 }))
    ));
    let mut got = [0; 12];
    raw.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"\x89\x011\x8a\x012\x89\x013\x8a\x014");
    sender.start_close(1000, "").unwrap();
    assert!(matches!(sender.start_ping(b""), Err(Error::Misuse(Misuse::Closed))));
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_not_a_slow_peer() {
    let config = Config::default().send_queue(1000);
    let (mut client, server) = pair_with(config, 500).await;
    let (sender, receiver) = server.split();
    tokio::spawn(async move {
        let mut receiver = receiver;
        while receiver.next().await.is_some() {}
    });
    assert!(!sender.is_full());
    sender.try_send(vec![1; 2000]).unwrap();
    assert!(sender.is_full());
    assert!(matches!(sender.try_send("full"), Err(TrySendError::Full(_))));
    let start = Instant::now();
    let refused = sender.send_timeout("slow", Duration::from_secs(3)).await;
    assert!(matches!(refused, Err(TrySendError::Full(message)) if message == Message::text("slow")));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    let late = sender.clone();
    let waits = tokio::spawn(async move { late.send_timeout("burst", Duration::from_secs(3)).await });
    sleep(Duration::from_secs(2)).await;
    assert_eq!(client.next().await.unwrap().unwrap().len(), 2000);
    waits.await.unwrap().unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("burst"));
    client.close(1000, "").await.unwrap();
    let closed = sender.send_timeout("late", Duration::from_secs(3)).await;
    assert!(matches!(closed, Err(TrySendError::Failed(Error::Misuse(Misuse::Closed)))));
}

#[tokio::test]
async fn an_abort_drops_what_is_queued_but_for_the_frame_that_was_begun() {
    for dropped in [3000, 1] {
        abort_drops(vec![2; dropped]).await;
    }
}

async fn abort_drops(dropped: Vec<u8>) {
    let (server, mut raw) = accepted(Server::new(), 1000).await;
    let queued = 2004 + plain(Opcode::Binary, true, &dropped).len();
    let (sender, _receiver) = server.split();
    let begun = vec![1; 3000];
    sender.try_send(begun.clone()).unwrap();
    let first = sender.clone();
    let mut first = std::pin::pin!(first.flush());
    assert!(first.as_mut().now_or_never().is_none());
    let waiting = sender.clone();
    let waiting = tokio::spawn(async move { waiting.send(dropped).await });
    tokio::task::yield_now().await;
    assert_eq!(sender.queued(), queued);
    assert!(matches!(sender.abort(1005, "reason"), Err(Error::Misuse(Misuse::CloseCode(_)))));
    assert_eq!(sender.queued(), queued);
    sender.abort(1008, "slow").unwrap();
    assert_eq!(sender.queued(), 2004 + 8);
    assert!(first.as_mut().now_or_never().is_none(), "it is not written yet");
    assert!(sender.flush().now_or_never().is_none(), "nor is the Close behind it");
    let mut got = Vec::new();
    let read = async {
        let mut buffer = vec![0; 3004 + 8];
        raw.read_exact(&mut buffer).await.unwrap();
        got = buffer;
    };
    let (flushed, begun_flushed, ()) = tokio::join!(sender.flush(), first, read);
    // What was asked to be flushed is there; the message that was dropped is not reported as sent.
    flushed.unwrap();
    begun_flushed.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Misuse(Misuse::Closed))));
    assert!(got == [&plain(Opcode::Binary, true, &begun)[..], b"\x88\x06\x03\xf0slow"].concat());
    assert!(matches!(sender.abort(1008, ""), Err(Error::Misuse(Misuse::Closed))));
}

#[tokio::test]
async fn an_abort_before_anything_was_written_reports_no_message_as_sent() {
    let (mut server, mut raw) = accepted(Server::new(), 1000).await;
    server.send(vec![1; 996]).await.unwrap();
    let (sender, _receiver) = server.split();
    let mut waits = std::pin::pin!(sender.send("dropped"));
    assert!(waits.as_mut().now_or_never().is_none());
    sender.abort(1008, "").unwrap();
    let mut got = vec![0; 1000 + 4];
    let sent = waits.await;
    assert!(matches!(sent, Err(Error::Misuse(Misuse::Closed))), "{sent:?}");
    let (flushed, read) = tokio::join!(sender.flush(), raw.read_exact(&mut got));
    read.unwrap();
    flushed.unwrap();
    assert_eq!(got[1000..], b"\x88\x02\x03\xf0"[..]);
}

#[tokio::test]
async fn a_connection_that_is_not_split_aborts_as_well() {
    let (mut server, mut raw) = accepted(Server::new(), 1000).await;
    server.feed("never").await.unwrap();
    server.feed(vec![2; 3000]).await.unwrap();
    server.abort(1013, "").unwrap();
    let mut got = [0; 4];
    raw.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"\x88\x02\x03\xf5");
    assert_eq!(server.queued(), 0);

    // Of two messages that are on their way the one that was begun goes out.
    let (mut server, mut raw) = accepted(Server::new(), 1000).await;
    server.feed(vec![1; 3000]).await.unwrap();
    server.feed(vec![2; 3000]).await.unwrap();
    assert!(server.flush().now_or_never().is_none());
    server.abort(1013, "").unwrap();
    assert_eq!(server.queued(), 3004 - 1000 + 4);
    let mut got = vec![0; 3004 + 4];
    let (flushed, read) = tokio::join!(server.flush(), raw.read_exact(&mut got));
    read.unwrap();
    flushed.unwrap();
    assert_eq!(got[3004..], b"\x88\x02\x03\xf5"[..]);
}

/// Says when it is dropped.
struct Guarded(DuplexStream, Arc<()>);

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_sender_that_outlives_its_connection_says_so_and_keeps_no_stream() {
    let (near, far) = duplex(1 << 16);
    let alive = Arc::new(());
    let server = Adopt::server(Guarded(near, Arc::clone(&alive))).start().unwrap();
    let mut client = Adopt::client(far).start().unwrap();
    let (sender, mut receiver) = server.split();
    assert_eq!((sender.ended(), receiver.ended()), (None, None));
    assert!(sender.closed().now_or_never().is_none());
    let (closes, reads, closed) =
        tokio::join!(client.close(4001, "I leave"), receiver.next(), sender.closed());
    closes.unwrap();
    assert!(reads.is_none());
    let () = closed;
    let ended = sender.ended().unwrap();
    assert_eq!((ended.by, ended.code.0, ended.reason.as_str()), (EndedBy::Peer, 4001, "I leave"));
    assert_eq!(receiver.ended().unwrap().reason, "I leave");
    assert_eq!(Arc::strong_count(&alive), 2, "the receiver may be reunited");
    drop(receiver);
    assert_eq!(Arc::strong_count(&alive), 1, "nobody needs the stream any more");
    let is_closed = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Closed)), "{error:?}");
        assert!(error.to_string().contains("closing or closed"), "{error}");
    };
    is_closed(sender.send("late").await);
    is_closed(sender.feed("late").await);
    is_closed(sender.begin(framewise::MessageKind::Text).await);
    is_closed(sender.ping(b"").await);
    is_closed(sender.start_close(1000, ""));
    is_closed(sender.abort(1000, ""));
    assert!(matches!(sender.try_send("late"), Err(TrySendError::Failed(Error::Misuse(Misuse::Closed)))));
    // There is nothing to write, and nothing to close.
    sender.flush().await.unwrap();
    sender.close(1000, "").await.unwrap();
    sender.closed().await;
    assert!(!sender.is_open() && !sender.is_full());
}

#[tokio::test]
async fn a_connection_that_has_ended_is_reunited_with_its_stream() {
    let (near, far) = duplex(1 << 16);
    let alive = Arc::new(());
    let server = Adopt::server(Guarded(near, Arc::clone(&alive))).start().unwrap();
    let mut client = Adopt::client(far).start().unwrap();
    let (sender, mut receiver) = server.split();
    let (closes, reads) = tokio::join!(client.close(1000, ""), receiver.next());
    closes.unwrap();
    assert!(reads.is_none());
    let server = receiver.reunite(sender).unwrap();
    assert!(Arc::ptr_eq(&server.get_ref().1, &alive));
}

#[tokio::test]
async fn without_a_receiver_closed_reads_by_itself() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, receiver) = server.split();
    let closed = sender.closed();
    tokio::pin!(closed);
    assert!(closed.as_mut().now_or_never().is_none());
    // It waits for the receiver, until that one is gone.
    drop(receiver);
    raw.write_all(&masked(Opcode::Text, true, b"is let go")).await.unwrap();
    raw.write_all(&masked(Opcode::Close, true, b"\x03\xe9bye")).await.unwrap();
    let ((), read) = tokio::join!(closed, async {
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        drop(raw);
        got
    });
    assert_eq!(read, b"\x88\x02\x03\xe9");
    let ended = sender.ended().unwrap();
    assert_eq!((ended.code.0, ended.reason.as_str()), (1001, "bye"));
}

#[tokio::test]
async fn a_task_that_waits_for_the_end_is_woken_when_the_receiver_goes() {
    let (mut client, server) = pair().await;
    let (sender, receiver) = server.split();
    let waits = tokio::spawn(async move {
        sender.closed().await;
        sender.ended()
    });
    tokio::task::yield_now().await;
    drop(receiver);
    client.close(4002, "").await.unwrap();
    assert_eq!(waits.await.unwrap().unwrap().code.0, 4002);
}
