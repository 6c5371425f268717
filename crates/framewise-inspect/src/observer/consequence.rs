//! Relates findings: one fault is one finding, and others may repeat it or follow from it.

use framewise_rules::{Answer, Role, Rule};

use super::Known;
use crate::report::{Consequence, Finding};

/// The known finding that the new one repeats or follows from: the first, never one that is itself a consequence.
pub(super) fn consequence(known: &[Known], new: &Finding, leg: usize, stream: Role) -> Option<Consequence> {
    let rule = new.rule?;
    let sources = || known.iter().filter(|known| known.finding.consequence.is_none());
    // The same side breaks the same rule again, for example in each unmasked frame.
    if let Some(first) =
        sources().find(|known| known.finding.rule == Some(rule) && known.leg == leg && known.stream == stream)
    {
        return Some(Consequence::Repeats(first.finding.index));
    }
    let enforced = |known: &&Known| !matches!(known.finding.answer, None | Some(Answer::Note));
    let cause = match effect_on(rule)? {
        // An invalid request is rejected, on its own leg or, if passed on, on another.
        Effect::OfRequest => sources().filter(enforced).find(|known| {
            known.stream == Role::Client && known.finding.frame.is_none() && known.finding.rule != Some(rule)
        }),
        // The side that receives invalid bytes ends the connection.
        Effect::OfPeer => {
            sources().filter(enforced).find(|known| known.leg == leg && known.stream == stream.peer())
        }
    }?;
    Some(Consequence::Follows(cause.finding.index))
}

/// The finding about the request that this response rejects: its status is the answer to that fault and no other one.
pub(super) fn rejects(known: &[Known], new: &Finding, leg: usize, stream: Role) -> Option<usize> {
    if new.rule != Some(Rule::ResponseStatus) {
        return None;
    }
    match consequence(known, new, leg, stream)? {
        Consequence::Follows(request) => Some(request),
        Consequence::Repeats(_) => None,
    }
}

/// What a violation may be the effect of.
enum Effect {
    OfRequest,
    OfPeer,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a few rules of many are about how the other side reacts")]
const fn effect_on(rule: Rule) -> Option<Effect> {
    match rule {
        Rule::ResponseStatus | Rule::ResponseMissing | Rule::ResponseTimeout | Rule::H2Status => {
            Some(Effect::OfRequest)
        }
        Rule::CloseMissing | Rule::CloseUnanswered | Rule::ConnectionReset => Some(Effect::OfPeer),
        _ => None,
    }
}
