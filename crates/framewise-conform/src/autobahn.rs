//! The surface of Autobahn's suite that harnesses rely on: its numbers, its specification files, its words for verdicts, and
//! its report files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use framewise_rules::Role;
use framewise_transcript::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::case::{Case, Due, Work};
use crate::cases::by_number;
use crate::verdict::{Behaviour, Closing, Verdict};

/// A specification file, of either mode. What it has besides is ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Spec {
    /// Where the fuzzing server listens.
    pub url: Option<String>,
    /// Where the reports go.
    pub outdir: Option<String>,
    /// The certificate of a `wss://` URL, a file in PEM.
    pub cert: Option<String>,
    /// Its key, a file in PEM.
    pub key: Option<String>,
    /// The servers that the fuzzing client tests.
    #[serde(default)]
    pub servers: Vec<Target>,
    /// The cases to run.
    #[serde(default = "everything")]
    pub cases: Vec<String>,
    /// The cases to leave out.
    #[serde(default, rename = "exclude-cases")]
    pub exclude_cases: Vec<String>,
    /// The cases to leave out for agents of a name.
    #[serde(default, rename = "exclude-agent-cases")]
    pub exclude_agent_cases: BTreeMap<String, Vec<String>>,
    /// Options of which none changes anything here.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Every other field.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// A server to test.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Target {
    /// Its URL.
    pub url: String,
    /// What it is called in the reports; else what its response's header Server says.
    pub agent: Option<String>,
    /// The value of Origin.
    pub origin: Option<String>,
    /// The value of Host.
    pub hostname: Option<String>,
    /// Subprotocols to offer.
    #[serde(default)]
    pub protocols: Vec<String>,
}

fn everything() -> Vec<String> {
    vec!["*".into()]
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// What is not JSON, or has a field of another type; with line and column, in words that follow a subject.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err("it is empty".into());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
            let comment = ["//", "/*", "#"].iter().any(|start| line.contains(start));
            format!("{error}{}", if comment { "; JSON has no comments" } else { "" })
        })?;
        if !value.is_object() {
            return Err("it is not an object, {…}".into());
        }
        // Once more from the text: only there the errors have a place.
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The cases that it selects, in the order of their numbers.
    pub fn select(&self, all: Vec<Case>) -> Vec<Case> {
        let mut cases: Vec<_> = all
            .into_iter()
            .filter(|case| {
                case.autobahn.as_deref().is_some_and(|number| {
                    self.cases.iter().any(|pattern| selects(pattern, number))
                        && !self.exclude_cases.iter().any(|pattern| selects(pattern, number))
                })
            })
            .collect();
        cases.sort_by(|a, b| {
            by_number(a.autobahn.as_deref().unwrap_or_default(), b.autobahn.as_deref().unwrap_or_default())
        });
        cases
    }

    /// Whether a case is left out for this agent.
    pub fn leaves_out(&self, agent: &str, number: &str) -> bool {
        self.exclude_agent_cases.iter().any(|(name, patterns)| {
            matches(name, agent, true) && patterns.iter().any(|pattern| matches(pattern, number, true))
        })
    }
}

/// A pattern without `*` is a number; one with it is anchored at its start.
fn selects(pattern: &str, number: &str) -> bool {
    if pattern.contains('*') { matches(pattern, number, false) } else { pattern == number }
}

/// Whether the text is what the pattern says, where `*` stands for anything.
fn matches(pattern: &str, text: &str, to_the_end: bool) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut open = false;
    let mut last = None;
    for part in parts {
        open = true;
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        _ if !to_the_end => true,
        // The last part may occur earlier, too: what counts is that the text ends with it.
        Some(part) if open => text.ends_with(part),
        _ => rest.is_empty(),
    }
}

/// The word for what came back. UNIMPLEMENTED is there for a deflate that was not agreed: an endpoint that sends nothing back,
/// or has a limit, has failed.
pub fn behaviour(case: &Case, verdict: &Verdict) -> &'static str {
    match verdict.behaviour {
        // In the cases about closing, another code is a failure of both.
        Behaviour::Ok | Behaviour::NonStrict
            if verdict.closing == Closing::WrongCode
                && case.autobahn.as_deref().is_some_and(|number| number.starts_with("7.")) =>
        {
            "FAILED"
        }
        Behaviour::Ok => "OK",
        Behaviour::NonStrict => "NON-STRICT",
        Behaviour::Informational => "INFORMATIONAL",
        Behaviour::Unsupported if case.needs.deflate.is_some() && verdict.closing == Closing::None => {
            "UNIMPLEMENTED"
        }
        Behaviour::Unsupported | Behaviour::Blocked { .. } | Behaviour::Failed => "FAILED",
    }
}

/// The word for how the connection ended. A dropped connection where a failing Close is due passes, as it does there.
pub fn closing(case: &Case, verdict: &Verdict) -> &'static str {
    let has_to_fail = matches!(case.work, Work::Frames { due: Due::Fail { .. }, .. });
    let has_to_answer = matches!(case.work, Work::Frames { due: Due::Close { .. }, .. });
    if behaviour(case, verdict) == "UNIMPLEMENTED" {
        return "OK";
    }
    match (verdict.closing, &verdict.behaviour) {
        (_, Behaviour::Informational) => "INFORMATIONAL",
        (Closing::Clean | Closing::NoCode, _) => "OK",
        (Closing::Dropped, _) if has_to_fail => "OK",
        (Closing::Dropped, _) => "UNCLEAN",
        // "The connection was failed by the wrong endpoint": it closed where nothing was wrong.
        (Closing::WrongCode, Behaviour::Failed | Behaviour::Unsupported)
            if !has_to_fail && !has_to_answer =>
        {
            "FAILED"
        }
        (Closing::WrongCode, _) => "WRONG CODE",
        (Closing::Lingering, _) => "FAILED BY CLIENT",
        (Closing::Missing | Closing::Crashed | Closing::None, _) => "FAILED",
    }
}

/// What one agent came to, by the numbers of the cases.
#[derive(Clone, Debug, Default)]
pub struct Results {
    agents: BTreeMap<String, Vec<(Case, Verdict)>>,
}

impl Results {
    /// Adds a verdict; a case that was run again replaces the first.
    pub fn add(&mut self, agent: &str, case: &Case, verdict: Verdict) {
        let results = self.agents.entry(agent.to_owned()).or_default();
        results.retain(|(other, _)| other.autobahn != case.autobahn);
        results.push((case.clone(), verdict));
        results.sort_by(|(a, _), (b, _)| {
            by_number(a.autobahn.as_deref().unwrap_or_default(), b.autobahn.as_deref().unwrap_or_default())
        });
    }

    /// Whether every case passed in both respects.
    pub fn passed(&self) -> bool {
        self.agents.values().flatten().all(|(case, verdict)| {
            behaviour(case, verdict) != "FAILED" && matches!(closing(case, verdict), "OK" | "INFORMATIONAL")
        })
    }

    /// Writes `index.json`, `index.html`, and a JSON and an HTML file for each case.
    ///
    /// # Errors
    ///
    /// A folder or a file that cannot be written.
    pub fn write(&self, folder: &Path, role: Role) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut index = Map::new();
        for (agent, results) in &self.agents {
            let mut entries = Map::new();
            for (case, verdict) in results {
                let number = case.autobahn.as_deref().unwrap_or(&case.name);
                let base = format!("{}_case_{}", file_name(agent), number.replace('.', "_"));
                let reportfile = format!("{base}.json");
                std::fs::write(folder.join(&reportfile), indented(&case_file(agent, case, verdict, role)))?;
                std::fs::write(folder.join(format!("{base}.html")), case_page(agent, case, verdict))?;
                entries.insert(
                    number.to_owned(),
                    json!({
                        "behavior": behaviour(case, verdict),
                        "behaviorClose": closing(case, verdict),
                        "duration": verdict.took.as_millis() as u64,
                        "remoteCloseCode": remote_code(verdict),
                        "reportfile": reportfile,
                    }),
                );
            }
            index.insert(agent.clone(), Value::Object(entries));
        }
        std::fs::write(folder.join("index.json"), indented(&Value::Object(index)))?;
        std::fs::write(folder.join("index.html"), self.page())
    }

    fn page(&self) -> String {
        let mut page = head("WebSocket protocol report");
        page.push_str("<h1>WebSocket protocol report</h1>\n<table>\n<tr><th>Case</th>");
        for agent in self.agents.keys() {
            let _ = write!(page, "<th colspan=\"2\">{}</th>", escaped(agent));
        }
        page.push_str("</tr>\n");
        let mut numbers: Vec<_> =
            self.agents.values().flatten().filter_map(|(case, _)| case.autobahn.as_deref()).collect();
        numbers.sort_by(|a, b| by_number(a, b));
        numbers.dedup();
        for number in numbers {
            let _ = write!(page, "<tr><td>Case {number}</td>");
            for (agent, results) in &self.agents {
                let found = results.iter().find(|(case, _)| case.autobahn.as_deref() == Some(number));
                let Some((case, verdict)) = found else {
                    page.push_str("<td class=\"case_missing\" colspan=\"2\">Missing</td>");
                    continue;
                };
                let word = behaviour(case, verdict);
                let link = format!("{}_case_{}.html", file_name(agent), number.replace('.', "_"));
                let (class, shown) = match word {
                    "OK" => ("case_ok", "Pass"),
                    "NON-STRICT" => ("case_non_strict", "Non-Strict"),
                    "INFORMATIONAL" => ("case_info", "Info"),
                    "UNIMPLEMENTED" => ("case_unimplemented", "Unimplemented"),
                    _ => ("case_failed", "Fail"),
                };
                let close = closing(case, verdict);
                // Harnesses count `class="case_failed"`, which is what came back alone.
                let close_class =
                    if matches!(close, "OK" | "INFORMATIONAL") { "close" } else { "close case_failed" };
                let code = remote_code(verdict).map_or_else(|| "None".into(), |code| code.to_string());
                let _ = write!(
                    page,
                    "<td class=\"{class}\"><a href=\"{link}\">{shown}</a> {} ms</td><td class=\"{close_class}\">{code}</td>",
                    verdict.took.as_millis()
                );
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table>\n</body>\n</html>\n");
        page
    }
}

fn remote_code(verdict: &Verdict) -> Option<u16> {
    verdict.code.filter(|&code| code != 1005)
}

fn indented(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"   ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    // A `Value` has nothing that could fail, and a vector takes everything.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    out
}

/// An agent's name in the names of files: what is neither a small letter nor a digit becomes one underscore.
fn file_name(agent: &str) -> String {
    let spaced: String = agent
        .to_lowercase()
        .chars()
        .map(
            |character| {
                if character.is_ascii_lowercase() || character.is_ascii_digit() { character } else { ' ' }
            },
        )
        .collect();
    spaced.trim().replace(' ', "_")
}

fn case_file(agent: &str, case: &Case, verdict: &Verdict, role: Role) -> Value {
    let codes: Vec<u16> = match &case.work {
        Work::Frames { due: Due::Fail { codes, .. } | Due::Close { codes, .. }, .. } => codes.clone(),
        Work::Frames { .. }
        | Work::Echoes(_)
        | Work::Beside { .. }
        | Work::Request { .. }
        | Work::Response { .. } => vec![1000],
    };
    let by_me = !matches!(case.work, Work::Frames { due: Due::Fail { .. }, .. });
    let number = case.autobahn.as_deref().unwrap_or_default();
    let mut numbers = number.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let parts = [numbers.next(), numbers.next(), numbers.next()].map(Option::unwrap_or_default);
    let clean = verdict.closing == Closing::Clean;
    let (request, response) = heads(verdict);
    json!({
        "agent": agent,
        "behavior": behaviour(case, verdict),
        "behaviorClose": closing(case, verdict),
        "case": parts[0] * 10_000 + parts[1] * 100 + parts[2],
        "closedByMe": by_me && clean,
        "createStats": true,
        "createWirelog": true,
        "description": case.says,
        "droppedByMe": false,
        "duration": verdict.took.as_millis() as u64,
        "expectation": case.says,
        "expected": { "OK": [] },
        "expectedClose": { "closeCode": codes, "closedByMe": by_me, "requireClean": by_me },
        "failedByMe": by_me,
        "httpRequest": request,
        "httpResponse": response,
        "id": number,
        "isServer": role == Role::Client,
        "localCloseCode": by_me.then_some(1000),
        "localCloseReason": null,
        "received": [],
        "remoteCloseCode": remote_code(verdict),
        "remoteCloseReason": null,
        "reportCompressionRatio": case.needs.deflate.is_some(),
        "reportTime": matches!(case.work, Work::Echoes(_)),
        "result": verdict.says,
        "resultClose": verdict.closing.id(),
        "rxFrameStats": {},
        "rxOctetStats": {},
        "started": started(verdict),
        "trafficStats": null,
        "txFrameStats": {},
        "txOctetStats": {},
        "wasClean": clean,
        "wasCloseHandshakeTimeout": verdict.closing == Closing::Missing,
        "wasNotCleanReason": (!clean).then(|| verdict.says.clone()),
        "wasOpenHandshakeTimeout": false,
        "wasServerConnectionDropTimeout": verdict.closing == Closing::Lingering,
        "wirelog": wirelog(verdict, role),
    })
}

/// When it began: the moment of the report less what it took.
fn started(verdict: &Verdict) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let began = now.saturating_sub(verdict.took);
    format!("{}.{:03}", began.as_secs(), began.subsec_millis())
}

/// The heads of the handshake, as text.
fn heads(verdict: &Verdict) -> (String, String) {
    let head = |from| {
        let stream = verdict.transcript.stream(0, from);
        let end = stream.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
        String::from_utf8_lossy(&stream[..end]).into_owned()
    };
    if verdict.transcript.legs.is_empty() {
        return (String::new(), String::new());
    }
    (head(Role::Client), head(Role::Server))
}

/// The octets in the order in which they went: `TO` what the suite sent, `RO` what it received.
fn wirelog(verdict: &Verdict, peer: Role) -> Vec<Value> {
    let mut rows = Vec::new();
    for event in &verdict.transcript.events {
        let tag = if event.from == peer { "RO" } else { "TO" };
        match &event.action {
            Action::Bytes(bytes) => {
                let shown: String = bytes.iter().take(4096).fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                rows.push(json!([tag, [bytes.len(), shown]]));
            }
            Action::Eof | Action::Reset | Action::Gap(_) => rows.push(json!(["WLM", format!("{event}")])),
        }
    }
    rows
}

fn head(title: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\nbody {{ font: 14px sans-serif; margin: 2em; }}\ntd, th {{ padding: 2px 8px; }}\n\
         .case_ok {{ background: #0a0; }} .case_failed {{ background: #c33; }} .case_non_strict {{ background: #aa0; }}\n\
         .case_info {{ background: #49c; }} .case_unimplemented {{ background: #c80; }}\ntd a {{ color: #fff; }}\n\
         pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }}\n</style>\n</head>\n<body>\n"
    )
}

fn case_page(agent: &str, case: &Case, verdict: &Verdict) -> String {
    let number = case.autobahn.as_deref().unwrap_or(&case.name);
    let mut page = head(&format!("Case {number}"));
    let _ = write!(
        page,
        "<h1>{} - Case {number}: {}</h1>\n<p>{}</p>\n<p>Close: {}</p>\n<p>{}</p>\n<pre>",
        escaped(agent),
        behaviour(case, verdict),
        escaped(&case.says),
        closing(case, verdict),
        escaped(&verdict.says),
    );
    for line in verdict.transcript.to_string().lines() {
        let shown: String = line.chars().take(4096).collect();
        page.push_str(&escaped(&shown));
        page.push('\n');
    }
    page.push_str("</pre>\n</body>\n</html>\n");
    page
}

/// Text inside HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other if other.is_control() && other != '\n' && other != '\t' => {
                let _ = write!(out, "\\x{:02x}", other as u32);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use Behaviour::{Failed, NonStrict, Ok, Unsupported};

    use super::*;

    #[test]
    fn patterns_select_as_autobahns_do() {
        for (pattern, number, is) in [
            ("*", "1.1.1", true),
            ("1.*", "1.2.3", true),
            ("1.*", "10.1.1", false),
            ("9.7.1", "9.7.1", true),
            ("9.7.1", "9.7.10", false),
            ("1.1", "1.1.1", false),
            ("12.*.3", "12.1.3", true),
            ("12.*.3", "12.1.4", false),
        ] {
            assert_eq!(selects(pattern, number), is, "{pattern} {number}");
        }
        for (pattern, text, is) in [
            ("my*", "myclient", true),
            ("my*t", "myclient", true),
            ("my*x", "myclient", false),
            ("a*a", "aba", true),
            ("my", "myclient", false),
        ] {
            assert_eq!(matches(pattern, text, true), is, "{pattern} {text}");
        }
    }

    #[test]
    fn a_specification_with_unknown_fields_is_read() {
        let spec = Spec::parse(
            r#"{"outdir": "./reports", "webport": 8080, "options": {"failByDrop": false},
                "servers": [{"url": "ws://127.0.0.1:9001", "options": {"version": 18}}],
                "cases": ["1.*", "2.1"], "exclude-cases": ["1.2.*"], "exclude-agent-cases": {"old*": ["1.1.*"]}}"#,
        )
        .expect("it is a specification");
        let selected = spec.select(crate::cases::all());
        let numbers: Vec<_> = selected.iter().filter_map(|case| case.autobahn.as_deref()).collect();
        assert_eq!(numbers, ["1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.5", "1.1.6", "1.1.7", "1.1.8", "2.1"]);
        assert!(spec.leaves_out("old client", "1.1.3"));
        assert!(!spec.leaves_out("new client", "1.1.3"));
        assert_eq!(spec.others.len(), 1);
        for (text, says) in [
            ("{ // a comment\n}", "at line 1 column 3; JSON has no comments"),
            ("{\n  cases: []\n}", "at line 2 column 3"),
            (" \n", "it is empty"),
            ("[]", "it is not an object"),
            (r#"{"cases": "*"}"#, "expected a sequence at line 1"),
        ] {
            let error = Spec::parse(text).expect_err(text);
            assert!(
                error.contains(says) && (says.ends_with("comments") || !error.contains("comments")),
                "{error}"
            );
        }
    }

    #[test]
    fn verdicts_have_the_words_that_autobahn_gives_them() {
        let cases = crate::cases::all();
        let words = |number: &str, behaved: Behaviour, closed: Closing| {
            let case = cases.iter().find(|case| case.autobahn.as_deref() == Some(number));
            let (case, verdict) = (case.expect("it is there"), Verdict::not_run(behaved, closed, ""));
            (behaviour(case, &verdict), closing(case, &verdict))
        };
        assert_eq!(words("9.1.6", Unsupported, Closing::WrongCode), ("FAILED", "FAILED"), "a limit");
        assert_eq!(words("12.1.1", Unsupported, Closing::None), ("UNIMPLEMENTED", "OK"), "no deflate");
        assert_eq!(words("1.1.2", Unsupported, Closing::None), ("FAILED", "FAILED"), "no echo");
        assert_eq!(words("7.7.1", Ok, Closing::WrongCode), ("FAILED", "WRONG CODE"));
        assert_eq!(words("6.3.1", Ok, Closing::WrongCode), ("OK", "WRONG CODE"));
        assert_eq!(words("6.3.1", Ok, Closing::Dropped), ("OK", "OK"));
        assert_eq!(words("1.1.2", Failed, Closing::Dropped), ("FAILED", "UNCLEAN"));
        assert_eq!(words("6.4.1", NonStrict, Closing::Clean), ("NON-STRICT", "OK"));
    }

    #[test]
    fn the_name_of_an_agent_becomes_the_name_of_a_file() {
        assert_eq!(file_name("My Server/1.0"), "my_server_1_0");
        assert_eq!(file_name("--Ü--"), "");
    }
}
