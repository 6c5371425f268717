//! What an intermediary does to a WebSocket connection.
//!
//! Our client connects to the intermediary, and our server listens where the intermediary forwards to. A [`Probe`] is a row
//! of data: what each end sends, and what must arrive. [`Path::run`] runs them and compares the two ends.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod command;
mod compare;
mod end;
mod file;
mod heads;
mod http2;
mod judge;
mod memory;
mod outcome;
mod play;
mod probe;
pub mod probes;
mod reach;
mod report;
mod results;
mod run;
mod server;
mod software;
mod tap;
mod tape;
mod token;
mod transcript;
mod wire;

pub use probe::{Group, Probe};
pub use report::{Figure, Fix, Hop, Outcome, Report, Severity, Verdict};
pub use run::{Path, Unusable};
pub use server::{serve, serve_with_results};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
