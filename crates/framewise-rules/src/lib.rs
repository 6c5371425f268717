//! The table of the ways in which a WebSocket connection can break.
//!
//! One [`Rule`] is one way. Everything else in Framewise derives from this table: the errors of the engine, the
//! diagnosis, the conformance cases, `explain`, the pages of the reference. A [`Cause`] says why a rule was broken, in
//! terms that a person can act on; a [`CloseCode`] is what a Close frame carries, and [`Code`] is its row in the
//! registry. The examples are transcripts; the crate `framewise-transcript` reads them.
//!
//! This crate checks nothing: it holds no parser of frames and no detector. `framewise-proto` enforces the rules,
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
#![no_std]
#![forbid(unsafe_code)]
// Examples whose row was deleted are an unused constant.
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
