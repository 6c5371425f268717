//! The rules of a handshake, on its fields.

mod authority;
mod request;
mod response;

use alloc::string::String;
use alloc::vec::Vec;

use framewise_rules::{Limits, Role, Rule};

pub(super) use self::request::check_with_extensions;
pub use self::request::{check_policy, check_request};
pub use self::response::check_response;
use super::field::{Field, MAX_ELEMENTS, Place};
use crate::{Detail, Violation};

/// What a server lets in.
#[derive(Clone, Debug, Default)]
pub struct ServerPolicy {
    /// The limits; those of the head count here.
    pub limits: Limits,
    /// The Origins that are let in, compared without regard to case; all, and none at all, if `None`.
    pub origins: Option<Vec<String>>,
}

/// The connection ended, and `bytes` of a request are all there is.
pub fn request_ended(bytes: &[u8]) -> Violation {
    at_end(Rule::RequestTruncated, Role::Client, bytes)
}

/// The request was not complete in time.
pub fn request_timed_out(bytes: &[u8]) -> Violation {
    at_end(Rule::RequestTimeout, Role::Client, bytes)
}

/// The connection ended, and `bytes` of a response are all there is.
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

/// An extension that the client cannot do without was not agreed. The handshake is done, so the answer is a Close.
pub fn extension_required(head: usize) -> Violation {
    let place = Place { offset: 0, length: head as u64 };
    Violation::in_handshake(Rule::ExtensionRequired, Role::Server, Some(place))
}

/// Puts what one head breaks into one verdict: the first that is enforced, in the order of the table, with the others
/// beside it; or everything, in that order, where nothing is.
///
/// `found`: from [`check_request`], [`check_policy`], [`check_response`]. Its answer makes a rule one to enforce, and what a
/// server or a client tolerates takes it out again.
pub fn verdict(
    mut found: Vec<Violation>,
    enforced: impl Fn(&Violation) -> bool,
) -> Result<Vec<Violation>, Violation> {
    // The table's order is the order of `Rule`; what an old draft lacks by nature goes behind its name.
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

/// What one head was found to break: each rule once, where it is broken first.
struct Found {
    by: Role,
    head: Option<Place>,
    violations: Vec<Violation>,
}

impl Found {
    const fn new(by: Role, head: Option<Place>) -> Self {
        Self { by, head, violations: Vec::new() }
    }

    /// The whole head breaks it: something is missing, say.
    fn in_head(&mut self, rule: Rule) {
        self.add(rule, self.head, Detail::None);
    }

    fn in_field(&mut self, rule: Rule, field: Field<'_>) {
        self.add(rule, field.place, Detail::None);
    }

    /// The field breaks it, or the head where there is none.
    fn at(&mut self, rule: Rule, field: Option<Field<'_>>) {
        self.add(rule, field.map_or(self.head, |field| field.place), Detail::None);
    }

    fn add(&mut self, rule: Rule, place: Option<Place>, detail: Detail) {
        if !self.violations.iter().any(|other| other.rule == rule) {
            self.violations.push(Violation::in_handshake(rule, self.by, place).with(detail));
        }
    }

    /// A list has more elements than are looked at.
    fn too_many(&mut self, rule: Rule, field: Field<'_>) {
        let detail = Detail::MoreThan { limit: MAX_ELEMENTS as u64, of: "elements in a list header" };
        self.add(rule, field.place, detail);
    }
}
