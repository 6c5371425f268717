//! The table of rules: every way in which a WebSocket connection can break.
//!
//! One [`Rule`] is one way to break a connection. Everything else in Framewise derives from this table: the engine's
//! errors, the diagnosis, the tests of both, `explain`, the reference pages. A [`Cause`] says why a rule was broken,
//! in terms that the reader can act on. A [`CloseCode`] is the number in a Close frame, and [`Code`] is its row in the
//! registry. The examples are transcripts; the crate `framewise-transcript` parses them.
//!
//! This crate is data: it parses no frames and detects nothing. `framewise-proto` enforces the rules, and
//! `framewise-inspect` finds the causes.
//!
//! ```
//! use framewise_rules::{Answer, CloseCode, Rule};
//!
//! for rule in Rule::ALL {
//!     if rule.answer() == Answer::Close(CloseCode::PROTOCOL_ERROR) {
//!         println!("{}: {} ({})", rule.id(), rule.sentence(), rule.sources()[0]);
//!     }
//! }
//! assert_eq!(Rule::from_id("mask-missing"), Some(Rule::MaskMissing));
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]
// An example whose row was deleted is an unused constant: make it an error.
#![deny(dead_code)]

extern crate alloc;

mod cause;
mod code;
mod examples;
mod limits;
mod role;
mod rule;
mod setup;

#[cfg(feature = "prose")]
pub mod prose;

pub use cause::Cause;
pub use code::{CloseCode, Code, OnTheWire, Sender};
pub use examples::{Bad, Examples, Good};
pub use limits::Limits;
pub use role::{Offender, Role};
pub use rule::{Answer, Document, Rule, SeenBy, Source};
pub use setup::{MessageKinds, Setup};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
