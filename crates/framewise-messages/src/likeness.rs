//! How like a text is to the reports of each cause: `data/words.txt`.
//!
//! The other tables say what speaks for a cause, and why. Most reports say much besides, and no table has all the words that
//! people use. This one was learnt: which words, pairs of words, and facts (`=http 403`, `=software nginx`, `=rule …` of a
//! message, `=sign …`, `=@idea` of `data/combinations.txt`) known reports of a cause have more often than others. It
//! counts what is left when the other tables have spoken, so it decides where they say nothing or the same of several causes.
//! `examples/learn.rs` makes it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use framewise_rules::Cause;

use crate::find::Work;
use crate::words::{Kind, Span, Word, stem};

/// Words of a text that are looked at: what is described stands at the beginning.
const WORDS: usize = 600;
/// Words that are shown for one cause.
const SHOWN: usize = 3;

/// What one word, or pair of words, speaks for.
type Weights = Vec<(Option<Cause>, f64)>;

static TABLE: LazyLock<HashMap<&'static str, Weights>> =
    LazyLock::new(|| include_str!("../data/words.txt").lines().filter_map(row).collect());

/// `word word => cause+0.5 cause-0.2 none+0.3`
fn row(line: &'static str) -> Option<(&'static str, Weights)> {
    let (words, weights) = line.split_once(" => ")?;
    let weight = |text: &str| {
        let (id, weight) = text.split_at(text.rfind(['+', '-'])?);
        let cause = if id == "none" { None } else { Some(Cause::from_id(id)?) };
        Some((cause, weight.parse().ok()?))
    };
    Some((words, weights.split(' ').map(weight).collect::<Option<_>>()?))
}

/// A cause, what the words speak for it together, and the words that speak the most.
type Like = (Cause, f64, Vec<(f64, Span)>);

/// A text beside the reports that are known.
#[derive(Debug, Default)]
pub(crate) struct Likeness {
    causes: Vec<Like>,
    /// How like it is to texts that report nothing.
    pub(crate) none: f64,
}

impl Likeness {
    pub(crate) fn new(words: &[Word], facts: &[(String, Span)], work: &mut Work) -> Self {
        let mut likeness = Self::default();
        let features = features(words);
        work.steps += features.len() as u64;
        let found: Vec<(&Weights, Span)> =
            features.into_iter().filter_map(|(name, span)| Some((TABLE.get(&*name)?, span))).collect();
        let length = scale(found.len());
        let words = found.into_iter().map(|(weights, span)| (weights, span, 1.0 / length));
        let facts = facts.iter().filter_map(|(name, span)| Some((TABLE.get(&**name)?, span.clone(), FACT)));
        for (weights, span, share) in words.chain(facts) {
            for &(cause, weight) in weights {
                let weight = weight * share;
                let Some(cause) = cause else {
                    likeness.none += weight;
                    continue;
                };
                match likeness.causes.iter_mut().find(|(other, _, _)| *other == cause) {
                    Some((_, sum, words)) => {
                        *sum += weight;
                        words.push((weight, span.clone()));
                    }
                    None => likeness.causes.push((cause, weight, vec![(weight, span.clone())])),
                }
            }
        }
        for (_, _, words) in &mut likeness.causes {
            words.sort_by(|a, b| b.0.total_cmp(&a.0));
            words.retain(|(weight, _)| *weight > 0.0);
            words.truncate(SHOWN);
        }
        likeness
    }

    pub(crate) fn of(&self, cause: Cause) -> f64 {
        self.causes.iter().find(|(other, _, _)| *other == cause).map_or(0.0, |(_, sum, _)| *sum)
    }

    /// The words that speak the most for a cause.
    pub(crate) fn words(&self, cause: Cause) -> &[(f64, Span)] {
        self.causes.iter().find(|(other, _, _)| *other == cause).map_or(&[], |(_, _, words)| words)
    }
}

/// What a fact counts beside a word: a text has few of them, however long it is.
pub const FACT: f64 = 0.4;

/// What the sum over so many words is divided by: a long text has more words of each kind, and a few words say little.
pub fn scale(words: usize) -> f64 {
    const FEW: usize = 16;
    f64::from(u32::try_from(words.max(FEW)).unwrap_or(u32::MAX)).sqrt()
}

/// The words and the pairs of words at the beginning of a text, each once.
pub(crate) fn features(words: &[Word]) -> Vec<(String, Span)> {
    let mut seen = HashSet::new();
    let mut features = Vec::new();
    let mut before: Option<(String, Span)> = None;
    for word in words.iter().take(WORDS) {
        let name = match word.kind {
            Kind::Url => "url".to_owned(),
            // A status, a code or a port is a word; other numbers are not.
            Kind::Number if !(3..=4).contains(&word.text.len()) => "#".to_owned(),
            Kind::Number | Kind::Word => stem(&word.text).to_owned(),
        };
        if let Some((first, span)) = before.filter(|_| !word.starts_line) {
            let pair = format!("{first} {name}");
            if seen.insert(pair.clone()) {
                features.push((pair, span.start..word.span.end));
            }
        }
        if seen.insert(name.clone()) {
            features.push((name.clone(), word.span.clone()));
        }
        before = Some((name, word.span.clone()));
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    #[test]
    fn words_and_pairs_are_features_each_once() {
        let names = |text: &str| features(&words(text)).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("It closes, it closed"), ["it", "it clos", "clos", "clos it"]);
        // Not over the end of a line; a small number is any number.
        assert_eq!(names("a\nb 403 17"), ["a", "b", "b 403", "403", "403 #", "#"]);
        assert_eq!(names(""), [""; 0]);
    }

    #[test]
    fn every_line_is_a_row() {
        let is_comment = |line: &&str| line.starts_with("# ") && !line.contains(" => ");
        for line in include_str!("../data/words.txt").lines().filter(|line| !is_comment(line)) {
            assert!(row(line).is_some(), "{line}");
        }
        // A number and the word beside it are a row, no comment.
        assert!(TABLE.contains_key("# second"), "a pair with a number");
    }

    #[test]
    fn a_text_without_known_words_is_like_nothing() {
        let likeness = Likeness::new(&words("xyzzy plugh"), &[], &mut Work::default());
        assert!(likeness.causes.is_empty() && likeness.none.abs() < f64::EPSILON);
    }
}
