//! A listener that serves `wss://`, and clients that speak something else to it.
#![cfg(feature = "tls")]

use std::time::Duration;

use crate::common::tls::{client_config, configs};
use crate::common::{REQUEST, echo};
use framewise::rustls::{ProtocolVersion, RootCertStore};
use framewise::{Client, ConnectFault, Error, Message, Rule, Server, connect};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

#[tokio::test]
async fn messages_of_every_size_and_going_away_at_the_end() {
    let (server, client) = configs();
    let listener = Server::new().tls_config(server).bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(listener.serve_until(stopped, echo));

    let client = Client::new().tls_config(client);
    let mut ws = client.connect(&format!("wss://localhost:{port}/")).await.unwrap();
    assert!(ws.get_ref().is_tls());
    for size in [0, 100, 5_000, 70_000, 2_000_000] {
        ws.send(vec![7; size]).await.unwrap();
        assert!(ws.next().await.unwrap().unwrap() == Message::binary(vec![7; size]), "{size}");
    }
    let mut other = client.connect(&format!("wss://localhost:{port}/")).await.unwrap();
    other.close(1000, "").await.unwrap();
    assert!(other.ended().unwrap().clean);

    stop.send(()).unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.ended().unwrap().code.0, 1001);
    serving.await.unwrap();
}

#[tokio::test]
async fn the_server_sees_who_is_there() {
    let (server, client) = configs();
    let listener = Server::new().tls_config(server).bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/x", listener.local_addr().unwrap().port());
    let client = Client::new().tls_config(client);
    let (client, server) = tokio::join!(client.connect(&url), async {
        let handshake = listener.accept().await.unwrap();
        (handshake.peer_addr(), handshake.await.unwrap())
    });
    let (client, (peer, server)) = (client.unwrap(), server);
    assert_eq!(peer, client.get_ref().tcp().local_addr().unwrap());
    assert_eq!(peer, server.get_ref().tcp().peer_addr().unwrap());
    assert_eq!(server.get_ref().tls().unwrap().protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(server.request().unwrap().target, "/x");
}

#[tokio::test]
async fn a_plain_stream_is_passed_through() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (client, server) = tokio::join!(connect(&url), async { listener.accept().await.unwrap().await });
    for ws in [client.unwrap(), server.unwrap()] {
        assert!(ws.get_ref().is_write_vectored() && ws.get_ref().tls().is_none());
        assert!(ws.get_ref().tcp().nodelay().unwrap());
    }
}

#[tokio::test]
async fn a_plain_request_is_answered_in_plain_and_told_what_to_write() {
    let (server, client) = configs();
    let listener = Server::new().tls_config(server).bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut raw = TcpStream::connect(address).await.unwrap();
    raw.write_all(REQUEST.as_bytes()).await.unwrap();
    raw.shutdown().await.unwrap();
    let error = listener.accept().await.unwrap().await.unwrap_err();
    assert!(matches!(error, Error::Io(_)) && error.to_string().contains("wss://"), "{error}");
    let mut answer = String::new();
    raw.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("wss://"), "{answer}");

    tokio::spawn(listener.serve(echo));
    let Err(Error::Rejected(rejected)) = connect(&format!("ws://{address}/")).await else {
        panic!("it is turned down")
    };
    assert!(
        rejected.status == 400 && String::from_utf8_lossy(&rejected.body).contains("wss://"),
        "{rejected}"
    );
    let url = format!("wss://localhost:{}/", address.port());
    Client::new().tls_config(client).connect(&url).await.unwrap().close(1000, "").await.unwrap();
}

#[tokio::test]
async fn what_is_no_tls_and_who_trusts_nobody_are_errors_of_theirs_alone() {
    let (server, client) = configs();
    let listener = Server::new().tls_config(server).bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for bytes in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x00\xff\x00\xff", b"\x16\x03\x01", b""] {
        let mut raw = TcpStream::connect(address).await.unwrap();
        raw.write_all(bytes).await.unwrap();
        raw.shutdown().await.unwrap();
        let error = listener.accept().await.unwrap().await.unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{bytes:?}: {error}");
    }
    let url = format!("wss://localhost:{}/", address.port());
    let mistrustful = Client::new().tls_config(client_config(RootCertStore::empty()));
    let (connected, accepted) =
        tokio::join!(mistrustful.connect(&url), async { listener.accept().await.unwrap().await.map(drop) });
    assert!(matches!(connected, Err(Error::Connect(error)) if error.fault() == ConnectFault::Tls));
    let error = accepted.unwrap_err();
    assert!(error.to_string().contains("UnknownCA"), "{error}");

    tokio::spawn(listener.serve(echo));
    Client::new().tls_config(client).connect(&url).await.unwrap().close(1000, "").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_handshake_is_that_for_tls_too() {
    let (server, _) = configs();
    let listener = Server::new().tls_config(server).bind("127.0.0.1:0").await.unwrap();
    let raw = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let handshake = listener.accept().await.unwrap();
    let start = tokio::time::Instant::now();
    let error = handshake.await.unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::RequestTimeout);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    drop(raw);
}
