use framewise_rules::Cause;

use crate::report::Fault;

/// What a detector saw.
#[derive(Debug)]
pub(super) struct Sign {
    pub(super) cause: Cause,
    /// `None` if the evidence does not say who.
    pub(super) fault: Option<Fault>,
    /// What points to the cause, in words.
    pub(super) evidence: String,
}
