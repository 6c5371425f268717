//! Every row of the table of signs is found in a text that shows it, and not in its look-alike.
#![allow(missing_docs)]

use std::collections::BTreeSet;

use framewise_messages::{Speaks, read};

const REQUEST: &str = "GET /ws HTTP/1.1\nHost: a.example\nUpgrade: websocket\nConnection: keep-alive, Upgrade\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n";
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n";
const NGINX: &str = "location /ws {\n proxy_pass http://app;\n proxy_http_version 1.1;\n proxy_set_header Upgrade $http_upgrade;\n \
                     proxy_set_header Connection \"upgrade\";\n proxy_read_timeout 1h;\n}\n";

/// The ids of the signs in a text.
fn signs(text: &str) -> BTreeSet<&'static str> {
    let reading = read(text);
    let evidence = reading.causes.iter().flat_map(|cause| &cause.evidence);
    let evidence = evidence.chain(reading.rules.iter().flat_map(|rule| &rule.evidence));
    let says = evidence.filter_map(|evidence| match evidence.speaks {
        Speaks::Sign(sign) => Some(sign.says[0]),
        Speaks::Message(_)
        | Speaks::Code(_)
        | Speaks::Status(_)
        | Speaks::Duration { .. }
        | Speaks::Size { .. }
        | Speaks::Software(_)
        | Speaks::Words => None,
    });
    says.map(|says| rows().find(|row| row.1 == says).expect("a row").0).collect()
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("../data/signs.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut parts = line.split(" | ");
        Some((parts.next()?, parts.next()?))
    })
}

/// Each sign, a text that shows it, and one that is nearly the same.
fn cases() -> Vec<(&'static str, String, String)> {
    let request = |from: &str, to: &str| REQUEST.replace(from, to);
    let response = |more: &str| format!("{RESPONSE}{more}\n");
    let nginx = |line: &str| NGINX.replace(line, "");
    let case = |id, shows: String, not: &str| (id, shows, not.to_owned());
    vec![
        case("request-without-upgrade", request("Upgrade: websocket\n", ""), REQUEST),
        case("request-without-connection", request("Connection: keep-alive, Upgrade\n", ""), REQUEST),
        case("request-without-key", request("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n", ""), REQUEST),
        case("request-without-version", request("Sec-WebSocket-Version: 13\n", ""), REQUEST),
        case("request-http10", request("HTTP/1.1", "HTTP/1.0"), REQUEST),
        (
            "request-empty-protocol",
            format!("{REQUEST}Sec-WebSocket-Protocol:\n"),
            format!("{REQUEST}Sec-WebSocket-Protocol: chat\n"),
        ),
        (
            "request-other-origin",
            format!("The handshake fails:\n{REQUEST}Origin: https://b.example\n"),
            format!("The handshake fails:\n{REQUEST}Origin: https://a.example\n"),
        ),
        case("request-key-length", request("dGhlIHNhbXBsZSBub25jZQ==", "U3RyZWFtKDIsID8p"), REQUEST),
        case("response-without-upgrade", RESPONSE.replace("Upgrade: websocket\n", ""), RESPONSE),
        case("response-without-connection", RESPONSE.replace("Connection: Upgrade\n", ""), RESPONSE),
        case(
            "response-without-accept",
            RESPONSE.replace("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n", "Server: a\n"),
            RESPONSE,
        ),
        (
            "response-chunked",
            response("Transfer-Encoding: chunked"),
            response("Transfer-Encoding: chunked").replace("101 Switching Protocols", "200 OK"),
        ),
        case("response-with-length", response("Content-Length: 0"), RESPONSE),
        case("response-encoded", response("Content-Encoding: gzip"), RESPONSE),
        case(
            "response-challenges",
            "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic\nServer: a\n".to_owned(),
            "HTTP/1.1 401 Unauthorized\nDate: x\nServer: a\n",
        ),
        case("nginx-without-upgrade", nginx(" proxy_set_header Upgrade $http_upgrade;\n"), NGINX),
        case("nginx-without-http11", nginx(" proxy_http_version 1.1;\n"), NGINX),
        case("nginx-without-timeout", nginx(" proxy_read_timeout 1h;\n") + "closed after 60 s", NGINX),
        case(
            "apache-without-websocket",
            "ProxyPass / http://b/\nProxyPassReverse / http://b/\n".to_owned(),
            "ProxyPass /ws ws://b/ws\nProxyPass / http://b/\n",
        ),
        case(
            "haproxy-without-tunnel",
            "timeout client 30s\ntimeout server 30s\n".to_owned(),
            "timeout client 30s\ntimeout tunnel 1h\n",
        ),
        case(
            "two-codes",
            "The WebSocket client gets 1006, the server closed with code 1000".to_owned(),
            "The WebSocket client gets 1006, the server closed with code 1006",
        ),
        case(
            "envoy-426",
            "envoy answers HTTP/1.1 426 Upgrade Required".to_owned(),
            "nginx answers HTTP/1.1 426 Upgrade Required",
        ),
        case(
            "envoy-403",
            "envoy answers HTTP/1.1 403 Forbidden".to_owned(),
            "nginx answers HTTP/1.1 403 Forbidden",
        ),
        case(
            "websockets-1011",
            "websockets.exceptions.ConnectionClosed: code = 1011 (unexpected error)".to_owned(),
            "gorilla: websocket: close 1011 (internal server error)",
        ),
        case(
            "port-of-another-protocol",
            "to 'ws://a.example:1883/x' failed".to_owned(),
            "to 'ws://a.example:8083/x' failed",
        ),
        case(
            "failed-without-reason",
            "WebSocket connection to 'ws://a.example/x' failed: ".to_owned(),
            "WebSocket connection to 'ws://a.example/x' failed: Invalid frame header",
        ),
        case(
            "loopback-address",
            "in production the WebSocket at ws://localhost:3000 fails".to_owned(),
            "in production the WebSocket at ws://a.example:3000 fails",
        ),
        case(
            "wss-on-port-80",
            "to 'wss://a.example:80/x' failed".to_owned(),
            "to 'ws://a.example:80/x' failed",
        ),
        case(
            "ws-on-port-443",
            "to 'ws://a.example:443/x' failed".to_owned(),
            "to 'wss://a.example:443/x' failed",
        ),
        case(
            "address-unfilled",
            "to 'wss://ws-.a.example/x' closed".to_owned(),
            "to 'wss://ws-eu.a.example/x' closed",
        ),
    ]
}

#[test]
fn every_sign_is_found_and_its_look_alike_is_not() {
    let mut tried = BTreeSet::new();
    for (id, shows, not) in cases() {
        assert!(signs(&shows).contains(id), "{id} in {shows}: {:?}", read(&shows).causes);
        assert!(!signs(&not).contains(id), "{id} in {not}");
        tried.insert(id);
    }
    // It speaks against a cause only.
    tried.insert("nginx-with-upgrade");
    let rows: BTreeSet<&str> = rows().map(|row| row.0).collect();
    assert_eq!(tried, rows, "a sign without a case, or a case without a sign");
}
