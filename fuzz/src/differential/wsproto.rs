//! wsproto, in a Python process: `judge.py` reads streams and writes verdicts. `cargo xtask fuzz` installs it and names
//! the interpreter in `FRAMEWISE_FUZZ_PYTHON`; where that is not set, wsproto is not asked.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use framewise_proto::MessageKind;
use framewise_rules::Role;

use super::{End, Verdict};

/// The process ends when its input does, which is when ours ends.
struct Peer {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

static PEER: LazyLock<Option<Mutex<Peer>>> = LazyLock::new(|| {
    let python = std::env::var_os("FRAMEWISE_FUZZ_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/judge.py");
    let started = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut process = started.expect("the interpreter of FRAMEWISE_FUZZ_PYTHON starts");
    let ask = process.stdin.take().expect("its input is a pipe");
    let answers = process.stdout.take().expect("its output is a pipe");
    Some(Mutex::new(Peer { process, ask, answers: BufReader::new(answers) }))
});

/// Its result for a stream, received by this role; `None` if it is not installed.
pub(super) fn judge(role: Role, stream: &[u8]) -> Option<Verdict> {
    let mut peer = PEER.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
    let mut question = format!("{} ", role.name());
    for byte in stream {
        let _ = write!(question, "{byte:02x}");
    }
    writeln!(peer.ask, "{question}").expect("judge.py reads");
    let mut line = String::new();
    peer.answers.read_line(&mut line).expect("judge.py answers");
    assert!(line.ends_with('\n'), "judge.py ended, {:?}: its error is above", peer.process.wait());
    Some(parse(line.trim()))
}

/// `text 6869;binary 00;failed 1002 ParseFailed`, a verdict in one line.
fn parse(line: &str) -> Verdict {
    let mut verdict = Verdict { messages: Vec::new(), end: End::Open };
    for part in line.split(';').filter(|part| !part.is_empty()) {
        let mut words = part.split(' ');
        let (what, argument) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match what {
            "text" => verdict.messages.push((MessageKind::Text, bytes(argument))),
            "binary" => verdict.messages.push((MessageKind::Binary, bytes(argument))),
            // It reports a Close without a code as 1005.
            "closed" => verdict.end = End::Closed(argument.parse().ok().filter(|code| *code != 1005)),
            _ => verdict.end = End::Failed("failed".to_owned(), argument.parse().ok()),
        }
    }
    verdict
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("0"), 16).unwrap_or(0))
        .collect()
}
