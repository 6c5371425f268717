//! Serves the connections of a worker in one task: one epoll instance, one read buffer and one write buffer for all, and 64
//! bytes for each that is idle.
//!
//! A connection is idle while nothing of it is open, and receives and sends whole messages like that
//! ([`framewise_proto::IdleConnection`]). Anything else makes it active: it is a [`WebSocket`] then, until nothing of it is
//! open again. So each decision about the protocol, a deadline or an end is made where it is made for every other connection.
//!
//! Each connection that is ready gets one turn in a round, in which it reads once and handles a bounded number of messages.

mod accept;
mod core;
mod epoll;
mod handler;
mod local;
mod outgoing;
mod polled;
mod slots;
mod socket;
mod topics;
mod wake;
mod wheel;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use framewise_proto::Violation;
use framewise_proto::handshake::Request;
use tokio::task::coop;
use tokio::time::timeout;

use self::accept::{Acceptor, LISTENER};
use self::core::Core;
use self::epoll::Epoll;
pub use self::handler::{End, Handler, Link};
pub use self::local::LocalWebSocket;
pub use self::slots::ConnectionId;
use self::slots::{Opening, Phase, Shaken};
use self::socket::{Ready, Socket};
pub use self::topics::Slow;
use self::wake::Queue;
use super::report::{Report, ServeError};
use super::{Listener, Settings, handshake};
use crate::panic::Panic;
use crate::stop::StopRegistration;
use crate::trace::Span;
use crate::websocket::Timer;
use crate::{CloseCode, Message, deadline};

/// How many rounds are made before the other tasks of the thread run.
const ROUNDS: usize = 4;
/// How many messages a connection may receive in its turn.
const MESSAGES: usize = 512;
/// A turn that takes longer blocks the other connections of the worker, and is reported.
const BLOCKED: Duration = Duration::from_millis(100);

/// The beginning of a connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The client's request.
    pub request: Request,
    /// The subprotocol that was agreed.
    pub protocol: Option<Box<str>>,
    /// The client's address.
    pub peer: SocketAddr,
    /// Violations that the handshake tolerated.
    pub tolerated: Vec<Violation>,
}

/// What connections of a worker are served by.
trait App {
    /// A connection was opened.
    fn opened(&mut self, core: &RefCell<Core>, index: u32, opened: Opened);
    /// It is the turn of a connection that is open: its socket may be ready, or it was woken.
    fn turn(&mut self, core: &RefCell<Core>, index: u32);
    /// The code of the application panicked in the turn of this connection, which gets its Close.
    fn panicked(&mut self, core: &RefCell<Core>, index: u32);
}

/// Something that is passed to a worker.
enum Command {
    Send(ConnectionId, Message),
    Close(ConnectionId, CloseCode, String),
    Publish(String, Message),
}

/// Reaches the connections of a worker from elsewhere, also from other threads. Cheap to clone.
///
/// What it is told happens in the order in which it is told. It is written together with other messages to the same
/// connection, after the connections that have something to read had their turn.
#[derive(Clone, Debug)]
pub struct Handle {
    queue: Arc<Queue>,
}

impl Handle {
    /// Sends a message. If the connection is closed, the message is dropped.
    ///
    /// It does not wait: a connection whose client reads slowly keeps what is sent to it.
    pub fn send(&self, to: ConnectionId, message: impl Into<Message>) {
        self.queue.push(Command::Send(to, message.into()));
    }

    /// Sends a message to each connection of the worker that subscribed to this topic ([`Link::subscribe`]).
    pub fn publish(&self, topic: impl Into<String>, message: impl Into<Message>) {
        self.queue.push(Command::Publish(topic.into(), message.into()));
    }

    /// Closes a connection, after what was sent to it. A code that must not be sent is replaced by 1011.
    pub fn close(&self, connection: ConnectionId, code: impl Into<CloseCode>, reason: impl Into<String>) {
        self.queue.push(Command::Close(connection, code.into(), reason.into()));
    }
}

struct Driver<A> {
    core: Rc<RefCell<Core>>,
    app: A,
    epoll: Epoll,
    acceptor: Option<Acceptor>,
    timer: Timer,
    number: u64,
}

/// Serves the connections of a listener until `stop`, and then until all are closed.
async fn drive<A: App>(
    listener: Listener,
    stop: impl Future,
    app: impl FnOnce(&Rc<RefCell<Core>>) -> A,
) -> io::Result<()> {
    let own_stop = listener.stop.clone();
    let grace = listener.server.settings.grace();
    let mut driver = Driver::new(listener, app)?;
    // A stop waits for it.
    let _task = own_stop.task();
    let (mut stop, mut stopped) = (pin!(stop), pin!(own_stop.stopped()));
    poll_fn(|cx| {
        if stop.as_mut().poll(cx).is_ready() || stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        driver.poll(cx)
    })
    .await?;
    driver.stop();
    // Those that are left are cut.
    timeout(grace, poll_fn(|cx| driver.poll(cx))).await.unwrap_or(Ok(()))
}

impl<A: App> Driver<A> {
    fn new(listener: Listener, app: impl FnOnce(&Rc<RefCell<Core>>) -> A) -> io::Result<Self> {
        let Listener { server, tcp, stop, on_error } = listener;
        let settings = Arc::clone(&server.settings);
        #[cfg(feature = "tls")]
        if settings.tls.is_some() {
            let says = "TLS is not served by a driver: use `serve`, or let a proxy do it";
            return Err(io::Error::new(io::ErrorKind::Unsupported, says));
        }
        let epoll = Epoll::new()?;
        let acceptor = Some(Acceptor::new(tcp, &epoll)?);
        let core = Core::new(settings, stop, on_error);
        let timer = Timer::new(core.start);
        let core = Rc::new(RefCell::new(core));
        let app = app(&core);
        Ok(Self { core, app, epoll, acceptor, timer, number: 0 })
    }

    /// Ready when it is stopped and the last connection is closed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.core.borrow().queue.register(cx);
        for _ in 0..ROUNDS {
            self.core.borrow_mut().tick();
            self.take_commands();
            let waits = self.poll_events(cx)?.is_pending();
            let waits = self.poll_deadlines(cx)?.is_pending() && waits;
            if self.acceptor.is_none() && self.core.borrow().slots.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let idle = self.core.borrow().listed.is_empty();
            if idle && waits {
                return Poll::Pending;
            }
            self.round();
            if !coop::has_budget_remaining() {
                break;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take_commands(&self) {
        let core = &mut *self.core.borrow_mut();
        let mut commands = Vec::new();
        let queue = Arc::clone(&core.queue);
        queue.take(|id| core.list_by_id(id), |command| commands.push(command));
        for command in commands {
            match command {
                Command::Send(id, message) => {
                    if let Some(index) = core.slots.find(id) {
                        // The connection may be closing.
                        let _ = core.send(index, (&message).into());
                    }
                }
                Command::Publish(topic, message) => {
                    core.publish(&topic, (&message).into(), None);
                }
                Command::Close(id, code, reason) => {
                    if let Some(index) = core.slots.find(id) {
                        // It may be closing already.
                        let _ = core.close(index, code, &reason);
                    }
                }
            }
        }
        core.write_outgoing();
    }

    fn poll_events(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        let Poll::Ready(polled) = self.epoll.poll(cx) else { return Ok(Poll::Pending) };
        polled?;
        let mut accepts = false;
        {
            let core = &mut *self.core.borrow_mut();
            for (token, flags) in self.epoll.events() {
                if token == LISTENER {
                    accepts = true;
                } else {
                    core.note(token, flags);
                }
            }
        }
        if accepts && let Some(acceptor) = &mut self.acceptor {
            let now = self.core.borrow().now;
            let (core, epoll, number) = (&self.core, &self.epoll, &mut self.number);
            acceptor.accept(epoll, now, |socket, peer| open(core, epoll, number, socket, peer));
        }
        Ok(Poll::Ready(()))
    }

    fn poll_deadlines(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        let retry = self.acceptor.as_ref().and_then(|acceptor| acceptor.retry);
        let due = retry.into_iter().chain(self.core.borrow().due()).min();
        if due.is_none() || self.timer.poll(due, cx).is_pending() {
            return Ok(Poll::Pending);
        }
        let core = &mut *self.core.borrow_mut();
        core.tick();
        core.time_out();
        if let Some(acceptor) =
            self.acceptor.as_mut().filter(|_| retry.is_some_and(|retry| retry <= core.now))
        {
            acceptor.resume(&self.epoll)?;
        }
        Ok(Poll::Ready(()))
    }

    /// Gives each connection that is ready its turn.
    fn round(&mut self) {
        let listed = std::mem::take(&mut self.core.borrow_mut().listed);
        for &index in &listed {
            self.turn(index);
        }
        let core = &mut *self.core.borrow_mut();
        core.write_outgoing();
        if core.listed.is_empty() {
            // Its memory is used again.
            core.listed = listed;
            core.listed.clear();
        }
    }

    fn turn(&mut self, index: u32) {
        let (span, opening) = {
            let core = &mut *self.core.borrow_mut();
            let Some(slot) = core.slots.get(index).filter(|slot| !slot.is_vacant()) else { return };
            let (span, opening) = (slot.span.clone(), matches!(slot.phase, Phase::Opening(_)));
            core.slots[index].set_listed(false);
            (span, opening)
        };
        span.enter(|| {
            if opening {
                self.shake(index);
            } else {
                self.run(index, |app, core| app.turn(core, index));
            }
            let core = &mut *self.core.borrow_mut();
            let took = core.tick();
            if took > BLOCKED && core.slots.get(index).is_some_and(|slot| !slot.is_vacant()) {
                core.report(index).tell(ServeError::Blocked(took));
            }
        });
    }

    /// Runs code of the application in the turn of a connection. If it panics, the connection gets its Close.
    fn run(&mut self, index: u32, run: impl FnOnce(&mut A, &RefCell<Core>)) {
        let (core, app) = (&*self.core, &mut self.app);
        core.borrow_mut().begin(index);
        let caught = Panic::catch(|| run(app, core));
        if let Err(panic) = caught {
            core.borrow().report(index).tell(ServeError::Panicked(panic.message().to_owned()));
            if let Some(ws) = core.borrow_mut().active(index) {
                ws.fail_for_panic();
            }
            app.panicked(core, index);
        }
        core.borrow_mut().end();
    }

    /// Goes on with a handshake.
    fn shake(&mut self, index: u32) {
        let shaken = {
            let core = &mut *self.core.borrow_mut();
            let id = core.slots.id(index);
            let Core { slots, wakers, .. } = core;
            let Phase::Opening(opening) = &mut slots[index].phase else { return };
            let Opening { handshake, report, ready } = &mut **opening;
            socket::begin(ready);
            // `Server::reply` is called here.
            match Panic::catch(|| wakers.poll(id, |cx| handshake.as_mut().poll(cx))) {
                Ok(Poll::Pending) => return,
                Ok(Poll::Ready(shaken)) => shaken,
                Err(panic) => {
                    report.tell(ServeError::Panicked(panic.message().to_owned()));
                    return core.remove(index);
                }
            }
        };
        let mut borrowed = self.core.borrow_mut();
        let core = &mut *borrowed;
        let Phase::Opening(opening) = &core.slots[index].phase else { return };
        let (socket, established, request) = match shaken {
            Ok(shaken) => shaken,
            Err(error) => {
                opening.report.tell(ServeError::Handshake(error));
                return core.remove(index);
            }
        };
        let opened = Opened {
            request,
            protocol: established.protocol.clone(),
            peer: opening.report.peer,
            tolerated: established.notes.clone(),
        };
        core.establish(index, socket, established);
        drop(borrowed);
        self.run(index, |app, core| {
            app.opened(core, index, opened);
            app.turn(core, index);
        });
    }

    /// Accepts nobody any more, and sends each connection its Close.
    fn stop(&mut self) {
        self.core.borrow().stop.start();
        if let Some(acceptor) = self.acceptor.take() {
            let (core, epoll, number) = (&self.core, &self.epoll, &mut self.number);
            acceptor.close(|socket, peer| open(core, epoll, number, socket, peer));
        }
        self.core.borrow_mut().stop_all();
    }
}

/// A connection was accepted: its handshake begins.
fn open(core: &RefCell<Core>, epoll: &Epoll, number: &mut u64, fd: OwnedFd, peer: SocketAddr) {
    let core = &mut *core.borrow_mut();
    *number += 1;
    let span = Span::new(*number, peer);
    let report = Report { peer, span: span.clone(), on_error: core.on_error.clone() };
    let ready = Rc::new(Cell::new(Ready::NEW));
    let socket = Socket::new(fd, Rc::clone(&ready), None);
    let (settings, stop) = (Arc::clone(&core.settings), core.stop.register());
    let id = core.slots.insert(span, |id| match epoll.add(&socket, id.token()) {
        Ok(()) => {
            let handshake = Box::pin(shake(settings, socket, stop));
            Phase::Opening(Box::new(Opening { handshake, ready, report }))
        }
        // The system has no memory for it: the client is cut.
        Err(error) => {
            report.tell(ServeError::Handshake(error.into()));
            Phase::Vacant
        }
    });
    if let Some(id) = id {
        core.list(id.index);
    }
}

async fn shake(settings: Arc<Settings>, socket: Socket, stop: StopRegistration) -> Shaken {
    let deadline = deadline::after(settings.config.limits.handshake);
    let pending = handshake::request(Arc::clone(&settings), socket, Some(stop), deadline).await?;
    let reply = settings.decide(pending.request());
    pending.establish(reply).await
}

#[cfg(test)]
mod tests;
