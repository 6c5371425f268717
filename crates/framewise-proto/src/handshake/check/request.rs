use alloc::vec::Vec;

use framewise_rules::{Role, Rule};

use super::{Found, ServerPolicy, authority};
use crate::extension::{DeflateParameters, Extension, ListFault, PERMESSAGE_DEFLATE, is_token, parse_some};
use crate::handshake::accept::is_key;
use crate::handshake::field::Search;
use crate::handshake::{Field, Fields, HttpVersion, MAX_ELEMENTS, RequestHead};
use crate::{Detail, Violation};

/// Every rule that a head breaks regardless of the server's policy, each once and in no order. [`check_policy`] checks
/// the policy.
pub fn check_request(head: &RequestHead<'_>) -> Vec<Violation> {
    check_with_extensions(head).0
}

/// As [`check_request`]; also returns the extensions, which it parses anyway.
pub(in crate::handshake) fn check_with_extensions(
    head: &RequestHead<'_>,
) -> (Vec<Violation>, Vec<Extension>) {
    let mut found = Found::new(Role::Client, head.place);
    let fields = &head.fields;

    // RFC 6455 §4.1: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
    if head.method != "GET" {
        found.in_head(Rule::RequestMethod);
    }
    if head.version < HttpVersion::Http11 {
        found.in_head(Rule::RequestHttpVersion);
    }
    found.malformed(Rule::RequestHeaderMalformed, fields);
    authority::check(head, &mut found);
    // RFC 6455 §4.2.1: "An |Upgrade| header field containing the value "websocket", treated as an ASCII
    // case-insensitive value", and the same of |Connection| and "Upgrade".
    for (rule, name, token) in
        [(Rule::RequestUpgrade, "Upgrade", "websocket"), (Rule::RequestConnection, "Connection", "upgrade")]
    {
        match fields.look_for(name, token) {
            Search::Found => {}
            Search::Missing => found.at(rule, fields.first(name), name),
            Search::TooMany(field) => found.too_many(Rule::RequestTooLarge, field),
        }
    }
    key(fields, &mut found);
    version(fields, &mut found);
    protocols(fields, &mut found);
    let offered = extensions(fields, &mut found);
    body(fields, &mut found);
    (found.violations, offered)
}

/// The rules of the policy that a head breaks: on its `size` in bytes, and on its Origin.
pub fn check_policy(head: &RequestHead<'_>, size: usize, policy: &ServerPolicy) -> Vec<Violation> {
    let mut found = Found::new(Role::Client, head.place);
    let limit = policy.limits.head;
    if size > limit {
        let (got, limit) = (size as u64, limit as u64);
        found.add(Rule::RequestTooLarge, head.place, Detail::Limit { got, limit });
    }
    // RFC 6455 §10.2: "Servers that are not intended to process input from any web page but only for certain sites
    // SHOULD verify the |Origin| field is an origin they expect."
    if let Some(allowed) = &policy.origins {
        let lets_in =
            |field: &Field<'_>| allowed.iter().any(|other| other.eq_ignore_ascii_case(field.text()));
        let origins = || head.fields.named("origin");
        let other = origins().find(|field| !lets_in(field));
        if other.is_some() || origins().next().is_none() {
            found.at(Rule::RequestOrigin, other, "Origin");
        }
    }
    found.violations
}

fn key(fields: &Fields<'_>, found: &mut Found) {
    let mut keys = fields.named("sec-websocket-key");
    match (keys.next(), keys.next()) {
        (None, _) => found.missing(Rule::RequestKeyMissing, "Sec-WebSocket-Key"),
        // RFC 6455 §11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request."
        (Some(_), Some(second)) => found.in_field(Rule::RequestKeyRepeated, second),
        (Some(field), None) if field.value.contains(&b',') => found.in_field(Rule::RequestKeyRepeated, field),
        (Some(field), None) if !is_key(field.value) => found.in_field(Rule::RequestKeyInvalid, field),
        (Some(_), None) => {}
    }
}

fn version(fields: &Fields<'_>, found: &mut Found) {
    let field = fields.first("sec-websocket-version");
    let draft =
        field.is_some_and(|field| field.value != b"13" && matches!(field.text().parse(), Ok(0..=12_u8)));
    // The handshake of hixie-76, which browsers used before the RFC.
    let hixie = fields.first("sec-websocket-key1").or_else(|| fields.first("sec-websocket-key2"));
    if let Some(field) = field.filter(|_| draft).or(hixie) {
        found.in_field(Rule::RequestLegacyDraft, field);
    }
    // RFC 6455 §4.1: "The value of this header field MUST be 13."
    let mut versions = fields.named("sec-websocket-version");
    match (versions.next(), versions.next()) {
        (Some(only), None) if only.value == b"13" => {}
        (first, second) => found.at(Rule::RequestVersion, second.or(first), "Sec-WebSocket-Version"),
    }
}

fn protocols(fields: &Fields<'_>, found: &mut Found) {
    // RFC 6455 §4.1: "The elements that comprise this value MUST be non-empty strings … and MUST all be unique
    // strings."
    let mut seen = Vec::new();
    for field in fields.named("sec-websocket-protocol") {
        for name in field.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if seen.len() == MAX_ELEMENTS {
                return found.too_many(Rule::RequestTooLarge, field);
            }
            if !is_token(name) {
                return found.in_field(Rule::RequestSubprotocolSyntax, field);
            }
            seen.push((name, seen.len(), field));
        }
    }
    // After sorting, equal names are adjacent, in their original order.
    seen.sort_unstable_by_key(|&(name, number, _)| (name, number));
    let repeated = seen.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1]);
    if let Some((.., field)) = repeated.min_by_key(|&(_, number, _)| number) {
        found.in_field(Rule::RequestSubprotocolSyntax, field);
    }
}

fn extensions(fields: &Fields<'_>, found: &mut Found) -> Vec<Extension> {
    let (mut offered, mut left) = (Vec::new(), MAX_ELEMENTS);
    for field in fields.named("sec-websocket-extensions") {
        let extensions = match parse_some(field.text(), &mut left) {
            Ok(extensions) => extensions,
            Err(ListFault::Syntax) => {
                found.in_field(Rule::RequestExtensionSyntax, field);
                continue;
            }
            Err(ListFault::TooMany) => {
                found.too_many(Rule::RequestTooLarge, field);
                break;
            }
        };
        // RFC 7692 §7: the server declines such an offer; the connection continues without compression.
        let deflate = extensions.iter().filter(|extension| extension.name == PERMESSAGE_DEFLATE);
        if deflate.map(DeflateParameters::of_offer).any(|offer| offer.is_none()) {
            found.in_field(Rule::DeflateOfferInvalid, field);
        }
        offered.extend(extensions);
    }
    offered
}

/// RFC 6455 §4.1: the handshake has no body; frames follow the head.
fn body(fields: &Fields<'_>, found: &mut Found) {
    let mut announced = fields.first("transfer-encoding");
    let mut length = None;
    for field in fields.named("content-length") {
        for digits in field.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            let other = parse_length(digits);
            // RFC 9112 §6.3: "If a message is received without Transfer-Encoding and with an invalid Content-Length header
            // field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error, unless
            // the field value can be successfully parsed as a comma-separated list (Section 5.6.1 of [HTTP]), all values in
            // the list are valid, and all values in the list are the same".
            if other.is_none() || length.is_some_and(|length| length != other) {
                found.in_field(Rule::RequestContentLength, field);
            }
            length = Some(other);
            if other.is_some_and(|digits| !digits.is_empty()) {
                announced = announced.or(Some(field));
            }
        }
    }
    if let Some(field) = announced {
        found.in_field(Rule::RequestBody, field);
    }
}

/// The digits of a length (RFC 9110 §8.6, "Content-Length = 1*DIGIT") without leading zeros; a length of 0 becomes
/// empty.
fn parse_length(digits: &[u8]) -> Option<&[u8]> {
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    valid.then(|| &digits[zeros..])
}
