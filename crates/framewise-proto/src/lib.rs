//! The WebSocket protocol (RFC 6455) without I/O: bytes in, events and bytes out.
//!
//! [`Connection`] is one end of a connection after its handshake; [`handshake`] is the handshake. Both are strict: what
//! the peer does wrong is a [`Violation`], which names a rule of the table ([`rules::Rule`]), the byte where it was
//! broken, and the answer, which is queued already. What the caller does wrong is a [`Misuse`], and nothing was sent.
//!
//! It is not a client or a server: it has no socket, no clock and no randomness; they are arguments. `framewise` puts
//! it on tokio. It judges one direction, as a receiver does; `framewise-inspect` observes both, with the layers of
//! [`frame`], which can be called alone.
//!
//! ```
//! use core::time::Duration;
//! use framewise_proto::{Config, Connection, Event, Transport};
//!
//! let mut server = Connection::server(Config::default(), 0, Duration::ZERO);
//! // What a transport read: "Hello" in a client's frame, and a Close behind it.
//! let mut buffer = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x82\x37\xfa\x21\x3d\x34\x12";
//! let (mut at, mut written) = (0, Vec::new());
//! loop {
//!     let (consumed, event) = server.receive(Duration::ZERO, &mut buffer[at..]);
//!     at += consumed;
//!     match event {
//!         Some(Event::Data { payload, first: true, last: true, .. }) => server.send_binary(payload)?,
//!         Some(Event::Violation(violation)) => eprintln!("{violation}"),
//!         Some(_) => {}
//!         None => break,
//!     }
//!     while let Some(bytes) = server.poll_transmit() {
//!         written.extend_from_slice(&bytes);
//!     }
//! }
//! assert_eq!(written, b"\x82\x05Hello\x88\x02\x03\xe8");
//! assert_eq!(server.poll_transport(), Transport::ShutDown);
//! # Ok::<(), framewise_proto::Misuse>(())
//! ```
//!
//! # Features
//!
//! - `std` (on by default): the vector instructions are chosen when the program runs, and the connections of a thread
//!   share compressors. Without it the crate is `no_std` and needs an allocator.
//! - `deflate` (on by default): permessage-deflate (RFC 7692), which brings in zlib-rs. Without `std`, zlib-rs takes its
//!   memory from C's `malloc`, `calloc`, `posix_memalign` and `free`.
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
mod receive;
mod violation;

pub use config::{Config, Ranked, Strictness};
pub use connection::{Compression, Connection, Keepalive, MaskingKeys, Transport};
pub use event::{Ended, EndedBy, Event};
pub use frame::{CloseFrame, Header, MessageKind, Opcode};
pub use framewise_rules as rules;
pub use violation::{Detail, Misuse, Sentence, Violation, utf8_fault};
