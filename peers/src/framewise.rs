use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::Process;

/// `framewise serve`, listening.
#[derive(Debug)]
pub struct Serve {
    process: Process,
    url: String,
}

impl Serve {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let mut command = command();
        let mut process =
            Process::without_input("framewise serve", command.args(["serve", "--listen", "127.0.0.1:0"]));
        let url = listening(&process.line());
        Self { process, url }
    }

    /// The address it listens on.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        port(&self.url)
    }

    /// Asks it to stop, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.process.interrupt();
    }
}

/// `framewise inspect`, listening.
#[derive(Debug)]
pub struct Inspect {
    process: Process,
    url: String,
}

impl Inspect {
    /// Starts it in front of a server on 127.0.0.1.
    pub fn start(upstream: u16) -> Self {
        Self::with(upstream, &[])
    }

    /// Starts it in front of a server on 127.0.0.1, with more arguments.
    pub fn with(upstream: u16, arguments: &[&str]) -> Self {
        let upstream = format!("ws://127.0.0.1:{upstream}");
        let mut command = command();
        command.args(["inspect", &upstream, "--listen", "127.0.0.1:0", "--json"]).args(arguments);
        command.stderr(Stdio::piped());
        let mut process = Process::without_input("framewise inspect", &mut command);
        let url = listening(&process.first_notice());
        Self { process, url }
    }

    /// The address it listens on.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        port(&self.url)
    }

    /// Its report on the next connection that has ended.
    pub fn connection(&mut self) -> Value {
        loop {
            let line = self.process.line();
            let value: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}"));
            // The findings come one by one before that, and again in it.
            if value.get("findings").is_some() {
                return value;
            }
        }
    }
}

/// The command from this build: in the folder above that of the tests.
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

fn port(url: &str) -> u16 {
    let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
    port.unwrap_or_else(|| panic!("no port: {url}"))
}
