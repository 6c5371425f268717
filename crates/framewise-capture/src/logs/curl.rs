//! What curl says of frames (`curl -v --trace-config ws`, `-vvv` and `--trace-ascii`, from 8.0 on): `* [WS] …`.

use std::time::Duration;

use framewise_rules::{Role, Rule};

use super::told;
use crate::builder::{Builder, Frame, Payload};
use crate::note::{Note, Notes};
use crate::paste::{Found, is_request, time_of_day};
use crate::sink::Source;
use crate::text::bytes_of;

/// What curl says itself: after `* `, or after `== Info: ` in a trace; and the time before it.
fn said(line: &str) -> Option<&str> {
    let at = line.find("[WS] ")?;
    let before = &line[..at];
    (before.ends_with("* ") || before.ends_with("== Info: ") || before.ends_with("curl: (56) "))
        .then_some(&line[at + 5..])
}

/// Whether these lines are of such a log, and bytes are not in it: `curl --trace` has them as well.
pub(super) fn is_log(lines: &[&str]) -> bool {
    let bytes = lines.windows(2).any(|pair| {
        pair[0].contains(" Recv data, ") && pair[1].starts_with("0000: ") && {
            let (pairs, _) = crate::paste::pairs(&pair[1][6..], 2);
            pairs.len() == 2 && pair[1].as_bytes().get(8) == Some(&b' ')
        }
    });
    !bytes && lines.iter().any(|line| said(line).is_some_and(|said| said.starts_with("Received 101")))
}

/// A line of a head: `> Host: x`, `< Upgrade: websocket`, with a time and an id before it.
fn head_line(line: &str) -> Option<(Role, &str)> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | ' '));
    let rest = match rest.strip_prefix('[') {
        Some(id) => id.split_once("] ")?.1,
        None => rest,
    };
    let from = match rest.as_bytes().first()? {
        b'>' => Role::Client,
        b'<' => Role::Server,
        _ => return None,
    };
    match &rest[1..] {
        "" => Some((from, "")),
        text => text.strip_prefix(' ').map(|text| (from, text)),
    }
}

/// `0000: GET / HTTP/1.1` below `=> Send header`.
fn row(line: &str) -> Option<&str> {
    let (offset, text) = line.split_once(':')?;
    (offset.len() == 4 && offset.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| text.strip_prefix(' ').unwrap_or(text))
}

#[derive(Default)]
struct Head {
    from: Option<Role>,
    bytes: Vec<u8>,
}

impl Head {
    fn line(&mut self, from: Role, text: &str, time: Option<Duration>, builder: &mut Builder) {
        if self.from != Some(from) {
            self.bytes.clear();
        }
        self.from = Some(from);
        self.bytes.extend_from_slice(&bytes_of(text));
        self.bytes.extend_from_slice(b"\r\n");
        if text.is_empty() {
            builder.head(from, time, std::mem::take(&mut self.bytes));
        }
    }
}

pub(super) fn read(lines: &[&str], notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    let mut builder = Builder::default();
    let mut head = Head::default();
    // The head whose rows follow, in a trace.
    let mut titled = None;
    let (mut skipped, mut time) = (0, None);
    for line in lines {
        time = time_of_day(line).or(time);
        let title = [("=> Send header, ", Role::Client), ("<= Recv header, ", Role::Server)];
        if let Some(said) = said(line) {
            titled = None;
            frame(said, time, &mut builder);
        } else if let Some((_, from)) = title.into_iter().find(|(title, _)| line.contains(title)) {
            titled = Some(from);
        } else if let Some((from, text)) =
            titled.and_then(|from| Some((from, row(line)?))).or_else(|| head_line(line))
        {
            if from == Role::Client && is_request(text.as_bytes()) && !builder.is_empty() {
                found.push(std::mem::take(&mut builder).finish(Source::Frames));
            }
            head.line(from, text, time, &mut builder);
        } else {
            titled = None;
            let own = line.is_empty()
                || row(line).is_some()
                || ["* ", "== Info: ", "{ [", "} [", "curl: (", "=> Send ", "<= Recv "]
                    .iter()
                    .any(|sign| line.contains(sign));
            skipped += u64::from(!own);
        }
    }
    if !builder.is_empty() {
        found.push(builder.finish(Source::Frames));
    }
    told("curl's log", skipped, notes);
    notes.push(Note::Limit(
        "the log has the kinds and lengths of frames: no payloads, masks or close codes; `curl --trace FILE` has every byte"
            .to_owned(),
    ));
    found
}

/// `decoded decoded [TEXT NON-FINAL payload=0/5]` of a frame that came, `WS-ENC: sending [PONG payload=0/2]` of one that went,
/// or what curl gives up at.
fn frame(said: &str, time: Option<Duration>, builder: &mut Builder) {
    let frame = [("decoded decoded [", Role::Server), ("WS-ENC: sending [", Role::Client)];
    let Some((from, about)) =
        frame.into_iter().find_map(|(start, from)| Some((from, said.strip_prefix(start)?)))
    else {
        if let Some(rule) = rule(said) {
            builder.told(Role::Server, rule);
        }
        return;
    };
    let opcode = match about.split(' ').next().unwrap_or_default() {
        "CONT" => 0,
        "TEXT" => 1,
        "BIN" => 2,
        "CLOSE" => 8,
        "PING" => 9,
        "PONG" => 10,
        _ => return,
    };
    let length = about.trim_end_matches(']').rsplit('/').next().and_then(|length| length.parse().ok());
    let payload = Payload::Missing(length.unwrap_or(0));
    let fin = !about.contains("NON-FINAL");
    builder.frame(from, time, &Frame { fin, payload, ..Frame::whole(from, opcode, &[]) });
}

/// The rule that curl's message is about, if it is about one.
fn rule(said: &str) -> Option<Rule> {
    let first = |start: &str| u8::from_str_radix(said.strip_prefix(start)?.get(..2)?, 16).ok();
    if let Some(first) = first("invalid reserved bits: ") {
        return match first & 0x70 {
            0 => None,
            bits if bits & 0x40 != 0 => Some(Rule::Rsv1Unnegotiated),
            bits if bits & 0x20 != 0 => Some(Rule::Rsv2Set),
            _ => Some(Rule::Rsv3Set),
        };
    }
    if let Some(first) = first("invalid opcode: ") {
        return match first & 0x0f {
            3..=7 => Some(Rule::OpcodeReservedData),
            11..=15 => Some(Rule::OpcodeReservedControl),
            _ => None,
        };
    }
    let messages = [
        ("masked input frame", Rule::MaskPresent),
        ("invalid fragmented ", Rule::ControlFragmented),
        ("no ongoing fragmented message to resume", Rule::ContinuationOrphan),
        ("fragmented message interrupted by new ", Rule::DataInterleaved),
        ("frame length longer than 63 bits not supported", Rule::LengthTopBit),
    ];
    let too_big = said.starts_with("received ") && said.ends_with(" frame is too big");
    let known = messages.into_iter().find(|(text, _)| said.starts_with(text)).map(|(_, rule)| rule);
    known.or_else(|| too_big.then_some(Rule::ControlTooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_about_one_rule_or_none() {
        for (said, expected) in [
            ("invalid reserved bits: c1", Some(Rule::Rsv1Unnegotiated)),
            ("invalid reserved bits: 91", Some(Rule::Rsv3Set)),
            ("invalid opcode: 8b", Some(Rule::OpcodeReservedControl)),
            ("received PING frame is too big", Some(Rule::ControlTooLong)),
            ("invalid fragmented CLOSE frame", Some(Rule::ControlFragmented)),
            // Look-alikes: an opcode that exists, what follows from another message, what it says of itself.
            ("invalid opcode: 81", None),
            ("decode error 56", None),
            ("received PING", None),
        ] {
            assert_eq!(rule(said), expected, "{said}");
        }
    }
}
