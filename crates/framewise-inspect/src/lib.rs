//! Finds out from its bytes what broke a WebSocket connection, where and why, and what to do about it.
//!
//! An [`Observer`] takes both directions of a connection, of one leg or of several, live or recorded. It reads every
//! byte as a strict endpoint would, but continues where an endpoint stops. Each [`Finding`](report::Finding) names the
//! broken [`Rule`](framewise_rules::Rule), the bytes that break it, and the [causes](report::CauseFound) that the
//! evidence supports, the likeliest first, with who is at fault. The [`Verdict`](report::Verdict) is the finding that
//! explains the end. [`diagnose`] does this for a transcript.
//!
//! ```
//! use framewise_inspect::diagnose;
//! use framewise_transcript::Transcript;
//! use framewise_rules::{Cause, Rule};
//!
//! let transcript: Transcript = "open\n< 88 02 e8 03  # the two bytes of 1000, swapped".parse()?;
//! let connection = diagnose(&transcript);
//! let verdict = connection.verdict.expect("the Close breaks a rule");
//! assert_eq!(verdict.rule, Some(Rule::CloseCodeInvalid));
//! assert_eq!(verdict.cause, Some(Cause::CloseCodeByteOrder));
//! println!("{}", connection.findings[0].causes[0].fix);
//! # Ok::<(), framewise_transcript::Error>(())
//! ```
//!
//! An observer is not an endpoint: it does not answer, and it has no clock; the caller passes the time with the bytes.
//! It does not parse captures: the caller removes TCP and TLS. It knows the endpoints' limits and deadlines only if
//! [`Endpoints`] contains them, and otherwise infers them from their effect. If nothing points to a cause, it names
//! none.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod application;
mod body;
mod cause;
mod closing;
mod compare;
mod deadline;
mod digest;
mod encoding;
mod endpoints;
mod fault;
mod finding;
mod frames;
mod gap;
mod handshake;
mod heads;
mod http2;
mod inflate;
mod keep;
mod leg;
mod observer;
pub mod report;
mod verdict;
mod waiting;
mod window;

pub use endpoints::Endpoints;
pub use inflate::Inflater;
pub use observer::{Diagnosis, LegId, Observed, Observer, diagnose};
pub use report::{Connection, Report};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
