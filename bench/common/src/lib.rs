//! Definitions shared by the load generator, the servers, the clients and the runner.

pub mod cell;
#[cfg(feature = "tokio")]
pub mod cork;
#[cfg(feature = "tokio")]
pub mod handshake;
pub mod limits;
pub mod payload;
pub mod usage;
