//! The clients, each against one server, the floor.

use crate::Outcome;
use crate::arguments::Arguments;
use crate::build::Built;
use crate::peers::{CLIENTS, wanted};
use crate::process::{Core, Server, pairs, pinned};
use crate::results::{Results, Sample};
use crate::servers::keep;

pub fn measure(arguments: &Arguments, built: &Built, results: &mut Results) -> Outcome {
    for &cell in &arguments.client_cells {
        for round in 0..arguments.rounds {
            eprintln!("bench: clients, {cell}, round {} of {}", round + 1, arguments.rounds);
            for index in 0..CLIENTS.len() {
                let (name, program) = CLIENTS[(index + round) % CLIENTS.len()];
                if !wanted(name, &arguments.peers) {
                    continue;
                }
                let Some(program) = built.client(program) else {
                    results.left_out(&format!("{name}'s client"), "its program is not there");
                    continue;
                };
                let server =
                    Server::start(Core::Server, &built.floor(), |address| Ok(vec![address.to_string()]))?;
                let mut client = pinned(Core::Load, &program);
                client.arg(server.address.to_string()).arg(cell.to_string());
                client.arg(arguments.warm_up.as_secs_f64().to_string());
                client.arg(arguments.measured.as_secs_f64().to_string());
                match pairs(client).and_then(|pairs| Sample::client(&pairs)) {
                    Ok(sample) => results.clients.add(name, cell, sample),
                    Err(error) => results.left_out(&format!("{name}'s client at {cell}"), &error),
                }
            }
        }
    }
    keep(built, results)
}
