use std::time::Duration;

use super::{SIDES, marker, send};
use crate::end::Step;
use crate::probe::{Group, Probe};
use crate::report::Severity;

const OFFER: &str = "permessage-deflate; client_max_window_bits";

pub(super) fn probes() -> Vec<Probe> {
    [vec![plain()], more()].concat()
}

fn probe(
    name: &str,
    says: &str,
    request: Vec<(&'static str, String)>,
    response: Vec<(&'static str, String)>,
) -> Probe {
    let mut probe = Probe::new(Group::Handshake, name, says);
    (probe.request, probe.response) = (request, response);
    let [client, server] = SIDES;
    probe.client = vec![send(&[marker(client)]), Step::Await(1)];
    probe.server = vec![send(&[marker(server)]), Step::Await(1)];
    probe.deadline = Duration::from_secs(6);
    probe
}

/// The probe that is run first: without it there is no connection.
pub(crate) fn plain() -> Probe {
    probe("plain", "the plainest request and its 101 arrive as they were sent", vec![], vec![])
        .hurts("every client: without these headers the server does not see a handshake")
}

fn more() -> Vec<Probe> {
    let line = |name, value: &str| (name, value.to_owned());
    let extensions = "Sec-WebSocket-Extensions";
    vec![
        probe(
            "headers",
            "Origin, Cookie, Authorization and headers of an application arrive as they were sent, in both directions",
            vec![
                line("Origin", "https://framewise.example"),
                line("User-Agent", "framewise-path"),
                line("Cookie", "a=1; b=2"),
                line("Authorization", "Bearer framewise"),
                line("X-Framewise-Case", "Mixed Case, and a comma"),
            ],
            vec![line("Set-Cookie", "a=1; Path=/"), line("Set-Cookie", "b=2; Path=/"), line("X-Framewise-Case", "back")],
        )
        .hurts("servers that check the Origin, the session or a login")
        .severity(Severity::Warning),
        probe(
            "subprotocol",
            "the offered subprotocols and the chosen one arrive",
            vec![line("Sec-WebSocket-Protocol", "chat.v2, chat.v1")],
            vec![line("Sec-WebSocket-Protocol", "chat.v1")],
        )
        .hurts("applications with a subprotocol, such as GraphQL, MQTT and STOMP"),
        probe(
            "connection-tokens",
            "“Connection: keep-alive, Upgrade”, as Firefox sends it, still asks for an upgrade",
            vec![line("Connection", "keep-alive, Upgrade")],
            vec![],
        )
        .hurts("users of Firefox"),
        probe("extensions-accepted", "an offer of permessage-deflate and its answer arrive", vec![line(extensions, OFFER)], vec![
            line(extensions, "permessage-deflate; server_no_context_takeover"),
        ])
        .hurts("clients and servers that compress"),
        probe(
            "extensions-declined",
            "an offer of permessage-deflate arrives, and no answer where the server gives none",
            vec![line(extensions, OFFER)],
            vec![],
        )
        .hurts("clients: they compress, or expect compressed frames, and the server does not"),
        probe(
            "extensions-parameters",
            "window sizes and context takeover arrive in the offer and in the answer",
            vec![line(
                extensions,
                "permessage-deflate; client_no_context_takeover; client_max_window_bits=10; server_max_window_bits=12",
            )],
            vec![line(
                extensions,
                "permessage-deflate; client_no_context_takeover; client_max_window_bits=10; server_max_window_bits=12",
            )],
        )
        .hurts("endpoints that save memory with a smaller window"),
        probe("header-4k", "a cookie of 4,000 bytes arrives", vec![line("Cookie", &format!("a={}", "x".repeat(4000)))], vec![])
            .hurts("users with large cookies")
            .severity(Severity::Warning),
    ]
}
