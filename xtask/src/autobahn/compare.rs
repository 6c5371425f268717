//! `cargo xtask autobahn --compare`: what Autobahn's suite and our `wstest` write about the same servers, file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use framewise_peers::tools::Tools;
use serde_json::{Value, json};

use super::{LIMIT, Suite, release, target};
use crate::echo::Running;
use crate::{Result, echo, install};

/// What a verdict consists of.
const VERDICT: [&str; 3] = ["behavior", "behaviorClose", "remoteCloseCode"];

/// A difference that is meant, in these cases alone.
struct Known {
    server: &'static str,
    cases: &'static [&'static str],
    /// Exactly what differs.
    differs: &'static str,
    why: &'static str,
}

const KNOWN: [Known; 2] = [
    // Autobahn sends the pieces as fast as it can: whether the server sees the fault together with the message before it, and
    // leaves out the echo, depends on the machine. Both verdicts have been seen of it; ours waits for the echo.
    Known {
        server: "websockets",
        cases: &["3.3", "3.4", "4.1.5", "4.2.5"],
        differs: r#"behavior is "NON-STRICT", ours "OK""#,
        why: "a message and then a fault, in pieces: the echo may come or not; ours waits for it",
    },
    Known {
        server: "careless",
        cases: &[
            "4.1.1", "4.1.2", "4.2.1", "4.2.2", "5.2", "5.9", "5.10", "5.11", "5.12", "5.13", "5.14", "5.15",
            "5.16", "5.17", "5.18",
        ],
        differs: r#"behavior is "OK", ours "FAILED""#,
        why: "the server sends the bad frame back: Autobahn fails the connection, and takes that for the server's end",
    },
];

/// What came out for one server.
#[derive(Debug, Default)]
struct Compared {
    cases: usize,
    same: usize,
    files: usize,
    /// What a harness would trip over.
    faults: Vec<String>,
    /// Verdicts that differ.
    verdicts: Vec<String>,
    /// Fields of the case files whose values differ, with how many files.
    fields: BTreeMap<String, usize>,
}

pub(super) fn run(suite: &Suite, servers: &[&str], cases: &Value) -> Result {
    install::python(&Tools::find())?;
    let mut failed = 0;
    println!("| server | cases | same verdict | files of both | files or keys that differ | case_failed |");
    println!("|---|---|---|---|---|---|");
    let mut details = Vec::new();
    for &peer in servers {
        let (running, url) = echo::start(peer, &release("framewise"))?;
        let spec = json!({ "servers": [{ "agent": peer, "url": url }], "cases": cases });
        let folder = target().join("autobahn/compare").join(peer);
        let theirs = suite.to_its_end("fuzzingclient", &folder.join("theirs"), spec.clone())?;
        let ours = ours(&folder.join("ours"), spec)?;
        drop(running);
        let compared = compare(&theirs, &ours)?;
        let marks = [&theirs, &ours].map(|folder| marks(folder));
        println!(
            "| {peer} | {} | {} | {} | {} | {} and {} |",
            compared.cases,
            compared.same,
            compared.files,
            compared.faults.len(),
            // Theirs has one in the legend.
            marks[0].saturating_sub(1),
            marks[1],
        );
        failed += compared.faults.len();
        for verdict in &compared.verdicts {
            let known = known(peer, verdict);
            failed += usize::from(known.is_none());
            let why = known.map_or_else(String::new, |why| format!(" ({why})"));
            details.push(format!("{peer}: {verdict}{why}"));
        }
        for fault in compared.faults {
            details.push(format!("{peer}: {fault}"));
        }
        let fields: Vec<_> = compared.fields.iter().map(|(name, count)| format!("{name} {count}")).collect();
        details.push(format!("{peer}: values that differ: {}", fields.join(", ")));
    }
    println!("\n{}", details.join("\n"));
    if failed > 0 { Err(format!("{failed} differences")) } else { Ok(()) }
}

/// Runs our `wstest` with a specification; the folder of its reports.
fn ours(folder: &Path, mut spec: Value) -> Result<PathBuf> {
    spec["outdir"] = json!("report");
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    fs::write(folder.join("spec.json"), spec.to_string()).map_err(|error| error.to_string())?;
    let mut wstest = Command::new(release("framewise"));
    wstest.args(["wstest", "-m", "fuzzingclient", "-s", "spec.json"]).current_dir(folder);
    Running::start(wstest.stdin(Stdio::null()).stdout(Stdio::null()))?.wait(LIMIT)?;
    Ok(folder.join("report"))
}

fn read(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&without_surrogates(&text)).map_err(|error| format!("{}: {error}", file.display()))
}

/// JSON without its escapes of surrogates: Python 2 writes halves of a pair, which are not JSON.
fn without_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let surrogate = escape.get(..6).filter(|escape| {
            escape[1..].starts_with("ud") && escape[3..].starts_with(|digit: char| "89abcdef".contains(digit))
        });
        // An escape is a backslash and another character, which may be a backslash.
        let size = surrogate.map_or(escape.len().min(2), str::len);
        let size = if escape.is_char_boundary(size) { size } else { 1 };
        out.push_str(if surrogate.is_some() { "\\ufffd" } else { &escape[..size] });
        rest = &escape[size..];
    }
    out + rest
}

fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn compare(theirs: &Path, ours: &Path) -> Result<Compared> {
    let mut compared = Compared::default();
    let (their_names, our_names) = (names(theirs)?, names(ours)?);
    compared.files = their_names.intersection(&our_names).count();
    for name in their_names.symmetric_difference(&our_names) {
        compared.faults.push(format!("only one of them writes {name}"));
    }
    let (their_index, our_index) = (read(&theirs.join("index.json"))?, read(&ours.join("index.json"))?);
    if keys(&their_index) != keys(&our_index) {
        compared.faults.push("index.json has other agents".into());
    }
    for (agent, cases) in their_index.as_object().into_iter().flatten() {
        for (number, entry) in cases.as_object().into_iter().flatten() {
            compared.cases += 1;
            let ours = &our_index[agent][number];
            if keys(entry) != keys(ours) || entry["reportfile"] != ours["reportfile"] {
                compared
                    .faults
                    .push(format!("index.json has another entry for {number}: {entry} and {ours}"));
            }
            let differs: Vec<_> = VERDICT
                .iter()
                .filter(|&&field| entry[field] != ours[field])
                .map(|&field| format!("{field} is {}, ours {}", entry[field], ours[field]))
                .collect();
            if differs.is_empty() {
                compared.same += 1;
            } else {
                compared.verdicts.push(format!("{number}: {}", differs.join("; ")));
            }
        }
    }
    for name in their_names.intersection(&our_names).filter(|name| name.contains("_case_")) {
        if Path::new(name).extension().is_some_and(|extension| extension == "json") {
            let (their_case, our_case) = (read(&theirs.join(name))?, read(&ours.join(name))?);
            let differ: Vec<_> = keys(&their_case).symmetric_difference(&keys(&our_case)).copied().collect();
            if !differ.is_empty() {
                compared.faults.push(format!("{name} has other keys: {}", differ.join(", ")));
            }
            for key in keys(&their_case) {
                if their_case[key] != our_case[key] {
                    *compared.fields.entry(key.to_owned()).or_default() += 1;
                }
            }
        }
    }
    Ok(compared)
}

/// How often the overview says that a case failed: what some harnesses count.
fn marks(folder: &Path) -> usize {
    let page = fs::read_to_string(folder.join("index.html")).unwrap_or_default();
    // The style has the name as well.
    page.matches("class=\"case_failed\"").count()
}

/// Why a verdict differs, where that is meant.
fn known(server: &str, verdict: &str) -> Option<&'static str> {
    let (number, differs) = verdict.split_once(": ")?;
    let is =
        |known: &&Known| known.server == server && known.cases.contains(&number) && known.differs == differs;
    KNOWN.iter().find(is).map(|known| known.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_pair_are_replaced_and_other_escapes_are_kept() {
        for (text, without) in [
            (r"a\ud800\n\u00e9", r"a\ufffd\n\u00e9"),
            (r"\\ud800", r"\\ud800"),
            (r"\udbff\udfff", r"\ufffd\ufffd"),
            ("\\é", "\\é"),
            ("\\", "\\"),
        ] {
            assert_eq!(without_surrogates(text), without);
        }
    }

    #[test]
    fn a_known_difference_is_one_of_this_server_in_this_case() {
        let failed = r#"behavior is "OK", ours "FAILED""#;
        assert!(known("careless", &format!("5.9: {failed}")).is_some());
        assert!(known("careless", &format!("5.1: {failed}")).is_none());
        assert!(known("websockets", &format!("5.9: {failed}")).is_none());
        assert!(known("careless", &format!("5.9: {failed}; remoteCloseCode is 1002, ours null")).is_none());
    }
}
