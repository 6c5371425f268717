//! Reads recorded connections.
//!
//! [`read`] takes the bytes of a file, detects what they are unless [`Options`] says it, and gives a
//! [`Transcript`], which `framewise_inspect::diagnose` takes. Today it reads transcripts, and hexadecimal in any usual form.
//!
//! ```
//! use framewise_capture::{Options, read};
//! use framewise_rules::Role;
//! use framewise_transcript::Action;
//!
//! let dump = b"00000000  81 02 68 69                                       |..hi|\n";
//! let transcript = read(dump, &Options { from: Some(Role::Client), ..Options::default() })?;
//! assert_eq!(transcript.events[0].action, Action::Bytes(vec![0x81, 2, b'h', b'i']));
//! # Ok::<(), framewise_capture::Error>(())
//! ```
//!
//! It does not open files, and does not diagnose.
#![forbid(unsafe_code)]

mod detect;
mod error;
mod hex;
mod text;

use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

pub use detect::Foreign;
pub use error::{Error, Position};

/// A supported format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The project's notation: an event a line.
    Transcript,
    /// The bytes of one side in hexadecimal: plain, or a dump with offsets.
    Hex,
}

/// What is known about a file apart from its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The format; `None` detects it.
    pub format: Option<Format>,
    /// Who sent the bytes, in a format without sides; `None` guesses it from the first bytes.
    pub from: Option<Role>,
    /// The extensions that the handshake agreed, for bytes that begin after it.
    pub extensions: Option<String>,
}

/// Reads a recording. UTF-8 is expected, or UTF-16 with its byte order mark.
///
/// # Errors
///
/// The file has an unsupported format, or is not valid in its format; the error then has the position.
pub fn read(bytes: &[u8], options: &Options) -> Result<Transcript, Error> {
    if let Some(foreign) = detect::foreign(bytes) {
        return Err(Error::Foreign(foreign));
    }
    let text = text::decode(bytes)?;
    match options.format.unwrap_or_else(|| detect::format(&text)) {
        Format::Transcript if options.from.is_some() => Err(Error::SideInTranscript),
        Format::Transcript => Transcript::parse(&text).map_err(|error| Error::Transcript(Box::new(error))),
        Format::Hex => Ok(one_side(hex::parse(&text)?, options)),
    }
}

/// Bytes of one side as a transcript: a head or frames, of a client or of a server, as the first bytes say.
fn one_side(bytes: Vec<u8>, options: &Options) -> Transcript {
    let request = [&b"GET "[..], b"POST ", b"CONNECT "].iter().any(|method| bytes.starts_with(method));
    let response = bytes.starts_with(b"HTTP/");
    let masked = bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    let guessed = if request || (masked && !response) { Role::Client } else { Role::Server };
    let open = (!request && !response).then(|| options.extensions.clone().unwrap_or_default());
    let event = Event {
        line: 1,
        time: None,
        leg: 0,
        from: options.from.unwrap_or(guessed),
        action: Action::Bytes(bytes),
    };
    let is_empty = matches!(&event.action, Action::Bytes(bytes) if bytes.is_empty());
    Transcript {
        legs: vec![Leg { name: "client-server".to_owned(), open }],
        events: if is_empty { Vec::new() } else { vec![event] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8], options: &Options) -> (Option<String>, Role) {
        let transcript = read(bytes, options).expect("a recording");
        (transcript.legs[0].open.clone(), transcript.events[0].from)
    }

    #[test]
    fn the_side_is_guessed_from_the_first_bytes_unless_it_is_given() {
        let guessed = |bytes: &[u8]| first(bytes, &Options::default());
        assert_eq!(guessed(b"81 02 68 69"), (Some(String::new()), Role::Server));
        assert_eq!(guessed(b"81 82 37 fa 21 3d 5f 93"), (Some(String::new()), Role::Client));
        assert_eq!(guessed(b"47 45 54 20 2f"), (None, Role::Client), "GET /");
        assert_eq!(guessed(b"48 54 54 50 2f"), (None, Role::Server), "HTTP/");
        // The second letter has no MASK bit, and GETX is not a method.
        assert_eq!(guessed(b"47 45 54 58"), (Some(String::new()), Role::Server), "GETX");
        let given = Options { from: Some(Role::Client), extensions: Some("x".to_owned()), format: None };
        assert_eq!(first(b"81 02 68 69", &given), (Some("x".to_owned()), Role::Client));
    }

    #[test]
    fn an_empty_file_has_no_events() {
        for (format, text) in [(None, ""), (Some(Format::Hex), ""), (Some(Format::Hex), "# nothing\n")] {
            let options = Options { format, ..Options::default() };
            assert_eq!(read(text.as_bytes(), &options).expect("it is empty").events, []);
        }
    }

    #[test]
    fn a_side_is_not_for_a_transcript() {
        let options = Options { from: Some(Role::Client), ..Options::default() };
        assert_eq!(read(b"open\n> 81", &options), Err(Error::SideInTranscript));
    }
}
