//! The transcript: the project's one notation for bytes, a text file with one event a line.
//!
//! ```text
//! # anything after a hash at the start of a line
//! open permessage-deflate; client_max_window_bits=10   # start after a handshake that agreed this
//! > 81 85 37 fa 21 3d 7f 9f 4d 51 58                   # client to server, hexadecimal, spaces free
//! < "HTTP/1.1 101 Switching Protocols\r\n"             # server to client, \r \n \t \" \\ \xHH
//! [12.503] < 88 02 03 e8                               # seconds since the start
//! > eof                                                # the client closed its side; `< reset` for a reset
//! leg proxy-server                                     # from here on another leg of the same connection
//! ```
//!
//! Without `open` the first bytes of a leg are its handshake. A comment may follow an event after two spaces and a
//! hash. The leg is `client-server` where none is named; what comes before the first `leg` line is `client-proxy` where
//! another one is named. A transcript has at most [`MOST_LEGS`] legs.
//!
//! ```
//! use framewise_rules::Role;
//! use framewise_transcript::{Transcript, Action};
//!
//! let transcript: Transcript = "open\n> 81 02 68 69  # no mask\n< eof".parse()?;
//! assert_eq!(transcript.legs[0].open.as_deref(), Some(""));
//! assert_eq!(transcript.events[0].from, Role::Client);
//! assert_eq!(transcript.events[0].action, Action::Bytes(vec![0x81, 2, b'h', b'i']));
//!
//! let error = "open\n> 81 0x".parse::<Transcript>().unwrap_err();
//! assert_eq!(error.to_string(), "line 2, column 7: expected a hexadecimal digit, found `x`");
//! # Ok::<(), framewise_transcript::Error>(())
//! ```

#![forbid(unsafe_code)]

mod parse;
mod write;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use framewise_rules::Role;

/// The legs that a transcript may have: more hops than a connection passes, and few enough that every leg can be compared
/// with every other.
pub const MOST_LEGS: usize = 16;

/// A connection as it was recorded, or as an example tells it.
///
/// Displayed, it is the notation again; comments, blank lines and the spelling of the bytes are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The legs in the order in which they are named first; none in an empty transcript.
    pub legs: Vec<Leg>,
    /// What happened, in the order of the file.
    pub events: Vec<Event>,
}

/// One hop of a connection: from the client to a proxy, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Its name, `client-server` by default.
    pub name: String,
    /// The extensions that the handshake agreed, where the transcript starts after it (`""`: none of them). `None`: the
    /// first bytes are the handshake.
    pub open: Option<String>,
}

/// One step: what one side of a leg did.
///
/// Displayed, it is its line without the line's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its line in the file, from 1. Not part of what is displayed.
    pub line: usize,
    /// When it happened, since the start. Times need not grow: a recorder may write one leg after the other.
    pub time: Option<Duration>,
    /// An index into [`Transcript::legs`].
    pub leg: usize,
    /// Whose side of the leg did it.
    pub from: Role,
    /// What it did.
    pub action: Action,
}

/// What one side of a leg did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It sent these bytes.
    Bytes(Vec<u8>),
    /// It closed its direction: the end of its stream.
    Eof,
    /// It reset the connection.
    Reset,
}

/// Why a text is no transcript: where, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was expected there.
    pub message: String,
}

impl Transcript {
    /// Reads the notation; also with CRLF at the ends of lines and a byte order mark before them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::transcript(text)
    }

    /// All bytes that one side of a leg sent.
    pub fn stream(&self, leg: usize, from: Role) -> Vec<u8> {
        let mut stream = Vec::new();
        for event in self.events.iter().filter(|event| event.leg == leg && event.from == from) {
            if let Action::Bytes(bytes) = &event.action {
                stream.extend_from_slice(bytes);
            }
        }
        stream
    }
}

impl FromStr for Transcript {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Error {}
