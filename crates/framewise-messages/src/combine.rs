//! Ideas that stand near each other: `data/combinations.txt`.
//!
//! People describe one fault in a thousand sentences, but with few ideas: "the first frame", "is lost". A combination is
//! found where one word of each of its ideas stands in the same few words, in any order.

use crate::find::{Match, Text, Work};
use crate::table::TABLE;
use crate::vocabulary::{Row, VOCABULARY};
use crate::words::Span;

/// Words from the first idea of a combination to its last.
const NEAR: usize = 15;
/// Places of one idea that are looked at.
const PLACES: usize = 256;

/// First and last word of a phrase in the text.
pub(crate) type Place = (usize, usize);

/// Where each phrase stands in the prose of a text, by its index.
pub(crate) fn phrases(found: &[Match], is_prose: impl Fn(&Match) -> bool) -> Vec<Vec<Place>> {
    let mut phrases: Vec<Vec<Place>> = vec![Vec::new(); TABLE.phrases.len()];
    for found in found {
        if let Row::Phrase(index) = VOCABULARY.patterns[found.pattern].row
            && is_prose(found)
        {
            phrases[index].push((found.at[0], found.at[found.at.len() - 1]));
        }
    }
    phrases
}

/// The combinations in a text, each once: its index, and where.
pub(crate) fn find(text: &Text<'_>, phrases: &[Vec<Place>], work: &mut Work) -> Vec<(usize, Span)> {
    let mut combinations = Vec::new();
    for (index, combination) in TABLE.combinations.iter().enumerate() {
        let ideas = combination.ideas.iter().map(|idea| {
            let mut places: Vec<Place> =
                idea.iter().flat_map(|&phrase| phrases[phrase].iter().copied()).collect();
            work.steps += places.len() as u64;
            places.sort_unstable();
            places.dedup();
            places.truncate(PLACES);
            places
        });
        let mut ideas: Vec<Vec<Place>> = ideas.collect();
        // From the idea that is rarest in this text.
        ideas.sort_by_key(Vec::len);
        let Some((rarest, others)) = ideas.split_first() else { continue };
        let near = rarest.iter().find_map(|&start| together(text, vec![start], others, work));
        if let Some((first, last)) = near {
            combinations.push((index, text.span(first, last)));
        }
    }
    combinations
}

/// The span of words that has all the ideas: for each the place nearest to the first one, where no other idea stands.
fn together(text: &Text<'_>, mut chosen: Vec<Place>, ideas: &[Vec<Place>], work: &mut Work) -> Option<Place> {
    // The words around the first one are looked at for the borders of its paragraph, then once for each idea.
    work.steps += (NEAR * (2 + ideas.len())) as u64;
    let start = chosen[0].0;
    let (top, bottom) = paragraph(text, start);
    for idea in ideas {
        let from = idea.partition_point(|place| place.0 < start.saturating_sub(NEAR).max(top));
        let near = idea[from..].iter().take_while(|place| place.0 <= (start + NEAR).min(bottom));
        let apart = |place: &&Place| chosen.iter().all(|other| place.1 < other.0 || other.1 < place.0);
        chosen.push(*near.filter(apart).min_by_key(|place| place.0.abs_diff(start))?);
    }
    let first = chosen.iter().map(|place| place.0).min()?;
    let last = chosen.iter().map(|place| place.1).max()?;
    (last - first <= NEAR).then_some((first, last))
}

/// The first and the last word near one that belong to the same sentences: a line of prose may be broken, but a new line of
/// a log or of a configuration says something else.
fn paragraph(text: &Text<'_>, at: usize) -> Place {
    let is_new = |index: &usize| {
        let word = &text.words[*index];
        let before = &text.whole[..word.span.start];
        word.starts_line
            && (before.ends_with("\n\n")
                || text.whole[word.span.start..].starts_with(|c: char| !c.is_lowercase())
                || last_sign(before).is_some_and(|sign| b".;:{}".contains(&sign)))
    };
    let top = (at.saturating_sub(NEAR)..=at).rev().find(is_new).unwrap_or(at.saturating_sub(NEAR));
    let end = (at + NEAR + 1).min(text.words.len());
    let bottom = (at + 1..end).find(is_new).unwrap_or(end) - 1;
    (top, bottom)
}

/// The last byte that is no white space. Behind more white space than a paragraph has, nothing is looked for.
fn last_sign(text: &str) -> Option<u8> {
    text.bytes().rev().take(64).find(|byte| !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::find as patterns;
    use crate::words::words;
    use framewise_rules::Cause;

    fn of(text: &str) -> Vec<Cause> {
        let words = words(text);
        let text = Text::new(text, &words);
        let found = patterns(&text, &mut Work::default());
        let phrases = phrases(&found, |_| true);
        let causes = find(&text, &phrases, &mut Work::default());
        let weights = causes.iter().flat_map(|(index, _)| &TABLE.combinations[*index].spoken.weights);
        weights.map(|weight| weight.cause).collect()
    }

    #[test]
    fn ideas_that_stand_together_are_found_in_any_order() {
        for text in [
            "the first message is lost",
            "it drops the very first frame",
            "early frames are thrown away by the client",
        ] {
            assert!(of(text).contains(&Cause::EarlyFramesLost), "{text}");
        }
    }

    #[test]
    fn ideas_far_apart_and_one_word_for_two_ideas_are_no_combination() {
        let far = "the first message came and was answered by the server as it should be and so on for an hour until all was lost";
        assert!(!of(far).contains(&Cause::EarlyFramesLost));
        let lines = "It prints the first\nMessage 12 is lost";
        assert!(!of(lines).contains(&Cause::EarlyFramesLost));
        assert!(of("the first one came").is_empty());
        // "fragment" is one idea, although it is in two.
        assert!(of("fragment").is_empty());
        assert!(of("").is_empty());
    }
}
