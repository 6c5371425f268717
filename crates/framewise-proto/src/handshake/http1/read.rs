use alloc::borrow::Cow;
use alloc::vec::Vec;

use framewise_rules::{Answer, Role, Rule};

use super::{HeadFault, MAX_LINES, Parsed, first_line, interim, parse_request, parse_response, unfold};
use crate::handshake::check::check_with_extensions;
use crate::handshake::{
    ClientOffer, Place, Request, Response, ServerPolicy, check_policy, check_response, verdict,
};
use crate::{Config, Detail, Violation};

/// The result of reading a head.
#[derive(Clone, Debug)]
pub enum Progress<T> {
    /// The head is not complete: call again once more bytes have arrived, with all bytes.
    More,
    /// The head is complete and breaks no enforced rule.
    Done {
        /// The request or response.
        value: T,
        /// Bytes of the head, and of the interim responses before it. The frames begin after them.
        size: usize,
        /// Violations whose answer is a note, or that are tolerated.
        notes: Vec<Violation>,
    },
    /// The head breaks a rule; `also` lists the others that it breaks.
    Broken(Violation),
}

/// Reads a request's head from the start of the client's stream.
pub fn read_request(bytes: &[u8], policy: &ServerPolicy) -> Progress<Request> {
    let limit = policy.limits.head;
    let Parsed { head, size } = match parse_request(&bytes[..bytes.len().min(limit)]) {
        Ok(Some(parsed)) => parsed,
        // RFC 9112 §3: a server may limit the request line, and so the head.
        Ok(None) if bytes.len() > limit => {
            return Progress::Broken(beyond(Rule::RequestTooLarge, Role::Client, bytes, limit));
        }
        Ok(None) => return Progress::More,
        Err(fault) => return Progress::Broken(request_fault(fault, bytes)),
    };
    let (mut found, extensions) = check_with_extensions(&head);
    found.extend(check_policy(&head, size, policy));
    match verdict(found, |violation| violation.answer() != Answer::Note) {
        Ok(notes) => Progress::Done { value: Request::with_extensions(&head, extensions), size, notes },
        Err(violation) => Progress::Broken(violation),
    }
}

/// Reads a response's head from the start of the server's stream. Interim responses before it are skipped; their bytes
/// count in its size and towards the limit. Of the configuration, [`Limits::head`](crate::rules::Limits::head) and
/// [`Config::strictness`] apply.
pub fn read_response(bytes: &[u8], offer: &ClientOffer, config: &Config) -> Progress<Response> {
    let limit = config.limits.head;
    let within = &bytes[..bytes.len().min(limit)];
    let mut start = interim(within, 0);
    let mut parsed = parse_response(within, start);
    let unfolded;
    if let Ok(Some(Parsed { head, .. })) = &parsed
        && head.fields.malformed().is_some()
        && let Cow::Owned(bytes) = unfold(within, start)
    {
        unfolded = bytes;
        start += interim(&unfolded, start);
        parsed = parse_response(&unfolded, start);
    }
    let Parsed { head, size } = match parsed {
        Ok(Some(parsed)) => parsed,
        Ok(None) if bytes.len() > limit => {
            return Progress::Broken(beyond(Rule::ResponseTooLarge, Role::Server, bytes, limit));
        }
        Ok(None) => return Progress::More,
        Err(fault) => return Progress::Broken(response_fault(fault, bytes, start)),
    };
    let enforced = |violation: &Violation| {
        violation.answer() != Answer::Note && !config.strictness.tolerates(violation.rule)
    };
    match verdict(check_response(&head, offer), enforced) {
        Ok(notes) => Progress::Done { value: Response::from_head(&head), size: start + size, notes },
        Err(violation) => Progress::Broken(violation),
    }
}

/// The violation of bytes that are not a request.
pub fn request_fault(fault: HeadFault, bytes: &[u8]) -> Violation {
    no_head(fault, (Rule::RequestNotHttp, Rule::RequestTooLarge), Role::Client, bytes, 0)
}

/// The violation of bytes that are not a response, from byte `start` on.
pub fn response_fault(fault: HeadFault, bytes: &[u8], start: usize) -> Violation {
    no_head(fault, (Rule::ResponseNotHttp, Rule::ResponseTooLarge), Role::Server, bytes, start)
}

fn no_head(
    fault: HeadFault,
    (not_http, too_large): (Rule, Rule),
    by: Role,
    bytes: &[u8],
    start: usize,
) -> Violation {
    match fault {
        HeadFault::NotHttp => {
            let place = Place { offset: start as u64, length: first_line(&bytes[start..]) as u64 };
            Violation::in_handshake(not_http, by, Some(place))
        }
        HeadFault::TooManyLines => {
            let place = Place { offset: 0, length: bytes.len() as u64 };
            let detail = Detail::MoreThan { limit: MAX_LINES as u64, of: "header lines" };
            Violation::in_handshake(too_large, by, Some(place)).with(detail)
        }
    }
}

/// The violation of a head that exceeds the limit.
fn beyond(rule: Rule, by: Role, bytes: &[u8], limit: usize) -> Violation {
    let place = Place { offset: limit as u64, length: (bytes.len() - limit) as u64 };
    Violation::in_handshake(rule, by, Some(place))
}
