use framewise_proto::Opcode;
use framewise_rules::Role;

use super::{SIDES, frame, marker, send};
use crate::end::Step;
use crate::probe::{Group, Probe};
use crate::wire::Frame;

/// HTTP/2 towards the client (RFC 8441).
pub(super) fn probes() -> Vec<Probe> {
    let says = "where the intermediary announces WebSockets over HTTP/2 (RFC 8441), they work, and our server gets a handshake";
    let mut probe = Probe::new(Group::Http2, "extended-connect", says)
        .hurts("browsers: with an open HTTP/2 connection they use it for WebSockets, once it is announced");
    probe.request = vec![("origin", "https://framewise.example".to_owned())];
    let steps = |from: Role| {
        let part = Frame::new(from, Opcode::Text, "one ").more().bytes();
        let frames = [part, frame(from, Opcode::Ping, "between"), frame(from, Opcode::Continuation, "two")];
        let large = Step::Large { from, opcode: Opcode::Binary, fin: true, size: 100_000 };
        vec![send(&frames), large, send(&[marker(from)]), Step::Await(5)]
    };
    [probe.client, probe.server] = SIDES.map(steps);
    vec![probe]
}
