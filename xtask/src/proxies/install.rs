//! Installs the proxies from the package registries, and finds them again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use framewise_peers::tools::{Tools, libraries, on_path};

use super::home;
use super::table::{Proxy, Source};
use crate::Result;
use crate::debian::{self, Release};
use crate::install::once;
use crate::run::{command as program, quietly, root};

/// Installs what the chosen proxies need; the faults in words. What is missing is said again when it is to be started.
pub(super) fn install(chosen: &[&Proxy]) -> Vec<String> {
    let needs = |source: fn(&Source) -> bool| chosen.iter().any(|proxy| source(&proxy.source));
    let mut faults = Vec::new();
    if needs(|source| matches!(source, Source::Debian { .. })) {
        faults.extend(debian().err());
    }
    if needs(|source| matches!(source, Source::Python(_))) {
        faults.extend(python().err());
    }
    if needs(|source| matches!(source, Source::Node(_))) {
        faults.extend(node().err());
    }
    faults
}

/// The program of a proxy, with its libraries; `None` if it is not installed.
pub(super) fn command(proxy: &Proxy) -> Option<Command> {
    let path = match proxy.source {
        Source::Debian { program, .. } => {
            let root = debian_home().join("root");
            let found = ["usr/sbin", "usr/bin"].iter().map(|folder| root.join(folder).join(program));
            if let Some(path) = found.into_iter().find(|path| path.is_file()) {
                let mut command = Command::new(path);
                command.env("LD_LIBRARY_PATH", libraries(&root));
                return Some(command);
            }
            on_path(program)?
        }
        Source::Python(program) => match program.strip_prefix("site-packages/") {
            Some(inside) => site_packages()?.join(inside),
            None => venv().join(program),
        },
        Source::Node(script) => {
            node_folder().join("node_modules/installed").is_file().then_some(())?;
            let mut node = Command::new(on_path("node")?);
            node.arg(node_folder().join(script));
            return Some(node);
        }
        Source::Ours => target().join("framewise"),
    };
    // A wheel may bring the libraries of its program in a folder beside it.
    let libraries = path.with_file_name("lib");
    let mut command = path.is_file().then(|| Command::new(path))?;
    if libraries.is_dir() && matches!(proxy.source, Source::Python(_)) {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    Some(command)
}

/// What the program says of its version, in its first line with a number.
pub(super) fn version(proxy: &Proxy) -> String {
    let Some(mut command) = command(proxy) else { return String::new() };
    let Ok(output) = command.args(proxy.version).output() else { return String::new() };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let words = said.split(|c: char| c.is_whitespace() || matches!(c, '/' | ',' | '(' | ')' | '-'));
    words.map(|word| word.trim_start_matches('v')).find(number).map_or_else(String::new, str::to_owned)
}

/// The folder of the unpacked Debian packages' files, for configurations.
pub(super) fn debian_root() -> PathBuf {
    debian_home().join("root")
}

/// The folder of the scripts that need Node's packages.
pub(super) fn node_folder() -> PathBuf {
    home().join("node")
}

/// The virtual environment of the proxies in Python.
pub(super) fn venv() -> PathBuf {
    installed().join("python")
}

/// Where the virtual environment has the packages: the folder has Python's version in its name.
fn site_packages() -> Option<PathBuf> {
    let folders = fs::read_dir(venv().join("lib")).ok()?.flatten();
    folders.map(|folder| folder.path().join("site-packages")).find(|path| path.is_dir())
}

/// Cargo's folder for this profile.
pub(super) fn target() -> PathBuf {
    let me = std::env::current_exe().unwrap_or_default();
    me.parent().map_or_else(|| root().join("target/debug"), Path::to_owned)
}

fn installed() -> PathBuf {
    Tools::find().venv.with_file_name("proxies")
}

fn debian_home() -> PathBuf {
    installed().join("debian")
}

fn debian() -> Result {
    let mut packages: Vec<&str> = super::table::ALL
        .iter()
        .filter_map(|proxy| match proxy.source {
            Source::Debian { packages, .. } => Some(packages),
            Source::Python(_) | Source::Node(_) | Source::Ours => None,
        })
        .flatten()
        .copied()
        .collect();
    packages.sort_unstable();
    packages.dedup();
    once(&debian_home().join("installed"), &packages.join(" "), || {
        debian::unpack(&debian_home(), Release::Installed, &packages)?;
        Ok(String::new())
    })
}

fn python() -> Result {
    let requirements = home().join("requirements.txt");
    let wanted = read(&requirements)?;
    once(&venv().join("installed"), &wanted, || {
        quietly(&mut program("python3", &["-m", "venv", "--clear", &venv().to_string_lossy()]))?;
        let arguments = [
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            &requirements.to_string_lossy(),
        ];
        quietly(&mut program(venv().join("bin/pip"), &arguments))
    })
}

fn node() -> Result {
    let folder = node_folder();
    let lock = read(&folder.join("package-lock.json"))?;
    once(&folder.join("node_modules/installed"), &lock, || {
        let mut npm = program("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        quietly(npm.current_dir(&folder))
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
