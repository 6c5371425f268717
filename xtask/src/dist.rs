//! `cargo xtask dist`: the packages that bring the command as a binary. Each is installed into an empty environment, where it
//! checks a server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use framewise_peers::tools::{Tools, on_path};
use serde_json::json;

use crate::install::once;
use crate::run::{self, cargo, command, quietly, root};
use crate::{Result, package};

const MATURIN: &str = "maturin==1.16.0";
/// The file of the command.
const NAME: &str = if cfg!(windows) { "framewise.exe" } else { "framewise" };
/// The folder of a virtual environment's programs.
const BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

pub(crate) fn run(arguments: &[String]) -> Result {
    let release = match arguments {
        [] => true,
        [debug] if debug == "--debug" => false,
        _ => return Err("`cargo xtask dist` takes --debug and nothing else".into()),
    };
    let dist = root().join("target/dist");
    let _ = fs::remove_dir_all(&dist);
    create(&dist)?;

    let packages = package::packages()?;
    let cli = packages.iter().find(|package| package["name"] == "framewise-cli");
    let cli = cli.ok_or("there is no framewise-cli")?;
    let version = cli["version"].as_str().unwrap_or_default();

    let (mut made, mut tried) = (Vec::new(), Vec::new());
    let mut last = (String::new(), PathBuf::new());
    for target in targets()? {
        let binary = build(&target, release)?;
        let tarball = tarball(&dist, &target, &binary, version)?;
        tried.push(try_tarball(&dist, &target, &tarball, &cli["metadata"]["binstall"], version)?);
        made.push(tarball);
        last = (target, binary);
    }
    // The last target is the one that runs on most systems.
    let (target, binary) = last;
    let wheel = wheel(&dist, &target, release)?;
    tried.push(try_wheel(&dist, &wheel)?);
    made.push(wheel);
    let npm = npm(&dist, &binary, version)?;
    tried.push(try_npm(&dist, &npm)?);
    made.extend(npm);

    let server = Server::start(&binary)?;
    for program in &tried {
        check(program, version, &server)?;
    }
    for file in made {
        let size = fs::metadata(&file).map(|data| data.len() / 1024).unwrap_or_default();
        println!("{} ({size} KiB)", file.strip_prefix(root()).unwrap_or(&file).display());
    }
    Ok(())
}

/// The targets of this machine: its own, and on Linux the static one, which needs no library of the system, where the
/// toolchain has it.
fn targets() -> Result<Vec<String>> {
    let host = host()?;
    let Some(processor) = host.strip_suffix("-unknown-linux-gnu") else { return Ok(vec![host]) };
    let musl = format!("{processor}-unknown-linux-musl");
    let libraries = quietly(&mut command("rustc", &["--print", "target-libdir", "--target", &musl]))?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(vec![host, musl]);
    }
    println!("no static build: for one, run `rustup target add {musl}`");
    Ok(vec![host])
}

/// Builds the command without its symbols.
fn build(target: &str, release: bool) -> Result<PathBuf> {
    let mut build = cargo(&["rustc", "--package", "framewise-cli", "--bin", "framewise"]);
    let mut folder = root().join("target");
    if let Some(other) = other(target)? {
        build.args(["--target", other]);
        folder.push(other);
    }
    if release {
        build.arg("--release");
    }
    build.args(["--", "-C", "strip=symbols"]).envs(compiler(target));
    run::run(&mut build)?;
    let profile = if release { "release" } else { "debug" };
    Ok(folder.join(profile).join(NAME))
}

/// The target, unless it is that of this machine: cargo builds for this one in its own folder, where most is built already.
fn other(target: &str) -> Result<Option<&str>> {
    Ok((host()? != target).then_some(target))
}

/// The C compiler for musl. The C code in our dependencies calls nothing of a C library, so that the system's compiler does
/// where there is no `musl-gcc`; glibc's checked functions are what musl lacks.
fn compiler(target: &str) -> Vec<(String, &'static str)> {
    if !target.ends_with("-musl") || on_path("musl-gcc").is_some() {
        return Vec::new();
    }
    let target = target.replace('-', "_");
    vec![(format!("CC_{target}"), "cc"), (format!("CFLAGS_{target}"), "-U_FORTIFY_SOURCE")]
}

/// What `cargo binstall` downloads.
fn tarball(dist: &Path, target: &str, binary: &Path, version: &str) -> Result<PathBuf> {
    let name = format!("framewise-{version}-{target}");
    let folder = dist.join(&name);
    create(&folder)?;
    copy(binary, &folder.join(NAME))?;
    for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root().join("crates/framewise-cli").join(file), &folder.join(file))?;
    }
    let file = dist.join(format!("{name}.tar.gz"));
    quietly(command("tar", &["-czf", &file.to_string_lossy(), &name]).current_dir(dist))?;
    fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(file)
}

/// The wheel, by maturin, which builds the command once more: with cargo's own cache.
fn wheel(dist: &Path, target: &str, release: bool) -> Result<PathBuf> {
    let venv = Tools::find().venv.with_file_name("maturin");
    once(&venv.join("installed"), MATURIN, || {
        quietly(&mut command("python3", &["-m", "venv", "--clear", &venv.to_string_lossy()]))?;
        quietly(&mut command(
            venv.join(BIN).join("pip"),
            &["install", "--quiet", "--disable-pip-version-check", MATURIN],
        ))
    })?;
    let out = dist.join("wheel");
    let out_text = out.to_string_lossy();
    let mut maturin =
        command(venv.join(BIN).join("maturin"), &["build", "--quiet", "--locked", "--out", &out_text]);
    if let Some(other) = other(target)? {
        maturin.args(["--target", other]);
    }
    maturin.current_dir(root().join("packaging/python")).envs(compiler(target));
    // It is a debug build by default.
    if release {
        maturin.arg("--release");
    }
    quietly(&mut maturin)?;
    let mut wheels = fs::read_dir(&out).map_err(|error| error.to_string())?.flatten();
    wheels.next().map(|entry| entry.path()).ok_or_else(|| "maturin made no wheel".to_owned())
}

/// The package for npm, and the one of this platform that it depends on.
fn npm(dist: &Path, binary: &Path, version: &str) -> Result<[PathBuf; 2]> {
    let (os, processor) = npm_platform()?;
    let platform = format!("framewise-{os}-{processor}");
    let about = |name: &str| {
        json!({
            "name": name, "version": version, "license": "MIT OR Apache-2.0",
            "description": "Inspect, check and debug WebSocket connections",
        })
    };
    let mut launcher = about("framewise");
    launcher["bin"] = json!({ "framewise": "framewise.js" });
    launcher["engines"] = json!({ "node": ">=18" });
    // Of these npm installs the one whose `os` and `cpu` are right: see RELEASING.md.
    let platforms = PLATFORMS.iter().map(|name| (format!("framewise-{name}"), json!(version)));
    launcher["optionalDependencies"] = platforms.collect();
    let mut program = about(&platform);
    (program["os"], program["cpu"]) = (json!([os]), json!([processor]));

    let script = root().join("packaging/npm/framewise.js");
    let files =
        [("framewise", launcher, script, "framewise.js"), (&*platform, program, binary.to_owned(), NAME)];
    let packed = files.map(|(name, about, from, to)| {
        let folder = dist.join("npm").join(name);
        create(&folder)?;
        write(&folder.join("package.json"), &format!("{about:#}\n"))?;
        copy(&from, &folder.join(to))?;
        quietly(command(NPM, &["pack", "--silent", "--pack-destination", ".."]).current_dir(&folder))?;
        Ok::<_, String>(dist.join("npm").join(format!("{name}-{version}.tgz")))
    });
    let [launcher, program] = packed;
    Ok([launcher?, program?])
}

/// The platforms that a release has binaries for, as npm names them.
const PLATFORMS: [&str; 5] = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64"];

fn npm_platform() -> Result<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok(("linux", "x64")),
        ("linux", "aarch64") => Ok(("linux", "arm64")),
        ("macos", "x86_64") => Ok(("darwin", "x64")),
        ("macos", "aarch64") => Ok(("darwin", "arm64")),
        ("windows", "x86_64") => Ok(("win32", "x64")),
        (os, processor) => Err(format!("no package is made for {os} on {processor}")),
    }
}

fn host() -> Result<String> {
    let about = quietly(&mut command("rustc", &["-vV"]))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc names no host".to_owned())
}

/// Unpacks as `cargo binstall` would: the names are those that the manifest gives.
fn try_tarball(
    dist: &Path,
    target: &str,
    file: &Path,
    binstall: &serde_json::Value,
    version: &str,
) -> Result<PathBuf> {
    let text = |field: &str| {
        let text = binstall[field].as_str().unwrap_or_default();
        let text = text.replace("{ version }", version).replace("{ target }", target);
        text.replace("{ bin }", "framewise").replace("{ binary-ext }", std::env::consts::EXE_SUFFIX)
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let url = text("pkg-url");
    if url.rsplit('/').next() != Some(&name) {
        return Err(format!("cargo binstall would look for {url}, and the file is {name}"));
    }
    let folder = dist.join("try/tarball");
    create(&folder)?;
    let unpack = ["-xzf", &file.to_string_lossy(), "-C", &folder.to_string_lossy()];
    quietly(&mut command("tar", &unpack))?;
    Ok(folder.join(text("bin-dir")))
}

fn try_wheel(dist: &Path, wheel: &Path) -> Result<PathBuf> {
    let venv = dist.join("try/venv");
    quietly(&mut command("python3", &["-m", "venv", &venv.to_string_lossy()]))?;
    let install =
        ["install", "--quiet", "--disable-pip-version-check", "--no-index", &wheel.to_string_lossy()];
    quietly(&mut command(venv.join(BIN).join("pip"), &install))?;
    Ok(venv.join(BIN).join(NAME))
}

fn try_npm(dist: &Path, packages: &[PathBuf; 2]) -> Result<PathBuf> {
    let folder = dist.join("try/npm");
    create(&folder)?;
    let [launcher, program] = packages.each_ref().map(|path| path.to_string_lossy().into_owned());
    // The other platforms' packages are in no registry yet.
    let install =
        ["install", "--silent", "--no-audit", "--no-fund", "--omit=optional", "--offline", "--prefix"];
    let mut npm = command(NPM, &install);
    quietly(npm.arg(&folder).args([launcher, program]).current_dir(&folder))?;
    Ok(folder.join("node_modules/.bin").join(if cfg!(windows) { "framewise.cmd" } else { NAME }))
}

/// The installed command says its version, passes where the server is right, and gives on the exit code where it is not.
fn check(program: &Path, version: &str, server: &Server) -> Result {
    let said = quietly(&mut command(program, &["--version"]))?;
    if said.trim() != format!("framewise {version}") {
        return Err(format!("{} says {said:?}", program.display()));
    }
    quietly(&mut command(program, &["check", "--only", "control/ping/", &server.url]))?;
    let mut refused = Command::new(program);
    refused.args(["check", "ftp://127.0.0.1/"]).stdout(Stdio::null()).stderr(Stdio::null());
    match refused.status().map(|status| status.code()) {
        Ok(Some(2)) => Ok(()),
        other => Err(format!("{} ended with {other:?} where 2 is due", program.display())),
    }
}

/// `framewise serve` on a free port, until this value is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(binary: &Path) -> Result<Self> {
        let mut serve = Command::new(binary);
        serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = serve.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            output.read_line(&mut line).map_err(|error| error.to_string())?;
            // What it says of each connection is not wanted, but read.
            std::thread::spawn(move || output.lines().map_while(std::result::Result::ok).for_each(drop));
        }
        let server = Self { child, url: line.trim().trim_start_matches("listening on ").to_owned() };
        if server.url.starts_with("ws://") { Ok(server) } else { Err(format!("no address: {line:?}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn create(folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
