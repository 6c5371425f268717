use std::process::Command;

use crate::client::{node, python};
use crate::process::Process;
use crate::report_missing;
use crate::script::{About, Saw};
use crate::tools::Tools;

/// A server from another project. It echoes, and obeys these text messages: `please ping` (it reports the Pong as text),
/// `please fragment`, `please close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Node's `ws`.
    Ws,
    /// Python's `websockets`.
    Websockets,
    /// Python's `aiohttp`.
    Aiohttp,
}

impl Server {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ws, Self::Websockets, Self::Aiohttp];

    /// The name of the server; its tests use it too.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Websockets => "websockets",
            Self::Aiohttp => "aiohttp",
        }
    }

    fn command(self, tools: &Tools) -> Result<Command, String> {
        match self {
            Self::Ws => node(tools, Some("ws"), "ws-server.mjs"),
            Self::Websockets => python(tools, "websockets_server.py"),
            Self::Aiohttp => python(tools, "aiohttp_server.py"),
        }
    }

    /// Starts the server; reports if it is missing.
    pub fn start(self) -> Option<RunningServer> {
        match self.command(&Tools::find()) {
            Ok(mut command) => {
                let mut process = Process::with_input(self.id(), &mut command);
                let about = About::read(&process.line());
                Some(RunningServer { process, about })
            }
            Err(why) => {
                report_missing(self.id(), &why);
                None
            }
        }
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct RunningServer {
    process: Process,
    about: About,
}

impl RunningServer {
    /// The name and version, as the server reports them.
    pub fn title(&self) -> String {
        format!("{} {}", self.about.peer, self.about.version)
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.about.port.unwrap_or_else(|| panic!("{} told no port", self.about.peer))
    }

    /// The address it listens on.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port())
    }

    /// What the server saw on its next connection, up to its end.
    pub fn connection(&mut self) -> Vec<Saw> {
        self.process.saw()
    }
}
