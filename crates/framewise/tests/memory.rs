//! Memory that messages and connections take, counted where it is allocated: what an application keeps costs little more
//! than its own bytes, and what a burst took is given back.
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

mod common;

use std::net::SocketAddr;

use allocation_counter::measure;
use common::{echo, masked, server_and_raw};
use framewise::proto::Opcode;
use framewise::{Client, DeflateConfig, Message, Server};
use futures_util::FutureExt as _;
use tokio::io::{AsyncWriteExt as _, duplex};
use tokio::runtime::{Builder, Handle, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Takes so many messages of 20 to 200 bytes from 100 connections, `together` of them in one read, and keeps them: how many
/// bytes are allocated for 100 of payload.
fn kept(together: usize, messages: usize) -> u64 {
    let runtime = runtime();
    let mut connections = Vec::new();
    for _ in 0..100 {
        connections.push(runtime.block_on(server_and_raw()));
    }
    let sizes: Vec<usize> = (0..1000).map(|number| 20 + number * 77 % 181).collect();
    let bursts: Vec<Vec<u8>> = sizes
        .chunks(together)
        .map(|sizes| sizes.iter().flat_map(|&size| masked(Opcode::Binary, true, &vec![b'x'; size])).collect())
        .collect();
    let mut turns = bursts.iter().zip(sizes.chunks(together).map(<[usize]>::len)).cycle();
    let mut take = |kept: &mut Vec<Message>, messages: usize| {
        runtime.block_on(async {
            let mut at = 0;
            while kept.len() < messages {
                let (server, raw) = &mut connections[at % 100];
                at += 1;
                let (burst, count) = turns.next().unwrap();
                raw.write_all(burst).await.unwrap();
                for _ in 0..count {
                    kept.push(server.next().await.unwrap().unwrap());
                }
            }
        });
    };
    let mut kept: Vec<Message> = Vec::with_capacity(messages + together);
    // The pipes' buffers are no matter of the messages: they have their size then.
    take(&mut kept, 300 * together);
    kept.clear();
    let allocated = measure(|| take(&mut kept, messages)).bytes_current;
    let payload: usize = kept.iter().map(Message::len).sum();
    u64::try_from(allocated).unwrap() * 100 / payload as u64
}

#[test]
fn a_million_small_messages_that_are_kept_cost_little_more_than_their_bytes() {
    // Without the 32 bytes of a `Message` itself, which are where the application has them. What is more is mostly the
    // frames' headers.
    for together in [1, 16, 50, 200] {
        let percent = kept(together, 250_000);
        assert!(percent <= 110, "{together} in a read: {percent} %");
    }
}

/// Many connections at once, each of which has messages of several sizes echoed; then they go, some of them rudely.
async fn burst(address: SocketAddr, connections: usize) {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(framewise::connect(&format!("ws://{address}/")).await.unwrap());
    }
    for client in &mut clients {
        for size in [20, 3_000, 20_000, 100_000] {
            client.send(vec![b'x'; size]).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap().len(), size);
        }
    }
    for (number, mut client) in clients.into_iter().enumerate() {
        if number % 2 == 0 {
            client.close(1000, "").await.unwrap();
        }
    }
    // The server's tasks end when they have seen it: its own is left.
    while Handle::current().metrics().num_alive_tasks() > 1 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_a_burst_of_connections_took_is_given_back() {
    let runtime = runtime();
    let listener = runtime.block_on(Server::new().bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(listener.serve(echo));
    // What stays are the buffers that a thread's connections share.
    let first = measure(|| runtime.block_on(burst(address, 100))).bytes_current;
    assert!(first < 512 * 1024, "{first}");
    let later = measure(|| runtime.block_on(burst(address, 200))).bytes_current;
    assert!(later < 1024, "{later} bytes of 200 connections");
}

/// How many bytes each of 100 connections holds, idle, when it has exchanged nothing or something.
fn idle(runtime: &Runtime, exchanges: bool) -> i64 {
    let (mut servers, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let (mut server, mut raw) = runtime.block_on(server_and_raw());
        runtime.block_on(async {
            for size in [20, 3_000, 20_000, 100_000].into_iter().filter(|_| exchanges) {
                raw.write_all(&masked(Opcode::Binary, true, &vec![b'x'; size])).await.unwrap();
                let message = server.next().await.unwrap().unwrap();
                server.send(message).await.unwrap();
                server.feed("queued, and written while it waits").await.unwrap();
                assert!(server.next().now_or_never().is_none());
            }
        });
        servers.push(server);
        raws.push(raw);
    }
    -measure(|| drop(servers)).bytes_current / 100
}

#[test]
fn an_idle_connection_holds_no_more_than_a_new_one() {
    let runtime = runtime();
    assert_eq!(idle(&runtime, true), idle(&runtime, false));
}

/// Takes messages of so many bytes, in pieces, such that they are assembled, and keeps them: how many bytes are allocated
/// for 100 of payload.
fn kept_of(runtime: &Runtime, opcode: Opcode, size: usize) -> u64 {
    let (mut server, mut raw) = runtime.block_on(server_and_raw());
    let mut take = |size: usize| {
        let frame = masked(opcode, true, &vec![b'x'; size]);
        runtime.block_on(async {
            raw.write_all(&frame[..10_000]).await.unwrap();
            assert!(server.next().now_or_never().is_none());
            raw.write_all(&frame[10_000..]).await.unwrap();
            server.next().await.unwrap().unwrap()
        })
    };
    // The buffer of a larger one is there to be used again.
    drop(take(1_000_000));
    let mut kept = Vec::with_capacity(10);
    let allocated = measure(|| kept.extend((0..10).map(|_| take(size)))).bytes_current;
    assert_eq!(kept.iter().map(Message::len).sum::<usize>(), 10 * size);
    u64::try_from(allocated.max(0)).unwrap() * 100 / (10 * size) as u64
}

#[test]
fn a_large_message_that_is_kept_keeps_no_larger_buffer() {
    let runtime = runtime();
    for opcode in [Opcode::Text, Opcode::Binary] {
        let percent = kept_of(&runtime, opcode, 70_000);
        assert!((1..=130).contains(&percent), "{percent} %");
    }
}

#[test]
fn a_compressed_message_that_is_kept_costs_at_most_twice_its_bytes() {
    let runtime = runtime();
    let deflate = DeflateConfig::default();
    for size in [100, 1_000, 5_000, 9_000, 40_000] {
        for message in [Message::text("abcd ".repeat(size / 5)), Message::binary(vec![7; size])] {
            let (near, far) = duplex(1 << 16);
            let (client, server) = (Client::new().deflate(deflate), Server::new().deflate(deflate));
            let (client, server) = runtime
                .block_on(async { tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far)) });
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            let mut kept = Vec::with_capacity(300);
            let mut take = |kept: &mut Vec<Message>, count| {
                runtime.block_on(async {
                    for _ in 0..count {
                        client.send(message.clone()).await.unwrap();
                        kept.push(server.next().await.unwrap().unwrap());
                    }
                });
            };
            take(&mut kept, 100);
            let allocated = measure(|| take(&mut kept, 200)).bytes_current;
            let percent = u64::try_from(allocated.max(0)).unwrap() * 100 / (200 * size) as u64;
            // Those that are copied cost no more than that.
            let most = if size <= 4096 { 110 } else { 200 };
            assert!(percent <= most, "{size} bytes: {percent} %");
        }
    }
}
