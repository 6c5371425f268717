//! One message to many connections: whatever they agreed, it arrives, and so does what goes before and after it.

use crate::common::erratic::Random;
use crate::common::{Counting, masked, pair, server_and_raw};
use framewise::proto::Opcode;
use framewise::{
    Client, Context, DeflateConfig, Error, Message, MessageKind, Misuse, Prepared, Server, TrySendError,
    WebSocket,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

type Counted = Counting<DuplexStream>;

async fn pair_that_agreed(
    client: DeflateConfig,
    server: DeflateConfig,
) -> (WebSocket<Counted>, WebSocket<Counted>) {
    let (near, far) = duplex(1 << 20);
    let client = Client::new().deflate(client);
    let server = Server::new().deflate(server);
    let (client, server) =
        tokio::join!(client.connect_over(Counting::new(near), "ws://h/"), server.accept(Counting::new(far)));
    (client.unwrap(), server.unwrap())
}

/// Text that compresses, and noise that hardly does, of one kind each round: so that a compressor with takeover refers back.
fn payload(round: usize) -> Message {
    let size = [10, 300, 5_000, 40_000][round % 4];
    if round.is_multiple_of(3) {
        return Message::text("Über allen Gipfeln ".repeat(size / 20));
    }
    let noise = |at: usize| ((at % 1500) as u32).wrapping_mul(2_654_435_761).to_be_bytes()[1];
    Message::binary((0..size).map(noise).collect::<Vec<u8>>())
}

#[tokio::test]
async fn it_arrives_between_ordinary_ones_whatever_was_agreed_and_from_either_end() {
    for bits in 8..=15 {
        for takeover in [true, false] {
            for context in [Context::Kept, Context::Shared] {
                let wishes = DeflateConfig::default()
                    .window_bits(bits)
                    .peer_window_bits(23 - bits)
                    .no_context_takeover(!takeover)
                    .context(context);
                let (client, server) = pair_that_agreed(wishes, wishes).await;
                for (mut from, mut to) in [(server, client)] {
                    for turn in 0..2 {
                        for round in 0..24 {
                            let message = payload(round);
                            if round % 2 == turn {
                                from.send_prepared(&Prepared::new(message.clone())).await.unwrap();
                            } else {
                                from.send(message.clone()).await.unwrap();
                            }
                            from.flush().await.unwrap();
                            let got = to.next().await.unwrap();
                            assert!(
                                got.unwrap() == message,
                                "{bits} bits, takeover {takeover}, round {round}"
                            );
                        }
                        std::mem::swap(&mut from, &mut to);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn without_compression_it_is_an_ordinary_message_to_all() {
    let (mut client, mut server) = pair().await;
    for size in [0, 1, 4_095, 4_096, 300_000] {
        let prepared = Prepared::new(vec![size as u8; size]);
        server.send_prepared(&prepared).await.unwrap();
        client.send_prepared(&prepared).await.unwrap();
        let (there, back) = tokio::join!(client.next(), server.next());
        assert!(there.unwrap().unwrap() == *prepared.message());
        assert!(back.unwrap().unwrap() == *prepared.message());
    }
}

#[tokio::test]
async fn a_large_one_is_written_with_its_neighbours_in_one_call() {
    let wishes = DeflateConfig::default().threshold(0).level(1);
    let (mut client, mut server) = pair_that_agreed(wishes, wishes).await;
    let mut random = Random::new(1);
    let noise: Vec<u8> = (0..60_000).map(|_| random.below(256) as u8).collect();
    let large = Prepared::new(noise);
    let before = server.get_ref().counts.writes();
    for message in ["before", "after"] {
        server.feed(message).await.unwrap();
        server.feed_prepared(&large).await.unwrap();
    }
    server.flush().await.unwrap();
    assert_eq!(server.get_ref().counts.writes() - before, 1);
    for message in ["before", "after"] {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text(message));
        assert!(client.next().await.unwrap().unwrap() == *large.message());
    }
}

#[tokio::test]
async fn what_would_break_a_rule_is_refused_and_a_full_queue_gives_the_message_back() {
    let wishes = DeflateConfig::default();
    let (mut client, mut server) = pair_that_agreed(wishes, wishes).await;
    let prepared = Prepared::new("x".repeat(1000));
    server.begin(MessageKind::Text).unwrap();
    assert!(matches!(server.send_prepared(&prepared).await, Err(Error::Misuse(Misuse::MessageOpen))));
    server.send_part(b"goes on", true).await.unwrap();
    server.send_prepared(&prepared).await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("goes on"));
    assert_eq!(client.next().await.unwrap().unwrap(), *prepared.message());
    server.start_close(1000, "").unwrap();
    assert!(matches!(server.send_prepared(&prepared).await, Err(Error::Misuse(Misuse::Closed))));

    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    let prepared = Prepared::new(vec![0; 60_000]);
    let refused = loop {
        if let Err(refused) = sender.try_send_prepared(&prepared) {
            break refused;
        }
    };
    assert!(matches!(refused, TrySendError::Full(message) if message == *prepared.message()));
    raw.write_all(&masked(Opcode::Close, true, b"")).await.unwrap();
    let (end, ()) = tokio::join!(receiver.next(), async {
        raw.read_to_end(&mut Vec::new()).await.unwrap();
        drop(raw);
    });
    assert!(end.is_none());
    assert!(matches!(
        sender.try_send_prepared(&prepared),
        Err(TrySendError::Failed(Error::Misuse(Misuse::Closed)))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_send_it_to_many_connections_at_once() {
    let wishes = DeflateConfig::default();
    let mut senders = Vec::new();
    let mut readers = Vec::new();
    for _ in 0..50 {
        let (client, server) = pair_that_agreed(wishes, wishes).await;
        let (sender, mut receiver) = server.split();
        senders.push(sender);
        tokio::spawn(async move { while receiver.next().await.is_some() {} });
        let (_client, mut from) = client.split();
        readers.push(tokio::spawn(async move {
            let mut sums = 0;
            for _ in 0..40 {
                sums += from.next().await.unwrap().unwrap().len();
            }
            sums
        }));
    }
    let writers: Vec<_> = (1..=40_usize)
        .map(|number| {
            let senders = senders.clone();
            tokio::spawn(async move {
                let prepared = Prepared::new("word ".repeat(number * 20));
                for sender in senders {
                    sender.send_prepared(&prepared).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), (1..=40).map(|number| number * 100).sum::<usize>());
    }
}
