//! nginx and HAProxy, with `framewise inspect` on both sides: client, inspector, proxy, inspector, server.

use std::net::TcpListener;
use std::{iter, thread};

use framewise_peers::{Answer, Client, Inspect, Proxy, Raw, RunningProxy, Saw, Serve, Step, hex};
use serde_json::{Value, json};

mod nginx {
    use super::*;

    const PROXY: Proxy = Proxy::Nginx;

    #[test]
    fn chromium() {
        echoes(PROXY, Client::Chromium);
    }

    #[test]
    fn ws() {
        echoes(PROXY, Client::Ws);
    }

    #[test]
    fn websockets() {
        echoes(PROXY, Client::Websockets);
    }

    #[test]
    fn every_byte_passes_unchanged() {
        passes_bytes(PROXY);
    }

    #[test]
    fn a_broken_frame_is_named_on_both_sides() {
        names_broken_frames(PROXY);
    }
}

mod haproxy {
    use super::*;

    const PROXY: Proxy = Proxy::Haproxy;

    #[test]
    fn chromium() {
        echoes(PROXY, Client::Chromium);
    }

    #[test]
    fn ws() {
        echoes(PROXY, Client::Ws);
    }

    #[test]
    fn websockets() {
        echoes(PROXY, Client::Websockets);
    }

    #[test]
    fn every_byte_passes_unchanged() {
        passes_bytes(PROXY);
    }

    #[test]
    fn a_broken_frame_is_named_on_both_sides() {
        names_broken_frames(PROXY);
    }
}

/// A proxy between two inspectors.
struct Chain {
    front: Inspect,
    _proxy: RunningProxy,
    back: Inspect,
}

impl Chain {
    fn to(server: u16, proxy: Proxy) -> Option<Self> {
        let back = Inspect::start(server);
        let proxy = proxy.start(back.port())?;
        let front = Inspect::start(proxy.port());
        Some(Self { front, _proxy: proxy, back })
    }

    /// The reports of both inspectors on the next connection.
    fn connections(&mut self) -> [Value; 2] {
        [self.front.connection(), self.back.connection()]
    }
}

fn echoes(proxy: Proxy, client: Client) {
    let serve = Serve::start();
    let Some(mut chain) = Chain::to(serve.port(), proxy) else { return };
    let Some(mut peer) = client.start() else { return };
    let text = "Grüße, 世界 🌍".repeat(2000);
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();

    let steps =
        [Step::text("hello"), Step::text(&*text), Step::binary(&bytes), Step::close(3000, "that is all, ✓")];
    let saw = peer.run(chain.front.url(), &steps);
    let [Saw::Open { .. }, rest @ ..] = &saw[..] else { panic!("{proxy:?}: {client:?} saw {saw:?}") };
    let echoes = [Saw::Text { text: "hello".into() }, Saw::Text { text }, Saw::Binary { hex: hex(&bytes) }];
    assert_eq!(rest[..3], echoes, "{proxy:?}: {client:?}");
    let closed = matches!(rest[3..], [Saw::Close { code: 3000, clean: true, .. }]);
    assert!(closed, "{proxy:?}: {client:?} saw {:?}", &rest[3..]);

    for connection in chain.connections() {
        assert_eq!(connection["findings"], json!([]), "{proxy:?}: {client:?}: {connection}");
        assert_eq!(connection["handshake"]["status"], 101);
        assert_eq!(connection["ended"]["code"], 3000);
    }
}

fn passes_bytes(proxy: Proxy) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let Some(mut chain) = Chain::to(port, proxy) else { return };
    let (mut client, mut server) = ends(&chain, &listener);

    // Frames of all three lengths, cut anywhere by the proxy; fragments, an empty one, a Ping between them.
    let sizes = [0, 1, 125, 126, 65_535, 65_536, 200_000];
    let (to_server, to_client) = (frames(&sizes, true), frames(&sizes, false));
    thread::scope(|scope| {
        scope.spawn(|| client.send(&to_server).expect("an open connection"));
        let arrived = server.receive(to_server.len()).expect("an open connection");
        assert!(arrived == to_server, "{proxy:?} changed what the client sent");
    });
    thread::scope(|scope| {
        scope.spawn(|| server.send(&to_client).expect("an open connection"));
        let arrived = client.receive(to_client.len()).expect("an open connection");
        assert!(arrived == to_client, "{proxy:?} changed what the server sent");
    });

    client.send_frame(8, &1000_u16.to_be_bytes()).expect("an open connection");
    assert_eq!(server.answer(), Answer::Close(Some(1000)));
    drop(client);
    for connection in chain.connections() {
        // The server of this test answered neither the Pings nor the Close; that is all there is to say.
        let rules: Vec<&str> =
            rules(&connection).into_iter().filter(|rule| !rule.contains("unanswered")).collect();
        assert_eq!(rules, [""; 0], "{proxy:?}: {connection}");
    }
}

fn names_broken_frames(proxy: Proxy) {
    // What a client may not send: our server ends the connection, and the proxy brings its Close back.
    let serve = Serve::start();
    let Some(mut chain) = Chain::to(serve.port(), proxy) else { return };
    let broken: [(&str, u16, &[u8]); 4] = [
        ("mask-missing", 1002, &[0x81, 0x02, 0x68, 0x69]),
        ("rsv1-unnegotiated", 1002, &[0xc1, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]),
        ("text-invalid-utf8", 1007, &[0x81, 0x81, 0x37, 0xfa, 0x21, 0x3d, 0xc8]),
        ("close-code-invalid", 1002, &[0x88, 0x82, 0x37, 0xfa, 0x21, 0x3d, 0x34, 0x1d]),
    ];
    for (rule, code, bytes) in broken {
        let mut client = Raw::connect(chain.front.port(), "").expect("a handshake");
        client.send(bytes).expect("an open connection");
        assert_eq!(client.answer(), Answer::Close(Some(code)), "{proxy:?}: {rule}");
        for connection in chain.connections() {
            let verdict = (&connection["verdict"]["rule"], &connection["verdict"]["close"]);
            assert_eq!(verdict, (&json!(rule), &json!(code)), "{proxy:?}: {connection}");
            assert_eq!(connection["findings"][0]["by"], "client", "{proxy:?}: {connection}");
        }
    }

    // What a server may not send arrives as it was sent, and is named as well.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let Some(mut chain) = Chain::to(port, proxy) else { return };
    let bytes = [0x81, 0x82, 0x37, 0xfa, 0x21, 0x3d, 0x5f, 0x93];
    let (mut client, mut server) = ends(&chain, &listener);
    server.send(&bytes).expect("an open connection");
    assert_eq!(client.receive(bytes.len()).expect("an open connection"), bytes, "{proxy:?}");
    drop((client, server));
    for connection in chain.connections() {
        assert_eq!(connection["verdict"]["rule"], "mask-present", "{proxy:?}: {connection}");
        assert_eq!(connection["findings"][0]["by"], "server", "{proxy:?}: {connection}");
    }
}

/// Both ends of a connection through the chain.
fn ends(chain: &Chain, listener: &TcpListener) -> (Raw, Raw) {
    let listener = listener.try_clone().expect("the socket once more");
    // No scope waits for this thread: if the client fails, no connection arrives to be accepted.
    let server = thread::spawn(move || Raw::accept(&listener, "").expect("a handshake"));
    let client = Raw::connect(chain.front.port(), "").expect("a handshake");
    (client, server.join().expect("a server"))
}

/// For each size a binary message, then the same message in two frames with a Ping between them. A client masks each frame
/// with a key that is unrelated to the previous one.
fn frames(sizes: &[usize], masks: bool) -> Vec<u8> {
    let mut keys = masks
        .then(|| iter::successors(Some(0x37fa_213d_u32), |key| Some(key.wrapping_mul(*key) ^ 0x9e37_79b9)));
    let mut bytes = Vec::new();
    for &size in sizes {
        let payload: Vec<u8> = (0..=255).cycle().take(size).collect();
        let (start, rest) = payload.split_at(size / 3);
        for (first, payload) in [(0x82, &payload[..]), (0x02, start), (0x89, b""), (0x80, rest)] {
            let key = keys.as_mut().and_then(Iterator::next).map(u32::to_be_bytes);
            bytes.extend(frame(first, payload, key));
        }
    }
    bytes
}

fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if key.is_some() { 0x80 } else { 0 };
    let mut frame = match payload.len() {
        length @ ..126 => vec![first, masked | length as u8],
        length @ ..65_536 => [&[first, masked | 0x7e][..], &(length as u16).to_be_bytes()].concat(),
        length => [&[first, masked | 0x7f][..], &(length as u64).to_be_bytes()].concat(),
    };
    frame.extend(key.iter().flatten());
    let mut key = key.unwrap_or_default().into_iter().cycle();
    frame.extend(payload.iter().map(|byte| byte ^ key.next().unwrap_or_default()));
    frame
}

/// The rules of the findings.
fn rules(connection: &Value) -> Vec<&str> {
    let findings = connection["findings"].as_array();
    findings.into_iter().flatten().filter_map(|finding| finding["rule"].as_str()).collect()
}
