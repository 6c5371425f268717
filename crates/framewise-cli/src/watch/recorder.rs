use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use framewise_transcript::{Action, Event};

use crate::failure::Failure;
use crate::net::plain;

const READ_BY_PEOPLE: usize = 4096;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A transcript that is written while its connection goes on, and is whole after each event.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: File,
    path: PathBuf,
}

impl Recorder {
    /// Begins a recording; one that is there already is replaced.
    pub(crate) fn create(path: &Path, about: &str) -> Result<Self, Failure> {
        let said = |error| Failure::said(format!("{} cannot be written: {}", path.display(), plain(&error)));
        let mut file = File::create(path).map_err(said)?;
        file.write_all(format!("# {about}\n").as_bytes()).map_err(said)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// The file of this connection: FILE for the first, then `FILE-2` before the extension, and so on.
    pub(crate) fn path_of(path: &Path, number: u64) -> PathBuf {
        if number <= 1 {
            return path.to_owned();
        }
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    }

    /// Writes one event as a line.
    pub(crate) fn write(&mut self, event: &Event) -> Result<(), String> {
        // In one call: the transcript is valid at any moment, and whoever kills the program keeps every line.
        self.file.write_all(line(event).as_bytes()).map_err(|error| {
            format!(
                "{} cannot be written any more: {}; the connection goes on unrecorded",
                self.path.display(),
                plain(&error)
            )
        })
    }
}

/// An event in the notation. A person reads heads and small frames; of a large piece the hexadecimal is written, and by
/// hand, since the formatter takes ten times as long.
fn line(event: &Event) -> String {
    let Action::Bytes(bytes) = &event.action else { return format!("{event}\n") };
    if bytes.len() <= READ_BY_PEOPLE {
        return format!("{event}\n");
    }
    let start = Event { line: 0, time: event.time, leg: event.leg, from: event.from, action: Action::Eof }
        .to_string();
    let mut line = String::with_capacity(start.len() + 3 * bytes.len());
    line.push_str(start.trim_end_matches(" eof"));
    for &byte in bytes {
        line.push(' ');
        line.push(char::from(DIGITS[usize::from(byte >> 4)]));
        line.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_piece_is_read_as_it_was_written() {
        let bytes: Vec<u8> = (0..=255).cycle().take(READ_BY_PEOPLE + 1).collect();
        let time = Some(std::time::Duration::from_millis(1500));
        let event = Event {
            line: 1,
            time,
            leg: 0,
            from: framewise_rules::Role::Server,
            action: Action::Bytes(bytes),
        };
        let parsed: framewise_transcript::Transcript = line(&event).parse().expect("a transcript");
        assert_eq!(parsed.events, [event]);
    }

    #[test]
    fn each_connection_has_a_file() {
        let path = |path: &str, number| Recorder::path_of(Path::new(path), number).display().to_string();
        assert_eq!(path("a/rec.txt", 1), "a/rec.txt");
        assert_eq!(path("a/rec.txt", 2), "a/rec-2.txt");
        assert_eq!(path("rec", 3), "rec-3");
    }
}
