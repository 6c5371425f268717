//! Reads recorded connections.
//!
//! [`read`] takes a file, detects what it is unless [`Options`] says it, and gives what it holds to a [`Sink`], piece by
//! piece: a capture may be larger than the memory, or still grow. [`Diagnoses`] is a sink that says what broke;
//! [`Transcripts`] is one that collects. The [`Notes`] say what was understood, skipped and guessed.
//!
//! ```
//! use framewise_capture::{Diagnoses, Options, read};
//! use framewise_rules::{Role, Rule};
//!
//! let dump = b"00000000  81 02 68 69                                       |..hi|\n";
//! let options = Options { from: Some(Role::Client), ..Options::default() };
//! let mut connections = Vec::new();
//! read(&dump[..], &options, &mut Diagnoses::new(|connection| connections.push(connection)))?;
//! assert_eq!(connections[0].findings[0].rule, Some(Rule::MaskMissing));
//! # Ok::<(), framewise_capture::Error>(())
//! ```
//!
//! It does not open files, and does not decide what is legal.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod builder;
mod chrome;
mod detect;
mod diagnose;
mod error;
mod hex;
mod json;
mod logs;
mod mitmproxy;
mod note;
mod paste;
mod pcap;
mod raw;
mod sink;
mod text;
mod tls;
mod transcript;

use std::io::Read;

use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

pub use detect::Foreign;
pub use diagnose::Diagnoses;
pub use error::{Error, Position};
pub use note::{Note, Notes};
pub use pcap::Pick;
use tls::Keys;

pub use sink::{About, Act, Happened, Sink, Source, Told, Transcripts};

/// How to get the keys of encrypted connections, and what to do with them: for a person, one line each.
pub const KEYS: &str = "\
To decrypt, record the TLS keys while you capture, from the first packet on, and give both:
  framewise read --tls-keys keys.log FILE
How to record the keys:
  Chrome   chrome --ssl-key-log-file=keys.log --user-data-dir=/tmp/profile
  Firefox  SSLKEYLOGFILE=keys.log firefox --no-remote
  Node     node --tls-keylog=keys.log app.js
  Python   SSLKEYLOGFILE=keys.log python app.py (ssl.create_default_context reads it)
  curl     SSLKEYLOGFILE=keys.log curl URL
  Java     java -javaagent:jSSLKeyLog.jar==keys.log -jar app.jar
  .NET     SSLKEYLOGFILE=keys.log dotnet app.dll, with the AppContext switch System.Net.EnableSslKeyLogging (.NET 9 or later, Linux)
";

/// Bytes of a text that are read: a larger one is not a recording that a person made.
const MOST: u64 = 512 << 20;

/// A HAR from this size on is read an entry at a time, and a transcript a line at a time: both may be of any size.
const LARGE: u64 = 16 << 20;

/// A supported format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The project's notation: an event a line.
    Transcript,
    /// The bytes of one side in hexadecimal: plain, or a dump with offsets.
    Hex,
    /// A packet capture: pcap or pcapng.
    Capture,
    /// What tools and languages print: `curl -v`, dumps of packets and streams, heads of HTTP, byte lists.
    Paste,
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
    /// Which connections of a packet capture are wanted.
    pub pick: Pick,
}

/// Reads a recording to its end. A text is expected in UTF-8, or UTF-16 with its byte order mark, and up to 512 MiB; a
/// packet capture, a HAR and a transcript may be of any size.
///
/// # Errors
///
/// The input cannot be read, is in a format that is not supported, or breaks the rules of its format: then the error has
/// the place.
pub fn read(input: impl Read, options: &Options, sink: &mut dyn Sink) -> Result<Notes, Error> {
    with(input, Keys::default(), options, sink)
}

/// Reads a packet capture to its end, and decrypts TLS with a key log: a text in the format of `SSLKEYLOGFILE`. It may still
/// grow while the capture does: what is written after its end was met is read when it is needed. In
/// any other format the key log is not used.
///
/// # Errors
///
/// Those of [`read`], and [`Error::Keys`] where the key log cannot be read or is something else.
pub fn read_with_keys(
    input: impl Read,
    keys: impl Read + 'static,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Notes, Error> {
    let mut keys = Keys::of(Box::new(keys));
    keys.refresh().map_err(|error| Error::Keys(error.to_string()))?;
    if keys.is_foreign() {
        return Err(Error::Keys(
            "it is not a TLS key log: expected lines such as `CLIENT_RANDOM 5a… 1f…`".to_owned(),
        ));
    }
    with(input, keys, options, sink)
}

fn with(mut input: impl Read, keys: Keys, options: &Options, sink: &mut dyn Sink) -> Result<Notes, Error> {
    let mut start = [0; 4];
    let length = fill(&mut input, &mut start)?;
    let start = &start[..length];
    let input = start.chain(input);
    if options.format == Some(Format::Capture) || (options.format.is_none() && detect::is_capture(start)) {
        // What the file is written with comes in pieces of its own size: a packet is read when it is there.
        return pcap::read(std::io::BufReader::with_capacity(1 << 18, input), &options.pick, keys, sink);
    }
    let mut bytes = Vec::new();
    let mut input = input;
    let io = |error: std::io::Error| Error::Io(error.to_string());
    input.by_ref().take(LARGE).read_to_end(&mut bytes).map_err(io)?;
    let har = options.format.is_none_or(|format| format == Format::Paste) && json::is_har(&bytes);
    if bytes.len() as u64 == LARGE && har {
        return json::stream((&bytes[..]).chain(input), sink);
    }
    if bytes.len() as u64 == LARGE
        && options.from.is_none()
        && options.format.is_none_or(|format| format == Format::Transcript)
        && let Some(begun) = transcript::begin(&bytes, options.format)
    {
        transcript::stream(begun, bytes, input, sink)?;
        return Ok(Notes::default());
    }
    input.take(MOST + 1 - bytes.len() as u64).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MOST {
        return Err(Error::TooLarge);
    }
    let mut notes = Notes::default();
    let mut found = whole(&bytes, options, &mut notes)?;
    found.retain(|(about, transcript)| !transcript.events.is_empty() || !about.told.is_empty());
    paste::number(&mut found);
    for (about, transcript) in &found {
        sink::play(transcript, about, sink);
    }
    Ok(notes)
}

/// Reads a recording that is in memory as transcripts.
///
/// # Errors
///
/// Those of [`read`].
pub fn transcripts(bytes: &[u8], options: &Options) -> Result<Vec<(About, Transcript)>, Error> {
    let mut transcripts = Transcripts::default();
    read(bytes, options, &mut transcripts)?;
    Ok(transcripts.into_connections())
}

fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut there = 0;
    while there < buffer.len() {
        match input.read(&mut buffer[there..]) {
            Ok(0) => break,
            Ok(more) => there += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Io(error.to_string())),
        }
    }
    Ok(there)
}

fn whole(bytes: &[u8], options: &Options, notes: &mut Notes) -> Result<Vec<paste::Found>, Error> {
    if let Some(foreign) = detect::foreign(bytes) {
        return Err(Error::Foreign(foreign));
    }
    if options.format.is_none_or(|format| format == Format::Paste)
        && let Some(found) = mitmproxy::read(bytes, notes)
    {
        return Ok(found);
    }
    let one = |transcript: Transcript| {
        vec![(About { legs: transcript.legs.clone(), ..About::default() }, transcript)]
    };
    let transcript = |text: &str| {
        if options.from.is_some() {
            return Err(Error::SideInTranscript);
        }
        Transcript::parse(text).map(one).map_err(|error| Error::Transcript(Box::new(error)))
    };
    match options.format {
        Some(Format::Transcript) => return transcript(&text::decode(bytes)?),
        Some(Format::Hex) => return Ok(one(one_side(hex::parse(&text::decode(bytes)?)?, options, notes))),
        Some(Format::Paste) => {
            let text = text::lossless(bytes);
            if let Some(read) = json::read(&text, notes) {
                return read;
            }
            let logs = logs::read(&text, notes);
            let found = if logs.is_empty() { paste::read(&text, options, notes) } else { logs };
            return if found.is_empty() { Err(Error::Unknown) } else { Ok(found) };
        }
        Some(Format::Capture) => return Err(Error::Binary),
        None => {}
    }
    // Nothing else begins like that, and what is no text is not looked at any further.
    let text = match text::decode(bytes) {
        Ok(text) => text,
        Err(error) => {
            if let Some(found) = raw::read(bytes, notes) {
                return Ok(vec![found]);
            }
            let found = paste::read(&text::lossless(bytes), options, notes);
            return if found.is_empty() { Err(error) } else { Ok(found) };
        }
    };
    if let Some(read) = json::read(&text, notes) {
        return read;
    }
    let error = match detect::format(&text) {
        Format::Transcript => match transcript(&text) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        },
        Format::Hex | Format::Capture | Format::Paste => match hex::parse(&text) {
            Ok(bytes) => return Ok(dumped(&text, bytes, options, notes)),
            Err(error) => error,
        },
    };
    let found = logs::read(&text, notes);
    if !found.is_empty() {
        return Ok(found);
    }
    let found = paste::read(&text, options, notes);
    if !found.is_empty() {
        return Ok(found);
    }
    // What is JSON is no transcript with a mistake in it.
    Err(if text.trim_start().starts_with('{') { Error::Unknown } else { error })
}

/// Hexadecimal: of packets, of both sides of a stream, or of one side.
fn dumped(text: &str, bytes: Vec<u8>, options: &Options, notes: &mut Notes) -> Vec<paste::Found> {
    if options.from.is_none() {
        if paste::has_several_dumps(text) {
            let found = paste::read(text, options, notes);
            if !found.is_empty() {
                return found;
            }
        }
        if let Some(link) = paste::as_packet(&bytes) {
            let found = paste::of_packet(link, &bytes, notes);
            if !found.is_empty() {
                notes.push(Note::Read("a packet in hexadecimal".to_owned()));
                return found;
            }
        }
    }
    let transcript = one_side(bytes, options, notes);
    vec![(About { legs: transcript.legs.clone(), ..About::default() }, transcript)]
}

/// Bytes of one side as a transcript: a head or frames, of a client or of a server, as the first bytes say.
fn one_side(bytes: Vec<u8>, options: &Options, notes: &mut Notes) -> Transcript {
    let request = [&b"GET "[..], b"POST ", b"CONNECT "].iter().any(|method| bytes.starts_with(method));
    let response = bytes.starts_with(b"HTTP/");
    let masked = bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    let guessed = if request || (masked && !response) { Role::Client } else { Role::Server };
    if options.from.is_none() && !request && !response && !bytes.is_empty() {
        notes.push(Note::Guess(guess(guessed).to_owned()));
    }
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

/// What is said about a side that was guessed, and about the other one.
fn guess(role: Role) -> &'static str {
    match role {
        Role::Client => {
            "the client sent these bytes, because the first frame is masked; if the server did, every mask is a violation \
             (--from server)"
        }
        Role::Server => {
            "the server sent these bytes, because the first frame is not masked; if the client did, every missing mask is a \
             violation (--from client)"
        }
    }
}

/// `1 packet`, `2 packets`
fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8], options: &Options) -> (Option<String>, Role) {
        let (_, transcript) = transcripts(bytes, options).expect("a recording").remove(0);
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
        let given =
            Options { from: Some(Role::Client), extensions: Some("x".to_owned()), ..Options::default() };
        assert_eq!(first(b"81 02 68 69", &given), (Some("x".to_owned()), Role::Client));
    }

    #[test]
    fn the_side_of_a_byte_list_can_be_given() {
        for text in ["<Buffer 81 02 68 69>", "b'\\x81\\x02hi'", "[129, 2, 104, 105]", "gQJoaQ=="] {
            let guessed = first(text.as_bytes(), &Options::default());
            assert_eq!(guessed, (Some(String::new()), Role::Server), "{text}");
            let given =
                Options { from: Some(Role::Client), extensions: Some("x".to_owned()), ..Options::default() };
            assert_eq!(first(text.as_bytes(), &given), (Some("x".to_owned()), Role::Client), "{text}");
            let notes = read(text.as_bytes(), &given, &mut Transcripts::default()).expect("a recording");
            assert!(!notes.iter().any(|note| matches!(note, Note::Guess(_))), "{notes:?}");
        }
    }

    #[test]
    fn an_empty_file_has_no_connections() {
        for (format, text) in [(None, ""), (Some(Format::Hex), ""), (Some(Format::Hex), "# nothing\n")] {
            let options = Options { format, ..Options::default() };
            assert_eq!(transcripts(text.as_bytes(), &options).expect("it is empty"), []);
        }
    }

    #[test]
    fn a_side_is_not_for_a_transcript() {
        let options = Options { from: Some(Role::Client), ..Options::default() };
        assert_eq!(transcripts(b"open\n> 81", &options), Err(Error::SideInTranscript));
    }
}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
