//! WebSocket connections observed while they pass.
//!
//! A [`Proxy`] in front of a server forwards every byte unchanged, and observes each connection with a [`Watch`]; a forward proxy does so with those of many servers; a [`Tee`]
//! observes one stream from one of its ends. What is seen becomes [`Event`]s, which go to a [`Sink`]: this crate renders
//! nothing. [`Recorder`] writes a connection as a transcript, [`Packets`] all of them as packets.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use framewise_live::{About, Event, Proxy, Upstream};
//!
//! # async fn inspect() -> Result<(), Box<dyn std::error::Error>> {
//! let sink = Arc::new(|connection: &About, event: Event| {
//!     if let Event::Finding(finding) = event {
//!         println!("#{}: {}", connection.id, finding.says);
//!     }
//! });
//! let proxy = Proxy::new(Upstream::parse("ws://localhost:8080")?, sink);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:6455").await?;
//! proxy.serve(listener, std::future::pending::<()>()).await;
//! # Ok(())
//! # }
//! ```
//!
//! The byte path does three things: it reads, writes, and then notes what it read. Rules are checked at once. What may take long
//! goes to a task of the connection's own with a bounded queue, and no byte waits for it: searching for causes, on a thread
//! beside and with a budget, writing a recording, inflating much. A hostile stream delays itself, and no other connection.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod event;
mod faults;
mod packets;
mod pair;
mod proxy;
mod record;
mod rewrite;
mod search;
mod tap;
mod tee;
mod upstream;
mod watch;
mod wire;

pub use event::{About, Event, Sink};
pub use faults::Fault;
pub use packets::{Packets, Rotation};
pub use proxy::{Certificates, Naming, Proxy, TlsFault};
pub use record::{Recorder, Recordings};
pub use rewrite::Rewritten;
pub use tap::Watching;
pub use tee::Tee;
pub use upstream::Upstream;
pub use watch::Watch;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
