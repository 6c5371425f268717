//! Checks the fields of a handshake against the rules.

mod authority;
mod request;
mod response;

use alloc::string::String;
use alloc::vec::Vec;

use framewise_rules::{Limits, Role, Rule};

pub(super) use self::request::check_with_extensions;
pub use self::request::{check_policy, check_request};
pub use self::response::check_response;
use super::field::{Field, Fields, MAX_ELEMENTS, Place};
use crate::extension::PERMESSAGE_DEFLATE;
use crate::{Detail, Violation};

/// Which requests a server admits.
#[derive(Clone, Debug, Default)]
pub struct ServerPolicy {
    /// The limits; only those on the head are used here.
    pub limits: Limits,
    /// The Origins that are allowed, compared ignoring case. `None` allows all, and requests without Origin.
    pub origins: Option<Vec<String>>,
}

/// The connection ended after `bytes`, an incomplete request.
pub fn request_ended(bytes: &[u8]) -> Violation {
    at_end(Rule::RequestTruncated, Role::Client, bytes)
}

/// The request was not complete in time.
pub fn request_timed_out(bytes: &[u8]) -> Violation {
    at_end(Rule::RequestTimeout, Role::Client, bytes)
}

/// The connection ended after `bytes`, an incomplete response.
pub fn response_ended(bytes: &[u8]) -> Violation {
    at_end(Rule::ResponseMissing, Role::Server, bytes)
}

/// The response was not complete in time.
pub fn response_timed_out(bytes: &[u8]) -> Violation {
    at_end(Rule::ResponseTimeout, Role::Server, bytes)
}

fn at_end(rule: Rule, by: Role, bytes: &[u8]) -> Violation {
    Violation::in_handshake(rule, by, Some(Place { offset: bytes.len() as u64, length: 0 }))
}

/// The server did not agree an extension that the client requires. The handshake is done, so the answer is a Close.
pub fn extension_required(head: usize) -> Violation {
    let place = Place { offset: 0, length: head as u64 };
    let detail = Detail::Missing(PERMESSAGE_DEFLATE);
    Violation::in_handshake(Rule::ExtensionRequired, Role::Server, Some(place)).with(detail)
}

/// Combines the violations of one head, in the order of the table. `Err` is the first that is enforced, with the other
/// rules in `also`; `Ok` is all of them, if none is enforced.
///
/// `found`: from [`check_request`], [`check_policy`], [`check_response`]. `enforced`: usually whether the rule's answer
/// is not a note and the endpoint does not tolerate the rule.
pub fn verdict(
    mut found: Vec<Violation>,
    enforced: impl Fn(&Violation) -> bool,
) -> Result<Vec<Violation>, Violation> {
    // The order of the table is the order of `Rule`. A legacy draft comes first: it explains the fields it lacks.
    found.sort_by_key(|violation| (violation.rule != Rule::RequestLegacyDraft, violation.rule));
    match found.iter().position(&enforced) {
        None => Ok(found),
        Some(first) => {
            let mut violation = found.remove(first);
            violation.also = found.into_iter().map(|other| other.rule).collect();
            violation.also.dedup();
            violation.also.retain(|&rule| rule != violation.rule);
            Err(violation)
        }
    }
}

/// The rules that a head breaks: each once, at its first place.
struct Found {
    by: Role,
    head: Option<Place>,
    violations: Vec<Violation>,
}

impl Found {
    const fn new(by: Role, head: Option<Place>) -> Self {
        Self { by, head, violations: Vec::new() }
    }

    /// Adds a rule that the start of the head breaks.
    fn in_head(&mut self, rule: Rule) {
        self.add(rule, self.head, Detail::None);
    }

    fn in_field(&mut self, rule: Rule, field: Field<'_>) {
        self.add(rule, field.place, Detail::None);
    }

    /// Adds a rule that the field breaks, or the head if it lacks the field.
    fn at(&mut self, rule: Rule, field: Option<Field<'_>>, name: &'static str) {
        match field {
            Some(field) => self.in_field(rule, field),
            None => self.missing(rule, name),
        }
    }

    /// Adds the rule that the head has such a field.
    fn missing(&mut self, rule: Rule, name: &'static str) {
        self.add(rule, self.head, Detail::Missing(name));
    }

    /// Adds the rule of a line that is not a field.
    fn malformed(&mut self, rule: Rule, fields: &Fields<'_>) {
        if let Some(line) = fields.malformed() {
            self.add(rule, Some(line.place), Detail::Words(line.fault));
        }
    }

    fn add(&mut self, rule: Rule, place: Option<Place>, detail: Detail) {
        if !self.violations.iter().any(|other| other.rule == rule) {
            self.violations.push(Violation::in_handshake(rule, self.by, place).with(detail));
        }
    }

    /// Adds a rule for a list with more elements than are read.
    fn too_many(&mut self, rule: Rule, field: Field<'_>) {
        let detail = Detail::MoreThan { limit: MAX_ELEMENTS as u64, of: "elements in a list header" };
        self.add(rule, field.place, detail);
    }
}
