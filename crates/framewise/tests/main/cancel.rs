//! Any future may be dropped after any poll, and nothing is lost or sent twice.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use crate::common::{Counting, pair};
use framewise::{Client, Message, Server};
use futures_util::task::noop_waker;
use tokio::io::duplex;

/// Polls a future so many times, and drops it.
fn poll_times<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let waker = noop_waker();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..times {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return Some(value);
        }
    }
    None
}

#[tokio::test]
async fn next_and_feed_dropped_after_each_poll_lose_nothing() {
    for cut in [1, 5, 1_000] {
        let (near, far) = duplex(64);
        let (mut near, mut far) = (Counting::new(near), Counting::new(far));
        (near.cut, far.cut) = (cut, cut);
        let client = Client::new();
        let server = Server::new();
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        let sizes = [0, 1, 130, 5_000, 20_000, 3, 100_000, 9];
        let (mut sent, mut taken) = (0, 0);
        let mut turn = 0;
        while taken < sizes.len() {
            turn += 1;
            assert!(turn < 2_000_000, "it comes to an end: {sent} sent, {taken} taken");
            // How often each is polled before it is dropped changes all the time.
            if sent < sizes.len()
                && let Some(done) = poll_times(turn % 3, client.feed(vec![sent as u8; sizes[sent]]))
            {
                done.unwrap();
                sent += 1;
            }
            if let Some(done) = poll_times((turn / 3) % 3, client.flush()) {
                done.unwrap();
            }
            if let Some(message) = poll_times((turn / 9) % 3, server.next()) {
                let message = message.unwrap().unwrap();
                assert!(
                    message == Message::binary(vec![taken as u8; sizes[taken]]),
                    "message {taken}, cut at {cut}"
                );
                taken += 1;
            }
            // The tests' streams count what a task may do in one go.
            tokio::task::yield_now().await;
        }
        assert_eq!(sent, sizes.len());
    }
}

#[tokio::test]
async fn a_close_that_is_dropped_goes_on_with_next() {
    let (mut client, mut server) = pair().await;
    client.send("last words").await.unwrap();
    assert!(poll_times(1, client.close(4000, "bye")).is_none());
    let serve = async {
        assert_eq!(server.next().await.unwrap().unwrap(), Message::text("last words"));
        assert!(server.next().await.is_none());
        let ended = server.ended().unwrap();
        assert_eq!((ended.code.0, ended.clean), (4000, true));
        drop(server);
    };
    let ((), end) = tokio::join!(serve, client.next());
    assert!(end.is_none());
    assert!(client.ended().unwrap().clean);
}

#[tokio::test]
async fn a_message_that_waits_for_room_is_not_half_queued() {
    let (near, far) = duplex(1_000);
    let client = Client::new();
    let server = Server::new();
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    // The first fills the queue above its mark; the next one waits, and is given up.
    client.feed(vec![1; 100_000]).await.unwrap();
    assert!(poll_times(3, client.feed("given up")).is_none());
    let ((), ()) = tokio::join!(
        async {
            client.send("the next").await.unwrap();
            client.flush().await.unwrap();
        },
        async {
            assert_eq!(server.next().await.unwrap().unwrap().len(), 100_000);
            assert_eq!(server.next().await.unwrap().unwrap(), Message::text("the next"));
        }
    );
}
