//! Clients from other projects against `framewise serve`.

use framewise_peers::{Client, Saw, Serve, Step, hex};

#[test]
fn chromium() {
    echoes(Client::Chromium);
}

#[test]
fn ws() {
    echoes(Client::Ws);
}

#[test]
fn undici() {
    echoes(Client::Undici);
}

#[test]
fn node() {
    echoes(Client::Node);
}

#[test]
fn websockets() {
    echoes(Client::Websockets);
}

#[test]
fn aiohttp() {
    echoes(Client::Aiohttp);
}

#[test]
fn websocket_client() {
    echoes(Client::WebsocketClient);
}

#[test]
fn libcurl() {
    echoes(Client::Libcurl);
}

fn echoes(client: Client) {
    let Some(mut peer) = client.start() else { return };
    let serve = Serve::start();

    for text in ["hello", "", "Grüße, 世界 🌍", "\0", &"é".repeat(35_000), &"a".repeat(70_000)] {
        let saw = peer.run(serve.url(), &[Step::text(text), Step::close(1000, "")]);
        assert_opened(client, &saw);
        assert_eq!(saw[1], Saw::Text { text: text.to_owned() }, "{client:?}");
        assert_closed(client, &saw[2..], 1000);
    }

    let long: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for bytes in [&[][..], &[0, 255, 128], &long] {
        let saw = peer.run(serve.url(), &[Step::binary(bytes), Step::close(3000, "that is all, ✓")]);
        assert_opened(client, &saw);
        assert_eq!(saw[1], Saw::Binary { hex: hex(bytes) }, "{client:?}");
        assert_closed(client, &saw[2..], 3000);
    }

    // A character is cut between two frames where the client takes bytes; each of them is a complete text here.
    let steps = [Step::fragments(&["Grü", "", "ße"]), Step::ping(b"are you there?"), Step::text("and on")];
    let saw = peer.run(serve.url(), &[&steps[..], &[Step::close(4999, "")]].concat());
    assert_opened(client, &saw);
    let unsupported = |step: &str| Saw::Unsupported { step: step.to_owned() };
    let fragments = Saw::Text { text: "Grüße".into() };
    assert_eq!(
        saw[1],
        if client.can_fragment() { fragments } else { unsupported("fragments") },
        "{client:?}"
    );
    let pong = Saw::Pong { hex: hex(b"are you there?") };
    assert_eq!(saw[2], if client.can_ping() { pong } else { unsupported("ping") }, "{client:?}");
    assert_eq!(saw[3], Saw::Text { text: "and on".into() }, "{client:?}");
    assert_closed(client, &saw[4..], 4999);

    // The server's end: everyone is told that it goes away.
    peer.begin(serve.url(), &[Step::Listen]);
    assert_opened(client, &[peer.next_saw()]);
    serve.interrupt();
    assert_closed(client, &peer.finish(), 1001);
}

fn assert_opened(client: Client, saw: &[Saw]) {
    let Some(Saw::Open { extensions }) = saw.first() else { panic!("{client:?} saw {saw:?}") };
    let agreed = extensions.starts_with("permessage-deflate");
    assert_eq!(agreed, client.offers_deflate(), "{client:?} agreed {extensions:?}");
}

/// Asserts that the last thing seen is a clean close with this code.
fn assert_closed(client: Client, saw: &[Saw], expected: u16) {
    match saw {
        [Saw::Close { code, clean: true, .. }] if *code == expected => {}
        _ => panic!("{client:?} saw {saw:?}, not a clean close with {expected}"),
    }
}
