//! Reads a large transcript a line at a time: its beginning is in memory, and decides whether it is one.

use std::io::{BufRead, BufReader, Read};

use framewise_transcript::{Event, Reader};

use crate::detect;
use crate::sink::{About, Act, Happened, Sink};
use crate::{Error, Format, Position};

/// The number of the only connection.
const NUMBER: u64 = 1;

/// A transcript whose first lines were read.
#[derive(Debug)]
pub(crate) struct Begun {
    reader: Reader,
    events: Vec<Event>,
    /// Bytes of the lines that were read.
    read: usize,
}

/// Reads the complete lines of the beginning of a file; `None` where they are not a transcript.
pub(crate) fn begin(start: &[u8], format: Option<Format>) -> Option<Begun> {
    let read = start.iter().rposition(|&byte| byte == b'\n')? + 1;
    let text = std::str::from_utf8(&start[..read]).ok()?;
    if format != Some(Format::Transcript) && detect::format(text) != Format::Transcript {
        return None;
    }
    let mut reader = Reader::new(text);
    let mut events = Vec::new();
    for line in text.lines() {
        events.extend(reader.line(line).ok()?);
    }
    (!events.is_empty()).then_some(Begun { reader, events, read })
}

/// Gives out what was read, then reads the rest: of the file that is in memory, no more than a line.
pub(crate) fn stream(
    Begun { mut reader, events, read }: Begun,
    start: Vec<u8>,
    input: impl Read,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let mut legs = reader.legs().len();
    sink.begin(&About { number: NUMBER, legs: reader.legs().to_vec(), ..About::default() });
    for event in events {
        give(&event, sink);
    }
    let rest = start[read..].to_vec();
    drop(start);
    let mut input = BufReader::with_capacity(1 << 16, rest.as_slice().chain(input));
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = crate::MOST + 1;
        let length = input.by_ref().take(most).read_until(b'\n', &mut line);
        let length = length.map_err(|error| Error::Io(error.to_string()))?;
        if length == 0 {
            break;
        }
        if length as u64 == most {
            return Err(Error::TooLarge);
        }
        let event = reader
            .line(text(&line, reader.lines() + 1)?)
            .map_err(|error| Error::Transcript(Box::new(error)))?;
        if let Some(event) = event {
            for leg in &reader.legs()[legs..] {
                sink.leg(NUMBER, leg);
            }
            legs = reader.legs().len();
            give(&event, sink);
        }
    }
    sink.over(NUMBER);
    Ok(())
}

fn give(event: &Event, sink: &mut dyn Sink) {
    let Event { leg, from, time, ref action, .. } = *event;
    sink.happened(NUMBER, Happened { leg, from, time, act: Act::of(action) });
}

/// A line without its line break.
fn text(line: &[u8], number: usize) -> Result<&str, Error> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map_err(|error| {
        let before = std::str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default();
        let at = Position { line: number, column: before.chars().count() + 1 };
        Error::Utf8 { at, byte: line[error.valid_up_to()] }
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;
    use std::rc::Rc;

    use framewise_rules::{Role, Rule};
    use framewise_transcript::Leg;

    use super::*;
    use crate::{Diagnoses, LARGE, Options, Transcripts, read};

    /// A file that is made as it is read.
    struct Made<F> {
        line: F,
        lines: u64,
        next: u64,
        rest: Vec<u8>,
        at: usize,
        /// Bytes that were read.
        read: Rc<Cell<u64>>,
    }

    fn made<F: Fn(u64) -> String>(lines: u64, line: F) -> Made<F> {
        Made { line, lines, next: 0, rest: Vec::new(), at: 0, read: Rc::default() }
    }

    impl<F: Fn(u64) -> String> Read for Made<F> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.at == self.rest.len() {
                if self.next == self.lines {
                    return Ok(0);
                }
                self.rest = (self.line)(self.next).into_bytes();
                (self.at, self.next) = (0, self.next + 1);
            }
            let count = buffer.len().min(self.rest.len() - self.at);
            buffer[..count].copy_from_slice(&self.rest[self.at..self.at + count]);
            self.at += count;
            self.read.set(self.read.get() + count as u64);
            Ok(count)
        }
    }

    /// A message of the server of 1000 bytes, as a line of 3009 bytes.
    fn message() -> String {
        format!("< 82 7e 03 e8{}\n", " 61".repeat(1000))
    }

    /// Counts how much of the file was read before each event was given out.
    struct Ahead {
        read: Rc<Cell<u64>>,
        given: u64,
        most: u64,
        is_over: bool,
    }

    impl Sink for Ahead {
        fn begin(&mut self, _about: &About) {}

        fn happened(&mut self, _connection: u64, _happened: Happened<'_>) {
            self.given += message().len() as u64;
            self.most = self.most.max(self.read.get() - self.given);
        }

        fn over(&mut self, _connection: u64) {
            self.is_over = true;
        }
    }

    #[test]
    fn what_is_in_memory_of_a_large_file_is_its_beginning_and_then_a_line() {
        let lines = 4 * LARGE / message().len() as u64;
        let file = made(lines, |line| if line == 0 { "open\n".to_owned() } else { message() });
        let mut ahead = Ahead { read: Rc::clone(&file.read), given: 0, most: 0, is_over: false };
        read(file, &Options::default(), &mut ahead).expect("a transcript");
        assert!(ahead.is_over);
        assert_eq!(ahead.given, (lines - 1) * message().len() as u64, "each event");
        assert!(ahead.read.get() > 3 * LARGE);
        assert!(ahead.most <= LARGE, "{} bytes were read before they were needed", ahead.most);
    }

    #[test]
    fn a_fault_late_in_a_large_file_is_found_where_it_is() {
        let lines = 2 * LARGE / message().len() as u64;
        let file = made(lines + 1, |line| match line {
            0 => "open\n".to_owned(),
            // RSV1 without an extension.
            line if line == lines => "< c2 00\r\n".to_owned(),
            _ => message(),
        });
        let mut found = Vec::new();
        read(file, &Options::default(), &mut Diagnoses::new(|connection| found.push(connection)))
            .expect("a transcript");
        let [connection] = &found[..] else { panic!("{found:?}") };
        let rules: Vec<_> =
            connection.findings.iter().map(|finding| (finding.rule, finding.offset)).collect();
        assert_eq!(rules, [(Some(Rule::Rsv1Unnegotiated), (lines - 1) * 1004)]);
    }

    #[test]
    fn a_leg_that_is_named_late_is_known() {
        let lines = 2 * LARGE / message().len() as u64;
        let file = made(lines + 3, |line| match line {
            0 => "open\n".to_owned(),
            line if line == lines => "leg proxy-server\n".to_owned(),
            line if line == lines + 1 => "open permessage-deflate\n".to_owned(),
            line if line == lines + 2 => "< 81 00".to_owned(),
            _ => message(),
        });
        let mut transcripts = Transcripts::default();
        read(file, &Options::default(), &mut transcripts).expect("a transcript");
        let (_, transcript) = transcripts.into_connections().remove(0);
        let leg = |name: &str, open: &str| Leg { name: name.to_owned(), open: Some(open.to_owned()) };
        assert_eq!(transcript.legs, [leg("client-server", ""), leg("proxy-server", "permessage-deflate")]);
        let last = transcript.events.last().expect("events");
        assert_eq!((last.leg, last.from), (1, Role::Server));
    }

    #[test]
    fn what_is_wrong_late_is_reported_by_line_and_column() {
        let lines = 2 * LARGE / message().len() as u64;
        let error = |last: &'static [u8]| {
            let file = made(lines, |_| message()).chain(last);
            let options = Options { format: Some(Format::Transcript), ..Options::default() };
            read(file, &options, &mut Transcripts::default()).expect_err("it is wrong").to_string()
        };
        let line = lines + 1;
        let notation = error(b"> 81 0x");
        let expected = format!("line {line}, column 7: expected a hexadecimal digit, found `x`");
        assert!(notation.starts_with(&expected), "{notation}");
        let utf8 = error(b"> \"\xc3\xa9\xff\"");
        assert!(utf8.contains(&format!("line {line}, column 5")), "{utf8}");
    }

    #[test]
    fn what_begins_otherwise_is_no_transcript() {
        for text in [&b"81 85\n"[..], b"hello\n", b"> 81 0x\n", b"# only a comment\n", b"> 81 85", b"\xff\n"]
        {
            assert!(begin(text, None).is_none(), "{text:?}");
        }
        assert!(begin(b"> 81 85\n> 8", None).is_some(), "the last line is not complete");
    }
}
