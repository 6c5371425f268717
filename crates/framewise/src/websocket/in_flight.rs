use std::cell::RefCell;
use std::time::Duration;

use super::inbox::Inbox;
use super::outbox::Outbox;

/// Of these, a thread keeps so many for the connections that will need one.
const SPARE: usize = 64;

thread_local! {
    #[allow(clippy::vec_box, reason = "it is the boxes that are kept")]
    static SPARES: RefCell<Vec<Box<InFlight>>> = const { RefCell::new(Vec::new()) };
}

/// What is on its way in and out. An idle connection has none.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// The engine's time of the last read.
    pub(super) now: Duration,
    /// Since when a write has made no progress.
    pub(super) stalled: Option<Duration>,
}

impl InFlight {
    /// An empty one.
    pub(super) fn take() -> Box<Self> {
        SPARES.try_with(|spares| spares.borrow_mut().pop()).ok().flatten().unwrap_or_default()
    }

    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.inbox.is_empty() && self.outbox.is_empty()
    }

    /// Gives an empty one back.
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
