//! Real WebSocket peers for the tests: browsers, libraries, proxies, and an endpoint that sends arbitrary bytes.
//!
//! Each script in `node/` or `python/` is one peer. It prints its name and version in its first line, reads jobs from
//! standard input (for a client: an address and the steps to take), reports what it sees on standard output, and exits when
//! its standard input ends. Everything is JSON, one object per line: [`Step`], [`Saw`].
//!
//! If a peer is not installed, its test passes and prints which one is missing. With `FRAMEWISE_REQUIRE_PEERS=1` it fails.
#![forbid(unsafe_code)]

mod client;
mod framewise;
pub mod instructions;
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

/// The peers that cannot be started on this machine, by the names of their tests.
pub fn missing() -> Vec<&'static str> {
    let tools = Tools::find();
    let clients =
        Client::ALL.iter().filter(|client| client.command(&tools).is_err()).map(|client| client.id());
    let proxies =
        Proxy::ALL.iter().filter(|proxy| tools.program(proxy.id()).is_none()).map(|proxy| proxy.id());
    clients.chain(proxies).collect()
}

/// Whether a missing peer fails its test.
fn is_required() -> bool {
    std::env::var_os("FRAMEWISE_REQUIRE_PEERS").is_some_and(|value| value == "1")
}

/// Reports that a peer is missing; panics if all are required.
pub fn report_missing(name: &str, why: &str) {
    assert!(!is_required(), "missing peer: {name}: {why}");
    println!("missing peer: {name}: {why}");
}
