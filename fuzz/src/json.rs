//! HAR, Chrome's netlog, `DevTools` events, and packets of tshark: any bytes give connections or an error, and what is read can be written in the notation.

/// The properties: those of pasted texts.
pub fn check(data: &[u8]) {
    crate::paste::check(data);
}

/// Real ones.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../crates/framewise-capture/tests/real/json/playwright-rsv.har").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/json/cdp-rsv.jsonl").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/json/netlog-rsv.json").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/json/tshark.json").to_vec(),
    ]
}
