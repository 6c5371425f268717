//! What an intermediary does to a WebSocket connection.
//!
//! Our client connects to the intermediary, and our server listens where the intermediary forwards to. A [`Probe`] is a row
//! of data: what each end sends, and what must arrive. [`Path::run`] runs them and compares the two ends.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod compare;
mod end;
mod heads;
mod judge;
mod origin;
mod probe;
pub mod probes;
mod report;
mod run;
mod software;
mod tape;
mod transcript;
mod wire;

pub use probe::{Group, Probe};
pub use report::{Outcome, Report, Severity, Verdict};
pub use run::{Path, Unusable};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
