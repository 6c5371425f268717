//! The opening handshake.

pub mod client;
pub mod server;

/// The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 §4.2.2).
///
/// ```
/// use framewise_tungstenite::tungstenite::handshake::derive_accept_key;
///
/// assert_eq!(derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn derive_accept_key(request_key: &[u8]) -> String {
    framewise::proto::handshake::accept_value(&String::from_utf8_lossy(request_key))
}
