//! Counts and limits the work of a search for causes, so that a peer cannot prolong it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest number of steps for all searches of one connection. A step is a byte that a detector reads or inflates,
/// or a quarter of a header that it tries.
pub(crate) const CONNECTION: u64 = 32 << 20;
/// The largest number of steps for one search.
pub(crate) const FINDING: u64 = 4 << 20;

/// The steps that the searches of a connection have taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// Allots steps for one search; unused ones are returned.
    pub(crate) fn allot(&self) -> Work {
        let mut given = 0;
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
            given = CONNECTION.saturating_sub(spent).min(FINDING);
            Some(spent + given)
        });
        debug_assert!(taken.is_ok(), "the closure always answers");
        Work { budget: self.clone(), left: Cell::new(given), short: Cell::new(false) }
    }

    /// Steps of their own for the finding that explains the end, even if the others have taken all.
    pub(crate) fn reserve(&self) -> Work {
        self.0.fetch_add(FINDING, Ordering::Relaxed);
        Work { budget: self.clone(), left: Cell::new(FINDING), short: Cell::new(false) }
    }

    /// The steps taken.
    pub(crate) fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The steps of one search.
#[derive(Debug)]
pub(crate) struct Work {
    budget: Budget,
    left: Cell<u64>,
    short: Cell<bool>,
}

impl Work {
    /// Takes steps. `false` if there are not enough: then none are left for later calls either.
    pub(crate) fn take(&self, steps: u64) -> bool {
        match self.left.get().checked_sub(steps).filter(|_| !self.short.get()) {
            Some(left) => self.left.set(left),
            None => self.short.set(true),
        }
        !self.short.get()
    }

    /// Whether the search ran out of steps: it may then have missed causes.
    pub(crate) const fn is_short(&self) -> bool {
        self.short.get()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.left.get(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_takes_what_it_was_given_and_gives_back_what_it_leaves() {
        let budget = Budget::default();
        let work = budget.allot();
        assert_eq!(budget.spent(), FINDING, "what a search may take is held for it");
        assert!(work.take(3) && work.take(FINDING - 3));
        assert!(!work.is_short(), "it had as many as it wanted");
        assert!(!work.take(1) && work.is_short());
        assert!(!work.take(0), "a search that fell short gets nothing more");
        drop(work);
        assert_eq!(budget.spent(), FINDING);
        let work = budget.allot();
        assert!(work.take(5));
        drop(work);
        assert_eq!(budget.spent(), FINDING + 5);
    }

    #[test]
    fn the_budget_ends_but_for_the_finding_that_explains_the_end() {
        let budget = Budget::default();
        while budget.spent() < CONNECTION {
            assert!(budget.allot().take(FINDING));
        }
        assert!(!budget.allot().take(1));
        assert!(budget.reserve().take(FINDING));
        assert_eq!(budget.spent(), CONNECTION + FINDING);
    }
}
