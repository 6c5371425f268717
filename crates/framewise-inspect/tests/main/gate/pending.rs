//! The rules whose machinery is still to come: the one place where they stand. The gate fails when one of them turns
//! out to be emitted.

use framewise_rules::Rule;

/// What the engine does not find yet.
pub(crate) const ENDPOINT: &[Rule] = &[];

/// What the observer does not find yet.
pub(crate) const OBSERVER: &[Rule] = &[];
