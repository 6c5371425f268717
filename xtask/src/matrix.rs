//! `cargo xtask matrix`: `framewise check` against implementations from the package registries.
//!
//! The results are in `matrix/results/`, a file for each implementation, role and version. `docs/matrix.md`, `docs/matrix.json`
//! and `docs/matrix.html` are written from them, and from `matrix/looked-at.txt`: what a person found who looked at the bytes.

mod install;
mod pages;
mod results;
mod run;
mod table;

use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use crate::run::root;
use crate::{HELP, Result};
use table::Peer;

/// Implementations that are checked at the same time: more of them make each other late.
const AT_A_TIME: usize = 2;

/// The folder of the scripts, the configurations and the results.
fn home() -> PathBuf {
    root().join("matrix")
}

pub(crate) fn run(arguments: &[String]) -> Result {
    let mut chosen: Vec<&Peer> = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--write" => return pages::write(),
            other if other.starts_with("--") => {
                return Err(format!("`matrix` does not take {other:?}\n\n{HELP}"));
            }
            name => {
                let found: Vec<_> =
                    table::ALL.iter().filter(|peer| peer.id == name || peer.key() == name).collect();
                if found.is_empty() {
                    let names: Vec<_> = table::ALL.iter().map(Peer::key).collect();
                    return Err(format!("{name:?} is not one of {}", names.join(", ")));
                }
                chosen.extend(found);
            }
        }
    }
    if chosen.is_empty() {
        chosen = table::ALL.iter().collect();
    }
    let framewise = install::framewise()?;
    let mut faults = install::install(&chosen);
    // They mostly wait: for endpoints that do nothing.
    let next = Mutex::new(chosen.into_iter());
    let next = || next.lock().ok()?.next();
    let run_each = || {
        let mut faults = Vec::new();
        while let Some(peer) = next() {
            match run::run(peer, &framewise).and_then(|found| found.write().map(|()| found)) {
                Ok(found) => println!("{} {}: {}", peer.key(), found.version, found.summary()),
                Err(fault) => faults.push(format!("{}: {fault}", peer.key())),
            }
        }
        faults
    };
    thread::scope(|scope| {
        for worker in [(); AT_A_TIME].map(|()| scope.spawn(run_each)) {
            faults.extend(worker.join().unwrap_or_default());
        }
    });
    pages::write()?;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n       ")) }
}
