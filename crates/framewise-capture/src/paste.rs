//! What people paste: dumps of tools, heads of HTTP, byte lists of languages, one after another in one text.

mod curl;
mod dump;
mod follow;
mod heads;
mod literal;
mod packets;
mod trace;

use std::time::Duration;

use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

use crate::note::{Note, Notes};
use crate::sink::{About, Source};
use crate::{Options, guess, plural};

pub(crate) use literal::python;
pub(crate) use packets::{as_packet, from_segments, of_packet, packet};

/// A connection that was found in a text.
pub(crate) type Found = (About, Transcript);

/// Bytes of one side, as a text has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Who sent them, where the text says it.
    pub(crate) from: Option<Role>,
    pub(crate) time: Option<Duration>,
    pub(crate) what: What,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Bytes(Vec<u8>),
    /// Bytes that the text counts and does not show.
    Gap(u64),
}

impl Default for What {
    fn default() -> Self {
        Self::Gap(0)
    }
}

/// What a reader made of some lines.
#[derive(Debug)]
pub(crate) struct Block {
    /// Lines that it took.
    pub(crate) lines: usize,
    /// What they are, in words: `curl -v`.
    pub(crate) name: &'static str,
    pub(crate) content: Content,
}

/// What lines hold.
#[derive(Debug)]
pub(crate) enum Content {
    /// Bytes of one connection.
    Pieces(Vec<Piece>),
    /// Packets: time, link type, bytes.
    Packets(Vec<(Duration, u16, Vec<u8>)>),
}

/// Tries to read what begins at the first of these lines.
type Reader = fn(&[&str]) -> Option<Block>;

/// In the order in which they are tried: what has more evidence comes first.
const READERS: [Reader; 8] = [
    trace::read,
    dump::tcpdump,
    dump::socat,
    follow::read,
    curl::read,
    dump::rows,
    heads::read,
    literal::read,
];

/// Reads a text of any of these kinds, as far as it is understood.
pub(crate) fn read(text: &str, options: &Options, notes: &mut Notes) -> Vec<Found> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut at, mut skipped) = (0, 0_u64);
    let mut blocks: Vec<Block> = Vec::new();
    while at < lines.len() {
        let rest = &lines[at..];
        if let Some(block) = READERS.iter().find_map(|reader| reader(rest)).filter(|block| block.lines > 0) {
            at += block.lines;
            join(&mut blocks, block);
        } else {
            skipped += u64::from(!lines[at].trim().is_empty());
            at += 1;
        }
    }
    let mut found = Vec::new();
    let mut names: Vec<(&str, u64)> = Vec::new();
    for block in blocks {
        match names.iter_mut().find(|(name, _)| *name == block.name) {
            Some((_, count)) => *count += 1,
            None => names.push((block.name, 1)),
        }
        match block.content {
            Content::Pieces(pieces) => found.extend(of_pieces(pieces, block.name, options, notes)),
            Content::Packets(packets) => found.extend(packets::connections(&packets, notes)),
        }
    }
    if !found.is_empty() {
        for (name, count) in names {
            notes.push(Note::Read(if count == 1 {
                name.to_owned()
            } else {
                format!("{name} ({count} times)")
            }));
        }
        if skipped > 0 {
            notes.push(Note::Skipped(plural(skipped, "line")));
        }
    }
    number(&mut found);
    found
}

/// Whether rows with offsets are those of several packets, or of both sides of a stream.
pub(crate) fn has_several_dumps(text: &str) -> bool {
    let mut rows = text.lines().filter_map(dump::row);
    let Some((side, mut next, first)) = rows.next() else { return false };
    next += first.len();
    rows.any(|(other, offset, bytes)| {
        let breaks = other != side || (offset < next && offset == 0);
        next = offset + bytes.len();
        breaks
    })
}

/// Numbers connections, as they come.
pub(crate) fn number(found: &mut [Found]) {
    for (index, (about, _)) in found.iter_mut().enumerate() {
        about.number = index as u64 + 1;
    }
}

/// A response belongs to the request before it, and bytes to what they follow.
fn join(blocks: &mut Vec<Block>, mut block: Block) {
    if let Some(last) = blocks.last_mut().filter(|last| last.name == block.name)
        && let (Content::Pieces(before), Content::Pieces(more)) = (&mut last.content, &mut block.content)
        && !more.first().is_some_and(begins)
    {
        before.append(more);
        return;
    }
    blocks.push(block);
}

/// Whether a piece is the beginning of a connection.
fn begins(piece: &Piece) -> bool {
    matches!(&piece.what, What::Bytes(bytes) if is_request(bytes))
}

/// Whether bytes begin as a request does.
pub(crate) fn is_request(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    let method = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (3..=7).contains(&method)
        && line.get(method) == Some(&b' ')
        && line.windows(6).any(|window| window == b" HTTP/")
}

/// Whether bytes begin as a response does.
pub(crate) fn is_response(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/")
}

/// Pieces as a connection. Where no piece says who sent it, the options do.
fn of_pieces(mut pieces: Vec<Piece>, name: &str, options: &Options, notes: &mut Notes) -> Option<Found> {
    let silent = pieces.iter().all(|piece| piece.from.is_none());
    let mut own = Notes::default();
    if silent {
        for piece in &mut pieces {
            piece.from = options.from;
        }
    }
    let found = connection(pieces, name, &mut own);
    for note in &own {
        // What was given is no guess.
        if !(silent && options.from.is_some() && matches!(note, Note::Guess(_))) {
            notes.push(note.clone());
        }
    }
    let (mut about, mut transcript) = found?;
    if let (Some(leg), Some(extensions)) = (transcript.legs.first_mut(), &options.extensions)
        && leg.open.is_some()
    {
        leg.open = Some(extensions.clone());
        about.legs.clone_from(&transcript.legs);
    }
    Some((about, transcript))
}

/// Pieces as a connection. Who sent them is guessed, where no piece says it.
pub(crate) fn connection(pieces: Vec<Piece>, name: &str, notes: &mut Notes) -> Option<Found> {
    let shown = |piece: &&Piece| matches!(&piece.what, What::Bytes(bytes) if !bytes.is_empty());
    let first = pieces.iter().find(shown)?;
    let What::Bytes(start) = &first.what else { return None };
    let handshake = pieces.iter().filter(shown).any(|piece| match &piece.what {
        What::Bytes(bytes) => is_request(bytes) || is_response(bytes),
        What::Gap(_) => false,
    });
    let masked = |bytes: &[u8]| bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    if first.from.is_none() && !is_request(start) && !is_response(start) {
        let role = if masked(start) { Role::Client } else { Role::Server };
        notes.push(Note::Guess(guess(role).to_owned()));
    }
    // A tool's direction may be the other way round: the head says who is who.
    let swapped = pieces.iter().filter(shown).find_map(|piece| match (&piece.what, piece.from) {
        (What::Bytes(bytes), Some(from)) if is_request(bytes) => Some(from == Role::Server),
        (What::Bytes(bytes), Some(from)) if is_response(bytes) => Some(from == Role::Client),
        _ => None,
    });
    if swapped.is_none() && first.from.is_some() && !handshake {
        notes.push(Note::Guess(format!(
            "the first direction of the {name} output is the client's; if it is the server's, swap the two (each mask says \
             who sent a frame)"
        )));
    }
    let missing: u64 =
        pieces.iter().map(|piece| if let What::Gap(bytes) = piece.what { bytes } else { 0 }).sum();
    if missing > 0 {
        notes.push(Note::Limit(format!("{} are counted but not shown by {name}", plural(missing, "byte"))));
    }
    let mut events = Vec::new();
    let start = pieces.iter().find_map(|piece| piece.time);
    for (index, piece) in pieces.into_iter().enumerate() {
        let guessed = match &piece.what {
            What::Bytes(bytes) if is_request(bytes) => Role::Client,
            What::Bytes(bytes) if !is_response(bytes) && masked(bytes) => Role::Client,
            What::Bytes(_) | What::Gap(_) => Role::Server,
        };
        let from = match (piece.from, swapped) {
            (Some(from), Some(true)) => from.peer(),
            (Some(from), _) => from,
            (None, _) => guessed,
        };
        let action = match piece.what {
            What::Bytes(bytes) if bytes.is_empty() => continue,
            What::Bytes(bytes) => Action::Bytes(bytes),
            What::Gap(bytes) => Action::Gap(bytes),
        };
        let time = piece.time.map(|time| time.saturating_sub(start.unwrap_or_default()));
        events.push(Event { line: index + 1, time, leg: 0, from, action });
    }
    let legs = vec![Leg { name: "client-server".to_owned(), open: (!handshake).then(String::new) }];
    let about = About { legs: legs.clone(), source: Source::Bytes, ..About::default() };
    Some((about, Transcript { legs, events }))
}

/// A line without its end.
pub(crate) fn bare(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// Pairs of hexadecimal digits, as many as there are, with one blank or none between two; and what follows them.
pub(crate) fn pairs(text: &str, most: usize) -> (Vec<u8>, &str) {
    let mut bytes = Vec::new();
    let mut rest = text;
    while bytes.len() < most {
        let after = rest.strip_prefix(' ').filter(|_| !bytes.is_empty()).unwrap_or(rest);
        let Some(byte) = after.get(..2).and_then(hex_pair) else { break };
        bytes.push(byte);
        rest = &after[2..];
    }
    (bytes, rest)
}

fn hex_pair(two: &str) -> Option<u8> {
    if two.bytes().all(|byte| byte.is_ascii_hexdigit()) { u8::from_str_radix(two, 16).ok() } else { None }
}

/// `04:46:02.000427495`, anywhere in the text: since midnight.
pub(crate) fn time_of_day(text: &str) -> Option<Duration> {
    text.split([' ', 'T', '[', ']', ',']).find_map(|word| {
        let mut parts = word.split(':');
        let (hours, minutes) = (parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u64>().ok()?);
        let seconds = parts.next().filter(|_| hours < 24 && minutes < 60)?;
        let seconds = seconds.trim_end_matches('Z');
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let whole =
            whole.parse::<u64>().ok().filter(|_| fraction.bytes().all(|byte| byte.is_ascii_digit()))?;
        let nanos = fraction
            .bytes()
            .chain([b'0'; 9])
            .take(9)
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        Some(Duration::new(hours * 3600 + minutes * 60 + whole, nanos))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_pairs_are_read() {
        assert_eq!(time_of_day("> 2026/11/28 04:46:02.5  length"), Some(Duration::new(17_162, 500_000_000)));
        assert_eq!(time_of_day("[2026-11-28T04:46:02Z TRACE"), Some(Duration::new(17_162, 0)));
        assert_eq!(time_of_day("no time: 12:34"), None);
        assert_eq!(pairs("81 05 68  hi", 16), (vec![0x81, 5, 0x68], "  hi"));
        assert_eq!(pairs("8105 6869", 3), (vec![0x81, 5, 0x68], "69"));
        assert_eq!(pairs("8x", 16), (vec![], "8x"));
    }
}
