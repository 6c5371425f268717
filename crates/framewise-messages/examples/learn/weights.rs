//! The weights of words: a softmax over the causes and "none", with a penalty on the square of the weights.

use std::collections::HashMap;
use std::fmt::Write as _;

use framewise_messages::{FACT, scale};
use framewise_rules::Cause;

use crate::rows::Row;

/// Texts that have a word, at least, and words that are kept.
const TEXTS: usize = 4;
const KEPT: usize = 3000;
/// Weights below this are left out.
const LEAST: f64 = 0.25;
const PENALTY: f64 = 0.1;
const ROUNDS: i32 = 150;
const STEP: f64 = 0.05;

/// Words that say nothing by themselves, without their endings.
const EMPTY: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "if", "of", "to", "in", "on", "at", "by", "for", "from", "with",
    "as", "is", "are", "was", "wer", "be", "been", "it", "its", "this", "that", "thes", "thos", "ther",
    "her", "i", "we", "you", "they", "he", "my", "our", "your", "their", "me", "us", "them", "do", "do",
    "did", "don", "t", "s", "m", "re", "ve", "ll", "have", "ha", "had", "can", "could", "would", "should",
    "will", "may", "might", "must", "so", "then", "than", "also", "just", "only", "very", "some", "any",
    "all", "what", "which", "who", "when", "wher", "why", "how", "u", "get", "got", "mak", "try", "like",
    "see", "seem", "think", "know", "want", "need", "go", "com", "out", "up", "about", "into", "here", "now",
    "#", "url", "x7", "www", "http", "one", "pleas", "thank",
];

/// For each word, how much it speaks for each cause and for none.
pub(crate) type Weights = HashMap<String, Vec<f64>>;

/// The weights of the words that are worth the most.
pub(crate) fn learn(rows: &[&Row]) -> Weights {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for feature in rows.iter().flat_map(|row| row.sample.features.iter().chain(&row.sample.facts)) {
        *counts.entry(feature).or_default() += 1;
    }
    let is_empty = |feature: &str| feature.split(' ').all(|word| EMPTY.contains(&word));
    counts.retain(|feature, count| *count >= TEXTS && !is_empty(feature));
    let vocabulary: Vec<&str> = sorted(counts.into_keys());
    let weights = descend(rows, &vocabulary);
    let most = |weights: &[f64]| weights.iter().fold(0.0_f64, |most, weight| most.max(weight.abs()));
    let mut kept: Vec<(&str, Vec<f64>)> = vocabulary.into_iter().zip(weights).collect();
    kept.sort_by(|a, b| most(&b.1).total_cmp(&most(&a.1)).then(a.0.cmp(b.0)));
    kept.truncate(KEPT);
    let mut weights: Weights = kept.into_iter().map(|(word, weights)| (word.to_owned(), weights)).collect();
    for weight in weights.values_mut().flatten() {
        *weight = if weight.abs() < LEAST { 0.0 } else { (*weight * 10.0).round() / 10.0 };
    }
    weights
}

fn sorted<'t>(words: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words
}

fn descend(rows: &[&Row], vocabulary: &[&str]) -> Vec<Vec<f64>> {
    let index: HashMap<&str, usize> = vocabulary.iter().enumerate().map(|(at, word)| (*word, at)).collect();
    let classes = Cause::ALL.len() + 1;
    let features: Vec<Vec<(usize, f64)>> =
        rows.iter().map(|row| shared(row, |word| index.get(word).copied())).collect();
    let mut weights = vec![vec![0.0; classes]; vocabulary.len()];
    let mut means = weights.clone();
    let mut squares = weights.clone();
    for round in 1..=ROUNDS {
        let mut slopes: Vec<Vec<f64>> =
            weights.iter().map(|row| row.iter().map(|weight| PENALTY * weight).collect()).collect();
        for (row, features) in rows.iter().zip(&features) {
            let mut scores = base(row);
            for &(feature, share) in features {
                for (score, weight) in scores.iter_mut().zip(&weights[feature]) {
                    *score += weight * share;
                }
            }
            let all = shares(&scores, |_| true);
            let right = shares(&scores, |class| row.right[class]);
            for &(feature, share) in features {
                for class in 0..classes {
                    slopes[feature][class] += row.counts * (all[class] - right[class]) * share;
                }
            }
        }
        let (first, second) = (1.0 - 0.9_f64.powi(round), 1.0 - 0.999_f64.powi(round));
        for word in 0..weights.len() {
            for class in 0..classes {
                let slope = slopes[word][class];
                let (mean, square) = (&mut means[word][class], &mut squares[word][class]);
                *mean = 0.9 * *mean + 0.1 * slope;
                *square = 0.999 * *square + 0.001 * slope * slope;
                weights[word][class] -= STEP * (*mean / first) / ((*square / second).sqrt() + 1e-6);
            }
        }
    }
    weights
}

/// The share of each among some.
pub(crate) fn shares(scores: &[f64], among: impl Fn(usize) -> bool) -> Vec<f64> {
    let best = scores.iter().enumerate().filter(|(class, _)| among(*class));
    let best = best.map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    let weigh = |(class, score): (usize, &f64)| if among(class) { (score - best).exp() } else { 0.0 };
    let shares: Vec<f64> = scores.iter().enumerate().map(weigh).collect();
    let all: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / all).collect()
}

fn base(row: &Row) -> Vec<f64> {
    row.sample.scores.iter().copied().chain([row.sample.none]).collect()
}

/// How much speaks for each cause and for none.
pub(crate) fn scores(row: &Row, weights: &Weights) -> Vec<f64> {
    let mut scores = base(row);
    for (weights, share) in shared(row, |word| weights.get(word)) {
        for (score, weight) in scores.iter_mut().zip(weights) {
            *score += weight * share;
        }
    }
    scores
}

/// The words and facts of a row that are known, and how much each counts.
fn shared<T>(row: &Row, known: impl Fn(&str) -> Option<T>) -> Vec<(T, f64)> {
    let found: Vec<T> = row.sample.features.iter().filter_map(|word| known(word)).collect();
    let length = scale(found.len());
    let facts = row.sample.facts.iter().filter_map(|fact| Some((known(fact)?, FACT)));
    found.into_iter().map(|word| (word, 1.0 / length)).chain(facts).collect()
}

/// `data/words.txt`
pub(crate) fn table(weights: &Weights) -> String {
    let mut table = String::from(
        "# Words, pairs of words, and facts (`=`) of known reports and what they speak for when the other tables have spoken (`none`:\n\
         # for no cause). Learnt by `examples/learn.rs` from public reports with the cause that was found in the end. Not edited by hand.\n",
    );
    let ids: Vec<&str> = Cause::ALL.iter().map(|cause| cause.id()).chain(["none"]).collect();
    for word in sorted(weights.keys().map(String::as_str)) {
        let mut kept: Vec<(&str, f64)> = ids
            .iter()
            .copied()
            .zip(weights[word].iter().copied())
            .filter(|(_, weight)| *weight != 0.0)
            .collect();
        kept.sort_by(|a, b| b.1.total_cmp(&a.1));
        if !kept.is_empty() {
            let _ = write!(table, "{word} =>");
            for (id, weight) in kept {
                let _ = write!(table, " {id}{weight:+.1}");
            }
            table.push('\n');
        }
    }
    table
}
