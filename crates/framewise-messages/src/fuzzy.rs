//! Messages that stand in a text nearly word for word: an older wording, a word that the paste lost.

use crate::find::{How, Match, TELLING, Text, Work};
use crate::vocabulary::{Id, Pattern, Row, VOCABULARY};

/// The share of a row's weight that must be found, in order.
const ENOUGH: f64 = 0.86;
/// Words that a row must have: of four, one that is missing changes the meaning.
const WORDS: usize = 5;
/// Places where a row is tried.
const ATTEMPTS: usize = 8;
/// Steps for one text.
const BUDGET: u64 = 4_000_000;

/// The messages that are nearly there and that `found` does not have.
pub(crate) fn find(text: &Text<'_>, found: &[Match], work: &mut Work) -> Vec<Match> {
    let end = work.steps + BUDGET;
    let mut candidates: Vec<(usize, f64)> = Vec::new();
    for (index, pattern) in VOCABULARY.patterns.iter().enumerate() {
        if !matches!(pattern.row, Row::Message(_)) || found.iter().any(|found| found.pattern == index) {
            continue;
        }
        let words = pattern.words().count();
        let present = pattern.words().filter(|id| !text.places[*id as usize].is_empty());
        let share = present.map(|id| VOCABULARY.weights[id as usize]).sum::<f64>() / pattern.weight;
        if share >= ENOUGH && words >= WORDS && pattern.weight >= 1.2 * TELLING {
            candidates.push((index, share));
        }
    }
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut like = Vec::new();
    for (index, _) in candidates {
        let pattern = &VOCABULARY.patterns[index];
        let places = |id: &Id| text.places[*id as usize].len();
        let Some(anchor) = pattern.words().filter(|id| places(id) > 0).min_by_key(places) else { continue };
        let tries = text.places[anchor as usize].iter().take(ATTEMPTS);
        let best = tries.filter_map(|&at| {
            if work.steps >= end {
                return None;
            }
            around(text, pattern, index, at as usize, work)
        });
        like.extend(best.max_by(|a, b| a.weight.total_cmp(&b.weight)));
    }
    like
}

/// The longest common row of words around a place.
fn around(text: &Text<'_>, pattern: &Pattern, index: usize, at: usize, work: &mut Work) -> Option<Match> {
    let words: Vec<Id> = pattern.words().collect();
    let reach = words.len() + words.len() / 2 + 2;
    let from = at.saturating_sub(reach);
    let window = &text.ids[from..(at + reach + 1).min(text.ids.len())];
    let columns = window.len() + 1;
    let mut grid = vec![0.0_f64; (words.len() + 1) * columns];
    work.steps += (words.len() * window.len()) as u64;
    for (row, &word) in words.iter().enumerate() {
        for (column, &other) in window.iter().enumerate() {
            let above = grid[row * columns + column + 1];
            let left = grid[(row + 1) * columns + column];
            let matched = if word == other {
                grid[row * columns + column] + VOCABULARY.weights[word as usize]
            } else {
                0.0
            };
            grid[(row + 1) * columns + column + 1] = above.max(left).max(matched);
        }
    }
    let weight = grid[grid.len() - 1];
    if weight < ENOUGH * pattern.weight {
        return None;
    }
    let (mut row, mut column) = (words.len(), window.len());
    let mut places = Vec::new();
    while row > 0 && column > 0 {
        let here = grid[row * columns + column];
        if here <= grid[(row - 1) * columns + column] {
            row -= 1;
        } else if here <= grid[row * columns + column - 1] {
            column -= 1;
        } else {
            places.push(from + column - 1);
            row -= 1;
            column -= 1;
        }
    }
    places.reverse();
    let (first, last) = (*places.first()?, *places.last()?);
    // Words far apart are no message.
    if 2 * places.len() < last - first + 1 {
        return None;
    }
    let variable = (first..=last).filter(|index| !places.contains(index)).collect();
    Some(Match { pattern: index, how: How::Like, at: places, variable, weight })
}
