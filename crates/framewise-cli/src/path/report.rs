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
    let count = |verdict| report.probes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let skipped = match count(Verdict::Skipped) {
        0 => String::new(),
        some => format!(", {some} were not run"),
    };
    let ran = report.probes.len() - count(Verdict::Skipped);
    Page {
        command: "framewise path",
        target: &report.via,
        summary: format!("{} of {ran} probes arrived as sent{skipped}.{software}", count(Verdict::AsSent)),
        complete: true,
        fixes: report.fixes.iter().map(|fix| (fix.cause.id(), fix.fix.as_str())).collect(),
        rows: report.probes.iter().map(row).collect(),
    }
}

fn row(outcome: &Outcome) -> Row<'_> {
    let causes: Vec<_> = outcome.causes.iter().map(|cause| cause.id()).collect();
    // The first says what is wrong; the others are easier to read in lines of their own.
    let (says, more) = outcome.says.split_once("; ").unwrap_or((&outcome.says, ""));
    let more = if more.is_empty() { String::new() } else { more.replace("; ", "\n") + "\n" };
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
        says,
        source: None,
        detail: hurts + &more + &outcome.bytes.join("\n"),
        milliseconds: outcome.milliseconds,
    }
}
