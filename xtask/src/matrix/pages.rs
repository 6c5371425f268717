//! `docs/matrix.md`, `docs/matrix.json` and `docs/matrix.html`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use super::home;
use super::results::{Cell, Fault, Found, Sign};
use crate::Result;
use crate::run::root;

const TITLE: &str = "How strict WebSocket implementations are";
const ABOUT: &str = "`framewise check` against implementations from the package registries, each with the echo of its documentation and \
                     its own settings, except that messages of 64 MiB are allowed where a limit can be set. `cargo xtask matrix NAME` runs \
                     one of them again.";
const SIGNS: &str = "✓ every case passed. ~ the connection ended, but with another Close code than is due, or without one; or only a \
                     SHOULD or a MAY is at stake. ✗ a case failed: the endpoint continued, or rejected what is legal. · no case was \
                     run: the endpoint does not have what it needs.";

/// What a person said who looked at the bytes.
struct Remark {
    rule: String,
    /// `behaviour/close`, or `*`.
    kind: String,
    /// The implementations, or `*`.
    peers: Vec<String>,
    says: String,
}

impl Remark {
    fn is_about(&self, found: &Found, rule: &str, fault: &Fault) -> bool {
        self.rule == rule
            && (self.kind == "*" || self.kind == fault.kind())
            && (self.peers[0] == "*" || self.peers.contains(&found.key()))
    }
}

/// `RULE KIND PEER,PEER: what it is`, a line each.
fn remarks() -> Result<Vec<Remark>> {
    let path = home().join("looked-at.txt");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (head, says) = line.split_once(": ").ok_or_else(|| format!("{}: {line}", path.display()))?;
            match head.split(' ').collect::<Vec<_>>()[..] {
                [rule, kind, peers] => Ok(Remark {
                    rule: rule.to_owned(),
                    kind: kind.to_owned(),
                    peers: peers.split(',').map(str::to_owned).collect(),
                    says: says.to_owned(),
                }),
                _ => Err(format!("{}: {line}", path.display())),
            }
        })
        .collect()
}

pub(super) fn write() -> Result {
    let (all, remarks) = (Found::read_all()?, remarks()?);
    for (name, text) in [
        ("matrix.md", markdown(&all, &remarks)),
        ("matrix.html", html(&all, &remarks)),
        ("matrix.json", table(&all)),
    ] {
        let path = root().join("docs").join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The signs alone; the results have the rest.
fn table(all: &[Found]) -> String {
    let rows: Vec<_> = all
        .iter()
        .map(|found| {
            let (failed, differs) = found.failed();
            let rules: BTreeMap<_, _> =
                found.rules.iter().map(|(rule, cell)| (rule, sign_of(cell.sign()))).collect();
            json!({
                "id": found.id, "name": found.name, "kind": found.kind, "version": found.version,
                "cases": found.cases, "passed": found.passed, "failed": failed, "differs": differs,
                "not_run": found.not_run, "rules": rules,
            })
        })
        .collect();
    serde_json::to_string_pretty(&json!({ "implementations": rows })).unwrap_or_default() + "\n"
}

/// What the table cannot tell.
const NOTES: &[&str] = &[
    "ws-framer has no handshake for servers: its example reads the request with another library. It is checked as a client.",
    "uWebSockets is in no registry of its own; socketify (PyPI) has it inside. uWebSockets.js is published on GitHub only.",
    "gorilla, coder (under its earlier name nhooyr.io/websocket) and libwebsockets are those of Debian 12: newer versions are in no \
     registry that `cargo xtask matrix` reads.",
    "undici is version 7 of npm, which is what Node 24 has built in as `WebSocket`; version 8 wants a newer Node than Debian's.",
    "The client of tokio-websockets panics at a Sec-WebSocket-Accept that decodes to more than it has room for \
     (`base64::Engine::decode_slice`: \"Output slice is too small\"): a server can end the task, or the program. The cells count \
     it as a rejection. Without a limit, as in its example, it reserves what a header claims: \
     one of 2^40 bytes ends the program. It is checked with a limit.",
    "Where a line above says that a false alarm of the suite was mended since, the run is of the time before: it still counts it.",
    "The server of websocket (npm) ends its whole process at a request with a subprotocol that is no token, if \
     `autoAcceptConnections` is set: it throws where nobody catches it. It is checked with a handler that does.",
];

const KINDS: [(&str, &str); 3] =
    [("server", "Servers"), ("proxy", "Proxies in front of `framewise serve`"), ("client", "Clients")];

/// The rules that have a sign other than ✓ and · for one of these.
fn rules(some: &[&Found]) -> BTreeSet<String> {
    let cells = some.iter().flat_map(|found| &found.rules);
    cells.filter(|(_, cell)| cell.sign() > Sign::Passed).map(|(rule, _)| rule.clone()).collect()
}

fn markdown(all: &[Found], remarks: &[Remark]) -> String {
    let mut text = format!(
        "# {TITLE}\n\n{ABOUT} The bytes of each failure are in [matrix.html](matrix.html).\n\n{SIGNS}\n"
    );
    for (kind, heading) in KINDS {
        let some: Vec<_> = all.iter().filter(|found| found.kind == kind).collect();
        if some.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "\n## {heading}\n\n| | version | cases | passed | failed ✗ | differ ~ | not run |\n|---|---|---|---|---|---|---|"
        );
        for found in &some {
            let (failed, differs) = found.failed();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {failed} | {differs} | {} |",
                found.name, found.version, found.cases, found.passed, found.not_run
            );
        }
        let rules = rules(&some);
        if rules.is_empty() {
            continue;
        }
        let names: Vec<_> = some.iter().map(|found| found.id.as_str()).collect();
        let _ = writeln!(text, "\n| rule | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
        for rule in &rules {
            let signs: Vec<_> = some
                .iter()
                .map(|found| found.rules.get(rule).map_or("", |cell| sign_of(cell.sign())))
                .collect();
            let _ = writeln!(text, "| {rule} | {} |", signs.join(" | "));
        }
    }
    let _ = writeln!(text, "\n## What it is\n");
    for remark in remarks {
        let _ = writeln!(text, "- **{}**{}: {}", remark.rule, whose(remark), remark.says);
    }
    text.push_str("\n## What it does not tell\n\n");
    for note in NOTES {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn whose(remark: &Remark) -> String {
    let kind = if remark.kind == "*" { String::new() } else { format!(" ({})", remark.kind) };
    let peers = if remark.peers[0] == "*" { String::new() } else { format!(", {}", remark.peers.join(", ")) };
    format!("{kind}{peers}")
}

const STYLE: &str = "\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 90rem; margin: 2rem auto; padding: 0 1rem }
.wide { overflow-x: auto }
table { border-collapse: collapse }
th, td { padding: .2rem .5rem; text-align: left; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
thead th { font-size: .8rem; vertical-align: bottom }
td a { display: block; text-align: center; text-decoration: none; color: inherit }
.failed { background: #c62828; color: #fff }
.differs { background: #f9a82540 }
.passed { background: #2e7d3230; text-align: center }
pre { font-size: .85rem; overflow-x: auto; padding: .5rem; background: color-mix(in srgb, currentColor 7%, transparent) }
";

fn html(all: &[Found], remarks: &[Remark]) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{TITLE}</title>\n<style>\n{STYLE}</style>\n<h1>{TITLE}</h1>\n<p>{}\n<p>{SIGNS}\n",
        ABOUT.replace('`', "")
    );
    for (kind, heading) in KINDS {
        let some: Vec<_> = all.iter().filter(|found| found.kind == kind).collect();
        let rules = rules(&some);
        if some.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "<h2>{}</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>",
            heading.replace('`', "")
        );
        for found in &some {
            let _ = write!(
                text,
                "<th>{} {}<br>{} of {}",
                escape(&found.name),
                escape(&found.version),
                found.passed,
                found.cases
            );
        }
        text.push_str("</thead>\n");
        for rule in &rules {
            let _ = write!(text, "<tr><th>{rule}");
            for found in &some {
                text.push_str(&html_cell(found, rule, found.rules.get(rule)));
            }
            text.push('\n');
        }
        text.push_str("</table></div>\n");
        for found in some {
            let _ =
                writeln!(text, "<h3>{} {}, {}</h3>", escape(&found.name), escape(&found.version), found.kind);
            for (rule, cell) in found.rules.iter().filter(|(_, cell)| !cell.faults.is_empty()) {
                html_faults(&mut text, found, rule, cell, remarks);
            }
        }
    }
    text + "</html>\n"
}

fn html_cell(found: &Found, rule: &str, cell: Option<&Cell>) -> String {
    match cell.map(Cell::sign) {
        None => "<td>".into(),
        Some(sign @ Sign::NotRun) => format!("<td>{}", sign_of(sign)),
        Some(sign @ Sign::Passed) => format!("<td class=\"passed\">{}", sign_of(sign)),
        Some(sign @ (Sign::Differs | Sign::Failed)) => {
            let class = if sign == Sign::Failed { "failed" } else { "differs" };
            format!("<td class=\"{class}\"><a href=\"#{}\">{}</a>", anchor(found, rule), sign_of(sign))
        }
    }
}

fn html_faults(text: &mut String, found: &Found, rule: &str, cell: &Cell, remarks: &[Remark]) {
    let _ = writeln!(text, "<details id=\"{}\"><summary>{rule}</summary>", anchor(found, rule));
    for fault in &cell.faults {
        let _ = write!(
            text,
            "<p>{} {}: {}, {} ({}): {}",
            fault.cases,
            if fault.cases == 1 { "case" } else { "cases" },
            fault.behaviour,
            fault.close,
            fault.level,
            escape(&fault.says)
        );
        for remark in remarks.iter().filter(|remark| remark.is_about(found, rule, fault)) {
            let _ = write!(text, " <b>{}</b>", escape(&remark.says));
        }
        let _ = writeln!(text, "\n<pre>{}\n{}</pre>", fault.case, escape(&fault.transcript.join("\n")));
    }
    text.push_str("</details>\n");
}

fn anchor(found: &Found, rule: &str) -> String {
    format!("{}-{}", found.key(), rule.trim_end_matches('/'))
}

const fn sign_of(sign: Sign) -> &'static str {
    match sign {
        Sign::NotRun => "·",
        Sign::Passed => "✓",
        Sign::Differs => "~",
        Sign::Failed => "✗",
    }
}

/// A text of the network inside HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The committed pages are those of the committed results: none of them was edited by hand.
    #[test]
    fn the_pages_agree_with_the_results() {
        let (all, remarks) = (Found::read_all().expect("results"), remarks().expect("remarks"));
        for (name, text) in [
            ("matrix.md", markdown(&all, &remarks)),
            ("matrix.html", html(&all, &remarks)),
            ("matrix.json", table(&all)),
        ] {
            let committed = fs::read_to_string(root().join("docs").join(name)).expect(name);
            assert!(committed == text, "docs/{name} is old: cargo xtask matrix --write");
        }
    }

    #[test]
    fn each_red_cell_has_its_bytes_and_was_looked_at() {
        let (all, remarks) = (Found::read_all().expect("results"), remarks().expect("remarks"));
        assert!(!all.is_empty());
        let mut used = vec![false; remarks.len()];
        let mut missing = Vec::new();
        for found in &all {
            for (rule, fault) in
                found.rules.iter().flat_map(|(rule, cell)| cell.faults.iter().map(move |fault| (rule, fault)))
            {
                let mut looked_at = false;
                for (remark, used) in remarks.iter().zip(&mut used) {
                    if remark.is_about(found, rule, fault) {
                        (looked_at, *used) = (true, true);
                    }
                }
                let bytes = !fault.transcript.is_empty() || fault.close == "crashed";
                if fault.sign() == Sign::Failed && !(looked_at && bytes) {
                    missing.push(format!("{rule} {} {}: {}", fault.kind(), found.key(), fault.says));
                }
            }
        }
        assert!(missing.is_empty(), "not in matrix/looked-at.txt:\n{}", missing.join("\n"));
        let stale = remarks.iter().zip(&used).filter(|(_, used)| !**used);
        let stale: Vec<_> = stale.map(|(remark, _)| format!("{} {}", remark.rule, remark.kind)).collect();
        assert!(stale.is_empty(), "about nothing: {}", stale.join(", "));
    }
}
