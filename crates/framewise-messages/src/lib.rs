//! What a pasted text says about a broken WebSocket connection.
//!
//! [`read`] takes any text: one error message, a log, a stack trace, a bug report, the configuration of a proxy. It finds
//! the messages of the table (`data/messages/`: one row per message of a browser, a library or a proxy), close codes, HTTP
//! statuses, durations, sizes, software, heads of handshakes and lines of configuration, and ranks the causes by all of it
//! together. How often each cause was the true one among known incidents breaks ties.
//!
//! ```
//! use framewise_rules::{Cause, Rule};
//!
//! let text = "10:02:11 ERR sent 1009 (message too big) frame exceeds limit of 1048576 bytes; no close frame received";
//! let reading = framewise_messages::read(text);
//! assert_eq!(reading.causes[0].is, Cause::LimitOfReceiver);
//! assert_eq!(reading.rules[0].is, framewise_messages::Named::Rule(Rule::MessageTooBig));
//! assert_eq!(reading.codes[0].is.0, 1009);
//! ```
//!
//! The work is linear in the length of the text, with a bound for every message of the table.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod about;
mod code;
mod combine;
mod config;
mod facts;
mod find;
mod fuzzy;
mod heads;
mod likeness;
mod rank;
mod reading;
mod separate;
mod stage;
mod table;
mod together;
mod urls;
mod vocabulary;
mod weigh;
mod words;

pub use find::Work;
pub use rank::{read, read_counting};
pub use reading::{Decides, Evidence, Ranked, Reading, Recognized, Speaks};
pub use table::{Message, Named, Sight, messages};
pub use words::{LIMIT, Span};

/// What `examples/learn.rs` needs to make `data/words.txt`.
#[doc(hidden)]
pub use {
    likeness::{FACT, scale},
    rank::{Sample, sample},
};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
