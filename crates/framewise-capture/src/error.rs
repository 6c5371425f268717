use std::fmt;

use crate::Foreign;

/// Where in a text something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Why a file cannot be read. Displayed, it is what completes "cannot read FILE: ".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    Io(String),
    /// It is larger than a text may be.
    TooLarge,
    /// The key log cannot be read, or is something else.
    Keys(String),
    /// A packet capture is cut off or broken.
    Capture(String),
    /// It is something else.
    Foreign(Foreign),
    /// Nothing in it was understood.
    Unknown,
    /// It is not text.
    Binary,
    /// It begins as UTF-16 and is not.
    Utf16,
    /// Text with a byte that is not UTF-8.
    Utf8 {
        /// Where.
        at: Position,
        /// The byte.
        byte: u8,
    },
    /// It breaks the notation of transcripts.
    Transcript(Box<framewise_transcript::Error>),
    /// It is not JSON all through.
    Json {
        /// Where.
        at: Position,
        /// What is wrong there.
        message: String,
    },
    /// It is not hexadecimal.
    Hex {
        /// Where.
        at: Position,
        /// What is wrong there.
        message: String,
    },
    /// [`crate::Options::from`] was given, and the transcript says it for each line.
    SideInTranscript,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(message) | Self::Capture(message) => f.write_str(message),
            Self::Keys(message) => write!(f, "its TLS keys: {message}"),
            Self::TooLarge => f.write_str("it is larger than 512 MiB; cut out the part in question"),
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Unknown => {
                f.write_str("nothing in it was understood; `framewise read --help` lists the formats")
            }
            Self::Binary => f.write_str("it is binary; convert it with `xxd FILE | framewise read -`"),
            Self::Utf16 => f.write_str("it begins as UTF-16 but is not; save it as UTF-8"),
            Self::Utf8 { at, byte } => write!(f, "{at}: a byte that is not UTF-8; write it as \\x{byte:02x}"),
            Self::Transcript(error) => write!(f, "{error}; `framewise read --help` shows the notation"),
            Self::Json { message, at: _ } => write!(f, "the JSON is broken or cut off: {message}"),
            Self::Hex { at, message } => write!(f, "{at}: {message}"),
            Self::SideInTranscript => f.write_str("a transcript names the sender of each line; omit --from"),
        }
    }
}

impl std::error::Error for Error {}
