//! Builds findings: the sentence, and the bytes around the fault.

use std::fmt::Write as _;

use framewise_proto::Violation;
use framewise_rules::{Answer, Role, Rule};

use crate::application::Refusal;
use crate::cause::quote;
use crate::frames::{CloseSeen, Moment};
use crate::leg::{Direction, Leg};
use crate::report::{Excerpt, Finding, Part, Searched};

/// How many bytes an excerpt has before and after the offending ones.
const BEFORE: u64 = 32;
const BEHIND: u64 = 64;
/// The largest number of bytes that a finding shows.
const SHOWN: usize = 48;
/// How many bytes after the offending ones a finding shows: the payload begins there, after a header.
const MORE: usize = 8;

/// The finding for a broken rule.
pub(crate) fn broken(leg: &Leg, violation: Violation, at: Moment) -> Finding {
    let says = violation.sentence().to_string();
    let Violation { rule, by, offset, length, frame, message, also, .. } = violation;
    let mut finding = Finding {
        rule: Some(rule),
        answer: Some(rule.answer()),
        by: Some(by),
        leg: leg.name.clone(),
        offset: offset.unwrap_or_default(),
        length,
        frame: Some(frame).filter(|&frame| frame > 0),
        message: Some(message).filter(|&message| message > 0),
        time: at.time,
        bytes: String::new(),
        also,
        says,
        causes: Vec::new(),
        searched: Searched::No,
        index: 0,
        consequence: None,
        excerpt: Excerpt::default(),
        close: None,
    };
    fill(&mut finding, leg.dir(by));
    if matches!(rule, Rule::RequestHeaderMalformed | Rule::ResponseHeaderMalformed) {
        let line = leg.dir(by).window.read(finding.offset, finding.length);
        let _ = write!(finding.says, " The line is {}.", quote(line));
    }
    finding
}

/// The finding for a Close frame that refuses legal bytes.
pub(crate) fn refused(leg: &Leg, stream: Role, close: &CloseSeen, at: Moment) -> Finding {
    let code = close.code.map_or(0, |code| code.0);
    let mut says = format!(
        "Every byte of the {} is legal, yet the {stream} fails the connection with {code}",
        stream.peer()
    );
    if !close.reason.is_empty() {
        let _ = write!(says, " ({:?})", close.reason);
    }
    says.push('.');
    without_rule(leg, stream, close, says, None, at)
}

/// The finding for a Close frame whose code the application's protocol defines as a refusal. Every byte is legal, so it
/// is a note.
pub(crate) fn declined(leg: &Leg, stream: Role, close: &CloseSeen, refusal: Refusal, at: Moment) -> Finding {
    let code = close.code.map_or(0, |code| code.0);
    let mut says = format!("The application closes with {code}");
    if !close.reason.is_empty() {
        let _ = write!(says, " ({:?})", close.reason);
    }
    let Refusal { protocol, means } = refusal;
    let _ = write!(says, ", in {protocol}: {means}. Sent by the {stream} at byte {}.", close.offset);
    without_rule(leg, stream, close, says, Some(Answer::Note), at)
}

fn without_rule(
    leg: &Leg,
    stream: Role,
    close: &CloseSeen,
    says: String,
    answer: Option<Answer>,
    at: Moment,
) -> Finding {
    let mut finding = Finding {
        rule: None,
        answer,
        by: None,
        leg: leg.name.clone(),
        offset: close.offset,
        length: 2,
        frame: Some(close.frame),
        message: None,
        time: at.time,
        bytes: String::new(),
        also: Vec::new(),
        says,
        causes: Vec::new(),
        searched: Searched::No,
        index: 0,
        consequence: None,
        excerpt: Excerpt::default(),
        close: close.code,
    };
    fill(&mut finding, leg.dir(stream));
    finding
}

/// Fills in the bytes that have arrived so far.
pub(crate) fn fill(finding: &mut Finding, dir: &Direction) {
    let window = &dir.window;
    let end = finding.offset.saturating_add(finding.length);
    let (start, bytes) = window.around(finding.offset..end.saturating_add(BEHIND), BEFORE);
    // If the bytes were dropped since, keep those filled in earlier.
    if bytes.is_empty() || finding.offset < window.start() {
        return;
    }
    let from = (finding.offset.saturating_sub(start) as usize).min(bytes.len());
    let to = (from + finding.length as usize).min(bytes.len());
    let mut parts = Vec::new();
    if let Some(frames) = &dir.frames
        && let Some(frame) = finding.frame.and_then(|number| frames.log.frame(number))
    {
        let inside = |offset: u64| (offset.saturating_sub(start) as usize).min(bytes.len());
        if frame.offset >= start {
            parts.push((inside(frame.offset)..inside(frame.payload()), Part::Header));
            parts.push((inside(frame.payload())..inside(frame.end()), Part::Payload));
        }
    }
    parts.retain(|(range, _)| !range.is_empty());
    finding.excerpt = Excerpt { start, bytes: bytes.to_vec(), marked: from..to, parts };
    if finding.length > 0 {
        finding.bytes = hex(&bytes[from..(to + MORE).min(from + SHOWN).min(bytes.len())]);
    }
}

/// Bytes in hexadecimal, separated by spaces.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if index == 0 { "" } else { " " });
    }
    text
}
