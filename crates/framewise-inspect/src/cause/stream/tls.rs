//! Causes: TLS on a plain port, and plain text on a TLS port.

use framewise_rules::{Cause, Rule};

use crate::cause::evidence::{Evidence, quote};
use crate::cause::sign::Sign;
use crate::finding::hex;

/// Recognises the header of a TLS record: type, version, and a valid length.
fn tls_record(bytes: &[u8]) -> Option<&'static str> {
    let (&kind, rest) = bytes.split_first()?;
    let kind = match kind {
        20 => "a change of cipher",
        21 => "an alert",
        22 => "a handshake",
        23 => "data",
        _ => return None,
    };
    match rest {
        [3, 0..=4, high, _, ..] if *high <= 0x48 => Some(kind),
        _ => None,
    }
}

/// A TLS record where a request, a response or a frame should start.
pub(in crate::cause) fn tls(e: &Evidence<'_>) -> Option<Sign> {
    let start = e.start();
    if !(e.at_header() || e.is(&[Rule::RequestNotHttp, Rule::ResponseNotHttp])) {
        return None;
    }
    // A TLS server's answer to plain HTTP is another cause.
    if e.is(&[Rule::ResponseNotHttp]) && e.request().is_some() {
        return None;
    }
    let kind = tls_record(start)?;
    let evidence = format!(
        "{} at byte {} is the header of a TLS record ({kind}): the {} speaks TLS",
        hex(&start[..5]),
        e.finding.offset,
        e.stream
    );
    e.own_fault(Cause::TlsInPlainStream, evidence)
}

/// How nginx, Go, Apache, Tomcat, Netty and others answer a plain request on a TLS port.
const SAY: &[&str] = &[
    "plain http request was sent to https port",
    "http request to an https server",
    "speaking plain http to an ssl",
    "speaking http to an https",
    "combination of host and port requires tls",
    "http request was sent to https",
    "http request sent to https",
    "plain http request was sent to a tls",
];

/// An HTTP request answered with a TLS alert, or with such a page.
pub(in crate::cause) fn plain_in_tls_port(e: &Evidence<'_>) -> Option<Sign> {
    if e.is(&[Rule::ResponseNotHttp]) && e.request().is_some() && tls_record(e.start()).is_some() {
        let start = e.start();
        let evidence = format!(
            "the response to a plain HTTP request is the TLS record {}",
            hex(&start[..start.len().min(7)])
        );
        return e.peer_fault(Cause::PlainInTlsPort, evidence);
    }
    if !e.is(&[Rule::ResponseStatus]) {
        return None;
    }
    let response = e.response()?;
    let page = String::from_utf8_lossy(e.line_at(response.start)).to_ascii_lowercase();
    let said = SAY.iter().find(|said| page.contains(**said));
    if said.is_none() && response.response.status != 497 {
        return None;
    }
    let evidence =
        format!("the response {} says {}", response.response.status, quote(said.unwrap_or(&"so").as_bytes()));
    e.peer_fault(Cause::PlainInTlsPort, evidence)
}
