//! How a server tells its connections to stop: a seat for each, with the waker of the task that drives it. It costs a
//! comparison whenever a connection waits, and a lock only when it is driven by another task than before.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[cfg(any(feature = "tower", feature = "axum"))]
use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Stops servers: those that were given it with [`Server::stop`](crate::Server::stop), however their connections came, over
/// streams, through a [`Listener`](crate::Listener), hyper, tower or axum. Clones are the same.
///
/// ```no_run
/// # #[cfg(feature = "axum")]
/// # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// use std::time::Duration;
///
/// use axum::{Router, extract::State, routing::any};
/// use framewise::axum::{WebSocket, WebSocketUpgrade};
/// use framewise::{Error, Stop};
///
/// async fn echo(mut ws: WebSocket) -> Result<(), Error> {
///     while let Some(message) = ws.next().await {
///         ws.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// let stop = Stop::new();
/// let app = Router::new()
///     .route("/ws", any(async |ws: WebSocketUpgrade, State(stop): State<Stop>| ws.stop(&stop).on_upgrade(echo)))
///     .with_state(stop.clone());
/// let stopped = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
/// axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
/// // HTTP is over. The WebSockets are told now, and have time to answer.
/// stop.stop(Duration::from_secs(10)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    told: AtomicBool,
    seats: Mutex<Seats>,
    /// It was told, or nobody is left.
    changed: Notify,
}

#[derive(Default)]
struct Seats {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// Tasks that run.
    tasks: usize,
}

impl Stop {
    /// One that has stopped nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops: handshakes are answered with 503 from now on, connections are told that the server is going away (1001),
    /// behind what is queued for them, and [`Listener`](crate::Listener)s take no more. It waits until each connection is
    /// closed, or dropped, and each handler that was given to a listener, to tower or to axum has returned, or until
    /// `grace` is over. There is no way back.
    ///
    /// A connection hears of it when it is read, in [`WebSocket::next`](crate::WebSocket::next) for one.
    ///
    /// Cancel-safe: from the first poll on all are told; another call waits on.
    pub async fn stop(&self, grace: Duration) {
        self.tell();
        let _ = timeout(grace, self.empty()).await;
    }

    /// Tells every connection.
    pub(crate) fn tell(&self) {
        self.shared.told.store(true, Ordering::SeqCst);
        let wakers: Vec<_> = self.shared.seats().wakers.iter_mut().filter_map(Option::take).collect();
        wakers.into_iter().for_each(Waker::wake);
        self.shared.changed.notify_waiters();
    }

    /// Waits until [`Stop::stop`] is called. Cancel-safe.
    pub async fn stopped(&self) {
        self.shared.wait_for(Shared::is_told).await;
    }

    /// Waits until no task runs, and there is no connection.
    pub(crate) async fn empty(&self) {
        self.shared.wait_for(|shared| shared.seats().is_empty()).await;
    }

    /// Counts a task until the guard is dropped.
    pub(crate) fn task(&self) -> StopTask {
        self.shared.seats().tasks += 1;
        StopTask(Arc::clone(&self.shared))
    }

    pub(crate) fn seat(&self) -> StopSeat {
        let mut seats = self.shared.seats();
        let number = seats.free.pop().unwrap_or_else(|| {
            seats.wakers.push(None);
            seats.wakers.len() - 1
        });
        drop(seats);
        StopSeat { stop: Arc::clone(&self.shared), number, waker: None }
    }
}

impl Shared {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Nothing panics while it is locked but a foreign waker, and the seats are whole then, too.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_told(&self) -> bool {
        self.told.load(Ordering::SeqCst)
    }

    async fn wait_for(&self, ready: impl Fn(&Self) -> bool) {
        loop {
            // It hears of every change from here on, also of one before it is polled.
            let changed = self.changed.notified();
            if ready(self) {
                return;
            }
            changed.await;
        }
    }
}

/// Without the seats: there may be very many.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("told", &self.told).finish_non_exhaustive()
    }
}

impl Seats {
    fn is_empty(&self) -> bool {
        self.tasks == 0 && self.free.len() == self.wakers.len()
    }
}

/// A task that is waited for.
#[derive(Debug)]
pub(crate) struct StopTask(Arc<Shared>);

impl Drop for StopTask {
    fn drop(&mut self) {
        let mut seats = self.0.seats();
        seats.tasks -= 1;
        let empty = seats.is_empty();
        drop(seats);
        if empty {
            self.0.changed.notify_waiters();
        }
    }
}

#[cfg(any(feature = "tower", feature = "axum"))]
pin_project! {
    /// A handler that is waited for; an async block around it would hold it twice.
    pub(crate) struct Serving<T> {
        #[pin]
        handler: T,
        task: Option<StopTask>,
    }
}

#[cfg(any(feature = "tower", feature = "axum"))]
impl<T> Serving<T> {
    pub(crate) const fn new(handler: T, task: Option<StopTask>) -> Self {
        Self { handler, task }
    }
}

#[cfg(any(feature = "tower", feature = "axum"))]
impl<T: Future> Future for Serving<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().handler.poll(cx).map(drop)
    }
}

/// One connection's place.
#[derive(Debug)]
pub(crate) struct StopSeat {
    stop: Arc<Shared>,
    number: usize,
    waker: Option<Waker>,
}

impl StopSeat {
    /// Whether the server stops.
    pub(crate) fn is_told(&self) -> bool {
        self.stop.is_told()
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
        let empty = seats.is_empty();
        drop(seats);
        if empty {
            self.stop.changed.notify_waiters();
        }
    }
}
