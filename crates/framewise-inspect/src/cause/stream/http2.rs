//! Causes: HTTP/2 instead of HTTP/1.1 or frames.

use framewise_rules::{Cause, Role, Rule};

use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::compare;
use crate::finding::hex;
use crate::http2::{Settings, enables_websocket};

/// The connection preface of HTTP/2 (RFC 9113 §3.4), its first line.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";
/// The length of the complete preface.
const CLIENT_PREFACE: usize = 24;

/// The parameters of a SETTINGS frame at the start of some bytes, as far as they are there.
fn settings(bytes: &[u8]) -> Option<&[u8]> {
    match Settings::read(bytes) {
        Settings::Read { parameters, .. } => Some(parameters),
        Settings::None | Settings::NotYet => None,
    }
}

/// Whether the client sent a HEADERS frame (RFC 9113 §6.2), which begins its CONNECT.
fn sent_headers(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(CLIENT_PREFACE..).unwrap_or_default();
    while let [high, middle, low, kind, _, _, _, _, _, more @ ..] = rest {
        if *kind == 1 {
            return true;
        }
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        rest = more.get(length..).unwrap_or_default();
    }
    false
}

/// Both sides use HTTP/2, and the server does not enable RFC 8441.
pub(in crate::cause) fn extended_connect_unsupported(e: &Evidence<'_>) -> Option<Sign> {
    if !(e.is(&[Rule::RequestNotHttp]) && e.start().starts_with(PREFACE)) {
        return None;
    }
    let parameters = settings(e.read_peer(0))?;
    if enables_websocket(parameters) {
        return None;
    }
    let evidence = format!(
        "the server's SETTINGS ({}) do not contain SETTINGS_ENABLE_CONNECT_PROTOCOL = 1",
        hex(parameters)
    );
    // The client's own leg is HTTP/1.1: an intermediary turned the handshake into one of HTTP/2.
    let before = compare::source(e.legs, e.leg, Role::Client);
    if before.is_some_and(|before| before.request.is_some()) {
        return e.path_fault(Cause::ExtendedConnectUnsupported, evidence);
    }
    // A server need not support RFC 8441, and says so before the client asks: the client chose HTTP/2 for a WebSocket.
    if sent_headers(e.line_at(0)) {
        return e.peer_fault(Cause::ExtendedConnectUnsupported, evidence);
    }
    e.own_fault(
        Cause::ExtendedConnectUnsupported,
        format!("{evidence}, and the client does not go on with HTTP/1.1"),
    )
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
