use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use framewise_rules::transcript::Event;

use crate::failure::Failure;
use crate::net::plain;

/// A transcript that is written while its connection goes on, and is whole after each event.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Recorder {
    /// Begins a recording; one that is there already is replaced.
    pub(crate) fn create(path: &Path, about: &str) -> Result<Self, Failure> {
        let said = |error| Failure::said(format!("{} cannot be written: {}", path.display(), plain(&error)));
        let mut file = BufWriter::new(File::create(path).map_err(said)?);
        writeln!(file, "# {about}").and_then(|()| file.flush()).map_err(said)?;
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
        // The transcript is valid at any moment: whoever kills the program keeps all but the line at hand.
        writeln!(self.file, "{event}").and_then(|()| self.file.flush()).map_err(|error| {
            format!("{} cannot be written any more: {}; the connection goes on unrecorded", self.path.display(), plain(&error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_a_file() {
        let path = |path: &str, number| Recorder::path_of(Path::new(path), number).display().to_string();
        assert_eq!(path("a/rec.txt", 1), "a/rec.txt");
        assert_eq!(path("a/rec.txt", 2), "a/rec-2.txt");
        assert_eq!(path("rec", 3), "rec-3");
    }
}
