//! Logs of libraries and browsers: any bytes give connections or an error, and what is read can be written in the notation.

/// The properties: those of pasted texts.
pub fn check(data: &[u8]) {
    crate::paste::check(data);
}

/// Real ones.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../crates/framewise-capture/tests/real/logs/firefox-utf8.moz_log").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/logs/tungstenite-mask.txt").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/logs/uvicorn-sansio.txt").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/logs/websocket-client-utf8.txt").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/logs/websockets-debug-close.txt").to_vec(),
        include_bytes!("../../crates/framewise-capture/tests/real/logs/chrome-console-rsv.txt").to_vec(),
    ]
}
