//! Where the rows of the table stand in a text, word for word.
//!
//! Each row is looked for around its rarest word: to its right and to its left the other words must follow in order. A
//! variable part may be a few words long, or absent. The attempts for one row are bounded, so that the work is linear in
//! the length of the text whatever is in it.

use crate::vocabulary::{Id, Part, Pattern, Row, VOCABULARY};
use crate::words::{Kind, Span, Word};

/// Words that a variable part may have.
const GAP: usize = 14;
/// Words that may stand between two words of a row that follow one another.
const SLACK: usize = 1;
/// Attempts for one row, and how often it is reported.
const ATTEMPTS: usize = 512;
const REPORTED: usize = 3;
/// How often a phrase is: it means something only beside others.
const PHRASES: usize = 64;
/// Words that a variable part at the end of a row takes in.
const TAIL: usize = 4;
/// The weight of a message that is recognized by a part of it, or whatever surrounds it: two rare words.
pub(crate) const TELLING: f64 = 9.0;

/// Steps that were taken: a measure of the work, for tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Words of a text that were compared with words of the table.
    pub steps: u64,
}

/// A text with the place of each word of the table.
#[derive(Debug)]
pub(crate) struct Text<'t> {
    pub(crate) whole: &'t str,
    pub(crate) words: &'t [Word],
    pub(crate) ids: Vec<Id>,
    /// By id: the indices of the words.
    pub(crate) places: Vec<Vec<u32>>,
}

impl<'t> Text<'t> {
    pub(crate) fn new(text: &'t str, words: &'t [Word]) -> Self {
        let ids: Vec<Id> = words.iter().map(|word| VOCABULARY.id(&word.text)).collect();
        let mut places = vec![Vec::new(); VOCABULARY.weights.len()];
        for (index, &id) in ids.iter().enumerate().filter(|(_, id)| **id != 0) {
            places[id as usize].push(index as u32);
        }
        Self { whole: text, words, ids, places }
    }

    pub(crate) fn span(&self, from: usize, to: usize) -> Span {
        self.words[from].span.start..self.words[to].span.end
    }
}

/// How a row stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Word for word.
    Whole,
    /// Its beginning, where the text ends or was cut.
    Cut,
    /// Most of its words, in order.
    Like,
}

#[derive(Clone, Debug)]
pub(crate) struct Match {
    /// Index of the pattern.
    pub(crate) pattern: usize,
    pub(crate) how: How,
    /// The words of the text that are words of the row, in order.
    pub(crate) at: Vec<usize>,
    /// The words of the text that are in its variable parts.
    pub(crate) variable: Vec<usize>,
    /// The weight of the row's words that were found.
    pub(crate) weight: f64,
}

/// The matches of every row, word for word or cut.
pub(crate) fn find(text: &Text<'_>, work: &mut Work) -> Vec<Match> {
    let mut found = Vec::new();
    for (index, pattern) in VOCABULARY.patterns.iter().enumerate() {
        let count = |part: &Part| match part {
            Part::Word(id) => Some(text.places[*id as usize].len()),
            Part::Any => None,
        };
        let anchor = pattern.parts.iter().enumerate().filter_map(|(at, part)| Some((count(part)?, at)));
        // A cut message lacks its last words.
        let Some((count, anchor)) = anchor.filter(|(count, _)| *count > 0).min() else { continue };
        let Part::Word(id) = pattern.parts[anchor] else { continue };
        let most = if matches!(pattern.row, Row::Phrase(_)) { PHRASES } else { REPORTED };
        let mut reported = 0;
        for &at in text.places[id as usize].iter().take(ATTEMPTS.min(count)) {
            if let Some(found_here) = attempt(text, pattern, anchor, at as usize, work) {
                found.push(Match { pattern: index, ..found_here });
                reported += 1;
                if reported == most {
                    break;
                }
            }
        }
    }
    found
}

fn attempt(text: &Text<'_>, pattern: &Pattern, anchor: usize, at: usize, work: &mut Work) -> Option<Match> {
    let mut found =
        Match { pattern: 0, how: How::Whole, at: Vec::new(), variable: Vec::new(), weight: pattern.weight };
    // Words of a description stand side by side.
    let slack = if matches!(pattern.row, Row::Message(_)) { SLACK } else { 0 };
    // To the left: the parts before the anchor, the nearest first.
    let mut left = at;
    let mut gap = false;
    for part in pattern.parts[..anchor].iter().rev() {
        match part {
            Part::Any => gap = true,
            Part::Word(id) => {
                let reach = if gap { GAP } else { slack };
                let lowest = left.saturating_sub(reach + 1);
                let mut index = left;
                loop {
                    index = index.checked_sub(1).filter(|index| *index >= lowest)?;
                    work.steps += 1;
                    if text.ids[index] == *id {
                        break;
                    }
                }
                if gap {
                    found.variable.extend(index + 1..left);
                }
                found.at.push(index);
                left = index;
                gap = false;
            }
        }
    }
    found.at.reverse();
    found.at.push(at);
    let mut right = at;
    gap = false;
    for part in &pattern.parts[anchor + 1..] {
        match part {
            Part::Any => gap = true,
            Part::Word(id) => {
                let reach = if gap { GAP } else { slack };
                let highest = (right + reach + 1).min(text.ids.len() - 1);
                let next = (right + 1..=highest).find(|&index| {
                    work.steps += 1;
                    text.ids[index] == *id
                });
                let Some(index) = next else { return cut(text, found, right) };
                if gap {
                    found.variable.extend(right + 1..index);
                }
                found.at.push(index);
                right = index;
                gap = false;
            }
        }
    }
    // A number after a message that has no variable part there is what it complains about, as often as not.
    let tail = if gap { TAIL } else { usize::from(is_number(text, right + 1)) };
    let line = |index: &usize| text.words.get(*index).is_some_and(|word| !word.starts_line);
    found.variable.extend((right + 1..=right + tail).take_while(line));
    Some(found)
}

fn is_number(text: &Text<'_>, index: usize) -> bool {
    text.words.get(index).is_some_and(|word| word.kind == Kind::Number)
}

/// The beginning of a message, where the text ends or dots follow.
fn cut(text: &Text<'_>, mut found: Match, last: usize) -> Option<Match> {
    let rest = text.whole[text.words[last].span.end..].trim_start_matches(['\'', '"', '’', ')', ' ']);
    if !(rest.is_empty() || rest.starts_with('…') || rest.starts_with("...")) {
        return None;
    }
    found.how = How::Cut;
    let whole = found.weight;
    found.weight = found.at.iter().map(|&at| VOCABULARY.weights[text.ids[at] as usize]).sum();
    (found.weight >= TELLING && found.weight >= 0.5 * whole && found.at.len() >= 3).then_some(found)
}
