//! draft
#![forbid(unsafe_code)]

mod cause;
mod deadline;
mod digest;
mod encoding;
mod ending;
mod excerpt;
mod frames;
mod handshake;
mod inflate;
mod leg;
mod observer;
mod path;
pub mod report;
mod setup;
mod verdict;
mod window;

pub use observer::{LegId, Observed, Observer, diagnose};
pub use report::{Connection, Report};
