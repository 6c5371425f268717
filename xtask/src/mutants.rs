//! `cargo xtask mutants`: runs cargo-mutants on the crates that contain logic. A mutant is a small change to the code that some
//! test must detect. A mutant that survives must be listed in `mutants/SURVIVORS.md` with a reason, or the verb fails.
//!
//! It works in a copy of the tree in `target/mutants`, which is kept, so that later runs reuse the build.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::install;
use crate::run::{cargo, command, quietly, root, run as run_to_end};

/// A crate, and which tests are built and run for each of its mutants: what is built costs more than what is run.
#[derive(Clone, Copy, Debug)]
struct Crate {
    name: &'static str,
    /// The crate whose tests test it, too.
    tested_by: Option<&'static str>,
    /// The test targets, as arguments of cargo.
    targets: &'static [&'static str],
    /// Of their tests those that match this filter of nextest.
    filter: Option<&'static str>,
}

const MAIN: &[&str] = &["--lib", "--test=main"];

const CRATES: [Crate; 4] = [
    Crate {
        name: "framewise-rules",
        tested_by: Some("framewise-transcript"),
        targets: &["--lib", "--tests"],
        filter: None,
    },
    Crate {
        name: "framewise-proto",
        tested_by: Some("framewise-inspect"),
        targets: MAIN,
        // Of the observer's tests the gate over the table of rules, which asks the engine as well.
        filter: Some("package(framewise-proto) | test(/^gate::/)"),
    },
    Crate { name: "framewise-inspect", tested_by: None, targets: MAIN, filter: None },
    Crate {
        name: "framewise",
        tested_by: None,
        // What memory is used again, and what is freed, only these two count.
        targets: &["--lib", "--test=main", "--test=allocations", "--test=memory"],
        filter: None,
    },
];

/// The parsed arguments.
#[derive(Debug, Default)]
struct Wanted<'a> {
    crates: Vec<Crate>,
    shard: Option<&'a str>,
    /// Only code that differs from this revision.
    base: Option<&'a str>,
    /// Only mutants whose description matches, and those that delete a field: cargo-mutants 27.1 applies no expression to these.
    only: Option<&'a str>,
}

fn parse(arguments: &[String]) -> Result<Wanted<'_>> {
    let mut wanted = Wanted::default();
    let mut arguments = arguments.iter().map(String::as_str).peekable();
    while let Some(argument) = arguments.next() {
        match argument {
            "--shard" => wanted.shard = Some(arguments.next().ok_or("--shard takes K/N")?),
            "--only" => wanted.only = Some(arguments.next().ok_or("--only takes a regular expression")?),
            "--changed" => {
                let base = arguments.next_if(|next| !next.starts_with('-') && !is_crate(next));
                wanted.base = Some(base.unwrap_or("origin/main"));
            }
            name => {
                let named = CRATES.into_iter().find(|known| known.name == name);
                let names = CRATES.map(|known| known.name).join(", ");
                wanted.crates.push(named.ok_or_else(|| format!("{name:?} is not one of {names}"))?);
            }
        }
    }
    if wanted.crates.is_empty() {
        wanted.crates = CRATES.to_vec();
    }
    Ok(wanted)
}

/// The faulty endpoints of framewise-conform's tests: which case catches each of them.
fn matrix() -> Result {
    let mut tests = cargo(&["test", "--quiet", "--package", "framewise-conform", "--test", "main"]);
    run_to_end(tests.args(["mutants::", "--", "--nocapture"]))
}

fn is_crate(name: &str) -> bool {
    CRATES.iter().any(|known| known.name == name)
}

pub(crate) fn run(arguments: &[String]) -> Result {
    if arguments == ["--matrix"] {
        return matrix();
    }
    let wanted = parse(arguments)?;
    install::nextest()?;
    install::mutants()?;
    let home = root().join("target/mutants");
    let tree = copy_tree(&home.join("tree"))?;
    let diff = match wanted.base {
        Some(base) => {
            let diff = quietly(&mut command("git", &["diff", "--merge-base", base, "--", "crates"]))?;
            let file = home.join("changed.diff");
            fs::write(&file, diff).map_err(|error| format!("{}: {error}", file.display()))?;
            Some(file)
        }
        None => None,
    };
    let listed = survivors()?;
    let mut unlisted = Vec::new();
    for tested in &wanted.crates {
        let &Crate { name, tested_by, targets, filter } = tested;
        unmutated(tested, &tree, &home.join("target"))?;
        let out = home.join(name);
        fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        let mut mutants = cargo(&["mutants", "--in-place", "--no-shuffle", "--package", name]);
        mutants
            .arg("--dir")
            .arg(&tree)
            .arg("--output")
            .arg(&out)
            .env("CARGO_TARGET_DIR", home.join("target"));
        for package in std::iter::once(name).chain(tested_by) {
            mutants.args(["--test-package", package]);
        }
        mutants.args(targets.iter().map(|target| format!("--cargo-arg={target}")));
        if let Some(filter) = filter {
            mutants.args(["--cargo-test-arg=-E", &format!("--cargo-test-arg={filter}")]);
        }
        if let Some(shard) = wanted.shard {
            // Every n-th mutant: a shard is a fair sample.
            mutants.args(["--sharding", "round-robin", "--shard", shard]);
        }
        if let Some(only) = wanted.only {
            mutants.args(["--re", only]);
        }
        if let Some(diff) = &diff {
            mutants.arg("--in-diff").arg(diff);
        }
        let report = out.join("mutants.out");
        // Where there is nothing to try, none is written, and that of the run before would be read.
        let _ = fs::remove_dir_all(&report);
        to_its_verdict(&mut mutants)?;
        let lines = |file: &str| -> Vec<String> {
            let text = fs::read_to_string(report.join(file)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        let (caught, missed, unviable) = (lines("caught.txt"), lines("missed.txt"), lines("unviable.txt"));
        let timeout = lines("timeout.txt");
        let tried = caught.len() + missed.len() + unviable.len() + timeout.len();
        let viable = caught.len() + timeout.len() + missed.len();
        eprintln!(
            "xtask: {name}: {tried} mutants, {} unviable; of {viable} viable {} caught, {} hung and so were caught, {} survived",
            unviable.len(),
            caught.len(),
            timeout.len(),
            missed.len()
        );
        for line in &caught {
            if listed.contains(&key(line)) && !missed.iter().any(|other| key(other) == key(line)) {
                eprintln!("xtask: listed as a survivor, but caught: {}", key(line));
            }
        }
        unlisted.extend(missed.into_iter().filter(|line| !listed.contains(&key(line))));
    }
    gone(&tree, &wanted, &listed)?;
    if unlisted.is_empty() {
        return Ok(());
    }
    let lines = unlisted.join("\n  ");
    Err(format!("{} survivors that mutants/SURVIVORS.md does not list:\n  {lines}", unlisted.len()))
}

/// Runs the tests that another crate has for this one, without a mutant: cargo-mutants runs those of the crate itself only,
/// and where the others fail anyway each mutant would count as caught.
fn unmutated(tested: &Crate, tree: &Path, target: &Path) -> Result {
    let Some(other) = tested.tested_by else { return Ok(()) };
    let mut tests =
        cargo(&["nextest", "run", "--cargo-profile=mutants", "--profile=mutants", "--all-features"]);
    tests.args(["--package", tested.name, "--package", other]).args(tested.targets);
    if let Some(filter) = tested.filter {
        tests.args(["-E", filter]);
    }
    quietly(tests.current_dir(tree).env("CARGO_TARGET_DIR", target)).map(drop)
}

/// Runs cargo-mutants. It ends with 2 where mutants survive, and with 3 where some hang: which ones may is the list's
/// matter. Anything else is a failure, of the tests without a mutant, for example.
fn to_its_verdict(mutants: &mut Command) -> Result {
    match mutants.stdin(Stdio::null()).status() {
        Ok(status) if matches!(status.code(), Some(0 | 2 | 3)) => Ok(()),
        Ok(status) => Err(format!("cargo mutants did not come to its end ({status})")),
        Err(error) => Err(format!("cargo mutants did not start: {error}")),
    }
}

/// A mutant without its line and column, which change.
fn key(line: &str) -> String {
    let (file, rest) = line.split_once(".rs:").unwrap_or((line, ""));
    format!("{file}.rs: {}", rest.split_once(": ").map_or("", |(_, what)| what))
}

/// The mutants that may survive: `file: change` in backquotes at the start of each row.
fn survivors() -> Result<BTreeSet<String>> {
    let file = root().join("mutants/SURVIVORS.md");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(rows(&text))
}

fn rows(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once("` |")?.0.replace("\\|", "|"))).collect()
}

/// Prints the listed survivors that no longer exist.
fn gone(tree: &Path, wanted: &Wanted<'_>, listed: &BTreeSet<String>) -> Result {
    let mut list = cargo(&["mutants", "--list"]);
    list.arg("--dir").arg(tree);
    for Crate { name, .. } in &wanted.crates {
        list.args(["--package", name]);
    }
    for key in stale(&quietly(&mut list)?, &wanted.crates, listed) {
        eprintln!("xtask: listed as a survivor, but the mutant does not exist: {key}");
    }
    Ok(())
}

/// The rows about these crates whose mutant is not among those that cargo-mutants lists.
fn stale<'l>(list: &str, crates: &[Crate], listed: &'l BTreeSet<String>) -> Vec<&'l String> {
    let there: BTreeSet<String> = list.lines().map(key).collect();
    let of_these =
        |key: &&String| crates.iter().any(|known| key.starts_with(&format!("crates/{}/", known.name)));
    listed.iter().filter(of_these).filter(|key| !there.contains(*key)).collect()
}

/// Updates the copy of the tree. Unchanged files are not written, so that they are not built again.
fn copy_tree(copy: &Path) -> Result<PathBuf> {
    let fault = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let files = quietly(&mut command("git", &["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    let files: BTreeSet<&str> = files.lines().filter(|file| root().join(file).is_file()).collect();
    let index = copy.join(".files");
    for gone in fs::read_to_string(&index).unwrap_or_default().lines().filter(|file| !files.contains(file)) {
        let _ = fs::remove_file(copy.join(gone));
    }
    for file in &files {
        let (from, to) = (root().join(file), copy.join(file));
        let content = fs::read(&from).map_err(|error| fault(&from, error))?;
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        let folder = to.parent().unwrap_or(copy);
        fs::create_dir_all(folder).map_err(|error| fault(folder, error))?;
        fs::write(&to, content).map_err(|error| fault(&to, error))?;
    }
    let list: Vec<&str> = files.into_iter().collect();
    fs::write(&index, list.join("\n")).map_err(|error| fault(&index, error))?;
    Ok(copy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_mutant_on_whatever_line_that_is() {
        let listed = rows(
            "# Mutants\n\n| mutant | reason |\n|---|---|\n\
             | `crates/framewise/src/a.rs: replace \\|\\| with && in f` | none |\n\
             | `crates/framewise/src/a.rs: replace g -> u8 with 0` | `0` is what it is |\n\
             text with `crates/framewise/src/a.rs: replace h` |\n",
        );
        assert_eq!(listed.len(), 2);
        for line in [
            "crates/framewise/src/a.rs:7:3: replace || with && in f",
            "crates/framewise/src/a.rs:9:1: replace g -> u8 with 0",
        ] {
            assert!(listed.contains(&key(line)), "{line}");
        }
        for line in [
            "crates/framewise/src/b.rs:7:3: replace || with && in f",
            "crates/framewise/src/a.rs:9:1: replace g -> u8 with 1",
        ] {
            assert!(!listed.contains(&key(line)), "{line}");
        }
    }

    #[test]
    fn a_row_whose_mutant_is_gone_is_stale_where_its_crate_is_looked_at() {
        let listed: BTreeSet<String> = [
            "crates/framewise/src/a.rs: replace f with ()",
            "crates/framewise/src/a.rs: replace g with ()",
            "crates/framewise-proto/src/a.rs: replace f with ()",
        ]
        .map(str::to_owned)
        .into();
        let framewise: Vec<_> = CRATES.into_iter().filter(|known| known.name == "framewise").collect();
        let list = "crates/framewise/src/a.rs:1:1: replace f with ()\n";
        assert_eq!(stale(list, &framewise, &listed), ["crates/framewise/src/a.rs: replace g with ()"]);
        assert_eq!(stale(list, &CRATES, &listed).len(), 2);
    }

    #[test]
    fn the_revision_of_changed_may_be_left_out_before_a_crate() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let arguments = words(&["--changed", "framewise-rules", "--only", "fence"]);
        let wanted = parse(&arguments).expect("right");
        assert_eq!((wanted.base, wanted.only, wanted.crates.len()), (Some("origin/main"), Some("fence"), 1));
        let arguments = words(&["--changed", "92e100d", "--shard", "1/8"]);
        let wanted = parse(&arguments).expect("right");
        assert_eq!(
            (wanted.base, wanted.shard, wanted.crates.len()),
            (Some("92e100d"), Some("1/8"), CRATES.len())
        );
        for wrong in [&["--only"][..], &["--shard"], &["framewise-cli"]] {
            assert!(parse(&words(wrong)).is_err(), "{wrong:?}");
        }
    }
}
