//! A connection as a stream of bytes: tunnels, and a WebSocket inside a WebSocket.

use std::io::ErrorKind;
use std::time::Duration;

use crate::common::erratic::{Erratic, Random};
use crate::common::{masked, masked_close, pair, pair_with, server_and_raw};
use framewise::proto::Opcode;
use framewise::{ByteStream, Client, Config, Error, Message, Misuse, Rule, Server};
use futures_util::FutureExt as _;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional,
    duplex,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// In simulated time: it comes at once when everything waits for everything else.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_write_is_a_binary_message_and_what_is_read_are_payloads() {
    let (mut client, server) = pair().await;
    let mut stream = server.into_byte_stream();
    stream.write_all(b"one").await.unwrap();
    assert_eq!(stream.write(b"").await.unwrap(), 0);
    stream.write_all(b"two").await.unwrap();
    assert!(client.next().now_or_never().is_none(), "they are queued");
    stream.flush().await.unwrap();
    for expected in ["one", "two"] {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(expected));
    }
    // Larger ones are cut.
    let large = vec![7; 100_000];
    let (written, ()) = tokio::join!(
        async {
            stream.write_all(&large).await?;
            stream.flush().await
        },
        async {
            let mut sizes = Vec::new();
            while sizes.iter().sum::<usize>() < large.len() {
                sizes.push(client.next().await.unwrap().unwrap().len());
            }
            assert_eq!(sizes, [32_768, 32_768, 32_768, 1_696]);
        }
    );
    written.unwrap();
    // Messages of both kinds, an empty one between them.
    client.send("first line\nsec").await.unwrap();
    client.send("").await.unwrap();
    client.send(b"ond line\nrest").await.unwrap();
    client.flush().await.unwrap();
    let mut line = String::new();
    for expected in ["first line\n", "second line\n"] {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, expected);
    }
    client.start_close(1000, "").unwrap();
    let (_, rest) = tokio::join!(client.next(), async {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        drop(stream);
        rest
    });
    assert_eq!(rest, b"rest");
}

#[tokio::test]
async fn shutdown_closes_with_1000_and_what_was_on_its_way_is_read() {
    let (server, mut raw) = server_and_raw().await;
    let mut stream = server.into_byte_stream();
    stream.write_all(b"last").await.unwrap();
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    let mut frames = [0; 10];
    raw.read_exact(&mut frames).await.unwrap();
    assert_eq!(&frames, b"\x82\x04last\x88\x02\x03\xe8");
    raw.write_all(&masked(Opcode::Binary, true, b"crossed it")).await.unwrap();
    raw.write_all(&masked_close(1000)).await.unwrap();
    let (rest, ()) = tokio::join!(
        async {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            // And so it stays.
            assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0);
            rest
        },
        async {
            raw.read_to_end(&mut Vec::new()).await.unwrap();
            drop(raw);
        }
    );
    assert_eq!(rest, b"crossed it");
    let error = stream.write(b"too late").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert!(matches!(inside(&error), Some(Error::Misuse(Misuse::Closed))));
}

fn inside(error: &std::io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

#[tokio::test]
async fn an_end_that_is_no_clean_one_is_an_error_and_stays_one() {
    for (bytes, kind, rule) in [
        (vec![], ErrorKind::UnexpectedEof, Some(Rule::CloseMissing)),
        (vec![0x82], ErrorKind::UnexpectedEof, Some(Rule::HeaderTruncated)),
        (vec![0x82, 0x01, 0x00], ErrorKind::InvalidData, Some(Rule::MaskMissing)),
        (masked(Opcode::Text, true, b"\xff"), ErrorKind::InvalidData, Some(Rule::TextInvalidUtf8)),
        (masked_close(1011), ErrorKind::ConnectionAborted, None),
        (masked_close(1001), ErrorKind::ConnectionAborted, None),
    ] {
        let (server, mut raw) = server_and_raw().await;
        let mut stream = server.into_byte_stream();
        raw.write_all(&masked(Opcode::Binary, true, b"before it")).await.unwrap();
        raw.write_all(&bytes).await.unwrap();
        raw.shutdown().await.unwrap();
        let mut before = Vec::new();
        let error = stream.read_to_end(&mut before).await.unwrap_err();
        assert_eq!((error.kind(), before.as_slice()), (kind, &b"before it"[..]), "{error}");
        match rule {
            Some(rule) => assert_eq!(inside(&error).unwrap().violation().unwrap().rule, rule),
            None => assert!(error.to_string().starts_with("the connection was closed with 10"), "{error}"),
        }
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap_err().kind(), kind);
    }
    // Without a code it is a clean one.
    let (server, mut raw) = server_and_raw().await;
    raw.write_all(&masked(Opcode::Close, true, b"")).await.unwrap();
    raw.shutdown().await.unwrap();
    assert_eq!(server.into_byte_stream().read(&mut [0; 10]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn deadlines_are_time_outs() {
    let mut config = Config::default();
    config.limits.idle = Some(Duration::from_secs(60));
    let (server, _raw) = crate::common::server_with(config).await;
    let error = server.into_byte_stream().read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let (server, _raw) = server_and_raw().await;
    let mut stream = server.into_byte_stream();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap_err().kind(), ErrorKind::TimedOut);
}

/// Sends random pieces of a random stream, and takes as many bytes of another, each checked.
async fn exchange<S: AsyncRead + AsyncWrite + Send + 'static>(
    stream: S,
    sends: u64,
    takes: u64,
    length: usize,
) {
    let bytes = |seed| {
        let mut random = Random::new(seed);
        (0..length).map(|_| random.below(256) as u8).collect::<Vec<u8>>()
    };
    let (mut from, mut to) = tokio::io::split(stream);
    let (ours, theirs) = (bytes(sends), bytes(takes));
    let write = tokio::spawn(async move {
        let mut random = Random::new(sends + 1000);
        let mut rest = &ours[..];
        while !rest.is_empty() {
            let count = (1 + random.below([10, 1000, 40_000][random.clone().below(3)])).min(rest.len());
            to.write_all(&rest[..count]).await.unwrap();
            if random.below(3) == 0 {
                to.flush().await.unwrap();
            }
            rest = &rest[count..];
        }
        to.flush().await.unwrap();
        to
    });
    let mut got = vec![0; length];
    let mut at = 0;
    let mut random = Random::new(takes + 2000);
    while at < length {
        let until = (at + 1 + random.below(20_000)).min(length);
        at += from.read(&mut got[at..until]).await.unwrap();
    }
    assert!(got == theirs, "{takes}");
    let mut to = write.await.unwrap();
    to.shutdown().await.unwrap();
    let ended = from.read(&mut [0]).await.unwrap();
    assert_eq!(ended, 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_for_each_direction_misses_nothing() {
    for seed in 0..12 {
        let (near, far) = duplex(900);
        let (near, far) = (Erratic::new(near, seed, 3000), Erratic::new(far, seed + 100, 3000));
        let client = Client::new();
        let server = Server::new();
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        let near =
            tokio::spawn(exchange(client.unwrap().into_byte_stream(), 2 * seed, 2 * seed + 1, 150_000));
        let far = exchange(server.unwrap().into_byte_stream(), 2 * seed + 1, 2 * seed, 150_000);
        let both = async { tokio::join!(near, far).0.unwrap() };
        timeout(NEVER, both).await.unwrap_or_else(|_| panic!("both wait, at seed {seed}"));
    }
}

#[tokio::test]
async fn a_websocket_goes_through_a_websocket() {
    let (outer_client, outer_server) = pair_with(Config::default(), 5000).await;
    let client = Client::new();
    let server = Server::new();
    let (client, server) = tokio::join!(
        client.connect_over(outer_client.into_byte_stream(), "ws://inner.example/"),
        server.accept(outer_server.into_byte_stream())
    );
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(server.request().unwrap().headers.get("host"), Some(&b"inner.example"[..]));
    let echo = async {
        while let Some(message) = server.next().await {
            server.send(message.unwrap()).await.unwrap();
        }
        server.ended().unwrap().code.0
    };
    let ask = async {
        for size in [0, 1, 125, 126, 5_000, 40_000, 300_000] {
            let message = Message::binary(vec![size as u8; size]);
            client.send(message.clone()).await.unwrap();
            assert!(client.next().await.unwrap().unwrap() == message, "{size}");
        }
        client.close(4001, "both are done").await.unwrap();
    };
    let (code, ()) = tokio::join!(echo, ask);
    assert_eq!(code, 4001);
}

/// A tunnel from a TCP port to a TCP server: what its two ends came to is told.
struct Tunnel {
    address: std::net::SocketAddr,
    near: JoinHandle<std::io::Result<(u64, u64)>>,
    far: JoinHandle<std::io::Result<(u64, u64)>>,
}

async fn tunnel_to(target: std::net::SocketAddr) -> Tunnel {
    let outer = Server::new().bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", outer.local_addr().unwrap());
    let far = tokio::spawn(async move {
        let ws = outer.accept().await.unwrap().await.unwrap();
        let mut tcp = TcpStream::connect(target).await.unwrap();
        copy_bidirectional(&mut ws.into_byte_stream(), &mut tcp).await
    });
    let entry = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = entry.local_addr().unwrap();
    let near = tokio::spawn(async move {
        let (mut tcp, _) = entry.accept().await.unwrap();
        let mut stream: ByteStream<_> = framewise::connect(&url).await.unwrap().into_byte_stream();
        copy_bidirectional(&mut tcp, &mut stream).await
    });
    Tunnel { address, near, far }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tcp_goes_through_a_tunnel_in_pieces_of_any_size() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = tunnel_to(target.local_addr().unwrap()).await;
    let client = TcpStream::connect(tunnel.address).await.unwrap();
    let (server, _) = target.accept().await.unwrap();
    let near = tokio::spawn(exchange(client, 1, 2, 3_000_000));
    let far = tokio::spawn(exchange(server, 2, 1, 3_000_000));
    near.await.unwrap();
    far.await.unwrap();
    assert_eq!(tunnel.near.await.unwrap().unwrap(), (3_000_000, 3_000_000));
    assert_eq!(tunnel.far.await.unwrap().unwrap(), (3_000_000, 3_000_000));
}

#[tokio::test]
async fn half_a_tcp_connection_that_is_closed_closes_the_tunnel_and_loses_nothing_that_was_sent_before() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = tunnel_to(target.local_addr().unwrap()).await;
    let mut client = TcpStream::connect(tunnel.address).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let (mut server, _) = target.accept().await.unwrap();
    let mut request = vec![0; 5];
    server.read_exact(&mut request).await.unwrap();
    server.write_all(&vec![7; 50_000]).await.unwrap();
    let mut answer = vec![0; 50_000];
    client.read_exact(&mut answer).await.unwrap();
    client.write_all(&vec![8; 200_000]).await.unwrap();
    client.shutdown().await.unwrap();
    request.clear();
    server.read_to_end(&mut request).await.unwrap();
    assert!(request == vec![8; 200_000], "{}", request.len());
    // The other direction is closed as well.
    assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
    assert_eq!(tunnel.near.await.unwrap().unwrap(), (200_005, 50_000));
    server.write_all(b"an answer to the end of the request is lost").await.unwrap();
    let error = tunnel.far.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_connection_that_is_aborted_is_an_error_at_the_other_end_of_the_tunnel() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = tunnel_to(target.local_addr().unwrap()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_zero_linger().unwrap();
    let mut client = socket.connect(tunnel.address).await.unwrap();
    client.write_all(b"half of it").await.unwrap();
    let (mut server, _) = target.accept().await.unwrap();
    server.read_exact(&mut [0; 10]).await.unwrap();
    drop(client);
    assert_eq!(tunnel.near.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    let error = tunnel.far.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(inside(&error).unwrap().violation().unwrap().rule, Rule::CloseMissing);
}
