use std::fmt::Write as _;

use framewise_conform::Case;
use framewise_conform::report::{Entry, Report};

use super::CheckArgs;
use crate::destination::Kind;
use crate::expect::Judged;
use crate::failure::Failure;
use crate::output::Output;
use crate::render::{clean, indent, shorten, wrap};

/// Failures that are printed in full.
const MOST_SHOWN: usize = 20;
/// Names of what else failed.
const MOST_NAMED: usize = 100;

/// The report as a file of this kind.
pub(crate) fn rendered(report: &Report, kind: Kind) -> String {
    match kind {
        Kind::Html => report.html(),
        Kind::Json => report.json(),
        Kind::Junit => report.junit(),
        Kind::Sarif => report.sarif(),
        Kind::Badge => report.badge(),
    }
}

/// The cases, a line each.
pub(crate) fn list(cases: &[Case], json: bool, output: Output) -> Result<(), Failure> {
    if json {
        let rows: Vec<_> = cases
            .iter()
            .map(|case| {
                serde_json::json!({
                    "name": case.name,
                    "level": case.level.id(),
                    "rule": case.rule.map(framewise::Rule::id),
                    "autobahn": case.autobahn,
                    "description": case.says,
                })
            })
            .collect();
        return output.json(&rows);
    }
    let mut text = String::new();
    for case in cases {
        let number = case.autobahn.as_deref().map_or_else(String::new, |number| format!(" [{number}]"));
        let _ = writeln!(text, "{}{number} ({}): {}", case.name, case.level.id(), case.says);
    }
    let _ = writeln!(text, "{} cases", cases.len());
    output.print(text)
}

/// What a person sees at the end of a run.
pub(crate) fn text(
    args: &CheckArgs,
    reports: &[Report],
    judged: &Judged<'_, Entry>,
    baseline: Option<&Report>,
    width: usize,
) -> String {
    let mut text = String::new();
    for (index, entry) in judged.unexpected.iter().enumerate() {
        if index < MOST_SHOWN {
            failure(&mut text, args, entry, width);
        } else if index < MOST_SHOWN + MOST_NAMED {
            let _ = writeln!(text, "{}: {}, {}", clean(&entry.name), entry.behaviour, entry.close);
        }
    }
    let unnamed = judged.unexpected.len().saturating_sub(MOST_SHOWN + MOST_NAMED);
    if unnamed > 0 {
        let _ = writeln!(text, "and {unnamed} more; --report html=report.html has them all");
    }
    for name in &judged.stale {
        let _ = writeln!(text, "{}: expected to fail, and passed: delete its line", clean(name));
    }
    if let (Some(baseline), [report]) = (baseline, reports) {
        let (broke, mended) = report.since(baseline);
        let _ = writeln!(text, "since the baseline: {} broke, {} mended", broke.len(), mended.len());
        for name in broke {
            let _ = writeln!(text, "  broke: {}", clean(name));
        }
        for name in mended {
            let _ = writeln!(text, "  mended: {}", clean(name));
        }
    }
    for report in reports {
        summary(&mut text, report, judged);
    }
    text
}

fn failure(text: &mut String, args: &CheckArgs, entry: &Entry, width: usize) {
    let _ = writeln!(text, "{}: {}, {}", clean(&entry.name), entry.behaviour, entry.close);
    for line in wrap(&format!("{}.", clean(&entry.description)), width.saturating_sub(2)) {
        let _ = writeln!(text, "  {line}");
    }
    for line in wrap(&format!("Seen: {}.", clean(&entry.says)), width.saturating_sub(2)) {
        let _ = writeln!(text, "  {line}");
    }
    if let Some(transcript) = &entry.transcript {
        let lines: Vec<_> =
            transcript.lines().map(|line| shorten(&clean(line), width.saturating_sub(4))).collect();
        // The end is what tells: the handshake at the start is the same each time.
        let from = lines.len().saturating_sub(8);
        text.push_str(&indent(&lines[from..].join("\n"), 4));
    }
    if let Some(rule) = &entry.rule {
        let _ = writeln!(text, "  The rule: framewise explain {rule}");
    }
    if let (Some(rule), Some(source)) = (&entry.source_url, &entry.source) {
        let _ = writeln!(text, "  {source}: {rule}");
    }
    if let Some(address) = &args.listen {
        let _ =
            writeln!(text, "  Again:    framewise check --only {} --listen {}", entry.name, clean(address));
    }
    if let Some(url) = &args.url {
        let _ = writeln!(text, "  Again:    framewise check --only {} {}", entry.name, clean(url));
    }
    text.push('\n');
}

fn summary(text: &mut String, report: &Report, judged: &Judged<'_, Entry>) {
    let count = |behaviour: &str| report.cases.iter().filter(|entry| entry.behaviour == behaviour).count();
    let (passed, counted) = report.counts();
    let target = clean(&report.target);
    let _ = match counted {
        0 => write!(text, "{target}: none of {} cases could be judged", report.cases.len()),
        _ => write!(text, "{target}: {passed} of {counted} cases passed"),
    };
    let dropped = report.failed().filter(|entry| entry.close == "dropped").count();
    let more = [
        (count("unsupported"), "not supported by it"),
        (count("informational"), "recorded only"),
        (count("non-strict"), "passed late or in part"),
        (dropped, "dropped the connection without a Close frame"),
        (judged.known, "known failures"),
    ];
    let more: Vec<_> =
        more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !more.is_empty() {
        let _ = write!(text, " ({})", more.join(", "));
    }
    text.push('\n');
    if !report.complete {
        text.push_str("The run was ended before its end: this is a part of it.\n");
    }
}
