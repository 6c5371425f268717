//! mitmproxy's flows: any bytes give connections or an error, and what is read can be written in the notation.

/// The properties: those of pasted texts.
pub fn check(data: &[u8]) {
    crate::paste::check(data);
}

/// Real ones.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../crates/framewise-capture/tests/real/mitmproxy/reverse.flow").to_vec()]
}
