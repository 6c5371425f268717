//! The client's side of the handshake.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HOST, HeaderName, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};

pub use super::blocking_client::ClientHandshake;
use crate::client::uri_mode;
use crate::error::{ProtocolError, Result};

/// The request of a client.
pub type Request = http::Request<()>;

/// The response of a server.
pub type Response = http::Response<Option<Vec<u8>>>;

/// A new Sec-WebSocket-Key: 16 random bytes in base64.
///
/// # Panics
///
/// If the system has no random numbers.
pub fn generate_key() -> String {
    let mut nonce = [0; 16];
    getrandom::getrandom(&mut nonce).expect("the system has random numbers");
    STANDARD.encode(nonce)
}

/// Checks what tungstenite checks of a request before it is sent.
pub(crate) fn check(request: &Request) -> Result<()> {
    if request.method() != http::Method::GET {
        return Err(ProtocolError::WrongHttpMethod.into());
    }
    if request.version() != http::Version::HTTP_11 {
        return Err(ProtocolError::WrongHttpVersion.into());
    }
    uri_mode(request.uri())?;
    let headers = request.headers();
    let invalid = |name: HeaderName| Err(ProtocolError::InvalidHeader(Box::new(name)).into());
    for name in [SEC_WEBSOCKET_KEY, HOST, CONNECTION, UPGRADE, SEC_WEBSOCKET_VERSION] {
        if headers.get_all(&name).iter().count() != 1 {
            return invalid(name);
        }
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return invalid(SEC_WEBSOCKET_EXTENSIONS);
    }
    Ok(())
}
