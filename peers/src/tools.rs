//! Where the programs are that the peers need: on the PATH, or where `cargo xtask test` puts them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders of the peers' scripts and of what is installed for them.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The scripts that run in Node; npm puts what they need beside them.
    pub node: PathBuf,
    /// The scripts that run in Python.
    pub python: PathBuf,
    /// The configurations of the proxies.
    pub proxy: PathBuf,
    /// The virtual environment that has what the Python scripts need.
    pub venv: PathBuf,
    /// Where Debian's packages are unpacked, below `root`.
    pub debian: PathBuf,
    /// Where Autobahn's test suite is.
    pub autobahn: PathBuf,
    /// Where the compiler for ARM is, and what emulates one.
    pub neon: PathBuf,
}

impl Tools {
    /// Those of this repository.
    pub fn find() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = env::var_os("FRAMEWISE_PEERS").map_or_else(|| here.join(".peers"), PathBuf::from);
        Self {
            node: here.join("node"),
            python: here.join("python"),
            proxy: here.join("proxy"),
            venv: installed.join("python"),
            debian: installed.join("debian"),
            autobahn: installed.join("autobahn"),
            neon: installed.join("neon"),
        }
    }

    /// A program of one of Debian's packages, and the folders of the libraries that were unpacked with it (none for the
    /// system's own).
    pub fn program(&self, name: &str) -> Option<(PathBuf, String)> {
        if let Some(path) = on_path(name) {
            return Some((path, String::new()));
        }
        let root = self.debian.join("root");
        // Debian's /usr/bin/chromium is a shell script that starts the system's.
        let path = ["usr/lib/chromium", "usr/sbin", "usr/bin"]
            .iter()
            .map(|folder| root.join(folder).join(name))
            .find(|path| path.is_file())?;
        Some((path, libraries(&root)))
    }

    /// A command for such a program, that finds its libraries.
    pub fn command(&self, name: &str) -> Option<Command> {
        let (path, libraries) = self.program(name)?;
        let mut command = Command::new(path);
        if !libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", libraries);
            // valgrind looks for its parts where Debian puts them.
            command.env("VALGRIND_LIB", self.debian.join("root/usr/libexec/valgrind"));
        }
        Some(command)
    }
}

/// The programs that count what a test asserts, each with the test binary that needs it. They are no peers, but come the
/// same way.
pub const COUNTERS: [(&str, &str); 2] = [("valgrind", "instructions"), ("strace", "system_calls")];

/// One of the [`COUNTERS`]; says so, where it is missing.
pub fn counter(name: &str) -> Option<Command> {
    let command = Tools::find().command(name);
    if command.is_none() {
        not_counted(name, "there is no such program");
    }
    command
}

/// Says that nothing was counted.
pub fn not_counted(name: &str, why: &str) {
    println!("{name} counts nothing: {why}");
}

/// A program on the PATH. The folders for administration count: ordinary users do not have them there.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The folders below an unpacked root that hold shared libraries, as `LD_LIBRARY_PATH` wants them.
pub fn libraries(root: &Path) -> String {
    let folder = root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH));
    [folder.clone(), folder.join("pulseaudio"), root.join(format!("lib/{}-linux-gnu", env::consts::ARCH))]
        .iter()
        .map(|folder| folder.display().to_string())
        .collect::<Vec<_>>()
        .join(":")
}
