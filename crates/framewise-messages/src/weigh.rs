//! Evidence added up.

use crate::reading::{Evidence, Ranked};

/// What speaks for each of several things.
#[derive(Debug)]
pub(crate) struct Scale<T> {
    items: Vec<(T, Vec<Evidence>)>,
}

/// What the second, third and further piece of evidence for the same thing counts: they are seldom independent.
const FURTHER: [f64; 5] = [1.0, 0.7, 0.5, 0.35, 0.25];

impl<T: Copy + PartialEq> Scale<T> {
    pub(crate) const fn new() -> Self {
        Self { items: Vec::new() }
    }

    pub(crate) fn add(&mut self, to: T, evidence: Evidence) {
        match self.items.iter_mut().find(|(item, _)| *item == to) {
            Some((_, all)) => {
                // The same thing said twice is said once.
                match all.iter_mut().find(|other| other.says_the_same(&evidence)) {
                    Some(other) if other.weight >= evidence.weight => {}
                    Some(other) => *other = evidence,
                    None => all.push(evidence),
                }
            }
            None => self.items.push((to, vec![evidence])),
        }
    }

    /// All of them, in the order in which they were first added.
    pub(crate) fn items(&self) -> &[(T, Vec<Evidence>)] {
        &self.items
    }

    /// What speaks for one.
    pub(crate) fn evidence(&self, of: T) -> &[Evidence] {
        self.items.iter().find(|(item, _)| *item == of).map_or(&[], |(_, all)| all)
    }

    /// Everything with what speaks for it, the strongest first.
    pub(crate) fn ranked(self, least: f64, most: usize) -> Vec<Ranked<T>> {
        let mut ranked: Vec<(f64, Ranked<T>)> = Vec::new();
        for (is, mut evidence) in self.items {
            let sum = sum(&evidence);
            if sum >= least {
                evidence.retain(|evidence| evidence.weight > 0.0);
                evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
                ranked.push((sum, Ranked { is, score: 0.0, evidence }));
            }
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = ranked.first().map_or(0.0, |(sum, _)| *sum);
        let all: f64 = ranked.iter().map(|(sum, _)| (sum - best).exp()).sum();
        ranked.truncate(most);
        ranked.into_iter().map(|(sum, ranked)| Ranked { score: (sum - best).exp() / all, ..ranked }).collect()
    }
}

/// What all the evidence for one thing counts.
pub(crate) fn sum(evidence: &[Evidence]) -> f64 {
    let mut weights: Vec<f64> = evidence.iter().map(|evidence| evidence.weight).collect();
    weights.sort_by(|a, b| b.total_cmp(a));
    let counted = weights.iter().enumerate().map(|(index, weight)| {
        if *weight < 0.0 { *weight } else { weight * FURTHER[index.min(FURTHER.len() - 1)] }
    });
    counted.sum()
}
