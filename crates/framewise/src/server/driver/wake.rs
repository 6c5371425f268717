//! How others wake a connection of a worker: timers, channels, other threads.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::Command;
use super::slots::ConnectionId;

/// What the threads of a program pass to a worker.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Whether something is in it, so that an empty one costs no lock.
    filled: AtomicBool,
}

#[derive(Default)]
struct Inner {
    woken: Vec<Arc<ConnectionWaker>>,
    commands: Vec<Command>,
    /// Wakes the driver.
    driver: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is locked but an allocation.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what is pushed from now on wake this task.
    pub(super) fn register(&self, cx: &Context<'_>) {
        let mut inner = self.lock();
        if inner.driver.as_ref().is_none_or(|driver| !driver.will_wake(cx.waker())) {
            inner.driver = Some(cx.waker().clone());
        }
    }

    pub(super) fn push(&self, command: Command) {
        self.fill(|inner| inner.commands.push(command));
    }

    fn fill(&self, fill: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        fill(&mut inner);
        self.filled.store(true, Ordering::Release);
        let driver = inner.driver.clone();
        drop(inner);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Wakes the driver.
    pub(super) fn wake(&self) {
        self.fill(|_| {});
    }

    /// Takes the connections that were woken, and the commands.
    pub(super) fn take(&self, mut woken: impl FnMut(ConnectionId), command: impl FnMut(Command)) {
        if !self.filled.load(Ordering::Acquire) {
            return;
        }
        let mut inner = self.lock();
        self.filled.store(false, Ordering::Relaxed);
        let (wakers, commands) = (std::mem::take(&mut inner.woken), std::mem::take(&mut inner.commands));
        drop(inner);
        for waker in wakers {
            waker.queued.store(false, Ordering::Release);
            woken(waker.id());
        }
        commands.into_iter().for_each(command);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// Wakes one connection.
pub(super) struct ConnectionWaker {
    queue: Arc<Queue>,
    id: AtomicU64,
    queued: AtomicBool,
}

impl ConnectionWaker {
    fn new(queue: Arc<Queue>) -> Arc<Self> {
        Arc::new(Self { queue, id: AtomicU64::new(0), queued: AtomicBool::new(false) })
    }

    fn id(&self) -> ConnectionId {
        ConnectionId::of_token(self.id.load(Ordering::Relaxed))
    }
}

impl Wake for ConnectionWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let queue = Arc::clone(&self.queue);
            queue.fill(|inner| inner.woken.push(self));
        }
    }
}

/// The wakers of a worker's connections. Most connections wait for nothing but their socket, which needs no waker: they are
/// polled with the same one, and a connection for which somebody kept it has it from then on.
pub(super) struct Wakers {
    queue: Arc<Queue>,
    spare: Arc<ConnectionWaker>,
    own: HashMap<u32, Arc<ConnectionWaker>>,
}

impl Wakers {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        let spare = ConnectionWaker::new(Arc::clone(&queue));
        Self { queue, spare, own: HashMap::new() }
    }

    /// The waker to poll a connection with. [`Wakers::polled`] has to follow.
    pub(super) fn waker(&self, id: ConnectionId) -> Waker {
        let own = if self.own.is_empty() { None } else { self.own.get(&id.index) };
        let waker = own.unwrap_or_else(|| {
            self.spare.id.store(id.token(), Ordering::Relaxed);
            &self.spare
        });
        Arc::clone(waker).into()
    }

    /// Whether this is the waker that a connection is polled with in its turn.
    pub(super) fn is_of(&self, id: ConnectionId, waker: &Waker) -> bool {
        let own = if self.own.is_empty() { None } else { self.own.get(&id.index) };
        std::ptr::eq(Arc::as_ptr(own.unwrap_or(&self.spare)).cast(), waker.data())
    }

    /// Somebody may have kept the waker, which was dropped.
    pub(super) fn polled(&mut self, id: ConnectionId) {
        if Arc::strong_count(&self.spare) > 1 {
            let kept = std::mem::replace(&mut self.spare, ConnectionWaker::new(Arc::clone(&self.queue)));
            self.own.insert(id.index, kept);
        }
    }

    /// The connection waits for nothing any more.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        if !self.own.is_empty() {
            self.own.remove(&id.index);
            if self.own.is_empty() {
                self.own.shrink_to_fit();
            }
        }
    }
}

/// Polls something of a connection with a waker of it.
impl Wakers {
    pub(super) fn poll<T>(
        &mut self,
        id: ConnectionId,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let waker = self.waker(id);
        let polled = poll(&mut Context::from_waker(&waker));
        drop(waker);
        self.polled(id);
        polled
    }
}
