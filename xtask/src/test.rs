//! `cargo xtask test`: runs all tests.

use framewise_peers::tools::{COUNTERS, Tools};

use crate::run::{self, cargo};
use crate::{Result, fuzz, install};

pub(crate) fn run(arguments: &[String]) -> Result {
    install::nextest()?;
    install::peers();
    let missing = framewise_peers::missing();
    let tools = Tools::find();
    let uncounted: Vec<_> = COUNTERS.into_iter().filter(|(name, _)| tools.program(name).is_none()).collect();
    let required =
        missing.is_empty() || std::env::var_os("FRAMEWISE_REQUIRE_PEERS").is_some_and(|value| value == "1");

    // The peers' tests start the command `framewise`; nextest, which builds the same once more, finds it done.
    let all = ["--workspace", "--all-features"];
    run::run(cargo(&["build", "--lib", "--bins", "--examples", "--tests"]).args(all))?;
    // What the tests `instructions` count: they build the same once more, within their time.
    for package in ["framewise-proto", "framewise-inspect"] {
        run::run(&mut cargo(&["build", "--profile", "counted", "--package", package, "--examples"]))?;
    }
    // Before the others, so that nextest's summary is the last thing said.
    run::run(cargo(&["test", "--doc"]).args(all))?;
    fuzz::replay()?;

    let mut tests = cargo(&["nextest", "run"]);
    tests.args(all);
    // nextest counts as skipped what a filter leaves out: so its summary counts what is missing.
    let mut filter = "all()".to_owned();
    for (name, binary) in uncounted {
        eprintln!("xtask: missing program: {name}: what it counts is skipped");
        filter = format!("{filter} - binary({binary})");
    }
    if required {
        tests.env("FRAMEWISE_REQUIRE_PEERS", "1");
    } else {
        for name in missing {
            eprintln!("xtask: missing peer: {name}: its tests are skipped");
            let name = name.replace('-', "_");
            filter = format!("{filter} - (package(framewise-peers) & test(/\\b{name}\\b/))");
        }
    }
    tests.args(["--filterset", &filter]);
    run::run(tests.args(arguments))
}
