//! The observation of a connection by the code that passes its bytes on. What may take long goes to a task: a search for causes,
//! a recording on a disk, much to inflate. Until that is done, further steps wait in a queue, and the bytes go on.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use framewise_inspect::Connection;
use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Did, MOST_WAITING, Step};
use crate::Watch;
use crate::watch::Search;

/// A connection that is observed where its bytes pass.
pub(super) struct Inline {
    state: Mutex<State>,
    /// Where tasks run, also when the tap is dropped elsewhere.
    runtime: Handle,
    /// The side whose stream ends with the tap.
    held: Option<Role>,
}

struct State {
    observer: Place,
    /// Those who wait for room in the queue.
    wakers: Vec<Waker>,
    /// Takes what was found, at the end.
    done: Option<oneshot::Sender<Connection>>,
}

/// Where the observer is.
enum Place {
    /// Here: what is noted is observed at once.
    Here(Box<Watch>),
    /// In a task.
    Task {
        waiting: VecDeque<Step>,
        /// The task, where it waits for a step.
        waker: Option<Waker>,
        /// No step follows.
        is_over: bool,
    },
    /// It has failed: nothing is noted any more.
    Gone,
}

/// What the task does next.
enum Next {
    Step(Step),
    /// Nothing waits: the byte path has the observer again.
    GaveBack,
    Finish,
}

impl Inline {
    pub(super) fn new(watch: Watch, held: Option<Role>, done: oneshot::Sender<Connection>) -> Arc<Self> {
        let observer = Place::Here(Box::new(watch));
        let state = Mutex::new(State { observer, wakers: Vec::new(), done: Some(done) });
        Arc::new(Self { state, runtime: Handle::current(), held })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more step can be noted.
    pub(super) async fn room(&self) {
        poll_fn(|cx| self.poll_room(cx)).await;
    }

    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        match &state.observer {
            Place::Task { waiting, .. } if waiting.len() >= MOST_WAITING => {
                if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                    state.wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
            Place::Here(_) | Place::Task { .. } | Place::Gone => Poll::Ready(()),
        }
    }

    /// Notes what one side did.
    pub(super) fn note(self: &Arc<Self>, time: Duration, from: Role, did: Did<'_>) {
        let mut state = self.state();
        let search = match &mut state.observer {
            Place::Here(watch) if watch.takes_long(did) => None,
            // A fault of the observer must not end the connection that it observes.
            Place::Here(watch) => match catch_unwind(AssertUnwindSafe(|| watch.note(time, false, from, did)))
            {
                Ok(None) => return,
                Ok(search) => search,
                Err(_) => {
                    let wakers = state.fail();
                    drop(state);
                    return wake(wakers);
                }
            },
            Place::Task { .. } => {
                return state.queue(Step { time, behind: false, from, action: did.to_action() });
            }
            Place::Gone => return,
        };
        let is_noted = search.is_some();
        let task = self.task(&mut state);
        if !is_noted {
            state.queue(Step { time, behind: false, from, action: did.to_action() });
        }
        drop(state);
        self.spawn(task, search);
    }

    /// No step follows.
    pub(super) fn end(self: &Arc<Self>, time: Duration) {
        let mut state = self.state();
        let task = self.task(&mut state);
        if let Some(from) = self.held {
            state.queue(Step { time, behind: false, from, action: Action::Eof });
        }
        if let Place::Task { is_over, waker, .. } = &mut state.observer {
            *is_over = true;
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
        drop(state);
        self.spawn(task, None);
    }

    /// A task for the observer, where it is here.
    fn task(self: &Arc<Self>, state: &mut State) -> Option<Task> {
        match std::mem::replace(&mut state.observer, Place::Gone) {
            Place::Here(watch) => {
                state.observer = Place::Task { waiting: VecDeque::new(), waker: None, is_over: false };
                Some(Task { inline: Arc::clone(self), watch: Some(watch) })
            }
            other @ (Place::Task { .. } | Place::Gone) => {
                state.observer = other;
                None
            }
        }
    }

    /// Call it without the lock: a runtime that ends drops the task at once, and that takes the lock.
    fn spawn(&self, task: Option<Task>, search: Option<Search>) {
        if let Some(task) = task {
            self.runtime.spawn(task.run(search));
        }
    }
}

impl State {
    fn queue(&mut self, step: Step) {
        if let Place::Task { waiting, waker, .. } = &mut self.observer {
            waiting.push_back(step);
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }

    /// Those who waited for room are to be woken without the lock.
    #[must_use]
    fn fail(&mut self) -> Vec<Waker> {
        self.observer = Place::Gone;
        self.done = None;
        std::mem::take(&mut self.wakers)
    }
}

/// The task that has the observer; where it ends early, by a panic or with the runtime, the bytes go on unobserved.
struct Task {
    inline: Arc<Inline>,
    watch: Option<Box<Watch>>,
}

impl Task {
    async fn run(mut self, search: Option<Search>) {
        if let Some(watch) = &mut self.watch {
            watch.search(search).await;
        }
        loop {
            match poll_fn(|cx| self.poll_next(cx)).await {
                Next::Step(step) => {
                    if let Some(watch) = &mut self.watch {
                        watch.step(step).await;
                    }
                }
                Next::GaveBack => return,
                Next::Finish => break,
            }
            // Many steps may wait: other connections take turns.
            tokio::task::coop::consume_budget().await;
        }
        let Some(watch) = self.watch.take() else { return };
        let connection = watch.finish().await;
        if let Some(done) = self.inline.state().done.take() {
            // Whoever asked may have gone.
            let _ = done.send(connection);
        }
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Next> {
        let mut state = self.inline.state();
        let State { observer, wakers, .. } = &mut *state;
        let Place::Task { waiting, waker, is_over } = observer else { return Poll::Ready(Next::GaveBack) };
        let next = match waiting.pop_front() {
            Some(step) => Next::Step(step),
            None if *is_over => Next::Finish,
            None if self.watch.as_ref().is_some_and(|watch| watch.stays_in_task()) => {
                *waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            None => {
                *observer = self.watch.take().map_or(Place::Gone, Place::Here);
                Next::GaveBack
            }
        };
        let wakers = std::mem::take(wakers);
        drop(state);
        wake(wakers);
        Poll::Ready(next)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.watch.is_some() {
            let wakers = self.inline.state().fail();
            wake(wakers);
        }
    }
}

fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").finish_non_exhaustive()
    }
}
