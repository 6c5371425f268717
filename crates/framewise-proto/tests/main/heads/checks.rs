//! Each rule of a head, and what looks like breaking it.

use framewise_proto::extension::parse_extensions;
use framewise_proto::handshake::http1::{Progress, read_request, read_response};
use framewise_proto::handshake::{
    ClientOffer, Fields, HttpVersion, MAX_ELEMENTS, RequestHead, ServerPolicy, check_request,
    extension_required,
};
use framewise_proto::rules::{Limits, Rule};
use framewise_proto::{Config, Detail, Strictness, Violation};

use super::{REQUEST, RESPONSE, broken, offer, request, response};

#[test]
fn each_fault_of_a_request_is_told_and_what_looks_like_it_is_not() {
    for (from, to, rule) in [
        ("HTTP/1.1", "HTTP/1.0", Some(Rule::RequestHttpVersion)),
        ("Connection: Upgrade", "Connection: keep-alive", Some(Rule::RequestConnection)),
        ("Connection: Upgrade", "Connection: keep-alive, upgrade", None),
        ("Upgrade: websocket", "Upgrade: h2c", Some(Rule::RequestUpgrade)),
        ("Upgrade: websocket", "Upgrade: h2c, WebSocket", None),
        ("Version: 13", "Version: 14", Some(Rule::RequestVersion)),
        ("Version: 13", "Version: 8", Some(Rule::RequestLegacyDraft)),
        ("Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", Some(Rule::RequestVersion)),
        ("Version: 13", "Version: 13\r\nSec-WebSocket-Key2: 1", Some(Rule::RequestLegacyDraft)),
        ("Origin: ", "Content-Length: 0\r\nOrigin: ", None),
        ("Origin: ", "Content-Length: 00, 0\r\nOrigin: ", None),
        ("Origin: ", "Content-Length: 5\r\nOrigin: ", Some(Rule::RequestBody)),
        ("Origin: ", "Content-Length: +5\r\nOrigin: ", Some(Rule::RequestContentLength)),
        ("Origin: ", "Content-Length: \r\nOrigin: ", Some(Rule::RequestContentLength)),
        ("Origin: ", "Transfer-Encoding: chunked\r\nOrigin: ", Some(Rule::RequestBody)),
        ("dGhl", "dGhl, dGhl", Some(Rule::RequestKeyRepeated)),
        ("dGhl", "dGh", Some(Rule::RequestKeyInvalid)),
        ("/chat?room=1", "http://h.example/chat", None),
        ("/chat?room=1", "http://other/chat", Some(Rule::RequestHostMismatch)),
        ("Host: h.example\r\n", "", Some(Rule::RequestHost)),
        ("Host: h.example", "Host: h.example\r\nHost: h.example", Some(Rule::RequestHost)),
        ("chat, superchat", "chat, chat", Some(Rule::RequestSubprotocolSyntax)),
        ("chat, superchat", "chat, Chat", None),
    ] {
        let head = REQUEST.replace(from, to);
        let found = match request(head.as_bytes()) {
            Progress::Broken(violation) => Some(violation.rule),
            Progress::Done { notes, .. } => notes.first().map(|note| note.rule),
            Progress::More => panic!("it is whole"),
        };
        assert_eq!(found, rule, "{to}");
    }
}

#[test]
fn each_fault_of_a_response_is_told_and_what_looks_like_it_is_not() {
    for (from, to, rule) in [
        ("Upgrade: websocket", "Upgrade: WebSocket", None),
        ("Upgrade: websocket", "Upgrade: h2c", Some(Rule::ResponseUpgrade)),
        ("Upgrade: websocket", "Upgrade: websocket, h2c", Some(Rule::ResponseUpgrade)),
        ("Upgrade: websocket\r\n", "", Some(Rule::ResponseUpgrade)),
        ("Connection: Upgrade", "Connection: close", Some(Rule::ResponseConnection)),
        ("Connection: Upgrade", "Connection: x, UPGRADE", None),
        ("s3pP", "s3pX", Some(Rule::ResponseAcceptWrong)),
        ("Sec-WebSocket-Accept", "X-Accept", Some(Rule::ResponseAcceptMissing)),
        ("Protocol: chat", "Protocol: superchat", None),
        (
            "Protocol: chat",
            "Protocol: chat\r\nSec-WebSocket-Protocol: chat",
            Some(Rule::ResponseSubprotocolUnoffered),
        ),
        ("Sec-WebSocket-Protocol: chat\r\n", "", Some(Rule::ResponseSubprotocolMissing)),
        ("X-Empty:", "Sec-WebSocket-Extensions: other", Some(Rule::ResponseExtensionUnoffered)),
        ("X-Empty:", "Sec-WebSocket-Extensions: ;", Some(Rule::ResponseExtensionSyntax)),
        ("X-Empty:", "Content-Length: 0", Some(Rule::ResponseBodyFraming)),
        ("X-Empty:", "Transfer-Encoding: chunked", Some(Rule::ResponseBodyFraming)),
        ("X-Empty:", "Content-Encoding: gzip", Some(Rule::ResponseContentEncoding)),
        ("101 Switching Protocols", "200 OK", Some(Rule::ResponseStatus)),
    ] {
        let head = RESPONSE.replace(from, to);
        let found = match response(head.as_bytes()) {
            Progress::Broken(violation) => Some(violation.rule),
            Progress::Done { notes, .. } => notes.first().map(|note| note.rule),
            Progress::More => panic!("it is whole"),
        };
        assert_eq!(found, rule, "{to}");
    }
}

#[test]
fn all_that_a_head_breaks_is_listed_once() {
    let wrong = REQUEST.replace("GET", "POST").replace("Upgrade: websocket\r\n", "").replace(": 13", ": 14");
    let found = broken(request(wrong.as_bytes()));
    assert_eq!(
        (found.rule, &found.also[..]),
        (Rule::RequestMethod, &[Rule::RequestUpgrade, Rule::RequestVersion][..])
    );
    let tokens = "t, ".repeat(MAX_ELEMENTS);
    let wrong = REQUEST.replace("Connection: ", &format!("Connection: {tokens}"));
    let wrong = wrong.replace("Upgrade: websocket", &format!("Upgrade: {tokens}websocket"));
    let found = broken(request(wrong.as_bytes()));
    assert_eq!((found.rule, &found.also[..]), (Rule::RequestTooLarge, &[][..]));
    assert_eq!(found.detail, Detail::MoreThan { limit: 64, of: "elements in a list header" });
}

#[test]
fn an_origin_is_let_in_by_the_policy_alone() {
    for (allowed, from, to, rule) in [
        (None, "h.example\r\n\r\n", "other\r\n\r\n", None),
        (Some("https://H.example"), "", "", None),
        (Some("https://other"), "", "", Some(Rule::RequestOrigin)),
        (Some("https://h.example"), "Origin: https://h.example\r\n", "", Some(Rule::RequestOrigin)),
        (
            Some("https://h.example"),
            "Origin: ",
            "Origin: https://other\r\nOrigin: ",
            Some(Rule::RequestOrigin),
        ),
    ] {
        let origins = allowed.map(|origin: &str| vec![origin.to_owned()]);
        let head = if from.is_empty() { REQUEST.to_owned() } else { REQUEST.replace(from, to) };
        let found = match read_request(head.as_bytes(), &ServerPolicy { limits: Limits::DEFAULT, origins }) {
            Progress::Broken(violation) => Some(violation.rule),
            Progress::Done { .. } => None,
            Progress::More => panic!("it is whole"),
        };
        assert_eq!(found, rule, "{allowed:?} {to}");
    }
}

#[test]
fn an_extension_that_is_accepted_has_to_fit_what_was_offered() {
    let tolerant = Strictness::default().body_headers_on_101(true);
    let all = "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11, other";
    for (offered, line, rule) in [
        (all, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10", None),
        (all, "Sec-WebSocket-Extensions: other, permessage-deflate; server_max_window_bits=9", None),
        (all, "Sec-WebSocket-Extensions: permessage-deflate", Some(Rule::DeflateWindowExceeds)),
        (
            all,
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11",
            Some(Rule::DeflateWindowExceeds),
        ),
        (
            all,
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
            Some(Rule::DeflateWindowExceeds),
        ),
        (
            all,
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            Some(Rule::DeflateResponseInvalid),
        ),
        (all, "Sec-WebSocket-Extensions: other, other", Some(Rule::ResponseExtensionUnoffered)),
        (
            "permessage-deflate",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9",
            Some(Rule::DeflateWindowUnoffered),
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "Sec-WebSocket-Extensions: permessage-deflate",
            Some(Rule::DeflateTakeoverIgnored),
        ),
        // The second of two offers allows it.
        (
            "permessage-deflate; server_no_context_takeover, permessage-deflate",
            "Sec-WebSocket-Extensions: permessage-deflate",
            None,
        ),
        // What is tolerated is a note, and nothing else is.
        ("other", "Content-Length: 0", Some(Rule::ResponseBodyFraming)),
    ] {
        let offer = ClientOffer { extensions: parse_extensions(offered).expect("a list"), ..offer() };
        let head = RESPONSE.replace("X-Empty:", line);
        for (strictness, tolerated) in
            [(Strictness::default(), false), (tolerant, rule == Some(Rule::ResponseBodyFraming))]
        {
            let found =
                match read_response(head.as_bytes(), &offer, &Config::default().strictness(strictness)) {
                    Progress::Broken(violation) => (Some(violation.rule), false),
                    Progress::Done { notes, .. } => (notes.first().map(|note| note.rule), !notes.is_empty()),
                    Progress::More => panic!("it is whole"),
                };
            assert_eq!(found, (rule, tolerated), "{offered} {line}");
        }
    }
    // An offer that means nothing is a note: the connection goes on without it.
    for (offer, rule) in [("permessage-deflate; x", Some(Rule::DeflateOfferInvalid)), ("other; x", None)] {
        let head = REQUEST.replace("Origin", &format!("Sec-WebSocket-Extensions: {offer}\r\nOrigin"));
        let Progress::Done { notes, .. } = request(head.as_bytes()) else { panic!("a request") };
        assert_eq!(notes.first().map(|note| note.rule), rule);
    }
}

#[test]
fn what_a_head_lacks_is_named_and_was_not_sent() {
    let line = |head: &str, name: &str| head.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    let says = |violation: &Violation| violation.sentence().to_string();
    let no_origin =
        ServerPolicy { origins: Some(vec!["https://h.example".into()]), ..ServerPolicy::default() };
    for name in ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin"] {
        let line = line(REQUEST, name).unwrap();
        let lacks = REQUEST.replace(&format!("{line}\r\n"), "");
        let found = broken(read_request(lacks.as_bytes(), &no_origin));
        let end =
            format!(" ({name} is missing). By the client, in the head that ends at byte {}.", lacks.len());
        assert!(says(&found).ends_with(&end), "{}", says(&found));
        // With a wrong value, it was sent.
        let wrong = REQUEST.replace(&line, &format!("{name}: ?"));
        let found = broken(read_request(wrong.as_bytes(), &no_origin));
        let end = format!(". Sent by the client at byte {}.", wrong.find(&format!("{name}: ?")).unwrap());
        assert!(says(&found).ends_with(&end), "{}", says(&found));
    }
    // What an HTTP library parsed has no bytes.
    let head = RequestHead {
        method: "GET",
        target: "/",
        version: HttpVersion::Http11,
        fields: Fields::default(),
        place: None,
    };
    for found in check_request(&head) {
        assert!(says(&found).ends_with(" is missing). By the client."), "{}", says(&found));
    }
    // A start line was sent.
    let found = broken(read_request(REQUEST.replace("GET", "PUT").as_bytes(), &ServerPolicy::default()));
    assert!(says(&found).ends_with(". Sent by the client at byte 0."), "{}", says(&found));

    for name in ["Upgrade", "Connection", "Sec-WebSocket-Accept"] {
        let line = line(RESPONSE, name).unwrap();
        let early = "HTTP/1.1 103 Early Hints\r\n\r\n";
        let lacks = [early, &RESPONSE.replace(&format!("{line}\r\n"), "")].concat();
        let found = broken(response(lacks.as_bytes()));
        let end =
            format!(" ({name} is missing). By the server, in the head that ends at byte {}.", lacks.len());
        assert!(says(&found).ends_with(&end), "{}", says(&found));
        let found = broken(response(RESPONSE.replace(&line, &format!("{name}: ?")).as_bytes()));
        assert!(says(&found).contains(". Sent by the server at byte "), "{}", says(&found));
    }
    let lacks = RESPONSE.replace("Sec-WebSocket-Protocol: chat\r\n", "");
    let Progress::Done { notes, .. } = response(lacks.as_bytes()) else { panic!("it is only a note") };
    let end = format!(
        "(Sec-WebSocket-Protocol is missing). By the server, in the head that ends at byte {}.",
        lacks.len()
    );
    assert!(says(&notes[0]).ends_with(&end), "{}", says(&notes[0]));

    let required = |head| says(&extension_required(head));
    assert!(
        required(9)
            .ends_with("(permessage-deflate is missing). By the server, in the head that ends at byte 9.")
    );
    assert!(required(0).ends_with("(permessage-deflate is missing). By the server."));
}
