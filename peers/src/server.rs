use std::process::Command;

use crate::client::{node, python};
use crate::process::Process;
use crate::report_missing;
use crate::script::{About, Saw};
use crate::tools::Tools;

/// A server that other people wrote. It echoes, and does what these text messages ask for: `please ping` (its Pong comes
/// back as a text), `please fragment`, `please close`.
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

    /// Its name; its tests have it too.
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

    /// Starts it; says so, where it is missing.
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
    /// Its name and version, as it says them.
    pub fn title(&self) -> String {
        format!("{} {}", self.about.peer, self.about.version)
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.about.port.unwrap_or_else(|| panic!("{} told no port", self.about.peer))
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port())
    }

    /// What it saw on its next connection, once that is at its end.
    pub fn connection(&mut self) -> Vec<Saw> {
        self.process.saw()
    }
}
