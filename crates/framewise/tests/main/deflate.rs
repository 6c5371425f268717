//! permessage-deflate over the endpoint: agreed, refused, required.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Wake};

use framewise::{Client, CloseCode, Context, DeflateConfig, Error, Limits, Message, Rule, Server, WebSocket};
use tokio::io::{DuplexStream, duplex};

async fn pair(
    client: Client,
    server: Server,
) -> (Result<WebSocket<DuplexStream>, Error>, Result<WebSocket<DuplexStream>, Error>) {
    let (near, far) = duplex(1 << 16);
    let client = async move { client.connect_over(near, "ws://example.com/").await };
    tokio::join!(client, async move { server.accept(far).await })
}

fn wishes() -> DeflateConfig {
    DeflateConfig::default().threshold(0)
}

/// Messages of all sizes, some alike, some not, text and binary, in batches that go out together.
fn batches(seed: usize) -> Vec<Vec<Message>> {
    let noise: Vec<u8> =
        (0..5000).map(|i| ((i + seed as u32).wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let record = |number: usize| format!("{{\"id\":{},\"price\":{}}}", number * 7919 % 1000, number * seed);
    let text = |size: usize| "Größe ".chars().cycle().skip(seed % 6).take(size).collect::<String>();
    vec![
        (0..20).map(|number| record(number).into()).collect(),
        vec![Vec::new().into(), "".into(), "x".into(), text(100).into(), noise[..3].to_vec().into()],
        vec![noise.clone().into(), noise[100..4000].to_vec().into(), text(3000).into()],
        vec![text(70_000).into()],
        (0..50).map(|number| record(number + seed).into()).collect(),
        vec![noise.repeat(40).into()],
        (0..10).map(|number| record(number).into()).collect(),
    ]
}

async fn echo(mut server: WebSocket<DuplexStream>) -> Result<(), Error> {
    while let Some(message) = server.next().await {
        server.send(message?).await?;
    }
    Ok(())
}

/// Says the batches, and hears them again.
async fn converse(mut client: WebSocket<DuplexStream>, seed: usize) {
    for batch in batches(seed) {
        for message in &batch {
            client.send(message.clone()).await.expect("open");
        }
        for message in batch {
            let echoed = client.next().await.expect("open").expect("it is right");
            assert!(echoed == message, "{} bytes came back for {}", echoed.len(), message.len());
        }
    }
    client.close(1000, "").await.expect("it closes");
}

async fn agreed(client: DeflateConfig, server: DeflateConfig) -> [WebSocket<DuplexStream>; 2] {
    let (client, server) = pair(Client::new().deflate(client), Server::new().deflate(server)).await;
    [client.expect("it is agreed"), server.expect("it is agreed")]
}

#[tokio::test]
async fn whatever_is_agreed_what_is_sent_comes_back() {
    for context in [Context::Kept, Context::Shared] {
        for (client_forgets, server_forgets) in [(false, false), (true, true), (true, false), (false, true)] {
            for window_bits in 8..=15 {
                let wishes = wishes().context(context).window_bits(window_bits);
                let server = wishes.no_context_takeover(server_forgets);
                let client = wishes.no_context_takeover(client_forgets).peer_window_bits(23 - window_bits);
                let [client, server] = agreed(client, server).await;
                tokio::join!(converse(client, usize::from(window_bits)), async {
                    echo(server).await.expect("no error");
                });
            }
        }
    }
}

/// Connections of several kinds take turns with the contexts of their threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_share_contexts_do_not_disturb_each_other() {
    let mut running = Vec::new();
    for seed in 0..24 {
        let context = if seed % 2 == 0 { Context::Shared } else { Context::Kept };
        let no_context_takeover = seed % 3 == 0;
        let wishes = wishes()
            .context(context)
            .no_context_takeover(no_context_takeover)
            .peer_no_context_takeover(no_context_takeover)
            .window_bits([15, 9][seed % 5 / 3])
            .level(if seed % 7 == 0 { 1 } else { 6 });
        let [client, server] = agreed(wishes, wishes).await;
        running.push(tokio::spawn(async move { echo(server).await.expect("no error") }));
        running.push(tokio::spawn(converse(client, seed)));
    }
    for task in running {
        task.await.expect("no panic");
    }
}

/// What an application keeps of small messages is their size, not that of the buffer that they were inflated in.
#[tokio::test]
async fn a_small_message_is_kept_in_little_memory() {
    let [mut client, mut server] = agreed(wishes(), wishes()).await;
    let mut kept = Vec::new();
    for number in 0..100 {
        client.send(format!("message {number}")).await.expect("open");
        client.flush().await.expect("open");
        kept.push(server.next().await.expect("open").expect("it is right").into_bytes());
    }
    let neighbours = kept.windows(2).filter(|pair| {
        let gap = (pair[1].as_ptr() as usize).wrapping_sub(pair[0].as_ptr_range().end as usize);
        // The frame that the second one came in may lie between them.
        gap < 64
    });
    assert!(neighbours.count() > 90, "they lie close to each other");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_requires_it_closes_with_1010() {
    let (client, server) = pair(Client::new().deflate(wishes().required(true)), Server::new()).await;
    let mut server = server.expect("the handshake is right");
    let server = tokio::spawn(async move {
        assert!(server.next().await.is_none(), "a Close, and no message");
        server.ended().map(|ended| ended.code)
    });
    match client {
        Err(Error::Violation(violation)) => assert_eq!(violation.rule, Rule::ExtensionRequired),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.await.expect("no panic"), Some(CloseCode(1010)));
}

#[tokio::test(start_paused = true)]
async fn a_bomb_ends_at_the_limit() {
    let limits = Limits::DEFAULT.inflated(10_000);
    let (client, server) =
        pair(Client::new().deflate(wishes()), Server::new().deflate(wishes()).limits(limits)).await;
    let (mut client, mut server) = (client.expect("it is agreed"), server.expect("it is agreed"));
    let server = tokio::spawn(async move { server.next().await });
    client.send(vec![0_u8; 10_000_000]).await.expect("open");
    client.flush().await.expect("open");
    let end = client.next().await;
    assert!(end.is_none(), "{end:?}");
    assert_eq!(client.ended().map(|ended| ended.code), Some(CloseCode(1009)));
    match server.await.expect("no panic") {
        Some(Err(Error::Violation(violation))) => assert_eq!(violation.rule, Rule::InflateTooBig),
        other => panic!("{other:?}"),
    }
}

/// Counts how often a task is woken.
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// 20 messages of 63 MB that lay in their buffers whole delayed the other connections of a thread by 0.7 s.
#[tokio::test]
async fn a_message_that_inflates_to_much_leaves_others_their_turn() {
    const SIZE: usize = 8 << 20;
    let limits = Limits::default().inflate_ratio(u32::MAX);
    let (client, server) =
        pair(Client::new().deflate(wishes()), Server::new().deflate(wishes()).limits(limits)).await;
    let (mut client, mut server) = (client.expect("it is agreed"), server.expect("it is agreed"));
    client.send(vec![0; SIZE]).await.expect("open");
    client.send("and a small one").await.expect("open");
    client.flush().await.expect("there is room for all of it");

    let mut turns_of = async |expected: usize| {
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let waker = woken.clone().into();
        let mut next = pin!(server.next());
        let mut turns = 0;
        loop {
            turns += 1;
            match next.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                Poll::Ready(message) => {
                    let message = message.expect("open").expect("it is right");
                    assert_eq!(message.len(), expected);
                    return turns;
                }
                // It does not wait for the peer: all of it is there.
                Poll::Pending => assert_eq!(woken.0.load(Ordering::Relaxed), turns),
            }
        }
    };
    let turns = turns_of(SIZE).await;
    assert!((SIZE / (512 * 1024)..=SIZE / (256 * 1024) + 1).contains(&turns), "{turns} turns");
    assert!(turns_of(15).await <= 2, "what is small is there at once");
}
