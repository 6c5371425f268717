//! `cargo xtask mutants`: runs cargo-mutants on the crates that contain logic. A mutant is a small change to the code that some
//! test must detect. A mutant that survives must be listed in `mutants/SURVIVORS.md` with a reason, or the verb fails.
//!
//! It works in a copy of the tree in `target/mutants`, which is kept, so that later runs reuse the build.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::install;
use crate::run::{cargo, command, quietly, root, run as run_to_end};

/// A crate, and the nextest filter for the tests in other crates that also test it.
const CRATES: [(&str, &[&str]); 4] = [
    ("framewise-rules", &["framewise-transcript"]),
    // The gate over the table of rules.
    ("framewise-proto", &["framewise-inspect"]),
    ("framewise-inspect", &[]),
    ("framewise", &[]),
];

/// The parsed arguments.
#[derive(Debug, Default)]
struct Wanted<'a> {
    crates: Vec<(&'static str, &'static [&'static str])>,
    shard: Option<&'a str>,
    /// Only code that differs from this revision.
    base: Option<&'a str>,
    /// Only mutants whose description matches.
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
                let named = CRATES.into_iter().find(|(other, _)| *other == name);
                let names = CRATES.map(|(name, _)| name).join(", ");
                wanted.crates.push(named.ok_or_else(|| format!("{name:?} is not one of {names}"))?);
            }
        }
    }
    if wanted.crates.is_empty() {
        wanted.crates = CRATES.to_vec();
    }
    Ok(wanted)
}

fn is_crate(name: &str) -> bool {
    CRATES.iter().any(|(other, _)| *other == name)
}

pub(crate) fn run(arguments: &[String]) -> Result {
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
    for (name, tested_by) in &wanted.crates {
        let out = home.join(name);
        fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        let mut mutants = cargo(&["mutants", "--in-place", "--no-shuffle", "--package", name]);
        mutants
            .arg("--dir")
            .arg(&tree)
            .arg("--output")
            .arg(&out)
            .env("CARGO_TARGET_DIR", home.join("target"));
        for package in std::iter::once(name).chain(*tested_by) {
            mutants.args(["--test-package", package]);
        }
        if let Some(shard) = wanted.shard {
            mutants.args(["--shard", shard]);
        }
        if let Some(only) = wanted.only {
            mutants.args(["--re", only]);
        }
        if let Some(diff) = &diff {
            mutants.arg("--in-diff").arg(diff);
        }
        // It fails where one survives: which ones may is the list's matter.
        let ran = run_to_end(&mut mutants);
        let report = out.join("mutants.out");
        let lines = |file: &str| -> Vec<String> {
            let text = fs::read_to_string(report.join(file)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        let (caught, missed, unviable) = (lines("caught.txt"), lines("missed.txt"), lines("unviable.txt"));
        let timeout = lines("timeout.txt");
        let tried = caught.len() + missed.len() + unviable.len() + timeout.len();
        if tried == 0 && ran.is_err() && diff.is_none() {
            return ran;
        }
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

/// A mutant without its line and column, which change.
fn key(line: &str) -> String {
    let (file, rest) = line.split_once(".rs:").unwrap_or((line, ""));
    format!("{file}.rs: {}", rest.split_once(": ").map_or("", |(_, what)| what))
}

/// The mutants that may survive: `file: change` in backquotes at the start of each row.
fn survivors() -> Result<BTreeSet<String>> {
    let file = root().join("mutants/SURVIVORS.md");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    Ok(rows.filter_map(|row| Some(row.split_once("` |")?.0.replace("\\|", "|"))).collect())
}

/// Prints the listed survivors that no longer exist.
fn gone(tree: &Path, wanted: &Wanted<'_>, listed: &BTreeSet<String>) -> Result {
    let mut list = cargo(&["mutants", "--list"]);
    list.arg("--dir").arg(tree);
    for (name, _) in &wanted.crates {
        list.args(["--package", name]);
    }
    let there: BTreeSet<String> = quietly(&mut list)?.lines().map(key).collect();
    let of_these =
        |key: &&String| wanted.crates.iter().any(|(name, _)| key.starts_with(&format!("crates/{name}/")));
    for key in listed.iter().filter(of_these).filter(|key| !there.contains(*key)) {
        eprintln!("xtask: listed as a survivor, but the mutant does not exist: {key}");
    }
    Ok(())
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
