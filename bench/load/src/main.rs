//! The load generator.
//!
//! One thread and one epoll instance. The frames are masked before the measurement, so that the load costs less than any
//! server.
//! It prints one line of `key=value`, which the runner reads.

mod arguments;
mod connection;
mod echo;
mod exchange;
mod idle;
mod script;
mod socket;

use std::process::ExitCode;

use crate::arguments::{Arguments, Work};

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, String> {
    let files = bench_common::limits::raise_open_files();
    match arguments.work {
        Work::Exchange(cell) => exchange::run(arguments, cell),
        Work::Idle(connections) => idle::run(arguments, connections, files),
    }
}
