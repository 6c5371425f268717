use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// Who waits for a connection that was split.
///
/// A transport keeps one waker for reading and one for writing, and both halves do both: the receiver writes the Pongs, and
/// what the senders queued. So each half leaves its waker here, and the transport gets this instead.
///
/// It is locked by itself, and never while another's code runs: a transport may wake it while the connection is locked.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    receiver: Option<Waker>,
    /// Who waits for room in the queue, in the order of arrival: the first is the next to queue.
    queue: VecDeque<Waiter>,
    /// Who waits for what is queued to be written, or for the end.
    others: Vec<Waiter>,
    last_id: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    waker: Waker,
    stays: bool,
}

/// Who waits in the queue.
#[derive(Clone, Copy, Debug)]
pub(super) enum WaiterKind {
    /// A future, which leaves the queue when it is dropped.
    Future,
    /// A sink, which may give up without a word, and so is sent out of the queue when it is called. When it comes back it is
    /// first again: `called`, it waited there before.
    Sink { called: bool },
}

/// Who is to be woken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Call {
    pub(super) receiver: bool,
    /// The first in the queue.
    pub(super) first: bool,
    /// All others.
    pub(super) others: bool,
    /// But not this one, who calls.
    pub(super) but: Option<u64>,
}

impl Waiting {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        // Nothing panics while it is locked, but for memory that runs out.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nobody else has; from 1.
    pub(super) fn new_id(&self) -> u64 {
        let mut lists = self.lists();
        lists.last_id += 1;
        lists.last_id
    }

    /// The receiver waits from now on.
    pub(super) fn register_receiver(&self, cx: &Context<'_>) {
        self.lists().receiver = Some(cx.waker().clone());
    }

    /// The receiver does not wait any more.
    pub(super) fn unregister_receiver(&self) {
        self.lists().receiver = None;
    }

    /// Whether this one is first in the queue. It waits in it from now on; only where there is no queue and `free` says that
    /// there is nothing to wait for, it need not.
    pub(super) fn enqueue(&self, id: u64, kind: WaiterKind, cx: &Context<'_>, free: bool) -> bool {
        let mut lists = self.lists();
        if lists.queue.is_empty() && free {
            return true;
        }
        if let Some(waiter) = lists.queue.iter_mut().find(|waiter| waiter.id == id) {
            waiter.waker.clone_from(cx.waker());
        } else {
            let waker = cx.waker().clone();
            match kind {
                WaiterKind::Future => lists.queue.push_back(Waiter { id, waker, stays: true }),
                WaiterKind::Sink { called: false } => {
                    lists.queue.push_back(Waiter { id, waker, stays: false });
                }
                WaiterKind::Sink { called: true } => {
                    lists.queue.push_front(Waiter { id, waker, stays: false });
                }
            }
        }
        lists.queue.front().is_some_and(|first| first.id == id)
    }

    /// Whether nobody waits in the queue but this one.
    pub(super) fn nobody_before(&self, id: u64) -> bool {
        self.lists().queue.front().is_none_or(|first| first.id == id)
    }

    /// This one waits, in no queue.
    pub(super) fn wait(&self, id: u64, cx: &Context<'_>) {
        let mut lists = self.lists();
        match lists.others.iter_mut().find(|waiter| waiter.id == id) {
            Some(waiter) => waiter.waker.clone_from(cx.waker()),
            None => lists.others.push(Waiter { id, waker: cx.waker().clone(), stays: true }),
        }
    }

    /// This one waits no more. Whether it was first in the queue: then somebody else is now, and is to be called.
    pub(super) fn leave(&self, id: u64) -> bool {
        let mut lists = self.lists();
        lists.others.retain(|waiter| waiter.id != id);
        let was_first = lists.queue.front().is_some_and(|first| first.id == id);
        lists.queue.retain(|waiter| waiter.id != id);
        was_first
    }

    /// As [`Waiting::leave`], of one that gives up.
    pub(super) fn give_up(&self, id: u64) {
        if self.leave(id) {
            self.call(Call { first: true, ..Call::default() });
        }
    }

    pub(super) fn call(&self, call: Call) {
        let mut lists = self.lists();
        let receiver = if call.receiver { lists.receiver.take() } else { None };
        // Nothing is allocated where nobody waits.
        let mut senders = Vec::new();
        if call.first {
            while lists.queue.front().is_some_and(|first| !first.stays)
                && let Some(sink) = lists.queue.pop_front()
            {
                senders.push(sink.waker);
            }
        }
        let first = lists.queue.front().filter(|_| call.first);
        let others = lists.others.iter().filter(|_| call.others);
        let called = first.into_iter().chain(others).filter(|waiter| Some(waiter.id) != call.but);
        senders.extend(called.map(|waiter| waiter.waker.clone()));
        drop(lists);
        receiver.into_iter().chain(senders).for_each(Waker::wake);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// The transport can go on. Of those who wait for room, one goes after the other.
    fn wake_by_ref(self: &Arc<Self>) {
        self.call(Call { receiver: true, first: true, others: true, but: None });
    }
}

/// The place of a future among those who wait, which it leaves when it is dropped.
#[derive(Debug)]
pub(super) struct Place<'w> {
    pub(super) waiting: &'w Waiting,
    pub(super) id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.give_up(self.id);
    }
}
