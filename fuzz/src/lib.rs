//! Properties that hold for any bytes. A target is a function that takes bytes and panics if a property does not hold.
//! libFuzzer looks for such bytes (`cargo xtask fuzz`); `cargo test` runs every target over its corpus and its seeds.
#![forbid(unsafe_code)]

pub mod deflate;
pub mod differential;
pub mod engine;
pub mod explain;
pub mod handshake;
pub mod header;
pub mod hex;
pub mod input;
pub mod json;
pub mod logs;
pub mod mitmproxy;
pub mod observer;
pub mod paste;
pub mod pcap;
pub mod seeds;
pub mod tls;
pub mod transcript;

/// A target and its seeds.
#[derive(Debug)]
pub struct Target {
    /// The name of the target and of its corpus.
    pub name: &'static str,
    /// Panics if a property does not hold.
    pub check: fn(&[u8]),
    /// Inputs made from the examples of the rules.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "header", check: header::check, seeds: header::seeds },
    Target { name: "engine", check: engine::check, seeds: engine::seeds },
    Target { name: "handshake", check: handshake::check, seeds: handshake::seeds },
    Target { name: "deflate", check: deflate::check, seeds: deflate::seeds },
    Target { name: "observer", check: observer::check, seeds: observer::seeds },
    Target { name: "transcript", check: transcript::check, seeds: transcript::seeds },
    Target { name: "hex", check: hex::check, seeds: hex::seeds },
    Target { name: "pcap", check: pcap::check, seeds: pcap::seeds },
    Target { name: "paste", check: paste::check, seeds: paste::seeds },
    Target { name: "tls", check: tls::check, seeds: tls::seeds },
    Target { name: "json", check: json::check, seeds: json::seeds },
    Target { name: "logs", check: logs::check, seeds: logs::seeds },
    Target { name: "mitmproxy", check: mitmproxy::check, seeds: mitmproxy::seeds },
    Target { name: "explain", check: explain::check, seeds: explain::seeds },
    Target { name: "differential", check: differential::check, seeds: differential::seeds },
];

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
