//! The reports of a run: JSON, `JUnit`, SARIF, one HTML page, a badge.

mod marked;
mod page;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use framewise_rules::Rule;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::case::Case;
use crate::verdict::{Behaviour, Verdict};

pub use page::{Page, Row, State};

/// Characters of a transcript in a report, at the most.
const MOST_SHOWN: usize = 8 * 1024;

/// What a run came to: the object of `--report json=FILE`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// What was tested: a URL, or what a client calls itself.
    pub target: String,
    /// `server` or `client`.
    pub role: String,
    /// Whether the run came to its end.
    pub complete: bool,
    /// Each case that was run.
    pub cases: Vec<Entry>,
}

/// What one case came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The case's name.
    pub name: String,
    /// The rule that it is about.
    pub rule: Option<String>,
    /// must, should, may or observe.
    pub level: String,
    /// The section that the rule stands in, such as `RFC 6455 §5.2`, and its URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The URL of that section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// What came back: ok, non-strict, informational, unsupported, blocked or failed.
    pub behaviour: String,
    /// How the connection ended: clean, wrong-code, no-code, dropped, lingering, missing, crashed or none.
    pub close: String,
    /// The code of the endpoint's Close frame; 1005 for one without.
    pub code: Option<u16>,
    /// Whether the endpoint did what is due.
    pub passed: bool,
    /// Its numbers in Autobahn's suite.
    pub autobahn: Vec<String>,
    /// How long it took.
    pub milliseconds: u64,
    /// What is sent, and what is due.
    pub description: String,
    /// What was seen.
    pub says: String,
    /// What went over the wire, where it did not pass: a frame a line, and what breaks a rule marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// The same, of each case, for the page.
    #[serde(skip)]
    pub shown: String,
}

impl Entry {
    /// The entry of a case and its verdict.
    pub fn new(case: &Case, verdict: &Verdict) -> Self {
        let passed = verdict.passed();
        let source = case.rule.and_then(|rule| rule.sources().first());
        let shown = marked::marked(&verdict.transcript);
        Self {
            name: case.name.clone(),
            rule: case.rule.map(|rule| rule.id().to_owned()),
            level: case.level.id().to_owned(),
            source: source.map(ToString::to_string),
            source_url: source.map(framewise_rules::Source::url),
            behaviour: verdict.behaviour.id().to_owned(),
            close: verdict.closing.id().to_owned(),
            code: verdict.code,
            passed,
            autobahn: case.autobahn.iter().cloned().collect(),
            milliseconds: verdict.took.as_millis() as u64,
            description: case.says.clone(),
            says: match &verdict.behaviour {
                Behaviour::Blocked { by } => format!("not run, because {by} failed"),
                Behaviour::Ok
                | Behaviour::NonStrict
                | Behaviour::Informational
                | Behaviour::Unsupported
                | Behaviour::Failed => verdict.says.clone(),
            },
            transcript: (!passed).then(|| shortened(&shown)),
            shown: shortened(&shown),
        }
    }
}

/// The lines of a transcript, up to a size.
fn shortened(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if out.len() >= MOST_SHOWN {
            out.push_str("# more follows\n");
            break;
        }
        if let Some((at, _)) = line.char_indices().nth(MOST_SHOWN / 4) {
            let _ = writeln!(out, "{}", &line[..at]);
            out.push_str("# the line goes on\n");
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

impl Report {
    /// The cases that did not pass.
    pub fn failed(&self) -> impl Iterator<Item = &Entry> {
        self.cases.iter().filter(|entry| !entry.passed)
    }

    /// How many cases passed, and how many were judged: those that the endpoint does not support say nothing of it.
    pub fn counts(&self) -> (usize, usize) {
        let judged = self.cases.iter().filter(|entry| entry.behaviour != "unsupported");
        let passed = judged.clone().filter(|entry| entry.passed).count();
        (passed, judged.count())
    }

    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The report as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The report as the XML of `JUnit`: a suite for each family.
    pub fn junit(&self) -> String {
        self.page().junit()
    }

    /// The report as SARIF 2.1.0: a result for each case that did not pass.
    pub fn sarif(&self) -> String {
        let results: Vec<Value> = self
            .failed()
            .map(|entry| {
                json!({
                    "ruleId": entry.rule.as_deref().unwrap_or(&entry.name),
                    "level": if entry.level == "must" { "error" } else { "warning" },
                    "message": { "text": format!("{}: {} ({})", entry.name, entry.says, entry.description) },
                    "locations": [{ "logicalLocations": [{ "fullyQualifiedName": self.target }] }],
                })
            })
            .collect();
        let mut rules = BTreeMap::new();
        for entry in self.failed() {
            let id = entry.rule.as_deref().unwrap_or(&entry.name);
            rules.entry(id).or_insert_with(|| sarif_rule(id, entry));
        }
        let rules: Vec<Value> = rules.into_values().collect();
        let sarif = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "framewise check", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "results": results,
            }],
        });
        serde_json::to_string_pretty(&sarif).unwrap_or_default() + "\n"
    }

    /// An SVG badge: how many passed.
    pub fn badge(&self) -> String {
        let (passed, judged) = self.counts();
        let text = format!("{passed} of {judged}");
        let color = if self.passed() { "#2e7d32" } else { "#c62828" };
        let width = 70 + 8 * text.len();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" aria-label=\"WebSocket: {text}\">\
             <rect width=\"{width}\" height=\"20\" rx=\"3\" fill=\"#444\"/>\
             <rect x=\"70\" width=\"{}\" height=\"20\" rx=\"3\" fill=\"{color}\"/>\
             <g fill=\"#fff\" font-family=\"Verdana,sans-serif\" font-size=\"11\"><text x=\"6\" y=\"14\">WebSocket</text>\
             <text x=\"76\" y=\"14\">{text}</text></g></svg>\n",
            width - 70
        )
    }

    /// The report as one HTML page: every case, filterable, with what went over the wire where it did not pass.
    pub fn html(&self) -> String {
        self.page().html()
    }

    fn page(&self) -> Page<'_> {
        let (passed, judged) = self.counts();
        let unsupported = match self.cases.len() - judged {
            0 => String::new(),
            count => format!("; {count} are not supported by it"),
        };
        Page {
            command: "framewise check",
            target: &self.target,
            summary: format!("{passed} of {judged} cases passed ({}){unsupported}.", self.role),
            complete: self.complete,
            fixes: Vec::new(),
            rows: self.cases.iter().map(row).collect(),
        }
    }

    /// What changed since an older run: the names that failed only now, and those that failed only then.
    pub fn since<'r>(&'r self, older: &'r Self) -> (Vec<&'r str>, Vec<&'r str>) {
        let passed_then = |name: &str| older.cases.iter().any(|entry| entry.name == name && entry.passed);
        let failed_then = |name: &str| older.cases.iter().any(|entry| entry.name == name && !entry.passed);
        let broke = self.failed().map(|entry| entry.name.as_str()).filter(|name| passed_then(name)).collect();
        let mended = self
            .cases
            .iter()
            .filter(|entry| entry.passed)
            .map(|entry| entry.name.as_str())
            .filter(|name| failed_then(name))
            .collect();
        (broke, mended)
    }
}

/// What a rule says, for who reads the results: a case without one speaks for itself.
fn sarif_rule(id: &str, entry: &Entry) -> Value {
    let sentence = Rule::from_id(id).map_or(&*entry.description, |rule| rule.sentence());
    let mut rule = json!({ "id": id, "shortDescription": { "text": sentence } });
    if let Some(url) = &entry.source_url {
        rule["helpUri"] = json!(url);
    }
    rule
}

fn row(entry: &Entry) -> Row<'_> {
    let rule = entry.rule.as_deref();
    Row {
        name: &entry.name,
        state: match (entry.passed, entry.behaviour.as_str()) {
            (false, _) => State::Failed,
            (true, "ok") => State::Passed,
            (true, "unsupported") => State::Skipped,
            (true, _) => State::Noted,
        },
        kind: rule.unwrap_or(&entry.behaviour),
        verdict: format!("{}, {}", entry.behaviour, entry.close),
        tags: format!("{} {}", rule.unwrap_or_default(), entry.autobahn.join(" ")),
        description: &entry.description,
        says: &entry.says,
        source: entry.source.as_deref().zip(entry.source_url.as_deref()),
        detail: entry.transcript.as_ref().unwrap_or(&entry.shown).clone(),
        milliseconds: entry.milliseconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let entry = |name: &str, passed: bool| Entry {
            name: name.into(),
            level: "must".into(),
            behaviour: if passed { "ok" } else { "failed" }.into(),
            close: "clean".into(),
            passed,
            says: "<b>&\u{1b}".into(),
            transcript: (!passed).then(|| "> 81 00".to_owned()),
            ..Entry::default()
        };
        Report {
            target: "ws://x/?a=\"<".into(),
            role: "server".into(),
            complete: true,
            cases: vec![entry("a/one", true), entry("b/two", false)],
        }
    }

    #[test]
    fn text_of_a_peer_is_harmless_in_each_report() {
        let report = report();
        for text in [report.junit(), report.html()] {
            assert!(!text.contains("<b>&") && !text.contains('\u{1b}'), "{text}");
            assert!(text.contains("&lt;b&gt;&amp;"), "{text}");
        }
        for text in [report.json(), report.sarif()] {
            assert!(!text.contains('\u{1b}'), "{text}");
            assert!(serde_json::from_str::<Value>(&text).is_ok());
        }
    }

    #[test]
    fn json_is_read_again_and_compared() {
        let now = report();
        let mut then: Report = serde_json::from_str(&now.json()).expect("it was written by us");
        assert_eq!(now.since(&then), (vec![], vec![]));
        then.cases[0].passed = false;
        then.cases[1].passed = true;
        assert_eq!(now.since(&then), (vec!["b/two"], vec!["a/one"]));
    }

    #[test]
    fn the_badge_and_the_counts_say_how_many_passed() {
        let mut report = report();
        report.cases.push(Entry { behaviour: "unsupported".into(), passed: true, ..Entry::default() });
        assert!(report.badge().contains("1 of 2"));
        assert!(report.html().contains("1 of 2 cases passed (server); 1 are not supported by it."));
        assert!(report.junit().contains("tests=\"3\" failures=\"1\""));
    }
}
