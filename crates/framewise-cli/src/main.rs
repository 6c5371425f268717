//! The command `framewise`: it inspects WebSocket connections, diagnoses recordings, and explains close codes and error
//! messages.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod check;
mod completions;
mod connect;
mod demo;
mod destination;
mod doctor;
mod expect;
mod explain;
mod failure;
mod inspect;
mod live;
mod man;
mod minimize;
mod net;
mod output;
mod path;
mod printer;
mod progress;
mod read;
mod recording;
mod redact;
mod render;
mod replay;
mod request;
mod schema;
mod serve;
mod wstest;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser as _;

fn main() -> ExitCode {
    let args = match Args::try_parse_from(words()) {
        Ok(args) => args,
        Err(error) => return args::refuse(&error),
    };
    let output = output::Output::new(args.color);
    let result = match args.command {
        Command::Explain(args) => explain::run(&args, output),
        Command::Read(args) => read::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Redact(args) => redact::run(&args, output),
        Command::Minimize(args) => minimize::run(&args, output),
        Command::Replay(args) => replay::run(&args, output),
        Command::Path(args) => path::run(&args, output),
        Command::Wstest(args) => wstest::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Bench(args) => bench::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
        Command::Connect(args) => connect::run(&args, output),
        Command::Serve(args) => serve::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Man(args) => man::run(&args, output),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// The command line; through a link named `wstest` it is that of the command `wstest`.
fn words() -> Vec<OsString> {
    let mut words: Vec<_> = std::env::args_os().collect();
    let name = words.first().and_then(|program| Path::new(program).file_stem().map(OsStr::to_owned));
    if name.is_some_and(|name| name == "wstest") {
        words.insert(1, "wstest".into());
    }
    words
}
