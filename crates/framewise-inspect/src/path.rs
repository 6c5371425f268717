//! What two legs of one connection tell together.

use framewise_rules::Role;

use crate::leg::Leg;
use crate::report::Finding;

/// Something that the legs differ in.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) finding: Finding,
    pub(crate) leg: usize,
    pub(crate) stream: Role,
}

/// Compares the legs.
pub(crate) fn compare(legs: &[Leg]) -> Vec<Difference> {
    let _ = legs;
    Vec::new()
}
