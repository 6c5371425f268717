//! The way in after somebody else's handshake, and out again.

use framewise::proto::Opcode;
use framewise::{
    Adopt, Client, Config, DeflateConfig, Error, Headers, Message, Misuse, Role, Rule, Strictness, WebSocket,
    pair,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

#[cfg(feature = "hyper")]
use crate::common::switch;
use crate::common::{masked, plain, read_head};

type Lines<'l> = &'l [(&'l str, &'l str)];

fn adopt(
    role: Role,
    request: Option<Lines<'_>>,
    response: Lines<'_>,
    config: Config,
) -> Result<WebSocket<DuplexStream>, Error> {
    let (stream, _) = duplex(64);
    let adopted = if role == Role::Client { Adopt::client(stream) } else { Adopt::server(stream) };
    let adopted = adopted.config(config).response(response.iter().copied());
    match request {
        Some(request) => adopted.request(request.iter().copied()).start(),
        None => adopted.start(),
    }
}

const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
const ACCEPT: (&str, &str) = ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

#[tokio::test]
async fn an_agreement_that_the_offer_did_not_have_is_refused() {
    let offer: Lines<'_> =
        &[("sec-websocket-protocol", "a, b"), ("sec-websocket-extensions", "permessage-deflate")];
    let chosen: Lines<'_> = &[("Sec-WebSocket-Protocol", "c")];
    let unknown: Lines<'_> = &[("Sec-WebSocket-Extensions", "foo")];
    let window: Lines<'_> = &[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=10")];
    let deflate: Lines<'_> = &[("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10")];
    let cases: [(Option<Lines<'_>>, Lines<'_>, Option<Rule>); 12] = [
        (Some(offer), &[("Sec-WebSocket-Protocol", "b")], None),
        (Some(offer), chosen, Some(Rule::ResponseSubprotocolUnoffered)),
        (Some(&[]), chosen, Some(Rule::ResponseSubprotocolUnoffered)),
        (None, chosen, None),
        (Some(offer), deflate, None),
        (None, deflate, None),
        (Some(&[]), deflate, Some(Rule::ResponseExtensionUnoffered)),
        (Some(offer), window, Some(Rule::DeflateWindowUnoffered)),
        (Some(offer), unknown, Some(Rule::ResponseExtensionUnoffered)),
        (None, &[("Sec-WebSocket-Extensions", "permessage-deflate; x")], Some(Rule::DeflateResponseInvalid)),
        (Some(&[KEY]), &[ACCEPT], None),
        (Some(&[KEY]), &[("Sec-WebSocket-Accept", "other")], Some(Rule::ResponseAcceptWrong)),
    ];
    for (request, response, expected) in cases {
        for role in [Role::Client, Role::Server] {
            let got = match adopt(role, request, response, Config::default()) {
                Ok(ws) => {
                    let protocol = response.iter().find(|(name, _)| *name == "Sec-WebSocket-Protocol");
                    assert_eq!(ws.protocol(), protocol.map(|(_, value)| *value));
                    assert_eq!(ws.role(), role);
                    None
                }
                Err(Error::Violation(violation)) => {
                    assert_eq!((violation.by, violation.offset), (Role::Server, None), "{violation}");
                    Some(violation.rule)
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(got, expected, "{request:?} {response:?}");
        }
    }
    // Offered and agreed, and yet nothing that this crate can do.
    for request in [None, Some(&[("Sec-WebSocket-Extensions", "foo")][..])] {
        let error = adopt(Role::Client, request, unknown, Config::default()).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Extension)), "{error}");
    }
}

#[tokio::test]
async fn lines_that_are_there_are_checked_and_tolerated_ones_are_noted() {
    let upgrade: Lines<'_> = &[("Upgrade", "h2c")];
    let error = adopt(Role::Client, None, upgrade, Config::default()).unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::ResponseUpgrade);
    let body: Lines<'_> = &[("Content-Length", "0")];
    let error = adopt(Role::Client, None, body, Config::default()).unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::ResponseBodyFraming);
    let strictness = Strictness::default().body_headers_on_101(true);
    let mut ws = adopt(Role::Client, None, body, Config::default().strictness(strictness)).unwrap();
    let Some(Ok(framewise::Event::Tolerated(note))) = ws.next_event().await else { panic!("no note") };
    assert_eq!(note.rule, Rule::ResponseBodyFraming);
    let response = ws.response().unwrap();
    assert_eq!(response.header("content-length"), Some(&b"0"[..]));
    assert_eq!(response.header("upgrade"), None, "it is not known");
    assert!(Adopt::client(duplex(64).0).start().unwrap().response().is_none());
    let deflate = Some(DeflateConfig::default().required(true));
    let error = adopt(Role::Client, None, &[], Config::default().deflate(deflate)).unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::ExtensionRequired);
    // A server requires it in the handshake, which is done.
    assert!(adopt(Role::Server, None, &[], Config::default().deflate(deflate)).is_ok());
}

#[tokio::test]
async fn what_was_agreed_is_used() {
    let (near, far) = duplex(1 << 16);
    let request = [("Sec-WebSocket-Extensions", "permessage-deflate"), ("Authorization", "secret")];
    let response = [("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover")];
    // A configuration without it stands back.
    let adopted = Adopt::client(near).request(request).response(response);
    assert!(!format!("{adopted:?}").contains("secret"));
    let mut client = adopted.start().unwrap();
    let mut server = Adopt::server(far).request(request).response(response).start().unwrap();
    assert_eq!(server.request().unwrap().header("authorization"), Some(&b"secret"[..]));
    let text = "abc ".repeat(1000);
    server.feed(text.as_str()).await.unwrap();
    assert!(server.queued() < 200, "{}", server.queued());
    server.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text(text.as_str()));
    client.send(text.as_str()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text(text));
}

#[tokio::test]
async fn a_stream_that_begins_with_something_else_says_what_it_is() {
    let reply = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".as_slice();
    for (bytes, says) in [
        (reply, "begin like an HTTP response"),
        (b"GET /chat HTTP/1.1\r\nHost: h\r\n\r\n", "begin like an HTTP request"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "begin like a TLS record"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "begin like a TLS record"),
        // Look-alikes.
        (b"\x47\x00\x00\x00\x00\x00", ""),
        (b"\x16\x84\x00\x00\x00\x00", ""),
    ] {
        for read_ahead in [0, 1, 2, 3, bytes.len()] {
            for role in [Role::Client, Role::Server] {
                let (stream, mut raw) = duplex(1 << 16);
                let adopted =
                    if role == Role::Client { Adopt::client(stream) } else { Adopt::server(stream) };
                let mut ws = adopted.read_ahead(&bytes[..read_ahead]).start().unwrap();
                for byte in &bytes[read_ahead..] {
                    raw.write_all(&[*byte]).await.unwrap();
                }
                drop(raw);
                let Some(Err(Error::Violation(violation))) = ws.next().await else { panic!("no violation") };
                assert_eq!((violation.offset, violation.frame), (Some(0), 1));
                let sentence = violation.to_string();
                assert!(
                    sentence.contains(says) && says.is_empty() != sentence.contains("begin like"),
                    "{sentence}"
                );
                assert!(ws.next().await.is_none());
            }
        }
    }
    // A payload that looks like it is no fault, and a later frame is not the beginning.
    let (stream, mut raw) = duplex(1 << 16);
    let mut server = Adopt::server(stream).start().unwrap();
    raw.write_all(&[&masked(Opcode::Text, true, reply)[..], reply].concat()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap().as_bytes(), reply);
    drop(raw);
    let Some(Err(Error::Violation(violation))) = server.next().await else { panic!("no violation") };
    assert!(!violation.to_string().contains("HTTP"), "{violation}");
}

#[tokio::test]
async fn a_connection_goes_out_and_in_again_and_loses_nothing() {
    let (mut client, mut server) = pair();
    for text in ["one", "two", "three"] {
        client.feed(text).await.unwrap();
    }
    client.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("one"));
    server.feed("queued").await.unwrap();
    let (stream, read) = server.into_inner();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("queued"));
    assert_eq!(read.len(), 2 * 6 + 3 + 5);
    let mut server = Adopt::server(stream).read_ahead(read).start().unwrap();
    for text in ["two", "three"] {
        assert_eq!(server.next().await.unwrap().unwrap(), Message::text(text));
    }
    // Idle, there is nothing.
    let (mut stream, read) = server.into_inner();
    assert!(read.is_empty());
    stream.write_all(&plain(Opcode::Text, true, b"by hand")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("by hand"));
    client.send("last").await.unwrap();
    drop(client);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest.len(), 6 + 4);
}

#[tokio::test]
async fn a_stop_closes_what_was_adopted() {
    let (near, far) = duplex(1 << 10);
    let stop = framewise::Stop::new();
    let mut server = Adopt::server(near).stop(&stop).start().unwrap();
    let mut client = Adopt::client(far).start().unwrap();
    let handler = tokio::spawn(async move { server.next().await.is_none() });
    let (got, ()) = tokio::join!(client.next(), stop.stop(std::time::Duration::from_secs(5)));
    assert!(got.is_none() && handler.await.unwrap());
    assert_eq!(client.ended().unwrap().code.0, 1001);
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn the_client_of_hyper_hands_over_its_upgrade() {
    use hyper_util::rt::TokioIo;

    let (near, mut far) = duplex(1 << 16);
    let server = tokio::spawn(async move {
        let request = read_head(&mut far).await.replace("sec-websocket-key", "Sec-WebSocket-Key");
        let first = plain(Opcode::Text, true, b"with the head");
        far.write_all(&[switch(&request).as_bytes(), &first].concat()).await.unwrap();
        far
    });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let offered = Client::new().handshake_headers().unwrap();
    let mut request = http::Request::get("/chat").header("Host", "example.com").body(String::new()).unwrap();
    request.headers_mut().extend(offered.to_http().unwrap());
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 101);
    let agreed = response.headers().clone();
    let upgraded = hyper::upgrade::on(response).await.unwrap();
    let parts = upgraded.downcast::<TokioIo<DuplexStream>>().unwrap();
    let adopted = Adopt::client(parts.io.into_inner()).read_ahead(parts.read_buf);
    let mut client = adopted.request(offered.iter()).response(&agreed).start().unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("with the head"));
    let mut server = Adopt::server(server.await.unwrap()).start().unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn the_lines_for_another_library_are_those_of_the_client() {
    let client = Client::new()
        .protocols(["a", "b"])
        .header("X-Other", "1")
        .deflate(DeflateConfig::default())
        .bearer_auth("secret");
    let (near, mut far) = duplex(1 << 16);
    let head = tokio::select! {
        head = read_head(&mut far) => head,
        _ = client.connect_over(near, "ws://h/") => unreachable!("nobody answers"),
    };
    let sent =
        |line: &str| !line.to_ascii_lowercase().starts_with("sec-websocket-key") && !line.starts_with("Host");
    let lines = client.handshake_headers().unwrap();
    let written: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .filter(|line| sent(line))
        .collect();
    let expected: Vec<&str> = head.lines().skip(1).filter(|line| !line.is_empty() && sent(line)).collect();
    assert_eq!(written, expected);
    // Each has a key of its own.
    let key = |lines: &Headers| lines.get("sec-websocket-key").unwrap().to_vec();
    assert_eq!(key(&lines).len(), 24);
    assert_ne!(key(&lines), key(&client.handshake_headers().unwrap()));
    assert!(!format!("{lines:?}").contains("secret"));
    // Host belongs to the other library, except for one that was set.
    assert_eq!(lines.get("host"), None);
    let lines = Client::new().header("host", "example.com").handshake_headers().unwrap();
    assert_eq!(lines.get("host"), Some(&b"example.com"[..]));
    for (name, value) in [("Upgrade", "h2c"), ("a b", "1"), ("a", "1\r\nb: 2")] {
        let refused = Client::new().header(name, value).handshake_headers();
        assert!(matches!(refused, Err(Error::Misuse(_))), "{name}: {refused:?}");
    }
}
