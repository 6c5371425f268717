//! Runs the cases against one implementation.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::install;
use super::results::Found;
use super::table::{Kind, Peer};
use crate::Result;
use crate::run::{quietly, root};

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(60);
/// How long a program may take to end.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long all cases may take.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What is filled into the command of an implementation, and into its configuration.
struct Places {
    folder: PathBuf,
    port: u16,
    upstream: u16,
    url: String,
}

/// A program that is ended when this value is dropped. It is in this process's group, so that Ctrl-C ends it, too.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first: a proxy has its workers to end.
        let _ = quietly(&mut crate::run::command("kill", &["-TERM", &self.0.id().to_string()]));
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline && self.0.try_wait().is_ok_and(|status| status.is_none()) {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn run(peer: &Peer, framewise: &Path) -> Result<Found> {
    let folder = root().join("target/matrix").join(peer.key());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let [port, upstream] = free_ports()?;
    let places = Places { port, upstream, url: "{url}".into(), folder };
    let command = filled(peer, framewise, &places)?;
    let version = install::version(peer, framewise)?;
    let report = places.folder.join("report.json");
    let mut check = Command::new(framewise);
    check.args(["check", "--color", "never", "--report"]).arg(format!("json={}", report.display()));
    let mut running = Vec::new();
    match peer.kind {
        Kind::Client => {
            let words: Vec<_> = command.iter().map(|word| quoted(word)).collect();
            check.args(["--listen", "127.0.0.1:0", "--run", &words.join(" ")]);
        }
        Kind::Server => running.push(start(&command, port, &places.folder)?),
        Kind::Proxy => {
            let listen = format!("127.0.0.1:{upstream}");
            let serve = [&framewise.to_string_lossy(), "serve", "--quiet", "--listen", &listen];
            running.push(start(&serve.map(str::to_owned), upstream, &places.folder)?);
            running.push(start(&command, port, &places.folder)?);
        }
    }
    if peer.kind != Kind::Client {
        check.arg(format!("ws://127.0.0.1:{port}/"));
    }
    let mut check = spawn(&mut check, &places.folder, "check.log")?;
    let deadline = Instant::now() + LIMIT;
    while check.0.try_wait().is_ok_and(|status| status.is_none()) {
        if Instant::now() > deadline {
            return Err(format!("the cases took more than {LIMIT:?}"));
        }
        thread::sleep(Duration::from_millis(200));
    }
    let text = fs::read_to_string(&report)
        .map_err(|_| format!("no report: see {}", places.folder.join("check.log").display()))?;
    Found::new(peer, version, &text)
}

/// The command of an implementation, with the configurations of a proxy in the folder.
fn filled(peer: &Peer, framewise: &Path, places: &Places) -> Result<Vec<String>> {
    if peer.kind == Kind::Proxy {
        let source = super::home().join("proxies");
        let files = fs::read_dir(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        for file in files.flatten() {
            let text = fs::read_to_string(file.path()).map_err(|error| error.to_string())?;
            fs::write(places.folder.join(file.file_name()), places.fill(&text))
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(peer.command.iter().map(|word| places.fill(&install::filled(word, framewise))).collect())
}

impl Places {
    fn fill(&self, text: &str) -> String {
        text.replace("{port}", &self.port.to_string())
            .replace("{upstream}", &self.upstream.to_string())
            .replace("{folder}", &self.folder.to_string_lossy())
            .replace("{url}", &self.url)
    }
}

/// Starts a server, and waits until it listens.
fn start(words: &[String], port: u16, folder: &Path) -> Result<Running> {
    let (program, arguments) = words.split_first().ok_or("there is no command")?;
    let mut command = install::command(program);
    let mut running = spawn(command.args(arguments), folder, "server.log")?;
    let deadline = Instant::now() + START;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = running.0.try_wait().is_ok_and(|status| status.is_some());
        if ended || Instant::now() > deadline {
            let log = fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            let last = log.lines().rev().take(3).collect::<Vec<_>>().join(" / ");
            return Err(format!("{program} does not listen: {last}"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(running)
}

fn spawn(command: &mut Command, folder: &Path, log: &str) -> Result<Running> {
    let path = folder.join(log);
    let file = fs::File::options().create(true).append(true).open(&path);
    let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
    let errors = file.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(file).stderr(errors);
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().map(Running).map_err(|error| format!("{name} did not start: {error}"))
}

fn free_ports() -> Result<[u16; 2]> {
    let bind = || TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string());
    let (first, second) = (bind()?, bind()?);
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let ports = port(&first).and_then(|first| Ok([first, port(&second)?]));
    ports.map_err(|error| error.to_string())
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    if word == "{url}" { word.to_owned() } else { format!("'{word}'") }
}
