use std::path::Path;
use std::process::Command;

use crate::process::Process;

/// `framewise serve`, listening.
#[derive(Debug)]
pub struct Serve {
    _process: Process,
    url: String,
}

impl Serve {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let mut process =
            Process::without_input("framewise serve", command().args(["serve", "--listen", "127.0.0.1:0"]));
        let url = listening(&process.line());
        Self { _process: process, url }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// `framewise inspect`, listening.
#[derive(Debug)]
pub struct Inspect {
    process: Process,
    url: String,
}

impl Inspect {
    /// Starts it in front of this address.
    pub fn start(upstream: &str) -> Self {
        let mut process = Process::without_input(
            "framewise inspect",
            command().args(["inspect", upstream, "--listen", "127.0.0.1:0", "--ui", "127.0.0.1:0", "--json"]),
        );
        let url = listening(&process.line());
        Self { process, url }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next line that it reports.
    pub fn report(&mut self) -> serde_json::Value {
        let line = self.process.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}"))
    }
}

/// The command of this build: beside the tests, one folder up.
fn command() -> Command {
    let test = std::env::current_exe().unwrap_or_default();
    let program = test.parent().and_then(Path::parent).unwrap_or(Path::new(".")).join("framewise");
    assert!(
        program.is_file(),
        "{} is not built: `cargo build --package framewise-cli`, or run the tests with `cargo xtask test`",
        program.display()
    );
    Command::new(program)
}

fn listening(line: &str) -> String {
    let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("no address: {line}"));
    url.trim().to_owned()
}
