//! Load for a WebSocket server.
//!
//! A [`Plan`] says what is sent: by how many connections, which messages, at what rate. [`Plan::run`] sends it and returns a
//! [`Report`]: throughput, percentiles of the latency, what went wrong.
//!
//! At a fixed rate each message has a time at which it is due, which does not depend on the server. Its latency counts from
//! then, also where the server was too slow for it to be sent in time. A load generator that waits for a reply before it
//! sends the next message measures less: while the server stalls, it sends nothing, and the messages that it should have
//! sent are missing from its percentiles ("coordinated omission").
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::time::Duration;
//!
//! use framewise_load::{Pace, Plan};
//!
//! # fn run() -> Result<(), framewise_load::Unusable> {
//! let pace = Pace::rate(1_000.0, Duration::from_secs(10));
//! let report = Plan::new("ws://127.0.0.1:9001/", pace).connections(100).run(|_| ControlFlow::Continue(()))?;
//! println!("p99: {} µs", report.latency.p99);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![allow(clippy::cast_precision_loss, reason = "counts of messages and nanoseconds of a run are below 2^53")]

mod collect;
mod connection;
mod html;
mod mix;
mod plan;
mod report;
mod scenario;
mod schedule;
mod timer;
mod worker;

pub use mix::Kind;
pub use plan::{Expect, Pace, Plan, Progress, Unusable};
pub use report::{Connections, Finding, Generator, Latency, Messages, Report, Second};
pub use scenario::{LARGEST, Scenario, ScenarioError};
pub use schedule::Phase;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
