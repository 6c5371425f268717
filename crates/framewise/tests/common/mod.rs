//! What the tests share: a peer that writes bytes as it likes, and streams that count or cut.
#![allow(dead_code, reason = "each test file uses its part of it")]

pub(crate) mod erratic;
#[cfg(feature = "hyper")]
pub(crate) mod http;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use framewise::proto::{Header, Opcode};
use framewise::{Client, Config, Error, Server, WebSocket};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};

/// A client's request that breaks no rule.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// The bytes of the 101 that answers it.
pub(crate) const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Echoes until the connection is closed.
pub(crate) async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut ws: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

/// A server that echoes at an address.
pub(crate) async fn echo_server() -> SocketAddr {
    let listener = Server::new().bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(listener.serve(echo));
    address
}

/// A client and a server, connected.
pub(crate) async fn pair() -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    pair_with(Config::default(), 1 << 20).await
}

pub(crate) async fn pair_with(
    config: Config,
    room: usize,
) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(room);
    let client = Client::new().config(config.clone());
    let server = Server::new().config(config);
    let (client, server) =
        tokio::join!(client.connect_over(near, "ws://example.com/chat"), server.accept(far));
    (client.expect("the client's handshake"), server.expect("the server's handshake"))
}

/// A server, and the raw end of its client.
pub(crate) async fn server_and_raw() -> (WebSocket<DuplexStream>, DuplexStream) {
    server_with(Config::default()).await
}

pub(crate) async fn server_with(config: Config) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (mut near, far) = duplex(1 << 20);
    near.write_all(REQUEST.as_bytes()).await.expect("room for the request");
    let server = Server::new().config(config).accept(far).await.expect("the server's handshake");
    near.read_exact(&mut vec![0; RESPONSE.len()]).await.expect("the 101");
    (server, near)
}

/// A server, and the raw end of its client, with so much room between them.
pub(crate) async fn accepted(server: Server, room: usize) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (mut near, far) = duplex(room);
    let shake = async {
        near.write_all(REQUEST.as_bytes()).await.expect("the server reads");
        read_head(&mut near).await;
    };
    let (server, ()) = tokio::join!(server.accept(far), shake);
    (server.expect("the server's handshake"), near)
}

/// A client, and the raw end of its server.
pub(crate) async fn client_and_raw(config: Config) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (near, mut far) = duplex(1 << 20);
    let client = Client::new().config(config);
    let (client, ()) = tokio::join!(client.connect_over(near, "ws://example.com/chat"), async {
        let request = read_head(&mut far).await;
        far.write_all(switch(&request).as_bytes()).await.expect("room for the 101");
    });
    (client.expect("the client's handshake"), far)
}

/// The 101 that answers a request.
pub(crate) fn switch(request: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    RESPONSE.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &framewise::proto::handshake::accept_value(key))
}

/// Reads a head, byte by byte, so that nothing behind it is taken.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the rest of a head"));
    }
    String::from_utf8(head).expect("a head in ASCII")
}

/// A frame as a client sends it, masked with a key that is not zero.
pub(crate) fn masked(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let (header, size) = Header { fin, ..Header::new(opcode, payload.len() as u64, Some(key)) }.encode();
    let mut frame = header[..size].to_vec();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A frame as a server sends it.
pub(crate) fn plain(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let (header, size) = Header { fin, ..Header::new(opcode, payload.len() as u64, None) }.encode();
    [&header[..size], payload].concat()
}

/// A Close as a client sends it.
pub(crate) fn masked_close(code: u16) -> Vec<u8> {
    masked(Opcode::Close, true, &code.to_be_bytes())
}

/// Counts the calls of a stream that did something, and cuts what a read or a write takes.
pub(crate) struct Counting<S> {
    stream: S,
    pub(crate) counts: Arc<Counts>,
    /// Bytes that one call takes at the most.
    pub(crate) cut: usize,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) reads: AtomicUsize,
    pub(crate) writes: AtomicUsize,
    pub(crate) shutdowns: AtomicUsize,
}

impl Counts {
    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

impl<S> Counting<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, counts: Arc::default(), cut: usize::MAX }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let cut = self.cut.min(buf.remaining());
        let mut part = vec![0; cut];
        let mut part = ReadBuf::new(&mut part);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        if read.is_ready() {
            self.counts.reads.fetch_add(1, Ordering::Relaxed);
            buf.put_slice(part.filled());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counting<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let cut = self.cut.min(buf.len());
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..cut]);
        if written.is_ready() {
            self.counts.writes.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.cut < usize::MAX {
            let first = bufs.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            return self.poll_write(cx, first);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if written.is_ready() {
            self.counts.writes.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.counts.shutdowns.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
