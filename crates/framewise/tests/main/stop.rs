//! A server that stops: what was queued arrives, who does not answer is not waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{REQUEST, RESPONSE};
use framewise::{Error, Limits, Message, NetStream, Reply, Server, WebSocket, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

const PUSHED: usize = 100;

/// Echoes; to "push" it sends more than the sockets between can hold.
async fn push_or_echo(mut ws: WebSocket<NetStream>) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.as_text() == Some("push") {
            for number in 0..PUSHED {
                ws.send(vec![number as u8; 200_000]).await?;
            }
        } else {
            ws.send(message).await?;
        }
    }
    Ok(())
}

/// A client whose request is answered, and that does nothing by itself.
async fn raw(address: std::net::SocketAddr) -> TcpStream {
    let mut raw = TcpStream::connect(address).await.unwrap();
    raw.write_all(REQUEST.as_bytes()).await.unwrap();
    raw.read_exact(&mut vec![0; RESPONSE.len()]).await.unwrap();
    raw
}

#[tokio::test]
async fn many_are_told_and_slow_readers_get_what_was_queued() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(listener.serve_until(stopped, push_or_echo));
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut ws = connect(&url).await.unwrap();
        ws.send("push").await.unwrap();
        ws.flush().await.unwrap();
        // The first has arrived, so that the others are queued behind it.
        assert_eq!(ws.next().await.unwrap().unwrap().len(), 200_000);
        slow.push(ws);
    }
    let mut quick = Vec::new();
    for number in 0..200 {
        let mut ws = connect(&url).await.unwrap();
        ws.send(format!("{number}")).await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap(), Message::text(format!("{number}")));
        quick.push(ws);
    }
    stop.send(()).unwrap();
    for ws in &mut quick {
        assert!(ws.next().await.is_none());
        assert_eq!(ws.ended().unwrap().code.0, 1001);
    }
    assert!(!serving.is_finished(), "the slow ones are waited for");
    for mut ws in slow {
        for number in 1..PUSHED {
            let message = ws.next().await.unwrap().unwrap();
            assert!(message == Message::binary(vec![number as u8; 200_000]), "{number}");
        }
        assert!(ws.next().await.is_none());
        assert_eq!((ws.ended().unwrap().code.0, ws.ended().unwrap().clean), (1001, true));
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn who_never_answers_is_waited_for_as_long_as_a_closing_may_take() {
    let limits = Limits::DEFAULT.close(Duration::from_millis(50));
    // Longer than the test may run: it is the handlers that are done.
    let server = Server::new().limits(limits).grace(Duration::from_secs(3600));
    let listener = server.bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let errors = Arc::new(AtomicUsize::new(0));
    let serving = tokio::spawn({
        let errors = Arc::clone(&errors);
        listener.serve_until(stopped, move |mut ws| {
            let errors = Arc::clone(&errors);
            async move {
                if let Some(Err(error)) = ws.next().await {
                    assert_eq!(error.violation().unwrap().rule, framewise::Rule::CloseTimeout);
                    errors.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    });
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(raw(address).await);
    }
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert_eq!(errors.load(Ordering::Relaxed), silent.len());
    for mut raw in silent {
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"\x88\x02\x03\xe9");
    }
}

#[tokio::test]
async fn handlers_that_go_on_are_left_when_the_grace_is_over() {
    let listener = Server::new().grace(Duration::from_millis(50)).bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (go_on, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let serving = tokio::spawn({
        let (go_on, done) = (Arc::clone(&go_on), Arc::clone(&done));
        listener.serve_until(stopped, move |ws| {
            let (go_on, done) = (Arc::clone(&go_on), Arc::clone(&done));
            async move {
                go_on.notified().await;
                drop(ws);
                done.notify_one();
            }
        })
    });
    let raw = raw(address).await;
    stop.send(()).unwrap();
    serving.await.unwrap();
    go_on.notify_one();
    done.notified().await;
    drop(raw);
}

#[tokio::test]
async fn a_handshake_that_is_not_done_is_answered_503() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(listener.serve_until(stopped, push_or_echo));
    let silent = TcpStream::connect(address).await.unwrap();
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(&REQUEST.as_bytes()[..50]).await.unwrap();
    // Those before it are accepted when this one is.
    let mut ws = connect(&format!("ws://{address}/")).await.unwrap();
    // The system accepts this one; the server has no time to.
    let mut queued = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut queued, REQUEST.as_bytes()).unwrap();
    queued.set_nonblocking(true).unwrap();
    stop.send(()).unwrap();
    for mut raw in [silent, half, TcpStream::from_std(queued).unwrap()] {
        // The server has ended its side, and waits for the client's.
        let mut answer = String::new();
        raw.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    }
    assert!(ws.next().await.is_none());
    assert_eq!(ws.ended().unwrap().code.0, 1001);
    timeout(Duration::from_secs(4), serving).await.expect("nobody is waited for").unwrap();
}

#[tokio::test]
async fn a_request_is_decided_upon_with_what_was_looked_up() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (asked, mut asks) = mpsc::unbounded_channel();
    let found = Arc::new(Notify::new());
    let serving = tokio::spawn({
        let found = Arc::clone(&found);
        listener.serve_requests(stopped, move |pending| {
            let (asked, found) = (asked.clone(), Arc::clone(&found));
            async move {
                asked.send(pending.request().target.clone()).unwrap();
                found.notified().await;
                let Some(user) = pending.request().target.strip_prefix("/user/").map(str::to_owned) else {
                    pending.answer(Reply::reject(404, "no such user\n")).await?;
                    return Ok(());
                };
                let mut ws = pending.answer(Reply::accept()).await?;
                ws.send(format!("hello {user}")).await?;
                while ws.next().await.transpose()?.is_some() {}
                Ok::<(), Error>(())
            }
        })
    });
    found.notify_one();
    let mut ws = connect(&format!("ws://{address}/user/ada")).await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("hello ada"));
    found.notify_one();
    let Err(Error::Rejected(rejected)) = connect(&format!("ws://{address}/")).await else { panic!("a 404") };
    assert_eq!((rejected.status, &rejected.body[..]), (404, &b"no such user\n"[..]));

    // The server stops while the application looks something up.
    let mut late = TcpStream::connect(address).await.unwrap();
    late.write_all(REQUEST.as_bytes()).await.unwrap();
    for target in ["/user/ada", "/", "/chat"] {
        assert_eq!(asks.recv().await.unwrap(), target);
    }
    stop.send(()).unwrap();
    assert!(ws.next().await.is_none());
    found.notify_one();
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    drop(late);
    serving.await.unwrap();
}
