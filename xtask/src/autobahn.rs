//! `cargo xtask autobahn`: Autobahn's test suite against our server and our client.
//!
//! The suite needs Python 2.7, which current systems lack: the interpreter comes from the packages of an older Debian,
//! unpacked beside the other peers.

mod compare;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use framewise_peers::tools::{Tools, libraries};
use serde_json::{Value, json};

use crate::debian::{self, Release};
use crate::echo::Running;
use crate::install::once;
use crate::run::{cargo, command, quietly, run as run_to_end};
use crate::{HELP, Result};

const SUITE: &str = "autobahntestsuite==25.10.1";
/// The last versions for Python 2.7.
const TOOLS: [&str; 3] = ["pip==20.3.4", "setuptools==44.1.1", "wheel==0.37.1"];
/// Groups 12 and 13 (permessage-deflate) take many minutes; there is no group 8 or 11.
const GROUPS: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];
/// The cases for which "INFORMATIONAL" is the best verdict of the suite.
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];
/// The time limit, in case an endpoint hangs.
const LIMIT: Duration = Duration::from_secs(50 * 60);

pub(crate) fn run(arguments: &[String]) -> Result {
    let mut sides = Vec::new();
    let (mut all, mut compared) = (false, false);
    let (mut servers, mut patterns) = (Vec::new(), Vec::new());
    for argument in arguments {
        match argument.as_str() {
            "--all" => all = true,
            "--compare" => compared = true,
            "server" | "client" if !compared => sides.push(argument.as_str()),
            server if compared && crate::echo::PEERS.contains(&server) => servers.push(server),
            pattern if compared && pattern.starts_with(|first: char| first.is_ascii_digit()) => {
                patterns.push(pattern);
            }
            other => return Err(format!("`autobahn` does not take {other:?}\n\n{HELP}")),
        }
    }
    if sides.is_empty() {
        sides = vec!["server", "client"];
    }
    if servers.is_empty() {
        servers = crate::echo::PEERS.to_vec();
    }

    let suite = Suite::install()?;
    if std::env::var_os("FRAMEWISE").is_none() {
        run_to_end(&mut cargo(&["build", "--release", "--package", "framewise-cli"]))?;
    }
    let cases = match (patterns.is_empty(), all) {
        (false, _) => json!(patterns),
        (true, true) => json!(["*"]),
        (true, false) => json!(GROUPS),
    };
    if compared {
        return compare::run(&suite, &servers, &cases);
    }
    run_to_end(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "framewise",
        "--example",
        "autobahn_client",
    ]))?;
    let mut faults = 0;
    for side in sides {
        let report =
            if side == "server" { suite.against_server(&cases)? } else { suite.against_client(&cases)? };
        faults += judge(side, &report)?;
    }
    if faults > 0 { Err(format!("{faults} cases are not as they have to be")) } else { Ok(()) }
}

struct Suite {
    home: PathBuf,
}

impl Suite {
    fn install() -> Result<Self> {
        let home = Tools::find().autobahn;
        let suite = Self { home };
        once(&suite.home.join("installed"), SUITE, || {
            eprintln!("xtask: installing the Autobahn TestSuite");
            debian::unpack(&suite.home, Release::Named("bullseye"), &["python2.7", "libpython2.7-dev"])?;
            // pip for 2.7, unpacked by the pip that is here.
            let tool = suite.home.join("tool");
            let mut pip = command(
                "python3",
                &["-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--upgrade"],
            );
            pip.args(["--only-binary=:all:", "--python-version=2.7", "--target"]).arg(&tool).args(TOOLS);
            quietly(&mut pip)?;

            let include = suite.root().join("usr/include");
            let folders = [
                include.join("python2.7"),
                include.join(format!("{}-linux-gnu", std::env::consts::ARCH)),
                include,
            ];
            let path = std::env::join_paths(folders).map_err(|error| error.to_string())?;
            let mut pip = suite.python(&["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            pip.args(["--no-build-isolation", SUITE]).env("PYTHONPATH", &tool).env("CPATH", path);
            quietly(&mut pip)
        })?;
        Ok(suite)
    }

    fn root(&self) -> PathBuf {
        self.home.join("root")
    }

    fn python(&self, arguments: &[&str]) -> Command {
        let mut python = command(self.root().join("usr/bin/python2.7"), arguments);
        python.env("LD_LIBRARY_PATH", libraries(&self.root()));
        python
    }

    /// Starts the suite in a folder of its own, which is returned with it.
    fn start(&self, mode: &str, spec: Value) -> Result<(Running, PathBuf)> {
        let folder = target().join("autobahn").join(mode);
        Ok((self.start_in(mode, &folder, spec)?, folder))
    }

    /// Runs the suite in a folder to its end; the folder of its reports.
    fn to_its_end(&self, mode: &str, folder: &Path, spec: Value) -> Result<PathBuf> {
        self.start_in(mode, folder, spec)?.wait(LIMIT)?;
        Ok(folder.join("report"))
    }

    fn start_in(&self, mode: &str, folder: &Path, mut spec: Value) -> Result<Running> {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        spec["outdir"] = json!("report");
        spec["exclude-cases"] = json!([]);
        spec["exclude-agent-cases"] = json!({});
        let write =
            |name: &str, text: String| fs::write(folder.join(name), text).map_err(|error| error.to_string());
        write("spec.json", spec.to_string())?;
        let log = fs::File::create(folder.join("log")).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let mut suite =
            self.python(&["-u", "-m", "autobahntestsuite.wstest", "--spec", "spec.json", "--webport", "0"]);
        suite.args(["--mode", mode]).current_dir(folder).stdin(Stdio::null()).stdout(log).stderr(errors);
        Running::start(&mut suite)
    }

    fn against_server(&self, cases: &Value) -> Result<Value> {
        let mut serve = Command::new(release("framewise"));
        serve.args(["serve", "--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut server = Running::start(&mut serve)?;
        let output = server.0.stdout.take().ok_or("the server has no standard output")?;
        let mut line = String::new();
        let mut output = BufReader::new(output);
        output.read_line(&mut line).map_err(|error| error.to_string())?;
        let url =
            line.trim().strip_prefix("listening on ").ok_or_else(|| format!("the server said {line:?}"))?;

        let spec = json!({ "servers": [{ "agent": "framewise", "url": url }], "cases": cases });
        let (mut suite, folder) = self.start("fuzzingclient", spec)?;
        suite.wait(LIMIT)?;
        report(&folder)
    }

    fn against_client(&self, cases: &Value) -> Result<Value> {
        // The suite needs a port: one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| error.to_string())?;
        let url = format!("ws://{port}");
        let (mut suite, folder) = self.start("fuzzingserver", json!({ "url": url, "cases": cases }))?;
        let started = Instant::now();
        while TcpStream::connect(port).is_err() {
            if started.elapsed() > Duration::from_secs(60) || suite.ended() {
                return Err(format!("the suite did not start; see {}", folder.join("log").display()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut client = Command::new(release("examples/autobahn_client"));
        Running::start(client.arg(&url).stdin(Stdio::null()))?.wait(LIMIT)?;
        report(&folder)
    }
}

/// Cargo's target folder, which contains the folder of this program's profile.
fn target() -> PathBuf {
    let me = std::env::current_exe().unwrap_or_default();
    me.ancestors().nth(2).map_or_else(|| "target".into(), Path::to_owned)
}

/// A program that was built with `--release`; `FRAMEWISE` names a command that is built already.
fn release(name: &str) -> PathBuf {
    match std::env::var_os("FRAMEWISE") {
        Some(path) if name == "framewise" => path.into(),
        Some(_) | None => target().join("release").join(name),
    }
}

fn report(folder: &Path) -> Result<Value> {
    let file = folder.join("report/index.json");
    let text = fs::read_to_string(&file).map_err(|error| {
        format!("the suite wrote no report ({}: {error}); see the log beside it", file.display())
    })?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Prints the counts and the failed cases; returns the number of failed cases.
fn judge(side: &str, report: &Value) -> Result<usize> {
    let cases = report
        .as_object()
        .and_then(|agents| agents.values().next())
        .and_then(Value::as_object)
        .ok_or("the suite reports no case")?;
    println!("autobahn, our {side}: {} cases", cases.len());
    let mut faults = Vec::new();
    for axis in ["behavior", "behaviorClose"] {
        let mut counts = BTreeMap::<&str, usize>::new();
        for (name, case) in cases {
            let verdict = case[axis].as_str().unwrap_or("none");
            *counts.entry(verdict).or_default() += 1;
            let fine =
                verdict == "OK" || verdict == "INFORMATIONAL" && INFORMATIONAL.contains(&name.as_str());
            if !fine {
                println!("  {name}: {axis} is {verdict}");
                faults.push(name);
            }
        }
        let counts: Vec<String> =
            counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        println!("  {axis}: {}", counts.join(", "));
    }
    faults.sort_unstable();
    faults.dedup();
    if cases.is_empty() { Err("the suite ran no case".into()) } else { Ok(faults.len()) }
}
