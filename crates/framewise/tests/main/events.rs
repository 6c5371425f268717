//! A connection as a stream and a sink of events.

use std::time::Duration;

use framewise::proto::Opcode;
use framewise::{
    Adopt, Bytes, CloseFrame, Config, EndedBy, Error, Event, Message, MessageKind, Misuse, Part, Rule,
    Server, WebSocket,
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use crate::common::{accepted, masked, masked_close, pair, plain, server_and_raw, server_with};

#[tokio::test]
async fn each_event_that_can_be_sent_arrives_as_it_is() {
    let (client, server) = pair().await;
    let (mut client, mut server) = (client.into_events(), server.into_events());
    let close = CloseFrame::new(4000, "done");
    for event in [
        Event::Message(Message::text("hello")),
        Event::Message(Message::binary(vec![7; 70_000])),
        Event::Ping(Bytes::from_static(b"?")),
        Event::Pong(Bytes::from_static(b"!")),
        Event::Close(Some(close.clone())),
    ] {
        client.feed(event.clone()).await.unwrap();
        let (flushed, got) = tokio::join!(client.flush(), server.next());
        flushed.unwrap();
        assert_eq!(got.unwrap().unwrap(), event);
    }
    // The Ping was answered, and the Close is.
    assert_eq!(client.next().await.unwrap().unwrap(), Event::Pong(Bytes::from_static(b"?")));
    // A Close that follows a Close does nothing, a message is refused.
    client.send(Event::Close(None)).await.unwrap();
    let late = client.feed(Event::Message("late".into())).await;
    assert!(matches!(late, Err(Error::Misuse(Misuse::Closed))), "{late:?}");
    assert!(server.next().await.is_none());
    assert!(matches!(client.next().await, Some(Ok(Event::Close(Some(_))))));
    assert!(client.next().await.is_none());
    assert_eq!(server.get_ref().ended().unwrap().reason, "done");
    assert!(client.into_inner().ended().unwrap().clean);
}

#[tokio::test]
async fn parts_are_one_message() {
    let (mut client, server) = pair().await;
    let mut server = server.into_events();
    let part =
        |bytes: &'static str, first, last| Event::Part(Part::new(MessageKind::Text, bytes, first, last));
    let not_begun = server.feed(part("x", false, true)).await;
    assert!(matches!(not_begun, Err(Error::Misuse(Misuse::NoMessageOpen))), "{not_begun:?}");
    server.feed(part("hel", true, false)).await.unwrap();
    server.feed(Event::Ping(Bytes::new())).await.unwrap();
    server.send(part("lo", false, true)).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hello"));
    server.send(Event::Close(None)).await.unwrap();
    let (end, ()) = tokio::join!(client.next(), async { while server.next().await.is_some() {} });
    assert!(end.is_none());
    assert_eq!(client.ended().unwrap().code.0, 1005);
}

#[tokio::test]
async fn the_events_of_one_connection_are_forwarded_to_another() {
    let ((mut client, near), (far, server)) = (pair().await, pair().await);
    let (near, far) = (near.into_events(), far.into_events());
    let ((near_sink, near_stream), (far_sink, far_stream)) = (near.split(), far.split());
    let echo = tokio::spawn(async move {
        let mut server = server;
        while let Some(event) = server.next_event().await {
            if let Event::Message(message) = event.unwrap() {
                server.send(message).await.unwrap();
            }
        }
        server.ended().cloned()
    });
    let proxy = tokio::spawn(async move {
        let _ = tokio::join!(near_stream.forward(far_sink), far_stream.forward(near_sink));
    });
    client.send("through").await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("through"));
    client.close(4001, "enough").await.unwrap();
    let ended = echo.await.unwrap().unwrap();
    assert_eq!((ended.code.0, ended.reason.as_str()), (4001, "enough"));
    proxy.abort();
}

#[tokio::test]
async fn a_violation_is_an_item_and_the_close_is_sent() {
    let (server, mut raw) = server_and_raw().await;
    let mut server = server.into_events();
    raw.write_all(&masked(Opcode::Text, true, b"\xff")).await.unwrap();
    let Some(Err(Error::Violation(violation))) = server.next().await else { panic!("no violation") };
    assert_eq!(violation.rule, Rule::TextInvalidUtf8);
    drop(raw);
    assert!(server.next().await.is_none());
    assert_eq!(server.get_mut().ended().unwrap().reason, "text-invalid-utf8");
}

/// The halves that the crate futures makes, in a task each. A Pong takes the place of the writer in the line for the stream.
async fn both_halves_are_woken<T, M>(halves: impl FnOnce(WebSocket<DuplexStream>) -> T, large: M)
where
    T: Stream + Sink<M, Error = Error> + Send + 'static,
    T::Item: Send,
    M: Send + 'static,
{
    let (near, mut far) = duplex(64);
    let (mut sink, mut stream) = halves(Adopt::client(near).start().unwrap()).split();
    let writer = tokio::spawn(async move { sink.send(large).await });
    let reader = tokio::spawn(async move { while stream.next().await.is_some() {} });
    let mut rest = Vec::new();
    far.read_exact(&mut [0; 64]).await.unwrap();
    far.write_all(&plain(Opcode::Ping, true, b"?")).await.unwrap();
    // Until there is nothing else to do: the reader has the Ping.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let all = async {
        while 64 + rest.len() < 8 + 10_000 + 7 {
            far.read_buf(&mut rest).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("the message arrives");
    let written = tokio::time::timeout(Duration::from_secs(60), writer).await.expect("the writer is woken");
    written.unwrap().unwrap();
    drop(far);
    tokio::time::timeout(Duration::from_secs(60), reader).await.expect("the reader is woken").unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_halves_of_futures_do_not_lose_a_wakeup() {
    let large = Message::binary(vec![7; 10_000]);
    both_halves_are_woken(|ws| ws, large.clone()).await;
    both_halves_are_woken(WebSocket::into_events, Event::Message(large)).await;
}

#[tokio::test]
async fn closing_is_the_whole_closing_handshake() {
    let (client, mut server) = pair().await;
    let mut client = client.into_events();
    let (closed, end) = tokio::join!(SinkExt::<Event>::close(&mut client), async {
        let end = server.next().await;
        drop(server);
        end
    });
    closed.unwrap();
    assert!(end.is_none());
    let ended = client.get_ref().ended().unwrap();
    assert_eq!((ended.by, ended.code.0, ended.clean), (EndedBy::Us, 1000, true));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_the_sink_sends_has_its_deadline_where_the_stream_waits() {
    for idle in [None, Some(Duration::from_secs(60))] {
        let mut config = Config::default();
        config.limits.idle = idle;
        let (server, _raw) = server_with(config).await;
        let (mut sink, mut stream) = server.into_events().split();
        let reader = tokio::spawn(async move { stream.next().await });
        tokio::task::yield_now().await;
        sink.send(Event::Close(Some(CloseFrame::new(1001, "")))).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(10), reader).await.expect("it is woken").unwrap();
        assert_eq!(end.unwrap().unwrap_err().violation().unwrap().rule, Rule::CloseTimeout);
    }
}

#[tokio::test(start_paused = true)]
async fn the_peers_close_that_the_stream_reads_lets_a_sink_go_that_waits() {
    let (server, mut raw) = accepted(Server::new(), 1_000).await;
    let (mut sink, mut stream) = StreamExt::split(server);
    let writer = tokio::spawn(async move {
        loop {
            if let Err(error) = sink.feed(Message::binary(vec![7; 10_000])).await {
                break error;
            }
        }
    });
    tokio::task::yield_now().await;
    let _reader = tokio::spawn(async move { while stream.next().await.is_some() {} });
    tokio::task::yield_now().await;
    raw.write_all(&masked_close(1000)).await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(1), writer).await.expect("it is woken").unwrap();
    assert!(matches!(refused, Error::Misuse(Misuse::Closed)), "{refused}");
}
