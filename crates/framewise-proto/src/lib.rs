//! The WebSocket protocol (RFC 6455) without I/O: bytes in, events and bytes out.
//!
//! [`Connection`] is one end of a connection after its handshake; [`handshake`] is the handshake. Both are strict: a fault of
//! the peer is a [`Violation`], which names the broken rule ([`rules::Rule`]), the byte, and the answer, which is queued
//! already. A fault of the caller is a [`Misuse`], and nothing is sent.
//!
//! This crate is not a complete client or server: time, randomness and I/O are up to the caller. The crate `framewise` adds
//! them with tokio. A connection checks one direction, as a receiver; `framewise-inspect` observes both directions, and
//! calls the layers of [`frame`] directly.
//!
//! ```
//! use core::time::Duration;
//! use framewise_proto::{Config, Connection, Event, Transport};
//!
//! let mut server = Connection::server(Config::default(), 0, Duration::ZERO);
//! // Bytes from a transport: "Hello" in a frame of a client, then a Close.
//! let mut buffer = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x82\x37\xfa\x21\x3d\x34\x12";
//! let (mut at, mut written) = (0, Vec::new());
//! loop {
//!     let (consumed, event) = server.receive(Duration::ZERO, &mut buffer[at..]);
//!     at += consumed;
//!     match event {
//!         Some(Event::Data { payload, first: true, last: true }) => server.send_binary(&payload)?,
//!         Some(Event::Violation(violation)) => eprintln!("{violation}"),
//!         Some(_) => {}
//!         None => break,
//!     }
//!     while let Some(transmit) = server.poll_transmit() {
//!         transmit.segments().for_each(|segment| written.extend_from_slice(segment));
//!     }
//! }
//! assert_eq!(written, b"\x82\x05Hello\x88\x02\x03\xe8");
//! assert_eq!(server.poll_transport(), Transport::CloseAfterWriting);
//! # Ok::<(), framewise_proto::Misuse>(())
//! ```
//!
//! # The order of the calls
//!
//! A caller repeats five steps:
//!
//! 1. [`Connection::receive`] with the bytes at hand, until it returns no event: then it needs more bytes.
//! 2. [`Connection::poll_event`] until `None`: what happened without bytes, such as a deadline that passed.
//! 3. [`Connection::poll_transmit`] until `None`, and write what it returns. Steps 1 and 2 may have queued something.
//! 4. [`Connection::poll_transport`]: whether the transport stays open, now that everything is written.
//! 5. [`Connection::poll_timeout`], and wait until bytes arrive or that time has come. Then call
//!    [`Connection::receive_eof`] if the stream has ended, [`Connection::handle_timeout`] if the time has come, and
//!    begin again.
//!
//! A command of the application ([`Connection::send_text`], [`Connection::close`]) may be called between any two steps;
//! after it, step 3 is due, and step 5 has another deadline. [`handshake::http1::read_request`] and
//! [`handshake::http1::read_response`] do the handshake before. The examples `blocking_server` and `blocking_client` in the
//! repository are a complete server and a complete client over a `TcpStream`.
//!
//! # Features
//!
//! - `std` (default): selects vector instructions at run time, and shares compressors between the connections of a thread.
//!   Without it the crate is `no_std` and needs an allocator.
//! - `deflate` (default): permessage-deflate (RFC 7692), with zlib-rs. Without `std`, zlib-rs allocates with `malloc`,
//!   `calloc`, `posix_memalign` and `free` of C.
//! - `http`: requests, responses and header lines as those of the crate http.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config;
mod connection;
pub mod deflate;
mod event;
pub mod extension;
pub mod frame;
pub mod handshake;
mod payload;
mod receive;
mod time;
mod transmit;
mod violation;

pub use bytes::Bytes;
pub use config::{Config, Ranked, Strictness};
pub use connection::{
    Compressed, Compression, Connection, IdleConfig, IdleConnection, Keepalive, MaskingKeys, Transport,
};
pub use event::{Ended, EndedBy, Event};
pub use frame::{CloseFrame, Header, MessageKind, Opcode};
pub use framewise_rules as rules;
pub use framewise_simd::{Utf8Bytes, Utf8Piece, Utf8Vec};
pub use payload::Payload;
pub use transmit::Transmit;
pub use violation::{Detail, Misuse, Sentence, Violation, utf8_fault};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
