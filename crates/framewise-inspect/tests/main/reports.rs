//! Reports, word for word: what a reader is told of each connection in `causes.txt`, `lookalikes.txt`, `edges.txt` and the
//! corpus. What the other tests say of them is which rule, side and cause; this one says every number and sentence.
//!
//! The reports are in `tests/reports.txt`. `FRAMEWISE_REPORTS=write cargo test -p framewise-inspect --test main reports`
//! writes them again: read the difference before you commit it.

use std::fmt::Write as _;
use std::path::Path;

use framewise_inspect::report::{Finding, Searched};
use framewise_inspect::{Connection, diagnose};
use framewise_transcript::Transcript;

use crate::causes;

/// What lies at the edges of what is told apart: one byte more or less, one frame, one second.
const EDGES: &str = include_str!("../edges.txt");

/// Every connection: its name and its transcript.
pub(crate) fn connections() -> Vec<(String, Transcript)> {
    let parse = |name: &str, text: &str| -> Transcript {
        causes::expand(text).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let cases = causes::cases().map(|(name, _, text)| (name.to_owned(), parse(name, text)));
    let corpus = include_str!("../corpus/incidents.jsonl").lines().map(|line| {
        let incident: serde_json::Value = serde_json::from_str(line).expect("a line is an object");
        let name = incident["id"].as_str().expect("a name");
        (name.to_owned(), parse(name, incident["transcript"].as_str().expect("text")))
    });
    let edges = EDGES.split("\n= ").skip(1).map(|edge| {
        let (name, text) = edge.split_once('\n').expect("an edge has lines");
        (name.to_owned(), parse(name, text))
    });
    cases.chain(corpus).chain(edges).collect()
}

/// A report in lines: everything that it says.
pub(crate) fn written(connection: &Connection) -> String {
    let mut text = String::new();
    if let Some(handshake) = &connection.handshake {
        let _ = writeln!(
            text,
            "handshake: {:?} {:?} {:?}",
            handshake.status, handshake.subprotocol, handshake.extensions
        );
    }
    for finding in &connection.findings {
        write_finding(&mut text, finding);
    }
    if let Some(verdict) = &connection.verdict {
        let _ = writeln!(
            text,
            "verdict: {}, {}, {:?}",
            verdict.finding,
            verdict.cause.map_or("-", framewise_rules::Cause::id),
            verdict.close.map(|code| code.0)
        );
    }
    if let Some(ended) = &connection.ended {
        let _ = writeln!(
            text,
            "ended: {:?} by {} {:?} {:?}",
            ended.how,
            ended.by,
            ended.code.map(|code| code.0),
            ended.reason
        );
    }
    text
}

fn write_finding(text: &mut String, finding: &Finding) {
    let _ = write!(
        text,
        "{}. {} by {} on {}: {}+{}, frame {:?}, message {:?}",
        finding.index,
        finding.rule.map_or("-", framewise_rules::Rule::id),
        finding.by.map_or("-", framewise_rules::Role::name),
        finding.leg,
        finding.offset,
        finding.length,
        finding.frame.unwrap_or(0),
        finding.message.unwrap_or(0)
    );
    if let Some(time) = finding.time {
        let _ = write!(text, ", {time:?}");
    }
    for also in &finding.also {
        let _ = write!(text, ", also {also}");
    }
    if let Some(consequence) = finding.consequence {
        let _ = write!(text, ", {consequence:?}");
    }
    if finding.searched != Searched::Done {
        let _ = write!(text, ", searched: {:?}", finding.searched);
    }
    // The rule's own sentence is the table's matter.
    let says = finding.rule.and_then(|rule| finding.says.strip_prefix(rule.sentence()));
    let _ = writeln!(text, "\n   {}", says.unwrap_or(&finding.says).trim());
    let excerpt = &finding.excerpt;
    let _ = write!(text, "   {}: bytes {}+{}", finding.bytes, excerpt.start, excerpt.bytes.len());
    let _ = write!(text, ", marked {:?}", excerpt.marked);
    for (range, part) in &excerpt.parts {
        let _ = write!(text, ", {part:?} {range:?}");
    }
    text.push('\n');
    for cause in &finding.causes {
        let _ = writeln!(
            text,
            "   - {}, {}: {}",
            cause.id,
            cause.fault.map_or("nobody".to_owned(), |fault| fault.to_string()),
            cause.evidence
        );
    }
}

#[test]
fn reports_are_what_they_were_word_for_word() {
    let mut reports =
        String::from("What `diagnose` says of each connection. The test `reports` writes this file.\n");
    for (name, transcript) in connections() {
        let _ = write!(reports, "\n= {name}\n{}", written(&diagnose(&transcript)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports.txt");
    if std::env::var_os("FRAMEWISE_REPORTS").is_some_and(|value| value == "write") {
        std::fs::write(&path, reports).expect("the file can be written");
        return;
    }
    let recorded = std::fs::read_to_string(&path).expect("the reports are in the repo");
    let (mut now, mut then) = (reports.split("\n= "), recorded.split("\n= "));
    let mut failures = Vec::new();
    loop {
        match (now.next(), then.next()) {
            (None, None) => break,
            (now, then) if now == then => {}
            (now, then) => {
                failures.push(format!("recorded:\n{}\nnow:\n{}", then.unwrap_or("-"), now.unwrap_or("-")));
            }
        }
        if failures.len() == 5 {
            break;
        }
    }
    assert!(failures.is_empty(), "reports differ:\n{}", failures.join("\n"));
}
