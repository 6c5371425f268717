//! The corpus of connections that broke in the field: how many of them get the right rule, side, close code and cause.
//!
//! The figures stand in `tests/corpus/figures.md` and may not fall. `FRAMEWISE_FIGURES=write cargo test -p
//! framewise-inspect --test main corpus` writes them anew; `-- --nocapture` shows the misses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use framewise_inspect::{Report, diagnose};
use framewise_transcript::Transcript;
use serde_json::Value;

const COLUMNS: [&str; 5] = ["rule", "side", "close", "cause", "cause in three"];

/// Of each column: how many are right, of how many that count.
type Row = [(u32, u32); 5];

/// What counts of one incident, and whether it is right: the rules of the corpus's README, "Scoring".
fn judge(incident: &Value, connection: &Value) -> [Option<bool>; 5] {
    let (expect, tellable) = (&incident["expect"], incident["tellable"].as_str().expect("a word"));
    let verdict = &connection["verdict"];
    if tellable == "none" {
        return [Some(verdict.is_null()), None, None, None, None];
    }
    let findings = connection["findings"].as_array().expect("a list");
    let note = expect["answer"] == "note";
    let noted = note && verdict.is_null() && findings.iter().any(|finding| finding["rule"] == expect["rule"]);
    let rule = if noted { &expect["rule"] } else { &verdict["rule"] };
    let finding =
        findings.iter().find(|finding| !rule.is_null() && &finding["rule"] == rule).unwrap_or(&Value::Null);
    let none = Vec::new();
    let wanted = || std::iter::once(expect).chain(expect["rules_ok"].as_array().unwrap_or(&none));
    let seen = !verdict.is_null() || note;
    let hit = wanted().find(|wanted| seen && &wanted["rule"] == rule);
    let hit = hit.map(|hit| {
        wanted().find(|wanted| &wanted["rule"] == rule && wanted["by"] == finding["by"]).unwrap_or(hit)
    });

    let side = (!expect["by"].is_null() && hit.is_none_or(|hit| !hit["by"].is_null()))
        .then(|| hit.is_some_and(|hit| finding["by"] == hit["by"]));
    let right = hit.unwrap_or(expect);
    let close = match right["answer"].as_str() {
        None if right["close"].is_null() => None,
        None => Some(!verdict.is_null() && verdict["close"] == right["close"]),
        Some("note") => None,
        Some(answer) => {
            let same = match answer.strip_prefix("http ") {
                None => finding["answer"]["abort"] == true,
                Some(status) => finding["answer"]["http"] == status.parse::<u64>().unwrap_or(0),
            };
            Some(!verdict.is_null() && same && (verdict["close"].is_null() || verdict["close"] == 1006))
        }
    };
    let mut cause = [None; 2];
    if tellable == "cause" {
        let causes = std::iter::once(finding)
            .chain(findings)
            .flat_map(|finding| finding["causes"].as_array().unwrap_or(&none));
        let mut named: Vec<&Value> = Vec::new();
        for id in std::iter::once(&verdict["cause"]).chain(causes.map(|cause| &cause["id"])) {
            if !id.is_null() && !named.contains(&id) {
                named.push(id);
            }
        }
        let good = |id: &&Value| {
            **id == expect["cause"] || expect["causes_ok"].as_array().is_some_and(|list| list.contains(id))
        };
        cause = [Some(named.first().is_some_and(&good)), Some(named.iter().take(3).any(good))];
    }
    [Some(hit.is_some()), side, close, cause[0], cause[1]]
}

fn figures() -> BTreeMap<String, Row> {
    let mut table: BTreeMap<String, Row> = BTreeMap::new();
    for line in include_str!("../corpus/incidents.jsonl").lines() {
        let incident: Value = serde_json::from_str(line).expect("a line is an object");
        let transcript: Transcript =
            incident["transcript"].as_str().expect("text").parse().expect("it is a transcript");
        let report = Report { connections: vec![diagnose(&transcript)] };
        let report = serde_json::to_value(&report).expect("a report is JSON");
        let judged = judge(&incident, &report["connections"][0]);
        if judged.contains(&Some(false)) {
            println!(
                "{}: {judged:?}, expected {} / {}",
                incident["id"], incident["expect"]["rule"], incident["expect"]["cause"]
            );
        }
        let (class, needs) =
            (incident["class"].as_str().expect("a word"), incident["needs"].as_str().expect("a word"));
        for row in [format!("class {class}"), format!("needs {needs}"), "total".to_owned()] {
            let row = table.entry(row).or_default();
            for (cell, right) in row.iter_mut().zip(judged) {
                if let Some(right) = right {
                    *cell = (cell.0 + u32::from(right), cell.1 + 1);
                }
            }
        }
    }
    table
}

fn write(table: &BTreeMap<String, Row>) -> String {
    let mut text = String::from("# What the diagnosis gets right of the corpus\n\n");
    text.push_str("Right, of those that count. The test `corpus` fails where a number falls; how to write them anew stands there.\n\n");
    let _ = writeln!(text, "| | {} |\n|---|{}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
    for (name, row) in table {
        let cells = row.map(|(right, of)| if of == 0 { "-".to_owned() } else { format!("{right}/{of}") });
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}

fn read(text: &str) -> BTreeMap<String, [u32; 5]> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let right = |at: usize| cells[at].split('/').next().and_then(|right| right.parse().ok()).unwrap_or(0);
        (cells[0].to_owned(), [right(1), right(2), right(3), right(4), right(5)])
    })
    .collect()
}

#[test]
fn no_figure_of_the_corpus_falls() {
    let table = figures();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/figures.md");
    if std::env::var_os("FRAMEWISE_FIGURES").is_some_and(|value| value == "write") {
        std::fs::write(&path, write(&table)).expect("the file can be written");
        return;
    }
    let recorded = read(&std::fs::read_to_string(&path).expect("the figures are in the repo"));
    assert!(!recorded.is_empty());
    for (name, least) in recorded {
        let row = table.get(&name).unwrap_or_else(|| panic!("{name} is not in the corpus any more"));
        for (at, column) in COLUMNS.iter().enumerate() {
            assert!(
                row[at].0 >= least[at],
                "{name}, {column}: {} right, {} are recorded",
                row[at].0,
                least[at]
            );
        }
    }
}
