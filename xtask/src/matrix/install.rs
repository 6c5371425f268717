//! Installs the implementations from the package registries, and finds them again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use framewise_peers::tools::{Tools, libraries as shared};

use super::home;
use super::table::{Package, Peer};
use crate::Result;
use crate::debian::{self, Release};
use crate::install::once;
use crate::run::{cargo, command as program, quietly, root, run};

/// The command that checks: `FRAMEWISE` names one that is built already. A debug build is too slow to tell a busy endpoint from
/// a dead one.
pub(super) fn framewise() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FRAMEWISE") {
        return Ok(path.into());
    }
    run(&mut cargo(&["build", "--release", "--package", "framewise-cli"]))?;
    Ok(root().join("target/release/framewise"))
}

/// Installs what the chosen ones need; the faults in words.
pub(super) fn install(chosen: &[&Peer]) -> Vec<String> {
    let needs = |source: fn(&Package) -> bool| chosen.iter().any(|peer| source(&peer.package));
    let mut faults = Vec::new();
    if needs(|package| matches!(package, Package::PyPi(_))) {
        faults.extend(python().err());
    }
    if needs(|package| matches!(package, Package::Npm(_))) {
        faults.extend(node().err());
    }
    if needs(|package| matches!(package, Package::Crate(_))) {
        faults.extend(rust().err());
    }
    if needs(|package| matches!(package, Package::Client(_))) {
        faults.extend(clients().err());
    }
    // socketify needs libuv.
    if needs(|package| matches!(package, Package::Debian(_) | Package::PyPi("socketify"))) {
        faults.extend(libraries().and_then(|()| go()).and_then(|()| c()).err());
    }
    if needs(|package| matches!(package, Package::Program("nginx" | "haproxy", _))) {
        faults.extend(programs(&["nginx", "haproxy"]).err());
    }
    if needs(|package| matches!(package, Package::Program("chromium" | "firefox", _))) {
        faults.extend(programs(&["chromium", "firefox"]).err());
    }
    faults
}

/// Fills in the folders and programs: `{home}`, `{venv}` (its programs), `{rust}`, `{clients}`, `{programs}` (those around
/// Debian's libraries), `{libraries}`, `{envoy}`, `{framewise}`.
pub(super) fn filled(word: &str, framewise: &Path) -> String {
    let envoy = site_packages().map(|folder| folder.join("envoy/_bin/envoy")).unwrap_or_default();
    word.replace("{home}", &home().to_string_lossy())
        .replace("{venv}", &venv().join("bin").to_string_lossy())
        .replace("{rust}", &root().join("bench/target/debug").to_string_lossy())
        .replace("{clients}", &home().join("rust/target/debug").to_string_lossy())
        .replace("{programs}", &installed().to_string_lossy())
        .replace("{libraries}", &shared(&debian_root()))
        .replace("{envoy}", &envoy.to_string_lossy())
        .replace("{framewise}", &framewise.to_string_lossy())
}

/// A program with what it needs around it.
pub(super) fn command(program: &str) -> Command {
    let mut command = Tools::find().command(program).unwrap_or_else(|| Command::new(program));
    // A wheel may bring the libraries of its program in a folder beside it.
    let libraries = Path::new(program).with_file_name("lib");
    if program.contains("site-packages") && libraries.is_dir() {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command.env("PYTHONPATH", home().join("python"));
    command
}

/// The version that is installed.
pub(super) fn version(peer: &Peer, framewise: &Path) -> Result<String> {
    let missing = || format!("{} is not installed", peer.name);
    match peer.package {
        Package::PyPi(name) => {
            let start = format!("{}-", name.replace('-', "_"));
            let folders = fs::read_dir(site_packages().ok_or_else(missing)?).map_err(|_| missing())?;
            let version =
                |name: String| Some(name.strip_prefix(&start)?.strip_suffix(".dist-info")?.to_owned());
            let mut names = folders.flatten().map(|entry| entry.file_name().to_string_lossy().to_lowercase());
            names.find_map(version).ok_or_else(missing)
        }
        Package::Npm(name) => {
            let path = home().join("node/node_modules").join(name).join("package.json");
            let text = fs::read_to_string(path).map_err(|_| missing())?;
            let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            value["version"].as_str().map(str::to_owned).ok_or_else(missing)
        }
        Package::Debian(name) => {
            let versions = read(&installed().join("debian/versions"))?;
            let version = versions.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            version.map(str::to_owned).ok_or_else(missing)
        }
        Package::Crate(name) | Package::Client(name) => {
            let folder = if matches!(peer.package, Package::Crate(_)) { "bench" } else { "matrix/rust" };
            let lock = read(&root().join(folder).join("Cargo.lock"))?;
            let package = format!("name = \"{name}\"\nversion = \"");
            let version = lock.split_once(&package).and_then(|(_, after)| after.split_once('"'));
            version.map(|(version, _)| version.to_owned()).ok_or_else(missing)
        }
        Package::Program(name, flag) => {
            let output = command(&filled(name, framewise)).arg(flag).output().map_err(|_| missing())?;
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            let words = said.split(|c: char| c.is_whitespace() || matches!(c, '/' | ',' | '('));
            let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
            words.map(|word| word.trim_start_matches('v')).find(number).map(str::to_owned).ok_or_else(missing)
        }
    }
}

fn installed() -> PathBuf {
    Tools::find().venv.with_file_name("matrix")
}

fn venv() -> PathBuf {
    installed().join("python")
}

/// Where the virtual environment has the packages: the folder has Python's version in its name.
fn site_packages() -> Option<PathBuf> {
    let folders = fs::read_dir(venv().join("lib")).ok()?.flatten();
    folders.map(|folder| folder.path().join("site-packages")).find(|path| path.is_dir())
}

fn python() -> Result {
    let requirements = home().join("requirements.txt");
    let wanted = read(&requirements)?;
    once(&venv().join("installed"), &wanted, || {
        quietly(&mut program("python3", &["-m", "venv", "--clear", &venv().to_string_lossy()]))?;
        let requirements = requirements.to_string_lossy();
        let install = ["install", "--quiet", "--disable-pip-version-check", "--requirement", &requirements];
        quietly(&mut program(venv().join("bin/pip"), &install))
    })
}

fn node() -> Result {
    let folder = home().join("node");
    let lock = read(&folder.join("package-lock.json"))?;
    once(&folder.join("node_modules/installed"), &lock, || {
        // Without the script of its package, bun is only a link to be: its binary is a package of its own.
        let mut npm = program("npm", &["ci", "--no-audit", "--no-fund"]);
        quietly(npm.current_dir(&folder))
    })
}

/// The echo servers of `bench/`. They are checked, not measured: nothing is optimised, and arithmetic wraps as in a release.
fn rust() -> Result {
    run(cargo(&["build", "--locked", "--manifest-path", "bench/Cargo.toml", "--package", "bench-servers"])
        .env("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false")
        .env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")
        .env("CARGO_PROFILE_DEV_DEBUG", "0"))
}

/// The clients of `matrix/rust`.
fn clients() -> Result {
    run(&mut cargo(&["build", "--locked", "--manifest-path", "matrix/rust/Cargo.toml"]))
}

/// Programs that run as they are, unless the system has them.
fn programs(names: &[&str]) -> Result {
    let tools = Tools::find();
    let missing: Vec<_> = names.iter().copied().filter(|name| tools.program(name).is_none()).collect();
    // Firefox is in a package of another name.
    let packages: Vec<_> =
        missing.iter().map(|name| if *name == "firefox" { "firefox-esr" } else { name }).collect();
    if packages.is_empty() {
        return Ok(());
    }
    debian::unpack(&tools.debian, Release::Installed, &packages)
}

/// Libraries of Debian, and Go's compiler: a folder of their own, so that what they bring meets no other program.
const LIBRARIES: [&str; 5] = [
    "golang-go",
    "golang-github-gorilla-websocket-dev",
    "golang-nhooyr-websocket-dev",
    "libwebsockets-dev",
    "libuv1",
];

fn debian_root() -> PathBuf {
    installed().join("debian/root")
}

fn libraries() -> Result {
    let home = installed().join("debian");
    once(&home.join("installed"), &LIBRARIES.join(" "), || {
        debian::unpack(&home, Release::Installed, &LIBRARIES)?;
        Ok(String::new())
    })
}

/// The programs of `matrix/go`, with the compiler that is beside the libraries, and without its modules.
fn go() -> Result {
    let root = debian_root();
    let compilers = fs::read_dir(root.join("usr/lib")).map_err(|error| error.to_string())?;
    let compiler = compilers.flatten().map(|entry| entry.path()).find(|path| path.join("bin/go").is_file());
    let compiler = compiler.ok_or("Go is not installed")?;
    for name in ["gorilla", "coder"] {
        let output = installed().join(name);
        let folder = home().join("go").join(name);
        let mut build = program(compiler.join("bin/go"), &["build", "-o", &output.to_string_lossy()]);
        build
            .current_dir(folder)
            .env("GOROOT", &compiler)
            .env("GOPATH", root.join("usr/share/gocode"))
            .env("GOCACHE", installed().join("go"))
            .env("GO111MODULE", "off")
            .env("CGO_ENABLED", "0");
        quietly(&mut build)?;
    }
    Ok(())
}

/// The program of `matrix/c`.
fn c() -> Result {
    let root = debian_root();
    let (output, source) = (installed().join("libwebsockets"), home().join("c/libwebsockets.c"));
    let libraries = shared(&root);
    let mut compile = program("cc", &["-O1", "-o", &output.to_string_lossy(), &source.to_string_lossy()]);
    compile.arg("-I").arg(root.join("usr/include"));
    for folder in libraries.split(':') {
        compile.arg(format!("-L{folder}")).arg(format!("-Wl,-rpath,{folder}"));
    }
    quietly(compile.args(["-lwebsockets", "-Wl,--allow-shlib-undefined"])).map(drop)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
