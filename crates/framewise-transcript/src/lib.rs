//! Transcripts: the project's notation for recorded bytes, a text file with one event per line.
//!
//! ```text
//! # anything after a hash at the start of a line
//! open permessage-deflate; client_max_window_bits=10   # start after a handshake that agreed this
//! > 81 85 37 fa 21 3d 7f 9f 4d 51 58                   # client to server, hexadecimal, spaces free
//! < "HTTP/1.1 101 Switching Protocols\r\n"             # server to client, \r \n \t \" \\ \xHH
//! [12.503] < 88 02 03 e8                               # seconds since the start
//! > eof                                                # the client closed its side; `< reset` for a reset
//! < gap 1460                                           # this many bytes of the server are missing from the recording
//! leg proxy-server                                     # from here on another leg of the same connection
//! ```
//!
//! Without `open`, the first bytes of a leg are its handshake. A comment may follow an event after two spaces and a
//! hash. A file without `leg` lines has one leg, `client-server`. In a file that names another leg, the events before
//! the first `leg` line belong to `client-proxy`. A transcript has at most [`MOST_LEGS`] legs.
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

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod hex;
mod parse;
mod write;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use framewise_rules::Role;

pub use hex::hex_pairs;
pub use parse::Reader;

/// The most legs that a transcript may have: more hops than real connections have, and few enough to compare every leg with
/// every other.
pub const MOST_LEGS: usize = 16;

/// A connection, recorded or written as an example.
///
/// `Display` writes the notation again, without comments and blank lines, and with the bytes in their usual form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The legs in the order in which the file first names them; empty for an empty transcript.
    pub legs: Vec<Leg>,
    /// What happened, in the order of the file.
    pub events: Vec<Event>,
}

/// One hop of a connection, such as from the client to a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The name of the leg, `client-server` by default.
    pub name: String,
    /// The extensions that the handshake agreed, as in Sec-WebSocket-Extensions, if the transcript starts after the
    /// handshake (`""`: no extension). `None`: the first bytes are the handshake.
    pub open: Option<String>,
}

/// One event: what one end of a leg did.
///
/// `Display` writes its line, without the line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The line number in the file, from 1. `Display` does not write it.
    pub line: usize,
    /// The time since the start of the recording. Times need not increase: a recorder may write one leg after another.
    pub time: Option<Duration>,
    /// An index into [`Transcript::legs`].
    pub leg: usize,
    /// The end that acted.
    pub from: Role,
    /// What it did.
    pub action: Action,
}

/// What one side of a leg did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It sent these bytes.
    Bytes(Vec<u8>),
    /// It closed its direction (FIN).
    Eof,
    /// It reset the connection (RST).
    Reset,
    /// It sent this many bytes that the recording lacks. Before the end of the handshake: the recording starts in the
    /// middle of the connection, where 0 means that the number of bytes is not known.
    Gap(u64),
}

/// Why a text does not parse: the place, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The line number, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What was expected there.
    pub message: String,
}

impl Transcript {
    /// Parses the notation. CRLF line ends and a leading byte order mark are accepted.
    ///
    /// # Errors
    ///
    /// The first line that does not parse, with its line and column.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::transcript(text)
    }

    /// All the bytes that one end of a leg sent; `leg` is an index into [`Transcript::legs`].
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

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
