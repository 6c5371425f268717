use std::process::Command;

use serde_json::json;

use crate::process::Process;
use crate::report_missing;
use crate::script::{About, Saw, Step};
use crate::tools::{Tools, on_path};

/// A client from another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Headless Chromium, with a page that connects.
    Chromium,
    /// Node's `ws`.
    Ws,
    /// undici from npm.
    Undici,
    /// The WebSocket built into Node.
    Node,
    /// Python's `websockets`.
    Websockets,
    /// Python's `aiohttp`.
    Aiohttp,
    /// Python's `websocket-client`.
    WebsocketClient,
    /// libcurl, through Python's `pycurl`.
    Libcurl,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Chromium,
        Self::Ws,
        Self::Undici,
        Self::Node,
        Self::Websockets,
        Self::Aiohttp,
        Self::WebsocketClient,
        Self::Libcurl,
    ];

    /// The name of the client; its tests use it too, with `_` for `-`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Ws => "ws",
            Self::Undici => "undici",
            Self::Node => "node",
            Self::Websockets => "websockets",
            Self::Aiohttp => "aiohttp",
            Self::WebsocketClient => "websocket-client",
            Self::Libcurl => "libcurl",
        }
    }

    /// Whether its API can send a message in several frames.
    pub const fn can_fragment(self) -> bool {
        match self {
            Self::Ws | Self::Websockets | Self::WebsocketClient | Self::Libcurl => true,
            Self::Chromium | Self::Undici | Self::Node | Self::Aiohttp => false,
        }
    }

    /// Whether its API can send a Ping.
    pub const fn can_ping(self) -> bool {
        match self {
            Self::Chromium | Self::Node => false,
            Self::Ws
            | Self::Undici
            | Self::Websockets
            | Self::Aiohttp
            | Self::WebsocketClient
            | Self::Libcurl => true,
        }
    }

    /// Whether it offers permessage-deflate.
    pub const fn offers_deflate(self) -> bool {
        match self {
            Self::WebsocketClient | Self::Libcurl => false,
            Self::Chromium | Self::Ws | Self::Undici | Self::Node | Self::Websockets | Self::Aiohttp => true,
        }
    }

    /// The command that starts it, or why it cannot be started.
    pub(crate) fn command(self, tools: &Tools) -> Result<Command, String> {
        match self {
            Self::Chromium => {
                let (path, libraries) = tools.program("chromium").ok_or("chromium is not installed")?;
                let mut command = node(tools, Some("playwright-core"), "chromium.mjs")?;
                command.env("CHROMIUM", path).env("CHROMIUM_LIBRARIES", libraries);
                Ok(command)
            }
            Self::Ws => node(tools, Some("ws"), "ws-client.mjs"),
            Self::Undici => node(tools, Some("undici"), "undici-client.mjs"),
            Self::Node => node(tools, None, "builtin-client.mjs"),
            Self::Websockets => python(tools, "websockets_client.py"),
            Self::Aiohttp => python(tools, "aiohttp_client.py"),
            Self::WebsocketClient => python(tools, "websocket_client_client.py"),
            Self::Libcurl => python(tools, "libcurl_client.py"),
        }
    }

    /// Starts the client; reports if it is missing.
    pub fn start(self) -> Option<RunningClient> {
        match self.command(&Tools::find()) {
            Ok(mut command) => {
                let mut process = Process::with_input(self.id(), &mut command);
                let about = About::read(&process.line());
                Some(RunningClient { process, about })
            }
            Err(why) => {
                report_missing(self.id(), &why);
                None
            }
        }
    }
}

/// A client that waits for jobs.
#[derive(Debug)]
pub struct RunningClient {
    process: Process,
    about: About,
}

impl RunningClient {
    /// The name and version, as the client reports them.
    pub fn title(&self) -> String {
        format!("{} {}", self.about.peer, self.about.version)
    }

    /// Connects, takes the steps, and returns what the client saw up to the end of the connection.
    pub fn run(&mut self, url: &str, steps: &[Step]) -> Vec<Saw> {
        self.begin(url, steps);
        self.finish()
    }

    /// Starts a job and returns, so that the caller can act as the server.
    pub fn begin(&mut self, url: &str, steps: &[Step]) {
        self.process.send(&json!({ "url": url, "steps": steps }).to_string());
    }

    /// The next thing that the client sees in the current job.
    pub fn next_saw(&mut self) -> Saw {
        self.process.next_saw()
    }

    /// Everything else that the client sees in the current job.
    pub fn finish(&mut self) -> Vec<Saw> {
        self.process.saw()
    }
}

/// A script in Node, and the package that it needs.
pub(crate) fn node(tools: &Tools, package: Option<&str>, script: &str) -> Result<Command, String> {
    let mut command = Command::new(on_path("node").ok_or("node is not installed")?);
    if let Some(package) = package {
        if !tools.node.join("node_modules").join(package).is_dir() {
            return Err(format!("npm has not installed {package}"));
        }
    } else {
        // Newer ones have it without the flag, and still take it.
        command.args(["--experimental-websocket", "--no-warnings"]);
    }
    command.arg(tools.node.join(script));
    Ok(command)
}

/// A script in Python.
pub(crate) fn python(tools: &Tools, script: &str) -> Result<Command, String> {
    // Written once everything is installed.
    if !tools.venv.join("installed").is_file() {
        return Err("pip has not installed what python/requirements.txt lists".into());
    }
    let mut command = Command::new(tools.venv.join("bin/python"));
    command.arg(tools.python.join(script));
    Ok(command)
}
