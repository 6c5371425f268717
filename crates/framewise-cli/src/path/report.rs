//! The report as files, and held against what is known to fail.

use framewise_conform::report::{Page, Row, State};
use framewise_path::{Outcome, Report, Verdict};

use crate::destination::Kind;
use crate::expect::Ran;

/// The reports that there are.
pub(super) const KINDS: &[Kind] = &[Kind::Html, Kind::Json, Kind::Junit];

impl Ran for Outcome {
    fn name(&self) -> &str {
        &self.name
    }

    fn passed(&self) -> Option<bool> {
        (self.verdict != Verdict::Skipped).then_some(self.causes.is_empty())
    }

    fn says(&self) -> &str {
        &self.says
    }
}

/// The report as a file of this kind.
pub(super) fn rendered(report: &Report, kind: Kind) -> String {
    match kind {
        Kind::Html => page(report).html(),
        Kind::Junit => page(report).junit(),
        Kind::Json | Kind::Sarif | Kind::Badge => {
            serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
        }
    }
}

fn page(report: &Report) -> Page<'_> {
    let software =
        report.software.as_ref().map_or_else(String::new, |name| format!(" The headers name {name}."));
    let sent = report.probes.iter().filter(|outcome| outcome.verdict == Verdict::AsSent).count();
    Page {
        command: "framewise path",
        target: &report.via,
        summary: format!("{sent} of {} probes arrived as sent.{software}", report.probes.len()),
        complete: true,
        fixes: report.fixes.iter().map(|fix| (fix.cause.id(), fix.fix.as_str())).collect(),
        rows: report.probes.iter().map(row).collect(),
    }
}

fn row(outcome: &Outcome) -> Row<'_> {
    let causes: Vec<_> = outcome.causes.iter().map(|cause| cause.id()).collect();
    let hurts = if outcome.hurts.is_empty() { String::new() } else { format!("Hurts {}.\n", outcome.hurts) };
    Row {
        name: &outcome.name,
        state: match outcome.passed() {
            None => State::Skipped,
            Some(false) => State::Failed,
            Some(true) if outcome.verdict == Verdict::AsSent => State::Passed,
            Some(true) => State::Noted,
        },
        kind: causes.first().copied().unwrap_or_else(|| outcome.verdict.id()),
        verdict: std::iter::once(outcome.verdict.id())
            .chain(causes.iter().copied())
            .collect::<Vec<_>>()
            .join(", "),
        tags: String::new(),
        description: &outcome.description,
        says: &outcome.says,
        source: None,
        detail: hurts + &outcome.bytes.join("\n"),
        milliseconds: outcome.milliseconds,
    }
}
