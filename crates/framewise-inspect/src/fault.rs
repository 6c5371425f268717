//! Whose fault: what the legs of a connection say about it together.

use framewise_rules::{Answer, Role, Rule};

use crate::compare;
use crate::leg::Leg;
use crate::report::{Fault, Finding};

/// An end of a leg is passed on as another kind of end.
const ENDS: &[Rule] = &[
    Rule::CloseMissing,
    Rule::CloseUnanswered,
    Rule::ConnectionReset,
    Rule::PayloadTruncated,
    Rule::HeaderTruncated,
];

/// The leg, the rule and the side of a finding.
type Seen = (usize, Option<Rule>, Option<Role>);

/// Names the intermediary where a fault is seen only on a leg that does not touch the endpoint: the side of that leg
/// is the intermediary, and what the endpoint sent itself is on another leg.
pub(crate) fn attribute(legs: &[Leg], findings: &mut [(usize, &mut Finding)]) {
    let seen: Vec<Seen> = findings.iter().map(|(leg, finding)| (*leg, finding.rule, finding.by)).collect();
    for (leg, finding) in findings {
        let at = (*leg, finding.rule, finding.by);
        for cause in &mut finding.causes {
            cause.fault = cause.fault.map(|fault| proven(legs, &seen, at, fault));
        }
    }
}

/// Who sent the bytes that break a rule; `None` if no bytes do: an end, a silence or an answer breaks it, or it is
/// inferred.
pub(crate) fn sender(legs: &[Leg], findings: &[(usize, &Finding)], finding: &Finding) -> Option<Fault> {
    let inferred = matches!(
        finding.rule?,
        Rule::ResponseStatus
            | Rule::H2Status
            | Rule::MessageTooBig
            | Rule::FrameTooBig
            | Rule::UnsupportedData
            | Rule::ExtensionRequired
    );
    let bytes = matches!(finding.answer?, Answer::Close(_) | Answer::Http(_) | Answer::Abort);
    let seen: Vec<Seen> = findings.iter().map(|(leg, finding)| (*leg, finding.rule, finding.by)).collect();
    let leg = findings.iter().find(|(_, other)| other.index == finding.index)?.0;
    // The answer to a Close that is there, but late, is its sender's.
    let late = finding.rule == Some(Rule::CloseTimeout) && legs[leg].dir(finding.by?).closed();
    if (inferred || !bytes || finding.length == 0) && !late {
        return None;
    }
    Some(proven(legs, &seen, (leg, finding.rule, finding.by), finding.by?.into()))
}

/// The side at fault, or the intermediary if the leg of that endpoint does not show the fault.
fn proven(legs: &[Leg], seen: &[Seen], (leg, rule, by): Seen, fault: Fault) -> Fault {
    let role = match fault {
        Fault::Client => Role::Client,
        Fault::Server => Role::Server,
        Fault::Intermediary => return fault,
    };
    let own = compare::endpoint(legs, role);
    if own == leg || !shows(&legs[own], role) {
        return fault;
    }
    let ends = |rule: Option<Rule>| rule.is_some_and(|rule| ENDS.contains(&rule));
    let alike = |other: Option<Rule>| other == rule || (ends(other) && ends(rule));
    let there = seen.iter().any(|&(leg, other, side)| leg == own && alike(other) && side == by);
    if there { fault } else { Fault::Intermediary }
}

/// Whether the leg has bytes of this side: otherwise nothing is known of what it sent.
fn shows(leg: &Leg, role: Role) -> bool {
    leg.dir(role).window.end() > 0 && !leg.dir(role).gaps
}
