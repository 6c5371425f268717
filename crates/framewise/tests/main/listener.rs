//! A server on TCP: clients that are slow, reset, or many; the stop.

use std::time::Duration;

use crate::common::{REQUEST, RESPONSE, echo, echo_server, masked, masked_close};
use framewise::proto::Opcode;
use framewise::{Message, Rule, Server, connect};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

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
