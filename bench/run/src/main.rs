//! `cargo run --release -p run -- [OPTIONS]`: builds the peers, measures them in interleaved rounds, writes the tables.
//!
//! `cargo xtask bench` at the root is this.

mod arguments;
mod build;
mod clients;
mod deflate;
mod goals;
mod idle;
mod machine;
mod peers;
mod process;
mod proxies;
mod report;
mod results;
mod servers;
mod statistics;

use std::fs;
use std::process::ExitCode;

use crate::arguments::{Arguments, Part};
use crate::results::Results;

pub type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome {
    bench_common::limits::raise_open_files();
    let mut results = Results::default();
    let built = build::everything(arguments, &mut results)?;

    for part in &arguments.parts {
        match part {
            Part::Servers => servers::measure(arguments, &built, &mut results)?,
            Part::Idle => idle::measure(arguments, &built, &mut results),
            Part::Deflate => deflate::measure(arguments, &built, &mut results)?,
            Part::Clients => clients::measure(arguments, &built, &mut results)?,
            Part::Proxies => proxies::measure(arguments, &built, &mut results)?,
        }
    }

    let goals = goals::judge(&results);
    let text = report::write(arguments, &built, &results, &goals);
    let out = arguments.out.clone().unwrap_or_else(|| built.default_report(arguments.quick));
    fs::write(&out, text).map_err(|error| format!("{}: {error}", out.display()))?;
    print!("{}", report::summary(&goals, &results));
    println!("The tables are in {}", out.display());
    Ok(())
}
