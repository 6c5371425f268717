//! Why a rule was broken.

use framewise_rules::Role;

use crate::leg::Leg;
use crate::report::{CauseFound, Finding};

/// The causes that the evidence supports, the likeliest first.
pub(crate) fn causes(legs: &[Leg], leg: usize, stream: Role, finding: &Finding) -> Vec<CauseFound> {
    let _ = (legs, leg, stream, finding);
    Vec::new()
}
