//! How a server tells its connections to stop: a seat for each, with the waker of the task that drives it. It costs a
//! comparison whenever a connection waits, and a lock only when it is driven by another task than before.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Debug, Default)]
pub(crate) struct Stop {
    told: AtomicBool,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// Tasks that run.
    tasks: usize,
    /// Who waits for there to be none.
    server: Option<Waker>,
}

impl Stop {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Nothing panics while it is locked but a foreign waker, and the seats are whole then, too.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every connection.
    pub(crate) fn tell(&self) {
        self.told.store(true, Ordering::SeqCst);
        let wakers: Vec<_> = self.seats().wakers.iter_mut().filter_map(Option::take).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Counts a task until the guard is dropped.
    pub(crate) fn task(self: &Arc<Self>) -> StopTask {
        self.seats().tasks += 1;
        StopTask(Arc::clone(self))
    }

    /// Ready when no task runs.
    pub(crate) fn poll_empty(&self, cx: &Context<'_>) -> Poll<()> {
        let mut seats = self.seats();
        if seats.tasks == 0 {
            return Poll::Ready(());
        }
        seats.server = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn seat(self: &Arc<Self>) -> StopSeat {
        let mut seats = self.seats();
        let number = seats.free.pop().unwrap_or_else(|| {
            seats.wakers.push(None);
            seats.wakers.len() - 1
        });
        drop(seats);
        StopSeat { stop: Arc::clone(self), number, waker: None }
    }
}

/// A task that is waited for.
#[derive(Debug)]
pub(crate) struct StopTask(Arc<Stop>);

impl Drop for StopTask {
    fn drop(&mut self) {
        let mut seats = self.0.seats();
        seats.tasks -= 1;
        let server = if seats.tasks == 0 { seats.server.take() } else { None };
        drop(seats);
        if let Some(server) = server {
            server.wake();
        }
    }
}

/// One connection's place.
#[derive(Debug)]
pub(crate) struct StopSeat {
    stop: Arc<Stop>,
    number: usize,
    waker: Option<Waker>,
}

impl StopSeat {
    /// Whether the server stops.
    pub(crate) fn is_told(&self) -> bool {
        self.stop.told.load(Ordering::SeqCst)
    }

    /// Whether the server stops; if not, the task is woken when it does.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> bool {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            let mut seats = self.stop.seats();
            if let Some(seat) = seats.wakers.get_mut(self.number) {
                seat.clone_from(&self.waker);
            }
        }
        // After the seat is taken: whoever tells afterwards finds the waker there.
        self.is_told()
    }
}

/// What a future gives, or `None` when the server stops before.
pub(crate) fn unless_told<T>(
    seat: &mut Option<StopSeat>,
    mut future: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Option<T>> {
    poll_fn(move |cx| {
        if seat.as_mut().is_some_and(|seat| seat.poll(cx)) {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
}

impl Drop for StopSeat {
    fn drop(&mut self) {
        let mut seats = self.stop.seats();
        if let Some(seat) = seats.wakers.get_mut(self.number) {
            *seat = None;
        }
        seats.free.push(self.number);
        // The memory of a burst goes with its last connection.
        if seats.free.len() == seats.wakers.len() {
            seats.free = Vec::new();
            seats.wakers = Vec::new();
        }
    }
}
