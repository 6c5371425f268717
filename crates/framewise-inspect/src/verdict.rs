//! Selects the finding that explains the end of the connection.

use framewise_rules::{Answer, CloseCode};

use crate::report::{Finding, Verdict};

/// The first finding in the recording's order that is not a note, if any.
pub(crate) fn verdict(findings: &[Finding]) -> Option<Verdict> {
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
        fault: cause.map(|cause| cause.fault),
        close,
        finding: index,
    })
}
