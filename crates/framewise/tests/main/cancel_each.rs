//! Each future of the interface, dropped after each of its polls: both ends see every message once, in order and whole,
//! nobody waits for ever, and the close is clean.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use crate::common::Counting;
use framewise::{
    Client, Config, DeflateConfig, Error, Event, Message, MessageKind, Prepared, Receiver, Role, Server,
    WebSocket,
};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{DuplexStream, duplex};
use tokio::task::yield_now;
use tokio::time::timeout;

/// Those of [`WebSocket`], and of its halves by the same names.
const METHODS: &str = "next next_event next_part Stream::next feed feed_prepared begin feed_part flush ping pong \
                       Sink::feed Sink::flush close Sink::close";

/// How the streams are cut, and what goes over them.
#[derive(Clone, Copy, Debug)]
struct Setup {
    role: Role,
    deflate: bool,
    /// Bytes of one read or write at the most, and of what is between the ends.
    cut: usize,
    room: usize,
    /// Of the messages of either end.
    sizes: &'static [usize],
    /// Of one that fills the queue, so that what follows has to wait.
    filler: usize,
}

const SETUPS: [Setup; 4] = [
    Setup { role: Role::Client, deflate: false, cut: 1, room: 64, sizes: &[0, 1, 130, 300], filler: 800 },
    Setup { role: Role::Server, deflate: false, cut: 5, room: 256, sizes: &[130, 0, 2_000], filler: 1_500 },
    Setup { role: Role::Client, deflate: true, cut: 50, room: 256, sizes: &[2_000, 0, 130], filler: 1_500 },
    // Payloads that are written from where they lie, and read to there.
    Setup { role: Role::Server, deflate: false, cut: 999, room: 2_000, sizes: &[40_000, 3], filler: 15_000 },
];

type Stream = Counting<DuplexStream>;
type Opening = Pin<Box<dyn Future<Output = Result<WebSocket<Stream>, Error>> + Send>>;

/// What an end saw of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closed { code: u16, clean: bool },
}

/// Noise: compression makes it no smaller.
fn payload(size: usize) -> Vec<u8> {
    static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(48 * 1024).collect()
    });
    let start = size % 251;
    NOISE[start..start + size].to_vec()
}

/// Polls a future so many times, with a turn for the others behind each, and drops it.
async fn poll_times<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(done);
        }
        yield_now().await;
    }
    None
}

/// Waits for what has to come: the clock of the tests goes on where everybody waits for nothing.
async fn done<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(3600), future).await.unwrap_or_else(|_| panic!("{what} comes to an end"))
}

/// The end under test.
struct End {
    method: &'static str,
    /// After so many polls a future of that method is dropped.
    polls: usize,
    called: bool,
    dropped: bool,
    /// What the other end has to see.
    sent: Vec<Seen>,
}

impl End {
    async fn attempt<T>(&mut self, method: &str, future: impl Future<Output = T>) -> Option<T> {
        if method != self.method {
            return Some(done(method, future).await);
        }
        self.called = true;
        let done = poll_times(self.polls, future).await;
        self.dropped |= done.is_none();
        done
    }
}

/// A call that has done nothing where it was dropped: it is made again, dropped again, and made a third time.
macro_rules! call {
    ($end:ident, $method:literal, $call:expr) => {
        match $end.attempt($method, $call).await {
            Some(done) => done,
            None => match $end.attempt($method, $call).await {
                Some(done) => done,
                None => done($method, $call).await,
            },
        }
    };
}

/// A call that has queued its frame at its first poll.
macro_rules! call_once {
    ($end:ident, $method:literal, $call:expr) => {
        match $end.attempt($method, $call).await {
            Some(done) => done.unwrap(),
            None if $end.polls == 0 => done($method, $call).await.unwrap(),
            None => {}
        }
    };
}

/// What a connection, or its halves, can do.
macro_rules! script {
    ($end:ident, $setup:ident, $sender:expr, $receiver:expr, $begin:expr) => {
        // Fills the queue before a method under test that waits for room.
        macro_rules! fill {
            ($method:literal) => {
                if $end.method == $method {
                    $end.sent.push(Seen::Message(payload($setup.filler)));
                    done($method, $sender.feed(payload($setup.filler))).await.unwrap();
                }
            };
        }
        for &size in $setup.sizes {
            $end.sent.push(Seen::Message(payload(size)));
            call!($end, "feed", $sender.feed(payload(size))).unwrap();
        }
        fill!("ping");
        $end.sent.push(Seen::Ping(b"a ping".to_vec()));
        call_once!($end, "ping", $sender.ping(b"a ping"));
        fill!("pong");
        $end.sent.push(Seen::Pong(b"a pong".to_vec()));
        call_once!($end, "pong", $sender.pong(b"a pong"));
        fill!("begin");
        fill!("feed_part");
        $end.sent.push(Seen::Message(payload(1_001)));
        call!($end, "begin", $begin).unwrap();
        for part in payload(1_001).chunks(100) {
            call!($end, "feed_part", $sender.feed_part(part, false)).unwrap();
        }
        call!($end, "feed_part", $sender.feed_part(b"", true)).unwrap();
        fill!("flush");
        call!($end, "flush", $sender.flush()).unwrap();
        let prepared = Prepared::new("prepared");
        fill!("feed_prepared");
        $end.sent.push(Seen::Message(b"prepared".to_vec()));
        call!($end, "feed_prepared", $sender.feed_prepared(&prepared)).unwrap();
        fill!("Sink::feed");
        $end.sent.push(Seen::Message(b"fed".to_vec()));
        call!($end, "Sink::feed", SinkExt::feed(&mut $sender, Message::from("fed"))).unwrap();
        fill!("Sink::flush");
        call!($end, "Sink::flush", SinkExt::<Message>::flush(&mut $sender)).unwrap();

        for expected in sent_by_peer($setup.sizes) {
            let mut message = Vec::new();
            match $end.method {
                "next_event" => loop {
                    let event = call!($end, "next_event", $receiver.next_event()).unwrap();
                    if let Event::Message(whole) = event.unwrap() {
                        message.extend_from_slice(&whole.into_bytes());
                        break;
                    }
                },
                "next_part" => loop {
                    let part = call!($end, "next_part", $receiver.next_part()).unwrap().unwrap();
                    assert_eq!(part.first, message.is_empty());
                    message.extend_from_slice(&part.bytes);
                    if part.last {
                        break;
                    }
                },
                "Stream::next" => {
                    let whole = call!($end, "Stream::next", StreamExt::next(&mut $receiver)).unwrap();
                    message.extend_from_slice(&whole.unwrap().into_bytes());
                }
                _ => {
                    let whole = call!($end, "next", $receiver.next()).unwrap();
                    message.extend_from_slice(&whole.unwrap().into_bytes());
                }
            }
            assert!(message == expected, "the end under test received {} bytes", message.len());
        }
        fill!("close");
        fill!("Sink::close");
        if $end.method == "Sink::close" {
            call!($end, "Sink::close", SinkExt::<Message>::close(&mut $sender)).unwrap();
        } else {
            call!($end, "close", $sender.close(1000, "")).unwrap();
        }
        assert!($receiver.ended().unwrap().clean);
    };
}

/// What an end sees until the connection is closed.
async fn watch(mut receiver: Receiver<Stream>) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(event) = receiver.next_event().await {
        match event.unwrap() {
            Event::Message(message) => seen.push(Seen::Message(message.into_bytes().to_vec())),
            Event::Ping(payload) => seen.push(Seen::Ping(payload.to_vec())),
            // The answer to this end's own.
            Event::Pong(payload) if payload == "from the peer" => {}
            Event::Pong(payload) => seen.push(Seen::Pong(payload.to_vec())),
            Event::Close(_) => {}
            other @ (Event::Part(_) | Event::Tolerated(_) | _) => panic!("{other:?}"),
        }
    }
    let ended = receiver.ended().unwrap();
    seen.push(Seen::Closed { code: ended.code.0, clean: ended.clean });
    seen
}

/// The other end, which does everything there is and is never dropped.
async fn peer(ws: WebSocket<Stream>, sizes: &[usize]) -> Vec<Seen> {
    let (sender, receiver) = ws.split();
    let send = async {
        for &size in sizes {
            sender.send(payload(size)).await?;
        }
        sender.begin(MessageKind::Binary).await?;
        for part in payload(300).chunks(100) {
            sender.send_part(part, false).await?;
            sender.ping(b"from the peer").await?;
        }
        sender.send_part(b"", true).await?;
        sender.send("last word").await
    };
    let (sent, seen) = tokio::join!(send, watch(receiver));
    sent.unwrap();
    seen
}

/// What comes of it, in the order of the wire.
fn sent_by_peer(sizes: &[usize]) -> Vec<Vec<u8>> {
    let sizes = sizes.iter().copied().chain([300]);
    sizes.map(payload).chain([b"last word".to_vec()]).collect()
}

fn streams(setup: Setup) -> (Stream, Stream) {
    let (near, far) = duplex(setup.room);
    let (mut near, mut far) = (Counting::new(near), Counting::new(far));
    (near.cut, far.cut) = (setup.cut, setup.cut);
    (near, far)
}

/// The end under test, and the other one.
async fn connected(setup: Setup) -> (WebSocket<Stream>, WebSocket<Stream>) {
    // A message that was sent before makes the next one no smaller either.
    let deflate =
        DeflateConfig::default().threshold(0).no_context_takeover(true).peer_no_context_takeover(true);
    let config = Config::default().send_queue(500).deflate(setup.deflate.then_some(deflate));
    let (near, far) = streams(setup);
    let (client, server) = (Client::new().config(config.clone()), Server::new().config(config));
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    let (client, server) = (client.unwrap(), server.unwrap());
    if setup.role == Role::Client { (client, server) } else { (server, client) }
}

/// Runs the script. Whether a future was dropped that was not done.
async fn run(setup: Setup, halves: bool, method: &'static str, polls: usize) -> bool {
    let (mut ws, other) = connected(setup).await;
    let peer = tokio::spawn(peer(other, setup.sizes));
    let mut end = End { method, polls, called: false, dropped: false, sent: Vec::new() };
    if halves {
        let (mut sender, mut receiver) = ws.split();
        script!(end, setup, sender, receiver, sender.begin(MessageKind::Binary));
    } else {
        script!(end, setup, ws, ws, async { ws.begin(MessageKind::Binary) });
    }
    assert!(end.called, "{method} is in the script");
    end.sent.push(Seen::Closed { code: 1000, clean: true });
    let seen = done("the other end", peer).await.unwrap();
    assert!(seen == end.sent, "{method}, {polls} polls: the other end received {} events", seen.len());
    end.dropped
}

async fn run_each(halves: bool) {
    for method in METHODS.split_whitespace() {
        let mut longest = 0;
        for setup in SETUPS {
            let mut polls = 0;
            while run(setup, halves, method, polls).await {
                polls += 1;
                assert!(polls < 2_000, "{method} comes to an end: {setup:?}");
            }
            longest = longest.max(polls);
        }
        // `WebSocket::begin` is no future.
        assert!(longest > 1 || method == "begin" && !halves, "{method} has to wait");
    }
}

#[tokio::test(start_paused = true)]
async fn each_future_of_a_connection() {
    run_each(false).await;
}

#[tokio::test(start_paused = true)]
async fn each_future_of_its_halves() {
    run_each(true).await;
}

/// How a message is sent whose future is dropped: by a connection, by its half beside the other one, or without it.
#[derive(Clone, Copy, Debug)]
enum Sends {
    Connection,
    Half,
    LastHalf,
}

/// Sends "perhaps" behind what fills the queue, and gives it up after so many polls; then "surely". Whether it was given up,
/// and what the other end saw.
async fn send_given_up(setup: Setup, sends: Sends, polls: usize) -> (bool, Vec<Seen>) {
    macro_rules! sent {
        ($sender:expr, $closer:expr) => {{
            // It fills the queue: whoever comes behind it has to wait for room, and then until all is written.
            $sender.feed(payload(setup.filler)).await.unwrap();
            let dropped = poll_times(polls, $sender.send("perhaps")).await.is_none();
            done("send", $sender.send("surely")).await.unwrap();
            done("close", $closer.close(1000, "")).await.unwrap();
            dropped
        }};
    }
    let (mut ws, other) = connected(setup).await;
    let peer = tokio::spawn(watch(other.split().1));
    let dropped = match sends {
        Sends::Connection => sent!(ws, ws),
        Sends::Half => {
            let (sender, _receiver) = ws.split();
            sent!(sender, sender)
        }
        Sends::LastHalf => {
            let sender = ws.split().0;
            sent!(sender, sender)
        }
    };
    (dropped, done("the other end", peer).await.unwrap())
}

/// A send waits until it is written: dropped meanwhile, it may be queued already. `feed` is not.
#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_is_queued_completely_or_not_at_all() {
    for (setup, sends) in SETUPS
        .iter()
        .flat_map(|setup| [Sends::Connection, Sends::Half, Sends::LastHalf].map(|sends| (*setup, sends)))
    {
        let mut outcomes = [0, 0];
        for polls in 0.. {
            let (dropped, seen) = send_given_up(setup, sends, polls).await;
            let queued = seen.len() == 4;
            let mut expected = vec![Seen::Message(payload(setup.filler)), Seen::Message(b"surely".to_vec())];
            if queued {
                expected.insert(1, Seen::Message(b"perhaps".to_vec()));
            }
            expected.push(Seen::Closed { code: 1000, clean: true });
            assert!(seen == expected && (queued || dropped), "{polls} polls: {} events", seen.len());
            outcomes[usize::from(queued)] += 1;
            if !dropped {
                break;
            }
        }
        assert!(outcomes.iter().all(|&times| times > 0), "{outcomes:?}: {sends:?}, {setup:?}");
    }
}

/// Whether an end learns that the other one is gone: in its handshake, or after it.
async fn is_told(opening: Opening) -> bool {
    match opening.await {
        Ok(mut ws) => matches!(ws.next().await, Some(Err(Error::Violation(_)))),
        Err(error) => matches!(error, Error::Violation(_) | Error::Io(_)),
    }
}

/// A handshake that is given up closes its stream.
#[tokio::test(start_paused = true)]
async fn the_peer_of_a_handshake_that_is_dropped_is_told() {
    for (setup, client_drops) in SETUPS.iter().flat_map(|setup| [(setup, true), (setup, false)]) {
        for polls in 0.. {
            let (near, far) = streams(*setup);
            let client: Opening = Box::pin(async { Client::new().connect_over(near, "ws://h/").await });
            let server: Opening = Box::pin(async { Server::new().accept(far).await });
            let (dropped, kept) = if client_drops { (client, server) } else { (server, client) };
            let kept = tokio::spawn(is_told(kept));
            let opened = poll_times(polls, dropped).await.map(Result::unwrap).is_some();
            assert!(done("the other end", kept).await.unwrap(), "dropped after {polls} polls: {setup:?}");
            if opened {
                assert!(polls > 1, "it has to wait");
                break;
            }
        }
    }
}
