//! Real WebSocket peers, for the tests against them: browsers, libraries, proxies, and an endpoint that sends whatever
//! bytes it is told to.
//!
//! A script of `node/` or `python/` is one peer. It says who it is in its first line, gets jobs on standard input (a
//! client: an address and the steps to take), reports what it sees on standard output, and ends with its standard
//! input. All of it is JSON, one object a line: [`Step`], [`Saw`].
//!
//! A peer that is not installed is no failure unless `FRAMEWISE_REQUIRE_PEERS` is 1: the test says which it misses.
#![forbid(unsafe_code)]

mod client;
mod framewise;
mod process;
mod proxy;
mod raw;
mod script;
mod server;
pub mod tools;

pub use client::{Client, RunningClient};
pub use framewise::{Inspect, Serve};
pub use process::Process;
pub use proxy::{Proxy, RunningProxy};
pub use raw::{Answer, Raw};
pub use script::{Saw, Step, hex};
pub use server::{RunningServer, Server};

use tools::Tools;

/// The peers that cannot be started here, by the names that their tests have.
pub fn missing() -> Vec<&'static str> {
    let tools = Tools::find();
    let clients =
        Client::ALL.iter().filter(|client| client.command(&tools).is_err()).map(|client| client.id());
    let proxies =
        Proxy::ALL.iter().filter(|proxy| tools.program(proxy.id()).is_none()).map(|proxy| proxy.id());
    clients.chain(proxies).collect()
}

/// Whether a peer that is not there fails its test.
fn is_required() -> bool {
    std::env::var_os("FRAMEWISE_REQUIRE_PEERS").is_some_and(|value| value == "1")
}

/// Says that a peer is missing, which is a failure where all are required.
fn report_missing(name: &str, why: &str) {
    assert!(!is_required(), "missing peer: {name}: {why}");
    println!("missing peer: {name}: {why}");
}
