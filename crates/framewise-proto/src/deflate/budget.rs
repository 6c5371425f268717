use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Limits the memory of compressed messages while they are received, for many connections together: the engine holds a
/// message that never ends until its connection ends.
///
/// All connections whose [`Config`](crate::Config) names the budget share it: those of a server, or of a process. It
/// counts bytes that were inflated and not yet taken ([`Connection::take_inflated`]); their buffers are up to twice as
/// large. If the budget is used up, a connection that needs more breaks `inflate-too-big`, whatever the size of its own
/// message. Each thread may exceed the budget by one step, 64 KiB.
///
/// Bytes that the application has taken are no longer counted.
///
/// [`Connection::take_inflated`]: crate::Connection::take_inflated
#[derive(Debug)]
pub struct InflateBudget {
    limit: usize,
    held: AtomicUsize,
}

impl InflateBudget {
    /// A budget of `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0) }
    }

    /// The limit in bytes.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// A budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted {
    pub(super) held: u64,
    pub(super) limit: u64,
}

/// One connection's share of a budget; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    budget: Option<Arc<InflateBudget>>,
    held: usize,
}

impl Share {
    pub(super) const fn of(budget: Option<Arc<InflateBudget>>) -> Self {
        Self { budget, held: 0 }
    }

    /// Sets how many bytes the connection holds.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let Some(budget) = &self.budget else { return Ok(()) };
        let more = bytes.saturating_sub(self.held);
        let less = self.held.saturating_sub(bytes);
        self.held = bytes;
        if more == 0 {
            budget.held.fetch_sub(less, Ordering::Relaxed);
            return Ok(());
        }
        let held = budget.held.fetch_add(more, Ordering::Relaxed) + more;
        if held > budget.limit {
            return Err(Exhausted { held: held as u64, limit: budget.limit as u64 });
        }
        Ok(())
    }

    /// The connection holds no bytes.
    pub(super) fn release(&mut self) {
        if let Some(budget) = &self.budget {
            budget.held.fetch_sub(core::mem::take(&mut self.held), Ordering::Relaxed);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_to_what_is_held_and_a_dropped_one_to_nothing() {
        let budget = Arc::new(InflateBudget::new(100));
        let (mut one, mut other) = (Share::of(Some(budget.clone())), Share::of(Some(budget.clone())));
        assert_eq!((one.hold(70), other.hold(30)), (Ok(()), Ok(())));
        assert_eq!(budget.held(), 100);
        assert_eq!(other.hold(31), Err(Exhausted { held: 101, limit: 100 }));
        assert_eq!((one.hold(69), budget.held()), (Ok(()), 100));
        other.release();
        assert_eq!(budget.held(), 69);
        drop(one);
        assert_eq!(budget.held(), 0);
        assert_eq!(Share::of(None).hold(usize::MAX), Ok(()));
    }
}
