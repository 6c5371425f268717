//! Error messages of browsers, libraries and proxies, and the search for the one that was pasted.
//!
//! A pasted message is seldom the one in the table letter by letter: an address, a number or a file name is in it, a
//! log line around it, or it is only a part. So both are taken as rows of words, and the longest common row is weighed:
//! a rare word counts for more than `the`.

use std::collections::HashMap;
use std::sync::LazyLock;

use framewise_rules::{Cause, Rule};
use serde::Deserialize;

/// What is known about a message: a line of `data/messages.jsonl`.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    /// As it is shown, its variable parts as `{…}`, addresses as `{url}`.
    #[serde(rename = "message")]
    pub(super) text: String,
    /// Who says it; or, from a report, who took part: `client: …; server: …`.
    pub(super) software: Vec<String>,
    pub(super) versions: Vec<String>,
    rules: Vec<String>,
    causes: Vec<String>,
    pub(super) note: Option<String>,
    #[serde(skip)]
    words: Vec<Word>,
}

/// A message that the text may be.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) message: &'static Message,
    /// From 0 to 1.
    pub(super) score: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Word {
    Literal(String),
    /// `{…}`, `{url}`: any words, or none.
    Any,
}

/// Below that it is another message.
const ENOUGH: f64 = 0.62;
/// The weight of a message that is recognized whatever surrounds it: two rare words.
const TELLING: f64 = 8.0;
/// Messages that are shown, and how far they may be behind the first.
const MOST: usize = 6;
const BEHIND: f64 = 0.12;

static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| {
    let lines = include_str!("../../data/messages.jsonl").lines();
    lines
        .filter_map(|line| {
            // A test holds that every line parses.
            let mut message: Message = serde_json::from_str(line).ok()?;
            message.words = template(&message.text);
            Some(message)
        })
        .collect()
});

/// How much a word tells: the rarer, the more.
static WEIGHTS: LazyLock<HashMap<&'static str, f64>> = LazyLock::new(|| {
    let mut counts: HashMap<&'static str, f64> = HashMap::new();
    for message in MESSAGES.iter() {
        let mut literals: Vec<&'static str> = message.words.iter().filter_map(literal).collect();
        literals.sort_unstable();
        literals.dedup();
        for word in literals {
            *counts.entry(word).or_default() += 1.0;
        }
    }
    let all: f64 = MESSAGES.iter().map(|_| 1.0).sum();
    counts.into_iter().map(|(word, count)| (word, (1.0 + all / count).ln())).collect()
});

impl Message {
    /// The rules that it can denote and that this table has.
    pub(super) fn rules(&self) -> impl Iterator<Item = Rule> {
        self.rules.iter().filter_map(|id| Rule::from_id(id))
    }

    /// The causes that were found behind it.
    pub(super) fn causes(&self) -> impl Iterator<Item = Cause> {
        self.causes.iter().filter_map(|id| Cause::ALL.iter().copied().find(|cause| cause.id() == id))
    }
}

/// The messages that the text can be, the likeliest first.
pub(super) fn search(text: &str) -> Vec<Found> {
    // No message is that long: a whole log would only take time.
    let text: String = text.chars().take(2_000).collect();
    let words = words(&without_addresses(&text));
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<Found> = MESSAGES
        .iter()
        .map(|message| Found { message, score: score(&message.words, &words) })
        .filter(|found| found.score >= ENOUGH)
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let best = found.first().map_or(0.0, |found| found.score);
    found.retain(|found| found.score >= best - BEHIND);
    found.truncate(MOST);
    found
}

/// How well a text fits a message: the share of the message that is in the text, and of the text that is in the message.
fn score(template: &[Word], text: &[String]) -> f64 {
    let of_template: f64 = template.iter().filter_map(literal).map(weight).sum();
    let of_text: f64 = text.iter().map(|word| weight(word)).sum();
    // Most messages share no more than a word or two with the text, in whatever order: those are not aligned.
    let in_text = |word: &&str| text.iter().any(|other| other == word);
    let shared: f64 = template.iter().filter_map(literal).filter(in_text).map(weight).sum();
    if shared == 0.0 || 2.0 * shared / (of_template + of_text) < ENOUGH && shared < 0.99 * of_template {
        return 0.0;
    }
    let common = common(template, text);
    if common == 0.0 {
        return 0.0;
    }
    let (covered, explained) = (common / of_template, common / of_text);
    let harmonic = 2.0 * covered * explained / (covered + explained);
    // The whole message inside a longer line: what surrounds it says little against it, unless the message is so
    // short that many lines contain it.
    if covered > 0.99 && of_template >= TELLING { harmonic.max(0.8 + 0.2 * explained) } else { harmonic }
}

/// The weight of the longest row of words that stand in both in this order.
fn common(template: &[Word], text: &[String]) -> f64 {
    let mut row = vec![0.0_f64; text.len() + 1];
    for word in template.iter().filter_map(literal) {
        let weight = weight(word);
        let mut diagonal = 0.0;
        for (index, other) in text.iter().enumerate() {
            let above = row[index + 1];
            let matched = if word == other { diagonal + weight } else { 0.0 };
            row[index + 1] = above.max(row[index]).max(matched);
            diagonal = above;
        }
    }
    row[text.len()]
}

fn literal(word: &Word) -> Option<&str> {
    match word {
        Word::Literal(word) => Some(word),
        Word::Any => None,
    }
}

/// A word that no message has is a name, an address or a number of the day: it hardly tells against a message. Nor does
/// a number that some message has: a status or a bit of another connection.
fn weight(word: &str) -> f64 {
    let number = word.bytes().any(|byte| byte.is_ascii_digit());
    match WEIGHTS.get(word) {
        Some(&known) if number => known.min(1.0),
        Some(&known) => known,
        None if number => 0.2,
        None => 1.0,
    }
}

fn template(message: &str) -> Vec<Word> {
    let mut template = Vec::new();
    let mut rest = message;
    loop {
        let variable = ["{…}", "{url}"].iter().filter_map(|mark| Some((rest.find(mark)?, mark.len()))).min();
        let (end, length) = variable.unwrap_or((rest.len(), 0));
        let literal = &rest[..end];
        let mut literals = words(literal);
        // A part of a word, as `0x` of `0x{…}`, is not a word of the text.
        if length > 0 && literal.ends_with(char::is_alphanumeric) {
            literals.pop();
        }
        if template.last() == Some(&Word::Any)
            && literal.starts_with(char::is_alphanumeric)
            && !literals.is_empty()
        {
            literals.remove(0);
        }
        template.extend(literals.into_iter().map(Word::Literal));
        if length == 0 {
            return template;
        }
        template.push(Word::Any);
        rest = &rest[end + length..];
    }
}

/// Words in lower case: letters and digits, whatever is between them; `ResetWithoutClose` is three.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split(|c: char| !c.is_alphanumeric()) {
        let mut word = String::new();
        let mut previous = None;
        for c in part.chars() {
            if c.is_uppercase() && previous.is_some_and(char::is_lowercase) {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
            previous = Some(c);
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

fn without_addresses(text: &str) -> String {
    let address = |word: &&str| !word.contains("://");
    text.split_whitespace().filter(address).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> &'static str {
        search(text).first().map_or("nothing", |found| &found.message.text)
    }

    #[test]
    fn every_line_is_read_and_known() {
        let lines = include_str!("../../data/messages.jsonl").lines().count();
        assert_eq!(MESSAGES.len(), lines);
        assert!(MESSAGES.is_sorted_by(|a, b| a.text <= b.text), "the lines are sorted");
        for message in MESSAGES.iter() {
            for id in &message.rules {
                // Rules over HTTP/2 are not in the table yet.
                assert!(id.starts_with("h2-") || Rule::from_id(id).is_some(), "{id}");
            }
            assert_eq!(message.causes().count(), message.causes.len(), "{}", message.text);
        }
    }

    fn literals(message: &Message) -> Vec<&str> {
        message.words.iter().filter_map(literal).collect()
    }

    #[test]
    fn every_message_finds_itself() {
        for message in MESSAGES.iter().filter(|message| message.words.iter().any(|word| *word != Word::Any)) {
            let text = message.text.replace("{…}", " x7 ").replace("{url}", " wss://example.com:8080/a?b=c ");
            let found = search(&text);
            let twin = |found: &Found| {
                literals(found.message) == literals(message) || found.message.text == message.text
            };
            assert!(
                found.iter().any(twin),
                "{text}: {:?}",
                found.first().map(|f| (&f.message.text, f.score))
            );
        }
    }

    #[test]
    fn variable_parts_case_and_surroundings_do_not_matter() {
        assert_eq!(first("invalid FRAME header"), "Invalid frame header");
        let log = "2026-11-22T10:00:00Z app[71]: ERR RangeError: Invalid WebSocket frame: RSV1 must be clear at Receiver.getInfo (/srv/node_modules/ws/lib/receiver.js:176:14)";
        assert!(first(log).contains("RSV1 must be clear"), "{}", first(log));
        assert!(first("Unexpected server response: 502").contains("unexpected server response"));
    }

    #[test]
    fn other_text_finds_nothing() {
        for text in ["", "???", "the quick brown fox", "SyntaxError: missing ) after argument list", "1006"] {
            assert!(search(text).is_empty(), "{text}: {}", first(text));
        }
    }
}
