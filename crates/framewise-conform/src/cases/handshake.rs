//! Opening handshakes that a server has to accept, or to reject, beyond the examples of the table.

use framewise_rules::Rule;

use super::table::is_base64;
use crate::case::{Case, Cut, DueStatus, Level, Needs, Of, Work};

pub(super) const FIELDS: [(&str, &str); 5] = [
    ("Host", "{host}"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "{key}"),
    ("Sec-WebSocket-Version", "13"),
];

/// A request of these header lines.
pub(super) fn request(line: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    format!("{line}\r\n{}\r\n", lines(fields, ": ")).into_bytes()
}

/// The header lines, with this between name and value.
fn lines(fields: &[(&str, &str)], colon: &str) -> String {
    fields.iter().flat_map(|&(name, value)| [name, colon, value, "\r\n"]).collect()
}

pub(super) fn case(name: impl Into<String>, says: impl Into<String>, head: Vec<u8>, due: DueStatus) -> Case {
    Case {
        name: name.into(),
        says: says.into(),
        rule: None,
        level: Level::Must,
        of: Of::Server,
        needs: Needs::default(),
        autobahn: None,
        work: Work::Request { head, cut: Cut::Whole, end: false, due },
    }
}

/// The header lines after Host, and the end of the head.
pub(super) fn rest() -> String {
    lines(&FIELDS[1..], ": ") + "\r\n"
}

/// The plainest request.
pub(super) fn plain() -> Vec<u8> {
    request("GET {path} HTTP/1.1", &FIELDS)
}

pub(super) fn push(cases: &mut Vec<Case>) {
    let line = "GET {path} HTTP/1.1";
    let plain = plain();
    cases.push(case("handshake/plain", "The plainest request is accepted", plain.clone(), DueStatus::Accept));
    // The lengths of what is filled in differ: cut where the template is cut.
    for at in (1..plain.len()).step_by(7) {
        let says = format!("A request that comes in two segments, cut after byte {at}, is accepted");
        cases.push(
            case(format!("handshake/cut-at-{at}"), says, plain.clone(), DueStatus::Accept).cut(Cut::At(at)),
        );
    }
    cases.push(
        case(
            "handshake/byte-by-byte",
            "A request that comes byte by byte is accepted",
            plain,
            DueStatus::Accept,
        )
        .cut(Cut::Every(1)),
    );
    accepted(cases, line);
    missing_and_repeated(cases, line);
    values(cases, line);
    observed(cases, line);
}

/// The fields with one of them changed.
fn with<'f>(name: &str, value: &'f str) -> Vec<(&'static str, &'f str)> {
    FIELDS.iter().map(|&(field, old)| if field == name { (field, value) } else { (field, old) }).collect()
}

/// A name, header lines, and what is due.
type More = (&'static str, &'static [(&'static str, &'static str)], &'static str);

fn accepted(cases: &mut Vec<Case>, line: &str) {
    let accept = |name: &str, says: &str, fields: &[(&str, &str)]| {
        case(format!("handshake/accepts/{name}"), says, request(line, fields), DueStatus::Accept)
    };
    let lower: Vec<_> = FIELDS.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
    let upper: Vec<_> = FIELDS.iter().map(|(name, value)| (name.to_ascii_uppercase(), *value)).collect();
    let names = |list: &[(String, &'static str)]| -> Vec<u8> {
        let fields: Vec<_> = list.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        request(line, &fields)
    };
    let says = "Header names are compared without regard to case";
    cases.push(case("handshake/accepts/lower-case-names", says, names(&lower), DueStatus::Accept));
    cases.push(case("handshake/accepts/upper-case-names", says, names(&upper), DueStatus::Accept));
    let reversed: Vec<_> = FIELDS.iter().rev().copied().collect();
    cases.push(accept("reversed-order", "The order of the header lines does not matter", &reversed));
    let values: [(&str, &str, &str, &str); 12] = [
        (
            "upgrade-mixed-case",
            "Upgrade",
            "WebSocket",
            "The token `websocket` is compared without regard to case",
        ),
        (
            "upgrade-upper-case",
            "Upgrade",
            "WEBSOCKET",
            "The token `websocket` is compared without regard to case",
        ),
        ("upgrade-among-others", "Upgrade", "h2c, websocket", "Upgrade is a list"),
        (
            "connection-lower-case",
            "Connection",
            "upgrade",
            "The token `Upgrade` is compared without regard to case",
        ),
        (
            "connection-upper-case",
            "Connection",
            "UPGRADE",
            "The token `Upgrade` is compared without regard to case",
        ),
        ("connection-as-firefox", "Connection", "keep-alive, Upgrade", "Connection is a list"),
        ("connection-upgrade-first", "Connection", "Upgrade, keep-alive", "Connection is a list"),
        (
            "connection-without-space",
            "Connection",
            "keep-alive,Upgrade",
            "A list needs no space after its comma",
        ),
        (
            "connection-with-tab",
            "Connection",
            "keep-alive,\tUpgrade",
            "A list may have a tab after its comma",
        ),
        (
            "connection-empty-elements",
            "Connection",
            ", keep-alive, , Upgrade,",
            "Empty elements of a list are ignored",
        ),
        ("space-around-value", "Upgrade", "  websocket  ", "Spaces around a value are not part of it"),
        ("tab-around-value", "Connection", "\tUpgrade\t", "Tabs around a value are not part of it"),
    ];
    for (name, field, value, says) in values {
        let case = accept(name, says, &with(field, value));
        cases.push(if offers_others(&case) { case.level(Level::May) } else { case });
    }
    let no_space = lines(&FIELDS, ":");
    let head = format!("{line}\r\n{no_space}\r\n").into_bytes();
    cases.push(case(
        "handshake/accepts/no-space-after-colon",
        "The space after the colon is optional",
        head,
        DueStatus::Accept,
    ));
    let more: [More; 8] = [
        (
            "user-agent-and-accept",
            &[("User-Agent", "check/1"), ("Accept", "*/*")],
            "Other header lines are ignored",
        ),
        ("cookie", &[("Cookie", "a=1; b=2")], "Other header lines are ignored"),
        ("latin-1", &[("X-Name", "gr\u{fc}n")], "A value may have bytes beyond ASCII"),
        ("content-length-0", &[("Content-Length", "0")], "A Content-Length of 0 announces no body"),
        ("connection-in-two-lines", &[("Connection", "keep-alive")], "Connection may have several lines"),
        (
            "unknown-extension",
            &[("Sec-WebSocket-Extensions", "x-unknown; a=1")],
            "An unknown extension is declined, and the handshake goes on",
        ),
        (
            "invalid-deflate-offer",
            &[("Sec-WebSocket-Extensions", "permessage-deflate; x=1")],
            "An invalid offer of permessage-deflate is declined, and the handshake goes on",
        ),
        (
            "deflate-offer",
            &[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")],
            "An offer of permessage-deflate is accepted or declined, and the handshake goes on",
        ),
    ];
    for (name, fields, says) in more {
        let all: Vec<_> = FIELDS.iter().chain(fields).copied().collect();
        let due = match name {
            "unknown-extension" | "invalid-deflate-offer" => DueStatus::Decline,
            _ => DueStatus::Accept,
        };
        let case = case(format!("handshake/accepts/{name}"), says, request(line, &all), due);
        cases.push(if name == "invalid-deflate-offer" { case.rule(Rule::DeflateOfferInvalid) } else { case });
    }
    let large: String = std::iter::repeat_n('a', 4000).collect();
    let fields: Vec<_> = FIELDS.iter().copied().chain([("Cookie", large.as_str())]).collect();
    cases.push(
        accept("cookie-of-4000-bytes", "A head of a few KiB is accepted", &fields).level(Level::Should),
    );
}

/// Whether the request asks for another protocol besides. RFC 9110 §7.8: "A server MAY ignore a received Upgrade header field if it
/// wishes to continue using the current protocol": which of several it takes, if any, is its own affair.
pub(super) fn offers_others(case: &Case) -> bool {
    let Work::Request { head, .. } = &case.work else { return false };
    let text = String::from_utf8_lossy(head);
    let lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
    let upgrades = lines.filter(|(name, _)| name.eq_ignore_ascii_case("Upgrade"));
    let asked =
        upgrades.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
    asked.map(str::to_ascii_lowercase).any(|name| name != "websocket")
}

fn missing_and_repeated(cases: &mut Vec<Case>, line: &str) {
    let rules = [
        ("Host", Rule::RequestHost, 400),
        ("Upgrade", Rule::RequestUpgrade, 426),
        ("Connection", Rule::RequestConnection, 426),
        ("Sec-WebSocket-Key", Rule::RequestKeyMissing, 400),
        ("Sec-WebSocket-Version", Rule::RequestVersion, 426),
    ];
    for (name, rule, status) in rules {
        let id = name.to_ascii_lowercase();
        let without: Vec<_> = FIELDS.iter().filter(|(field, _)| *field != name).copied().collect();
        cases.push(
            case(
                format!("handshake/missing/{id}"),
                format!("A request without {name} is rejected"),
                request(line, &without),
                DueStatus::Reject(status),
            )
            .rule(rule),
        );
    }
    for (name, rule) in [("Host", Rule::RequestHost), ("Sec-WebSocket-Key", Rule::RequestKeyRepeated)] {
        let id = name.to_ascii_lowercase();
        let twice: Vec<_> = FIELDS
            .iter()
            .flat_map(|&field| if field.0 == name { vec![field, field] } else { vec![field] })
            .collect();
        cases.push(
            case(
                format!("handshake/repeated/{id}"),
                format!("A request with two lines {name} is rejected"),
                request(line, &twice),
                DueStatus::Reject(400),
            )
            .rule(rule),
        );
    }
}

fn values(cases: &mut Vec<Case>, line: &str) {
    let wrong: [(&str, &str, &str, Rule, u16); 22] = [
        ("upgrade-other", "Upgrade", "h2c", Rule::RequestUpgrade, 426),
        ("upgrade-empty", "Upgrade", "", Rule::RequestUpgrade, 426),
        ("upgrade-longer", "Upgrade", "websockets", Rule::RequestUpgrade, 426),
        ("upgrade-shorter", "Upgrade", "websocke", Rule::RequestUpgrade, 426),
        ("connection-close", "Connection", "close", Rule::RequestConnection, 426),
        ("connection-keep-alive", "Connection", "keep-alive", Rule::RequestConnection, 426),
        ("connection-longer", "Connection", "Upgraded", Rule::RequestConnection, 426),
        ("connection-empty", "Connection", "", Rule::RequestConnection, 426),
        ("key-empty", "Sec-WebSocket-Key", "", Rule::RequestKeyInvalid, 400),
        ("key-short", "Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==", Rule::RequestKeyInvalid, 400),
        ("key-long", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSBhZ2Fpbg==", Rule::RequestKeyInvalid, 400),
        ("key-of-17-bytes", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQA=", Rule::RequestKeyInvalid, 400),
        ("key-without-padding", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ", Rule::RequestKeyInvalid, 400),
        ("key-not-base64", "Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!==", Rule::RequestKeyInvalid, 400),
        ("key-with-space", "Sec-WebSocket-Key", "dGhl IHNhbXBsZSBub25jZQ==", Rule::RequestKeyInvalid, 400),
        ("version-12", "Sec-WebSocket-Version", "12", Rule::RequestLegacyDraft, 426),
        ("version-8", "Sec-WebSocket-Version", "8", Rule::RequestLegacyDraft, 426),
        ("version-14", "Sec-WebSocket-Version", "14", Rule::RequestVersion, 426),
        ("version-130", "Sec-WebSocket-Version", "130", Rule::RequestVersion, 426),
        ("version-empty", "Sec-WebSocket-Version", "", Rule::RequestVersion, 426),
        ("version-text", "Sec-WebSocket-Version", "thirteen", Rule::RequestVersion, 426),
        ("host-empty", "Host", "", Rule::RequestHostInvalid, 400),
    ];
    for (name, field, value, rule, status) in wrong {
        let says = format!("A request with {field}: {value} is rejected");
        let case = case(
            format!("handshake/value/{name}"),
            says,
            request(line, &with(field, value)),
            DueStatus::Reject(status),
        )
        .rule(rule);
        // RFC 6455 §4.2.2: "It is not necessary for the server to base64-decode" the key.
        let undecoded = rule == Rule::RequestKeyInvalid && is_base64(value);
        cases.push(if undecoded { case.level(Level::May) } else { case });
    }
    for method in ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get", "CONNECT"] {
        let name = if method == "get" { "lower-case-get".into() } else { method.to_ascii_lowercase() };
        let head = request(&format!("{method} {{path}} HTTP/1.1"), &FIELDS);
        cases.push(
            case(
                format!("handshake/method/{name}"),
                format!("A request with the method {method} is rejected"),
                head,
                DueStatus::Reject(405),
            )
            .rule(Rule::RequestMethod),
        );
    }
    for (name, version) in [("1-0", "HTTP/1.0"), ("0-9", "HTTP/0.9")] {
        let head = request(&format!("GET {{path}} {version}"), &FIELDS);
        let (rule, status) =
            if name == "1-0" { (Rule::RequestHttpVersion, 505) } else { (Rule::RequestNotHttp, 400) };
        cases.push(
            case(
                format!("handshake/http-version/{name}"),
                format!("A request of {version} is rejected"),
                head,
                DueStatus::Reject(status),
            )
            .rule(rule),
        );
    }
    let malformed: [(&str, &str, &str); 4] = [
        ("no-colon", "X-Broken", "A header line without a colon is rejected (RFC 9112 §5)"),
        ("space-in-name", "X Broken: 1", "A header name with a space is rejected (RFC 9112 §5.1)"),
        ("space-before-colon", "X-Broken : 1", "A space before the colon is rejected (RFC 9112 §5.1)"),
        (
            "control-in-name",
            "X\u{1}Broken: 1",
            "A control character in a header name is rejected (RFC 9110 §5.1)",
        ),
    ];
    for (name, bad, says) in malformed {
        let fields = lines(&FIELDS, ": ");
        let head = format!("{line}\r\n{fields}{bad}\r\n\r\n").into_bytes();
        cases.push(
            case(format!("handshake/line/{name}"), says, head, DueStatus::Reject(400))
                .rule(Rule::RequestHeaderMalformed),
        );
    }
}

/// What no sentence decides, or what harms only in company.
fn observed(cases: &mut Vec<Case>, line: &str) {
    let observe = |name: &str, says: &str, head: Vec<u8>| {
        case(format!("handshake/observed/{name}"), says, head, DueStatus::Observe).level(Level::Observe)
    };
    let fields = |more: &[(&'static str, &'static str)]| -> Vec<_> {
        FIELDS.iter().copied().chain(more.iter().copied()).collect()
    };
    cases.push(observe(
        "foreign-origin",
        "Whether the server checks Origin: a request from https://evil.example",
        request(line, &fields(&[("Origin", "https://evil.example")])),
    ));
    cases.push(observe(
        "null-origin",
        "Whether the server checks Origin: a request from `null`",
        request(line, &fields(&[("Origin", "null")])),
    ));
    let folded = format!(
        "{line}\r\nHost: {{host}}\r\nUpgrade: websocket\r\nConnection: keep-alive,\r\n Upgrade\r\nSec-WebSocket-Key: {{key}}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    cases.push(observe(
        "folded-line",
        "A header line that goes on in the next (RFC 9112 §5.2 lets a server reject or unfold it)",
        folded.into_bytes(),
    ));
    let blank = [&b"\r\n"[..], &request(line, &FIELDS)].concat();
    cases.push(observe(
        "empty-line-first",
        "An empty line before the request line (RFC 9112 §2.2: a server SHOULD ignore it)",
        blank,
    ));
    let lf: Vec<u8> = request(line, &FIELDS).into_iter().filter(|&byte| byte != b'\r').collect();
    cases.push(observe(
        "lf-alone",
        "Lines that end with LF alone (RFC 9112 §2.2: a recipient MAY recognize it)",
        lf,
    ));
    let many: Vec<_> = FIELDS.iter().copied().chain((0..200).map(|_| ("X-Many", "1"))).collect();
    cases.push(observe("200-lines", "Two hundred header lines", request(line, &many)));
    let large: String = std::iter::repeat_n('a', 64 * 1024).collect();
    let all: Vec<_> = FIELDS.iter().copied().chain([("Cookie", large.as_str())]).collect();
    cases.push(observe("64-kib", "A head of 64 KiB", request(line, &all)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_for_several_protocols_may_be_answered_in_the_one_it_came_in() {
        let others = |value: &str| {
            let head = request("GET / HTTP/1.1", &with("Upgrade", value));
            offers_others(&case("", "", head, DueStatus::Accept))
        };
        assert!(others("h2c, websocket"));
        assert!(others("websocket,h2c"));
        for value in ["websocket", "WebSocket", " websocket ", ", websocket", "websocket, websocket"] {
            assert!(!others(value), "{value}");
        }
    }
}
