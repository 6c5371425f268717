//! Handshakes, and connections that do nothing.

use crate::Outcome;
use crate::arguments::Arguments;
use crate::build::Built;
use crate::peers::Deflate;
use crate::process::{Core, Pairs, pairs, pinned};
use crate::results::{Idle, Results};
use crate::servers::{Ready, ready, start};

/// A deflating connection costs up to 300 KiB, so fewer of them.
const DEFLATED: usize = 500;

pub fn measure(arguments: &Arguments, built: &Built, results: &mut Results) {
    for ready in ready(arguments, built, results, |_| true) {
        let name = ready.peer.name;
        eprintln!("bench: idle, {name}");
        let one = open(built, &ready, arguments.idle, "none").and_then(|pairs| row(name, &pairs));
        match one {
            Ok(mut row) => {
                row.deflate = deflated(built, &ready, results);
                results.idle.push(row);
            }
            Err(error) => results.left_out(&format!("{name} idle"), &error),
        }
    }
}

fn row(peer: &'static str, pairs: &Pairs) -> Outcome<Idle> {
    Ok(Idle {
        peer,
        handshake: pairs.number("handshake_ns")? / 1e3,
        open: pairs.number("idle")?,
        used: pairs.number("used")?,
        closed: pairs.number("closed")?,
        deflate: None,
    })
}

fn deflated(built: &Built, ready: &Ready, results: &mut Results) -> Option<(f64, f64)> {
    if ready.peer.deflate == Deflate::No {
        return None;
    }
    let memory = open(built, ready, DEFLATED, "takeover")
        .and_then(|pairs| Ok((pairs.number("idle")?, pairs.number("used")?)));
    memory.map_err(|error| results.left_out(&format!("{} idle with deflate", ready.peer.name), &error)).ok()
}

fn open(built: &Built, ready: &Ready, count: usize, deflate: &str) -> Outcome<Pairs> {
    let server = start(ready, deflate)?;
    let mut load = pinned(Core::Load, &built.load());
    load.arg("--addr").arg(server.address.to_string()).arg("--pid").arg(server.pid().to_string());
    load.arg("--idle").arg(count.to_string()).arg("--deflate").arg(deflate);
    pairs(load)
}
