//! Makes `data/words.txt` from texts with known causes:
//! `cargo run --release -p framewise-messages --example learn -- [--write FILE] LABELLED.jsonl… descriptions.txt OTHER…`
//!
//! The labelled files are those of `measure`; `descriptions.txt` has invented descriptions; any other file reports nothing.
//! What the other tables say of each text is counted first; the words learn what is left. Without `--write` each fifth of
//! the texts is read with what the other four taught, and it is printed what the words are worth for texts that were not
//! seen: the figures of each set, from which share on a first cause is right in 95 %, and which causes are taken for which.
#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::float_cmp
)]

mod rows;
mod weights;

use std::collections::BTreeMap;

use framewise_rules::Cause;

use crate::rows::{NONE, Row, rows};
use crate::weights::{learn, scores, shares, table};

const FOLDS: usize = 5;
/// How much less than for "none" may speak for a cause that is claimed all the same.
const MARGINS: [f64; 5] = [0.0, 0.75, 1.5, 2.25, 3.0];
/// How often a first cause that is asserted must be right.
const SURE: f64 = 0.95;

/// How one text was read by weights that had not seen it.
struct Judged<'r> {
    row: &'r Row,
    /// The causes, the likeliest first.
    order: Vec<usize>,
    /// The share of the first among the causes.
    share: f64,
    /// How much more speaks for it than for none.
    above_none: f64,
}

impl Judged<'_> {
    fn is_first(&self) -> bool {
        self.row.right[self.order[0]]
    }

    fn is_among_three(&self) -> bool {
        self.order.iter().take(3).any(|index| self.row.right[*index])
    }
}

fn main() {
    let mut all = Vec::new();
    let mut write = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--write" {
            write = arguments.next();
        } else {
            all.extend(rows(&argument));
        }
    }
    if let Some(path) = write {
        let all: Vec<&Row> = all.iter().collect();
        std::fs::write(path, table(&learn(&all))).expect("a file that can be written");
        return;
    }
    let mut judged = Vec::new();
    for fold in 0..FOLDS {
        let is_judged = |index: usize, row: &Row| index % FOLDS == fold && !row.taught;
        let known = all.iter().enumerate().filter(|(index, row)| !is_judged(*index, row));
        let weights = learn(&known.map(|(_, row)| row).collect::<Vec<_>>());
        let unseen = all.iter().enumerate().filter(|(index, row)| is_judged(*index, row));
        judged.extend(unseen.map(|(_, row)| judge(row, &scores(row, &weights))));
    }
    figures(&judged);
    assertions(&judged);
    confusions(&judged);
}

fn judge<'r>(row: &'r Row, scores: &[f64]) -> Judged<'r> {
    let causes = Cause::ALL.len();
    let mut order: Vec<usize> = (0..causes).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let share = shares(scores, |class| class < causes)[order[0]];
    let above_none = scores[order[0]] - scores[causes];
    Judged { row, order, share, above_none }
}

fn figures(judged: &[Judged<'_>]) {
    let mut sets: BTreeMap<&str, Vec<&Judged<'_>>> = BTreeMap::new();
    for one in judged {
        sets.entry(&one.row.set).or_default().push(one);
        if one.row.name.starts_with("http") {
            sets.entry("all reports").or_default().push(one);
        }
    }
    for (set, judged) in sets {
        let share = |is: &dyn Fn(&Judged<'_>) -> bool| {
            100.0 * judged.iter().filter(|one| is(one)).count() as f64 / judged.len() as f64
        };
        println!(
            "{set:<24} {:>5} first {:>5.1} % three {:>5.1} % claims from {MARGINS:?} below none {:.0?} %",
            judged.len(),
            share(&|one| one.is_first()),
            share(&|one| one.is_among_three()),
            MARGINS.map(|margin| share(&|one| one.above_none > -margin))
        );
    }
}

/// From which share on the first cause is right often enough, and how many texts have it.
fn assertions(judged: &[Judged<'_>]) {
    let mut reports: Vec<&Judged<'_>> =
        judged.iter().filter(|one| one.row.name.starts_with("http")).collect();
    reports.sort_by(|a, b| b.share.total_cmp(&a.share));
    let (mut right, mut least) = (0, None);
    for (index, one) in reports.iter().enumerate() {
        right += usize::from(one.is_first());
        if f64::from(u32::try_from(right).unwrap_or(0)) >= SURE * (index + 1) as f64 {
            least = Some((one.share, index + 1));
        }
    }
    if let Some((share, texts)) = least {
        println!("from a share of {share:.2} on right in 95 %: {texts} of {} reports", reports.len());
    }
}

fn confusions(judged: &[Judged<'_>]) {
    let mut taken: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for one in judged.iter().filter(|one| one.row.set != NONE && !one.is_first()) {
        if let Some(right) = one.order.iter().find(|index| one.row.right[**index]) {
            *taken.entry((*right, one.order[0])).or_default() += 1;
        }
    }
    let mut taken: Vec<_> = taken.into_iter().filter(|(_, times)| *times > 1).collect();
    taken.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    for ((right, first), times) in taken.into_iter().take(40) {
        println!("{times:>4} {} taken for {}", Cause::ALL[right], Cause::ALL[first]);
    }
}
