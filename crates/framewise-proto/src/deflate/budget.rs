use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

/// How much the compressed messages of many connections may come to, all together, while they are being received: a
/// message that never ends is held by the engine until its connection ends.
///
/// One budget is shared by all connections whose [`Config`](crate::Config) names it: those of a server, or of
/// a process. It counts bytes that were inflated and not taken yet ([`Connection::take_inflated`]); the buffers that hold
/// them are up to twice as large. A connection that asks for more when it is used up breaks `inflate-too-big`, whatever
/// its own message came to, and a step of each thread, 64 KiB, may go beyond it.
///
/// What an application took, a message that it keeps or a part of one, is no longer counted.
///
/// [`Connection::take_inflated`]: crate::Connection::take_inflated
#[derive(Debug)]
pub struct InflateBudget {
    limit: usize,
    held: AtomicUsize,
}

impl InflateBudget {
    /// A budget of so many bytes.
    pub const fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0) }
    }

    /// Bytes that it allows.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that are held now.
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

/// What one connection holds of a budget. It gives it back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Option<Arc<InflateBudget>>,
    held: usize,
}

impl Share {
    pub(super) const fn of(budget: Option<Arc<InflateBudget>>) -> Self {
        Self { budget, held: 0 }
    }

    /// It holds so many bytes now.
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

    /// It holds nothing.
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
