use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use framewise_transcript::{Action, Event};

use crate::Rotation;

const READ_BY_PEOPLE: usize = 4096;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A transcript that is written while its connection continues, and is complete after each event.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    path: PathBuf,
    written: u64,
    size: Option<u64>,
    /// The names of the legs, where there are two, and the one of the last event.
    legs: Option<([&'static str; 2], Option<usize>)>,
    said: Arc<AtomicBool>,
}

/// Recordings of several connections: FILE for the first, then `FILE-2` before the extension, and so on.
#[derive(Debug)]
pub struct Recordings {
    path: PathBuf,
    about: String,
    rotation: Rotation,
    /// Made at the start, so that a file that cannot be written is reported before the first client.
    first: Option<Recorder>,
    files: VecDeque<PathBuf>,
    /// Whether a failure was reported: a full disk fails for each connection.
    said: Arc<AtomicBool>,
}

impl Recorder {
    /// Begins a recording, with a comment about it; one that is there already is replaced.
    pub fn create(path: &Path, about: &str) -> io::Result<Self> {
        let file = File::create(path)?;
        let mut recorder =
            Self { file, path: path.to_owned(), written: 0, size: None, legs: None, said: Arc::default() };
        // A line break would end the comment.
        recorder.append(&format!("# {}\n", about.replace(['\n', '\r'], " ")))?;
        Ok(recorder)
    }

    /// Where it is written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one event as a line.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let mut line = line(event);
        if let Some((names, last)) = &mut self.legs
            && *last != Some(event.leg)
        {
            *last = Some(event.leg);
            line.insert_str(0, &format!("leg {}\n", names[event.leg.min(1)]));
        }
        if self.size.is_some_and(|size| self.written + line.len() as u64 > size) {
            self.append("# the recording ends here: the file has the size that was chosen\n")?;
            return Err(io::Error::other("the file has the size that was chosen"));
        }
        self.append(&line)
    }

    /// Events are of two legs with these names.
    #[must_use]
    pub(crate) const fn of_legs(mut self, names: [&'static str; 2]) -> Self {
        self.legs = Some((names, None));
        self
    }

    /// Whether a failure is to be reported: it is the first one.
    pub(crate) fn says(&self) -> bool {
        !self.said.swap(true, Ordering::Relaxed)
    }

    /// In one call: the transcript is valid at any moment, and a killed program has lost no line. What is written in part,
    /// because the disk is full, is cut off.
    fn append(&mut self, text: &str) -> io::Result<()> {
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            let _ = self.file.set_len(self.written);
            return Err(error);
        }
        self.written += text.len() as u64;
        Ok(())
    }
}

impl Recordings {
    /// Begins the first recording; `about` describes what is recorded.
    pub fn create(path: &Path, about: impl Into<String>, rotation: Rotation) -> io::Result<Self> {
        let mut recordings = Self {
            path: path.to_owned(),
            about: about.into(),
            rotation,
            first: None,
            files: VecDeque::new(),
            said: Arc::default(),
        };
        recordings.first = Some(recordings.begin(1, path)?);
        Ok(recordings)
    }

    /// The recorder of a connection; or the path that cannot be written, and why, where that was not reported before.
    pub(crate) fn recorder(&mut self, number: u64) -> Result<Recorder, Option<(PathBuf, io::Error)>> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let path = path_of(&self.path, number);
        self.begin(number, &path)
            .map_err(|error| (!self.said.swap(true, Ordering::Relaxed)).then_some((path, error)))
    }

    fn begin(&mut self, number: u64, path: &Path) -> io::Result<Recorder> {
        let about =
            if number == 1 { self.about.clone() } else { format!("{}, connection {number}", self.about) };
        let recorder = Recorder::create(path, &about)?;
        self.files.push_back(path.to_owned());
        while self.rotation.keep.is_some_and(|keep| self.files.len() > keep.max(1)) {
            let Some(oldest) = self.files.pop_front() else { break };
            let _ = std::fs::remove_file(oldest);
        }
        Ok(Recorder { size: self.rotation.size, said: Arc::clone(&self.said), ..recorder })
    }
}

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
        let path = |path: &str, number| path_of(Path::new(path), number).display().to_string();
        assert_eq!(path("a/rec.txt", 1), "a/rec.txt");
        assert_eq!(path("a/rec.txt", 2), "a/rec-2.txt");
        assert_eq!(path("rec", 3), "rec-3");
    }
}
