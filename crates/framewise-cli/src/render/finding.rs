use std::fmt::Write as _;
use std::ops::Range;

use framewise_inspect::Connection;
use framewise_inspect::report::{Finding, How};
use framewise_rules::prose::Language;
use framewise_rules::{Answer, CloseCode};

use super::header::fields;
use super::hex::{View, hex};
use super::markdown::{inline, markdown};
use super::style::{CODE, FAINT, FAULT, HEADING, ID, NOTE, paint};
use super::{clean, wrap};

/// A finding in full: the sentence, the bytes, the rule, the answer, the causes with their evidence, the fix.
pub(crate) fn finding(finding: &Finding, width: usize) -> String {
    let mut text = String::new();
    let note = finding.answer == Some(Answer::Note);
    let style = if note { NOTE } else { FAULT };
    let word = match (finding.rule, note) {
        (Some(_), true) => "note",
        (Some(_), false) => "broken",
        // Nothing on the wire is wrong, and it broke all the same.
        (None, _) => "legal, but",
    };
    let name = finding.rule.map_or("", |rule| rule.id());
    let head = format!("{word} {name}").trim_end().to_owned();
    let _ = writeln!(text, "{}", paint(style, head));
    for line in wrap(&clean(&finding.says), width - 2) {
        let _ = writeln!(text, "  {}", paint(HEADING, inline(&line)));
    }
    let _ = writeln!(text, "  {}\n", paint(FAINT, place(finding)));
    bytes(&mut text, finding, width);
    facts(&mut text, finding, width);
    causes(&mut text, finding, width);
    text
}

/// Where it is: side, leg, byte, frame, time.
fn place(finding: &Finding) -> String {
    let mut place = finding.by.map_or_else(String::new, |by| format!("sent by the {by}, "));
    let _ = write!(place, "byte {}", finding.offset);
    if let Some(frame) = finding.frame {
        let _ = write!(place, ", frame {frame}");
    }
    if let Some(message) = finding.message {
        let _ = write!(place, ", message {message}");
    }
    if let Some(time) = finding.time {
        let _ = write!(place, ", at {:.3} s", time.as_secs_f64());
    }
    if finding.leg != "client-server" {
        let _ = write!(place, ", leg {}", clean(&finding.leg));
    }
    place
}

fn bytes(text: &mut String, finding: &Finding, width: usize) {
    let excerpt = &finding.excerpt;
    if excerpt.bytes.is_empty() {
        return;
    }
    let labels: Vec<_> = excerpt.labels.iter().flat_map(|label| in_detail(label, &excerpt.bytes)).collect();
    let view = View { start: excerpt.start, bytes: &excerpt.bytes, marked: excerpt.marked.clone(), labels: &labels };
    text.push_str(&super::indent(&hex(&view, width - 2), 2));
    text.push('\n');
}

/// A frame's header field by field; every other label as it is.
fn in_detail((range, says): &(Range<usize>, String), bytes: &[u8]) -> Vec<(Range<usize>, String)> {
    match bytes.get(range.clone()) {
        Some(header) if says.ends_with(" header") => fields(header, range.start),
        _ => vec![(range.clone(), says.clone())],
    }
}

fn facts(text: &mut String, finding: &Finding, width: usize) {
    let mut fact = |label: &str, value: &str| {
        for (index, line) in wrap(value, width - 12).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let _ = writeln!(text, "  {}  {}", paint(FAINT, format_args!("{label:8}")), inline(line));
        }
    };
    if let Some(rule) = finding.rule {
        fact("rule", &format!("{}: {}", rule.id(), rule.sentence()));
        let sources: Vec<_> = rule.sources().iter().map(|source| format!("{source} {}", source.url())).collect();
        fact("source", &sources.join(", "));
    }
    if let Some(answer) = finding.answer {
        fact("answer", &answer_in_words(answer));
    }
    if let Some(close) = finding.close {
        fact("closed", &format!("with {}", code(close)));
    }
    if !finding.also.is_empty() {
        let also: Vec<_> = finding.also.iter().map(|rule| format!("{}: {}", rule.id(), rule.sentence())).collect();
        fact("also", &also.join("; "));
    }
}

fn answer_in_words(answer: Answer) -> String {
    match answer {
        Answer::Close(close) => format!("a strict endpoint closes with {}", code(close)),
        Answer::Http(status) => format!("a strict server refuses the handshake with HTTP {status}"),
        Answer::Abort => "a strict client drops the connection".to_owned(),
        Answer::Lost => "nothing can be sent any more; the application is told 1006".to_owned(),
        Answer::Note => "none: legal, or only a SHOULD".to_owned(),
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
            paint(FAINT, format_args!("(fault: {})", cause.fault)),
        );
        text.push_str(&markdown(&clean(&cause.evidence), width, 12));
        text.push_str(&labelled(&cause.fix, width));
    }
    if finding.causes.is_empty() && finding.answer != Some(Answer::Note) {
        // An unfounded guess is worse than none: how to fix the rule itself is all there is to say.
        let _ = writeln!(text, "  {}  nothing points to one", paint(FAINT, "cause   "));
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
        let mut line = match handshake.status {
            Some(status) => format!("handshake {status}"),
            None => "handshake not answered".to_owned(),
        };
        if let Some(protocol) = &handshake.subprotocol {
            let _ = write!(line, ", subprotocol {}", clean(protocol));
        }
        if let Some(extensions) = &handshake.extensions {
            let _ = write!(line, ", extensions {}", clean(extensions));
        }
        let _ = writeln!(text, "{line}");
    }
    match &connection.ended {
        None => text.push_str("did not end here\n"),
        Some(ended) => {
            let how = match ended.how {
                How::Close => "a Close frame",
                How::Eof => "the end of its stream",
                How::Reset => "a reset",
            };
            let code = ended.code.map_or_else(String::new, |close| format!(", {}", code(close)));
            let reason = ended.reason.as_ref().map_or_else(String::new, |reason| format!(" \"{}\"", clean(reason)));
            let _ = writeln!(text, "ended by the {}: {how}{code}{reason}", ended.by);
        }
    }
    let notes = connection.findings.iter().filter(|finding| finding.answer == Some(Answer::Note)).count();
    match &connection.verdict {
        None if notes == 0 => text.push_str("nothing wrong found\n"),
        None => {
            let _ = writeln!(text, "nothing wrong found, {notes} {}", if notes == 1 { "note" } else { "notes" });
        }
        Some(verdict) => {
            let mut line = match verdict.rule {
                Some(rule) => paint(FAULT, rule.id()),
                None => paint(FAULT, "every byte is legal, and yet it broke"),
            };
            if let Some(cause) = verdict.cause {
                let _ = write!(line, ", cause {}", paint(CODE, cause.id()));
            }
            if let Some(fault) = verdict.fault {
                let _ = write!(line, ", fault of the {fault}");
            }
            if let Some(close) = verdict.close {
                let _ = write!(line, ", close {}", code(close));
            }
            let _ = writeln!(text, "verdict: {line}");
        }
    }
    text
}
