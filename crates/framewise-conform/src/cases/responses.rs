//! Responses that a client has to accept, or to give up at, beyond the examples of the table.

use framewise_rules::Rule;

use crate::case::{Case, Cut, Level, Needs, Of, Work};

const LINE: &str = "HTTP/1.1 101 Switching Protocols";
const FIELDS: [(&str, &str); 3] =
    [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "{accept}")];

/// The header lines of a 101, and the end of its head.
pub(super) const FIELDS_OF_101: &[u8] =
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";

fn response(line: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let lines: String = fields.iter().flat_map(|&(name, value)| [name, ": ", value, "\r\n"]).collect();
    format!("{line}\r\n{lines}\r\n").into_bytes()
}

pub(super) fn case(name: impl Into<String>, says: impl Into<String>, head: Vec<u8>, accept: bool) -> Case {
    Case {
        name: format!("response/{}", name.into()),
        says: says.into(),
        rule: None,
        level: Level::Must,
        of: Of::Client,
        needs: Needs::default(),
        autobahn: None,
        work: Work::Response { head, cut: Cut::Whole, end: false, accept },
    }
}

pub(super) fn push(cases: &mut Vec<Case>) {
    let plain = response(LINE, &FIELDS);
    cases.push(case("plain", "The plainest response is accepted", plain.clone(), true));
    let says = "A response that comes byte by byte is accepted";
    cases.push(case("byte-by-byte", says, plain.clone(), true).cut(Cut::Every(1)));
    for at in 1..plain.len() {
        let says = format!("A response that comes in two segments, cut after byte {at}, is accepted");
        cases.push(case(format!("cut-at-{at}"), says, plain.clone(), true).cut(Cut::At(at)));
    }
    accepted(cases);
    rejected(cases);
    unfinished(cases, &plain);
    // RFC 6455 §4.1: once the handshake is accepted the connection is open, whatever segment the frames come in.
    for (name, more) in [
        ("text", &b"\x81\x02hi"[..]),
        ("ping", b"\x89\x00"),
        ("half-a-text", b"\x01\x02hi"),
        ("two-texts", b"\x81\x01a\x81\x01b"),
    ] {
        let says = format!("A response with frames in the same segment ({name}) is accepted");
        let mut head = [&plain[..], more].concat();
        if name == "half-a-text" {
            head.extend_from_slice(b"\x80\x01!");
        }
        cases.push(case(format!("pipelined/{name}"), says, head, true));
    }
}

/// RFC 6455 §4.1: the client validates "the server's response". What ends before its empty line is none, and what is not
/// HTTP is none, either.
fn unfinished(cases: &mut Vec<Case>, plain: &[u8]) {
    let status = LINE.len() + 2;
    for (name, at) in [
        ("half-the-status-line", status / 2),
        ("status-line", status),
        ("two-lines", status + "Upgrade: websocket\r\n".len()),
        ("no-empty-line", plain.len() - 2),
    ] {
        let says =
            format!("{at} bytes of a response, and after them a Ping and the end: the client gives up");
        let mut case = case(format!("unfinished/{name}"), says, plain[..at].to_vec(), false);
        if let Work::Response { end, .. } = &mut case.work {
            *end = true;
        }
        cases.push(case.rule(Rule::ResponseMissing));
    }
    for (name, line) in [
        ("lower-case", "http/1.1 101 Switching Protocols"),
        ("no-version", "HTTP 101 Switching Protocols"),
        ("no-status", "HTTP/1.1 Switching Protocols"),
        ("status-of-two-digits", "HTTP/1.1 10 Switching Protocols"),
        ("another-protocol", "RTSP/1.0 101 Switching Protocols"),
    ] {
        let head = response(line, &FIELDS);
        let says = format!("A response that begins with `{line}` is not HTTP: the client gives up");
        cases.push(case(format!("status-line/{name}"), says, head, false).rule(Rule::ResponseNotHttp));
    }
}

fn accepted(cases: &mut Vec<Case>) {
    let mut accept = |name: &str, says: &str, line: &str, fields: &[(&str, &str)]| {
        cases.push(case(format!("accepts/{name}"), says, response(line, fields), true));
    };
    let [upgrade, connection, value] = FIELDS;
    for (name, fields) in [
        ("order-132", [upgrade, value, connection]),
        ("order-213", [connection, upgrade, value]),
        ("order-231", [connection, value, upgrade]),
        ("order-312", [value, upgrade, connection]),
        ("order-321", [value, connection, upgrade]),
    ] {
        accept(name, "The order of the header lines does not matter", LINE, &fields);
    }
    let lower = [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", "{accept}")];
    accept("lower-case", "Header names and tokens are compared without regard to case", LINE, &lower);
    let upper = [("UPGRADE", "WEBSOCKET"), ("CONNECTION", "UPGRADE"), ("SEC-WEBSOCKET-ACCEPT", "{accept}")];
    accept("upper-case", "Header names and tokens are compared without regard to case", LINE, &upper);
    let says = "The reason phrase of a status has no meaning";
    accept("other-phrase", says, "HTTP/1.1 101 Web Socket Protocol Handshake", &FIELDS);
    accept("empty-phrase", says, "HTTP/1.1 101 ", &FIELDS);
    let spaces =
        [("Upgrade", "  websocket "), ("Connection", "\tUpgrade\t"), ("Sec-WebSocket-Accept", " {accept} ")];
    accept("spaces", "Spaces around a value are not part of it", LINE, &spaces);
    let list = [upgrade, ("Connection", "keep-alive, Upgrade"), value];
    accept("connection-list", "Connection is a list", LINE, &list);
    for (name, field, text) in [
        ("server", "Server", "check/1"),
        ("date", "Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("cookie", "Set-Cookie", "a=1; Path=/"),
        ("content-length-0", "Content-Length", "0"),
        ("latin-1", "X-Name", "gr\u{fc}n"),
    ] {
        let fields = [upgrade, connection, value, (field, text)];
        accept(&format!("with-{name}"), "Other header lines are ignored", LINE, &fields);
    }
}

fn rejected(cases: &mut Vec<Case>) {
    let with = |name: &str, value: &'static str| {
        FIELDS.map(|(field, old)| if field == name { (field, value) } else { (field, old) })
    };
    let mut reject = |name: String, says: String, head: Vec<u8>, rule: Rule| {
        cases.push(case(name, format!("{says}: the client gives up"), head, false).rule(rule));
    };
    let rules = [
        ("Upgrade", Rule::ResponseUpgrade),
        ("Connection", Rule::ResponseConnection),
        ("Sec-WebSocket-Accept", Rule::ResponseAcceptMissing),
    ];
    for (field, rule) in rules {
        let without: Vec<_> = FIELDS.iter().filter(|(name, _)| *name != field).copied().collect();
        let id = field.to_ascii_lowercase();
        reject(
            format!("missing/{id}"),
            format!("A response without {field}"),
            response(LINE, &without),
            rule,
        );
    }
    let values = [
        ("upgrade-other", "Upgrade", "h2c", Rule::ResponseUpgrade),
        ("upgrade-empty", "Upgrade", "", Rule::ResponseUpgrade),
        ("upgrade-longer", "Upgrade", "websockets", Rule::ResponseUpgrade),
        ("connection-close", "Connection", "close", Rule::ResponseConnection),
        ("connection-empty", "Connection", "", Rule::ResponseConnection),
        ("connection-longer", "Connection", "Upgraded", Rule::ResponseConnection),
        ("accept-empty", "Sec-WebSocket-Accept", "", Rule::ResponseAcceptWrong),
        ("accept-other", "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Rule::ResponseAcceptWrong),
        ("accept-longer", "Sec-WebSocket-Accept", "{accept}=", Rule::ResponseAcceptWrong),
        ("accept-twice-in-one", "Sec-WebSocket-Accept", "{accept}, {accept}", Rule::ResponseAcceptWrong),
    ];
    for (name, field, value, rule) in values {
        let says = format!("A response with {field}: {value}");
        reject(format!("value/{name}"), says, response(LINE, &with(field, value)), rule);
    }
    for (name, field, value, rule) in [
        (
            "protocol-not-offered",
            "Sec-WebSocket-Protocol",
            "never.offered",
            Rule::ResponseSubprotocolUnoffered,
        ),
        (
            "extension-not-offered",
            "Sec-WebSocket-Extensions",
            "x-never-offered",
            Rule::ResponseExtensionUnoffered,
        ),
    ] {
        let [a, b, c] = FIELDS;
        let says = format!("A response with {field}: {value}, which was not offered");
        reject(format!("value/{name}"), says, response(LINE, &[a, b, c, (field, value)]), rule);
    }
    for status in [
        "200 OK",
        "204 No Content",
        "400 Bad Request",
        "403 Forbidden",
        "404 Not Found",
        "426 Upgrade Required",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ] {
        let head = response(&format!("HTTP/1.1 {status}"), &FIELDS);
        let id = status[..3].to_owned();
        reject(
            format!("status/{id}"),
            format!("A response with the status {id}"),
            head,
            Rule::ResponseStatus,
        );
    }
}
