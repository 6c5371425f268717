use std::fmt::Write as _;
use std::ops::Range;

use framewise_inspect::Connection;
use framewise_inspect::report::{Consequence, Finding, How, Part};
use framewise_proto::Header;
use framewise_rules::prose::Language;
use framewise_rules::{Answer, CloseCode};

use super::header::fields;
use super::hex::{View, hex};
use super::markdown::{inline, markdown};
use super::style::{CODE, FAINT, FAULT, HEADING, ID, NOTE, paint};
use super::{clean, shorten, wrap};

/// A finding in full: the sentence, the bytes, the rule, the answer, the causes with their evidence, the fix.
pub(crate) fn finding(finding: &Finding, width: usize) -> String {
    let mut text = String::new();
    let note = finding.answer == Some(Answer::Note);
    let style = if note { NOTE } else { FAULT };
    let word = match (finding.rule, note) {
        (Some(_), true) => "note",
        (Some(_), false) => "broken",
        // Nothing on the wire is wrong, and it broke all the same.
        (None, _) => "rejected although legal",
    };
    let name = finding.rule.map_or("", |rule| rule.id());
    let head = format!("{word} {name}").trim_end().to_owned();
    let _ = writeln!(text, "{}", paint(style, head));
    for line in wrap(&clean(&finding.says), width - 2) {
        let _ = writeln!(text, "  {}", paint(HEADING, inline(&line)));
    }
    let place = place(finding);
    if !place.is_empty() {
        let _ = writeln!(text, "  {}", paint(FAINT, place));
    }
    text.push('\n');
    bytes(&mut text, finding, width);
    facts(&mut text, finding, width);
    causes(&mut text, finding, width);
    text
}

/// The findings of a connection. What repeats one, or follows from one, is a line beneath it: one fault is one finding.
pub(crate) fn findings(findings: &[Finding], width: usize) -> String {
    let mut text = String::new();
    for (index, found) in findings.iter().enumerate().filter(|(_, found)| found.consequence.is_none()) {
        text.push_str(&finding(found, width));
        let of_this = |found: &&Finding| found.consequence.is_some() && root(findings, found) == index;
        let consequences: Vec<_> = findings.iter().filter(of_this).collect();
        let again: Vec<_> = consequences.iter().copied().filter(|found| is_repetition(found)).collect();
        match again.as_slice() {
            [] => {}
            [one] => text.push_str(&consequence(one, width)),
            [first, ..] => text.push_str(&line_beneath(&again_often(first, &again), width)),
        }
        for found in consequences.iter().filter(|found| !is_repetition(found)) {
            text.push_str(&consequence(found, width));
        }
        text.push('\n');
    }
    text
}

/// A finding that repeats another one, or follows from it, in a line.
pub(crate) fn consequence(finding: &Finding, width: usize) -> String {
    let rule = finding.rule.map_or("", |rule| rule.id());
    let line = if is_repetition(finding) {
        format!("again: `{rule}` {}", in_frame(finding))
    } else {
        let rule = if rule.is_empty() { String::new() } else { format!("`{rule}`: ") };
        format!("as a result: {rule}{}", clean(&finding.says))
    };
    line_beneath(&line, width)
}

fn again_often(first: &Finding, all: &[&Finding]) -> String {
    const SHOWN: usize = 6;
    let rule = first.rule.map_or("", |rule| rule.id());
    let shown: Vec<_> = all.iter().take(SHOWN).map(|found| in_frame(found)).collect();
    let more = if all.len() > SHOWN { format!(", and {} more", all.len() - SHOWN) } else { String::new() };
    format!("again, {} times: `{rule}` {}{more}", all.len(), shown.join(", "))
}

fn in_frame(finding: &Finding) -> String {
    match finding.frame {
        Some(frame) => format!("in frame {frame} (byte {})", finding.offset),
        None => format!("at byte {}", finding.offset),
    }
}

fn is_repetition(finding: &Finding) -> bool {
    matches!(finding.consequence, Some(Consequence::Repeats(_)))
}

/// The finding that everything follows from. A consequence is of an earlier finding, so that this ends.
fn root(findings: &[Finding], finding: &Finding) -> usize {
    let mut at = finding;
    loop {
        let Some(Consequence::Repeats(of) | Consequence::Follows(of)) = at.consequence else {
            return at.index;
        };
        match findings.get(of).filter(|found| found.index < at.index) {
            Some(found) => at = found,
            None => return of,
        }
    }
}

fn line_beneath(line: &str, width: usize) -> String {
    let mut text = String::new();
    for (index, line) in wrap(line, width.saturating_sub(4)).iter().enumerate() {
        let _ = writeln!(text, "{:1$}{2}", "", if index == 0 { 2 } else { 4 }, inline(line));
    }
    text
}

/// Where it is, beyond what the sentence says.
fn place(finding: &Finding) -> String {
    let mut place = Vec::new();
    if let Some(message) = finding.message {
        place.push(format!("message {message}"));
    }
    if let Some(time) = finding.time {
        place.push(format!("at {:.3} s", time.as_secs_f64()));
    }
    if finding.leg != "client-server" {
        place.push(format!("leg {}", clean(&finding.leg)));
    }
    place.join(", ")
}

fn bytes(text: &mut String, finding: &Finding, width: usize) {
    let excerpt = &finding.excerpt;
    if excerpt.bytes.is_empty() {
        return;
    }
    let labels = in_detail(&excerpt.parts, &excerpt.bytes);
    // Rows begin at multiples of sixteen, so that offsets can be read off; what precedes the first is left out.
    let cut = (excerpt.start.next_multiple_of(16) - excerpt.start) as usize;
    let first = labels
        .iter()
        .map(|(range, _)| range.start)
        .min()
        .unwrap_or(excerpt.marked.start)
        .min(excerpt.marked.start);
    let cut = if cut <= first { cut } else { 0 };
    let shift = |range: &Range<usize>| range.start.saturating_sub(cut)..range.end.saturating_sub(cut);
    let labels: Vec<_> = labels.into_iter().map(|(range, says)| (shift(&range), says)).collect();
    let view = View {
        start: excerpt.start + cut as u64,
        bytes: &excerpt.bytes[cut..],
        marked: shift(&excerpt.marked),
        labels: &labels,
    };
    text.push_str(&super::indent(&hex(&view, width - 2), 2));
    text.push('\n');
}

/// A frame's header field by field, its payload without its mask.
fn in_detail(parts: &[(Range<usize>, Part)], bytes: &[u8]) -> Vec<(Range<usize>, String)> {
    let mut detailed = Vec::new();
    let mut header = None;
    for (range, part) in parts {
        let Some(found) = bytes.get(range.clone()) else { continue };
        match part {
            Part::Header => {
                header = Header::decode(found);
                detailed.extend(fields(found, range.start));
            }
            Part::Payload => detailed.push((range.clone(), payload(header.as_ref(), found))),
        }
    }
    detailed
}

/// What a payload says, as far as it is short enough for a label.
fn payload(header: Option<&Header>, bytes: &[u8]) -> String {
    let Some(key) = header.and_then(|header| header.mask) else { return "payload".to_owned() };
    let plain: Vec<u8> =
        bytes.iter().zip(key.iter().cycle()).take(16).map(|(byte, key)| byte ^ key).collect();
    let more = if bytes.len() > plain.len() { " …" } else { "" };
    let shown: Vec<_> = plain.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String =
        plain.iter().map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' }).collect();
    format!("payload, unmasked {}{more} |{text}|", shown.join(" "))
}

fn facts(text: &mut String, finding: &Finding, width: usize) {
    let mut fact = |label: &str, value: &str| {
        for (index, line) in wrap(value, width - 12).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let _ = writeln!(text, "  {}  {}", paint(FAINT, format_args!("{label:8}")), inline(line));
        }
    };
    if let Some(rule) = finding.rule {
        let sources: Vec<_> =
            rule.sources().iter().map(|source| format!("{source} {}", source.url())).collect();
        fact("source", &sources.join(", "));
    }
    if let Some(answer) = finding.answer {
        fact("answer", &answer_in_words(answer));
    }
    if let Some(close) = finding.close {
        fact("closed", &format!("with {}", code(close)));
    }
    if !finding.also.is_empty() {
        let also: Vec<_> =
            finding.also.iter().map(|rule| format!("{}: {}", rule.id(), rule.sentence())).collect();
        fact("also", &also.join("; "));
    }
}

fn answer_in_words(answer: Answer) -> String {
    match answer {
        Answer::Close(close) => format!("a strict endpoint closes with {}", code(close)),
        Answer::Http(status) => format!("a strict server rejects the handshake with HTTP {status}"),
        Answer::Abort => "a strict client drops the connection".to_owned(),
        Answer::Lost => "nothing can be sent any more; the application gets 1006".to_owned(),
        Answer::Note => "none: legal, or only a SHOULD".to_owned(),
        _ => answer.to_string(),
    }
}

fn causes(text: &mut String, finding: &Finding, width: usize) {
    for (index, cause) in finding.causes.iter().enumerate() {
        let label = if index == 0 { "cause" } else { "or" };
        let _ = writeln!(
            text,
            "  {}  {}  {}  {}",
            paint(FAINT, format_args!("{label:8}")),
            paint(ID, cause.id.id()),
            inline(cause.id.title(Language::English)),
            cause.fault.map_or_else(String::new, |fault| paint(FAINT, format_args!("(fault: {fault})"))),
        );
        text.push_str(&markdown(&clean(&cause.evidence), width, 12));
        text.push_str(&labelled(&cause.fix, width));
    }
    if finding.causes.is_empty() && finding.answer != Some(Answer::Note) {
        // An unfounded guess is worse than none: how to fix the rule itself is all there is to say.
        let _ = writeln!(
            text,
            "  {}  unknown (nothing in the recording points to one)",
            paint(FAINT, "cause   ")
        );
        if let Some(rule) = finding.rule {
            text.push_str(&labelled(&rule.fix_line(Language::English), width));
        }
    }
}

fn labelled(fix: &str, width: usize) -> String {
    let mut text = String::new();
    for (index, line) in wrap(clean(fix).trim_end_matches([':', ' ']), width - 12).iter().enumerate() {
        let label = if index == 0 { "fix" } else { "" };
        let _ = writeln!(text, "  {}  {}", paint(FAINT, format_args!("{label:8}")), inline(line));
    }
    text
}

/// `1002 (Protocol error)`
pub(crate) fn code(code: CloseCode) -> String {
    match code.row() {
        Some(row) => format!("{code} ({})", row.name()),
        None => code.to_string(),
    }
}

/// How a connection began and ended, and what explains it, in a few lines.
pub(crate) fn summary(connection: &Connection) -> String {
    let mut text = String::new();
    if let Some(handshake) = &connection.handshake {
        let mut line = handshake.status.map_or_else(String::new, |status| format!("handshake {status}"));
        if let Some(protocol) = &handshake.subprotocol {
            let _ = write!(line, ", subprotocol {}", clean(protocol));
        }
        if let Some(extensions) = &handshake.extensions {
            let _ = write!(line, ", extensions {}", clean(extensions));
        }
        // A recording that begins after the handshake, or ends before its answer, has nothing to say here.
        if !line.is_empty() {
            let _ = writeln!(text, "{}", line.trim_start_matches([',', ' ']));
        }
    }
    match &connection.ended {
        None => text.push_str("still open at the end of the recording\n"),
        Some(ended) => {
            let how = match ended.how {
                How::Close => "a Close frame",
                How::Eof => "the end of its stream",
                How::Reset => "a reset",
            };
            let code = ended.code.map_or_else(String::new, |close| format!(", {}", code(close)));
            let reason = ended
                .reason
                .as_ref()
                .map_or_else(String::new, |reason| format!(" \"{}\"", clean(&shorten(reason, 120))));
            let _ = writeln!(text, "ended by the {}: {how}{code}{reason}", ended.by);
        }
    }
    let notes = connection.findings.iter().filter(|finding| finding.answer == Some(Answer::Note)).count();
    match &connection.verdict {
        None if notes == 0 => text.push_str("nothing wrong found\n"),
        None => {
            let _ =
                writeln!(text, "nothing wrong found, {notes} {}", if notes == 1 { "note" } else { "notes" });
        }
        Some(verdict) => {
            let mut line = match verdict.rule {
                Some(rule) => paint(FAULT, rule.id()),
                None => paint(FAULT, "every byte is legal, but the connection broke"),
            };
            if let Some(cause) = verdict.cause {
                let _ = write!(line, ", cause {}", paint(CODE, cause.id()));
            }
            if let Some(fault) = verdict.fault {
                let _ = write!(line, ", fault: {fault}");
            }
            if let Some(close) = verdict.close {
                let _ = write!(line, ", close {}", code(close));
            }
            let _ = writeln!(text, "verdict: {line}");
        }
    }
    text
}
