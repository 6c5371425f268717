//! A strict WebSocket (RFC 6455) client and server on tokio. Each error names the broken rule, the byte and the frame.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // A client.
//! let mut ws = framewise::connect("ws://127.0.0.1:9001/").await?;
//! ws.send("hello").await?;
//! println!("{:?}", ws.next().await);
//!
//! // A server that echoes.
//! let listener = framewise::Server::new().bind("127.0.0.1:9001").await?;
//! listener
//!     .serve(|mut ws| async move {
//!         while let Some(message) = ws.next().await {
//!             ws.send(message?).await?;
//!         }
//!         Ok(())
//!     })
//!     .await;
//! # Ok(())
//! # }
//! ```
//!
//! # By default
//!
//! - A plain loop of `next` and `send` is fast: the answers to all messages of one read are written together. Otherwise
//!   [`WebSocket::send`] writes before it returns. To send a burst, use [`WebSocket::feed`].
//! - Pings are answered, and so is the Close; the server ends TCP first (RFC 6455 §7.1.1). After a violation, this end reads
//!   on until the peer has its Close frame, so that a reset does not destroy it. [`Limits`] bounds how long it waits.
//! - If the peer reads slowly, [`WebSocket::send`] waits ([`Config::send_queue`]), so that the queue does not grow without
//!   bound. To avoid waiting, use [`WebSocket::try_send`].
//! - An idle connection holds no buffer.
//! - Every future may be dropped at any time: [`WebSocket::next`] in `select!` loses nothing.
//!
//! # On request
//!
//! - [`Keepalive`] sends Pings at an interval, closes the connection if the peer is silent, and measures
//!   [`WebSocket::round_trip`].
//! - [`WebSocket::next_part`] and [`WebSocket::send_part`] receive and send messages of any length in constant memory.
//! - [`WebSocket::split`] shares a connection between tasks: the [`Sender`] can be cloned.
//! - [`Adopt`] takes a stream after the handshake of another HTTP library. [`pair()`] connects two ends, for tests.
//! - [`Prepared`] compresses a message to many connections once.
//! - [`WebSocket::into_byte_stream`] turns a connection into a stream of bytes, for tunnels.
//! - [`Strictness`] tolerates violations, one kind at a time. They are still reported.
//! - [`Proxy`] and [`Client::follow_redirects`]: a client can use a proxy and follow redirects.
//! - [`Listener::serve_until`] and [`Stop`] stop a server: each connection gets a Close with 1001, and the server waits for
//!   it.
//!
//! # Which way to serve
//!
//! - [`Listener::serve`]: a task for each connection, on any runtime and system, over TCP and TLS. The handlers are `Send`.
//! - [`Listener::serve_local`] (Linux): the same loop, and all connections of a thread in one task. It costs a fifth of the
//!   memory, and half of the work where messages come one by one. The handlers need not be `Send`; a thread for each
//!   processor has a listener of its own.
//! - [`Listener::handle`] (Linux): callbacks instead of futures, for the least memory and work. Both have topics
//!   ([`Link::subscribe`], [`LocalWebSocket::subscribe`]): a message to many is encoded and compressed once.
//!
//! # Limits of this crate
//!
//! It does not reconnect and does not multiplex. [`Error::is_transient`] and [`CloseCode::is_transient`] say whether another
//! try makes sense. It checks what its peer sends; `framewise-inspect` observes both sides of a
//! connection. [`proto`] is the protocol without I/O.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `aws-lc-rs` (default) | `wss://` for client and server, with rustls, and aws-lc-rs unless the program installs another crypto provider. It is the default provider of rustls, too, so that programs with rustls do not get a second one |
//! | `ring` | the same with ring, for `default-features = false` |
//! | `tls` | the same with the provider that the program installs ([`crypto_provider`]) |
//! | `platform-roots` (default) | clients trust the root certificates of the platform |
//! | `webpki-roots` | clients trust the root certificates of Mozilla, which are part of the program; with `platform-roots`, those of both |
//! | `http` | requests, responses and headers as those of the crate http: [`Client::request`], [`Client::headers`], [`Request::to_http`] |
//! | `hyper` | upgrades requests that hyper 1 serves: `framewise::hyper` |
//! | `tower` | the same as a tower service: `framewise::tower` |
//! | `axum` | the same as an extractor of axum 0.8: `framewise::axum` |
//! | `tracing` | events for the crate `tracing`, under the target `framewise`: violations are warnings; lost connections and tolerated violations are information; handshakes and ends are for debugging. Each connection of a [`Listener`] has a span with its number and the address of the peer |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod adopt;
mod authority;
#[cfg(feature = "axum")]
pub mod axum;
mod buffers;
mod client;
#[cfg(feature = "tls")]
mod crypto;
mod deadline;
mod error;
mod event;
#[cfg(feature = "tls")]
mod first_byte;
#[cfg(feature = "hyper")]
pub mod hyper;
mod message;
mod message_ref;
mod panic;
mod peer_head;
mod prepared;
mod random;
mod retry;
mod server;
mod stop;
mod stream;
#[cfg(feature = "tower")]
pub mod tower;
mod trace;
mod try_send;
mod url;
mod websocket;

use tokio::io::{AsyncRead, AsyncWrite};

pub use bytes::Bytes;
pub use framewise_proto as proto;
pub use framewise_proto::deflate::{Context, DeflateConfig};
pub use framewise_proto::handshake::{Headers, Request, Response};
pub use framewise_proto::rules::{Answer, CloseCode, Limits, MessageKinds, Role, Rule};
pub use framewise_proto::{
    CloseFrame, Config, Detail, Ended, EndedBy, Keepalive, MessageKind, Misuse, Strictness, Violation,
};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;

pub use adopt::{Adopt, pair};
pub use client::{Client, Proxy};
#[cfg(feature = "tls")]
pub use crypto::crypto_provider;
pub use error::{ConnectError, ConnectFault, Error, Rejected};
pub use event::Event;
pub use message::{Message, Text};
pub use message_ref::MessageRef;
pub use prepared::Prepared;
pub use random::masking_keys;
#[cfg(target_os = "linux")]
pub use server::driver::{ConnectionId, End, Handle, Handler, Link, LocalWebSocket, Opened, Slow};
pub use server::{
    AcceptDelay, AcceptLoop, HandlerResult, Handshake, Incoming, Listener, PendingRequest, Reply, ServeError,
    Server, Slot,
};
pub use stop::Stop;
pub use stream::NetStream;
pub use try_send::TrySendError;
pub use url::Url;
pub use websocket::{ByteStream, Events, Part, Receiver, ReuniteError, Sender, WebSocket};

/// Connects to a `ws://` or `wss://` URL, as [`Client::connect`] without settings.
pub async fn connect(url: impl AsRef<str>) -> Result<WebSocket<NetStream>, Error> {
    Client::new().connect(url).await
}

/// Does the handshake of a client on a connected stream, as [`Client::connect_over`] without settings.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let stream = tokio::net::UnixStream::connect("/run/chat.sock").await?;
/// let mut ws = framewise::connect_over(stream, "ws://localhost/chat").await?;
/// # Ok(())
/// # }
/// ```
pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    url: impl AsRef<str>,
) -> Result<WebSocket<S>, Error> {
    Client::new().connect_over(stream, url).await
}

/// Accepts a handshake on a byte stream, as [`Server::accept`] without settings.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<WebSocket<S>, Error> {
    Server::new().accept(stream).await
}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
