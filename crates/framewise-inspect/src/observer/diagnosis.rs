use std::sync::Arc;

use framewise_rules::Role;

use crate::cause::{self, Work};
use crate::finding;
use crate::leg::Leg;
use crate::report::Finding;

/// A finding, with the evidence at the time of the call, to search for its causes.
///
/// [`Diagnosis::compute`] takes up to 4 Mi steps. A diagnosis is `Send`: compute it on another thread if other
/// connections wait for this one.
#[derive(Debug)]
pub struct Diagnosis {
    pub(super) legs: Arc<Vec<Leg>>,
    pub(super) leg: usize,
    /// The side whose stream the finding's offset counts in.
    pub(super) stream: Role,
    pub(super) finding: Finding,
    /// `None` if its causes are not searched for, because there are many findings before it.
    pub(super) work: Option<Work>,
}

impl Diagnosis {
    /// The finding, without causes.
    pub const fn finding(&self) -> &Finding {
        &self.finding
    }

    /// Searches for the causes. Returns the finding with them.
    pub fn compute(mut self) -> Finding {
        if let Some(work) = &self.work {
            let found = cause::causes(&self.legs, self.leg, self.stream, &self.finding, work);
            (self.finding.causes, self.finding.searched) = found;
        }
        finding::fill(&mut self.finding, self.legs[self.leg].dir(self.stream));
        self.finding
    }
}
