use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// RFC 6455 §1.3: "unlikely to be used by network endpoints that do not understand the WebSocket Protocol".
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of Sec-WebSocket-Accept that answers this key (RFC 6455 §4.2.2): the key as it was sent, not decoded.
pub fn accept_value(key: &str) -> String {
    let mut value = String::with_capacity(28);
    push_accept_value(&mut value, key);
    value
}

pub(super) fn push_accept_value(text: &mut String, key: &str) {
    let mut digest = sha1_smol::Sha1::new();
    digest.update(key.as_bytes());
    digest.update(GUID);
    STANDARD.encode_string(digest.digest().bytes(), text);
}

/// The key for these random bytes.
pub(super) fn key_value(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// RFC 6455 §4.1: "a nonce consisting of a randomly selected 16-byte value that has been base64-encoded".
pub(super) fn is_key(key: &[u8]) -> bool {
    // The decoder may write 18 bytes before it looks at the padding.
    let mut nonce = [0; 18];
    key.len() == 24 && STANDARD.decode_slice(key, &mut nonce) == Ok(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_the_rfc_is_answered_as_there() {
        assert_eq!(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(key_value(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn a_key_is_base64_of_16_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZWU=",
            "dGhlIHNhbXBsZSBub25j*Q==",
        ] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
    }
}
