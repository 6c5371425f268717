//! Causes of a wrong accept value: what it was made from.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use framewise_proto::handshake::accept_value;
use framewise_rules::{Cause, Rule};

use crate::cause::evidence::{Evidence, quote};
use crate::cause::sign::Sign;

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The keys in RFC 6455 §1.3 and in other documentation, which examples and tests copy.
const SAMPLES: &[&str] =
    &["dGhlIHNhbXBsZSBub25jZQ==", "x3JJHMbDL1EzLkh9GBhXDw==", "AQIDBAUGBwgJCgsMDQ4PEA=="];

/// The response's value if it is wrong; empty if there is none.
fn wrong<'a>(e: &Evidence<'a>) -> Option<&'a str> {
    match e.finding.rule? {
        Rule::ResponseAcceptWrong => e.response()?.header("sec-websocket-accept"),
        Rule::ResponseAcceptMissing => Some(""),
        _ => None,
    }
}

/// The accept value answers a key that was sent on another leg.
pub(crate) fn key_rewritten(e: &Evidence<'_>) -> Option<Sign> {
    let accept = wrong(e).filter(|accept| !accept.is_empty())?;
    let own = &e.request()?.request.key;
    let other = e.other_legs().find(|leg| {
        leg.request.as_ref().is_some_and(|request| {
            &request.request.key != own && accept_value(&request.request.key) == accept
        })
    })?;
    let evidence = format!(
        "the accept value matches the key of the leg {}, {}; the key of the leg {} is {own}",
        other.name,
        other.request.as_ref()?.request.key,
        e.leg.name
    );
    e.path_fault(Cause::KeyRewritten, evidence)
}

/// No value, a constant, or the RFC's sample.
pub(crate) fn accept_not_computed(e: &Evidence<'_>) -> Option<Sign> {
    let accept = wrong(e)?;
    let key = &e.request()?.request.key;
    let evidence = if accept.is_empty() {
        "the 101 does not contain Sec-WebSocket-Accept".to_owned()
    } else if let Some(sample) = SAMPLES.iter().find(|sample| accept_value(sample) == accept) {
        format!("{accept} matches {sample}, the key of an example in the RFC or in a tutorial")
    } else if accept == key {
        "the accept value is the key itself".to_owned()
    } else if accept_miscomputed(e).is_none() && !is_digest(accept) {
        format!("{} is not a 20-byte digest in base64", quote(accept.as_bytes()))
    } else if accept.bytes().take(27).all(|byte| accept.starts_with(char::from(byte))) {
        format!("{accept} is one letter repeated")
    } else {
        return None;
    };
    e.own_fault(Cause::AcceptNotComputed, evidence)
}

fn is_digest(accept: &str) -> bool {
    STANDARD.decode(accept).is_ok_and(|digest| digest.len() == 20)
}

fn sha1(input: &[u8]) -> [u8; 20] {
    let mut digest = sha1_smol::Sha1::new();
    digest.update(input);
    digest.digest().bytes()
}

/// The digest of another input, or in another encoding.
pub(crate) fn accept_miscomputed(e: &Evidence<'_>) -> Option<Sign> {
    let accept = wrong(e).filter(|accept| !accept.is_empty())?;
    let key = e.request()?.request.key.as_str();
    let decoded = STANDARD.decode(key).unwrap_or_default();
    let with = |key: &[u8], guid: &str| [key, guid.as_bytes()].concat();
    let lower = GUID.to_ascii_lowercase();
    let joined = GUID.replace('-', "");
    let inputs: [(&str, Vec<u8>); 10] = [
        ("the key and the GUID", with(key.as_bytes(), GUID)),
        ("the key without the GUID", key.as_bytes().to_vec()),
        ("the key and the GUID in lower case", with(key.as_bytes(), &lower)),
        ("the key and the GUID without its hyphens", with(key.as_bytes(), &joined)),
        ("the key, decoded, and the GUID", with(&decoded, GUID)),
        ("the key without its padding, and the GUID", with(key.trim_end_matches('=').as_bytes(), GUID)),
        ("the key with a line's end, and the GUID", with(format!("{key}\r\n").as_bytes(), GUID)),
        ("the key with a newline, and the GUID", with(format!("{key}\n").as_bytes(), GUID)),
        ("the key with a space before it, and the GUID", with(format!(" {key}").as_bytes(), GUID)),
        ("the GUID and the key", [GUID.as_bytes(), key.as_bytes()].concat()),
    ];
    for (index, (what, input)) in inputs.iter().enumerate() {
        let digest = sha1(input);
        let hex: String = crate::finding::hex(&digest).replace(' ', "");
        let forms = [
            ("in base64", STANDARD.encode(digest)),
            ("in base64 without padding", STANDARD_NO_PAD.encode(digest)),
            ("in URL-safe base64", URL_SAFE.encode(digest)),
            ("in hexadecimal", hex.clone()),
            ("in hexadecimal, in upper case", hex.to_ascii_uppercase()),
            ("in hexadecimal and then base64", STANDARD.encode(&hex)),
        ];
        // The first form of the first input is the right value.
        let form = forms.iter().skip(usize::from(index == 0)).find(|(_, value)| value == accept);
        if let Some((form, _)) = form {
            return e
                .own_fault(Cause::AcceptMiscomputed, format!("{accept} is the digest of {what}, {form}"));
        }
    }
    // A key that lost its end: the buffer, or the arithmetic around it, was too short.
    let cut = (8..key.len())
        .filter(|&length| key.is_char_boundary(length))
        .find(|&length| STANDARD.encode(sha1(&with(&key.as_bytes()[..length], GUID))) == accept);
    if let Some(length) = cut {
        let evidence = format!(
            "{accept} is the digest of the key's first {length} characters of {}, and the GUID",
            key.len()
        );
        return e.own_fault(Cause::AcceptMiscomputed, evidence);
    }
    // A GUID with a typing error cannot be recognised; a digest of the wrong size can.
    let digest = STANDARD.decode(accept).or_else(|_| STANDARD_NO_PAD.decode(accept)).ok()?;
    let evidence = match digest.len() {
        20 if accept.len() < 28 => "the digest's padding is missing".to_owned(),
        16 => format!("{accept} is 16 bytes long: an MD5 digest, or a key"),
        32 => format!("{accept} is 32 bytes long: a SHA-256 digest"),
        _ => return None,
    };
    e.own_fault(Cause::AcceptMiscomputed, evidence)
}

/// A valid digest of another connection's key.
pub(crate) fn accept_of_other_connection(e: &Evidence<'_>) -> Option<Sign> {
    let accept = wrong(e).filter(|accept| is_digest(accept))?;
    if key_rewritten(e).is_some() || accept_miscomputed(e).is_some() {
        return None;
    }
    let key = &e.request()?.request.key;
    // RFC 9110 §7.6.3: an intermediary names itself in Via. One that changes the key opened a handshake of its own.
    if let Some(via) = e.response()?.header("via").filter(|_| e.legs.len() == 1) {
        let evidence = format!(
            "{accept} is a 20-byte digest, but not of {key}, and the response passed through an intermediary (Via: {via})"
        );
        return e.path_fault(Cause::KeyRewritten, evidence);
    }
    let evidence = format!(
        "{accept} is a 20-byte digest, but not of {key}; it may match the key of another connection or a key that an intermediary rewrote, or use a wrong GUID: the recording does not show which"
    );
    e.own_fault(Cause::AcceptOfOtherConnection, evidence)
}
