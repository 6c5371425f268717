//! Makes `data/words.txt` from texts with known causes:
//! `cargo run --release -p framewise-messages --example learn -- [--write FILE] LABELLED.jsonl… OTHER…`
//!
//! The labelled files are those of `measure`; any other file reports nothing. What the other tables say of each text is
//! counted first; the words learn what is left (a softmax over the causes and "none", with a penalty on the square of the
//! weights). Without `--write` each fifth of the texts is read with what the other four taught, and the table of `measure`
//! is printed: what the words are worth for texts that were not seen, and how often a first cause with a share is wrong.
#![allow(missing_docs, clippy::cast_precision_loss, clippy::case_sensitive_file_extension_comparisons)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use framewise_messages::{FACT, Sample, sample, scale};
use framewise_rules::Cause;
use serde_json::Value;

/// Texts that have a word, at least, and words that are kept.
const TEXTS: usize = 4;
const KEPT: usize = 1400;
/// Weights below this are left out.
const LEAST: f64 = 0.3;
const PENALTY: f64 = 0.1;
const ROUNDS: i32 = 150;
const STEP: f64 = 0.05;
const FOLDS: usize = 5;

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

struct Row {
    set: String,
    sample: Sample,
    right: Vec<bool>,
    counts: f64,
}

/// The share of the first cause with which it would be asserted.
const SHARES: [f64; 4] = [0.5, 0.6, 0.75, 0.9];

type Weights = HashMap<String, Vec<f64>>;

fn main() {
    let mut rows = Vec::new();
    let mut write = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--write" {
            write = arguments.next();
            continue;
        }
        let bytes = std::fs::read(&argument).expect("a readable file");
        let text = String::from_utf8_lossy(&bytes);
        if argument.ends_with(".jsonl") {
            let set = argument.rsplit('/').next().unwrap_or("").to_owned();
            rows.extend(text.lines().filter_map(|line| labelled(&set, line)));
        } else {
            let mut right = vec![false; Cause::ALL.len()];
            right.push(true);
            rows.push(Row { set: "(none)".to_owned(), sample: sample(&text), right, counts: 0.5 });
        }
    }
    if let Some(path) = write {
        let all: Vec<&Row> = rows.iter().collect();
        std::fs::write(path, table(&learn(&all))).expect("a file that can be written");
        return;
    }
    let mut figures: BTreeMap<&str, [usize; 11]> = BTreeMap::new();
    for fold in 0..FOLDS {
        let known = rows.iter().enumerate().filter(|(index, _)| index % FOLDS != fold);
        let weights = learn(&known.map(|(_, row)| row).collect::<Vec<_>>());
        for row in rows.iter().skip(fold).step_by(FOLDS) {
            let scores = scores(row, &weights);
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            let figures = figures.entry(&row.set).or_default();
            figures[0] += 1;
            figures[1] += usize::from(row.right[order[0]]);
            figures[2] += usize::from(order.iter().take(3).any(|index| row.right[*index]));
            let share = shares(&scores, |class| class < Cause::ALL.len())[order[0]];
            for (index, least) in SHARES.into_iter().enumerate() {
                figures[3 + 2 * index] += usize::from(share >= least);
                figures[4 + 2 * index] += usize::from(share >= least && !row.right[order[0]]);
            }
        }
    }
    for (set, [texts, first, three, asserted @ ..]) in figures {
        let share = |count: usize| 100.0 * count as f64 / texts as f64;
        let asserted = asserted.map(|count| format!("{:.0}", share(count))).join("/");
        println!(
            "{set:<24} {texts:>5} first {:>4.0} % three {:>4.0} % asserted/wrongly from {SHARES:?} {asserted} %",
            share(first),
            share(three)
        );
    }
}

fn labelled(set: &str, line: &str) -> Option<Row> {
    let value: Value = serde_json::from_str(line).ok()?;
    let get = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    let mut ids: Vec<&str> = Vec::new();
    for list in [&value["also"], &value["causes"], &value["expect"]["causes_ok"]] {
        ids.extend(list.as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    ids.extend([&value["cause"], &value["expect"]["cause"]].into_iter().filter_map(Value::as_str));
    let mut right: Vec<bool> = Cause::ALL.iter().map(|cause| ids.contains(&cause.id())).collect();
    right.push(false);
    let messages = || value["messages"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let text = match (&value["paste"], &value["text"], &value["message"]) {
        (Value::String(text), _, _) | (_, Value::String(text), _) => text.clone(),
        (_, _, Value::String(text)) => text.replace("{\u{2026}}", "x7").replace("{url}", "ws://a.example/b"),
        _ if value["tellable"] != "none" => {
            format!("{}\n{}\n{}", get("title"), messages().collect::<Vec<_>>().join("\n"), get("software"))
        }
        _ => return None,
    };
    // A message alone says less about how people write.
    let counts = if value["message"].is_string() { 0.3 } else { 1.0 };
    right.contains(&true).then(|| Row { set: set.to_owned(), sample: sample(&text), right, counts })
}

/// The weights of the words that are worth the most.
fn learn(rows: &[&Row]) -> Weights {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for feature in rows.iter().flat_map(|row| row.sample.features.iter().chain(&row.sample.facts)) {
        *counts.entry(feature).or_default() += 1;
    }
    let is_empty = |feature: &str| feature.split(' ').all(|word| EMPTY.contains(&word));
    counts.retain(|feature, count| *count >= TEXTS && !is_empty(feature));
    let vocabulary: Vec<&str> = sorted(counts.into_keys());
    let weights = descend(rows, &vocabulary);
    let most = |weights: &[f64]| weights.iter().fold(0.0_f64, |most, weight| most.max(weight.abs()));
    let mut kept: Vec<(f64, &str)> =
        vocabulary.iter().zip(&weights).map(|(word, weights)| (most(weights), *word)).collect();
    kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    kept.truncate(KEPT);
    let vocabulary = sorted(kept.into_iter().map(|(_, word)| word));
    let weights = descend(rows, &vocabulary);
    vocabulary.into_iter().map(str::to_owned).zip(weights).collect()
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

fn shares(scores: &[f64], among: impl Fn(usize) -> bool) -> Vec<f64> {
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

fn scores(row: &Row, weights: &Weights) -> Vec<f64> {
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

fn table(weights: &Weights) -> String {
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
            .filter(|(_, weight)| weight.abs() >= LEAST)
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
