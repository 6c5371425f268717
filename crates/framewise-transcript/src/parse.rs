use std::time::Duration;

use super::{Action, Error, Event, Leg, MOST_LEGS, Transcript, hex_pairs};
use framewise_rules::Role;

/// The name of the leg in a file without `leg` lines.
pub(super) const LEG: &str = "client-server";
/// The name of the leg before the first `leg` line, in a file that names another leg.
const FIRST_OF_SEVERAL: &str = "client-proxy";
/// The byte order mark.
const MARK: char = '\u{feff}';

pub(super) fn transcript(text: &str) -> Result<Transcript, Error> {
    let mut reader = Reader::new(text);
    let mut events = Vec::new();
    for line in text.lines() {
        events.extend(reader.line(line)?);
    }
    Ok(Transcript { legs: reader.legs, events })
}

/// Reads the notation a line at a time, for a recording that is not to be in memory as a whole.
///
/// ```
/// use framewise_transcript::{Action, Reader};
///
/// let mut reader = Reader::new("");
/// assert_eq!(reader.line("open")?, None);
/// let event = reader.line("> 81 02 68 69")?.expect("an event");
/// assert_eq!((event.line, event.leg), (2, 0));
/// assert_eq!(reader.legs()[0].open.as_deref(), Some(""));
/// # Ok::<(), framewise_transcript::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    unnamed: &'static str,
    legs: Vec<Leg>,
    seen: Vec<Seen>,
    current: Option<usize>,
    /// Lines that were read.
    lines: usize,
}

/// What was seen of a leg.
#[derive(Clone, Debug, Default)]
struct Seen {
    events: bool,
    /// How its client and its server ended, if they did.
    ends: [Option<Action>; 2],
}

impl Reader {
    /// A reader of a file that begins like this: as much of it as is there, or nothing. Events before the first `leg` line
    /// belong to another leg if the file names one.
    pub fn new(start: &str) -> Self {
        let start = start.strip_prefix(MARK).unwrap_or(start);
        let mut lines = start.lines().map(|text| Line { number: 1, text, at: 0 });
        let unnamed = if lines.any(Line::names_another_leg) { FIRST_OF_SEVERAL } else { LEG };
        Self { unnamed, legs: Vec::new(), seen: Vec::new(), current: None, lines: 0 }
    }

    /// The legs so far: those of the events that were read, and those that were named.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// The number of lines that were read.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// Reads the next line, without its line break. `None`: it has no event.
    ///
    /// # Errors
    ///
    /// It does not parse: its number and the column.
    pub fn line(&mut self, text: &str) -> Result<Option<Event>, Error> {
        self.lines += 1;
        let text = if self.lines == 1 { text.strip_prefix(MARK).unwrap_or(text) } else { text };
        self.read(Line { number: self.lines, text, at: 0 })
    }

    fn read(&mut self, mut line: Line<'_>) -> Result<Option<Event>, Error> {
        line.skip_blanks();
        let start = line.at;
        match line.peek() {
            None | Some('#') => return Ok(None),
            Some('[' | '>' | '<') => return self.event(line).map(Some),
            Some(_) => {}
        }
        match line.word() {
            "open" => {
                let agreed = line.argument();
                let leg = self.leg();
                if self.seen[leg].events {
                    return Err(line.error(start, "expected `open` before the first event of its leg"));
                }
                let open = &mut self.legs[leg].open;
                if open.is_some() {
                    return Err(line.error(start, "this leg already has an `open`"));
                }
                *open = Some(agreed.to_owned());
            }
            "leg" => {
                line.skip_blanks();
                let start = line.at;
                let name = line.argument();
                if name.is_empty() {
                    return Err(
                        line.error(start, "expected the name of a leg, for example `leg proxy-server`")
                    );
                }
                if let Some(blank) = name.find(char::is_whitespace) {
                    let message =
                        "expected a name without spaces; a comment starts with two spaces and a hash";
                    return Err(line.error(start + blank, message));
                }
                let leg = self.leg_named(name);
                if leg >= MOST_LEGS {
                    return Err(line.error(start, &format!("too many legs: at most {MOST_LEGS} are allowed")));
                }
                self.current = Some(leg);
            }
            _ => return Err(line.error(start, "expected `>`, `<`, `[seconds]`, `open`, `leg` or `#`")),
        }
        Ok(None)
    }

    fn event(&mut self, mut line: Line<'_>) -> Result<Event, Error> {
        let time = if line.eat('[') { Some(line.time()?) } else { None };
        line.skip_blanks();
        let from = if line.eat('>') {
            Role::Client
        } else if line.eat('<') {
            Role::Server
        } else {
            return Err(line.error(line.at, "expected `>` or `<` after the time"));
        };
        line.skip_blanks();
        let start = line.at;
        let action = line.action()?;
        line.end()?;

        let leg = self.leg();
        let seen = &mut self.seen[leg];
        seen.events = true;
        let end = &mut seen.ends[usize::from(from == Role::Server)];
        match (&end, &action) {
            (None, _) | (Some(Action::Eof), Action::Reset) => {}
            (Some(Action::Reset), _) => {
                return Err(line.error(start, &format!("the {from} cannot send anything after its reset")));
            }
            (Some(_), _) => {
                return Err(
                    line.error(start, &format!("expected only `reset` from the {from} after its eof"))
                );
            }
        }
        if matches!(action, Action::Eof | Action::Reset) {
            *end = Some(action.clone());
        }
        Ok(Event { line: line.number, time, leg, from, action })
    }

    /// The leg that the line belongs to.
    fn leg(&mut self) -> usize {
        let leg = self.current.unwrap_or_else(|| self.leg_named(self.unnamed));
        self.current = Some(leg);
        leg
    }

    /// The leg with this name; adds one if there is none, even beyond the limit, which the caller checks.
    fn leg_named(&mut self, name: &str) -> usize {
        if let Some(known) = self.legs.iter().position(|leg| leg.name == name) {
            return known;
        }
        self.legs.push(Leg { name: name.to_owned(), open: None });
        self.seen.push(Seen::default());
        self.legs.len() - 1
    }
}

struct Line<'a> {
    number: usize,
    text: &'a str,
    /// The number of its bytes that are consumed.
    at: usize,
}

impl<'a> Line<'a> {
    fn names_another_leg(mut self) -> bool {
        self.skip_blanks();
        self.word() == "leg" && self.argument() != LEG
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// Skips blanks; whether a comment may follow: after two spaces, or a tab.
    fn skip_blanks(&mut self) -> bool {
        let rest = self.rest();
        let blanks = &rest[..rest.len() - rest.trim_start().len()];
        self.at += blanks.len();
        blanks.len() >= 2 || blanks == "\t"
    }

    /// The text up to the next blank.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        self.at += word.len();
        word
    }

    /// The text between a keyword and the end of the line or a comment.
    fn argument(&mut self) -> &'a str {
        let rest = self.rest();
        let end = ["  #", "\t#"].iter().filter_map(|comment| rest.find(comment)).min();
        self.at = self.text.len();
        let argument = rest[..end.unwrap_or(rest.len())].trim();
        // Without an argument, the blanks before the comment are consumed already.
        if argument.starts_with('#') { "" } else { argument }
    }

    /// Parses a time, after its `[`.
    fn time(&mut self) -> Result<Duration, Error> {
        let start = self.at;
        let seconds = self.digits("a number of seconds")?;
        let Ok(seconds) = seconds.parse() else {
            return Err(self.error(start, "the number of seconds is too large"));
        };
        let mut nanos = 0;
        if self.eat('.') {
            let fraction = self.digits("a digit after the point")?;
            // Digits below a nanosecond are dropped.
            for digit in fraction.bytes().chain([b'0'; 9]).take(9) {
                nanos = nanos * 10 + u32::from(digit - b'0');
            }
        }
        if !self.eat(']') {
            return Err(self.unexpected("`]` after the time"));
        }
        Ok(Duration::new(seconds, nanos))
    }

    fn digits(&mut self, expected: &str) -> Result<&'a str, Error> {
        let rest = self.rest();
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        if digits.is_empty() {
            return Err(self.unexpected(expected));
        }
        self.at += digits.len();
        Ok(digits)
    }

    fn action(&mut self) -> Result<Action, Error> {
        let start = self.at;
        match self.word() {
            "eof" => return Ok(Action::Eof),
            "reset" => return Ok(Action::Reset),
            "gap" => {
                self.skip_blanks();
                let start = self.at;
                let bytes = self.digits("the number of missing bytes, for example `gap 1460`")?;
                let bytes = bytes
                    .parse()
                    .map_err(|_| self.error(start, "the number of missing bytes is too large"))?;
                return Ok(Action::Gap(bytes));
            }
            _ => self.at = start,
        }
        if self.eat('"') { self.string().map(Action::Bytes) } else { self.hexadecimal().map(Action::Bytes) }
    }

    fn hexadecimal(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut high = None;
        let mut end = self.at;
        loop {
            let comment = self.skip_blanks();
            if high.is_none() {
                let read = hex_pairs(self.rest().as_bytes(), &mut bytes);
                if read > 0 {
                    self.at += read;
                    end = self.at;
                    continue;
                }
            }
            let Some(next) = self.peek() else { break };
            let Some(digit) = next.to_digit(16) else {
                if comment && next == '#' && (high.is_some() || !bytes.is_empty()) {
                    break;
                }
                return Err(match next {
                    '#' => self.error(
                        self.at,
                        "expected a hexadecimal digit; a comment starts with two spaces and a hash",
                    ),
                    _ if bytes.is_empty() && high.is_none() => self.unexpected(EVENT),
                    _ => self.unexpected("a hexadecimal digit"),
                });
            };
            self.at += next.len_utf8();
            end = self.at;
            // The digit is below 16.
            match high.take() {
                None => high = Some(digit as u8),
                Some(high) => bytes.push(high << 4 | digit as u8),
            }
        }
        if high.is_some() {
            return Err(self.error(end, "expected a second hexadecimal digit: each byte has two"));
        }
        if bytes.is_empty() {
            return Err(self.unexpected(EVENT));
        }
        // Leave the blanks: a comment may follow them.
        self.at = end;
        Ok(bytes)
    }

    /// Parses a string after its opening quote, up to and including the closing quote.
    fn string(&mut self) -> Result<Vec<u8>, Error> {
        let mut string = String::new();
        let mut bytes = Vec::new();
        loop {
            let start = self.at;
            let Some(next) = self.next() else {
                return Err(self.error(start, "expected a closing quote before the end of the line"));
            };
            if next == '"' {
                bytes.append(&mut string.into_bytes());
                return Ok(bytes);
            }
            if next != '\\' {
                string.push(next);
                continue;
            }
            match self.next() {
                Some('r') => string.push('\r'),
                Some('n') => string.push('\n'),
                Some('t') => string.push('\t'),
                Some('"') => string.push('"'),
                Some('\\') => string.push('\\'),
                Some('x') => {
                    let high = self.escaped_digit()?;
                    let low = self.escaped_digit()?;
                    // An escaped byte need not be UTF-8: flush the text before it.
                    bytes.append(&mut std::mem::take(&mut string).into_bytes());
                    bytes.push(high << 4 | low);
                }
                _ => return Err(self.error(start, r#"expected one of the escapes \r \n \t \" \\ \xHH"#)),
            }
        }
    }

    fn escaped_digit(&mut self) -> Result<u8, Error> {
        let Some(digit) = self.peek().and_then(|next| next.to_digit(16)) else {
            return Err(self.unexpected("two hexadecimal digits after `\\x`"));
        };
        self.at += 1;
        Ok(digit as u8)
    }

    fn end(&mut self) -> Result<(), Error> {
        let comment = self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some('#') if comment => Ok(()),
            Some('#') => Err(self.error(self.at, "expected two spaces before the hash of a comment")),
            Some(_) => Err(self.unexpected("the end of the line, or two spaces and a comment")),
        }
    }

    fn unexpected(&self, expected: &str) -> Error {
        match self.peek() {
            Some(found) => {
                self.error(self.at, &format!("expected {expected}, found `{}`", found.escape_debug()))
            }
            None => self.error(self.at, &format!("expected {expected}, found the end of the line")),
        }
    }

    fn error(&self, at: usize, message: &str) -> Error {
        Error { line: self.number, column: self.text[..at].chars().count() + 1, message: message.to_owned() }
    }
}

const EVENT: &str = "bytes in hexadecimal, a string in quotes, `eof` or `reset`";

#[cfg(test)]
mod tests;
