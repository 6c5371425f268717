//! Starts a proxy, and runs `framewise path` through it.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::report::Report;
use super::standin::{Standin, is_lost};
use super::table::{Configuration, Proxy};
use super::{home, install};
use crate::Result;

/// How long a proxy may take to listen.
const START: Duration = Duration::from_secs(30);
/// How long it may take until it forwards.
const ROUTES: Duration = Duration::from_secs(3);
/// How long a run may take beyond its longest silence: many times what it needs.
const LIMIT: Duration = Duration::from_secs(240);

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every probe.
    All,
    /// Those that are not about silence.
    Quick,
}

pub(super) fn run(proxy: &Proxy, configuration: &Configuration, extent: Extent) -> Result<Report> {
    let folder = Folder::new(proxy.id)?;
    let (port, origin) = (free_port()?, free_port()?);
    let fill = |text: &str| {
        text.replace("{port}", &port.to_string())
            .replace("{upstream}", &origin.to_string())
            .replace("{folder}", &folder.0.to_string_lossy())
            .replace("{debian}", &install::debian_root().to_string_lossy())
            .replace("{node}", &install::node_folder().to_string_lossy())
            .replace("{proxies}", &home().to_string_lossy())
            .replace("{venv}", &install::venv().to_string_lossy())
    };
    for (name, template) in proxy.files {
        write(&folder.0.join(name), &fill(&configuration.fill(template)))?;
    }
    if proxy.tls {
        certificate(&folder.0)?;
    }
    let mut command = install::command(proxy).ok_or("it is not installed")?;
    for argument in proxy.arguments {
        // The lines may be arguments, or none.
        command.args(fill(&configuration.fill(argument)).split('\n').filter(|argument| !argument.is_empty()));
    }
    for (name, value) in proxy.environment {
        command.env(name, fill(value));
    }
    let standin = proxy.settles.then(|| Standin::new(origin)).transpose()?;
    let log = folder.0.join("log");
    let output = File::create(&log).map_err(|error| error.to_string())?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    command.current_dir(&folder.0).stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut running = Running::start(command.process_group(0))?;
    if let Err(fault) = listens(proxy, port, &mut running) {
        let said = fs::read_to_string(&log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(6).collect();
        return Err(format!(
            "{}: {fault}: {}",
            configuration.id,
            last.into_iter().rev().collect::<Vec<_>>().join("\n  ")
        ));
    }
    drop(standin);
    let transcripts = folder.0.join("transcripts");
    let seconds: Vec<String> = configuration.idle.iter().map(ToString::to_string).collect();
    let mut path = Command::new(install::target().join("framewise"));
    path.args(["path", "--json", "--via", &fill(proxy.via), "--origin", &format!("127.0.0.1:{origin}")]);
    path.args(["--idle", &seconds.join(","), "--transcripts"]).arg(&transcripts);
    path.args(["--pid", &running.0.id().to_string()]);
    // What a reload does is the same in every configuration.
    if configuration.documented && !proxy.reload.is_empty() {
        path.args(["--reload", &format!("kill -{} {}", proxy.reload, running.0.id())]);
    }
    if extent == Extent::Quick {
        path.args(["--skip", "idle"]);
    }
    if proxy.tls {
        path.env("SSL_CERT_FILE", folder.0.join("certificate.pem"));
    }
    let file = folder.0.join("report.json");
    let output = File::create(&file).map_err(|error| error.to_string())?;
    let mut examined = Running::start(path.stdin(Stdio::null()).stdout(output).process_group(0))?;
    let began = Instant::now();
    let longest = configuration.idle.iter().copied().max().unwrap_or(0);
    examined.wait(LIMIT + Duration::from_secs(longest))?;
    if extent == Extent::Quick {
        println!("{} {}: {:.1} s", proxy.id, configuration.id, began.elapsed().as_secs_f64());
    }
    drop(running);
    let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|_| format!("{}: `framewise path` wrote no report", configuration.id))?;
    if extent == Extent::Quick {
        slowest(&value);
    }
    Report::new(proxy, configuration, &value, &transcripts, extent)
}

/// Prints the probes that took longest.
fn slowest(report: &Value) {
    let mut probes: Vec<_> = report["probes"].as_array().into_iter().flatten().collect();
    probes.sort_by_key(|probe| std::cmp::Reverse(probe["milliseconds"].as_u64()));
    for probe in probes.iter().take(5) {
        println!("  {} ms {} {}", probe["milliseconds"], probe["name"], probe["verdict"]);
    }
}

/// A port that was free a moment ago: a proxy wants to be told one.
fn free_port() -> Result<u16> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.map(|address| address.port()).map_err(|error| error.to_string())
}

fn listens(proxy: &Proxy, port: u16, running: &mut Running) -> Result {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if running.ended() {
            return Err("it ended".into());
        }
        if started.elapsed() > START {
            return Err(format!("it does not listen after {START:?}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // Others are not asked: they would remember that the server did not listen yet.
    let asked = Instant::now();
    while proxy.settles && asked.elapsed() < ROUTES && is_lost(port) {
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// A certificate for localhost that signs itself, with its key in the same file.
fn certificate(folder: &Path) -> Result {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let mut openssl = crate::run::command(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ],
    );
    openssl.args([
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
    ]);
    openssl.arg(&key).arg("-out").arg(&certificate);
    crate::run::quietly(&mut openssl).map(drop)
}

fn write(path: &Path, text: &str) -> Result {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A program with all that it starts; stopped when this value is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let name = Path::new(command.get_program()).display().to_string();
        command.spawn().map(Self).map_err(|error| format!("{name}: {error}"))
    }

    fn ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }

    fn wait(&mut self, limit: Duration) -> Result {
        let started = Instant::now();
        while !self.ended() {
            if started.elapsed() > limit {
                return Err(format!("not done after {limit:?}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Signals the whole group; false where nobody is left in it.
    fn signal(&self, signal: &str) -> bool {
        let mut kill = Command::new("kill");
        kill.args([signal, "--", &format!("-{}", self.0.id())]).stderr(Stdio::null());
        kill.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let asked = Instant::now();
        self.signal("-TERM");
        while asked.elapsed() < Duration::from_secs(3) && !self.ended() {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Workers can outlive the process that was asked.
        self.signal("-KILL");
        let _ = self.0.wait();
    }
}

/// A folder that is removed when this value is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("framewise-proxies-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
