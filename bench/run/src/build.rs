//! Builds everything that is measured: all Rust programs for the processor of this machine, with the same options.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::arguments::{Arguments, Part};
use crate::peers::{Kind, Peer};
use crate::results::Results;
use crate::{Outcome, peers};

pub struct Built {
    /// The folder of this workspace.
    pub bench: PathBuf,
    target: PathBuf,
    /// The release folders: this workspace's programs, and the root's examples.
    release: PathBuf,
    product: PathBuf,
    framewise: Option<PathBuf>,
    inspect: Option<PathBuf>,
    /// The programs outside `bench-servers` that were built.
    uwebsockets: Option<PathBuf>,
    bun: Option<PathBuf>,
    node: Option<PathBuf>,
}

pub fn everything(arguments: &Arguments, results: &mut Results) -> Outcome<Built> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("run/ is in a folder").to_owned();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| bench.join("target"), PathBuf::from);
    // A folder of its own: the options differ from those of the programs that measure nothing.
    let target = target.join("measured");
    let mut built = Built {
        release: target.join("bench/release"),
        product: target.join("product/release"),
        framewise: arguments.framewise.clone(),
        inspect: arguments.inspect.clone(),
        uwebsockets: None,
        bun: None,
        node: None,
        bench,
        target,
    };
    fs::create_dir_all(&built.target).map_err(|error| error.to_string())?;

    if arguments.build {
        let manifest = built.bench.join("Cargo.toml");
        let folder = built.target.join("bench");
        cargo(&manifest, &folder, &["-p", "bench-load", "-p", "bench-servers", "-p", "bench-clients"])?;
        // What is under work may be broken for an hour; the peers can be measured all the same.
        if let Err(error) = cargo(&manifest, &folder, &["-p", "bench-framewise"]) {
            results.left_out("framewise's client, and its server with deflate", &error);
        }
        let root = built.bench.join("../Cargo.toml");
        let example = ["-p", "framewise", "--example", "echo_server"];
        if let Err(error) = cargo(&root, &built.target.join("product"), &example) {
            results.left_out("framewise's example echo_server", &error);
        }
        if arguments.parts.contains(&Part::Proxies)
            && arguments.inspect.is_none()
            && let Err(error) = cargo(&root, &built.target.join("product"), &["-p", "framewise-cli"])
        {
            results.left_out("the command framewise", &error);
        }
    }
    match built.install_npm(arguments.build) {
        Ok(()) => {}
        Err(error) => results.left_out("bun and Node ws", &error),
    }
    match built.compile_uwebsockets(arguments.build) {
        Ok(program) => built.uwebsockets = Some(program),
        Err(error) => results.left_out("uWebSockets", &error),
    }
    Ok(built)
}

impl Built {
    /// The program of a peer and the arguments before the address; `None` if it could not be built.
    pub fn program(&self, peer: &Peer) -> Option<(PathBuf, Vec<String>)> {
        let script = |name| vec![self.bench.join("servers/js").join(name).display().to_string()];
        let (program, arguments) = match peer.kind {
            Kind::Framewise => {
                let example = self.product.join("examples/echo_server");
                (self.framewise.clone().unwrap_or(example), Vec::new())
            }
            Kind::FramewiseDeflate => (self.release.join("framewise-deflate"), Vec::new()),
            Kind::Rust(name) => (self.release.join(name), Vec::new()),
            Kind::UWebSockets => (self.uwebsockets.clone()?, Vec::new()),
            Kind::Bun => (self.bun.clone()?, script("bun.js")),
            Kind::Node => (self.node.clone()?, script("ws.js")),
        };
        program.exists().then_some((program, arguments))
    }

    pub fn load(&self) -> PathBuf {
        self.release.join("bench-load")
    }

    pub fn client(&self, name: &str) -> Option<PathBuf> {
        Some(self.release.join(name)).filter(|program| program.exists())
    }

    pub fn floor(&self) -> PathBuf {
        self.release.join(peers::FLOOR)
    }

    /// The command `framewise`.
    pub fn inspect(&self) -> PathBuf {
        self.inspect.clone().unwrap_or_else(|| self.product.join("framewise"))
    }

    /// A program of the system; Debian puts daemons where only root looks.
    pub fn installed(&self, program: &str) -> Option<PathBuf> {
        which(program).or_else(|| Some(Path::new("/usr/sbin").join(program)).filter(|path| path.exists()))
    }

    /// A folder for files of a run.
    pub fn folder(&self, name: &str) -> Outcome<String> {
        let folder = self.target.join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder.display().to_string())
    }

    /// The results of a quick run are not kept.
    pub fn default_report(&self, quick: bool) -> PathBuf {
        if quick { self.target.join("RESULTS-quick.md") } else { self.bench.join("RESULTS.md") }
    }

    pub fn samples(&self) -> PathBuf {
        self.target.join("samples.tsv")
    }

    pub fn bun_version(&self) -> Option<String> {
        first_line(Command::new(self.bun.as_ref()?).arg("--version"))
    }

    pub fn node_version(&self) -> Option<String> {
        first_line(Command::new(self.node.as_ref()?).arg("--version"))
    }

    /// Packages are installed from the lock file, without running any script of theirs: Bun's program is in the
    /// package for its platform.
    fn install_npm(&mut self, install: bool) -> Outcome {
        let folder = self.bench.join("servers/js");
        let modules = folder.join("node_modules");
        if install && !modules.join(".package-lock.json").exists() {
            let mut npm = Command::new("npm");
            finish(npm.args(["ci", "--ignore-scripts", "--loglevel=error"]).current_dir(&folder))?;
        }
        let platforms = fs::read_dir(modules.join("@oven")).map_err(|error| error.to_string())?;
        let programs = platforms.flatten().map(|platform| platform.path().join("bin/bun"));
        self.bun = programs.into_iter().find(|bun| first_line(Command::new(bun).arg("--version")).is_some());
        self.node = which("node");
        Ok(())
    }

    /// The sources come with a package of crates.io that nothing here builds.
    fn compile_uwebsockets(&self, compile: bool) -> Outcome<PathBuf> {
        let folder = self.bench.join("servers/uwebsockets");
        let program = self.target.join("uwebsockets");
        let source = folder.join("echo.cpp");
        let newer = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
        if newer(&program) > newer(&source) || !compile {
            return if program.exists() { Ok(program) } else { Err("it was not built".into()) };
        }
        let mut metadata = Command::new("cargo");
        metadata
            .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
            .arg(folder.join("Cargo.toml"));
        let output = metadata.stderr(Stdio::null()).output().map_err(|error| error.to_string())?;
        let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
        let manifest = packages
            .iter()
            .find(|package| package["name"] == "libuwebsockets-sys")
            .and_then(|package| package["manifest_path"].as_str())
            .ok_or("its package is missing")?;
        let sources = Path::new(manifest).with_file_name("uWebSockets");
        let sockets = sources.join("uSockets/src");

        let options = ["-O3", "-march=native", "-flto=auto", "-DLIBUS_NO_SSL"];
        let mut objects = Vec::new();
        for name in ["bsd.c", "context.c", "loop.c", "socket.c", "udp.c", "eventing/epoll_kqueue.c"] {
            let object = self.target.join(name.replace(['/', '.'], "-")).with_extension("o");
            let mut gcc = Command::new("gcc");
            gcc.arg("-std=c11").args(options).arg("-I").arg(&sockets);
            finish(gcc.arg("-c").arg(sockets.join(name)).arg("-o").arg(&object))?;
            objects.push(object);
        }
        let mut gxx = Command::new("g++");
        gxx.arg("-std=c++20").args(options).arg("-I").arg(sources.join("src")).arg("-I").arg(&sockets);
        finish(gxx.arg(source).args(objects).arg("-lz").arg("-o").arg(&program))?;
        Ok(program)
    }
}

fn cargo(manifest: &Path, target: &Path, arguments: &[&str]) -> Outcome {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(manifest);
    cargo.args(arguments).arg("--target-dir").arg(target);
    cargo.env("RUSTFLAGS", "-C target-cpu=native");
    // The profile of the root is made for short builds; here every program gets the same optimisations.
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "fat").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
    eprintln!("bench: cargo build {}", arguments.join(" "));
    finish(&mut cargo)
}

fn finish(command: &mut Command) -> Outcome {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let says = String::from_utf8_lossy(&output.stderr);
    let line = says.lines().find(|line| line.contains("error")).or_else(|| says.lines().last());
    Err(format!("{program}: {}", line.unwrap_or("it failed without a word").trim()))
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.exists())
}
