//! Addresses and keys that cannot work.

use crate::heads::Seen;

/// Addresses that are looked at: a log repeats them.
const MOST: usize = 64;

/// Ports on which servers of other protocols listen by default: FTP, SSH, SMTP, `MySQL`, AMQP, `PostgreSQL`, VNC, Redis, Kafka,
/// memcached, `MongoDB`, MQTT, NATS.
const OTHERS: [&str; 14] = [
    "21", "22", "25", "3306", "5672", "5432", "5900", "5901", "6379", "9092", "11211", "27017", "1883",
    "4222",
];

/// `' failed: ` after an address, and nothing more: Chrome prints no reason where the server must not learn it.
fn fails_without_reason(rest: &str) -> bool {
    let end = rest.find(['\'', '"', '\n']).unwrap_or(rest.len());
    let Some(reason) =
        rest[end..].strip_prefix("' failed:").or_else(|| rest[end..].strip_prefix("\" failed:"))
    else {
        return false;
    };
    let reason = reason.trim_start_matches(['.', ' ', '_', '`']);
    reason.is_empty() || reason.starts_with(['\n', '\r', '"', '*', ')'])
}

/// Whether a part of a host was never filled in: `undefined`, `ws-.pusher.com`.
fn is_unfilled(host: &str) -> bool {
    let is_empty = |label: &str| label.is_empty() || label.starts_with('-') || label.ends_with('-');
    matches!(host, "undefined" | "null" | "none" | "nan")
        || host.strip_suffix('.').unwrap_or(host).contains('.')
            && !host.contains("..")
            && host.split('.').filter(|label| !label.is_empty()).any(is_empty)
}

/// What the addresses and the keys in a text show.
pub(crate) fn signs(text: &str) -> Vec<Seen> {
    let mut signs: Vec<Seen> = Vec::new();
    let lower = text.to_ascii_lowercase();
    let mut note = |id, span| {
        if !signs.iter().any(|(other, _)| *other == id) {
            signs.push((id, span));
        }
    };
    for (at, _) in lower.match_indices("://").take(MOST) {
        let letters = lower[..at].bytes().rev().take_while(u8::is_ascii_alphabetic).count();
        let rest = &lower[at + 3..];
        let length =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']')));
        let authority = &rest[..length.unwrap_or(rest.len())];
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        let scheme = &lower[at - letters..at];
        if !matches!(scheme, "ws" | "wss") {
            continue;
        }
        let span = at - letters..at + 3 + authority.len();
        let host = authority.strip_suffix(port).map_or(authority, |host| host.trim_end_matches(':'));
        if matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[::1]") {
            note("loopback-address", span.clone());
        }
        if fails_without_reason(rest) {
            note("failed-without-reason", span.clone());
        }
        if is_unfilled(host) {
            note("address-unfilled", span.clone());
        }
        match (scheme, port) {
            ("wss", "80") => note("wss-on-port-80", span),
            // A title may abbreviate what the error says in full.
            ("ws", "443") if lower.contains(&format!("wss://{host}")) => {}
            ("ws", "443") => note("ws-on-port-443", span),
            (_, port) if OTHERS.contains(&port) => note("port-of-another-protocol", span),
            _ => {}
        }
    }
    for (at, name) in lower.match_indices("sec-websocket-key:").take(MOST) {
        let value = at + name.len();
        let start = value + text[value..].len() - text[value..].trim_start_matches(' ').len();
        let key = text[start..]
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
            .next();
        if let Some(length) = key.and_then(decoded)
            && length != 16
        {
            note("request-key-length", at..start + key.map_or(0, str::len));
        }
    }
    signs
}

/// The bytes that a base64 text decodes to, if it is one; a word with which the key was replaced is none.
fn decoded(key: &str) -> Option<usize> {
    let digits = key.trim_end_matches('=');
    let padding = key.len() - digits.len();
    let is_one = key.len().is_multiple_of(4) && padding <= 2 && digits.len() >= 8 && !digits.contains('=');
    let mixed = digits.contains(|c: char| c.is_ascii_uppercase())
        && digits.contains(|c: char| c.is_ascii_lowercase());
    (is_one && mixed && digits.contains(|c: char| c.is_ascii_digit() || matches!(c, '+' | '/')))
        .then(|| digits.len() * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&'static str> {
        signs(text).into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn an_address_on_the_port_of_the_other_scheme_is_seen() {
        assert_eq!(of("to 'wss://a.example:80/x' failed"), ["wss-on-port-80"]);
        assert_eq!(of("WS://[::2]:443"), ["ws-on-port-443"]);
        assert_eq!(of("ws://a.example:1883/mqtt"), ["port-of-another-protocol"]);
        // The error below the title has the whole address.
        assert_eq!(of("ws://a.example:443/… failed\nto 'wss://a.example/b?c' closed"), [""; 0]);
    }

    #[test]
    fn an_address_with_a_part_that_is_missing_is_seen() {
        assert_eq!(of("to 'wss://ws-.pusher.example/app/'"), ["address-unfilled"]);
        assert_eq!(of("ws://undefined:8080/a"), ["address-unfilled"]);
        assert_eq!(of("wss://ws-eu.pusher.example/ ws://.../x wss://my-host ws://a.b."), [""; 0]);
    }

    #[test]
    fn what_works_is_not_seen() {
        for text in [
            "wss://a:443/",
            "ws://a:80",
            "wss://a:8080",
            "https://a:80/",
            "wss://a/80",
            "wss://",
            "://:80",
            "http://a:1883",
        ] {
            assert_eq!(of(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn addresses_that_fail_are_seen() {
        assert_eq!(
            of("WebSocket connection to 'ws://a.example/x' failed: \nnext"),
            ["failed-without-reason"]
        );
        assert_eq!(of("`WebSocket connection to 'ws://a.example:1883/' failed:`").len(), 2);
        assert_eq!(of("ws://localhost:3000"), ["loopback-address"]);
        // A reason follows; another host.
        for text in
            ["WebSocket connection to 'ws://a/x' failed: Invalid frame header", "ws://localhost.example:3000"]
        {
            assert_eq!(of(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_seen() {
        assert_eq!(of("Sec-WebSocket-Key: U3RyZWFtKDIsID8p"), ["request-key-length"]);
        assert_eq!(
            of("sec-websocket-key: JCMCrKJENqcrTU9erFxGoiP5P8JhjeocERQs9vgR/Y4=\n"),
            ["request-key-length"]
        );
        for text in [
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Key: ReDaCtEd",
            "Sec-WebSocket-Key: x",
            "Sec-WebSocket-Key:",
        ] {
            assert_eq!(of(text), [""; 0], "{text}");
        }
    }
}
