//! `cargo xtask drop-in`: the tests of crates that use tokio-tungstenite, with it and with `framewise-tungstenite` in its place.
//!
//! Each crate comes from the registry in a fixed version. Its tests run twice, with the same versions of everything else.

mod manifest;
mod outcome;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use self::outcome::Outcomes;
use crate::Result;
use crate::run::{self, cargo, root};

/// A crate whose tests need no network.
struct Subject {
    name: &'static str,
    version: &'static str,
    /// What `cargo test` gets: the kinds of tests, and the features that they need.
    arguments: &'static [&'static str],
}

const SUBJECTS: [Subject; 4] = [
    Subject { name: "hyper-tungstenite", version: "0.30.0", arguments: &["--tests"] },
    Subject { name: "ws-mock", version: "0.6.0", arguments: &["--tests"] },
    Subject { name: "matchbox_signaling", version: "0.15.0", arguments: &["--tests"] },
    Subject {
        name: "engineioxide",
        version: "0.17.9",
        arguments: &["--tests", "--features", "__test_harness,v3"],
    },
];

/// Compares both libraries (`drop-in/`), and runs the tests of the crates; only of the named ones, if any is named. `--keep` keeps
/// what was built.
pub(crate) fn run(arguments: &[String]) -> Result {
    let work = root().join("target/drop-in");
    let (flags, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    if let Some(flag) = flags.iter().find(|flag| *flag != &"--keep") {
        return Err(format!("unknown flag {flag}"));
    }
    if let Some(name) = names.iter().find(|name| !SUBJECTS.iter().any(|subject| subject.name == **name)) {
        return Err(format!("unknown crate {name}"));
    }
    let subjects: Vec<&Subject> = SUBJECTS
        .iter()
        .filter(|subject| names.is_empty() || names.iter().any(|name| *name == subject.name))
        .collect();
    if names.is_empty() {
        let beside = ["test", "--manifest-path", "drop-in/Cargo.toml"];
        run::run(cargo(&beside).env("CARGO_TARGET_DIR", work.join("target")))?;
    }
    names_of_tungstenite(&work.join("tungstenite-names"))?;
    let mut faults = Vec::new();
    let mut rows = vec![
        "| crate | tests | with tokio-tungstenite | with framewise-tungstenite |".to_owned(),
        "|---|--:|--:|--:|".to_owned(),
    ];
    for subject in subjects {
        let source = download(subject, &work.join("fetch"))?;
        let [before, after] = ["before", "after"].map(|side| work.join(subject.name).join(side));
        copy(&source, &before)?;
        alone(&before)?;
        copy(&source, &after)?;
        alone(&after)?;
        manifest::replace(&after.join("Cargo.toml"), &work.join("tungstenite-names"))?;
        let first = test(subject, &before, &work)?;
        // The same versions of everything else.
        fs::copy(before.join("Cargo.lock"), after.join("Cargo.lock"))
            .map_err(|error| format!("Cargo.lock: {error}"))?;
        let second = test(subject, &after, &work)?;
        let Subject { name, version, .. } = subject;
        let (count, passed, passes) = (first.len(), first.passed(), second.passed());
        rows.push(format!("| {name} {version} | {count} | {passed} | {passes} |"));
        faults.extend(first.worse(&second).into_iter().map(|test| format!("{}: {test}", subject.name)));
    }
    println!("\n{}\n", rows.join("\n"));
    if !flags.iter().any(|flag| *flag == "--keep") {
        let _ = fs::remove_dir_all(work.join("target"));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("pass with tokio-tungstenite only:\n{}", faults.join("\n")))
    }
}

/// A crate `tungstenite` for those that depend on it and on tokio-tungstenite: cargo does not take one package under two names.
fn names_of_tungstenite(folder: &Path) -> Result {
    let ours = root().join("crates/framewise-tungstenite");
    let manifest = format!(
        "[package]\nname = \"tungstenite-names\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[features]\nhandshake = []\nurl = []\n\n\
         [dependencies]\nframewise-tungstenite = {{ path = '{}' }}\n\n[workspace]\n",
        ours.display()
    );
    write(&folder.join("Cargo.toml"), &manifest)?;
    write(&folder.join("src/lib.rs"), "pub use framewise_tungstenite::tungstenite::*;\n")
}

/// Downloads a crate, and returns the folder of its source.
fn download(subject: &Subject, folder: &Path) -> Result<PathBuf> {
    let Subject { name, version, .. } = subject;
    let folder = folder.join(name);
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         {name} = {{ version = \"={version}\", default-features = false }}\n\n[workspace]\n"
    );
    write(&folder.join("Cargo.toml"), &manifest)?;
    write(&folder.join("src/lib.rs"), "")?;
    let mut metadata = cargo(&["metadata", "--format-version", "1"]);
    let metadata = run::quietly(metadata.current_dir(&folder))?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| {
        package["name"].as_str() == Some(name) && package["version"].as_str() == Some(version)
    });
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.ok_or_else(|| format!("{name} {version} was not downloaded"))?;
    Ok(PathBuf::from(manifest).parent().map(Path::to_owned).unwrap_or_default())
}

/// Takes a copied crate out of the workspace, and forgets its lock file, which may be older than the compiler allows.
fn alone(folder: &Path) -> Result {
    let _ = fs::remove_file(folder.join("Cargo.lock"));
    let path = folder.join("Cargo.toml");
    let manifest = read(&path)?;
    write(&path, &format!("{manifest}\n[workspace]\n"))
}

/// Runs the tests of a crate. They may fail; that they do not compile is an error.
fn test(subject: &Subject, folder: &Path, work: &Path) -> Result<Outcomes> {
    println!("{}: {}", subject.name, folder.display());
    let mut build = cargo(&["test", "--quiet", "--no-run"]);
    // Neither warnings of others nor our settings matter.
    let target = work.join("target");
    build.args(subject.arguments).env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "-Awarnings");
    run::run(build.current_dir(folder))?;
    let mut tests = cargo(&["test", "--no-fail-fast"]);
    tests.args(subject.arguments).env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "-Awarnings");
    let output = tests
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo test did not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    write(&folder.with_extension("log"), &format!("{said}\n{}", String::from_utf8_lossy(&output.stderr)))?;
    let outcomes = Outcomes::parse(&said);
    if outcomes.passed() == 0 {
        return Err(format!(
            "no test of {} passed: see {}",
            subject.name,
            folder.with_extension("log").display()
        ));
    }
    Ok(outcomes)
}

fn copy(from: &Path, to: &Path) -> Result {
    let _ = fs::remove_dir_all(to);
    copy_folder(from, to).map_err(|error| format!("{}: {error}", from.display()))
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}
