//! Compiles the examples of the pages that no package contains. In a package, a path to them leads nowhere.

/// The README of the project.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ProjectReadme;

/// The page for users of tokio-tungstenite.
#[cfg(doctest)]
#[doc = include_str!("../coming-from-tokio-tungstenite.md")]
struct ComingFromTokioTungstenite;

/// The page for users of axum's ws.
#[cfg(doctest)]
#[doc = include_str!("../coming-from-axum-ws.md")]
struct ComingFromAxumWs;

/// The page for users of other HTTP servers.
#[cfg(doctest)]
#[doc = include_str!("../other-http-servers.md")]
struct OtherHttpServers;
