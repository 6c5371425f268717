//! What the project's machinery does, one verb each. `cargo xtask help` lists them.
//!
//! Each verb does its own set-up on a fresh machine that has Rust, a C compiler, Python 3, Node and npm.

mod autobahn;
mod bench;
mod check;
mod debian;
mod install;
mod neon;
mod peers;
mod run;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask VERB

  test [ARGUMENTS]            installs the peers, then runs every test: doc tests, then all others with cargo nextest,
                              which gets the ARGUMENTS
  check                       formatting, lints, and the documentation's links
  peers [--write]             installs the peers; with --write, shows each the broken frames and records in
                              peers/reactions.md what it answered
  autobahn [server|client] [--all]
                              the Autobahn TestSuite against both, or one, of our ends; --all takes in the cases
                              about limits of size and permessage-deflate (groups 12 and 13)
  neon                        the tests of the vector kernels on an emulated 64-bit ARM
  bench [--quick] [ARGUMENTS]
                              builds the peers in bench/, measures them beside us, interleaved, and writes
                              bench/RESULTS.md; half an hour, or minutes with --quick

Programs that the tests need are looked for on the PATH first. What is not there is put into peers/.peers, without root
and without a change to the system; FRAMEWISE_PEERS names another folder.
";

/// A failure that a person is told about in one line; what a program said itself is on the terminal already.
type Result<T = ()> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = match arguments.split_first() {
        Some((verb, rest)) => (verb.as_str(), rest),
        None => ("help", &[][..]),
    };
    let result = match verb {
        "test" => test::run(rest),
        "check" => check::run(),
        "peers" => peers::run(rest),
        "autobahn" => autobahn::run(rest),
        "neon" => neon::run(),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no verb {other:?}; `cargo xtask help` lists them")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
