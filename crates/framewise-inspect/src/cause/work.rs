//! How much a search for causes may look at: counted, so that a peer cannot make it long.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Steps that the searches of one connection may take together. A step is a byte that a detector looks at, a quarter of
/// a header that it tries, or a byte that it inflates.
pub(crate) const CONNECTION: u64 = 32 << 20;
/// Steps of one search.
pub(crate) const FINDING: u64 = 4 << 20;

/// What the searches of a connection took so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// Steps for one search; what it leaves goes back.
    pub(crate) fn allot(&self) -> Work {
        let mut given = 0;
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
            given = CONNECTION.saturating_sub(spent).min(FINDING);
            Some(spent + given)
        });
        debug_assert!(taken.is_ok(), "the closure always answers");
        Work { budget: self.clone(), left: Cell::new(given), short: Cell::new(false) }
    }

    /// Steps that there are even where the others took all: for the one finding that explains the end.
    pub(crate) fn reserve(&self) -> Work {
        self.0.fetch_add(FINDING, Ordering::Relaxed);
        Work { budget: self.clone(), left: Cell::new(FINDING), short: Cell::new(false) }
    }

    /// Steps that were taken.
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
    /// Takes steps; `false` where there are not as many, and none from then on.
    pub(crate) fn take(&self, steps: u64) -> bool {
        match self.left.get().checked_sub(steps).filter(|_| !self.short.get()) {
            Some(left) => self.left.set(left),
            None => self.short.set(true),
        }
        !self.short.get()
    }

    /// Whether the search wanted more steps than it had: what it did not find says nothing.
    pub(crate) const fn is_short(&self) -> bool {
        self.short.get()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.left.get(), Ordering::Relaxed);
    }
}
