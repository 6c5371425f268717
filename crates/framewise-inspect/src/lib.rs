//! What broke a WebSocket connection, where, why, and what to do about it: told from its bytes.
//!
//! An [`Observer`] is given the two directions of a connection, of one leg or of several, live or recorded. It reads
//! every byte as a strict endpoint would, but it goes on where an endpoint stops: each [`Finding`](report::Finding)
//! names the [`Rule`](framewise_rules::Rule) that was broken and the bytes that break it, and the
//! [causes](report::CauseFound) that the evidence supports, the likeliest first, with who is at fault. The
//! [`Verdict`](report::Verdict) is the one finding that explains the end. [`diagnose`] does it for a transcript.
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
//! It is no endpoint: it answers nothing, and it decides nothing by a clock of its own; times come with the bytes. It
//! reads no captures either: who calls it takes TCP and TLS off. What an endpoint knows of itself, its limits and
//! deadlines, an observer knows only where [`Endpoints`] tell it; elsewhere it infers them from
//! their effect. Where nothing points to a cause, it names none.
#![forbid(unsafe_code)]

mod cause;
mod closing;
mod compare;
mod deadline;
mod digest;
mod encoding;
mod endpoints;
mod finding;
mod frames;
mod handshake;
mod heads;
mod inflate;
mod leg;
mod observer;
pub mod report;
mod verdict;
mod waiting;
mod window;

pub use endpoints::Endpoints;
pub use observer::{Diagnosis, LegId, Observed, Observer, diagnose};
pub use report::{Connection, Report};
