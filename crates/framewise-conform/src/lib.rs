//! Conformance of somebody else's WebSocket endpoint, server or client, against every rule of RFC 6455 and RFC 7692.
//!
//! A [`Case`] is data: what is sent, and what is due. [`cases`] has all of them: those that derive from the table of rules,
//! and the families on top. [`Server`] runs them against a server. A [`Verdict`] has two sides: what came back, and how the connection ended, so
//! that an endpoint that just drops the connection does not pass.
//!
//! ```no_run
//! use framewise_conform::{Server, cases};
//! use tokio::sync::mpsc;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let cases = cases::all();
//! let server = Server::new("ws://127.0.0.1:9001/")?;
//! let (verdicts, mut done) = mpsc::channel(64);
//! let run = tokio::spawn(server.run(cases.clone(), verdicts));
//! while let Some(done) = done.recv().await {
//!     if !done.verdict.passed() {
//!         println!("{}: {}", cases[done.index].name, done.verdict.says);
//!     }
//! }
//! run.await??;
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod autobahn;
mod case;
pub mod cases;
mod handshake;
mod listen;
mod log;
mod material;
mod pace;
pub mod report;
mod roots;
mod run;
mod server;
mod session;
mod verdict;
mod wire;

pub use case::{
    Case, Cut, Deflate, Due, DueStatus, Echoes, Frame, Level, Masking, Material, Needs, Of, Payload, Seen,
    Step, Work,
};
pub use handshake::Ask;
pub use listen::{Clients, Io, LeftOut, Made, Reported, Wrap, serve_page};
pub use pace::Pace;
pub use server::{Done, Server, Unreachable};
pub use verdict::{Behaviour, Closing, Verdict};

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.says)
    }
}

impl std::error::Error for Unreachable {}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
