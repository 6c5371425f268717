//! Heads of HTTP/1.1: what is written, what is read again, and where it lies.

mod checks;

use framewise_proto::extension::parse_extensions;
use framewise_proto::handshake::http1::{
    MAX_LINES, Parsed, Progress, first_line, interim, parse_request, parse_response, read_request,
    read_response, size_of, worth_reading,
};
use framewise_proto::handshake::{
    ClientOffer, Headers, MAX_ELEMENTS, Response, ServerPolicy, extension_required, reject, rejection,
    request_ended, request_timed_out, response_ended, response_timed_out,
};
use framewise_proto::rules::{Limits, Role, Rule};
use framewise_proto::{Config, Detail, Violation};

const REQUEST: &str = "GET /chat?room=1 HTTP/1.1\r\nHost: h.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: https://h.example\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nX-Empty:\r\n\r\n";

/// The nonce of RFC 6455 §1.3.
fn offer() -> ClientOffer {
    ClientOffer {
        protocols: vec!["chat".into(), "superchat".into()],
        headers: [("Origin", "https://h.example")].into_iter().collect(),
        ..ClientOffer::new("h.example", "/chat?room=1", *b"the sample nonce")
    }
}

fn limited(head: usize) -> Limits {
    Limits::DEFAULT.head(head)
}

fn policy(head: usize) -> ServerPolicy {
    ServerPolicy { limits: limited(head), origins: None }
}

fn request(bytes: &[u8]) -> Progress<framewise_proto::handshake::Request> {
    read_request(bytes, &ServerPolicy::default())
}

fn response(bytes: &[u8]) -> Progress<Response> {
    read_response(bytes, &offer(), &Config::default())
}

fn broken<T>(progress: Progress<T>) -> Violation {
    match progress {
        Progress::Broken(violation) => violation,
        Progress::More => panic!("more"),
        Progress::Done { .. } => panic!("done"),
    }
}

/// The rule, who broke it, and where.
fn place(violation: &Violation) -> (Rule, Role, Option<u64>, u64) {
    (violation.rule, violation.by, violation.offset, violation.length)
}

#[test]
fn a_request_is_written_and_read_again_at_every_cut() {
    assert_eq!(offer().encode().map(String::from_utf8), Ok(Ok(REQUEST.into())));
    for cut in 0..REQUEST.len() {
        assert!(matches!(request(&REQUEST.as_bytes()[..cut]), Progress::More), "{cut}");
    }
    let Progress::Done { value, size, notes } = request(format!("{REQUEST}\u{1}").as_bytes()) else {
        panic!("a request")
    };
    assert_eq!((size, notes), (REQUEST.len(), vec![]));
    assert_eq!((&*value.target, &*value.host), ("/chat?room=1", "h.example"));
    assert_eq!((value.key, value.protocols), (offer().key, offer().protocols));
    assert_eq!(value.origin.as_deref(), Some("https://h.example"));
}

#[test]
fn a_response_is_written_and_read_again_behind_others_at_every_cut() {
    let Progress::Done { value, .. } = request(REQUEST.as_bytes()) else { panic!("a request") };
    let headers = [("X-Empty", "")].into_iter().collect();
    let written = value.accept(Some("chat"), &[], &headers).expect("it was offered").encode();
    assert_eq!(String::from_utf8(written), Ok(RESPONSE.replace("X-Empty:\r", "X-Empty: \r")));

    let before = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 \r\nX: y\r\n\r\n";
    for (interim, all) in [("", RESPONSE.to_owned()), (before, format!("{before}{RESPONSE}"))] {
        for cut in 0..all.len() {
            assert!(matches!(response(&all.as_bytes()[..cut]), Progress::More), "{cut}");
        }
        let Progress::Done { value, size, notes } = response(format!("{all}\u{1}").as_bytes()) else {
            panic!("a response")
        };
        assert_eq!((size, notes), (all.len(), vec![]));
        assert_eq!((value.status, value.protocol.as_deref()), (101, Some("chat")));
        // What is wrong is found at its place in all that the server sent.
        let wrong = all.replace("Protocol: chat", "Protocol: shout");
        let at = wrong.find("Sec-WebSocket-Protocol").expect("it is there") as u64;
        let found = broken(response(wrong.as_bytes()));
        let length = "Sec-WebSocket-Protocol: shout".len() as u64;
        assert_eq!(
            place(&found),
            (Rule::ResponseSubprotocolUnoffered, Role::Server, Some(at), length),
            "{interim:?}"
        );
    }
}

#[test]
fn an_interim_response_is_skipped_and_a_101_is_none() {
    for (status, skipped) in
        [(100, true), (101, false), (102, true), (103, true), (199, true), (200, false), (404, false)]
    {
        let head = format!("HTTP/1.1 {status} X\r\n\r\n");
        let expected = if skipped { head.len() } else { 0 };
        assert_eq!(interim(head.as_bytes(), 0), expected, "{status}");
        assert_eq!(interim(format!("ab{head}").as_bytes(), 2), expected, "{status}");
        assert_eq!(interim(&head.as_bytes()[..head.len() - 1], 0), 0);
    }
}

#[test]
fn a_field_lies_from_its_name_to_the_end_of_its_value() {
    let Ok(Some(Parsed { head, size })) = parse_request(REQUEST.as_bytes()) else { panic!("a request") };
    assert_eq!((size, head.method, head.target), (REQUEST.len(), "GET", "/chat?room=1"));
    // A head without a space to spare is as long as it is said to be.
    assert_eq!(size_of(&head), REQUEST.len());
    for field in head.fields.iter() {
        let place = field.place.expect("it was parsed out of bytes");
        let lies = &REQUEST[place.offset as usize..][..place.length as usize];
        assert_eq!(lies, format!("{}: {}", field.name, field.text()));
    }
    let Ok(Some(Parsed { head, size })) = parse_response(RESPONSE.as_bytes(), 0) else {
        panic!("a response")
    };
    assert_eq!((size, head.status, head.reason), (RESPONSE.len(), 101, "Switching Protocols"));
    let empty = head.fields.first("x-empty").and_then(|field| field.place).expect("it is there");
    assert_eq!(&RESPONSE[empty.offset as usize..][..empty.length as usize], "X-Empty:");
}

#[test]
fn a_head_may_be_as_long_as_its_limit_and_no_longer() {
    let (long, all) = (REQUEST.len(), format!("{REQUEST}\u{1}"));
    let read = |bytes: &str, limit| read_request(bytes.as_bytes(), &policy(limit));
    assert!(matches!(read(REQUEST, long), Progress::Done { .. }));
    assert!(matches!(read(&all, long), Progress::Done { .. }), "what follows does not count");
    assert!(matches!(read(&REQUEST[..long - 1], long - 1), Progress::More));
    let found = broken(read(REQUEST, long - 3));
    assert_eq!(place(&found), (Rule::RequestTooLarge, Role::Client, Some(long as u64 - 3), 3));

    let long = RESPONSE.len();
    let read = |bytes: &str, limit| {
        read_response(bytes.as_bytes(), &offer(), &Config::default().limits(limited(limit)))
    };
    assert!(matches!(read(RESPONSE, long), Progress::Done { .. }));
    assert!(matches!(read(&RESPONSE[..long - 1], long - 1), Progress::More));
    let found = broken(read(RESPONSE, long - 3));
    assert_eq!(place(&found), (Rule::ResponseTooLarge, Role::Server, Some(long as u64 - 3), 3));
    // Responses before it count.
    let found = broken(read(&format!("HTTP/1.1 100 Continue\r\n\r\n{RESPONSE}"), long));
    assert_eq!(place(&found), (Rule::ResponseTooLarge, Role::Server, Some(long as u64), 25));
}

#[test]
fn lines_and_elements_of_lists_are_counted() {
    let lines = |more: usize| REQUEST.replace("\r\nOrigin", &("\r\nX: y".repeat(more) + "\r\nOrigin"));
    let most = lines(MAX_LINES - 7);
    assert!(matches!(request(most.as_bytes()), Progress::Done { .. }));
    let more = lines(MAX_LINES - 6);
    let found = broken(request(more.as_bytes()));
    assert_eq!(place(&found), (Rule::RequestTooLarge, Role::Client, Some(0), more.len() as u64));
    assert_eq!(found.detail, Detail::MoreThan { limit: 128, of: "header lines" });

    let tokens = "t, ".repeat(MAX_ELEMENTS - 1);
    let within = REQUEST.replace("Connection: ", &format!("Connection: {tokens}"));
    assert!(matches!(request(within.as_bytes()), Progress::Done { .. }));
    let beyond = REQUEST.replace("Connection: ", &format!("Connection: t, {tokens}"));
    assert_eq!(broken(request(beyond.as_bytes())).rule, Rule::RequestTooLarge);
}

#[test]
fn what_is_no_head_is_shown_by_its_first_line() {
    let found = broken(request(b"SSH-2.0-x\r\nmore"));
    assert_eq!(place(&found), (Rule::RequestNotHttp, Role::Client, Some(0), 9));
    let found = broken(response(b"HTTP/1.1 100 Continue\r\n\r\n\x82\x01x\nmore"));
    assert_eq!(place(&found), (Rule::ResponseNotHttp, Role::Server, Some(25), 3));
    for (bytes, length) in
        [(&b""[..], 0), (b"\nab", 1), (b"ab", 2), (b"abc\rd", 3), (b"abc\nd", 3), (&[b'x'; 100], 80)]
    {
        assert_eq!(first_line(bytes), length, "{bytes:?}");
    }
}

#[test]
fn a_long_head_is_read_again_only_where_a_line_ended() {
    let quiet = [b'x'; 4_096];
    assert!(worth_reading(&quiet, 1_023, 4_096));
    assert!(!worth_reading(&quiet, 1_024, 4_096));
    assert!(worth_reading(&quiet, 1_024, 4_095));
    let mut line = quiet;
    line[2_000] = b'\n';
    assert!(worth_reading(&line, 2_000, 4_096));
    assert!(!worth_reading(&line, 2_001, 4_096));
}

#[test]
fn an_end_breaks_its_rule_behind_the_last_byte() {
    for (found, rule, by) in [
        (request_ended(b"GET"), Rule::RequestTruncated, Role::Client),
        (request_timed_out(b"GET"), Rule::RequestTimeout, Role::Client),
        (response_ended(b"HTT"), Rule::ResponseMissing, Role::Server),
        (response_timed_out(b"HTT"), Rule::ResponseTimeout, Role::Server),
    ] {
        assert_eq!(place(&found), (rule, by, Some(3), 0));
    }
    assert_eq!(place(&extension_required(9)), (Rule::ExtensionRequired, Role::Server, Some(0), 9));
}

#[test]
fn a_rejection_says_what_it_is_and_how_long() {
    for (status, reason) in [
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (408, "Request Timeout"),
        (418, ""),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (503, "Service Unavailable"),
        (505, "HTTP Version Not Supported"),
        (599, ""),
    ] {
        let written = reject(status, &Headers::new(), "no\n").expect("a rejection").encode();
        let expected = format!(
            "HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 3\r\n\r\nno\n"
        );
        assert_eq!(String::from_utf8(written), Ok(expected));
    }
    let old = REQUEST.replace("Version: 13", "Version: 14");
    let found = broken(request(old.as_bytes()));
    let written = rejection(&found).expect("an answer of HTTP").encode();
    let written = String::from_utf8(written).expect("text");
    let head = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\
                Sec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ";
    assert!(written.starts_with(head), "{written}");
    let post = broken(request(REQUEST.replace("GET", "POST").as_bytes()));
    let written = rejection(&post).expect("an answer of HTTP").encode();
    assert!(written.starts_with(b"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\n"));
    assert_eq!(rejection(&extension_required(9)), None);
}

#[test]
fn what_is_offered_and_accepted_can_be_asked() {
    let extensions =
        parse_extensions("permessage-deflate; client_max_window_bits, other; x=1").expect("a list");
    let offer = ClientOffer { extensions: extensions.clone(), ..offer() };
    let head = offer.encode().expect("a request");
    let line = "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, other; x=1\r\n";
    assert!(String::from_utf8_lossy(&head).contains(line));
    let Progress::Done { value, .. } = request(&head) else { panic!("a request") };
    assert_eq!((value.header("ORIGIN"), value.header("x")), (Some(&b"https://h.example"[..]), None));
    assert_eq!((value.headers.len(), value.headers.is_empty()), (8, false));
    assert!(Headers::default().is_empty());
    let again = ClientOffer::of(&value);
    assert_eq!((&again.host, &again.target, &again.key), (&offer.host, &offer.target, &offer.key));
    assert_eq!((&again.protocols, &again.extensions), (&offer.protocols, &extensions));
    assert_eq!(again.deflate().collect::<Vec<_>>(), [&extensions[0]]);
    let written = value.accept(None, &extensions[1..], &Headers::new()).expect("it is right").encode();
    let Progress::Done { value, notes, .. } = read_response(&written, &offer, &Config::default()) else {
        panic!("a response")
    };
    assert_eq!((value.header("upgrade"), value.header("x")), (Some(&b"websocket"[..]), None));
    assert_eq!((value.protocol, value.extensions), (None, extensions[1..].to_vec()));
    // Subprotocols were offered.
    assert_eq!(notes.iter().map(|note| note.rule).collect::<Vec<_>>(), [Rule::ResponseSubprotocolMissing]);
    let none = ClientOffer { protocols: Vec::new(), ..offer };
    let read = read_response(&written, &none, &Config::default());
    assert!(matches!(read, Progress::Done { notes, .. } if notes.is_empty()));
}
