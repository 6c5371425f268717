use std::time::Duration;

use super::{SIDES, marker, send};
use crate::end::Step;
use crate::probe::{Group, Probe};
use crate::report::Severity;

const OFFER: &str = "permessage-deflate; client_max_window_bits";

pub(super) fn probes() -> Vec<Probe> {
    [vec![plain()], more(), rare()].concat()
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
        probe(
            "repeated",
            "headers and subprotocols in several lines of the same name arrive, in as many lines or joined",
            vec![
                line("X-Framewise-Twice", "one"),
                line("X-Framewise-Twice", "two"),
                line("Sec-WebSocket-Protocol", "chat.v2"),
                line("Sec-WebSocket-Protocol", "chat.v1"),
            ],
            vec![line("X-Framewise-Twice", "one"), line("X-Framewise-Twice", "two"), line("Sec-WebSocket-Protocol", "chat.v1")],
        )
        .hurts("applications that send a header twice")
        .severity(Severity::Warning),
    ]
}

/// What few applications need.
fn rare() -> Vec<Probe> {
    let line = |name, value: &str| (name, value.to_owned());
    let mut hints = probe(
        "early-hints",
        "an answer 103 Early Hints before the 101 arrives, and the 101 after it",
        vec![],
        vec![],
    );
    // Some proxies hang here: the rest of the run does not wait long for them.
    hints.deadline = Duration::from_secs(3);
    hints.interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".into();
    let body = b"body of a request".to_vec();
    let size = line("Content-Length", &body.len().to_string());
    let mut request = probe(
        "request-body",
        "a request with a body arrives, and its frames after the body",
        vec![size],
        vec![],
    );
    request.body = body;
    let mut probes = vec![hints.informs(), request.informs()];
    for (name, size) in [("header-8k", 7900), ("header-16k", 16_000), ("header-64k", 64_000)] {
        let cookie = line("Cookie", &format!("a={}", "x".repeat(size)));
        probes
            .push(probe(name, &format!("a cookie of {size} bytes arrives"), vec![cookie], vec![]).informs());
    }
    for (name, size) in
        [("response-4k", 4000), ("response-8k", 7900), ("response-16k", 16_000), ("response-64k", 64_000)]
    {
        let cookie = line("Set-Cookie", &format!("a={}", "x".repeat(size)));
        let says = format!("a 101 with a cookie of {size} bytes arrives");
        probes.push(probe(name, &says, vec![], vec![cookie]).informs());
    }
    let hundred = (0..100).map(|_| line("X-Framewise-Many", "x")).collect();
    probes.push(probe("headers-100", "a hundred more headers arrive", hundred, vec![]).informs());
    for probe in &mut probes[2..] {
        probe.sized = true;
    }
    probes
}
