//! The recipes of docs/check-in-tests.md, run as they are there, with a server that passes and with one that fails.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use framewise_peers::tools::{Tools, on_path};
use framewise_peers::{Inspect, Serve, report_missing};

const PAGE: &str = include_str!("../../docs/check-in-tests.md");
/// The server's first frame does not arrive: where one Ping is sent, the Pong is missing.
const FAULT: [&str; 2] = ["--fault", "drop at frame 1 from server"];

#[test]
fn pytest_has_a_test_for_each_case() {
    let python = Tools::find().venv.join("bin/python");
    if !python.is_file() {
        return report_missing("pytest", "the virtual environment is not installed");
    }
    let bench = Bench::new("pytest");
    fs::write(bench.folder.join("test_websocket.py"), block("pytest", "python")).expect("a file");
    let run = |url: &str| {
        let mut command = bench.command(&python.to_string_lossy());
        Ran::of(command.args(["-m", "pytest", "-v", "-p", "no:cacheprovider"]).env("WEBSOCKET_URL", url))
    };
    let server = Serve::start();
    let good = run(server.url());
    assert!(good.passed && good.says("test_websocket[control/ping/empty] PASSED"), "{}", good.text);
    let proxy = Inspect::with(server.port(), &FAULT);
    let bad = run(proxy.url());
    assert!(!bad.passed && bad.says("test_websocket[control/ping/empty] FAILED"), "{}", bad.text);
}

#[test]
fn node_test_has_a_test_for_each_case() {
    let Some(node) = on_path("node") else { return report_missing("node", "it is not on the PATH") };
    let bench = Bench::new("node-test");
    fs::write(bench.folder.join("websocket.test.mjs"), block("node:test", "js")).expect("a file");
    let run = |url: &str| {
        let mut command = bench.command(&node.to_string_lossy());
        Ran::of(command.args(["--test", "--test-reporter=tap"]).env("WEBSOCKET_URL", url))
    };
    let server = Serve::start();
    let good = run(server.url());
    assert!(good.passed && good.says("ok 1 - control/ping/empty"), "{}", good.text);
    let proxy = Inspect::with(server.port(), &FAULT);
    let bad = run(proxy.url());
    assert!(!bad.passed && bad.says("not ok 1 - control/ping/empty"), "{}", bad.text);
}

#[test]
fn the_job_for_github_runs() {
    job("GitHub Actions", |line| line.trim().strip_prefix("- run: "));
}

#[test]
fn the_job_for_gitlab_runs() {
    job("GitLab CI", |line| line.strip_prefix("    - "));
}

/// Runs the commands of a job, as far as a shell can: with a `cargo` that only checks what it is asked for, and a server that
/// is ours.
fn job(heading: &str, command: impl Fn(&str) -> Option<&str>) {
    let script: Vec<_> = block(heading, "yaml").lines().filter_map(command).map(str::to_owned).collect();
    assert_eq!(script.len(), 4, "{script:?}");
    // The last of them also fails if a case does.
    for (fault, passes) in [("", true), ("drop at frame 1 from server", false)] {
        let bench = Bench::new(&format!("{}-{passes}", heading.replace(' ', "-")));
        bench.program("cargo", "test \"$*\" = 'install framewise-cli'");
        // It listens a moment after it is started, as servers do, and ends with the job.
        let framewise = bench.framewise.display();
        let serve = format!(
            "test \"$1\" = --port\n{framewise} serve --quiet --listen 127.0.0.1:$((PORT + 1)) & ends=$!\n\
             until (: < /dev/tcp/127.0.0.1/$((PORT + 1))) 2> /dev/null; do sleep 0.1; done\n\
             {framewise} inspect --json --listen 127.0.0.1:$2 ${{FAULT:+--fault \"$FAULT\"}} ws://127.0.0.1:$((PORT + 1)) > /dev/null & ends=\"$ends $!\"\n\
             echo $ends > pids\nwait",
        );
        bench.program("server", &serve);
        let port = free_pair();
        let lines = script.join("\n").replace("9001", &port.to_string());
        let mut shell = bench.command("bash");
        shell.args(["-e", "-c", &format!("trap 'kill $(cat pids) $!' EXIT\n{lines}")]);
        let ran = Ran::of(shell.env("FAULT", fault).env("PORT", port.to_string()));
        assert_eq!(ran.passed, passes, "{}", ran.text);
        for file in ["websocket.xml", "websocket.html"] {
            let report = fs::read_to_string(bench.folder.join(file)).expect(file);
            assert!(report.contains("control/ping/empty"), "{file}");
        }
    }
}

/// A port that is free now, as is the one after it.
fn free_pair() -> u16 {
    let bind = |port: u16| TcpListener::bind(("127.0.0.1", port));
    loop {
        let first = bind(0).expect("a free port");
        let port = first.local_addr().expect("an address").port();
        if port < u16::MAX && bind(port + 1).is_ok() {
            return port;
        }
    }
}

/// The code after a heading of the page.
fn block(heading: &str, language: &str) -> &'static str {
    let section = PAGE.split_once(&format!("\n## {heading}\n")).map(|(_, after)| after).expect(heading);
    let code = section.split_once(&format!("```{language}\n")).map(|(_, after)| after).expect(language);
    code.split_once("```").map(|(code, _)| code).expect("an end")
}

/// A folder, with a `framewise` that runs only some of the cases.
struct Bench {
    folder: PathBuf,
    framewise: PathBuf,
}

struct Ran {
    passed: bool,
    text: String,
}

impl Bench {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-in-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let test = env::current_exe().expect("the path of this test");
        let profile = test.parent().and_then(Path::parent).expect("a folder");
        let bench = Self { folder, framewise: profile.join("framewise") };
        assert!(bench.framewise.is_file(), "cargo build --package framewise-cli");
        let only =
            format!("exec {} \"$@\" --only control/ping/empty --patience 1", bench.framewise.display());
        bench.program("framewise", &only);
        bench
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.join(name);
        fs::write(&path, format!("#!/usr/bin/env bash\nset -e\n{script}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    fn command(&self, program: &str) -> Command {
        let mut path = vec![self.folder.clone()];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("PATH", env::join_paths(path).expect("a PATH"));
        command
    }
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("it starts");
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        Self { passed: status.success(), text }
    }

    fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}
