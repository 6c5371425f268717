//! How a server stops its connections: each one registers the waker of the task that drives it. That costs a comparison
//! whenever a connection waits, and a lock only when another task drives it than before.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(any(feature = "tower", feature = "axum"))]
use std::task::ready;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[cfg(any(feature = "tower", feature = "axum"))]
use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::timeout;

#[cfg(any(feature = "tower", feature = "axum"))]
use crate::panic::Panic;
#[cfg(any(feature = "tower", feature = "axum"))]
use crate::{HandlerResult, trace};

/// Stops the servers that it was passed to with [`Server::stop`](crate::Server::stop), and all their connections: those over
/// streams, of a [`Listener`](crate::Listener), and through hyper, tower or axum. Clones stop the same servers.
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
/// // HTTP has stopped. Now the WebSockets get a Close, and time to answer it.
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
    /// Notified when it starts to stop, and when the last task and the last connection are gone.
    changed: Notify,
}

#[derive(Default)]
struct Registrations {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// The number of running tasks.
    tasks: usize,
}

impl Stop {
    /// Creates a `Stop` that has not stopped anything yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the servers. From now on, handshakes are answered with 503, each connection gets a Close with 1001 (going away)
    /// after the messages that are queued for it, and each [`Listener`](crate::Listener) accepts no more connections. The
    /// call waits until each connection is closed or dropped and each handler of a listener, of tower or of axum has
    /// returned, at most for `grace`. It cannot be undone.
    ///
    /// A connection sends its Close when it is read, for example in [`WebSocket::next`](crate::WebSocket::next).
    ///
    /// Cancel-safe: the first poll stops the servers; another call continues to wait.
    pub async fn stop(&self, grace: Duration) {
        self.start();
        let _ = timeout(grace, self.empty()).await;
    }

    /// Starts to stop, and wakes every connection.
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

    /// Waits until no task runs and no connection is registered.
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
        // Only the waker of another crate can panic while this is locked, and the registrations are consistent then.
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    async fn wait_for(&self, ready: impl Fn(&Self) -> bool) {
        loop {
            // From here on it is notified of every change, even before it is polled.
            let changed = self.changed.notified();
            if ready(self) {
                return;
            }
            changed.await;
        }
    }
}

/// Without the registrations: there may be very many.
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

/// A running task. [`Stop::stop`] waits until it is dropped.
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
    /// A handler with its [`StopTask`]. An async block around the handler would contain it twice.
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
impl<T: Future<Output: HandlerResult>> Future for Serving<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let handler = self.project().handler;
        let result = ready!(Panic::trace(|| handler.poll(cx)));
        if let Some(error) = result.into_error() {
            trace::handler_failed(&error);
        }
        Poll::Ready(())
    }
}

/// The registration of one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct StopRegistration {
    stop: Arc<Shared>,
    number: usize,
    waker: Option<Waker>,
}

impl StopRegistration {
    /// Whether the server is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_stopping()
    }

    /// Whether the server is stopping. If not, it wakes the task when it does.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> bool {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            let mut registrations = self.stop.registrations();
            if let Some(waker) = registrations.wakers.get_mut(self.number) {
                waker.clone_from(&self.waker);
            }
        }
        // Checked after the waker is registered: a stop that starts later finds it there.
        self.is_stopping()
    }
}

/// The output of a future, or `None` if the server stops first.
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
        // Free the memory of a burst with its last connection.
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
