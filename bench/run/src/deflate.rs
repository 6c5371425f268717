//! permessage-deflate, with context takeover and without.

use crate::Outcome;
use crate::arguments::Arguments;
use crate::build::Built;
use crate::peers::Deflate;
use crate::results::Results;
use crate::servers::{exchange, keep, ready};

pub fn measure(arguments: &Arguments, built: &Built, results: &mut Results) -> Outcome {
    let ready = ready(arguments, built, results, |deflate| deflate != Deflate::No);
    for &cell in &arguments.deflate_cells {
        for round in 0..arguments.rounds {
            eprintln!("bench: deflate, {cell}, round {} of {}", round + 1, arguments.rounds);
            for deflate in ["takeover", "no-takeover"] {
                for index in 0..ready.len() {
                    let ready = &ready[(index + round * 5) % ready.len()];
                    let table =
                        if deflate == "takeover" { &mut results.takeover } else { &mut results.no_takeover };
                    match exchange(arguments, built, ready, cell, deflate) {
                        Ok(sample) => table.add(ready.peer.name, cell, sample),
                        Err(error) => {
                            results.left_out(&format!("{} at {cell}, {deflate}", ready.peer.name), &error);
                        }
                    }
                }
            }
        }
    }
    keep(built, results)
}
