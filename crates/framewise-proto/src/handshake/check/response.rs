use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use framewise_rules::{Role, Rule};

use super::Found;
use crate::extension::{DeflateParameters, Extension, ListFault, PERMESSAGE_DEFLATE, parse_some};
use crate::handshake::accept::accept_value;
use crate::handshake::field::Search;
use crate::handshake::{ClientOffer, Fields, MAX_ELEMENTS, ResponseHead};
use crate::{Detail, Violation};

/// Every rule that a head breaks, each once and in no order. For a final status other than 101,
/// only the status is reported.
pub fn check_response(head: &ResponseHead<'_>, offer: &ClientOffer) -> Vec<Violation> {
    let mut found = Found::new(Role::Server, head.place);
    let fields = &head.fields;
    // An interim response with a malformed line is not skipped.
    if head.status < 200 {
        found.malformed(Rule::ResponseHeaderMalformed, fields);
    }
    // RFC 6455 §4.1: "If the status code received from the server is not 101, the client handles the response per
    // HTTP procedures."
    if head.status != 101 {
        if !found.violations.is_empty() {
            return found.violations;
        }
        found.add(Rule::ResponseStatus, head.place, Detail::Status(head.status));
        return found.violations;
    }
    // RFC 6455 §4.1: "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value
    // that is not an ASCII case-insensitive match for the value "websocket", the client MUST _Fail the WebSocket
    // Connection_."
    let mut upgrades = fields.elements("upgrade");
    if !(upgrades.next().is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && upgrades.next().is_none())
    {
        found.at(Rule::ResponseUpgrade, fields.first("upgrade"), "Upgrade");
    }
    // §4.1: the same of "a |Connection| header field" that "doesn't contain a token" "Upgrade".
    match fields.look_for("connection", "upgrade") {
        Search::Found => {}
        Search::Missing => found.at(Rule::ResponseConnection, fields.first("connection"), "Connection"),
        Search::TooMany(field) => found.too_many(Rule::ResponseTooLarge, field),
    }
    // §4.1: the same of a |Sec-WebSocket-Accept| that "contains a value other than the base64-encoded SHA-1 of the
    // concatenation of the |Sec-WebSocket-Key| … with the string" of the protocol, "but ignoring any leading and
    // trailing whitespace".
    let mut accepts = fields.named("sec-websocket-accept");
    match (accepts.next(), accepts.next()) {
        (None, _) => found.missing(Rule::ResponseAcceptMissing, "Sec-WebSocket-Accept"),
        (Some(field), None) if field.value == accept_value(&offer.key).as_bytes() => {}
        (Some(field), second) => found.in_field(Rule::ResponseAcceptWrong, second.unwrap_or(field)),
    }
    protocol(fields, offer, &mut found);
    extensions(fields, offer, &mut found);
    // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx",
    // RFC 9112 §6.1: nor a Transfer-Encoding.
    if let Some(field) = fields.first("transfer-encoding").or_else(|| fields.first("content-length")) {
        found.in_field(Rule::ResponseBodyFraming, field);
    }
    if let Some(field) = fields.first("content-encoding") {
        found.in_field(Rule::ResponseContentEncoding, field);
    }
    found.violations
}

fn protocol(fields: &Fields<'_>, offer: &ClientOffer, found: &mut Found) {
    let mut lines = fields.named("sec-websocket-protocol");
    match (lines.next(), lines.next()) {
        (None, _) if offer.protocols.is_empty() => {}
        (None, _) => found.missing(Rule::ResponseSubprotocolMissing, "Sec-WebSocket-Protocol"),
        // RFC 6455 §4.1: "If the response includes a |Sec-WebSocket-Protocol| header field and this header field
        // indicates the use of a subprotocol that was not present in the client's handshake … the client MUST _Fail
        // the WebSocket Connection_." §11.3.4: "MUST NOT appear more than once in an HTTP response".
        (Some(field), None) if offer.protocols.iter().any(|offered| offered == field.text()) => {}
        (Some(field), second) => found.in_field(Rule::ResponseSubprotocolUnoffered, second.unwrap_or(field)),
    }
}

fn extensions(fields: &Fields<'_>, offer: &ClientOffer, found: &mut Found) {
    let offered: BTreeSet<&str> = offer.extensions.iter().map(|extension| &*extension.name).collect();
    let (mut agreed, mut left) = (BTreeSet::new(), MAX_ELEMENTS);
    for field in fields.named("sec-websocket-extensions") {
        let extensions = match parse_some(field.text(), &mut left) {
            Ok(extensions) => extensions,
            Err(ListFault::Syntax) => {
                found.in_field(Rule::ResponseExtensionSyntax, field);
                continue;
            }
            Err(ListFault::TooMany) => return found.too_many(Rule::ResponseTooLarge, field),
        };
        for extension in extensions {
            // RFC 6455 §4.1: "the use of an extension that was not present in the client's handshake" fails it.
            if !offered.contains(&*extension.name) || agreed.contains(&extension.name) {
                found.in_field(Rule::ResponseExtensionUnoffered, field);
            } else if extension.name == PERMESSAGE_DEFLATE
                && let Some(rule) = deflate(&extension, offer)
            {
                found.in_field(rule, field);
            }
            agreed.insert(extension.name);
        }
    }
}

/// The rule that an answer of permessage-deflate breaks; `None` if one of the offers allows it.
fn deflate(answer: &Extension, offer: &ClientOffer) -> Option<Rule> {
    // RFC 7692 §7: an answer with an unknown, repeated or invalid parameter fails the connection.
    let Some(answer) = DeflateParameters::of_answer(answer) else {
        return Some(Rule::DeflateResponseInvalid);
    };
    let mut fault = None;
    for offered in offer.deflate().filter_map(DeflateParameters::of_offer) {
        match answer.answer_fault(&offered) {
            None => return None,
            Some(rule) => fault = fault.or(Some(rule)),
        }
    }
    fault
}
