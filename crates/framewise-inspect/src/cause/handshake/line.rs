//! Header lines that were not checked.

use framewise_rules::{Cause, Role, Rule};

use crate::cause::evidence::{Evidence, quote};
use crate::cause::sign::Sign;

/// A line of a head that is not a field: what wrote it does not check names and values. Libraries do.
pub(in crate::cause) fn header_line_unchecked(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::RequestHeaderMalformed, Rule::ResponseHeaderMalformed]) {
        return None;
    }
    let line = e.read(e.finding.offset, e.finding.length);
    let head = |leg: &'_ crate::leg::Leg| match e.stream {
        Role::Client => leg.request.as_ref().map(|seen| seen.head.clone()),
        Role::Server => leg.response.as_ref().map(|seen| seen.head.clone()),
    };
    // A leg on the way to this one that lacks the line: it was written in between.
    let without = crate::compare::source(e.legs, e.leg, e.stream).filter(|leg| {
        head(leg).is_some_and(|head| {
            !head.split(|&byte| byte == b'\n').any(|other| other.trim_ascii_end() == line)
        })
    });
    match without {
        Some(other) => e.path_fault(
            Cause::HeaderLineUnchecked,
            format!("{} is on the leg {}, but not on the leg {}", quote(line), e.leg.name, other.name),
        ),
        None => e.own_fault(Cause::HeaderLineUnchecked, format!("the {} sent {}", e.stream, quote(line))),
    }
}
