//! The accept loop by itself: its limit, its numbers, its end. What it does without descriptors is in `exhausted`.

use framewise::{AcceptDelay, AcceptLoop, Incoming};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

async fn accept_loop() -> (AcceptLoop, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (AcceptLoop::new(listener), address)
}

#[tokio::test]
async fn further_clients_wait_until_a_slot_is_free_and_those_within_the_limit_do_not() {
    let (accepting, address) = accept_loop().await;
    let (report, mut delays) = mpsc::unbounded_channel();
    let mut accepting = accepting.max_open(2).on_delay(move |delay| report.send(delay).unwrap());
    let (serve, mut open) = mpsc::unbounded_channel::<Incoming>();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        accepting.run(stopped, |incoming| serve.send(incoming).unwrap()).await;
        accepting.into_queued().map(|incoming| (incoming.number, incoming.peer)).collect::<Vec<_>>()
    });

    let first = TcpStream::connect(address).await.unwrap();
    let one = open.recv().await.unwrap();
    assert_eq!((one.number, one.peer), (1, first.local_addr().unwrap()));
    assert!(one.stream.nodelay().unwrap());
    assert!(delays.try_recv().is_err(), "one of two");
    let _second = TcpStream::connect(address).await.unwrap();
    let two = open.recv().await.unwrap();
    let AcceptDelay::Full { open: 2 } = delays.recv().await.unwrap() else { panic!("another delay") };

    // The stream alone does not count: a task may still report what it saw.
    drop(one.stream);
    let third = TcpStream::connect(address).await.unwrap();
    tokio::task::yield_now().await;
    assert!(open.try_recv().is_err(), "two are open");
    drop(one.slot);
    let three = open.recv().await.unwrap();
    assert_eq!((three.number, three.peer), (3, third.local_addr().unwrap()));

    // It ends while it is full, and the client in the queue is handed over.
    delays.recv().await.unwrap();
    let fourth = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    assert_eq!(running.await.unwrap(), [(4, fourth.local_addr().unwrap())]);
    assert!(TcpStream::connect(address).await.is_err(), "it is closed");
    drop((two, three));
}
