//! The names, types and behaviour of tokio-tungstenite 0.30 and tungstenite 0.30, on top of [`framewise`].
//!
//! A project moves by one line of its Cargo.toml:
//!
//! ```toml
//! tokio-tungstenite = { package = "framewise-tungstenite", version = "0.1" }
//! ```
//!
//! The module [`tungstenite`] is there, too, with blocking connections ([`WebSocket`], [`connect`], [`accept`]) on the same
//! engine. Its names are also at the root, so that `tungstenite = { package = "framewise-tungstenite", … }` works. Cargo does not
//! take one package under two names: a project that depends on tungstenite beside tokio-tungstenite uses
//! `tokio_tungstenite::tungstenite`, or a crate of its own with `pub use framewise_tungstenite::tungstenite::*;`.
//!
//! Types of tokio-tungstenite in the API of another dependency (ezsockets gets an `Error` of tokio-tungstenite-wasm, for example)
//! stay those of tokio-tungstenite until that dependency moves, too.
//!
//! ```no_run
//! # use framewise_tungstenite as tokio_tungstenite;
//! use futures_util::{SinkExt, StreamExt};
//! use tokio_tungstenite::{accept_async, tungstenite::Message};
//!
//! # async fn serve(stream: tokio::net::TcpStream) -> Result<(), tokio_tungstenite::tungstenite::Error> {
//! let mut ws = accept_async(stream).await?;
//! while let Some(message) = ws.next().await {
//!     let message = message?;
//!     if message.is_text() || message.is_binary() {
//!         ws.send(message).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it adds
//!
//! - [`WebSocketConfig`](protocol::WebSocketConfig) has four more settings: `deflate`, `strictness`, `limits` and `keepalive`.
//! - [`WebSocketStream::violation`] is the rule that the peer broke, with its byte and frame.
//! - [`WebSocketStream::into_framewise`] continues with the API of framewise.
//!
//! # What differs on purpose
//!
//! | | tokio-tungstenite | here, and why |
//! |---|---|---|
//! | a violation of the peer | an error; the peer gets no Close | the same error; the Close with the code of the rule is sent first. `None` follows when the peer has answered it, after 5 s at the latest |
//! | a rule that tungstenite has no error for | not checked | [`ProtocolError::Violation`](error::ProtocolError::Violation): a `match` over every `ProtocolError` without `_` needs one more arm |
//! | a Close with an invalid code | changed to 1002 | an error, answered with 1002 |
//! | the answer to a Close | its code and its reason | its code |
//! | control frames too long or with an invalid Close code, when they are sent | sent | an error: nothing is sent that the peer has to reject |
//! | `Message::Frame` | sent as it is | sent if it is legal; its mask is that of the connection, reserved bits and opcodes are an error |
//! | a bad request to a server | the connection is dropped | answered with the status of the rule, for example 400 or 426 |
//! | the request head | 124 header lines | 16 KiB and 128 header lines (`limits`) |
//! | waiting for the peer | without a limit | 10 s for the handshake, 5 s for the closing handshake (`limits`). A blocking connection only looks at deadlines between two reads: set a time-out on its stream |
//! | control frames and fragments | without a limit | limited (`limits`), since they cost the peer little |
//! | a subprotocol that is offered and not chosen | an error | the connection opens (RFC 6455 §4.1 allows it) |
//! | a subprotocol that a callback chooses and the client has not offered | sent | an error, and the client gets a 500 |
//! | Connection, Upgrade, Sec-WebSocket-Accept and the status of a callback's response | sent as changed | those of the handshake are sent |
//! | Sec-WebSocket-Key of a request | sent | an asynchronous client replaces it by a new one |
//! | Sec-WebSocket-Extensions of a request or response | sent, and not understood | an error: use `deflate` |
//! | a name and a password in a URL | ignored | sent as the header Authorization |
//! | queued messages, when the connection is dropped | lost | written as far as the stream takes them at once (a blocking connection: lost) |
//! | `WebSocket::set_config` | all settings | the sizes of the write buffer |
//! | a redirect to another host (`connect`) | gets all headers | does not get Authorization and Cookie |
//! | `WebSocketStream::into_inner` | of any stream | of a stream that tokio can read and write |
//! | `read_buffer_size` | allocated for each connection | only that of a blocking connection: an idle asynchronous one holds no buffer |
//! | the runtime of asynchronous connections | any | tokio with `enable_time`, for the deadlines |
//! | header values that may be credentials, in `{:?}` | printed | hidden: `Sensitive` |
//! | texts of errors | | other ones |
//! | `native-tls` | the TLS library of the platform | the feature is rustls with the root certificates of the platform; there is no `Connector::NativeTls` |
//! | `HttparseError` | a head that is not HTTP | never returned: `Violation` says where |
//! | `IntoClientRequest` for `httparse::Request`, `Utf8Bytes::from_bytes_unchecked`, `AsRef<Bytes>`, `WebSocketContext`, the modules `buffer` and `util` | exist | missing: this crate has no unsafe code, and the engine is that of framewise |
//!
//! # Features
//!
//! Those of tokio-tungstenite: `connect`, `handshake` and `stream` (always on), `native-tls` and `native-tls-vendored` (rustls, see
//! above), `rustls-tls-native-roots`, `rustls-tls-webpki-roots`, `url`. As there, the TLS features need a crypto provider: that
//! of the program's rustls, or the features `aws-lc-rs` or `ring` of this crate. `deflate` turns on compression for all
//! connections that have no configuration of their own.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// The errors and callbacks of tungstenite have this size.
#![allow(clippy::result_large_err)]

mod accept_async;
mod blocking_tls;
pub mod client;
mod client_async;
mod connect_async;
mod convert;
pub mod error;
pub mod handshake;
mod maybe_tls;
pub mod protocol;
mod server;
pub mod stream;
mod tls;
mod web_socket_stream;

pub use bytes::Bytes;
pub use framewise;
pub use http;

pub use accept_async::{
    accept_async, accept_async_with_config, accept_hdr_async, accept_hdr_async_with_config,
};
pub use blocking_tls::{client_tls, client_tls_with_config};
pub use client::{ClientRequestBuilder, client, connect};
pub use client_async::{client_async, client_async_with_config};
pub use connect_async::{connect_async, connect_async_tls_with_config, connect_async_with_config};
pub use error::{Error, Result};
pub use handshake::HandshakeError;
pub use handshake::client::ClientHandshake;
pub use handshake::server::ServerHandshake;
pub use maybe_tls::MaybeTlsStream;
pub use protocol::frame::Utf8Bytes;
pub use protocol::{Message, WebSocket};
pub use server::{accept, accept_hdr, accept_hdr_with_config, accept_with_config};
pub use tls::{Connector, client_async_tls, client_async_tls_with_config};
pub use web_socket_stream::WebSocketStream;

/// The names of the crate tungstenite.
pub mod tungstenite {
    pub use crate::{Bytes, Connector, Error, HandshakeError, Message, Result, Utf8Bytes, WebSocket, http};
    pub use crate::{ClientHandshake, ClientRequestBuilder, ServerHandshake, connect};
    pub use crate::{accept, accept_hdr, accept_hdr_with_config, accept_with_config};
    pub use crate::{client, client_tls, client_tls_with_config, error, handshake, protocol, stream};
}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
