//! The measured implementations.

/// The library itself, in its plain loop.
pub const FRAMEWISE: &str = "framewise";
/// With permessage-deflate, as its default is.
pub const FRAMEWISE_DEFLATE: &str = "framewise deflate";
pub const FLOOR: &str = "floor";
/// The loop that most people write today.
pub const TUNGSTENITE_PLAIN: &str = "tokio-tungstenite plain";

/// The proxies: ours, and those that look at nothing.
pub const INSPECT: &str = "framewise inspect";
pub const HAPROXY: &str = "HAProxy";
pub const NGINX: &str = "nginx";

/// How a peer is run.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The example of the library at the root.
    Framewise,
    /// Framewise with permessage-deflate: a program of this workspace.
    FramewiseDeflate,
    /// A program of `bench-servers`.
    Rust(&'static str),
    UWebSockets,
    Bun,
    Node,
}

pub struct Peer {
    /// As the tables call it.
    pub name: &'static str,
    pub kind: Kind,
    pub options: &'static [&'static str],
    /// Takes `--deflate takeover|no-takeover`, or always deflates.
    pub deflate: Deflate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Deflate {
    No,
    Yes,
    Only,
}

const PLAIN: &[&str] = &["--mode", "plain"];
const BEST: &[&str] = &["--mode", "best"];

const fn peer(name: &'static str, kind: Kind, options: &'static [&'static str], deflate: Deflate) -> Peer {
    Peer { name, kind, options, deflate }
}

pub const PEERS: [Peer; 20] = [
    peer(FRAMEWISE, Kind::Framewise, &[], Deflate::No),
    peer(FRAMEWISE_DEFLATE, Kind::FramewiseDeflate, &[], Deflate::Only),
    // What the documentation of `Context` advises where memory counts: told, and no part of a goal.
    peer(
        "framewise deflate, shared, 2 KiB",
        Kind::FramewiseDeflate,
        &["--shared-window", "11"],
        Deflate::Only,
    ),
    peer("uWebSockets", Kind::UWebSockets, &[], Deflate::Yes),
    peer("bun", Kind::Bun, &[], Deflate::Yes),
    peer(TUNGSTENITE_PLAIN, Kind::Rust("tokio-tungstenite"), PLAIN, Deflate::No),
    peer("tokio-tungstenite best", Kind::Rust("tokio-tungstenite"), BEST, Deflate::No),
    peer("fastwebsockets plain", Kind::Rust("fastwebsockets"), PLAIN, Deflate::No),
    peer("fastwebsockets best", Kind::Rust("fastwebsockets"), BEST, Deflate::No),
    peer("tokio-websockets plain", Kind::Rust("tokio-websockets"), PLAIN, Deflate::No),
    peer("tokio-websockets best", Kind::Rust("tokio-websockets"), BEST, Deflate::No),
    peer("sockudo-ws plain", Kind::Rust("sockudo-ws"), PLAIN, Deflate::Yes),
    peer("sockudo-ws best", Kind::Rust("sockudo-ws"), BEST, Deflate::Yes),
    peer("wtx plain", Kind::Rust("wtx"), PLAIN, Deflate::Yes),
    peer("wtx best", Kind::Rust("wtx"), BEST, Deflate::Yes),
    peer("yawc plain", Kind::Rust("yawc"), PLAIN, Deflate::Yes),
    peer("yawc best", Kind::Rust("yawc"), BEST, Deflate::Yes),
    peer("Node ws plain", Kind::Node, PLAIN, Deflate::Yes),
    peer("Node ws best", Kind::Node, BEST, Deflate::Yes),
    peer(FLOOR, Kind::Rust("floor"), &[], Deflate::No),
];

/// The programs of `bench-clients`; ours is another package, as it may not compile yet.
pub const CLIENTS: [(&str, &str); 4] = [
    (FRAMEWISE, "framewise-client"),
    ("tokio-tungstenite", "tokio-tungstenite-client"),
    ("fastwebsockets", "fastwebsockets-client"),
    ("tokio-websockets", "tokio-websockets-client"),
];

/// Whether the option `--peers` asks for it.
pub fn wanted(name: &str, peers: &[String]) -> bool {
    peers.is_empty()
        || name.starts_with(FRAMEWISE)
        || name == FLOOR
        || peers.iter().any(|part| name.to_lowercase().contains(&part.to_lowercase()))
}
