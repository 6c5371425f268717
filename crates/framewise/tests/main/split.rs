//! A connection in two halves: many tasks that send, one that receives, and what becomes of it when some are gone.

mod ends;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::common::erratic::{Erratic, Random, yield_at_random};
use crate::common::{accepted, masked, masked_close, pair, pair_with, read_head, server_and_raw};
use framewise::proto::Opcode;
use framewise::{
    Client, Config, EndedBy, Error, Message, MessageKind, Misuse, Receiver, Server, TrySendError, WebSocket,
};
use futures_util::{FutureExt as _, SinkExt, StreamExt as _};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufWriter, DuplexStream, duplex,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// In simulated time: it comes at once when everything waits for everything else.
const NEVER: Duration = Duration::from_secs(3600);

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut ws: WebSocket<S>) {
    while let Some(Ok(message)) = ws.next().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
}

/// The number of the task, and that of its message; then as many bytes as they say.
fn numbered(task: u32, number: u32) -> Vec<u8> {
    let mut payload = [task.to_be_bytes(), number.to_be_bytes()].concat();
    payload.resize(8 + (task * 37 + number * 101) as usize % 3000, task as u8);
    payload
}

fn numbers(payload: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
    (number(0), number(4))
}

/// Takes what `tasks` tasks sent, `each` of them, and sees that each one's is in order and whole.
async fn take_all<S: AsyncRead + AsyncWrite + Unpin>(receiver: &mut Receiver<S>, tasks: u32, each: u32) {
    let mut next = vec![0; tasks as usize];
    for _ in 0..tasks * each {
        let message = receiver.next().await.expect("more messages").expect("no error");
        let (task, number) = numbers(message.as_bytes());
        assert_eq!(next[task as usize], number, "those of task {task} are in order");
        next[task as usize] += 1;
        assert!(message.as_bytes() == numbered(task, number), "message {number} of task {task}");
    }
}

async fn tcp_pair() -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let near = Client::new();
    let far = Server::new();
    let (near, far) = tokio::join!(near.connect_over(client, "ws://h/"), far.accept(server));
    (near.unwrap(), far.unwrap())
}

/// A server that is split, and a client, over a narrow stream that makes both wait.
async fn erratic_pair(seed: u64) -> (WebSocket<Erratic<DuplexStream>>, WebSocket<Erratic<DuplexStream>>) {
    let (near, far) = duplex(700);
    let (near, far) = (Erratic::new(near, seed, 2000), Erratic::new(far, seed + 1, 2000));
    let client = Client::new();
    let server = Server::new();
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    (client.unwrap(), server.unwrap())
}

#[test]
fn the_halves_may_go_to_other_threads() {
    fn goes<T: Send + Sync + 'static>(_: &T) {}
    fn going<T: Send>(future: T) -> T {
        future
    }
    let halves = async {
        let (ws, _) = tcp_pair().await;
        let (sender, receiver) = ws.split();
        goes(&sender);
        goes(&receiver);
        drop(going(sender.send("text")));
        drop(going(sender.close(1000, "")));
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(halves);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_tasks_send_arrives_each_ones_in_order() {
    const TASKS: u32 = 16;
    const EACH: u32 = 300;
    let (client, server) = tcp_pair().await;
    tokio::spawn(echo(server));
    let (sender, mut receiver) = client.split();
    for task in 0..TASKS {
        let sender = sender.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                sender.send(numbered(task, number)).await.expect("it is open");
            }
        });
    }
    take_all(&mut receiver, TASKS, EACH).await;
    let closed = tokio::spawn(async move { sender.close(1000, "").await });
    assert!(receiver.next().await.is_none());
    closed.await.unwrap().expect("a clean end");
    let ended = receiver.ended().unwrap();
    assert_eq!((ended.by, ended.code.0, ended.clean), (EndedBy::Us, 1000, true));
}

/// All that may be done with a sender, at random, over a stream that makes everybody wait: whoever's waker was lost would
/// wait for ever.
async fn at_random(seed: u64) {
    const TASKS: u32 = 5;
    const EACH: u32 = 30;
    let (client, server) = erratic_pair(seed).await;
    tokio::spawn(echo(client));
    let (sender, mut receiver) = server.split();
    for task in 0..TASKS {
        let mut sender = sender.clone();
        let mut random = Random::new(seed * 1000 + u64::from(task));
        tokio::spawn(async move {
            for number in 0..EACH {
                yield_at_random(&mut random).await;
                let payload = numbered(task, number);
                match random.below(7) {
                    0 => sender.send(payload).await.unwrap(),
                    1 => sender.feed(Message::from(payload)).await.unwrap(),
                    2 => SinkExt::send(&mut sender, Message::from(payload)).await.unwrap(),
                    3 => {
                        sender.begin(MessageKind::Binary).await.unwrap();
                        yield_at_random(&mut random).await;
                        let (start, end) = payload.split_at(random.below(payload.len()));
                        sender.send_part(start, false).await.unwrap();
                        yield_at_random(&mut random).await;
                        sender.send_part(end, true).await.unwrap();
                    }
                    4 => {
                        let mut message = Message::from(payload);
                        while let Err(error) = sender.try_send(message) {
                            let TrySendError::Full(back) = error else { panic!("{error}") };
                            message = back;
                            tokio::task::yield_now().await;
                        }
                    }
                    // Given up while it waits; nothing of it was queued, then.
                    5 => {
                        let given_up = sender.feed(payload.clone()).now_or_never().is_none();
                        if given_up {
                            yield_at_random(&mut random).await;
                            sender.send(payload).await.unwrap();
                        }
                    }
                    _ => {
                        let given_up = sender.feed(Message::from(payload.clone())).now_or_never().is_none();
                        if given_up {
                            tokio::task::yield_now().await;
                            sender.feed(Message::from(payload)).await.unwrap();
                        }
                        sender.ping(b"between").await.unwrap();
                    }
                }
            }
            sender.flush().await.unwrap();
        });
    }
    drop(sender);
    take_all(&mut receiver, TASKS, EACH).await;
    receiver.sender().close(1000, "").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_is_forgotten_whoever_waits() {
    for seed in 0..20 {
        timeout(NEVER, at_random(seed)).await.unwrap_or_else(|_| panic!("everybody waits, at seed {seed}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_forgotten_on_several_threads() {
    for seed in 100..120 {
        let run = tokio::spawn(at_random(seed));
        let done = timeout(Duration::from_secs(60), run).await;
        done.unwrap_or_else(|_| panic!("everybody waits, at seed {seed}")).unwrap();
    }
}

#[tokio::test]
async fn a_send_goes_out_though_the_receiver_is_not_polled() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, _receiver) = server.split();
    sender.send("one").await.unwrap();
    sender.try_send("two").unwrap();
    assert_eq!(sender.queued(), 0);
    let mut frames = [0; 10];
    raw.read_exact(&mut frames).await.unwrap();
    assert_eq!(&frames, b"\x81\x03one\x81\x03two");
    // Also when the runtime has let the task do all that a task may do in one go.
    for turn in 0..1000 {
        sender.send("on").await.unwrap();
        if turn % 7 == 0 {
            tokio::task::consume_budget().await;
        }
        assert_eq!(sender.queued(), 0);
    }
}

#[tokio::test]
async fn what_is_fed_is_written_by_a_flush_or_by_the_receiver_that_waits() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    sender.feed(Message::text("one")).await.unwrap();
    sender.feed(Message::text("two")).await.unwrap();
    assert_eq!(sender.queued(), 10);
    sender.flush().await.unwrap();
    assert_eq!(sender.queued(), 0);
    sender.feed(Message::text("six")).await.unwrap();
    assert!(receiver.next().now_or_never().is_none());
    assert_eq!(sender.queued(), 0);
    let mut frames = [0; 15];
    raw.read_exact(&mut frames).await.unwrap();
    assert_eq!(&frames, b"\x81\x03one\x81\x03two\x81\x03six");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_holds_up_who_sends_and_nothing_is_lost() {
    let (mut client, server) = pair_with(Config::default(), 1000).await;
    let (sender, mut receiver) = server.split();
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let sender = sender.clone();
            tokio::spawn(async move {
                for number in 0..60 {
                    sender.feed(numbered(task, number)).await.expect("it is open");
                }
            })
        })
        .collect();
    // As much as fits is sent, and then everybody waits.
    assert!(timeout(NEVER, receiver.next()).await.is_err());
    assert!(tasks.iter().all(|task| !task.is_finished()));
    assert!(sender.queued() >= 64 * 1024 && sender.queued() < 70 * 1024, "{}", sender.queued());
    match sender.try_send("there is no room") {
        Err(TrySendError::Full(message)) => assert_eq!(message, Message::text("there is no room")),
        other => panic!("{other:?}"),
    }
    let read = async {
        let mut next = [0; 4];
        for _ in 0..4 * 60 {
            let message = client.next().await.unwrap().unwrap();
            let (task, number) = numbers(message.as_bytes());
            assert_eq!(next[task as usize], number);
            next[task as usize] += 1;
        }
    };
    timeout(NEVER, async {
        tokio::select! {
            () = read => {}
            other = receiver.next() => panic!("{other:?}"),
        }
    })
    .await
    .expect("nobody waits for ever");
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_go_in_the_order_in_which_they_came() {
    let (mut client, server) = pair_with(Config::default(), 1000).await;
    let (sender, _receiver) = server.split();
    while sender.try_send(vec![0xff; 10_000]).is_ok() {}
    let filled = sender.queued();
    let mut waiting = Vec::new();
    for number in 0..20_u8 {
        let sender = sender.clone();
        waiting.push(tokio::spawn(async move { sender.send(vec![number; 5000]).await }));
        tokio::task::yield_now().await;
    }
    // Those who give up hold up nobody, wherever they stand.
    for number in [0, 7, 8, 19] {
        waiting[number].abort();
    }
    assert!(filled > 64 * 1024);
    let read = async {
        let mut got = Vec::new();
        while got.len() < 16 {
            let message = client.next().await.unwrap().unwrap();
            if message.len() == 5000 {
                got.push(message.as_bytes()[0]);
            }
        }
        got
    };
    // The receiver is not polled: they write by themselves, and what the last one left is flushed.
    let write = async {
        for waits in waiting {
            let _ = waits.await;
        }
        sender.flush().await.unwrap();
    };
    let got = timeout(NEVER, async { tokio::join!(read, write).0 }).await.expect("all are let in");
    assert_eq!(got, [1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_gave_up_without_a_word_holds_up_nobody() {
    let (mut client, server) = pair_with(Config::default(), 1000).await;
    let (sender, _receiver) = server.split();
    while sender.try_send(vec![0; 10_000]).is_ok() {}
    let gone = sender.clone();
    assert!(gone.feed(Message::text("given up")).now_or_never().is_none());
    let waits = tokio::spawn(async move {
        sender.send("let in").await.unwrap();
        sender.flush().await
    });
    let read = async { while client.next().await.unwrap().unwrap() != Message::text("let in") {} };
    timeout(NEVER, read).await.expect("it is let in");
    waits.await.unwrap().unwrap();
    timeout(NEVER, gone.feed(Message::text("now"))).await.expect("there is room").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flush_comes_to_an_end_though_others_send_without_end() {
    let (mut client, server) = pair_with(Config::default(), 100).await;
    let (sender, _receiver) = server.split();
    let flood = sender.clone();
    let flood = tokio::spawn(async move {
        while !matches!(flood.try_send(vec![0; 500]), Err(TrySendError::Failed(_))) {
            tokio::task::yield_now().await;
        }
    });
    let read = tokio::spawn(async move { while let Some(Ok(_)) = client.next().await {} });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(sender.queued() > 0);
    timeout(NEVER, sender.flush()).await.expect("it ends").unwrap();
    flood.abort();
    read.abort();
}

#[tokio::test(start_paused = true)]
async fn parts_of_two_senders_do_not_mix() {
    let (mut client, server) = pair().await;
    let (one, _receiver) = server.split();
    let two = one.clone();
    one.begin(MessageKind::Text).await.unwrap();
    assert!(matches!(two.send_part(b"not mine", false).await, Err(Error::Misuse(Misuse::NoMessageOpen))));
    assert!(matches!(two.try_send("not now"), Err(TrySendError::Full(_))));
    assert!(matches!(one.send("not now").await, Err(Error::Misuse(Misuse::MessageOpen))));
    let own = one.try_send("not now");
    assert!(matches!(own, Err(TrySendError::Failed(Error::Misuse(Misuse::MessageOpen)))), "{own:?}");
    let waits = tokio::spawn(async move { two.send("after it").await });
    one.send_part(b"in ", false).await.unwrap();
    one.ping(b"goes between").await.unwrap();
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    one.send_part(b"parts", true).await.unwrap();
    timeout(NEVER, waits).await.expect("it is let in").unwrap().unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("in parts"));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("after it"));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_was_ready_before_another_began_its_message_is_taken_at_its_word() {
    let (mut client, server) = pair().await;
    let (mut sink, _receiver) = server.split();
    let parts = sink.clone();
    poll_fn(|cx| sink.poll_ready_unpin(cx)).await.unwrap();
    parts.begin(MessageKind::Text).await.unwrap();
    sink.start_send_unpin(Message::text("second")).unwrap();
    assert!(sink.flush().now_or_never().is_none(), "it is not written yet");
    assert!(parts.flush().now_or_never().is_some(), "that is another sender's");
    let flush = tokio::spawn(async move {
        sink.flush().await.unwrap();
        SinkExt::flush(&mut sink).await.unwrap();
        SinkExt::send(&mut sink, Message::text("third")).await
    });
    tokio::task::yield_now().await;
    assert!(!flush.is_finished(), "it is not written yet");
    parts.send_part(b"first", true).await.unwrap();
    timeout(NEVER, flush).await.expect("it is written").unwrap().unwrap();
    for text in ["first", "second", "third"] {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text(text));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_never_ended_is_refused_to_others_and_the_connection_can_be_closed() {
    let (client, server) = pair().await;
    tokio::spawn(echo(client));
    let (sender, receiver) = server.split();
    let gone = sender.clone();
    gone.begin(MessageKind::Text).await.unwrap();
    gone.send_part(b"half of it", false).await.unwrap();
    let waits = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send("waits").await }
    });
    tokio::task::yield_now().await;
    drop(gone);
    let refused = timeout(NEVER, waits).await.expect("it does not wait in vain").unwrap();
    assert!(matches!(refused, Err(Error::Misuse(Misuse::MessageOpen))));
    drop(receiver);
    sender.close(1011, "half a message").await.unwrap();
}

#[tokio::test]
async fn the_halves_of_one_connection_are_put_together_again() {
    let (mut client, server) = pair().await;
    let (other, _) = pair().await;
    let (sender, receiver) = server.split();
    let (foreign, _) = other.split();
    let back = receiver.reunite(foreign).unwrap_err();
    assert!(back.to_string().contains("two connections"));
    let clone = sender.clone();
    let back = back.receiver.reunite(sender).unwrap_err();
    drop(clone);
    back.sender.begin(MessageKind::Text).await.unwrap();
    back.sender.send_part(b"begun as a half, ", false).await.unwrap();
    let mut server = back.receiver.reunite(back.sender).expect("they are alone");
    server.send_part(b"ended as a whole", true).await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("begun as a half, ended as a whole"));
    client.send("answer").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("answer"));
}

#[tokio::test]
async fn both_halves_are_a_stream_and_a_sink() {
    let (client, server) = pair().await;
    tokio::spawn(echo(client));
    let (mut sender, receiver) = server.split();
    let messages = ["a", "b", "c"].map(|text| Ok(Message::text(text)));
    sender.send_all(&mut futures_util::stream::iter(messages)).await.unwrap();
    let got: Vec<_> = receiver.take(3).map(Result::unwrap).collect().await;
    assert_eq!(got, ["a", "b", "c"].map(Message::text));
    SinkExt::close(&mut sender).await.unwrap();
    let ended = sender.ended().unwrap();
    assert_eq!((ended.by, ended.code.0, ended.clean), (EndedBy::Us, 1000, true));
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_by_a_sender_too() {
    let (mut client, server) = pair().await;
    let (sender, _receiver) = server.split();
    assert!(matches!(sender.close(1006, "").await, Err(Error::Misuse(Misuse::CloseCode(_)))));
    assert!(matches!(
        sender.start_close(1000, &"x".repeat(124)),
        Err(Error::Misuse(Misuse::ControlTooLong { length: 124 }))
    ));
    assert!(matches!(
        sender.ping(&[0; 126]).await,
        Err(Error::Misuse(Misuse::ControlTooLong { length: 126 }))
    ));
    sender.begin(MessageKind::Text).await.unwrap();
    assert!(matches!(sender.begin(MessageKind::Text).await, Err(Error::Misuse(Misuse::MessageOpen))));
    assert!(matches!(sender.send_part(b"\xff", true).await, Err(Error::Misuse(Misuse::TextNotUtf8))));
    sender.send_part(b"goes on", true).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("goes on"));
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_receiver_that_waits_is_woken_for_what_it_has_to_do_and_for_nothing_else() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let wait = |receiver: &mut Receiver<_>| {
        assert!(receiver.next().poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    };
    let woken = || wakes.0.swap(0, Ordering::Relaxed);
    wait(&mut receiver);
    // The sender writes it.
    sender.send("text").await.unwrap();
    assert_eq!(woken(), 0);
    raw.write_all(&masked(Opcode::Ping, true, b"?")).await.unwrap();
    assert_eq!(woken(), 1);
    wait(&mut receiver);
    assert_eq!(woken(), 0, "it has written the Pong itself");
    raw.write_all(&masked(Opcode::Text, true, b"text")).await.unwrap();
    assert_eq!(woken(), 1);
    assert!(receiver.next().poll_unpin(&mut Context::from_waker(&waker)).is_ready());
    sender.start_ping(b"").unwrap();
    assert_eq!(woken(), 0, "it does not wait");
    wait(&mut receiver);
    // The receiver watches the deadline.
    sender.start_close(1000, "").unwrap();
    assert_eq!(woken(), 1);
    wait(&mut receiver);
    raw.write_all(&masked_close(1000)).await.unwrap();
    assert_eq!(woken(), 1);
    let end = receiver.next().poll_unpin(&mut Context::from_waker(&waker));
    assert!(matches!(end, Poll::Ready(None)));
    assert_eq!(woken(), 0, "it has read the Close itself");
}

#[tokio::test]
async fn parts_that_are_fed_go_out_together() {
    let (mut client, server) = pair().await;
    let (sender, _receiver) = server.split();
    assert!(matches!(sender.feed_part(b"", true).await, Err(Error::Misuse(Misuse::NoMessageOpen))));
    sender.begin(MessageKind::Text).await.unwrap();
    sender.feed_part(b"in ", false).await.unwrap();
    sender.feed_part(b"parts", true).await.unwrap();
    assert_eq!(sender.queued(), 5 + 7);
    sender.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("in parts"));
}

#[tokio::test]
async fn a_message_that_is_only_tried_goes_before_none_that_waits() {
    let (server, mut raw) = accepted(Server::new().send_queue(1), 100).await;
    let (sender, _receiver) = server.split();
    sender.try_send(vec![7; 118]).unwrap();
    let other = sender.clone();
    let mut waits = std::pin::pin!(other.send("waits"));
    assert!(waits.as_mut().now_or_never().is_none());
    raw.read_exact(&mut [0; 100]).await.unwrap();
    // There is room now, for who was there before.
    assert!(matches!(sender.try_send("tries"), Err(TrySendError::Full(_))));
    waits.now_or_never().expect("there is room").unwrap();
    sender.try_send("tries").unwrap();
}

#[tokio::test]
async fn a_send_waits_for_what_the_stream_holds_back() {
    let (mut raw, far) = duplex(100);
    let accept = async {
        raw.write_all(crate::common::REQUEST.as_bytes()).await.unwrap();
        read_head(&mut raw).await;
    };
    let server = Server::new();
    let (server, ()) = tokio::join!(server.accept(BufWriter::new(far)), accept);
    let (sender, _receiver) = server.unwrap().split();
    let mut send = std::pin::pin!(sender.send(vec![7; 148]));
    assert!(send.as_mut().now_or_never().is_none(), "100 bytes have gone out");
    assert_eq!(sender.queued(), 0);
    raw.read_exact(&mut [0; 100]).await.unwrap();
    send.now_or_never().expect("there is room").unwrap();
    raw.read_exact(&mut [0; 52 - 2]).await.unwrap();
}

#[tokio::test]
async fn who_gives_up_when_its_turn_has_come_wakes_the_next() {
    let (server, mut raw) = accepted(Server::new().send_queue(1), 100).await;
    let (sender, _receiver) = server.split();
    sender.try_send(vec![7; 118]).unwrap();
    let (one, two) = (sender.clone(), sender.clone());
    let (mut first, mut second) = (Box::pin(one.send("first")), Box::pin(two.send("second")));
    let wakes = [Arc::new(Wakes::default()), Arc::new(Wakes::default())];
    let [waker, other] = wakes.each_ref().map(|wakes| Waker::from(Arc::clone(wakes)));
    assert!(first.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    assert!(second.poll_unpin(&mut Context::from_waker(&other)).is_pending());
    raw.read_exact(&mut [0; 100]).await.unwrap();
    let woken = || wakes.each_ref().map(|wakes| wakes.0.load(Ordering::Relaxed));
    assert_eq!(woken(), [1, 0]);
    drop(first);
    assert_eq!(woken(), [1, 1]);
    second.now_or_never().expect("there is room").unwrap();
}
