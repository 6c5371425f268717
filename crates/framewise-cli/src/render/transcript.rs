use std::fmt::Write as _;

use framewise_rules::Role;
use framewise_transcript::{Action, Event, Transcript};

use super::style::{FAINT, FAULT, paint};

/// Bytes of one event that are shown; the rest is counted.
const SHOWN: usize = 64;
const BYTES_A_LINE: usize = 16;

/// Where the mark goes: a byte of one side's stream, or its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) from: Role,
    pub(crate) offset: u64,
}

/// A transcript in its own notation, split into lines that fit, with a caret under the marked byte and a label beside it.
///
/// `source` is what was parsed: the comments after bytes in hexadecimal are shown too, since they say what a masked
/// payload is.
pub(crate) fn transcript(source: &str, transcript: &Transcript, mark: Option<(Mark, &str)>) -> String {
    let mut text = String::new();
    let last_leg = transcript.events.last().map_or(0, |event| event.leg);
    let mut seen = 0_u64;
    let mut marked = false;
    let mut leg = usize::MAX;
    for event in &transcript.events {
        if leg != event.leg {
            leg = event.leg;
            if let Some(leg) = transcript.legs.get(leg) {
                if transcript.legs.len() > 1 {
                    let _ = writeln!(text, "leg {}", leg.name);
                }
                if let Some(agreed) = &leg.open {
                    let _ = writeln!(text, "{}", format!("open {agreed}").trim_end());
                }
            }
        }
        let time = event.time.map_or(String::new(), |time| format!("[{:.3}] ", time.as_secs_f64()));
        let arrow = match event.from {
            Role::Client => ">",
            Role::Server => "<",
        };
        let prefix = format!("{time}{arrow} ");
        let mark = mark.filter(|(mark, _)| mark.from == event.from && event.leg == last_leg);
        match &event.action {
            Action::Bytes(bytes) => {
                let at = mark.and_then(|(mark, _)| usize::try_from(mark.offset.checked_sub(seen)?).ok());
                let at = at.filter(|&at| at < bytes.len());
                let mut lines = lines(bytes, at);
                if let (Some(last), Some(comment)) = (lines.last_mut(), comment(source, event.line)) {
                    last.shown.push_str(&paint(FAINT, format!("  # {comment}")));
                }
                for line in lines {
                    line.write(&mut text, &prefix, mark.map_or("", |(_, label)| label));
                }
                marked |= at.is_some();
                if mark.is_some() {
                    seen += bytes.len() as u64;
                }
            }
            Action::Gap(bytes) => {
                let _ = writeln!(text, "{prefix}gap {bytes}");
                if mark.is_some() {
                    seen += bytes;
                }
            }
            Action::Eof | Action::Reset => {
                let word = if event.action == Action::Eof { "eof" } else { "reset" };
                let _ = writeln!(text, "{prefix}{word}");
                if let Some((_, label)) = mark.filter(|(mark, _)| !marked && mark.offset >= seen) {
                    marked = true;
                    caret(&mut text, prefix.len(), word.len(), label);
                }
            }
        }
    }
    text
}

/// The comment on this line (from 1), if its bytes are in hexadecimal: a hash inside a string is not a comment.
fn comment(source: &str, line: usize) -> Option<&str> {
    let (event, comment) = source.lines().nth(line.checked_sub(1)?)?.split_once("  # ")?;
    (!event.contains('"')).then_some(comment)
}

/// The offender of an example: whose stream its last step, and so its offset, is about.
pub(crate) fn offender(transcript: &Transcript, rule: framewise_rules::Rule) -> Role {
    let last = transcript.events.last().map_or(Role::Client, |event: &Event| event.from);
    if rule.by().includes(last) { last } else { last.peer() }
}

struct Line {
    shown: String,
    /// Columns of the mark, and how many.
    mark: Option<(usize, usize)>,
}

impl Line {
    fn write(&self, text: &mut String, prefix: &str, label: &str) {
        let _ = writeln!(text, "{prefix}{}", self.shown);
        if let Some((column, width)) = self.mark {
            caret(text, prefix.len() + column, width, label);
        }
    }
}

fn caret(text: &mut String, column: usize, width: usize, label: &str) {
    let _ = writeln!(text, "{:column$}{}", "", paint(FAULT, format!("{} {label}", "^".repeat(width))));
}

/// An HTTP head line by line as strings, everything else in rows of bytes.
fn lines(bytes: &[u8], at: Option<usize>) -> Vec<Line> {
    let head = head_length(bytes);
    let mut lines = Vec::new();
    let mut start = 0;
    while start < head {
        let end = bytes[start..head]
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .map_or(head, |found| start + found + 2);
        lines.push(string(&bytes[start..end], at.and_then(|at| at.checked_sub(start))));
        start = end;
    }
    let rest = &bytes[head..];
    let from = at.and_then(|at| at.checked_sub(head));
    // The rows before a mark far below are skipped, so that it is always seen.
    let skip = from.map_or(0, |from| (from / BYTES_A_LINE).saturating_sub(1) * BYTES_A_LINE);
    let skip = if skip + BYTES_A_LINE < SHOWN { 0 } else { skip };
    if skip > 0 {
        lines.push(counted(skip));
    }
    let end = rest.len().min(skip + SHOWN);
    for (row, chunk) in rest[skip..end].chunks(BYTES_A_LINE).enumerate() {
        let start = skip + row * BYTES_A_LINE;
        let shown: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let mark = from
            .filter(|from| (start..start + chunk.len()).contains(from))
            .map(|from| (3 * (from - start), 2));
        lines.push(Line { shown: shown.join(" "), mark });
    }
    if end < rest.len() {
        lines.push(counted(rest.len() - end));
    }
    lines
}

fn counted(bytes: usize) -> Line {
    Line { shown: paint(FAINT, format!("# {bytes} bytes more")), mark: None }
}

/// Bytes that a person reads better as text: an HTTP head, or text throughout.
fn head_length(bytes: &[u8]) -> usize {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    if bytes[..head].iter().all(is_text) { head } else { 0 }
}

fn string(bytes: &[u8], at: Option<usize>) -> Line {
    let mut shown = String::from("\"");
    let mut mark = None;
    for (index, &byte) in bytes.iter().enumerate() {
        let before = shown.len();
        match byte {
            b'\r' => shown.push_str("\\r"),
            b'\n' => shown.push_str("\\n"),
            b'\t' => shown.push_str("\\t"),
            b'"' | b'\\' => {
                shown.push('\\');
                shown.push(byte.into());
            }
            _ => shown.push(byte.into()),
        }
        if at == Some(index) {
            mark = Some((before, shown.len() - before));
        }
    }
    shown.push('"');
    Line { shown, mark }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, mark: Option<(Mark, &str)>) -> String {
        let parsed = Transcript::parse(text).expect("the test's transcript is right");
        anstream::adapter::strip_str(&transcript(text, &parsed, mark)).to_string()
    }

    #[test]
    fn a_comment_stays_on_its_line_and_a_hash_in_a_string_is_none() {
        let mark = Mark { from: Role::Client, offset: 6 };
        let text = plain("open\n> 81 81 37 fa 21 3d b7  # <80>\n< 81 00", Some((mark, "here")));
        assert_eq!(text, "open\n> 81 81 37 fa 21 3d b7  # <80>\n                    ^^ here\n< 81 00\n");
        assert_eq!(plain("> \"a  # b\"", None), "> \"a  # b\"\n");
    }

    #[test]
    fn the_byte_is_marked_in_its_own_line() {
        let mark = Mark { from: Role::Client, offset: 3 };
        let text = plain("open\n< 81 00\n> 81 80\n> 00 ff", Some((mark, "here")));
        assert_eq!(text, "open\n< 81 00\n> 81 80\n> 00 ff\n     ^^ here\n");
    }

    #[test]
    fn a_head_is_shown_line_by_line() {
        let mark = Mark { from: Role::Client, offset: 4 };
        let text = plain("> \"GET / HTTP/1.1\\r\\nA: b\\r\\n\\r\\n\"", Some((mark, "x")));
        assert_eq!(text, "> \"GET / HTTP/1.1\\r\\n\"\n       ^ x\n> \"A: b\\r\\n\"\n> \"\\r\\n\"\n");
    }

    #[test]
    fn the_end_of_a_stream_is_marked_where_it_ends() {
        let mark = Mark { from: Role::Server, offset: 1 };
        assert_eq!(plain("open\n< 81\n< eof", Some((mark, "x"))), "open\n< 81\n< eof\n  ^^^ x\n");
    }

    #[test]
    fn a_mark_far_behind_is_seen() {
        let bytes = "00".repeat(1000) + "ff";
        let text = plain(&format!("open\n> {bytes}"), Some((Mark { from: Role::Client, offset: 1000 }, "x")));
        assert!(text.contains("976 bytes more") && text.contains("ff\n") && text.contains("^^ x"), "{text}");
    }
}
