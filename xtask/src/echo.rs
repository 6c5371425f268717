//! Echo servers that are checked again and again: a strict one, one that many use, and one that checks nothing.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use framewise_peers::tools::Tools;

use crate::Result;
use crate::run::{command, root};

/// Their names. What they need is installed by [`crate::install::python`].
pub(crate) const PEERS: [&str; 3] = ["framewise", "websockets", "careless"];

/// A program that is stopped when this value is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command
            .spawn()
            .map(Self)
            .map_err(|error| format!("{}: {error}", Path::new(command.get_program()).display()))
    }

    pub(crate) fn ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }

    /// Waits for its end, for so long at the most.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result {
        let started = Instant::now();
        while !self.ended() {
            if started.elapsed() > limit {
                return Err(format!("not done after {limit:?}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server on a port that was free a moment ago, and waits until it takes connections: its URL. `framewise`: our
/// command.
pub(crate) fn start(peer: &str, framewise: &Path) -> Result<(Running, String)> {
    let address = TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .map_err(|error| error.to_string())?;
    let port = address.port().to_string();
    let tools = Tools::find();
    let python = |script: &Path| command(tools.venv.join("bin/python"), &[&*script.to_string_lossy()]);
    let mut server = match peer {
        "framewise" => command(framewise, &["serve", "--listen", &address.to_string()]),
        "websockets" => {
            let mut python = python(&root().join("matrix/python/servers.py"));
            python.args(["websockets", "127.0.0.1", &port]);
            python
        }
        _ => {
            let mut python = python(&tools.python.join("careless_server.py"));
            python.arg(&port);
            python
        }
    };
    // What they say of each broken connection is not wanted.
    let mut running =
        Running::start(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        if started.elapsed() > Duration::from_secs(30) || running.ended() {
            return Err(format!("the server {peer} did not start"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((running, format!("ws://{address}/")))
}
