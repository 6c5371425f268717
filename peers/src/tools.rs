//! Finds the programs that the peers need: on the PATH, or where `cargo xtask test` installs them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders of the peers' scripts, and of what is installed for them.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The scripts that run in Node; npm installs their packages beside them.
    pub node: PathBuf,
    /// The scripts that run in Python.
    pub python: PathBuf,
    /// The configurations of the proxies.
    pub proxy: PathBuf,
    /// The virtual environment of the Python scripts.
    pub venv: PathBuf,
    /// The folder of unpacked Debian packages (in `root`).
    pub debian: PathBuf,
    /// The folder of Autobahn's test suite.
    pub autobahn: PathBuf,
    /// The folder of the compiler for ARM, and of the emulator.
    pub neon: PathBuf,
}

impl Tools {
    /// The folders of this repository.
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

    /// A program from a Debian package, and the folders of the libraries that were unpacked with it (none for a program of
    /// the system).
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

    /// A command that runs such a program with its libraries.
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

/// The programs that count what a test asserts, each with the test binary that needs it. They are not peers, but are
/// installed in the same way.
pub const COUNTERS: [(&str, &str); 2] = [("valgrind", "instructions"), ("strace", "system_calls")];

/// One of the [`COUNTERS`]; reports if it is missing.
pub fn counter(name: &str) -> Option<Command> {
    let command = Tools::find().command(name);
    if command.is_none() {
        not_counted(name, "the program is not installed");
    }
    command
}

/// Reports that nothing was counted.
pub fn not_counted(name: &str, why: &str) {
    println!("{name} counts nothing: {why}");
}

/// A program on the PATH, or in the folders for administration, which are not on the PATH of ordinary users.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The folders in an unpacked root that hold shared libraries, in the form of `LD_LIBRARY_PATH`.
pub fn libraries(root: &Path) -> String {
    let folder = root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH));
    [folder.clone(), folder.join("pulseaudio"), root.join(format!("lib/{}-linux-gnu", env::consts::ARCH))]
        .iter()
        .map(|folder| folder.display().to_string())
        .collect::<Vec<_>>()
        .join(":")
}
