use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use framewise_rules::{Answer, Limits, Role, Rule};

use super::accept::is_key;
use super::head::{Head, HeadFault, HeaderLine, Start};
use super::{Headers, Progress, verdict};
use crate::extension::{DeflateParameters, Extension, PERMESSAGE_DEFLATE, is_token, parse_extensions};
use crate::{Misuse, Violation};

/// What a server lets in.
#[derive(Clone, Debug, Default)]
pub struct ServerPolicy {
    /// The limits; those of the head count here.
    pub limits: Limits,
    /// The Origins that are let in, compared without regard to case; all, and none at all, if `None`.
    pub origins: Option<Vec<String>>,
}

/// A client's opening handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The request's target: path and query.
    pub target: String,
    /// Host.
    pub host: String,
    /// Sec-WebSocket-Key, as it was sent.
    pub key: String,
    /// Origin, which browsers send.
    pub origin: Option<String>,
    /// The subprotocols that are offered, the preferred one first.
    pub protocols: Vec<String>,
    /// The extensions that are offered, in order.
    pub extensions: Vec<Extension>,
    /// Every header line.
    pub headers: Headers,
}

impl Request {
    /// What a head says, be it right or wrong.
    pub fn from_head(head: &Head<'_>) -> Self {
        let lines = head.named("sec-websocket-extensions");
        let extensions = lines.filter_map(|line| parse_extensions(line.text())).flatten().collect();
        Self::with_extensions(head, extensions)
    }

    fn with_extensions(head: &Head<'_>, extensions: Vec<Extension>) -> Self {
        let text = |name| head.first(name).map(|line| line.text().to_owned());
        Self {
            target: match head.start {
                Start::Request { target, .. } => target.into(),
                Start::Response { .. } => String::new(),
            },
            host: text("host").unwrap_or_default(),
            key: text("sec-websocket-key").unwrap_or_default(),
            origin: text("origin"),
            protocols: head.elements("sec-websocket-protocol").map(Into::into).collect(),
            extensions,
            headers: head.headers(),
        }
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }
}

/// Appends a header line; a name or a value that would break the head in two is the caller's mistake.
pub(super) fn push_line(head: &mut String, name: &str, value: &str) -> Result<(), Misuse> {
    if !is_token(name.as_bytes()) || value.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
        return Err(Misuse::Head);
    }
    for part in [name, ": ", value, "\r\n"] {
        head.push_str(part);
    }
    Ok(())
}

/// Appends the caller's header lines, none of which may be one of `kept`.
pub(super) fn push_lines(
    head: &mut String,
    lines: &[(String, String)],
    kept: &[&'static str],
) -> Result<(), Misuse> {
    for (name, value) in lines {
        if let Some(kept) = kept.iter().find(|kept| name.eq_ignore_ascii_case(kept)) {
            return Err(Misuse::HandshakeHeader(kept));
        }
        push_line(head, name, value)?;
    }
    Ok(())
}

/// Reads a request's head from the start of what the client sent.
pub fn read_request(bytes: &[u8], policy: &ServerPolicy) -> Progress<Request> {
    let broken = |rule, offset, length| Progress::Broken(violation(rule, offset, length));
    let limit = policy.limits.head;
    let head = match Head::request(&bytes[..bytes.len().min(limit)]) {
        Ok(Some(head)) => head,
        // RFC 6455 §10 and RFC 9112 §3: a head without end is not waited for.
        Ok(None) if bytes.len() > limit => return broken(Rule::RequestTooLarge, limit, bytes.len() - limit),
        Ok(None) => return Progress::More,
        Err(HeadFault::TooManyLines) => return broken(Rule::RequestTooLarge, 0, bytes.len()),
        Err(HeadFault::NotHttp) => return broken(Rule::RequestNotHttp, 0, first_line(bytes)),
    };
    let (found, extensions) = check(&head, policy);
    match verdict(found, |violation| violation.answer() != Answer::Note) {
        Ok(notes) => {
            Progress::Done { value: Request::with_extensions(&head, extensions), size: head.size, notes }
        }
        Err(violation) => Progress::Broken(violation),
    }
}

/// The connection ended, and `bytes` of a request are all there is.
pub fn request_ended(bytes: &[u8]) -> Violation {
    violation(Rule::RequestTruncated, bytes.len(), 0)
}

/// The request was not complete in time.
pub fn request_timed_out(bytes: &[u8]) -> Violation {
    violation(Rule::RequestTimeout, bytes.len(), 0)
}

/// Every rule that a complete head breaks, in no order.
pub fn check_request(head: &Head<'_>, policy: &ServerPolicy) -> Vec<Violation> {
    check(head, policy).0
}

/// As [`check_request`], with the extensions, which it has to parse anyway.
fn check(head: &Head<'_>, policy: &ServerPolicy) -> (Vec<Violation>, Vec<Extension>) {
    let (mut found, mut offered) = (Vec::new(), Vec::new());
    let mut at =
        |rule, line: Option<HeaderLine<'_>>| {
            found.push(line.map_or_else(
                || violation(rule, 0, head.size),
                |line| violation(rule, line.offset, line.length),
            ));
        };

    // RFC 6455 §4.1: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
    if let Start::Request { method, .. } = head.start
        && method != "GET"
    {
        at(Rule::RequestMethod, None);
    }
    if head.minor < 1 {
        at(Rule::RequestHttpVersion, None);
    }
    // RFC 9112 §3.2: "A server MUST respond with a 400 … to any HTTP/1.1 request message that lacks a Host header
    // field and to any request message that contains more than one".
    let mut hosts = head.named("host");
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => {}
        (_, second) => at(Rule::RequestHost, second),
    }
    // RFC 6455 §4.2.1: "An |Upgrade| header field containing the value "websocket", treated as an ASCII
    // case-insensitive value", and the same of |Connection| and "Upgrade".
    if !head.has("upgrade", "websocket") {
        at(Rule::RequestUpgrade, head.first("upgrade"));
    }
    if !head.has("connection", "upgrade") {
        at(Rule::RequestConnection, head.first("connection"));
    }
    key(head, &mut at);
    version(head, &mut at);
    protocols(head, &mut at);
    for line in head.named("sec-websocket-extensions") {
        match parse_extensions(line.text()) {
            None => at(Rule::RequestExtensionSyntax, Some(line)),
            // RFC 7692 §7: such an offer is declined; the connection goes on without it.
            Some(extensions) => {
                let deflate = extensions.iter().filter(|extension| extension.name == PERMESSAGE_DEFLATE);
                if deflate.map(DeflateParameters::of_offer).any(|offer| offer.is_none()) {
                    at(Rule::DeflateOfferInvalid, Some(line));
                }
                offered.extend(extensions);
            }
        }
    }
    // RFC 6455 §4.1 has a handshake without a body: what follows the head are frames.
    let length = head.first("content-length").filter(|line| line.value != b"0");
    if let Some(line) = head.first("transfer-encoding").or(length) {
        at(Rule::RequestBody, Some(line));
    }
    // RFC 6455 §10.2: "Servers that are not intended to process input from any web page but only for certain sites
    // SHOULD verify the |Origin| field is an origin they expect."
    if let Some(allowed) = &policy.origins {
        let origin = head.first("origin");
        let lets_in =
            |line: HeaderLine<'_>| allowed.iter().any(|other| other.eq_ignore_ascii_case(line.text()));
        if !origin.is_some_and(lets_in) {
            at(Rule::RequestOrigin, origin);
        }
    }
    (found, offered)
}

fn key<'b>(head: &Head<'b>, at: &mut impl FnMut(Rule, Option<HeaderLine<'b>>)) {
    let mut keys = head.named("sec-websocket-key");
    match (keys.next(), keys.next()) {
        (None, _) => at(Rule::RequestKeyMissing, None),
        // RFC 6455 §11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request."
        (Some(_), Some(second)) => at(Rule::RequestKeyRepeated, Some(second)),
        (Some(line), None) if line.value.contains(&b',') => at(Rule::RequestKeyRepeated, Some(line)),
        (Some(line), None) if !is_key(line.value) => at(Rule::RequestKeyInvalid, Some(line)),
        (Some(_), None) => {}
    }
}

fn version<'b>(head: &Head<'b>, at: &mut impl FnMut(Rule, Option<HeaderLine<'b>>)) {
    let line = head.first("sec-websocket-version");
    let draft = line.is_some_and(|line| matches!(line.text().parse(), Ok(0..=12_u8)));
    // The handshake of hixie-76, which browsers spoke before there was an RFC.
    let hixie = head.first("sec-websocket-key1").or_else(|| head.first("sec-websocket-key2"));
    if draft || hixie.is_some() {
        at(Rule::RequestLegacyDraft, if draft { line } else { hixie });
    }
    // RFC 6455 §4.4: the only version that there is, is 13.
    let mut versions = head.named("sec-websocket-version");
    match (versions.next(), versions.next()) {
        (Some(only), None) if only.value == b"13" => {}
        (first, second) => at(Rule::RequestVersion, second.or(first)),
    }
}

fn protocols<'b>(head: &Head<'b>, at: &mut impl FnMut(Rule, Option<HeaderLine<'b>>)) {
    // RFC 6455 §4.1: "The elements that comprise this value MUST be non-empty strings … and MUST all be unique
    // strings."
    let mut seen = Vec::new();
    for line in head.named("sec-websocket-protocol") {
        for name in line.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if !is_token(name) || seen.contains(&name) {
                at(Rule::RequestSubprotocolSyntax, Some(line));
                return;
            }
            seen.push(name);
        }
    }
}

fn violation(rule: Rule, offset: usize, length: usize) -> Violation {
    Violation::in_handshake(rule, Role::Client, offset, length)
}

/// Bytes up to the first line's end: what is shown of something that is no head.
pub fn first_line(bytes: &[u8]) -> usize {
    let shown = &bytes[..bytes.len().min(80)];
    shown
        .iter()
        .position(|&byte| byte == b'\r' || byte == b'\n')
        .unwrap_or(shown.len())
        .max(1)
        .min(bytes.len())
}
