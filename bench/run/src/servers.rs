//! The servers, cell by cell, the peers interleaved within each.

use std::path::PathBuf;

use bench_common::cell::Cell;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::build::Built;
use crate::peers::{Deflate, PEERS, Peer, wanted};
use crate::process::{Core, Server, pairs, pinned};
use crate::results::{Results, Sample};

/// A peer that can be started.
pub struct Ready {
    pub peer: &'static Peer,
    pub program: PathBuf,
    pub before: Vec<String>,
}

/// The requested peers that were built.
pub fn ready(
    arguments: &Arguments,
    built: &Built,
    results: &mut Results,
    of: fn(Deflate) -> bool,
) -> Vec<Ready> {
    let mut ready = Vec::new();
    for peer in PEERS.iter().filter(|peer| of(peer.deflate) && wanted(peer.name, &arguments.peers)) {
        match built.program(peer) {
            Some((program, before)) => ready.push(Ready { peer, program, before }),
            None => results.left_out(peer.name, "its program is not there"),
        }
    }
    ready
}

pub fn measure(arguments: &Arguments, built: &Built, results: &mut Results) -> Outcome {
    let ready = ready(arguments, built, results, |deflate| deflate != Deflate::Only);
    for &cell in &arguments.cells {
        for round in 0..arguments.rounds {
            eprintln!("bench: servers, {cell}, round {} of {}", round + 1, arguments.rounds);
            // Who comes first changes from round to round: a neighbour's burst hits another one.
            for index in 0..ready.len() {
                let ready = &ready[(index + round * 5) % ready.len()];
                match exchange(arguments, built, ready, cell, "none") {
                    Ok(sample) => results.servers.add(ready.peer.name, cell, sample),
                    Err(error) => results.left_out(&format!("{} at {cell}", ready.peer.name), &error),
                }
            }
        }
    }
    keep(built, results)
}

/// A fresh server for each run: none has buffers from the previous cell.
pub fn exchange(
    arguments: &Arguments,
    built: &Built,
    ready: &Ready,
    cell: Cell,
    deflate: &str,
) -> Outcome<Sample> {
    let server = start(ready, deflate)?;
    let mut load = pinned(Core::Load, &built.load());
    load.arg("--addr").arg(server.address.to_string()).arg("--pid").arg(server.pid().to_string());
    load.arg("--cell").arg(cell.to_string()).arg("--deflate").arg(deflate);
    load.arg("--warm-up").arg(arguments.warm_up.as_secs_f64().to_string());
    load.arg("--seconds").arg(arguments.measured.as_secs_f64().to_string());
    Sample::server(&pairs(load)?)
}

/// Starts a peer's server, with or without permessage-deflate.
pub fn start(ready: &Ready, deflate: &str) -> Outcome<Server> {
    let mut options = ready.peer.options.to_vec();
    if deflate != "none" && ready.peer.deflate == Deflate::Yes {
        options.extend(["--deflate", deflate]);
    }
    // `PROGRAM ARGUMENTS… ADDR OPTIONS…`
    Server::start(Core::Server, &ready.program, |address| {
        let options = options.iter().map(|option| (*option).to_owned());
        Ok(ready.before.iter().cloned().chain([address.to_string()]).chain(options).collect())
    })
}

/// Writes the samples as they are taken, so that an aborted run is not lost.
pub fn keep(built: &Built, results: &Results) -> Outcome {
    let path = built.samples();
    std::fs::write(&path, results.tsv()).map_err(|error| format!("{}: {error}", path.display()))
}
