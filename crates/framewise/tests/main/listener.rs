//! A server on TCP: clients that are slow, reset, or many; the stop.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::{REQUEST, RESPONSE, echo, echo_server, masked, masked_close};
use framewise::proto::Opcode;
use framewise::{Error, Message, Rule, ServeError, Server, connect};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

#[tokio::test]
async fn a_slow_handshake_holds_up_nobody() {
    let address = echo_server().await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HT").await.unwrap();
    let mut clients = Vec::new();
    for number in 0..20 {
        let mut ws = connect(&format!("ws://{address}/")).await.unwrap();
        ws.send(format!("client {number}")).await.unwrap();
        clients.push(ws);
    }
    for (number, ws) in clients.iter_mut().enumerate() {
        assert_eq!(ws.next().await.unwrap().unwrap(), Message::text(format!("client {number}")));
        assert!(ws.get_ref().tcp().nodelay().unwrap());
        ws.close(1000, "").await.unwrap();
    }
}

#[tokio::test]
async fn a_large_echo_over_tcp() {
    let address = echo_server().await;
    let mut ws = connect(&format!("ws://{address}/")).await.unwrap();
    for size in [10, 70_000, 1 << 20, 5_000_000] {
        let payload: Vec<u8> = (0..size).map(|at: usize| (at / 3) as u8).collect();
        ws.send(payload.clone()).await.unwrap();
        assert!(ws.next().await.unwrap().unwrap() == Message::binary(payload), "{size}");
    }
    ws.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_says_going_away() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(listener.serve_until(stopped, echo));
    let mut first = connect(&format!("ws://{address}/")).await.unwrap();
    let mut second = connect(&format!("ws://{address}/")).await.unwrap();
    for ws in [&mut first, &mut second] {
        ws.send("there").await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("there"));
    }
    stop.send(()).unwrap();
    for ws in [&mut first, &mut second] {
        assert!(ws.next().await.is_none());
        assert_eq!(ws.ended().unwrap().code.0, 1001);
    }
    tokio::time::timeout(Duration::from_secs(5), serving).await.expect("all handlers are done").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_handshake_is_a_task_of_its_own() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("ws://{address}/x");
    let (client, server) = tokio::join!(connect(&url), async {
        let handshake = listener.accept().await.unwrap();
        assert!(handshake.peer_addr().ip().is_loopback());
        handshake.await
    });
    assert_eq!(server.unwrap().request().unwrap().target, "/x");
    drop(client);
}

#[tokio::test]
async fn a_listener_that_is_dropped_lets_its_connections_be() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("ws://{address}/");
    // What is dropped accepts nobody.
    assert!(listener.accept().now_or_never().is_none());
    let serving = tokio::spawn(listener.serve(echo));
    let mut ws = connect(&url).await.unwrap();
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(address).await.is_err());
    ws.send("still there").await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("still there"));
    ws.close(1000, "").await.unwrap();
    assert!(ws.ended().unwrap().clean);
}

#[tokio::test]
async fn a_reset_is_told_from_an_end() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let mut raw = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    raw.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut ws = listener.accept().await.unwrap().await.unwrap();
    raw.read_exact(&mut vec![0; RESPONSE.len()]).await.unwrap();
    raw.write_all(&masked(Opcode::Text, true, b"last")[..8]).await.unwrap();
    // To close with bytes unread is to reset.
    ws.send("unread").await.unwrap();
    ws.flush().await.unwrap();
    raw.readable().await.unwrap();
    drop(raw);
    let error = ws.next().await.unwrap().unwrap_err();
    let violation = error.violation().unwrap();
    assert_eq!(
        (violation.rule, violation.also.as_slice()),
        (Rule::ConnectionReset, &[Rule::PayloadTruncated][..])
    );
    assert!(ws.next().await.is_none());
    assert_eq!(ws.ended().unwrap().code.0, 1006);
}

#[tokio::test]
async fn the_close_frame_survives_bytes_that_nobody_read() {
    // A client that floods while the server fails the connection: no reset may destroy the Close frame.
    let address = echo_server().await;
    for bad in [masked(Opcode::Text, true, b"\xff"), masked_close(1000)] {
        let mut raw = TcpStream::connect(address).await.unwrap();
        raw.write_all(REQUEST.as_bytes()).await.unwrap();
        raw.read_exact(&mut vec![0; RESPONSE.len()]).await.unwrap();
        raw.write_all(&bad).await.unwrap();
        raw.write_all(&vec![0x81; 1_000_000]).await.unwrap();
        raw.shutdown().await.unwrap();
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        assert_eq!(got.first(), Some(&0x88), "{got:?}");
    }
}

/// What a handler's own code fails with.
#[derive(Debug)]
struct Full;

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the disk is full")
    }
}

impl std::error::Error for Full {}

/// "full" is an error of the handler's own, other text is echoed.
async fn fill_or_echo(
    mut ws: framewise::WebSocket<framewise::NetStream>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.as_text() == Some("full") {
            return Err(Full.into());
        }
        ws.send(message).await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_failure_of_a_connection_is_told_with_its_peer_and_no_other_is() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, mut told) = mpsc::unbounded_channel::<(SocketAddr, ServeError)>();
    let listener = listener.on_error(move |peer, error| tell.send((peer, error)).unwrap());
    tokio::spawn(listener.serve(|ws| async { Ok(fill_or_echo(ws).await?) }));

    // A clean end is no error.
    let mut clean = connect(&format!("ws://{address}/")).await.unwrap();
    clean.send("hello").await.unwrap();
    clean.next().await.unwrap().unwrap();
    clean.close(1000, "").await.unwrap();

    let mut raw = TcpStream::connect(address).await.unwrap();
    raw.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let (peer, error) = told.recv().await.unwrap();
    assert_eq!(peer, raw.local_addr().unwrap());
    let ServeError::Handshake(Error::Violation(violation)) = &error else { panic!("{error:?}") };
    assert_eq!(error.to_string(), violation.to_string());

    let mut client = connect(&format!("ws://{address}/")).await.unwrap();
    client.send("full").await.unwrap();
    let (peer, error) = told.recv().await.unwrap();
    assert_eq!(peer, client.get_ref().tcp().local_addr().unwrap());
    let ServeError::Handler(Error::Other(error)) = error else { panic!("{error:?}") };
    assert!(error.is::<Full>(), "{error}");

    let lost = connect(&format!("ws://{address}/")).await.unwrap();
    let from = lost.get_ref().tcp().local_addr().unwrap();
    drop(lost);
    let (peer, error) = told.recv().await.unwrap();
    assert_eq!(peer, from);
    // `?` has wrapped it once more: the handler returns any error.
    let ServeError::Handler(Error::Other(error)) = error else { panic!("{error:?}") };
    let Some(Error::Violation(violation)) = error.downcast_ref() else { panic!("{error:?}") };
    assert_eq!(violation.rule, Rule::CloseMissing);
    assert!(told.try_recv().is_err());
}
