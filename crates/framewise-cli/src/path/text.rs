//! The report as a person reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use framewise_path::{Outcome, Report, Severity, Verdict};
use framewise_rules::prose::Language;
use serde::Deserialize;

use crate::expect::Judged;
use crate::failure::Failure;
use crate::render::style::{FAINT, FAULT, HEADING, ID, paint};
use crate::render::{clean, shorten, wrap};

/// Lines of bytes that are printed for a probe.
const BYTES: usize = 2;

/// An older report.
#[derive(Debug, Deserialize)]
pub(super) struct Baseline {
    probes: Vec<Known>,
}

#[derive(Debug, Deserialize)]
struct Known {
    name: String,
    verdict: String,
}

impl Baseline {
    pub(super) fn read(path: &std::path::Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| super::unreadable(path, &error))?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::said(format!("{} is not a report of `framewise path --json`: {error}", path.display()))
        })
    }

    /// What became of probes that had another verdict before.
    fn since(&self, report: &Report) -> Vec<String> {
        let before: BTreeMap<_, _> =
            self.probes.iter().map(|known| (&*known.name, &*known.verdict)).collect();
        let changed = report.probes.iter().filter_map(|outcome| {
            let before = before.get(&*outcome.name).filter(|before| **before != outcome.verdict.id())?;
            Some(format!("{}: {} became {}", outcome.name, clean(before), outcome.verdict))
        });
        changed.collect()
    }
}

pub(super) fn text(
    report: &Report,
    judged: &Judged<'_, Outcome>,
    baseline: Option<&Baseline>,
    width: usize,
) -> String {
    let mut text = String::new();
    let worth: Vec<_> = report
        .probes
        .iter()
        .filter(|outcome| !matches!(outcome.verdict, Verdict::AsSent | Verdict::Skipped))
        .collect();
    for outcome in alike(&worth) {
        probe(&mut text, &outcome, width);
    }
    summary(&mut text, report, width);
    if judged.known > 0 {
        let _ = writeln!(text, "{} of the probes are known to fail.", judged.known);
    }
    for name in &judged.stale {
        let _ = writeln!(text, "{}: expected to fail, and passed: delete its line", clean(name));
    }
    if let Some(baseline) = baseline {
        let since = baseline.since(report);
        let _ = writeln!(text, "Since the baseline, {} probes have another verdict.", since.len());
        for line in since {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// Outcomes of the same kind are printed once, with the names of the others.
fn alike<'o>(outcomes: &[&'o Outcome]) -> Vec<(&'o Outcome, Vec<&'o str>)> {
    let mut groups: Vec<(&Outcome, Vec<&str>)> = Vec::new();
    for outcome in outcomes {
        let group = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
        let same = groups.iter_mut().find(|(first, _)| {
            group(&first.name) == group(&outcome.name)
                && first.verdict == outcome.verdict
                && first.causes == outcome.causes
        });
        match same {
            Some((_, others)) => others.push(&outcome.name),
            None => groups.push((outcome, Vec::new())),
        }
    }
    groups
}

fn probe(text: &mut String, (outcome, others): &(&Outcome, Vec<&str>), width: usize) {
    let style = match outcome.severity {
        Some(Severity::Error | Severity::Warning) => FAULT,
        Some(Severity::Note) | None => FAINT,
    };
    let _ = writeln!(
        text,
        "{} {}",
        paint(style, format!("{:<9}", outcome.verdict.id())),
        paint(ID, &outcome.name)
    );
    let mut line = |what: &str| {
        for line in wrap(&clean(what), width.saturating_sub(10)) {
            let _ = writeln!(text, "          {line}");
        }
    };
    line(&format!("{}.", outcome.says));
    if !others.is_empty() {
        line(&format!("The same in {} more: {}.", others.len(), others.join(", ")));
    }
    if !outcome.hurts.is_empty() {
        line(&format!("Hurts {}.", outcome.hurts));
    }
    let heads = outcome.bytes.first().is_some_and(|line| line.ends_with(':'));
    for bytes in outcome.bytes.iter().take(if heads { 0 } else { BYTES }) {
        let _ =
            writeln!(text, "          {}", paint(FAINT, shorten(&clean(bytes), width.saturating_sub(10))));
    }
}

fn summary(text: &mut String, report: &Report, width: usize) {
    let count = |verdict: Verdict| report.probes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let ran = report.probes.len() - count(Verdict::Skipped);
    let _ = writeln!(
        text,
        "{}{}: {} of {ran} probes arrived as sent{}",
        clean(&report.via),
        report.software.as_ref().map_or_else(String::new, |name| format!(" ({name})")),
        count(Verdict::AsSent),
        if ran < report.probes.len() {
            format!("; skipped: {}", report.probes.len() - ran)
        } else {
            String::new()
        },
    );
    if report.causes.is_empty() {
        let _ = writeln!(text, "{}", paint(HEADING, "Nothing wrong found."));
    }
    for (cause, fix) in report.causes.iter().zip(&report.fixes) {
        let _ = writeln!(text, "{}  {}", paint(ID, cause.id()), cause.title(Language::English));
        for line in wrap(&clean(&fix.fix), width.saturating_sub(2)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    if let Some(cause) = report.causes.first() {
        let _ = writeln!(text, "next   framewise explain {cause}");
    }
}
