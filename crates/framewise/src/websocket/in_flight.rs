use std::cell::RefCell;
use std::time::Duration;

use super::inbox::Inbox;
use super::outbox::Outbox;

/// How many a thread keeps for later use.
const SPARE: usize = 64;

thread_local! {
    #[allow(clippy::vec_box, reason = "it is the boxes that are kept")]
    static SPARES: RefCell<Vec<Box<InFlight>>> = const { RefCell::new(Vec::new()) };
}

/// State of reads and writes in progress. An idle connection has none.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// The time of the last read, on the clock of the engine.
    pub(super) now: Duration,
    /// Since when writing has made no progress.
    pub(super) stalled: Option<Duration>,
}

impl InFlight {
    /// Takes an empty one.
    pub(super) fn take() -> Box<Self> {
        SPARES.try_with(|spares| spares.borrow_mut().pop()).ok().flatten().unwrap_or_default()
    }

    /// Whether nothing is in progress.
    pub(super) fn is_empty(&self) -> bool {
        self.inbox.is_empty() && self.outbox.is_empty()
    }

    /// Returns an empty one for later use.
    pub(super) fn give(mut self: Box<Self>) {
        self.inbox.take_parts(false);
        // A thread that ends keeps nothing.
        let _ = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARE {
                spares.push(self);
            }
        });
    }
}
