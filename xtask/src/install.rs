//! Installs what the tests need from package registries.

use std::fs;
use std::path::Path;
use std::time::Instant;

use framewise_peers::tools::{COUNTERS, Tools, on_path};

use crate::Result;
use crate::debian::{self, Release};
use crate::run::{cargo, command, quietly, run};

/// Installs everything that is missing, in parallel. Prints what could not be installed; this is not a failure, since the
/// tests name each missing peer.
pub(crate) fn peers() {
    let tools = Tools::find();
    let started = Instant::now();
    let faults: Vec<String> = std::thread::scope(|scope| {
        let parts =
            [scope.spawn(|| node(&tools)), scope.spawn(|| python(&tools)), scope.spawn(|| programs(&tools))];
        parts
            .into_iter()
            .filter_map(|part| part.join().unwrap_or_else(|_| Err("the installer failed".into())).err())
            .collect()
    });
    for fault in &faults {
        eprintln!("xtask: {fault}");
    }
    eprintln!("xtask: the peers are installed, as far as they can be ({:.0?})", started.elapsed());
}

fn node(tools: &Tools) -> Result {
    let lock = read(&tools.node.join("package-lock.json"))?;
    once(&tools.node.join("node_modules/installed"), &lock, || {
        let mut npm = command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        quietly(npm.current_dir(&tools.node))
    })
}

/// A virtual environment with what the Python scripts need.
pub(crate) fn python(tools: &Tools) -> Result {
    let requirements = tools.python.join("requirements.txt");
    let wanted = read(&requirements)?;
    once(&tools.venv.join("installed"), &wanted, || {
        let venv = tools.venv.to_string_lossy();
        quietly(&mut command("python3", &["-m", "venv", "--clear", &venv]))?;
        let requirements = requirements.to_string_lossy();
        quietly(&mut command(
            tools.venv.join("bin/pip"),
            &["install", "--quiet", "--disable-pip-version-check", "--requirement", &requirements],
        ))
    })
}

/// Chromium, nginx, HAProxy, and the programs that count for the tests, unless the system has them.
fn programs(tools: &Tools) -> Result {
    let counters = COUNTERS.map(|(name, _)| name);
    let missing: Vec<&str> = ["chromium", "nginx", "haproxy"]
        .into_iter()
        .chain(counters)
        .filter(|name| on_path(name).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    once(&tools.debian.join("installed"), &missing.join(" "), || {
        debian::unpack(&tools.debian, Release::Installed, &missing)?;
        Ok(String::new())
    })
}

/// `cargo nextest`, unless it is installed.
pub(crate) fn nextest() -> Result {
    if quietly(&mut cargo(&["nextest", "--version"])).is_ok() {
        return Ok(());
    }
    run(&mut cargo(&["install", "cargo-nextest", "--locked"]))
}

/// `cargo deny`, unless it is installed.
pub(crate) fn deny() -> Result {
    if quietly(&mut cargo(&["deny", "--version"])).is_ok() {
        return Ok(());
    }
    run(&mut cargo(&["install", "cargo-deny", "--locked"]))
}

/// `cargo mutants`, unless it is there.
pub(crate) fn mutants() -> Result {
    if quietly(&mut cargo(&["mutants", "--version"])).is_ok() {
        return Ok(());
    }
    run(&mut cargo(&["install", "cargo-mutants", "--locked"]))
}

/// Runs the step unless its stamp shows that the same step was done before.
pub(crate) fn once(stamp: &Path, wanted: &str, work: impl FnOnce() -> Result<String>) -> Result {
    if fs::read_to_string(stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    work()?;
    fs::write(stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
