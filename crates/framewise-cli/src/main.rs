//! The command `framewise`: it inspects WebSocket connections, diagnoses recordings, and explains close codes and error
//! messages.
#![forbid(unsafe_code)]

mod args;
mod connect;
mod demo;
mod explain;
mod failure;
mod inspect;
mod live;
mod net;
mod output;
mod printer;
mod progress;
mod read;
mod render;
mod serve;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser as _;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return args::refuse(&error),
    };
    let output = output::Output::new(args.color);
    let result = match args.command {
        Command::Explain(args) => explain::run(&args, output),
        Command::Read(args) => read::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
        Command::Connect(args) => connect::run(&args, output),
        Command::Serve(args) => serve::run(&args, output),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
