//! The words of the table: each has a number, and a weight that is the higher the fewer rows have it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::table::TABLE;
use crate::words::{Kind, stem, words};

/// A word of the table. Zero is every other word.
pub(crate) type Id = u32;

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Word(Id),
    /// `{…}`, `{url}`: some words, or none.
    Any,
}

/// Which row a pattern belongs to: its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Message(usize),
    Clue(usize),
    Phrase(usize),
    Software(usize),
    Stage(usize),
}

#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) row: Row,
    pub(crate) parts: Vec<Part>,
    /// The sum over its words.
    pub(crate) weight: f64,
}

impl Pattern {
    pub(crate) fn words(&self) -> impl Iterator<Item = Id> {
        self.parts.iter().filter_map(|part| match part {
            Part::Word(id) => Some(*id),
            Part::Any => None,
        })
    }
}

#[derive(Debug)]
pub(crate) struct Vocabulary {
    ids: HashMap<Box<str>, Id>,
    /// By id.
    pub(crate) weights: Vec<f64>,
    pub(crate) patterns: Vec<Pattern>,
}

impl Vocabulary {
    pub(crate) fn id(&self, word: &str) -> Id {
        self.ids.get(stem(word)).copied().unwrap_or(0)
    }
}

pub(crate) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut ids: HashMap<Box<str>, Id> = HashMap::new();
    let mut rows = Vec::new();
    let messages = TABLE.messages.iter().enumerate();
    let messages = messages.flat_map(|(index, row)| {
        let texts = std::iter::once(row.text).chain(without_prefix(row.text));
        texts.map(move |text| (Row::Message(index), text))
    });
    let clues = TABLE.clues.iter().enumerate();
    let clues =
        clues.flat_map(|(index, row)| row.phrases.iter().map(move |&phrase| (Row::Clue(index), phrase)));
    let software = TABLE.software.iter().enumerate();
    let software = software
        .flat_map(|(index, row)| row.phrases.iter().map(move |&phrase| (Row::Software(index), phrase)));
    let phrases = TABLE.phrases.iter().enumerate().map(|(index, &phrase)| (Row::Phrase(index), phrase));
    let stages = TABLE.shows.iter().enumerate().map(|(index, (_, phrase))| (Row::Stage(index), *phrase));
    for (row, text) in messages.chain(clues).chain(software).chain(phrases).chain(stages) {
        rows.push((row, parts(text, &mut ids)));
    }
    let mut counts = vec![0.0_f64; ids.len() + 1];
    for (row, parts) in &rows {
        if !matches!(row, Row::Message(_)) {
            continue;
        }
        let mut words: Vec<Id> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Word(id) => Some(*id),
                Part::Any => None,
            })
            .collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            counts[word as usize] += 1.0;
        }
    }
    let all: f64 = TABLE.messages.iter().map(|_| 1.0).sum();
    let mut weights: Vec<f64> = counts.iter().map(|count| (1.0 + all / count.max(1.0)).ln()).collect();
    for (word, &id) in &ids {
        // A number is a status or a bit of another connection as often as of this one.
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            weights[id as usize] = weights[id as usize].min(1.5);
        }
    }
    let patterns = rows.into_iter().map(|(row, parts)| {
        let weight = parts
            .iter()
            .map(|part| match part {
                Part::Word(id) => weights[*id as usize],
                Part::Any => 0.0,
            })
            .sum();
        Pattern { row, parts, weight }
    });
    let patterns = patterns.collect();
    Vocabulary { ids, weights, patterns }
});

/// What follows the first colon of a message: many wrap what they pass on, and people quote the inner part alone.
fn without_prefix(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(": ")?;
    let words =
        rest.split_whitespace().filter(|word| word.starts_with(|c: char| c.is_alphanumeric() || c == '\''));
    // "Unable to connect to {…}" is what anyone says of anything.
    let least = if rest.ends_with("{…}") { 5 } else { 4 };
    (words.count() >= least && !rest.starts_with("{…}")).then_some(rest)
}

/// The parts of a pattern. A piece of a word, as `0x` of `0x{…}`, is not a word of a text.
fn parts(text: &str, ids: &mut HashMap<Box<str>, Id>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let variable = ["{…}", "{url}"].iter().filter_map(|mark| Some((rest.find(mark)?, mark.len()))).min();
        let (end, length) = variable.unwrap_or((rest.len(), 0));
        let literal = &rest[..end];
        let mut found = words(literal);
        if length > 0 && literal.ends_with(char::is_alphanumeric) {
            found.pop();
        }
        if parts.last() == Some(&Part::Any) && literal.starts_with(char::is_alphanumeric) && !found.is_empty()
        {
            found.remove(0);
        }
        for word in found {
            if word.kind == Kind::Url {
                parts.push(Part::Any);
                continue;
            }
            let next = ids.len() as Id + 1;
            parts.push(Part::Word(*ids.entry(stem(&word.text).into()).or_insert(next)));
        }
        if length == 0 {
            return parts;
        }
        if parts.last() != Some(&Part::Any) {
            parts.push(Part::Any);
        }
        rest = &rest[end + length..];
    }
}
