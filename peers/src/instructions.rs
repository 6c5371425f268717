//! Instructions of a program per message, counted by valgrind, so that no busy machine blurs them.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::tools;

/// By how many percent a count may move: a change elsewhere in a program shifts a few instructions here.
const PERCENT: u64 = 3;

/// A program of a package's `examples/`, its arguments before the number of messages, and two of these numbers.
#[derive(Clone, Debug)]
pub struct Load {
    /// The program.
    pub program: &'static str,
    /// What it is told before the number.
    pub arguments: Vec<String>,
    /// The numbers of messages of two runs.
    pub messages: [u64; 2],
}

/// A package whose examples are counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The package.
    pub package: &'static str,
    /// Its folder.
    pub folder: &'static str,
    /// `CARGO_TARGET_TMPDIR` of the test.
    pub target_tmp: &'static str,
    /// What the file says above its table.
    pub about: &'static str,
}

impl Load {
    fn name(&self) -> String {
        let name = self.program.trim_end_matches("_load");
        self.arguments.iter().fold(name.to_owned(), |name, argument| name + " " + argument)
    }

    /// Instructions per message: of two runs the difference, since a program's start is none of the engine's.
    fn count(&self, programs: &Path) -> u64 {
        let [few, many] = self.messages.map(|messages| self.run(programs, messages));
        (many - few) / (self.messages[1] - self.messages[0])
    }

    fn run(&self, programs: &Path, messages: u64) -> u64 {
        let mut valgrind = tools::counter("valgrind").expect("it was there a moment ago");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        valgrind.arg(programs.join(self.program)).args(&self.arguments).arg(messages.to_string());
        // To copy a large block with one instruction is something that not every processor is good at; it counts as one
        // for each byte.
        let never = ["x86_rep_movsb_threshold", "x86_rep_stosb_threshold", "x86_non_temporal_threshold"];
        valgrind.env("GLIBC_TUNABLES", never.map(|name| format!("glibc.cpu.{name}=0x40000000")).join(":"));
        let output = valgrind.output().expect("valgrind starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", self.name());
        let collected = said.lines().find_map(|line| line.split_once("Collected : "));
        let (_, count) = collected.unwrap_or_else(|| panic!("valgrind says no count: {said}"));
        count.trim().parse().expect("a number")
    }
}

/// Builds the programs, and says where they are: in a profile of their own, for it is the optimised code that counts.
fn build(counted: &Counted) -> PathBuf {
    let target = Path::new(counted.target_tmp).parent().expect("it is in the target folder");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--profile", "counted", "--package", counted.package, "--examples"]);
    build.arg("--target-dir").arg(target).current_dir(counted.folder);
    assert!(build.status().is_ok_and(|status| status.success()), "{build:?} failed");
    target.join("counted/examples")
}

/// What the counts depend on beside the code: the compiler, and the vectors that the processor has under valgrind.
fn machine() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("there is a compiler").stdout;
    let version = String::from_utf8_lossy(&version);
    let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    #[cfg(target_arch = "x86_64")]
    let vectors = if std::arch::is_x86_feature_detected!("avx2") { " with AVX2" } else { "" };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = "";
    format!("{version}, {}{vectors}", env::consts::ARCH)
}

/// Each load's name and count, in order.
type Figures = Vec<(String, u64)>;

fn figures(loads: &[Load], programs: &Path) -> Figures {
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(load) = loads.get(at) else { break };
                    let count = load.count(programs);
                    counts.lock().expect("nobody panics with it").insert(at, count);
                }
            });
        }
    });
    let counts = counts.into_inner().expect("nobody panicked with it");
    loads.iter().map(Load::name).zip(counts.into_values()).collect()
}

fn write(machine: &str, about: &str, figures: &Figures) -> String {
    let mut text = format!("# Instructions per message\n\n{about}\n\n");
    let _ = writeln!(text, "Counted on: {machine}\n\n| | instructions |\n|---|--:|");
    for (name, count) in figures {
        let _ = writeln!(text, "| {name} | {count} |");
    }
    text
}

fn read(text: &str) -> (&str, Figures) {
    let machine = text.lines().find_map(|line| line.strip_prefix("Counted on: ")).expect("it is told");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    let figures = rows.map(|line| {
        let (name, count) = line.trim_matches(['|', ' ']).split_once(" | ").expect("two columns");
        (name.to_owned(), count.parse().expect("a number"))
    });
    (machine, figures.collect())
}

/// Fails where a count of these loads differs from the package's `tests/instructions.md` by more than 3 %, in either
/// direction. With `FRAMEWISE_FIGURES=write` it writes the file anew.
pub fn no_count_moves(counted: &Counted, loads: &[Load]) {
    if tools::counter("valgrind").is_none() {
        return;
    }
    let here = machine();
    let path = Path::new(counted.folder).join("tests/instructions.md");
    if env::var_os("FRAMEWISE_FIGURES").is_some_and(|value| value == "write") {
        std::fs::write(&path, write(&here, counted.about, &figures(loads, &build(counted))))
            .expect("the file can be written");
        return;
    }
    let text = std::fs::read_to_string(&path).expect("the figures are in the repo");
    let (machine, recorded) = read(&text);
    if machine != here {
        // Another compiler makes other code: nothing can be said of it before the figures are written anew.
        println!("nothing is compared: the figures were counted on {machine}, this is {here}");
        return;
    }
    let figures = figures(loads, &build(counted));
    let names = |figures: &Figures| figures.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&recorded), names(&figures), "other loads are recorded than there are");
    let moved: Vec<String> = figures
        .iter()
        .zip(&recorded)
        .filter(|((_, count), (_, recorded))| count.abs_diff(*recorded) * 100 > recorded * PERCENT)
        .map(|((name, count), (_, recorded))| format!("{name}: {count}, where {recorded} is recorded"))
        .collect();
    assert!(moved.is_empty(), "find out why, or write the figures anew:\n{}", moved.join("\n"));
}
