//! Allocations per message, of both ends together: none in the steady state up to 4 KiB.
//!
//! They are counted on one thread, which runs both ends.
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

mod common;

use allocation_counter::measure;
use framewise::{Client, Context, DeflateConfig, Message, Server, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// So many messages at a time to and fro, over and over.
async fn echo<A, B>(
    client: &mut WebSocket<A>,
    server: &mut WebSocket<B>,
    message: &Message,
    in_flight: usize,
    rounds: usize,
) where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let talk = async {
        for _ in 0..rounds {
            for _ in 0..in_flight {
                client.send(message.clone()).await.unwrap();
            }
            for _ in 0..in_flight {
                let echoed = client.next().await.unwrap().unwrap();
                assert!(echoed == *message);
            }
        }
    };
    tokio::select! {
        biased;
        () = talk => {}
        () = serve(server) => unreachable!("the client did not close"),
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(server: &mut WebSocket<S>) {
    while let Some(message) = server.next().await {
        server.send(message.unwrap()).await.unwrap();
    }
}

/// Allocations of so many messages, when as many have gone before.
fn count<A, B>(
    runtime: &Runtime,
    (client, server): &mut (WebSocket<A>, WebSocket<B>),
    message: &Message,
    in_flight: usize,
    messages: usize,
) -> u64
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let rounds = messages / in_flight;
    runtime.block_on(echo(client, server, message, in_flight, rounds));
    measure(|| runtime.block_on(echo(client, server, message, in_flight, rounds))).count_total
}

async fn tcp() -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (client, server) = (Client::new(), Server::new());
    let (client, server) =
        tokio::join!(client.connect_over(near.unwrap(), "ws://h/"), server.accept(far.unwrap().0));
    (client.unwrap(), server.unwrap())
}

async fn deflated(context: Context) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let deflate =
        DeflateConfig::default().context(context).no_context_takeover(true).peer_no_context_takeover(true);
    let (near, far) = duplex(1 << 16);
    let (client, server) = (Client::new().deflate(deflate), Server::new().deflate(deflate));
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    (client.unwrap(), server.unwrap())
}

/// A text and a binary message of so many bytes.
fn messages(size: usize) -> [Message; 2] {
    [Message::text("x".repeat(size)), Message::binary(vec![0xfe; size])]
}

const SMALL: [usize; 7] = [0, 1, 20, 128, 1024, 4095, 4096];

#[test]
fn a_message_up_to_4_kib_costs_none_over_a_pipe() {
    let runtime = runtime();
    for size in SMALL {
        for message in messages(size) {
            for in_flight in [1, 16] {
                let mut pair = runtime.block_on(common::pair());
                let counted = count(&runtime, &mut pair, &message, in_flight, 800);
                assert_eq!(counted, 0, "{size} bytes, {in_flight} in flight");
            }
        }
    }
}

#[test]
fn a_message_up_to_4_kib_costs_none_over_tcp() {
    let runtime = runtime();
    for size in SMALL {
        for message in messages(size) {
            for in_flight in [1, 16] {
                let mut pair = runtime.block_on(tcp());
                let counted = count(&runtime, &mut pair, &message, in_flight, 800);
                assert_eq!(counted, 0, "{size} bytes, {in_flight} in flight");
            }
        }
    }
}

#[test]
fn a_larger_message_costs_few() {
    let runtime = runtime();
    // Bytes, how many in flight, and how many allocations ten messages may cost.
    for (size, in_flight, ten) in
        [(8_000, 1, 0), (8_000, 16, 20), (16_384, 1, 0), (16_384, 16, 2), (65_536, 1, 0), (1 << 20, 1, 60)]
    {
        for message in messages(size) {
            let mut pair = runtime.block_on(tcp());
            let messages = 160.min((1 << 24) / size);
            let counted = count(&runtime, &mut pair, &message, in_flight, messages);
            assert!(
                counted * 10 <= ten * messages as u64,
                "{size} bytes, {in_flight} in flight: {counted} for {messages}"
            );
        }
    }
}

#[test]
fn who_keeps_the_last_message_until_the_next_is_there_costs_none_either() {
    let runtime = runtime();
    let (mut client, mut server) = runtime.block_on(common::pair());
    let message = Message::text("x".repeat(1000));
    let mut last = None;
    let mut talk = |rounds| {
        runtime.block_on(async {
            for _ in 0..rounds {
                client.send(message.clone()).await.unwrap();
                client.flush().await.unwrap();
                last = server.next().await;
            }
        });
    };
    talk(100);
    // So few at a time that tokio never makes the task wait for its turn, which costs it an allocation.
    assert_eq!(measure(|| (0..50).for_each(|_| talk(20))).count_total, 0);
    assert!(last.is_some());
}

#[test]
fn a_compressed_message_costs_none_where_the_context_is_kept() {
    let runtime = runtime();
    for size in [200, 1024, 4096] {
        let text = Message::text("abc ".repeat(size / 4));
        let mut pair = runtime.block_on(deflated(Context::Kept));
        assert_eq!(count(&runtime, &mut pair, &text, 1, 100), 0, "{size} bytes");
        // What is given back has to be taken again: a compressor and an inflater of each end.
        let mut pair = runtime.block_on(deflated(Context::Shared));
        let counted = count(&runtime, &mut pair, &text, 1, 100);
        assert!((100..=1200).contains(&counted), "{size} bytes: {counted}");
    }
}
