//! What Chrome says when it fails a connection: in its console, its netlog and the `DevTools` protocol, without the bytes.

use framewise_rules::{Role, Rule};
use framewise_transcript::{Leg, Transcript};

use crate::note::{Note, Notes};
use crate::paste::Found;
use crate::sink::{About, Source, Told};

/// The rule that a message is about. A message that stands for several rules is about none.
pub(crate) fn rule(message: &str) -> Option<Rule> {
    let reserved = [
        ("reserved1 = 1", Rule::Rsv1Unnegotiated),
        ("reserved2 = 1", Rule::Rsv2Set),
        ("reserved3 = 1", Rule::Rsv3Set),
    ];
    if message.contains("One or more reserved bits are on") {
        return reserved.into_iter().find(|(bit, _)| message.contains(bit)).map(|(_, rule)| rule);
    }
    if let Some((_, opcode)) = message.split_once("Unrecognized frame opcode: ") {
        let digits = opcode.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        return match digits.parse::<u8>().ok()? {
            3..=7 => Some(Rule::OpcodeReservedData),
            11..=15 => Some(Rule::OpcodeReservedControl),
            _ => None,
        };
    }
    let messages = [
        ("Could not decode a text frame as UTF-8", Rule::TextInvalidUtf8),
        ("A server must not mask any frames that it sends to the client", Rule::MaskPresent),
        ("Received a broken close frame containing invalid UTF-8", Rule::CloseReasonInvalidUtf8),
        ("Received a broken close frame containing an invalid size body", Rule::ClosePayloadOneByte),
        ("Received a broken close frame containing a reserved status code", Rule::CloseCodeReserved),
        ("Received unexpected continuation frame", Rule::ContinuationOrphan),
        ("Received start of new message but previous message is unfinished", Rule::DataInterleaved),
        ("Received a broken close frame with an invalid size of 1 byte", Rule::ClosePayloadOneByte),
        ("Received new data frame but previous continuous frame is unfinished", Rule::DataInterleaved),
        ("Received control frame having too long payload", Rule::ControlTooLong),
        ("Received fragmented control frame", Rule::ControlFragmented),
    ];
    messages.into_iter().find(|(text, _)| message.contains(text)).map(|(_, rule)| rule)
}

/// Notes what Chrome said.
pub(crate) fn failed(message: &str, notes: &mut Notes) {
    let quoted: String = message.chars().filter(|c| *c != '"').take(200).collect();
    let more = match rule(message) {
        Some(_) => "the bytes are not in the log".to_owned(),
        None => format!("what it means: framewise explain \"{quoted}\""),
    };
    notes.push(Note::Limit(format!("Chrome failed the connection: \"{quoted}\"; {more}")));
}

/// Lines of the console: `WebSocket connection to 'ws://…' failed: …`.
pub(crate) fn console(text: &str, notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("WebSocket connection to '") else { continue };
        let Some((url, message)) = rest.split_once("' failed: ") else { continue };
        failed(message.trim(), notes);
        let Some(rule) = rule(message) else { continue };
        let about = About {
            server: Some(url.to_owned()),
            legs: vec![Leg { name: "client-server".to_owned(), open: Some(String::new()) }],
            source: Source::Messages,
            told: vec![Told { from: Role::Server, rule }],
            ..About::default()
        };
        let transcript = Transcript { legs: about.legs.clone(), events: Vec::new() };
        found.push((about, transcript));
    }
    if !found.is_empty() {
        notes.push(Note::Read("Chrome's console".to_owned()));
        notes.push(Note::Limit("offsets are not known: a console has no bytes".to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_about_one_rule_or_none() {
        for (message, expected) in [
            ("Could not decode a text frame as UTF-8.", Some(Rule::TextInvalidUtf8)),
            (
                "One or more reserved bits are on: reserved1 = 0, reserved2 = 1, reserved3 = 0",
                Some(Rule::Rsv2Set),
            ),
            ("Unrecognized frame opcode: 11", Some(Rule::OpcodeReservedControl)),
            ("Unrecognized frame opcode: 3", Some(Rule::OpcodeReservedData)),
            // Look-alikes: an opcode that exists, a message that stands for several rules.
            ("Unrecognized frame opcode: 8", None),
            ("Invalid frame header", None),
            ("One or more reserved bits are on", None),
        ] {
            assert_eq!(rule(message), expected, "{message}");
        }
    }
}
