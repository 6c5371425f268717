//! Requests beyond those of [`handshake`](super::handshake): each cut, each order, targets, sizes, and what is sent too early.

use framewise_rules::Rule;

use super::handshake::{FIELDS, case, plain, request};
use crate::case::{Case, Cut, DueStatus, Level};

const LINE: &str = "GET {path} HTTP/1.1";

pub(super) fn push(cases: &mut Vec<Case>) {
    // The lengths of what is filled in differ: cut where the template is cut.
    let plain = plain();
    for at in (1..plain.len()).filter(|at| (at - 1) % 7 != 0) {
        let says = format!("A request that comes in two segments, cut after byte {at}, is accepted");
        let name = format!("handshake/cut-at-{at}");
        cases.push(case(name, says, plain.clone(), DueStatus::Accept).cut(Cut::At(at)));
    }
    orders(cases);
    repeated(cases);
    lines(cases);
    targets(cases);
    sizes(cases);
    early(cases);
}

/// Each order of the five header lines, given by their places.
fn orders(cases: &mut Vec<Case>) {
    let count = FIELDS.len();
    for number in 1..(1..=count).product::<usize>() {
        let (mut rest, mut number) = (FIELDS.to_vec(), number);
        let mut places: Vec<_> = (1..=count).collect();
        let (mut fields, mut name) = (Vec::new(), String::from("handshake/order/"));
        for left in (1..=count).rev() {
            let at = number % left;
            number /= left;
            fields.push(rest.remove(at));
            name.push_str(&places.remove(at).to_string());
        }
        let says = "The order of the header lines does not matter";
        cases.push(case(name, says, request(LINE, &fields), DueStatus::Accept));
    }
}

/// A second line with another value: what of it counts would depend on who reads it.
fn repeated(cases: &mut Vec<Case>) {
    let other = [
        ("host-other", "Host", "other.example", Rule::RequestHost, 400),
        ("key-other", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", Rule::RequestKeyRepeated, 400),
    ];
    for (name, field, value, rule, status) in other {
        for (place, first) in [("first", true), ("last", false)] {
            let mut fields = FIELDS.to_vec();
            fields.insert(if first { 0 } else { fields.len() }, (field, value));
            let says = format!("A request with two lines {field} is rejected");
            let name = format!("handshake/repeated/{name}-{place}");
            cases.push(case(name, says, request(LINE, &fields), DueStatus::Reject(status)).rule(rule));
        }
    }
    for (name, field, value) in [
        ("upgrade", "Upgrade", "websocket"),
        ("connection", "Connection", "Upgrade"),
        ("connection-close", "Connection", "close"),
        ("version", "Sec-WebSocket-Version", "13"),
        ("origin", "Origin", "https://example.com"),
        ("protocol", "Sec-WebSocket-Protocol", "a"),
        ("content-length", "Content-Length", "5"),
        ("transfer-encoding", "Transfer-Encoding", "chunked"),
    ] {
        let mut fields = FIELDS.to_vec();
        fields.push((field, value));
        let says = format!("A request with one line {field}: {value} more than it needs");
        let name = format!("handshake/observed/more-{name}");
        let case = case(name, says, request(LINE, &fields), DueStatus::Observe);
        cases.push(case.level(Level::Observe));
    }
}

/// RFC 9112 §2.3, §3, §5: lines that are not what the grammar of HTTP allows.
fn lines(cases: &mut Vec<Case>) {
    let fields = String::from_utf8_lossy(&request("", &FIELDS)).into_owned();
    let fields = fields.trim_start_matches("\r\n");
    let bad: [(&str, String); 8] = [
        ("no-version", format!("GET {{path}}\r\n{fields}")),
        ("no-target", format!("GET HTTP/1.1\r\n{fields}")),
        ("lower-case-http", format!("GET {{path}} http/1.1\r\n{fields}")),
        ("version-without-minor", format!("GET {{path}} HTTP/1\r\n{fields}")),
        ("version-of-three", format!("GET {{path}} HTTP/1.1.1\r\n{fields}")),
        ("no-request-line", fields.to_owned()),
        ("empty-name", format!("{LINE}\r\n: 1\r\n{fields}")),
        ("nul-in-value", format!("{LINE}\r\nX-Nul: a\0b\r\n{fields}")),
    ];
    for (name, head) in bad {
        let header = matches!(name, "empty-name" | "nul-in-value");
        let rule = if header { Rule::RequestHeaderMalformed } else { Rule::RequestNotHttp };
        let says = "A request with a line that is not HTTP is rejected";
        let mended = name == "nul-in-value";
        let name = format!("handshake/line/{name}");
        let case = case(name, says, head.into_bytes(), DueStatus::Reject(400)).rule(rule);
        // RFC 9110 §5.5: a recipient rejects the message, or replaces the NUL with a space.
        cases.push(if mended { case.level(Level::May) } else { case });
    }
}

fn targets(cases: &mut Vec<Case>) {
    for (name, target) in [
        ("absolute", "http://{host}{path}"),
        ("absolute-ws", "ws://{host}{path}"),
        ("asterisk", "*"),
        ("authority", "{host}"),
        ("fragment", "{path}#part"),
        ("empty-query", "{path}?"),
        ("broken-escape", "{path}?a=%zz"),
        ("dots", "{path}/../.."),
        ("two-slashes", "//{host}{path}"),
        ("beyond-ascii", "{path}?gr\u{fc}n"),
    ] {
        let head = request(&format!("GET {target} HTTP/1.1"), &FIELDS);
        let says = format!("A request for the target {target}: what the server does");
        let name = format!("handshake/target/{name}");
        cases.push(case(name, says, head, DueStatus::Observe).level(Level::Observe));
    }
    for size in [100, 1_000, 2_000, 8_000] {
        let head = request(&format!("GET {{path}}?{} HTTP/1.1", "a".repeat(size)), &FIELDS);
        let says = format!("A request whose query has {size} characters: what the server does");
        let name = format!("handshake/target/query-of-{size}");
        cases.push(case(name, says, head, DueStatus::Observe).level(Level::Observe));
    }
}

fn sizes(cases: &mut Vec<Case>) {
    for count in [1, 10, 30, 60] {
        let names: Vec<_> = (0..count).map(|number| format!("X-Header-{number}")).collect();
        let mut fields: Vec<(&str, &str)> = FIELDS.to_vec();
        fields.extend(names.iter().map(|name| (name.as_str(), "value")));
        let says = format!("A request with {count} other header lines is accepted");
        let name = format!("handshake/accepts/{count}-other-lines");
        cases.push(case(name, says, request(LINE, &fields), DueStatus::Accept).level(Level::Should));
    }
    for size in [100, 500, 1_000, 2_000, 3_000] {
        let value = "a".repeat(size);
        let fields: Vec<_> = FIELDS.iter().copied().chain([("Cookie", &*value)]).collect();
        let says = format!("A request with a cookie of {size} characters is accepted");
        let name = format!("handshake/accepts/cookie-of-{size}");
        cases.push(case(name, says, request(LINE, &fields), DueStatus::Accept).level(Level::Should));
    }
    for size in [8, 16, 32, 128, 512] {
        let value = "a".repeat(size * 1024);
        let fields: Vec<_> = FIELDS.iter().copied().chain([("Cookie", &*value)]).collect();
        let says = format!("A request with a cookie of {size} KiB: what the server does");
        let name = format!("handshake/observed/cookie-of-{size}-kib");
        cases.push(case(name, says, request(LINE, &fields), DueStatus::Observe).level(Level::Observe));
    }
}

/// RFC 6455 §4.1: "the client MUST wait for a response from the server before sending any further data". What a server does
/// with a client that does not is its own affair.
fn early(cases: &mut Vec<Case>) {
    let frames: [(&str, &[u8]); 5] = [
        ("ping", b"\x89\x80\x01\x02\x03\x04"),
        ("text", b"\x81\x82\x00\x00\x00\x00hi"),
        ("half-a-frame", b"\x81\x82\x00"),
        ("unmasked-text", b"\x81\x02hi"),
        ("request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    for (name, more) in frames {
        let head = [&plain()[..], more].concat();
        let says = format!("A request and after it, before the response, a {name}: what the server does");
        let name = format!("handshake/pipelined/{name}");
        cases.push(case(name, says, head, DueStatus::Observe).level(Level::Observe));
    }
}
