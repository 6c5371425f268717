//! `cargo xtask repeat`: the same cases, run again and again against the same server, have to come to the same verdicts, also on a
//! busy machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use framewise_peers::tools::Tools;
use serde_json::Value;

use crate::echo::{self, Running};
use crate::run::{cargo, command, root, run as run_to_end};
use crate::{HELP, Result, install};

/// Runs of the same cases, unless another number is given.
const RUNS: usize = 20;
/// The time limit of a run.
pub(crate) const LIMIT: Duration = Duration::from_secs(10 * 60);

/// What a run came to: the verdict of each case.
type Verdicts = BTreeMap<String, String>;

pub(crate) fn run(arguments: &[String]) -> Result {
    let (mut runs, mut busy, mut rest) = (RUNS, false, arguments.iter());
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--busy" => busy = true,
            "--runs" => {
                let number = rest.next().and_then(|number| number.parse().ok());
                runs = number.filter(|&number| number > 1).ok_or("--runs needs a number above 1")?;
            }
            other => return Err(format!("`repeat` does not take {other:?}\n\n{HELP}")),
        }
    }
    install::python(&Tools::find())?;
    let framewise = if let Some(path) = std::env::var_os("FRAMEWISE") {
        PathBuf::from(path)
    } else {
        run_to_end(&mut cargo(&["build", "--release", "--package", "framewise-cli"]))?;
        root().join("target/release/framewise")
    };
    let ended = AtomicBool::new(false);
    let mut differing = 0;
    std::thread::scope(|scope| {
        if busy {
            for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
        }
        let result: Result = ["framewise", "careless"].into_iter().try_for_each(|peer| {
            let seen = repeated(peer, &framewise, runs)?;
            let differ = differing_cases(&seen);
            println!("{peer}: {} cases, {runs} runs, {} cases differ", seen[0].len(), differ.len());
            differing += differ.len();
            for line in differ {
                println!("  {line}");
            }
            Ok(())
        });
        ended.store(true, Ordering::Relaxed);
        result
    })?;
    if differing > 0 { Err(format!("{differing} cases have more than one verdict")) } else { Ok(()) }
}

fn repeated(peer: &str, framewise: &Path, runs: usize) -> Result<Vec<Verdicts>> {
    let (_server, url) = echo::start(peer, framewise)?;
    let folder = root().join("target/repeat");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = folder.join(format!("{peer}.json"));
    let report = format!("json={}", file.display());
    let one = || {
        // One that cannot be run must not be taken for the run before it.
        let _ = fs::remove_file(&file);
        let mut check = command(framewise, &["check", &url, "--report", &report]);
        check.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Running::start(&mut check)?.wait(LIMIT)?;
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        verdicts(&serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?)
    };
    (0..runs).map(|_| one()).collect()
}

fn verdicts(report: &Value) -> Result<Verdicts> {
    let cases = report["cases"].as_array().ok_or("the report has no cases")?;
    let verdict = |case: &Value| {
        let code = case["code"].as_u64().map_or_else(String::new, |code| format!(" {code}"));
        let word = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        (word("name"), format!("{} {}{code}", word("behaviour"), word("close")))
    };
    // Of a case that is only recorded, what was seen is no verdict.
    Ok(cases.iter().filter(|case| case["level"] != "observe").map(verdict).collect())
}

/// The cases that had more than one verdict, with how often each came.
fn differing_cases(runs: &[Verdicts]) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = runs.iter().flat_map(BTreeMap::keys).collect();
    let mut lines = Vec::new();
    for name in names {
        let mut counts = BTreeMap::<&str, usize>::new();
        for run in runs {
            *counts.entry(run.get(name).map_or("not run", String::as_str)).or_default() += 1;
        }
        if counts.len() > 1 {
            let counts: Vec<_> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
            lines.push(format!("{name}: {}", counts.join(", ")));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_case_with_two_verdicts_differs_and_one_that_is_recorded_does_not() {
        let run = |close: &str, recorded: &str| {
            let case = |name: &str, level: &str, close: &str| json!({ "name": name, "level": level, "behaviour": "ok", "close": close, "code": 1000 });
            let cases =
                [case("a", "must", "clean"), case("b", "must", close), case("c", "observe", recorded)];
            verdicts(&json!({ "cases": cases })).expect("it has cases")
        };
        assert!(differing_cases(&[run("clean", "clean"), run("clean", "dropped")]).is_empty());
        let differ = differing_cases(&[run("clean", ""), run("dropped", ""), run("clean", "")]);
        assert_eq!(differ, ["b: 2 ok clean 1000, 1 ok dropped 1000"]);
        assert!(verdicts(&json!({})).is_err());
    }
}
