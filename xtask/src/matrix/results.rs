//! What was found, as `matrix/results/` has it: the cases of a rule together, with the bytes of one of them for each way to
//! fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::home;
use super::table::Peer;
use crate::Result;

/// Lines and characters of a transcript that are kept.
const LINES: usize = 12;
const WIDTH: usize = 400;

/// One implementation in one role and version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) version: String,
    pub(super) cases: usize,
    pub(super) passed: usize,
    /// Not supported by it, or blocked by another case: part of neither the passed nor the failed.
    pub(super) not_run: usize,
    /// By rule, or by family where a case has no rule.
    pub(super) rules: BTreeMap<String, Cell>,
}

/// The cases of one rule.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) passed: usize,
    pub(super) not_run: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) faults: Vec<Fault>,
}

/// Cases that failed in the same way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) behaviour: String,
    pub(super) close: String,
    pub(super) level: String,
    pub(super) cases: usize,
    /// One of them, and what was seen in it.
    pub(super) case: String,
    pub(super) says: String,
    pub(super) transcript: Vec<String>,
}

/// What the table shows of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    /// No case was run.
    NotRun,
    Passed,
    /// The connection ended, but not with the Close frame that is due; or no more than a SHOULD is at stake.
    Differs,
    Failed,
}

impl Found {
    /// What `framewise check --report json` wrote.
    pub(super) fn new(peer: &Peer, version: String, report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).map_err(|error| format!("the report: {error}"))?;
        if report["complete"] != true {
            return Err("the run did not come to its end".into());
        }
        let mut found = Self {
            id: peer.id.to_owned(),
            name: peer.name.to_owned(),
            kind: peer.kind.id().to_owned(),
            version,
            cases: 0,
            passed: 0,
            not_run: 0,
            rules: BTreeMap::new(),
        };
        for case in report["cases"].as_array().ok_or("the report has no cases")? {
            let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
            let name = text("name");
            let family = || format!("{}/", name.split('/').next().unwrap_or_default());
            let rule = case["rule"].as_str().map_or_else(family, str::to_owned);
            let cell = found.rules.entry(rule).or_default();
            found.cases += 1;
            let behaviour = text("behaviour");
            if matches!(&*behaviour, "unsupported" | "blocked") {
                found.not_run += 1;
                cell.not_run += 1;
            } else if case["passed"] == true {
                found.passed += 1;
                cell.passed += 1;
            } else {
                cell.add(behaviour, text("close"), text("level"), name, text("says"), &text("transcript"));
            }
        }
        Ok(found)
    }

    /// Writes it in place of the results of earlier runs of this version.
    pub(super) fn write(&self) -> Result {
        let folder = folder().join(format!("{}-{}", self.id, self.kind));
        let path = folder.join(format!("{}.json", self.version));
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())? + "\n";
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// All results: of each implementation the newest version, in the order of the table.
    pub(super) fn read_all() -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for peer in super::table::ALL {
            let mut files = files(&folder().join(peer.key()));
            files.sort_by_key(|path| version_of(path));
            let Some(path) = files.pop() else { continue };
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            all.push(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?);
        }
        Ok(all)
    }

    pub(super) fn key(&self) -> String {
        format!("{}-{}", self.id, self.kind)
    }

    /// How many cases failed, and how many only ended in another way than is due.
    pub(super) fn failed(&self) -> (usize, usize) {
        let faults = self.rules.values().flat_map(|cell| &cell.faults);
        faults.fold((0, 0), |(failed, differs), fault| match fault.sign() {
            Sign::Failed => (failed + fault.cases, differs),
            Sign::Differs | Sign::Passed | Sign::NotRun => (failed, differs + fault.cases),
        })
    }

    pub(super) fn summary(&self) -> String {
        let (failed, differs) = self.failed();
        format!(
            "{} of {} passed, {failed} failed, {differs} differ, {} not run",
            self.passed, self.cases, self.not_run
        )
    }
}

impl Cell {
    fn add(
        &mut self,
        behaviour: String,
        close: String,
        level: String,
        case: String,
        says: String,
        transcript: &str,
    ) {
        let same = self
            .faults
            .iter_mut()
            .find(|fault| (&fault.behaviour, &fault.close, &fault.level) == (&behaviour, &close, &level));
        if let Some(same) = same {
            same.cases += 1;
            return;
        }
        let transcript = compact(transcript);
        self.faults.push(Fault { behaviour, close, level, cases: 1, case, says, transcript });
    }

    pub(super) fn sign(&self) -> Sign {
        let passed = if self.passed > 0 { Sign::Passed } else { Sign::NotRun };
        self.faults.iter().map(Fault::sign).max().unwrap_or(passed)
    }
}

impl Fault {
    pub(super) fn sign(&self) -> Sign {
        let ended = matches!(&*self.close, "wrong-code" | "no-code" | "dropped" | "lingering");
        if matches!(&*self.level, "should" | "may") || (self.behaviour != "failed" && ended) {
            Sign::Differs
        } else {
            Sign::Failed
        }
    }

    /// How it failed, for `matrix/looked-at.txt`.
    pub(super) fn kind(&self) -> String {
        format!("{}/{}", self.behaviour, self.close)
    }
}

/// The first lines, without their times, and each cut to a width.
fn compact(transcript: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in transcript.lines() {
        if lines.len() == LINES {
            lines.push("…".into());
            break;
        }
        let line = line.split_once("] ").filter(|_| line.starts_with('[')).map_or(line, |(_, after)| after);
        match line.char_indices().nth(WIDTH) {
            Some((at, _)) => lines.push(format!("{}…", &line[..at])),
            None => lines.push(line.to_owned()),
        }
    }
    lines
}

/// The numbers of a version, for their order.
fn version_of(path: &Path) -> Vec<u64> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn folder() -> PathBuf {
    home().join("results")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(behaviour: &str, close: &str, level: &str) -> Fault {
        Fault {
            behaviour: behaviour.into(),
            close: close.into(),
            level: level.into(),
            cases: 1,
            case: "a/b".into(),
            says: String::new(),
            transcript: vec![],
        }
    }

    #[test]
    fn what_was_taken_for_legal_has_failed_and_what_ended_otherwise_differs() {
        for (behaviour, close, level, sign) in [
            ("failed", "missing", "must", Sign::Failed),
            ("failed", "wrong-code", "must", Sign::Failed),
            ("failed", "none", "must", Sign::Failed),
            ("failed", "crashed", "must", Sign::Failed),
            ("ok", "dropped", "must", Sign::Differs),
            ("ok", "wrong-code", "must", Sign::Differs),
            ("non-strict", "lingering", "must", Sign::Differs),
            ("failed", "missing", "should", Sign::Differs),
        ] {
            assert_eq!(fault(behaviour, close, level).sign(), sign, "{behaviour} {close} {level}");
        }
    }

    #[test]
    fn a_transcript_is_cut_in_lines_and_in_width() {
        let long = format!("[0.1] > {}\n", "00 ".repeat(400)).repeat(20);
        let lines = compact(&long);
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines[0].starts_with("> 00") && lines[0].chars().count() == WIDTH + 1, "{}", lines[0]);
        assert_eq!(compact("[0.1] > 81 00\n[0.2] < eof\n"), ["> 81 00", "< eof"]);
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(version_of(Path::new("a/1.10.0.json")) > version_of(Path::new("a/1.9.1.json")));
    }
}
