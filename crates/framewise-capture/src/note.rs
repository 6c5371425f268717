//! What a reader says about what it read: what was understood, what was skipped, what was guessed.

use std::fmt;

/// Something to know about how a recording was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// What was understood.
    Read(String),
    /// What was left out.
    Skipped(String),
    /// What was guessed, and what the other guess would mean.
    Guess(String),
    /// What the source cannot show.
    Limit(String),
    /// What is encrypted.
    Encrypted(String),
}

/// The notes of one recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Adds a note.
    pub fn push(&mut self, note: Note) {
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// The notes, in the order in which they were made.
    pub fn iter(&self) -> std::slice::Iter<'_, Note> {
        self.0.iter()
    }

    /// What was read and what was skipped, in one line.
    pub fn line(&self) -> String {
        let list = |wanted: fn(&Note) -> Option<&str>| -> String {
            self.0.iter().filter_map(wanted).collect::<Vec<_>>().join(", ")
        };
        let read = list(|note| if let Note::Read(text) = note { Some(text) } else { None });
        let skipped = list(|note| if let Note::Skipped(text) = note { Some(text) } else { None });
        match (read.is_empty(), skipped.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!("read {read}"),
            (true, false) => format!("skipped {skipped}"),
            (false, false) => format!("read {read}; skipped {skipped}"),
        }
    }
}

impl<'n> IntoIterator for &'n Notes {
    type Item = &'n Note;
    type IntoIter = std::slice::Iter<'n, Note>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(text) => write!(f, "read {text}"),
            Self::Skipped(text) => write!(f, "skipped {text}"),
            Self::Guess(text) => write!(f, "guessed: {text}"),
            Self::Limit(text) | Self::Encrypted(text) => f.write_str(text),
        }
    }
}
