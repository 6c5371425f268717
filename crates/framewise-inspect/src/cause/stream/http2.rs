//! Causes: HTTP/2 instead of HTTP/1.1 or frames.

use framewise_rules::{Cause, Role, Rule};

use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::compare;
use crate::finding::hex;
use crate::http2::{Seen, Settings, asks_for_connect, error, responds};

/// The connection preface of HTTP/2 (RFC 9113 §3.4), its first line.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// The parameters of a SETTINGS frame at the start of some bytes, as far as they are there.
fn settings(bytes: &[u8]) -> Option<&[u8]> {
    match Settings::read(bytes) {
        Settings::Read { parameters, .. } => Some(parameters),
        Settings::None | Settings::NotYet => None,
    }
}

/// Both sides use HTTP/2, and the server does not enable RFC 8441.
pub(in crate::cause) fn extended_connect_unsupported(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::H2ConnectNotEnabled]) {
        return None;
    }
    let evidence = match settings(e.start())? {
        [] => "the server's SETTINGS are empty, without SETTINGS_ENABLE_CONNECT_PROTOCOL = 1".to_owned(),
        parameters => format!(
            "the server's SETTINGS ({}) do not contain SETTINGS_ENABLE_CONNECT_PROTOCOL = 1",
            hex(parameters)
        ),
    };
    // The client's own leg is HTTP/1.1, and an intermediary turned the handshake into one of HTTP/2; or the intermediary
    // itself answers over HTTP/2, and does not enable what it would have to pass on.
    let before = compare::source(e.legs, e.leg, Role::Client);
    let after = compare::source(e.legs, e.leg, Role::Server);
    if before.is_some_and(|before| before.request.is_some()) || after.is_some() {
        return e.path_fault(Cause::ExtendedConnectUnsupported, evidence);
    }
    // A server need not support RFC 8441, and says so before the client asks: the client chose HTTP/2 for a WebSocket.
    let goes_on = if asks_for_connect(e.read_peer(0)) {
        ", and the client asks for a WebSocket all the same"
    } else {
        ", and the client does not go on with HTTP/1.1"
    };
    e.peer_fault(Cause::ExtendedConnectUnsupported, evidence + goes_on)
}

/// The server enables RFC 8441, and answers the CONNECT with another status than 2xx.
pub(in crate::cause) fn rejected_connect(e: &Evidence<'_>) -> Option<Sign> {
    let Seen::Response(Some(status)) = seen(e, Rule::H2Status)? else { return None };
    let evidence = format!("the status is {status}");
    match status {
        300..=399 => e.peer_fault(Cause::Redirected, evidence),
        401 | 403 => e.peer_fault(Cause::AuthenticationRequired, evidence),
        407 => e.path_fault(Cause::AuthenticationRequired, evidence),
        404 | 410 => e.own_fault(Cause::NotAWebsocketEndpoint, evidence),
        400 | 405 | 426 | 501 => e.own_fault(
            Cause::ExtendedConnectUnsupported,
            format!("{evidence}, though the server's SETTINGS enable WebSockets"),
        ),
        500.. => e.own_fault(Cause::ServerErrorStatus, evidence),
        _ => None,
    }
}

/// The stream of a WebSocket was reset.
pub(in crate::cause) fn reset_stream(e: &Evidence<'_>) -> Option<Sign> {
    let Seen::Reset(code) = seen(e, Rule::H2StreamReset)? else { return None };
    let evidence = format!("RST_STREAM with {}", error(code));
    match code {
        // INTERNAL_ERROR
        2 => e.own_fault(Cause::PeerCrashed, evidence),
        // PROTOCOL_ERROR and HTTP_1_1_REQUIRED, instead of an answer.
        1 | 13 if !is_answered(e) => e.own_fault(Cause::ExtendedConnectUnsupported, evidence),
        _ => None,
    }
}

/// The frame of a finding of this rule.
fn seen(e: &Evidence<'_>, rule: Rule) -> Option<Seen> {
    let bytes = e.read(e.finding.offset, e.finding.length);
    e.is(&[rule]).then(|| Seen::read(e.stream, bytes))?
}

/// Whether the server sent a HEADERS frame before the finding.
fn is_answered(e: &Evidence<'_>) -> bool {
    let server = e.leg.dir(Role::Server).window.read(0, e.finding.offset);
    e.stream == Role::Server && !e.look_at(server).is_empty() && responds(server)
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
