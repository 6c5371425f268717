//! Lines of heads: what the protocol needs stays, everything else is replaced.

use std::collections::HashMap;

use super::content;
use super::pieces::Level;

/// Fields whose values the protocol needs, and software that tells which one it is.
const VALUES: [&str; 14] = [
    "upgrade",
    "connection",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-accept",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "retry-after",
    "date",
    "server",
    "vary",
];

/// Fields whose names say nothing about anybody; of others, the name is replaced too.
const NAMES: [&str; 52] = [
    "host",
    "origin",
    "user-agent",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "pragma",
    "cookie",
    "set-cookie",
    "authorization",
    "proxy-authorization",
    "proxy-connection",
    "www-authenticate",
    "via",
    "location",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-real-ip",
    "x-request-id",
    "forwarded",
    "strict-transport-security",
    "alt-svc",
    "cf-ray",
    "cf-cache-status",
    "cf-connecting-ip",
    "cf-ipcountry",
    "cf-visitor",
    "age",
    "etag",
    "expires",
    "last-modified",
    "keep-alive",
    "te",
    "trailer",
    "dnt",
    "referer",
    "x-powered-by",
    "x-cache",
    "allow",
    "http2-settings",
    "sec-websocket-protocol",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-dest",
    "sec-gpc",
    "sec-websocket-location",
    "sec-websocket-origin",
    "sec-websocket-key1",
    "sec-websocket-key2",
];

/// Subprotocols by their registered or usual names; any other one may be a token.
const SUBPROTOCOLS: [&str; 24] = [
    "mqtt",
    "mqttv3.1",
    "graphql-ws",
    "graphql-transport-ws",
    "v10.stomp",
    "v11.stomp",
    "v12.stomp",
    "stomp",
    "ocpp1.2",
    "ocpp1.5",
    "ocpp1.6",
    "ocpp2.0",
    "ocpp2.0.1",
    "ocpp2.1",
    "wamp",
    "wamp.2.json",
    "wamp.2.msgpack",
    "wamp.2.cbor",
    "sip",
    "xmpp",
    "soap",
    "actioncable-v1-json",
    "v4.channel.k8s.io",
    "v5.channel.k8s.io",
];

/// Words of a status line that are in the standards.
const REASONS: [&str; 20] = [
    "switching protocols",
    "continue",
    "early hints",
    "ok",
    "moved permanently",
    "found",
    "see other",
    "temporary redirect",
    "permanent redirect",
    "bad request",
    "unauthorized",
    "forbidden",
    "not found",
    "method not allowed",
    "request timeout",
    "upgrade required",
    "too many requests",
    "internal server error",
    "bad gateway",
    "service unavailable",
];

/// Tokens of Sec-WebSocket-Protocol, so that an offered and a selected one stay equal, and different ones different.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<Vec<u8>, Vec<u8>>);

/// A request line or a status line.
pub(super) fn start_line(line: &[u8], level: Level) -> Vec<u8> {
    if level == Level::Kept {
        return line.to_vec();
    }
    let end = line.len() - line_end(line);
    let (words, ending) = line.split_at(end);
    if words.starts_with(b"HTTP/") {
        // The version, the status, and words that are in the standards.
        let reason = words.get(13..).unwrap_or_default();
        let known = std::str::from_utf8(reason)
            .is_ok_and(|reason| REASONS.iter().any(|known| reason.trim().eq_ignore_ascii_case(known)));
        let start = words.len() - reason.len();
        let reason = if known { reason.to_vec() } else { content::line(reason, level) };
        return [&words[..start], &reason, ending].concat();
    }
    let Some(first) = words.iter().position(|&byte| byte == b' ') else {
        return [&content::line(words, level), ending].concat();
    };
    // The method, which RFC 6455 demands, and the version; between them is the target, spaces by mistake included.
    let last = words.windows(6).rposition(|window| window == b" HTTP/").filter(|&last| last > first);
    let last = last.unwrap_or(words.len());
    let method = &words[..first];
    let method = if method.iter().all(u8::is_ascii_uppercase) {
        method.to_vec()
    } else {
        content::line(method, level)
    };
    let target = target(&words[first..last], level);
    [&method, &target, &words[last..], ending].concat()
}

/// A target or an origin: its form stays.
fn target(target: &[u8], level: Level) -> Vec<u8> {
    let mut replaced = content::line(target, level);
    let scheme = target.windows(3).position(|window| window == b"://").map_or(0, |end| end + 3);
    for (index, (new, &old)) in replaced.iter_mut().zip(target).enumerate() {
        let form =
            matches!(old, b'/' | b'?' | b'=' | b'&' | b'#' | b'.' | b':' | b'[' | b']' | b' ' | b'*' | b'%');
        // A percent sign needs two digits.
        let digit = (1..=2).any(|back| index.checked_sub(back).is_some_and(|at| target[at] == b'%'));
        if form || (index < scheme && scheme <= 9) {
            *new = old;
        } else if digit && old.is_ascii_hexdigit() {
            *new = b'2';
        } else if old.is_ascii_digit() {
            // A port and an address of digits stay ones.
            *new = b'1';
        }
    }
    replaced
}

/// A line with a field, or one that should be one.
pub(super) fn field(line: &[u8], level: Level, tokens: &mut Tokens) -> Vec<u8> {
    let end = line.len() - line_end(line);
    let (field, ending) = line.split_at(end);
    if level == Level::Kept || field.is_empty() {
        return line.to_vec();
    }
    let folded = field.starts_with(b" ") || field.starts_with(b"\t");
    let Some(colon) = field.iter().position(|&byte| byte == b':').filter(|_| !folded) else {
        return [&content::line(field, level), ending].concat();
    };
    let (name, value) = field.split_at(colon + 1);
    let lower = String::from_utf8_lossy(&name[..colon]).trim().to_ascii_lowercase();
    // Blanks around a value stay.
    let lead = value.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let trail = value[lead..].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let core = &value[lead..value.len() - trail];
    let new = if VALUES.contains(&lower.as_str()) {
        core.to_vec()
    } else if lower == "sec-websocket-protocol" {
        tokens.list(core, level)
    } else if matches!(lower.as_str(), "host" | "origin" | "location") {
        if core == b"null" { core.to_vec() } else { target(core, level) }
    } else {
        content::line(core, level)
    };
    let name = if VALUES.contains(&lower.as_str()) || NAMES.contains(&lower.as_str()) {
        name.to_vec()
    } else {
        // Only letters and digits: a character that no name may have is a finding.
        content::text(name, Level::Shape)
    };
    [&name, &value[..lead], &new, &value[value.len() - trail..], ending].concat()
}

/// Whether something of this line is replaced.
pub(super) fn is_private(line: &[u8], start: bool) -> bool {
    let replaced = if start {
        start_line(line, Level::Replaced)
    } else {
        field(line, Level::Replaced, &mut Tokens::default())
    };
    replaced != line
}

impl Tokens {
    fn list(&mut self, list: &[u8], level: Level) -> Vec<u8> {
        let mut replaced = Vec::with_capacity(list.len());
        for (index, token) in list.split(|&byte| byte == b',').enumerate() {
            if index > 0 {
                replaced.push(b',');
            }
            let core = token.trim_ascii();
            let start = token.len() - token.trim_ascii_start().len();
            replaced.extend_from_slice(&token[..start]);
            replaced.extend_from_slice(&self.token(core, level));
            replaced.extend_from_slice(&token[start + core.len()..]);
        }
        replaced
    }

    fn token(&mut self, token: &[u8], level: Level) -> Vec<u8> {
        if SUBPROTOCOLS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(token)) {
            return token.to_vec();
        }
        if let Some(known) = self.0.get(token) {
            return known.clone();
        }
        let mut new = content::text(token, Level::Shape);
        if level == Level::Replaced {
            for (new, &old) in new.iter_mut().zip(token) {
                if old.is_ascii_alphanumeric() {
                    *new = b'x';
                }
            }
        }
        let number = (self.0.len() + 1).to_string();
        if let Some(start) = new.len().checked_sub(number.len()) {
            new[start..].copy_from_slice(number.as_bytes());
        }
        self.0.insert(token.to_vec(), new.clone());
        new
    }
}

fn line_end(line: &[u8]) -> usize {
    if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(line: &str) -> String {
        let bytes = line.as_bytes();
        let new = if line.starts_with("GET ") || line.starts_with("HTTP/") {
            start_line(bytes, Level::Replaced)
        } else {
            field(bytes, Level::Replaced, &mut Tokens::default())
        };
        assert_eq!(new.len(), bytes.len(), "{line}");
        String::from_utf8(new).expect("text")
    }

    #[test]
    fn what_names_somebody_goes_and_what_the_protocol_needs_stays() {
        for (line, expected) in [
            ("GET /chat/bob?token=a1%20b HTTP/1.1\r\n", "GET /xxxx/xxx?xxxxx=x1%22x HTTP/1.1\r\n"),
            ("HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1 101 Switching Protocols\r\n"),
            ("HTTP/1.1 403 Bob may not\r\n", "HTTP/1.1 403 xxxxxxxxxxx\r\n"),
            ("Host: api.example.com:8443\r\n", "Host: xxx.xxxxxxx.xxx:1111\r\n"),
            ("Origin: https://example.com\r\n", "Origin: https://xxxxxxx.xxx\r\n"),
            ("Origin: null\r\n", "Origin: null\r\n"),
            ("Cookie: sid=abc; b=1\r\n", "Cookie: xxxxxxxxxxxx\r\n"),
            ("Upgrade: websocket\r\n", "Upgrade: websocket\r\n"),
            ("X-Acme-Tenant: bob \r\n", "X-Xxxx-Xxxxxx: xxx \r\n"),
            (
                "Sec-WebSocket-Protocol: graphql-ws, tok.Secret-9\r\n",
                "Sec-WebSocket-Protocol: graphql-ws, xxx.xxxxxx-1\r\n",
            ),
            ("no colon here\r\n", "xxxxxxxxxxxxx\r\n"),
            (" folded\r\n", "xxxxxxx\r\n"),
            ("\r\n", "\r\n"),
        ] {
            assert_eq!(redacted(line), expected);
        }
    }

    #[test]
    fn equal_tokens_stay_equal_and_different_ones_different() {
        let mut tokens = Tokens::default();
        let offer = field(b"Sec-WebSocket-Protocol: abcd, efgh", Level::Replaced, &mut tokens);
        assert_eq!(offer, b"Sec-WebSocket-Protocol: xxx1, xxx2");
        let choice = field(b"Sec-WebSocket-Protocol: efgh", Level::Replaced, &mut tokens);
        assert_eq!(choice, b"Sec-WebSocket-Protocol: xxx2");
    }
}
