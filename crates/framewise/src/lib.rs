//! WebSocket (RFC 6455) client and server on tokio: strict, and every error is a finding.
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
//!         Ok::<(), framewise::Error>(())
//!     })
//!     .await;
//! # Ok(())
//! # }
//! ```
//!
//! What it does by itself
//! - The plain loop is the fast one: the answers to all messages of one read are written together.
//!   [`WebSocket::send`] waits for messages that were received already, and for nothing else: otherwise it writes before
//!   it returns. Whoever sends a burst has [`WebSocket::feed`].
//! - Pings are answered, the closing handshake is done in the order of RFC 6455 §7.1.1, so that no reset destroys a
//!   Close frame, and what the peer does not do in time ends by [`Limits`].
//! - A peer that reads slowly makes [`WebSocket::send`] wait ([`Config::send_queue`]), and costs no more memory than that.
//!   Whoever must not wait has [`WebSocket::try_send`].
//! - An idle connection holds no buffer.
//! - Every future may be dropped at any moment: [`WebSocket::next`] inside `select!` loses nothing.
//!
//! What it does when it is asked to
//! - [`Keepalive`] Pings at an interval, gives up a peer that is silent, and measures [`WebSocket::round_trip`].
//! - [`WebSocket::next_part`] and [`WebSocket::send_part`] take a message of any length in constant memory.
//!
//! Several tasks may share a connection: [`WebSocket::split`] gives a [`Sender`] that can be cloned, and a [`Receiver`].
//! A message to many connections is compressed once: [`Prepared`]. A tunnel takes a connection for a stream of bytes:
//! [`WebSocket::into_byte_stream`].
//!
//! An error says which [`Rule`] the peer broke, at what byte and in what frame, and what was answered. What shall be let
//! pass is named, one leniency at a time, in [`Strictness`], and is still reported.
//!
//! A client reaches a server by whichever of its addresses answers first (RFC 8305), through a proxy where it is told
//! one ([`Proxy`]), and follows redirects where it is told to ([`Client::follow_redirects`]).
//!
//! A server that stops tells its connections so, and waits for them: [`Listener::serve_until`], or [`Stop`] for several
//! servers, and for connections that come through hyper, tower or axum.
//!
//! What it is not: it does not reconnect, multiplexes nothing, is no framework. It judges its peer as a receiver does;
//! `framewise-inspect` observes both sides. The protocol without I/O is [`proto`].
//!
//! | feature | |
//! |---|---|
//! | `aws-lc-rs` (default) | `wss://` at both ends, with rustls, the platform's roots, and aws-lc-rs where the program has installed no other crypto provider: what rustls has by default, so that a tree of dependencies that has rustls gets no second provider |
//! | `ring` | the same with ring, for `default-features = false` |
//! | `tls` | the same with the provider that the program has installed ([`crypto_provider`]) |
//! | `hyper` | the upgrade of a request that hyper 1 serves: `framewise::hyper` |
//! | `tower` | the same as a tower service: `framewise::tower` |
//! | `axum` | the same as an extractor of axum 0.8: `framewise::axum` |
//! | `tracing` | events for the crate `tracing`, under the target `framewise`: broken rules are warnings, lost connections and rules that were let pass information, handshakes and ends for debugging; each connection of a [`Listener`] has a span with its number and its peer's address |
#![forbid(unsafe_code)]

mod authority;
#[cfg(feature = "axum")]
pub mod axum;
mod buffers;
mod client;
#[cfg(feature = "tls")]
mod crypto;
mod error;
mod event;
#[cfg(feature = "tls")]
mod first_byte;
#[cfg(feature = "hyper")]
pub mod hyper;
mod message;
mod peer_head;
mod prepared;
mod random;
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

pub use client::{Client, Proxy};
#[cfg(feature = "tls")]
pub use crypto::crypto_provider;
pub use error::{ConnectError, ConnectFault, Error, Rejected};
pub use event::Event;
pub use message::{Message, Text};
pub use prepared::Prepared;
pub use server::{
    AcceptDelay, AcceptLoop, HandlerResult, Handshake, Incoming, Listener, PendingRequest, Reply, ServeError,
    Server, Slot,
};
pub use stop::Stop;
pub use stream::NetStream;
pub use try_send::TrySendError;
pub use url::Url;
pub use websocket::{ByteStream, Part, Receiver, ReuniteError, Sender, WebSocket};

/// Connects to a `ws://` or `wss://` URL, as [`Client::connect`] without settings.
pub async fn connect(url: &str) -> Result<WebSocket<NetStream>, Error> {
    Client::new().connect(url).await
}

/// Accepts a handshake on a byte stream, as [`Server::accept`] without settings.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<WebSocket<S>, Error> {
    Server::new().accept(stream).await
}

/// The README's examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// And those of the page for who comes from tokio-tungstenite.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/coming-from-tokio-tungstenite.md")]
struct ComingFromTokioTungstenite;
