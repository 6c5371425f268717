use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::Process;
use crate::report_missing;
use crate::tools::Tools;

/// A proxy from another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
}

impl Proxy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nginx, Self::Haproxy];

    /// The name of the proxy, of its program and of its tests.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// Starts the proxy in front of a server on 127.0.0.1; reports if it is missing.
    ///
    /// It inherits a listening socket as its standard input: so no port has to be guessed, and no start awaited, since a client
    /// that connects before the proxy is up waits in the socket's queue.
    pub fn start(self, upstream: u16) -> Option<RunningProxy> {
        let tools = Tools::find();
        let Some(mut command) = tools.command(self.id()) else {
            report_missing(self.id(), "the program is not installed");
            return None;
        };
        let listener = bind();
        let port = listener.local_addr().map_or(0, |address| address.port());
        let folder = Folder::new(self.id());
        let file = folder.0.join("configuration");
        let template = tools.proxy.join(match self {
            Self::Nginx => "nginx.conf",
            Self::Haproxy => "haproxy.cfg",
        });
        let configuration = fs::read_to_string(&template)
            .unwrap_or_else(|error| panic!("{}: {error}", template.display()))
            .replace("{port}", &port.to_string())
            .replace("{upstream}", &upstream.to_string())
            .replace("{folder}", &folder.0.to_string_lossy());
        fs::write(&file, configuration).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        match self {
            Self::Nginx => {
                // The variable tells nginx which sockets it inherits; it finds the one for its port among them.
                command.env("NGINX", "0;").arg("-p").arg(&folder.0).args(["-e", "stderr", "-c"]).arg(&file);
            }
            Self::Haproxy => {
                command.args(["-db", "-f"]).arg(&file);
            }
        }
        let process = Process::start(self.id(), command.stdin(OwnedFd::from(listener)));
        Some(RunningProxy { _process: process, _folder: folder, port })
    }
}

/// A proxy that listens.
#[derive(Debug)]
pub struct RunningProxy {
    _process: Process,
    _folder: Folder,
    port: u16,
}

impl RunningProxy {
    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no free port: {error}"))
}

/// A folder that is removed when this value is dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("framewise-{name}-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
