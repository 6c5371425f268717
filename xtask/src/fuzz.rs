//! `cargo xtask fuzz`: runs the targets of the workspace `fuzz/` under libFuzzer, on stable Rust.
//!
//! The crate libfuzzer-sys compiles libFuzzer. The instrumentation that it needs is a pass of LLVM, which stable rustc can
//! run too.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use framewise_peers::tools::Tools;

use crate::Result;
use crate::install;
use crate::run::{cargo, command, root, run as run_to_end};

/// The names of the targets: the folders of their corpora.
fn targets() -> Result<Vec<String>> {
    let corpus = root().join("fuzz/corpus");
    let entries = fs::read_dir(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// The parsed arguments.
#[derive(Debug)]
struct Wanted {
    targets: Vec<String>,
    /// Inputs to run once, instead of searching for new ones.
    inputs: Vec<PathBuf>,
    seconds: u64,
    keep: bool,
}

fn parse(arguments: &[String]) -> Result<Wanted> {
    let all = targets()?;
    let mut wanted = Wanted { targets: Vec::new(), inputs: Vec::new(), seconds: 60, keep: false };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                let seconds = arguments.next().and_then(|value| value.parse().ok());
                wanted.seconds = seconds.ok_or("--seconds takes a number")?;
            }
            "--keep" => wanted.keep = true,
            name if all.iter().any(|target| target == name) => wanted.targets.push(name.to_owned()),
            path if Path::new(path).is_file() => wanted.inputs.push(Path::new(path).to_owned()),
            other => {
                return Err(format!("{other:?} is not a target or a file; the targets: {}", all.join(", ")));
            }
        }
    }
    if wanted.targets.is_empty() {
        wanted.targets = all;
    }
    if !wanted.inputs.is_empty() && wanted.targets.len() != 1 {
        return Err("name the target that the input is for".into());
    }
    Ok(wanted)
}

pub(crate) fn run(arguments: &[String]) -> Result {
    let wanted = parse(arguments)?;
    let program = build()?;
    let python = if wanted.targets.iter().any(|target| target == "differential") {
        let tools = Tools::find();
        install::python(&tools)?;
        Some(tools.venv.join("bin/python"))
    } else {
        None
    };
    let mut failed = Vec::new();
    for target in &wanted.targets {
        if let Err(fault) = fuzz(&program, target, &wanted, python.as_deref()) {
            eprintln!("xtask: {fault}");
            failed.push(target.as_str());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Builds the program with the instrumentation for libFuzzer: a counter for each edge, the table of edges, and the operands
/// of comparisons. The release profile of the workspace enables overflow checks and debug assertions.
fn build() -> Result<PathBuf> {
    const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares";
    let host = host()?;
    // With a target named, build scripts and macros are built without the instrumentation.
    run_to_end(
        cargo(&["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--features", "libfuzzer"])
            .args(["--bin", "libfuzzer", "--target", &host, "--target-dir", "fuzz/target"])
            .env("RUSTFLAGS", FLAGS),
    )?;
    Ok(root().join("fuzz/target").join(host).join("release/libfuzzer"))
}

/// The target triple of this machine.
fn host() -> Result<String> {
    let version = crate::run::quietly(&mut command("rustc", &["--version", "--verbose"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it runs on".into())
}

fn fuzz(program: &Path, target: &str, wanted: &Wanted, python: Option<&Path>) -> Result {
    let work = root().join("fuzz/target/work").join(target);
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = work.join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    };
    let (found, seeds, failures) = (folder("found")?, folder("seeds")?, folder("failures")?);
    let corpus = root().join("fuzz/corpus").join(target);
    let start = || {
        let mut start = command(program, &[]);
        start.env("FRAMEWISE_FUZZ_TARGET", target).env("FRAMEWISE_FUZZ_SEEDS", &seeds);
        if let Some(python) = python {
            start.env("FRAMEWISE_FUZZ_PYTHON", python);
        }
        start
    };
    if !wanted.inputs.is_empty() {
        return run_to_end(start().args(&wanted.inputs));
    }
    // An input is small, so what takes seconds or a gigabyte is a fault.
    let limits = ["-timeout=20", "-rss_limit_mb=1024", "-max_len=4096", "-print_final_stats=1"];
    let prefix = format!("-artifact_prefix={}/", failures.display());
    let time = format!("-max_total_time={}", wanted.seconds);
    eprintln!("xtask: {target}, {:?}", Duration::from_secs(wanted.seconds));
    let ran = run_to_end(start().args(limits).args([prefix, time]).args([&found, &corpus, &seeds]));
    if ran.is_err() {
        let input = newest(&failures).map_or_else(String::new, |path| path.display().to_string());
        return Err(format!(
            "{target} fails for {input}\n  run it again: cargo xtask fuzz {target} {input}\n  once it is mended, \
             keep it: cp {input} fuzz/corpus/{target}/"
        ));
    }
    if wanted.keep {
        keep(&start, &work, [&corpus, &seeds], &found)?;
    }
    Ok(())
}

/// Adds the smallest inputs that reach more code than the corpus and the seeds.
fn keep(start: &impl Fn() -> std::process::Command, work: &Path, there: [&Path; 2], found: &Path) -> Result {
    let fault = |error: std::io::Error| format!("{}: {error}", work.display());
    let merged = work.join("merged");
    let _ = fs::remove_dir_all(&merged);
    fs::create_dir_all(&merged).map_err(fault)?;
    for folder in there {
        for entry in fs::read_dir(folder).map_err(fault)?.flatten() {
            fs::copy(entry.path(), merged.join(entry.file_name())).map_err(fault)?;
        }
    }
    run_to_end(start().args(["-merge=1", "-max_len=1024"]).args([&merged, found]))?;
    let (corpus, seeds) = (there[0], there[1]);
    for entry in fs::read_dir(&merged).map_err(fault)?.flatten() {
        let name = entry.file_name();
        if !seeds.join(&name).exists() && !corpus.join(&name).exists() {
            fs::copy(entry.path(), corpus.join(&name)).map_err(fault)?;
        }
    }
    Ok(())
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
}

/// Checks the properties on the corpora and the seeds, as `cargo xtask test` does.
pub(crate) fn replay() -> Result {
    let target = root().join("target");
    let mut test = cargo(&["test", "--manifest-path", "fuzz/Cargo.toml", "--test", "corpora"]);
    test.arg("--target-dir").arg(target);
    let python = Tools::find().venv.join("bin/python");
    if python.is_file() {
        test.env("FRAMEWISE_FUZZ_PYTHON", python);
    }
    run_to_end(&mut test)
}
