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
    stopping: AtomicBool,
    registrations: Mutex<Registrations>,
    /// It was told, or nobody is left.
    changed: Notify,
}

#[derive(Default)]
struct Registrations {
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
        self.start();
        let _ = timeout(grace, self.empty()).await;
    }

    /// Tells every connection.
    pub(crate) fn start(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let wakers: Vec<_> = self.shared.registrations().wakers.iter_mut().filter_map(Option::take).collect();
        wakers.into_iter().for_each(Waker::wake);
        self.shared.changed.notify_waiters();
    }

    /// Waits until [`Stop::stop`] is called. Cancel-safe.
    pub async fn stopped(&self) {
        self.shared.wait_for(Shared::is_stopping).await;
    }

    /// Waits until no task runs, and there is no connection.
    pub(crate) async fn empty(&self) {
        self.shared.wait_for(|shared| shared.registrations().is_empty()).await;
    }

    /// Counts a task until the guard is dropped.
    pub(crate) fn task(&self) -> StopTask {
        self.shared.registrations().tasks += 1;
        StopTask(Arc::clone(&self.shared))
    }

    pub(crate) fn register(&self) -> StopRegistration {
        let mut registrations = self.shared.registrations();
        let number = registrations.free.pop().unwrap_or_else(|| {
            registrations.wakers.push(None);
            registrations.wakers.len() - 1
        });
        drop(registrations);
        StopRegistration { stop: Arc::clone(&self.shared), number, waker: None }
    }
}

impl Shared {
    fn registrations(&self) -> MutexGuard<'_, Registrations> {
        // Nothing panics while it is locked but a foreign waker, and the seats are whole then, too.
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
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
        f.debug_struct("Shared").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Registrations {
    fn is_empty(&self) -> bool {
        self.tasks == 0 && self.free.len() == self.wakers.len()
    }
}

/// A task that is waited for.
#[derive(Debug)]
pub(crate) struct StopTask(Arc<Shared>);

impl Drop for StopTask {
    fn drop(&mut self) {
        let mut registrations = self.0.registrations();
        registrations.tasks -= 1;
        let empty = registrations.is_empty();
        drop(registrations);
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
pub(crate) struct StopRegistration {
    stop: Arc<Shared>,
    number: usize,
    waker: Option<Waker>,
}

impl StopRegistration {
    /// Whether the server stops.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_stopping()
    }

    /// Whether the server stops; if not, the task is woken when it does.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> bool {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            let mut registrations = self.stop.registrations();
            if let Some(waker) = registrations.wakers.get_mut(self.number) {
                waker.clone_from(&self.waker);
            }
        }
        // After the seat is taken: whoever tells afterwards finds the waker there.
        self.is_stopping()
    }
}

/// What a future gives, or `None` when the server stops before.
pub(crate) fn unless_stopped<T>(
    registration: &mut Option<StopRegistration>,
    mut future: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Option<T>> {
    poll_fn(move |cx| {
        if registration.as_mut().is_some_and(|registration| registration.poll(cx)) {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
}

impl Drop for StopRegistration {
    fn drop(&mut self) {
        let mut registrations = self.stop.registrations();
        if let Some(waker) = registrations.wakers.get_mut(self.number) {
            *waker = None;
        }
        registrations.free.push(self.number);
        // The memory of a burst goes with its last connection.
        if registrations.free.len() == registrations.wakers.len() {
            registrations.free = Vec::new();
            registrations.wakers = Vec::new();
        }
        let empty = registrations.is_empty();
        drop(registrations);
        if empty {
            self.stop.changed.notify_waiters();
        }
    }
}
