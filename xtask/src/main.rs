//! The project's automation, one verb per task. `cargo xtask help` lists them.
//!
//! Each verb sets up what it needs on a machine that has Rust, a C compiler, Python 3, Node and npm.

mod autobahn;
mod bench;
mod check;
mod debian;
mod deny;
mod dist;
mod drop_in;
mod echo;
mod fuzz;
mod install;
mod matrix;
mod minimal;
mod mutants;
mod neon;
mod package;
mod peers;
mod proxies;
mod repeat;
mod run;
mod schemas;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask VERB

  test [ARGUMENTS]            install the peers, then run all tests: doc tests, and the others with cargo nextest, which
                              gets the ARGUMENTS
  check                       check formatting, lints, links in the documentation, dependencies, and packages
  deny                        check the dependencies: licences, sources, advisories, and the version of Rust
  drop-in [CRATE...] [--keep] run the tests of crates that use tokio-tungstenite, with it and with framewise-tungstenite in its
                              place, and compare; --keep keeps what was built in target/drop-in
  package                     check what each crate says of itself, and build the crates from their packages, as a
                              registry has them
  dist [--debug]              build the packages that bring the command as a binary, a Python wheel, npm packages and a
                              tarball for cargo binstall, into target/dist, and try each in an empty environment
  minimal                     build the crates against the smallest versions of their dependencies that the manifests allow
  peers [--write]             install the peers; with --write, send broken frames to each and record its reactions in
                              peers/reactions.md
  proxies [NAME...] [--write]
                              install real proxies, run `framewise path` through each in each of its configurations (half
                              an hour), and write docs/proxies.*; NAME is a proxy, then perhaps one of its configurations;
                              --write only writes the pages again
  autobahn [server|client] [--all]
                              run the Autobahn TestSuite against our server, our client, or both; --all includes the
                              cases about size limits and permessage-deflate (groups 12 and 13)
  autobahn --compare [--all] [SERVER...] [CASES...]
                              run the Autobahn TestSuite and our `wstest` against three servers (framewise, websockets, careless),
                              and compare what they write, file by file; CASES are patterns such as '12.1.*'; FRAMEWISE names a
                              command that is built already
  fuzz [TARGET...] [--seconds N] [--keep] [FILE...]
                              fuzz each target of fuzz/ for N seconds (default 60); --keep adds inputs that reach new
                              code to fuzz/corpus; with FILE, only run that input
  mutants --matrix            run the cases of framewise-conform against faulty endpoints, and print which case catches each
  mutants [CRATE...] [--shard K/N] [--changed [BASE]] [--only REGEX]
                              make small changes to the code, and check that a test fails for each one that is not
                              listed in mutants/SURVIVORS.md; --changed limits this to code that differs from BASE
                              (default origin/main)
  matrix [NAME...] [--write]  install other implementations, check each with `framewise check`, and write matrix/results/
                              and docs/matrix.md, .html and .json; NAME is one of them, such as `ws` or `ws-client`;
                              --write only writes the pages; FRAMEWISE names a command that is built already
  repeat [--runs N] [--busy]  run `framewise check` N times (default 20) against our server and against a careless one, and
                              compare the verdicts; --busy keeps every core busy meanwhile; FRAMEWISE names a command that
                              is built already
  schemas                     check the JUnit and SARIF reports of `framewise check` against the schemas of their readers; FRAMEWISE
                              names a command that is built already
  neon                        run the tests of the vector kernels on an emulated 64-bit ARM
  bench [--quick] [ARGUMENTS]
                              build the peers in bench/, measure them and Framewise in turn, and write
                              bench/RESULTS.md; takes half an hour, or a few minutes with --quick

xtask looks for the programs that the tests need on the PATH first. It installs missing ones into peers/.peers, without
root and without changing the system. Set FRAMEWISE_PEERS to use another folder.
";

/// A failure is one line for the terminal; a program that failed has already printed its own messages there.
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
        "deny" => deny::run(),
        "drop-in" => drop_in::run(rest),
        "package" => package::run(),
        "minimal" => minimal::run(),
        "peers" => peers::run(rest),
        "proxies" => proxies::run(rest),
        "autobahn" => autobahn::run(rest),
        "dist" => dist::run(rest),
        "fuzz" => fuzz::run(rest),
        "matrix" => matrix::run(rest),
        "mutants" => mutants::run(rest),
        "repeat" => repeat::run(rest),
        "schemas" => schemas::run(rest),
        "neon" => neon::run(),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown verb {other:?}: `cargo xtask help` lists them")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
