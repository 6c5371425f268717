//! A HAR of any size: one entry in memory at a time.

use std::fmt;
use std::io::Read;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::har::{self, Data};
use crate::note::Notes;
use crate::sink::{Sink, play};
use crate::{Error, Position};

/// How much of a file is looked at to see whether it is a HAR.
const START: usize = 4096;

/// Whether a text begins as a HAR does: `{ "log": {`.
pub(crate) fn is_har(bytes: &[u8]) -> bool {
    let text: Vec<u8> =
        bytes.iter().copied().take(START).filter(|byte| !byte.is_ascii_whitespace()).collect();
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).starts_with(b"{\"log\":{")
}

/// Reads a HAR: each connection goes to the sink when its entry was read.
pub(crate) fn read(input: impl Read, sink: &mut dyn Sink) -> Result<Notes, Error> {
    let mut notes = Notes::default();
    let mut entries = Entries { sink, notes: &mut notes, creator: None, connections: 0, others: 0 };
    let input = std::io::BufReader::with_capacity(1 << 16, WithoutMark { input, begun: false });
    let mut json = serde_json::Deserializer::from_reader(input);
    let read = json.deserialize_map(Root(&mut entries)).and_then(|()| json.end());
    let Entries { creator, connections, others, .. } = entries;
    har::told(creator.as_deref(), connections, others, &mut notes);
    match read {
        Ok(()) => Ok(notes),
        Err(error) if error.is_io() => Err(Error::Io(error.to_string())),
        Err(error) => Err(Error::Json {
            at: Position { line: error.line(), column: error.column().max(1) },
            message: error.to_string(),
        }),
    }
}

/// Drops the mark of UTF-8 (EF BB BF), which Fiddler writes and JSON does not allow.
struct WithoutMark<R> {
    input: R,
    begun: bool,
}

impl<R: Read> Read for WithoutMark<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.begun || buffer.len() < 3 {
            return self.input.read(buffer);
        }
        self.begun = true;
        let mut there = 0;
        while there < 3 {
            match self.input.read(&mut buffer[there..3])? {
                0 => break,
                more => there += more,
            }
        }
        if buffer[..there] == *b"\xef\xbb\xbf" { self.input.read(buffer) } else { Ok(there) }
    }
}

struct Entries<'s> {
    sink: &'s mut dyn Sink,
    notes: &'s mut Notes,
    creator: Option<String>,
    connections: u64,
    others: u64,
}

impl Entries<'_> {
    fn entry(&mut self, entry: &Value) {
        if !har::is_websocket(entry) {
            self.others += 1;
            return;
        }
        self.connections += 1;
        let (mut about, transcript) = har::connection(entry, Data::of(self.creator.as_deref()), self.notes);
        about.number = self.connections;
        if !transcript.events.is_empty() || !about.told.is_empty() {
            play(&transcript, &about, self.sink);
        }
    }
}

/// The object around `log`.
struct Root<'e, 's>(&'e mut Entries<'s>);

impl<'de> Visitor<'de> for Root<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a HAR")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "log" {
                map.next_value_seed(Log(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Log<'e, 's>(&'e mut Entries<'s>);

impl<'de> serde::de::DeserializeSeed<'de> for Log<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the log of a HAR")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "entries" => map.next_value_seed(List(self.0))?,
                "creator" => {
                    let creator: Value = map.next_value()?;
                    self.0.creator = creator.get("name").and_then(Value::as_str).map(str::to_owned);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct List<'e, 's>(&'e mut Entries<'s>);

impl<'de> serde::de::DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entries of a HAR")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        while let Some(entry) = list.next_element::<Value>()? {
            if !entry.is_object() {
                return Err(S::Error::custom("an entry is not an object"));
            }
            self.0.entry(&entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Transcripts;

    const ENTRY: &str =
        r#"{"request":{"url":"ws://x/"},"_webSocketMessages":[{"type":"send","opcode":1,"data":"hi"}]}"#;

    fn read_all(text: &str) -> (usize, Result<Notes, Error>) {
        let mut transcripts = Transcripts::default();
        let read = read(text.as_bytes(), &mut transcripts);
        (transcripts.into_connections().len(), read)
    }

    #[test]
    fn a_har_is_told_by_its_start() {
        for (text, expected) in [
            ("{\"log\":{", true),
            ("\u{feff}{\n  \"log\" : {\n", true),
            // Look-alikes: another object, a log that is a text, a netlog.
            ("{\"logs\":{", false),
            ("{\"log\":\"x\"", false),
            ("{\"constants\":{\"log\":{", false),
        ] {
            assert_eq!(is_har(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn an_entry_is_read_at_a_time_and_what_came_before_a_fault_is_not_lost() {
        let whole = format!(
            r#"{{"log":{{"version":"1.2","creator":{{"name":"x"}},"entries":[{ENTRY},{{"request":{{}}}},{ENTRY}],"pages":[]}}}}"#
        );
        let (connections, read) = read_all(&whole);
        let notes = read.expect("a HAR");
        assert_eq!(connections, 2);
        assert_eq!(notes.line(), "read a HAR of x, 2 WebSocket connections; skipped 1 other request");
        assert_eq!(read_all(&format!("\u{feff}{whole}")).0, 2, "a mark of UTF-8");
        let cut = &whole[..whole.len() - 80];
        let (connections, read) = read_all(cut);
        assert!(connections == 1 && matches!(read, Err(Error::Json { .. })), "{read:?}");
        assert!(read_all(r#"{"log":{"entries":[1]}}"#).1.is_err());
    }
}
