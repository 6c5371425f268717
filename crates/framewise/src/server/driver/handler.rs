use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::{fmt, mem};

use framewise_proto::Ended;

use super::core::{Core, Read};
use super::slots::{ConnectionId, Phase};
use super::topics::Slow;
use super::{App, Handle, MESSAGES, Opened, drive, socket};
use crate::{CloseCode, Error, Listener, MessageRef};

/// Serves the connections of a worker by callbacks: see [`Listener::handle`].
///
/// One handler serves all of them, one call at a time, so that it needs no lock; a call must not block.
pub trait Handler: 'static {
    /// What is kept for each connection.
    type State: 'static;

    /// A client has connected.
    fn open(&mut self, link: &mut Link<'_>, opened: Opened) -> Self::State;

    /// A client has sent a message, which is lent.
    fn message(&mut self, link: &mut Link<'_>, state: &mut Self::State, message: MessageRef<'_>);

    /// A connection is closed: the last call for it. If another call panicked, the client got a Close with 1011, and this one
    /// is left out.
    fn close(&mut self, link: &mut Link<'_>, state: Self::State, end: End) {
        let _ = (link, state, end);
    }
}

/// How a connection of a [`Handler`] ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct End {
    /// Who ended it, with which code.
    pub ended: Option<Ended>,
    /// [`Error::Violation`] if the client broke a rule or was lost, [`Error::Io`] if the socket failed; `None` if the
    /// connection was closed as it should be.
    pub error: Option<Error>,
}

/// A connection of a [`Handler`], while the handler is called.
///
/// Messages that are sent in a call are written together with those of the next calls, at the end of the connection's turn.
pub struct Link<'w> {
    core: &'w mut Core,
    index: u32,
}

impl Link<'_> {
    /// Which connection of the worker this is.
    pub fn id(&self) -> ConnectionId {
        self.core.slots.id(self.index)
    }

    /// Sends a message to this connection. If its client reads slowly, it is kept; nothing more is received from it
    /// meanwhile.
    ///
    /// Errors: [`Error::Misuse`] after a Close.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<MessageRef<'m>>) -> Result<(), Error> {
        self.core.send(self.index, message.into())
    }

    /// Sends a message to a connection of this worker.
    ///
    /// Errors: [`Error::Misuse`] if it is closed, or after a Close.
    pub fn send_to<'m>(&mut self, to: ConnectionId, message: impl Into<MessageRef<'m>>) -> Result<(), Error> {
        let index = self.core.slots.find(to).ok_or(crate::Misuse::Closed)?;
        self.core.send(index, message.into())
    }

    /// Subscribes this connection to a topic of the worker. Subscribed already, it changes what becomes of messages that it is
    /// too slow for.
    pub fn subscribe(&mut self, topic: &str, slow: Slow) {
        self.core.subscribe(self.index, topic, slow);
    }

    /// Ends a subscription. It ends by itself when the connection is closed.
    pub fn unsubscribe(&mut self, topic: &str) {
        self.core.unsubscribe(self.index, topic);
    }

    /// Sends a message to each connection of the worker that subscribed to a topic, except this one. It is encoded once, and
    /// compressed once for each agreement. Returns to how many connections it is sent.
    pub fn publish<'m>(&mut self, topic: &str, message: impl Into<MessageRef<'m>>) -> usize {
        self.core.publish(topic, message.into(), Some(self.index))
    }

    /// Sends a Close, after what was sent before. Messages that still arrive are passed to the handler.
    ///
    /// Errors: [`Error::Misuse`] for a code or a reason that must not be sent, and after a Close.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.core.close(self.index, code.into(), reason)
    }

    /// How many bytes wait for the client to read.
    pub fn queued(&self) -> usize {
        self.core.queued(self.index)
    }

    /// The client's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let fd = self.core.slots[self.index].phase.fd();
        fd.map_or(Err(io::ErrorKind::NotConnected.into()), socket::peer)
    }

    /// Reaches the connections of this worker from elsewhere.
    pub fn handle(&self) -> Handle {
        Handle { queue: Arc::clone(&self.core.queue) }
    }
}

impl fmt::Debug for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Listener {
    /// Serves for ever, or until its [`Stop`](crate::Stop), by the callbacks of a handler: the way with the least work and
    /// memory for each connection. The slot of an idle connection has 64 bytes, beside the handler's state.
    ///
    /// All connections are served by the calling task. For more than one processor, start a thread for each, with a runtime
    /// and a listener of its own (`SO_REUSEPORT`), as the example `echo_handler` does.
    ///
    /// ```no_run
    /// use framewise::{Handler, Link, MessageRef, Opened, Server};
    ///
    /// struct Echo;
    ///
    /// impl Handler for Echo {
    ///     type State = ();
    ///
    ///     fn open(&mut self, _: &mut Link<'_>, _: Opened) {}
    ///
    ///     fn message(&mut self, link: &mut Link<'_>, (): &mut (), message: MessageRef<'_>) {
    ///         // It fails after a Close.
    ///         let _ = link.send(message);
    ///     }
    /// }
    ///
    /// # async fn serve() -> std::io::Result<()> {
    /// let listener = Server::new().bind("127.0.0.1:9001").await?;
    /// listener.handle(Echo).await
    /// # }
    /// ```
    ///
    /// Everything else is as with [`Listener::serve`]: the handshake, limits, deadlines, the closing handshake. A handler that
    /// panics ends its connection only, and one that runs for more than 100 ms is reported to [`Listener::on_error`]. On
    /// Linux, and without TLS, which a proxy may do.
    ///
    /// Errors: those of the system, if it has no memory or descriptor for epoll, and if the server has TLS. Dropping the
    /// future cuts the connections.
    pub async fn handle<H: Handler>(self, handler: H) -> io::Result<()> {
        self.handle_until(pending::<()>(), handler).await
    }

    /// As [`Listener::handle`], until `stop` is ready. Then it accepts no more connections, answers unfinished handshakes with
    /// 503, and sends each connection a Close with 1001 after the messages that are queued for it. It returns when each
    /// connection is closed, or after [`Server::grace`](crate::Server::grace), when those that are left are cut.
    pub async fn handle_until<H: Handler>(self, stop: impl Future, handler: H) -> io::Result<()> {
        drive(self, stop, |_| Handled::new(handler)).await
    }
}

/// The connections of a handler.
pub(super) struct Handled<H: Handler> {
    handler: H,
    /// By the places of the connections. `None` also after a panic.
    states: Vec<Option<H::State>>,
}

impl<H: Handler> App for Handled<H> {
    fn opened(&mut self, core: &RefCell<Core>, index: u32, opened: Opened) {
        let core = &mut *core.borrow_mut();
        if self.states.len() > 4 * core.slots.places() as usize {
            self.states.truncate(core.slots.places() as usize);
            self.states.shrink_to_fit();
        }
        let place = index as usize;
        if self.states.len() <= place {
            self.states.resize_with(place + 1, || None);
        }
        self.states[place] = None;
        self.states[place] = Some(self.handler.open(&mut Link { core, index }, opened));
    }

    fn turn(&mut self, core: &RefCell<Core>, index: u32) {
        let core = &mut *core.borrow_mut();
        let received = self.turn_idle(core, index);
        self.turn_active(core, index, received);
        core.list_readable(index);
    }

    fn panicked(&mut self, core: &RefCell<Core>, index: u32) {
        if let Some(state) = self.states.get_mut(index as usize) {
            *state = None;
        }
        core.borrow_mut().list(index);
    }
}

impl<H: Handler> Handled<H> {
    pub(super) const fn new(handler: H) -> Self {
        Self { handler, states: Vec::new() }
    }

    /// The turn of an idle connection. Returns how many messages it has received.
    fn turn_idle(&mut self, core: &mut Core, index: u32) -> usize {
        let Read::Bytes(count) = core.read(index) else { return 0 };
        let mut buffer = core.take_read();
        let (mut at, mut received, mut broken) = (0, 0, None);
        while at < count && received < MESSAGES {
            if core.is_full() {
                core.write(index);
            }
            // A Close, or what its client does not read, makes it active.
            let Some((engine, config)) = core.idle(index) else { break };
            match engine.receive_whole(config, &mut buffer[at..count]) {
                Ok(Some((consumed, payload))) => {
                    at += consumed;
                    received += 1;
                    if let Some(Some(state)) = self.states.get_mut(index as usize) {
                        self.handler.message(&mut Link { core, index }, state, payload.into());
                    }
                }
                Ok(None) => break,
                Err(violation) => {
                    broken = Some(*violation);
                    break;
                }
            }
        }
        if at < count || broken.is_some() {
            core.received_rest(index, &buffer[at..count], broken);
        }
        core.give_read(buffer);
        received
    }

    /// The turn of an active connection, which has received some messages in this turn.
    fn turn_active(&mut self, core: &mut Core, index: u32, mut received: usize) {
        let mut failure = None;
        loop {
            let id = core.slots.id(index);
            let Core { slots, wakers, .. } = core;
            let Phase::Active(ws) = &mut slots[index].phase else { return };
            if received >= MESSAGES {
                ws.write_now();
                core.list(index);
                break;
            }
            let polled = wakers.poll(id, |cx| {
                // A client that does not read is not read from.
                if ws.is_full() && ws.poll_capacity(cx).is_pending() {
                    return Poll::Pending;
                }
                ws.poll_message(cx)
            });
            match polled {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(message))) => {
                    received += 1;
                    if let Some(Some(state)) = self.states.get_mut(index as usize) {
                        self.handler.message(&mut Link { core, index }, state, (&message).into());
                    }
                }
                Poll::Ready(Some(Err(error))) => failure = Some(error),
                Poll::Ready(None) => return self.closed(core, index, failure),
            }
        }
        core.settle(index);
    }

    fn closed(&mut self, core: &mut Core, index: u32, error: Option<Error>) {
        let ended = match &mut core.slots[index].phase {
            Phase::Active(ws) => ws.take_ended(),
            Phase::Vacant | Phase::Released | Phase::Opening(_) | Phase::Idle(_) => None,
        };
        if let Some(state) = self.states.get_mut(index as usize).and_then(mem::take) {
            self.handler.close(&mut Link { core, index }, state, End { ended, error });
        }
        core.remove(index);
    }
}
