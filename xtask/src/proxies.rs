//! `cargo xtask proxies`: `framewise path` through real proxies, each as its documentation configures it for WebSockets and as
//! people configure it by mistake.
//!
//! The results are in `docs/proxies.json`; `docs/proxies.md` and `docs/proxies.html` are written from it, and the bytes of
//! what was found are in `proxies/results/`.

mod html;
mod install;
mod markdown;
mod report;
mod run;
mod standin;
mod table;

use std::path::PathBuf;

use crate::run::{cargo, root, run as run_to_end};
use crate::{HELP, Result};
use report::{Report, Results};
use run::Extent;
use table::Proxy;

/// The folder of the configurations, the scripts and the results.
fn home() -> PathBuf {
    root().join("proxies")
}

pub(crate) fn run(arguments: &[String]) -> Result {
    let mut chosen: Vec<&Proxy> = Vec::new();
    let mut only = None;
    let mut extent = Extent::All;
    for argument in arguments {
        match argument.as_str() {
            "--write" => {}
            "--quick" => extent = Extent::Quick,
            other if other.starts_with("--") => {
                return Err(format!("`proxies` does not take {other:?}\n\n{HELP}"));
            }
            name => match (table::find(name), chosen.last()) {
                (Some(proxy), _) => chosen.push(proxy),
                (None, Some(proxy)) if proxy.configurations.iter().any(|one| one.id == name) => {
                    only = Some(name);
                }
                (None, _) => {
                    let names: Vec<_> = table::ALL.iter().map(|proxy| proxy.id).collect();
                    return Err(format!("{name:?} is not one of the proxies: {}", names.join(", ")));
                }
            },
        }
    }
    if arguments.iter().any(|argument| argument == "--write") {
        return Results::read()?.write();
    }
    if chosen.is_empty() {
        chosen = table::ALL.to_vec();
    }
    run_to_end(&mut cargo(&["build", "--package", "framewise-cli"]))?;
    let mut faults = Vec::new();
    for fault in install::install(&chosen) {
        eprintln!("xtask: {fault}");
    }
    for proxy in chosen {
        if install::command(proxy).is_none() {
            faults.push(format!("{} is not installed", proxy.id));
            continue;
        }
        let reports = examine(proxy, only, extent, &mut faults);
        if extent == Extent::Quick {
            continue;
        }
        // Read anew: a run takes minutes, and another one may have written in the meantime.
        let mut results = Results::read()?;
        results.put(proxy, reports, only.is_some());
        results.write()?;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n       ")) }
}

/// Runs every configuration of a proxy, one after the other.
fn examine(proxy: &Proxy, only: Option<&str>, extent: Extent, faults: &mut Vec<String>) -> Vec<Report> {
    let mut reports = Vec::new();
    for configuration in proxy.configurations.iter().filter(|one| only.is_none_or(|only| one.id == only)) {
        match run::run(proxy, configuration, extent) {
            Ok(report) => {
                println!("{} {}: {}", proxy.id, configuration.id, report.summary());
                reports.push(report);
            }
            Err(fault) => faults.push(format!("{} {}: {fault}", proxy.id, configuration.id)),
        }
    }
    reports
}
