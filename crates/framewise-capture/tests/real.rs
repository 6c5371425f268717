//! Files that the tools themselves made, and what is found in each: `real/README.md` says how each was made, and
//! `FRAMEWISE_REPORTS=write` writes the expected findings anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use framewise_capture::{Diagnoses, Error, Notes, Options, Transcripts, read, read_with_keys};
use framewise_inspect::Connection;

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real");
    let mut files = Vec::new();
    for folder in fs::read_dir(root).expect("the folder is there") {
        let folder = folder.expect("it can be read").path();
        if folder.is_dir() {
            files.extend(
                fs::read_dir(folder).expect("the folder is there").map(|file| file.expect("a file").path()),
            );
        }
    }
    files.retain(|file| {
        file.extension().is_none_or(|extension| extension != "expected" && extension != "keys")
    });
    files.sort();
    files
}

/// The TLS keys of a capture: a file of the same name with `.keys` behind it.
fn keys(file: &Path) -> Option<Vec<u8>> {
    let mut name = file.to_owned().into_os_string();
    name.push(".keys");
    fs::read(name).ok()
}

fn read_with(
    bytes: &[u8],
    keys: Option<Vec<u8>>,
    sink: &mut dyn framewise_capture::Sink,
) -> Result<Notes, Error> {
    match keys {
        None => read(bytes, &Options::default(), sink),
        Some(keys) => read_with_keys(bytes, std::io::Cursor::new(keys), &Options::default(), sink),
    }
}

fn report(bytes: &[u8], keys: Option<Vec<u8>>) -> String {
    let mut connections: Vec<Connection> = Vec::new();
    let mut text = String::new();
    let read = read_with(bytes, keys, &mut Diagnoses::new(|connection| connections.push(connection)));
    connections.sort_by_key(|connection| connection.id.parse::<u64>().unwrap_or(u64::MAX));
    for connection in connections {
        let _ = writeln!(text, "connection {}: {}", connection.id, connection.legs.join(", "));
        for found in &connection.findings {
            let rule = found.rule.map_or("legal", |rule| rule.id());
            let by = found.by.map_or_else(|| "nobody".to_owned(), |by| by.to_string());
            let _ = writeln!(text, "  {rule} by {by} at {} on {}", found.offset, found.leg);
        }
        let cause = connection.verdict.and_then(|verdict| verdict.cause);
        let ended =
            connection.ended.map(|ended| (ended.by.to_string(), ended.code.map(|code| code.0), ended.reason));
        let _ = writeln!(text, "  ended {ended:?}, cause {:?}", cause.map(framewise_rules::Cause::id));
    }
    match read {
        Ok(notes) => notes.iter().for_each(|note| {
            let _ = writeln!(text, "{note}");
        }),
        Err(error) => {
            let _ = writeln!(text, "error: {error}");
        }
    }
    text
}

#[test]
fn each_real_file_is_read_and_diagnosed() {
    let files = files();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let found = report(&fs::read(&file).expect("the file is there"), keys(&file));
        let mut expected = file.clone().into_os_string();
        expected.push(".expected");
        if std::env::var_os("FRAMEWISE_REPORTS").is_some_and(|value| value == "write") {
            fs::write(&expected, found).expect("it can be written");
            continue;
        }
        let expected = fs::read_to_string(&expected).expect("what is expected is there");
        assert_eq!(found, expected, "{}", file.display());
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_read_as_far_as_it_goes() {
    for file in files() {
        let bytes = fs::read(&file).expect("the file is there");
        let step = (bytes.len() / 40).max(1);
        for end in (0..bytes.len()).step_by(step) {
            // An error, or what is there; never a panic.
            let _ = read_with(&bytes[..end], keys(&file), &mut Transcripts::default());
        }
    }
}

#[test]
fn a_file_that_is_damaged_anywhere_is_read_without_a_panic() {
    let mut state = 1_u32;
    let mut next = |most: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % most.max(1)
    };
    for file in files() {
        let bytes = fs::read(&file).expect("the file is there");
        for _ in 0..(200_000 / bytes.len().max(1)).clamp(5, 50) {
            let mut damaged = bytes.clone();
            for _ in 0..=next(4) {
                let at = next(damaged.len());
                match next(4) {
                    0 => damaged[at] ^= 1 << next(8),
                    1 => damaged[at] = next(256) as u8,
                    2 => {
                        damaged.remove(at);
                    }
                    _ => {
                        let end = (at + next(64)).min(damaged.len());
                        let part = damaged[at..end].to_vec();
                        damaged.splice(at..at, part);
                    }
                }
            }
            let mut transcripts = Transcripts::default();
            let _ = read_with(&damaged, keys(&file), &mut transcripts);
            for (about, transcript) in transcripts.into_connections() {
                assert!(
                    transcript.events.iter().all(|event| event.leg < about.legs.len()),
                    "{}",
                    file.display()
                );
            }
        }
    }
}
