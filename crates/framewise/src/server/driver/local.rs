//! Handlers that are futures, polled by the driver of their worker.

use std::cell::RefCell;
use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::core::Core;
use super::slots::ConnectionId;
use super::topics::Slow;
use super::{App, Handle, Opened, drive, socket};
use crate::server::report::{HandlerResult, Report, ServeError};
use crate::{CloseCode, Error, Listener, Message, MessageRef, Misuse, trace};

/// A connection of [`Listener::serve_local`], which stays on its thread.
///
/// A plain loop of `next` and `send` is fast: the answers to all messages of one read are written together, when the handler
/// waits. Dropping it cuts the connection, after what was sent, as far as the client reads it at once.
pub struct LocalWebSocket {
    core: Rc<RefCell<Core>>,
    id: ConnectionId,
    opened: Option<Box<Opened>>,
}

impl LocalWebSocket {
    /// Which connection of the worker this is.
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// The request, the subprotocol and the address of the client. They are kept until the first call of
    /// [`LocalWebSocket::next`], so that an idle connection is small.
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_deref()
    }

    /// Returns the next message, or `None` when the closing handshake is complete: as
    /// [`WebSocket::next`](crate::WebSocket::next).
    ///
    /// Errors, once, and then `None`: [`Error::Violation`] if the client broke a rule or was lost, [`Error::Io`] if the socket
    /// failed. Cancel-safe: no message is lost.
    #[allow(clippy::should_implement_trait, reason = "the name that streams have; an iterator would block")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        self.opened = None;
        poll_fn(|cx| self.core.borrow_mut().poll_message(self.id, cx))
    }

    /// Sends a message: it is written together with others, when the handler waits for something. While the queue is full
    /// ([`Config::send_queue`](crate::Config::send_queue)), it waits for the client.
    ///
    /// Errors: [`Error::Misuse`] after a Close; [`Error::Io`] if the socket failed. Cancel-safe: a message is queued
    /// completely or not at all.
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let message = message.into();
        poll_fn(move |cx| self.core.borrow_mut().poll_send(self.id, (&message).into(), cx))
    }

    /// As [`LocalWebSocket::send`], for a message that somebody else keeps.
    pub fn send_ref<'m>(
        &mut self,
        message: impl Into<MessageRef<'m>>,
    ) -> impl Future<Output = Result<(), Error>> {
        let message = message.into();
        poll_fn(move |cx| self.core.borrow_mut().poll_send(self.id, message, cx))
    }

    /// Subscribes this connection to a topic of the worker. Subscribed already, it changes what becomes of messages that it is
    /// too slow for.
    pub fn subscribe(&mut self, topic: &str, slow: Slow) {
        let core = &mut *self.core.borrow_mut();
        if let Some(index) = core.slots.find(self.id) {
            core.subscribe(index, topic, slow);
        }
    }

    /// Ends a subscription. It ends by itself when the connection is closed.
    pub fn unsubscribe(&mut self, topic: &str) {
        let core = &mut *self.core.borrow_mut();
        if let Some(index) = core.slots.find(self.id) {
            core.unsubscribe(index, topic);
        }
    }

    /// Sends a message to each connection of the worker that subscribed to a topic, except this one. It is encoded once, and
    /// compressed once for each agreement. Returns to how many connections it is sent.
    pub fn publish<'m>(&mut self, topic: &str, message: impl Into<MessageRef<'m>>) -> usize {
        let core = &mut *self.core.borrow_mut();
        let but = core.slots.find(self.id);
        core.publish(topic, message.into(), but)
    }

    /// Queues a Close, after what was sent. [`LocalWebSocket::next`] returns the messages that still arrive, and then `None`.
    ///
    /// Errors: [`Error::Misuse`] for a code or a reason that must not be sent, and after a Close.
    pub fn start_close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let core = &mut *self.core.borrow_mut();
        let index = core.slots.find(self.id).ok_or(Misuse::Closed)?;
        core.close(index, code.into(), reason)
    }

    /// Closes the connection, and waits for the client's Close, at most [`Limits::close`](crate::Limits::close): as
    /// [`WebSocket::close`](crate::WebSocket::close).
    pub async fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.start_close(code, reason)?;
        let mut failure = Ok(());
        while let Some(message) = self.next().await {
            failure = message.map(|_| ());
        }
        failure
    }

    /// The client's address.
    pub fn peer_addr(&self) -> io::Result<std::net::SocketAddr> {
        let core = self.core.borrow();
        let fd = core.slots.find(self.id).and_then(|index| core.slots[index].phase.fd());
        fd.map_or(Err(io::ErrorKind::NotConnected.into()), socket::peer)
    }

    /// Reaches the connections of this worker from elsewhere.
    pub fn handle(&self) -> Handle {
        Handle { queue: std::sync::Arc::clone(&self.core.borrow().queue) }
    }
}

impl Drop for LocalWebSocket {
    fn drop(&mut self) {
        self.core.borrow_mut().release(self.id);
    }
}

impl fmt::Debug for LocalWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWebSocket").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Listener {
    /// As [`Listener::serve`], but the handlers run on this thread, as parts of the calling task, so that they need not be
    /// `Send`, and a connection costs a fraction of the work and memory of a task.
    ///
    /// For more than one processor, start a thread for each, with a runtime and a listener of its own (`SO_REUSEPORT`), as the
    /// example `echo_local` does. The timers and channels of tokio, `select!` and others work in a handler.
    ///
    /// ```no_run
    /// # async fn serve() -> std::io::Result<()> {
    /// let listener = framewise::Server::new().bind("127.0.0.1:9001").await?;
    /// listener
    ///     .serve_local(|mut ws| async move {
    ///         while let Some(message) = ws.next().await {
    ///             ws.send(message?).await?;
    ///         }
    ///         Ok(())
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// Limits, errors and panics: as [`Listener::handle`]. Dropping the future cuts the connections.
    pub async fn serve_local<F, T>(self, handler: F) -> io::Result<()>
    where
        F: FnMut(LocalWebSocket) -> T + 'static,
        T: Future<Output: HandlerResult> + 'static,
    {
        self.serve_local_until(pending::<()>(), handler).await
    }

    /// As [`Listener::serve_local`], until `stop` is ready: then as [`Listener::handle_until`].
    pub async fn serve_local_until<F, T>(self, stop: impl Future, handler: F) -> io::Result<()>
    where
        F: FnMut(LocalWebSocket) -> T + 'static,
        T: Future<Output: HandlerResult> + 'static,
    {
        drive(self, stop, |core| Local::new(core, handler)).await
    }
}

/// The handlers of a worker's connections.
pub(super) struct Local<F, T> {
    core: Rc<RefCell<Core>>,
    handler: F,
    /// By the places of the connections.
    tasks: Vec<Option<Task<T>>>,
}

struct Task<T> {
    handler: Pin<Box<T>>,
    /// Only if errors are reported.
    report: Option<Box<Report>>,
}

impl<F, T> Local<F, T> {
    pub(super) fn new(core: &Rc<RefCell<Core>>, handler: F) -> Self {
        Self { core: Rc::clone(core), handler, tasks: Vec::new() }
    }
}

impl<F, T> App for Local<F, T>
where
    F: FnMut(LocalWebSocket) -> T,
    T: Future<Output: HandlerResult>,
{
    fn opened(&mut self, core: &RefCell<Core>, index: u32, opened: Opened) {
        let (id, report, places) = {
            let core = &*core.borrow();
            let wanted = core.on_error.is_some() || trace::IS_ON;
            let report = wanted.then(|| Box::new(Report { peer: opened.peer, ..core.report(index) }));
            (core.slots.id(index), report, core.slots.places() as usize)
        };
        if self.tasks.len() > 4 * places {
            self.tasks.truncate(places);
            self.tasks.shrink_to_fit();
        }
        let place = index as usize;
        if self.tasks.len() <= place {
            self.tasks.resize_with(place + 1, || None);
        }
        let ws = LocalWebSocket { core: Rc::clone(&self.core), id, opened: Some(Box::new(opened)) };
        let handler = Box::pin((self.handler)(ws));
        self.tasks[place] = Some(Task { handler, report });
    }

    fn turn(&mut self, core: &RefCell<Core>, index: u32) {
        let Some(Some(task)) = self.tasks.get_mut(index as usize) else {
            // It has dropped the connection, or passed it on.
            return core.borrow_mut().end_released(index);
        };
        let id = core.borrow().slots.id(index);
        let waker = core.borrow_mut().begin_poll(index);
        let polled = task.handler.as_mut().poll(&mut Context::from_waker(&waker));
        drop(waker);
        core.borrow_mut().end_poll(id);
        let Poll::Ready(result) = polled else { return };
        if let (Some(report), Some(error)) = (&task.report, result.into_error()) {
            report.tell(ServeError::Handler(error));
        }
        self.tasks[index as usize] = None;
        core.borrow_mut().end_released(index);
    }

    fn panicked(&mut self, core: &RefCell<Core>, index: u32) {
        if let Some(task) = self.tasks.get_mut(index as usize) {
            *task = None;
        }
        core.borrow_mut().end_released(index);
    }
}
