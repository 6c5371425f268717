//! Selects the finding that explains the end of the connection.

use framewise_rules::{Answer, CloseCode};

use crate::report::{Fault, Finding, Verdict};

/// The first finding in the recording's order that is not a note, if any.
///
/// `sender`: who sent the bytes of a finding.
pub(crate) fn verdict(findings: &[Finding], sender: impl Fn(&Finding) -> Option<Fault>) -> Option<Verdict> {
    let (index, finding) =
        findings.iter().enumerate().find(|(_, finding)| finding.answer != Some(Answer::Note))?;
    let cause = finding.causes.first();
    let close = match finding.answer {
        Some(answer) => answer.close_code(),
        None => finding.close.filter(|code| matches!(*code, CloseCode(1002 | 1003 | 1007 | 1011))),
    };
    Some(Verdict {
        rule: finding.rule,
        cause: cause.map(|cause| cause.id),
        // If nothing says why, it is still known who sent the bytes that break the rule.
        fault: cause.map_or_else(|| sender(finding), |cause| cause.fault),
        close,
        finding: index,
    })
}
