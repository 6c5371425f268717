//! Starting a server on its core, and the load on the other one.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use crate::Outcome;

/// The time in which a server must listen.
const PATIENCE: Duration = Duration::from_secs(10);
const TASKSET: &str = "/usr/bin/taskset";
const SETPRIV: &str = "/usr/bin/setpriv";

#[derive(Clone, Copy)]
pub enum Core {
    Server,
    Load,
}

/// A command that is pinned to a core, and is killed when the runner ends for any reason. With one core, or without the
/// tools, the system chooses the core.
pub fn pinned(core: Core, program: &Path) -> Command {
    let core = if matches!(core, Core::Server) { "0" } else { "1" };
    let cores = available_parallelism().map_or(1, usize::from);
    // Both start the program in their own place: its process is the one that was spawned.
    let mut words = Vec::new();
    if cores > 1 && Path::new(TASKSET).exists() {
        words.extend([TASKSET, "-c", core]);
    }
    if Path::new(SETPRIV).exists() {
        words.extend([SETPRIV, "--pdeathsig", "KILL"]);
    }
    let Some((first, rest)) = words.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// A running server; it is stopped when this value is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddrV4,
}

impl Server {
    /// Starts it with the arguments for an address, and waits until it listens there.
    pub fn start(
        core: Core,
        program: &Path,
        arguments: impl FnOnce(SocketAddrV4) -> Outcome<Vec<String>>,
    ) -> Outcome<Self> {
        let address = free_address()?;
        let mut command = pinned(core, program);
        command.args(arguments(address)?);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let mut server = Self { child, address };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("it ended before it listened ({status})"));
            }
            if Instant::now() > end {
                return Err("it does not listen".into());
            }
            sleep(Duration::from_millis(3));
        }
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port for each server, below the ephemeral ports, so that no server waits for the port of another.
fn free_address() -> Outcome<SocketAddrV4> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..10_000 {
        let port = 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err("no port is free".into())
}

/// Runs the command to its end and returns the `key=value` pairs of its line.
pub fn pairs(mut command: Command) -> Outcome<Pairs> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("it did not start: {error}"))?;
    if !output.status.success() {
        let says = String::from_utf8_lossy(&output.stderr);
        return Err(says.lines().next().unwrap_or("it failed without a word").trim().to_owned());
    }
    Ok(Pairs(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

/// `key=value key=value`
pub struct Pairs(String);

impl Pairs {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0
            .split(' ')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    pub fn number(&self, key: &str) -> Outcome<f64> {
        let value = self.text(key).and_then(|value| value.parse().ok());
        value.ok_or_else(|| format!("{key} is missing in {:?}", self.0))
    }
}
