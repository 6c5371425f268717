//! A connection after its handshake.

mod backpressure;
mod byte_stream;
mod control;
mod established;
mod in_flight;
mod inbox;
mod outbox;
mod parts;
mod poll;
mod prepared;
mod send;
mod sink;
mod split;
mod state;
mod timer;

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use framewise_proto::handshake::{Request, Response};
use framewise_proto::rules::Role;
use framewise_proto::{Connection, Ended, Violation};
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::byte_stream::ByteStream;
pub(crate) use self::established::Established;
use self::in_flight::InFlight;
pub use self::parts::Part;
pub use self::split::{Receiver, ReuniteError, Sender};
use self::state::State;
use self::timer::Timer;
use crate::peer_head::PeerHead;
use crate::stop::StopRegistration;
use crate::{Error, Event, Message, trace};

/// One end of a WebSocket connection, client or server, on a byte stream `S`.
///
/// The plain loop is the fast one: several messages that arrived in one read are answered with one write. For that,
/// [`send`](Self::send) leaves a message in the queue while complete messages that were received before wait for
/// [`next`](Self::next); otherwise it writes before it returns. What is queued is written together.
///
/// Every future here may be dropped at any moment, in `select!` for one, and nothing is lost: [`next`](Self::next)
/// keeps what it has read, [`send`](Self::send) has queued its message completely or not at all.
///
/// Drop it to cut the connection; [`close`](Self::close) is the polite way. What is queued then is written as far as the
/// stream takes it at once; the rest is lost, of which the feature `tracing` warns.
pub struct WebSocket<S> {
    /// In a box of its own, so that the task that drives it is small, however deep it is called.
    inner: Box<Inner<S>>,
}

struct Inner<S> {
    stream: S,
    engine: Connection,
    in_flight: Option<Box<InFlight>>,
    timer: Timer,
    state: State,
    ended: Option<Ended>,
    /// The peer's head of the handshake.
    head: PeerHead,
    stop: Option<StopRegistration>,
    details: Option<Box<Details>>,
    /// [`Inner::write_last`]: to drop a connection asks nothing of `S`.
    write_last: fn(&mut Self),
}

impl<S> Drop for Inner<S> {
    /// What is queued is written as far as the stream takes it.
    fn drop(&mut self) {
        if !self.owes() || std::thread::panicking() {
            return;
        }
        (self.write_last)(self);
        if self.owes() {
            trace::unwritten(self.engine.role(), self.queued());
        }
    }
}

/// What most connections never have: apart, so that an idle one is small.
#[derive(Default)]
struct Details {
    protocol: Option<Box<str>>,
    /// What the handshake let pass, the first one last.
    notes: Vec<Violation>,
    /// The stream's own failure, until it is told.
    lost: Option<std::io::Error>,
    violation: Option<Box<Violation>>,
    /// The error that [`WebSocket::next`] gives when the closing is done.
    failure: Option<Error>,
    /// Until when what is queued may be written though the peer has ended its side.
    grace: Option<Duration>,
}

impl<S> Inner<S> {
    /// Bytes that are queued and not written yet.
    fn queued(&self) -> usize {
        let in_flight = self.in_flight.as_ref().map_or(0, |in_flight| in_flight.outbox.queued());
        in_flight + self.engine.queued()
    }

    /// Whether something is queued, or was written that the stream may hold back.
    fn owes(&self) -> bool {
        self.engine.queued() > 0 || self.in_flight.as_ref().is_some_and(|in_flight| in_flight.outbox.owes())
    }

    fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl<S> WebSocket<S> {
    /// Which end this is.
    pub fn role(&self) -> Role {
        self.inner.engine.role()
    }

    /// The subprotocol that was agreed.
    pub fn protocol(&self) -> Option<&str> {
        self.inner.details.as_ref()?.protocol.as_deref()
    }

    /// The client's request, on the server's end: taken apart anew at each call, since the connection keeps no more
    /// than its bytes.
    pub fn request(&self) -> Option<Request> {
        self.inner.head.request()
    }

    /// The server's response, on the client's end; as [`WebSocket::request`].
    pub fn response(&self) -> Option<Response> {
        self.inner.head.response()
    }

    /// Lets go of the handshake's head, some hundred bytes: for a server of very many connections.
    pub fn forget_handshake(&mut self) {
        self.inner.head = PeerHead::Forgotten;
    }

    /// How the connection ended; `None` while it goes on.
    pub fn ended(&self) -> Option<&Ended> {
        self.inner.ended.as_ref()
    }

    /// The rule that the peer broke, if that is how it ended.
    pub fn violation(&self) -> Option<&Violation> {
        self.inner.details.as_ref()?.violation.as_deref()
    }

    /// Whether messages may be sent: no Close was sent yet.
    pub fn is_open(&self) -> bool {
        self.inner.engine.is_open()
    }

    /// Bytes that are queued and not written yet.
    pub fn queued(&self) -> usize {
        self.inner.queued()
    }

    /// Whether the queue is full ([`crate::Config::send_queue`]): a [`send`](Self::send) would wait. The peer reads more
    /// slowly than it is sent to.
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// How long the last Ping that was answered took, from when it was queued to when its Pong was read: the
    /// application's [`ping`](WebSocket::ping)s, and those of [`crate::Keepalive`]. `None` before there is one.
    pub fn round_trip(&self) -> Option<Duration> {
        self.inner.engine.round_trip()
    }

    /// Bytes of buffers that this connection holds for reading: 0 while it waits between two messages.
    pub fn read_buffer(&self) -> usize {
        self.inner.in_flight.as_ref().map_or(0, |in_flight| in_flight.inbox.memory())
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &S {
        &self.inner.stream
    }

    /// The stream beneath. To read or write it is to break the connection.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// The next message; `None` when the connection is closed, by a Close of either side, and TCP too.
    ///
    /// It answers Pings and the Close by itself, and writes what is queued when it has to wait.
    ///
    /// Errors, once, and then `None`: [`Error::Violation`] when the peer broke a rule or the connection was lost; the
    /// Close frame was then sent, and the peer had until [`crate::Limits::close`] to end its side. [`Error::Io`] when the stream
    /// failed.
    ///
    /// Cancel-safe: a message is given to a caller that is still there, or kept.
    #[allow(clippy::should_implement_trait, reason = "the name that streams have; an iterator would block")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        poll_fn(|cx| self.inner.poll_message(cx))
    }

    /// As [`WebSocket::next`], and says what else there is: Pings, Pongs, the Close, rules that were let pass. A
    /// violation is told at once; call it on until `None` to close the connection properly.
    ///
    /// Cancel-safe.
    pub fn next_event(&mut self) -> impl Future<Output = Option<Result<Event, Error>>> {
        poll_fn(|cx| self.inner.poll_event(cx))
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("engine", &self.inner.engine)
            .field("queued", &self.queued())
            .field("ended", &self.inner.ended)
            .finish_non_exhaustive()
    }
}
