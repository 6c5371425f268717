//! The wakers of a stream and a sink that different tasks poll.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use framewise_proto::Transport;

use super::Inner;
use super::state::State;

/// A half of a connection that generic code splits, for example `StreamExt::split` of the crate futures.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Stream,
    Sink,
}

impl Half {
    const fn other(self) -> Self {
        match self {
            Self::Stream => Self::Sink,
            Self::Sink => Self::Stream,
        }
    }
}

/// The tasks that wait for the two halves.
///
/// A transport keeps one waker for reading and one for writing, and an alarm has one, but each half reads, writes and waits for
/// deadlines. So when two tasks wait, they are woken together.
#[derive(Default)]
pub(super) struct Halves {
    waiting: [Option<Waker>; 2],
    both: Option<Arc<Both>>,
}

struct Both([Waker; 2]);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.iter().for_each(Waker::wake_by_ref);
    }
}

impl Halves {
    fn set(&mut self, half: Half, waker: &Waker) {
        match &mut self.waiting[half as usize] {
            Some(waiting) => waiting.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// A waker for this task and that of the other half, if another task waits there.
    fn both(&mut self, half: Half, waker: &Waker) -> Option<Waker> {
        let other = self.waiting[half.other() as usize].as_ref().filter(|other| !other.will_wake(waker))?;
        let pair = match half {
            Half::Stream => [waker, other],
            Half::Sink => [other, waker],
        };
        let made =
            self.both.take().filter(|both| both.0.iter().zip(pair).all(|(one, two)| one.will_wake(two)));
        let both = self.both.insert(made.unwrap_or_else(|| Arc::new(Both(pair.map(Waker::clone)))));
        Some(Waker::from(Arc::clone(both)))
    }
}

/// The state that a waiting half depends on, apart from its own reading and writing.
struct Outlook {
    state: State,
    transport: Transport,
    deadline: Option<Duration>,
}

impl Outlook {
    /// Whether a half that waited before has to look again. A deadline that moves back is found when the alarm rings.
    fn has_changed(&self, after: &Self) -> bool {
        let sooner = after.deadline.is_some_and(|after| self.deadline.is_none_or(|before| after < before));
        self.state != after.state || self.transport != after.transport || sooner
    }
}

impl<S> Inner<S> {
    fn outlook(&self) -> Outlook {
        let (transport, deadline) = (self.engine.poll_transport(), self.engine.poll_timeout());
        Outlook { state: self.state, transport, deadline }
    }

    /// Does something for one half without waiting. The other half, if it waits, has to look again after a Close, for example,
    /// which has a deadline.
    pub(super) fn act_half<T>(&mut self, half: Half, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.outlook();
        let done = act(self);
        if before.has_changed(&self.outlook())
            && let Some(details) = &self.details
            && let Some(waiting) = &details.halves.waiting[half.other() as usize]
        {
            waiting.wake_by_ref();
        }
        done
    }

    /// Polls one half such that neither half takes the wakeups of the other.
    pub(super) fn poll_half<T>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let both = self.details.as_mut().and_then(|details| details.halves.both(half, cx.waker()));
        let polled = match both {
            None => poll(self, cx),
            Some(both) => {
                let before = self.outlook();
                let polled = poll(self, &mut Context::from_waker(&both));
                if before.has_changed(&self.outlook()) {
                    both.wake();
                }
                polled
            }
        };
        if polled.is_pending() {
            self.details().halves.set(half, cx.waker());
        } else if let Some(details) = &mut self.details {
            details.halves.waiting[half as usize] = None;
        }
        polled
    }
}
