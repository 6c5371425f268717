//! Causes: HTTP/2 instead of HTTP/1.1 or frames.

use framewise_rules::{Cause, Rule};

use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::finding::hex;

/// The connection preface of HTTP/2 (RFC 9113 §3.4), its first line.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// A SETTINGS frame of HTTP/2 (RFC 9113 §6.5): its parameters.
fn settings(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0, high, low, 4, 0, 0, 0, 0, 0, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            (length % 6 == 0).then(|| &rest[..rest.len().min(length)])
        }
        _ => None,
    }
}

/// Both sides use HTTP/2, and the server does not enable RFC 8441.
pub(in crate::cause) fn extended_connect_unsupported(e: &Evidence<'_>) -> Option<Sign> {
    if !(e.is(&[Rule::RequestNotHttp]) && e.start().starts_with(PREFACE)) {
        return None;
    }
    let parameters = settings(e.read_peer(0))?;
    // RFC 8441 §3: SETTINGS_ENABLE_CONNECT_PROTOCOL is 0x8, and 1 if the server supports it.
    let enabled = parameters.chunks_exact(6).any(|parameter| parameter == [0, 8, 0, 0, 0, 1]);
    if enabled {
        return None;
    }
    let evidence = format!(
        "the server's SETTINGS ({}) do not contain SETTINGS_ENABLE_CONNECT_PROTOCOL = 1",
        hex(parameters)
    );
    e.peer_fault(Cause::ExtendedConnectUnsupported, evidence)
}

/// HTTP/1.1 to a side that uses HTTP/2.
pub(in crate::cause) fn alpn_mismatch(e: &Evidence<'_>) -> Option<Sign> {
    if !(e.is(&[Rule::ResponseNotHttp]) && e.request().is_some() && settings(e.start()).is_some()) {
        return None;
    }
    e.peer_fault(Cause::AlpnMismatch, "the response to an HTTP/1.1 request is an HTTP/2 SETTINGS frame")
}

/// The preface of HTTP/2, or its SETTINGS.
pub(in crate::cause) fn http2_preface(e: &Evidence<'_>) -> Option<Sign> {
    let start = e.start();
    let handshake =
        e.is(&[Rule::RequestNotHttp, Rule::ResponseNotHttp, Rule::RequestMethod, Rule::RequestHttpVersion]);
    if !(e.at_header() || handshake) {
        return None;
    }
    if start.starts_with(PREFACE) {
        return e.own_fault(
            Cause::Http2PrefaceInStream,
            "the client begins with the HTTP/2 preface, \"PRI * HTTP/2.0\"",
        );
    }
    settings(start)?;
    let evidence = format!("{} at byte {} is an HTTP/2 SETTINGS frame", hex(&start[..9]), e.finding.offset);
    e.own_fault(Cause::Http2PrefaceInStream, evidence)
}
