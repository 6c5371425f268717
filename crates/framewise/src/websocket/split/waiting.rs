use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// The tasks that wait for a split connection.
///
/// A transport keeps one waker for reading and one for writing, but both halves read and write: the receiver writes Pongs and
/// what the senders queued. So each half stores its waker here, and the transport gets a waker that wakes them.
///
/// It has a lock of its own, which is never held while foreign code runs: a transport may wake it while the connection is
/// locked.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    receiver: Option<Waker>,
    /// The tasks that wait to queue a message, in the order of arrival: the first one is next.
    queue: VecDeque<Waiter>,
    /// The tasks that wait until what is queued is written, or for the end.
    others: Vec<Waiter>,
    last_id: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    waker: Waker,
    stays: bool,
}

/// A waiting sender.
#[derive(Clone, Copy, Debug)]
pub(super) enum WaiterKind {
    /// A future, which leaves the queue when it is dropped.
    Future,
    /// A sink, which may give up without notice, and so is removed when it is woken. If it comes back (`called`), it is first
    /// again.
    Sink { called: bool },
}

/// The tasks to wake.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Call {
    pub(super) receiver: bool,
    /// The first sender in line.
    pub(super) first: bool,
    /// All other tasks.
    pub(super) others: bool,
    /// Except this one, which is running.
    pub(super) but: Option<u64>,
}

impl Waiting {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        // Nothing panics while it is locked, but for memory that runs out.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a unique number, from 1.
    pub(super) fn new_id(&self) -> u64 {
        let mut lists = self.lists();
        lists.last_id += 1;
        lists.last_id
    }

    /// Registers the receiver as waiting.
    pub(super) fn register_receiver(&self, cx: &Context<'_>) {
        self.lists().receiver = Some(cx.waker().clone());
    }

    /// Removes the receiver.
    pub(super) fn unregister_receiver(&self) {
        self.lists().receiver = None;
    }

    /// Whether this sender is first in line. If not, it is added to the line. If the line is empty and `free` says that there
    /// is nothing to wait for, it does not have to wait.
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

    /// Whether no other sender waits.
    pub(super) fn nobody_before(&self, id: u64) -> bool {
        self.lists().queue.front().is_none_or(|first| first.id == id)
    }

    /// Adds a task that waits without an order.
    pub(super) fn wait(&self, id: u64, cx: &Context<'_>) {
        let mut lists = self.lists();
        match lists.others.iter_mut().find(|waiter| waiter.id == id) {
            Some(waiter) => waiter.waker.clone_from(cx.waker()),
            None => lists.others.push(Waiter { id, waker: cx.waker().clone(), stays: true }),
        }
    }

    /// Removes a task. Returns whether it was first in line: then the new first one has to be woken.
    pub(super) fn leave(&self, id: u64) -> bool {
        let mut lists = self.lists();
        lists.others.retain(|waiter| waiter.id != id);
        let was_first = lists.queue.front().is_some_and(|first| first.id == id);
        lists.queue.retain(|waiter| waiter.id != id);
        was_first
    }

    /// As [`Waiting::leave`], for a task that gives up.
    pub(super) fn give_up(&self, id: u64) {
        if self.leave(id) {
            self.call(Call { first: true, ..Call::default() });
        }
    }

    pub(super) fn call(&self, call: Call) {
        let mut lists = self.lists();
        let receiver = if call.receiver { lists.receiver.take() } else { None };
        // Nothing is allocated if no task waits.
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

    /// The transport can continue. Senders are woken one after the other.
    fn wake_by_ref(self: &Arc<Self>) {
        self.call(Call { receiver: true, first: true, others: true, but: None });
    }
}

/// The registration of a waiting future, until it is dropped.
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
