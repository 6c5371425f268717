//! Texts that people paste to have them explained: whatever they are, each place that is named is in the text, the shares
//! are shares, and the work is bounded.

use framewise_messages::{LIMIT, messages, read_counting};

/// Words that are compared, at most, per row of the table.
const STEPS: u64 = 12_000;

/// The properties.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (reading, work) = read_counting(&text);
    assert!(work.steps <= STEPS * messages().len() as u64, "{} steps", work.steps);
    assert!(text.len() - reading.skipped <= LIMIT, "{} bytes were skipped", reading.skipped);
    let of_causes = reading.causes.iter().flat_map(|ranked| &ranked.evidence);
    let of_rules = reading.rules.iter().flat_map(|ranked| &ranked.evidence);
    let of_codes = reading.codes.iter().flat_map(|ranked| &ranked.evidence);
    let evidence = of_causes.chain(of_rules).chain(of_codes).map(|evidence| &evidence.span);
    let places = evidence.chain(reading.messages.iter().map(|message| &message.span));
    let places = places.chain(reading.statuses.iter().map(|(_, span)| span));
    for span in places.chain(reading.software.iter().map(|(_, span)| span)) {
        assert!(text.get(span.clone()).is_some(), "{span:?} is no place in the text");
    }
    let shares: f64 = reading.causes.iter().map(|ranked| ranked.score).sum();
    assert!(shares <= 1.000_1 && reading.causes.iter().all(|ranked| ranked.score > 0.0), "{shares}");
    let falls = reading.causes.windows(2).all(|pair| pair[0].score >= pair[1].score);
    assert!(falls, "the likeliest cause is not the first");
}

/// A message in each guise, heads, configurations, numbers at their limits.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "ERR sent 1009 (message too big) frame exceeds limit of 1048576 bytes; no close frame received",
        "GET /ws HTTP/1.0\nHost: a\nUpgrade: websocket\nSec-WebSocket-Key: U3RyZWFtKDIsID8p\nSec-WebSocket-Protocol:\n",
        "HTTP/1.1 101 Switching Protocols\nTransfer-Encoding: chunked\nContent-Encoding: gzip\n",
        "location / {\n  proxy_pass http://b;\n}\ntimeout client 30s\nProxyPass / http://b/\n",
        "wss://a:80 ws://[::1]:443 ://:80 sec-websocket-key:",
        "closes after 18446744073709551615 s, 18446744073709551615 bytes, code 65535, 99999999999999999999999 min",
        "the first message is lost\nand the proxy drops the upgrade header",
        "throw new Error(\"x\");\n\"websocket\", \"error\",\n# License\n",
        "空闲 60 秒后被断开 é\u{301}\u{202e}\0 0x40 0xffffffffffffffffff",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
