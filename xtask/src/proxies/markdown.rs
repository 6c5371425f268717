//! `docs/proxies.md`.

use std::fmt::Write as _;

use super::report::{Cell, GROUPS, Report, Results};

const HEAD: &str = "\
# What real proxies do to WebSocket connections

`framewise path` through real proxies, each as its documentation configures it for WebSockets and as people configure it by
mistake. `cargo xtask proxies` installs them from the package registries, runs this again and writes this file;
`cargo xtask proxies nginx` does so for one. The same as [JSON](proxies.json) and as a [page](proxies.html).
`framewise explain nginx` says what must be set, with the source of each default.

| cell | |
|---|---|
| ✓ | everything arrived as it was sent |
| ~ | something differs and does no harm: the names of headers in lower case, their order, headers that were added, a frame that RFC 6455 forbids and that did not pass |
| ✗ | something is wrong; below, with the bytes |
| · | not run: no connection can be opened |

Growth of memory is that of the resident memory of the proxy's process and those that it started (VmRSS in /proc), looked at every
20 ms while the probe runs alone, over its value before. Delays and rates are those of one run on a machine that does other work.
";

pub(super) fn page(results: &Results) -> String {
    let mut text = HEAD.to_owned();
    text.push('\n');
    let _ = writeln!(text, "| proxy | configuration | {} |", GROUPS.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(GROUPS.len()));
    for (examined, run) in results.proxies.iter().flat_map(|one| one.runs.iter().map(move |run| (one, run))) {
        let cells: Vec<_> = GROUPS.iter().map(|group| sign(run.cell(group))).collect();
        let says = if run.documented { format!("**{}**", run.says) } else { run.says.clone() };
        let _ = writeln!(
            text,
            "| {} {} | {} | {} |",
            examined.name,
            examined.version,
            escape(&says),
            cells.join(" | ")
        );
    }
    let _ = writeln!(text, "\nIn bold: as the documentation says.");
    for examined in &results.proxies {
        let _ = writeln!(text, "\n## {} {}\n\n{}.", examined.name, examined.version, examined.package);
        for run in &examined.runs {
            one(&mut text, run);
        }
    }
    text
}

fn one(text: &mut String, run: &Report) {
    let documented = if run.documented { ", as documented" } else { "" };
    let _ = writeln!(text, "\n### {}{documented}\n", run.says);
    if !run.lines.is_empty() {
        let _ = writeln!(text, "```\n{}\n```\n", run.lines);
    }
    let ran = run.probes - run.skipped;
    let silences: Vec<_> = run.silences.iter().map(|seconds| format!("{seconds} s")).collect();
    let _ = writeln!(
        text,
        "{} of {ran} probes arrived as sent{}; silences of {}.",
        run.as_sent,
        if run.skipped > 0 { format!(", {} were not run", run.skipped) } else { String::new() },
        silences.join(", "),
    );
    if !run.remark.is_empty() {
        let _ = writeln!(text, "\n{}", run.remark);
    }
    if !run.found.is_empty() {
        text.push('\n');
    }
    for found in &run.found {
        let more = match found.probes.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let causes =
            if found.causes.is_empty() { String::new() } else { format!(" **{}**", found.causes.join(", ")) };
        let bytes = found
            .transcript
            .as_ref()
            .map_or_else(String::new, |file| format!(" ([bytes](../proxies/results/{file}))"));
        let _ = writeln!(
            text,
            "- {} `{}`{more}: {}{causes}. {}{bytes}",
            sign(if found.is_wrong() { Cell::Wrong } else { Cell::Differs }),
            found.probes[0],
            found.verdict,
            escape(&found.says)
        );
    }
}

const fn sign(cell: Cell) -> &'static str {
    match cell {
        Cell::AsSent => "✓",
        Cell::Differs => "~",
        Cell::Wrong => "✗",
        Cell::Skipped => "·",
    }
}

/// A text of the network inside a line of Markdown.
fn escape(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.replace('|', "\\|").replace('<', "&lt;")
}
