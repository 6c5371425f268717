//! The reports of a run: JSON, `JUnit`, SARIF, one HTML page, a badge.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::autobahn::escaped;
use crate::case::Case;
use crate::verdict::{Behaviour, Verdict};

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
    /// What went over the wire, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

impl Entry {
    /// The entry of a case and its verdict.
    pub fn new(case: &Case, verdict: &Verdict) -> Self {
        let passed = verdict.passed();
        Self {
            name: case.name.clone(),
            rule: case.rule.map(|rule| rule.id().to_owned()),
            level: case.level.id().to_owned(),
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
            transcript: (!passed).then(|| shortened(&verdict.transcript.to_string())),
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
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let failures = self.failed().count();
        let _ = writeln!(
            xml,
            "<testsuites name=\"framewise check\" tests=\"{}\" failures=\"{failures}\">",
            self.cases.len()
        );
        for (family, entries) in self.families() {
            let failures = entries.iter().filter(|entry| !entry.passed).count();
            let skipped = entries.iter().filter(|entry| entry.behaviour == "unsupported").count();
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{family}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" time=\"{}\">",
                entries.len(),
                seconds(entries.iter().map(|entry| entry.milliseconds).sum()),
            );
            for entry in entries {
                let _ = write!(
                    xml,
                    "    <testcase classname=\"framewise.{family}\" name=\"{}\" time=\"{}\"",
                    escaped(&entry.name),
                    seconds(entry.milliseconds)
                );
                if !entry.passed {
                    let _ = writeln!(
                        xml,
                        ">\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>",
                        escaped(&entry.says),
                        escaped(entry.rule.as_deref().unwrap_or(&entry.behaviour)),
                        escaped(&format!(
                            "{}\n{}",
                            entry.description,
                            entry.transcript.as_deref().unwrap_or_default()
                        )),
                    );
                } else if entry.behaviour == "unsupported" {
                    let _ = writeln!(
                        xml,
                        ">\n      <skipped message=\"{}\"/>\n    </testcase>",
                        escaped(&entry.says)
                    );
                } else {
                    xml.push_str("/>\n");
                }
            }
            xml.push_str("  </testsuite>\n");
        }
        xml.push_str("</testsuites>\n");
        xml
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
        let mut rules: Vec<&str> =
            self.failed().map(|entry| entry.rule.as_deref().unwrap_or(&entry.name)).collect();
        rules.sort_unstable();
        rules.dedup();
        let rules: Vec<Value> = rules.into_iter().map(|rule| json!({ "id": rule })).collect();
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
        let passed = self.cases.iter().filter(|entry| entry.passed).count();
        let text = format!("{passed} of {}", self.cases.len());
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
        let passed = self.cases.iter().filter(|entry| entry.passed).count();
        let target = escaped(&self.target);
        let partial = if self.complete {
            ""
        } else {
            "<p><strong>The run was ended before its end: this is a part of it.</strong></p>\n"
        };
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>framewise check: {target}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<h1>{target}</h1>\n{partial}\
             <p>{passed} of {} cases passed ({}).</p>\n\
             <p><label>Filter <input id=\"filter\" type=\"search\" placeholder=\"name, rule, close\"></label>\n\
             <label><input id=\"failed\" type=\"checkbox\"> only what did not pass</label></p>\n",
            self.cases.len(),
            escaped(&self.role),
        );
        for (family, entries) in self.families() {
            let failed = entries.iter().filter(|entry| !entry.passed).count();
            let open = if failed > 0 { " open" } else { "" };
            let _ = writeln!(
                page,
                "<details{open}><summary>{family}: {} of {}</summary>",
                entries.len() - failed,
                entries.len()
            );
            for entry in entries {
                let class = match (entry.passed, entry.behaviour.as_str()) {
                    (false, _) => "no",
                    (true, "ok") => "yes",
                    (true, _) => "so",
                };
                let rule = entry.rule.as_deref().unwrap_or_default();
                let numbers = entry.autobahn.join(" ");
                let _ = write!(
                    page,
                    "<article class=\"{class}\" data-text=\"{}\"><h2>{}</h2><p>{}</p><p><b>{}, {}</b> {}</p>",
                    escaped(&format!("{} {rule} {} {} {numbers}", entry.name, entry.behaviour, entry.close)),
                    escaped(&entry.name),
                    escaped(&entry.description),
                    escaped(&entry.behaviour),
                    escaped(&entry.close),
                    escaped(&entry.says),
                );
                if let Some(transcript) = &entry.transcript {
                    let _ = write!(page, "<pre>{}</pre>", escaped(transcript));
                }
                page.push_str("</article>\n");
            }
            page.push_str("</details>\n");
        }
        let _ = write!(page, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
        page
    }

    /// The entries by the first part of their names, in the order in which the families come.
    fn families(&self) -> Vec<(&str, Vec<&Entry>)> {
        let mut families: Vec<(&str, Vec<&Entry>)> = Vec::new();
        for entry in &self.cases {
            let family = entry.name.split('/').next().unwrap_or_default();
            match families.iter_mut().find(|(name, _)| *name == family) {
                Some((_, entries)) => entries.push(entry),
                None => families.push((family, vec![entry])),
            }
        }
        families
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

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.4 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}\
h1{overflow-wrap:anywhere}summary{font-weight:600;padding:.4rem 0;cursor:pointer}article{border-left:.3rem solid #888;padding:.1rem .8rem;margin:.5rem 0}\
article h2{font:600 1rem ui-monospace,monospace;margin:.2rem 0;overflow-wrap:anywhere}article p{margin:.2rem 0}\
article.no{border-color:#c62828}article.yes{border-color:#2e7d32}pre{overflow-x:auto;font-size:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}\
[hidden]{display:none}";

const SCRIPT: &str = "const f=document.getElementById('filter'),o=document.getElementById('failed');\
function show(){const t=f.value.toLowerCase().split(/\\s+/).filter(Boolean);for(const a of document.querySelectorAll('article'))\
a.hidden=(o.checked&&!a.classList.contains('no'))||!t.every(w=>a.dataset.text.includes(w))}f.oninput=show;o.onchange=show;";

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
        let report = report();
        assert!(report.badge().contains("1 of 2"));
        assert!(report.junit().contains("tests=\"2\" failures=\"1\""));
    }
}
