use std::sync::Arc;

use framewise_rules::Role;

use crate::cause::{self, Work};
use crate::finding;
use crate::leg::Leg;
use crate::report::Finding;

/// A finding whose causes can be searched for: it holds the evidence that there was when the observer gave it out.
///
/// [`Diagnosis::compute`] looks at up to 4 MiB of bytes. It is `Send`: where the bytes of other connections wait for the
/// thread that observes, compute it on another one.
#[derive(Debug)]
pub struct Diagnosis {
    pub(super) legs: Arc<Vec<Leg>>,
    pub(super) leg: usize,
    /// Whose stream the finding's offset is of.
    pub(super) stream: Role,
    pub(super) finding: Finding,
    /// `None` where its causes are not searched for: so many findings before it tell enough.
    pub(super) work: Option<Work>,
}

impl Diagnosis {
    /// The finding, without causes.
    pub const fn finding(&self) -> &Finding {
        &self.finding
    }

    /// Searches for the causes: the finding with them.
    pub fn compute(mut self) -> Finding {
        if let Some(work) = &self.work {
            let found = cause::causes(&self.legs, self.leg, self.stream, &self.finding, work);
            (self.finding.causes, self.finding.searched) = found;
        }
        finding::fill(&mut self.finding, self.legs[self.leg].dir(self.stream));
        self.finding
    }
}
