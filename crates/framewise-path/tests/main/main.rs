//! The path between our client and our server, through a relay with one fault at a time.

mod bridge;
mod endpoint;
mod faults;
mod hostile;
mod proxy;
mod relay;
mod two;
