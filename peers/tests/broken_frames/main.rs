//! Sends each peer the broken frames among the examples of the rules. Its reaction on the wire must be the one recorded in
//! `reactions.md`, which also records its error messages. `cargo xtask peers --write` records the reactions again.

mod case;
mod reactions;

use std::net::TcpListener;

use case::Case;
use framewise_peers::{Client, Raw, RunningClient, RunningServer, Saw, Server, Step};
use framewise_rules::Role;
use reactions::{Reaction, Section};

mod client {
    use super::*;

    #[test]
    fn chromium() {
        show_client(Client::Chromium);
    }

    #[test]
    fn ws() {
        show_client(Client::Ws);
    }

    #[test]
    fn undici() {
        show_client(Client::Undici);
    }

    #[test]
    fn node() {
        show_client(Client::Node);
    }

    #[test]
    fn websockets() {
        show_client(Client::Websockets);
    }

    #[test]
    fn aiohttp() {
        show_client(Client::Aiohttp);
    }

    #[test]
    fn websocket_client() {
        show_client(Client::WebsocketClient);
    }

    #[test]
    fn libcurl() {
        show_client(Client::Libcurl);
    }
}

mod server {
    use super::*;

    #[test]
    fn ws() {
        show_server(Server::Ws);
    }

    #[test]
    fn websockets() {
        show_server(Server::Websockets);
    }

    #[test]
    fn aiohttp() {
        show_server(Server::Aiohttp);
    }
}

fn show_client(client: Client) {
    let Some(mut peer) = client.start() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let reactions = case::all(Role::Server)
        .iter()
        .filter_map(|case| client_reaction(&mut peer, &listener, case))
        .collect();
    Section::new(client.id(), Role::Client, peer.title(), reactions).record_or_compare();
}

/// The reaction of a client; `None` if it does not offer the extension that the case needs.
fn client_reaction(peer: &mut RunningClient, listener: &TcpListener, case: &Case) -> Option<Reaction> {
    let port = listener.local_addr().expect("a bound socket").port();
    peer.begin(&format!("ws://127.0.0.1:{port}/"), &[Step::Listen]);
    let mut raw = Raw::accept(listener, &case.agreed).expect("the client's handshake");
    if raw.extensions() != case.agreed {
        drop(raw);
        peer.finish();
        return None;
    }
    // It may refuse the handshake already, and be gone: then the answer tells.
    let _ = raw.send(&case.bytes);
    let answer = raw.answer();
    Some(Reaction::new(case, answer, &said(&peer.finish())))
}

fn show_server(server: Server) {
    let Some(mut peer) = server.start() else { return };
    let reactions =
        case::all(Role::Client).iter().filter_map(|case| server_reaction(&mut peer, case)).collect();
    Section::new(server.id(), Role::Server, peer.title(), reactions).record_or_compare();
}

/// The reaction of a server; `None` if it does not agree to the extension that the case needs.
fn server_reaction(peer: &mut RunningServer, case: &Case) -> Option<Reaction> {
    let mut raw = Raw::connect(peer.port(), &case.agreed).expect("the server's handshake");
    if raw.extensions() != case.agreed {
        drop(raw);
        peer.connection();
        return None;
    }
    let _ = raw.send(&case.bytes);
    let answer = raw.answer();
    Some(Reaction::new(case, answer, &said(&peer.connection())))
}

/// The messages that the peer shows.
fn said(saw: &[Saw]) -> Vec<String> {
    let said = saw.iter().filter_map(|event| match event {
        Saw::Text { text } => Some(format!("message \"{}\"", start_of(text))),
        Saw::Binary { hex } => Some(format!("message {}", start_of(hex))),
        Saw::Error { error } if !error.is_empty() => Some(error.trim_end_matches('.').to_owned()),
        Saw::Close { code, reason, .. } if reason.is_empty() => Some(format!("close event {code}")),
        Saw::Close { code, reason, .. } => Some(format!("close event {code} \"{reason}\"")),
        Saw::Open { .. }
        | Saw::Ping { .. }
        | Saw::Pong { .. }
        | Saw::Error { .. }
        | Saw::Unsupported { .. }
        | Saw::End => None,
    });
    said.collect()
}

fn start_of(text: &str) -> String {
    const MOST: usize = 30;
    let start: String = text.chars().take(MOST).collect();
    if start.len() < text.len() { start + "…" } else { start }
}
