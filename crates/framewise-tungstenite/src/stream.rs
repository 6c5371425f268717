//! How a URL is reached.

/// With or without TLS.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// `ws://`
    Plain,
    /// `wss://`
    Tls,
}
