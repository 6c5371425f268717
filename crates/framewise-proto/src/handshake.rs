//! The opening handshake over HTTP/1.1 (RFC 6455 §4), of both sides. Stateless: the caller keeps the bytes until the
//! head is complete.

mod accept;
mod answer;
mod head;
mod headers;
mod request;
mod response;

pub use accept::accept_value;
pub use answer::{reject, rejection};
pub use head::{Head, HeadFault, HeaderLine, Start};
pub use headers::Headers;
pub use request::{
    Request, ServerPolicy, check_request, first_line, read_request, request_ended, request_timed_out,
};
pub use response::{
    ClientOffer, Response, check_response, extension_required, interim, read_response, response_ended,
    response_timed_out,
};

use alloc::vec::Vec;

use crate::Violation;

/// How far the reading of a head has come.
#[derive(Clone, Debug)]
pub enum Progress<T> {
    /// It is not complete: call again with more behind it.
    More,
    /// It is complete and breaks no rule.
    Done {
        /// What it says.
        value: T,
        /// Bytes of the head, and of the interim responses before it. What comes behind them are the first frames.
        size: usize,
        /// Rules it breaks whose answer is a note, or that were let pass.
        notes: Vec<Violation>,
    },
    /// It breaks a rule; the others that it breaks are listed with it.
    Broken(Violation),
}

/// Puts what was found into one verdict: the first enforced in the order of the table, with the others beside it.
fn verdict(
    mut found: Vec<Violation>,
    enforced: impl Fn(&Violation) -> bool,
) -> Result<Vec<Violation>, Violation> {
    // The table's order is the order of `Rule`; what an old draft lacks by nature goes behind its name.
    found.sort_by_key(|violation| (violation.rule != crate::rules::Rule::RequestLegacyDraft, violation.rule));
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
