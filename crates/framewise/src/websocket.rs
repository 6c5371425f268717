//! A connection after its handshake.

// First, because rustdoc shows the methods of the modules in this order.
mod exchange;

mod backpressure;
mod byte_stream;
mod control;
#[cfg(target_os = "linux")]
mod driven;
mod established;
mod events;
mod halves;
mod in_flight;
mod inbox;
mod outbox;
mod owned;
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
pub use self::events::Events;
use self::halves::Halves;
use self::in_flight::InFlight;
use self::owned::Owned;
pub use self::parts::Part;
pub use self::split::{Receiver, ReuniteError, Sender};
use self::state::State;
pub(crate) use self::timer::Timer;
use crate::peer_head::PeerHead;
use crate::stop::StopRegistration;
use crate::{Bytes, Error, Event, trace};

/// One end of a WebSocket connection, client or server, on a byte stream `S`.
///
/// A plain loop of `next` and `send` is fast: the answers to all messages of one read are written together. For that,
/// [`send`](Self::send) only queues its message while complete messages that have already arrived wait for
/// [`next`](Self::next); otherwise it writes before it returns.
///
/// Every future may be dropped at any time, for example in `select!`, and nothing is lost: [`next`](Self::next) keeps what it
/// has read, and [`send`](Self::send) has queued its message completely or not at all.
///
/// Call [`close`](Self::close) to close the connection. Dropping it cuts the connection: queued messages are written as far as
/// the stream takes them at once, and the rest is lost (the feature `tracing` warns of it).
pub struct WebSocket<S> {
    /// Boxed, so that the task that uses it stays small.
    inner: Owned<S>,
}

struct Inner<S> {
    stream: S,
    engine: Connection,
    in_flight: Option<Box<InFlight>>,
    timer: Timer,
    state: State,
    ended: Option<Ended>,
    /// The peer's head in the handshake.
    head: PeerHead,
    stop: Option<StopRegistration>,
    details: Option<Box<Details>>,
    /// [`Inner::write_last`], as a pointer: dropping a connection must not need bounds on `S`.
    write_last: fn(&mut Self),
}

/// State that most connections never have, kept apart so that an idle connection is small.
#[derive(Default)]
struct Details {
    protocol: Option<Box<str>>,
    /// Violations that the handshake tolerated, in reverse order.
    notes: Vec<Violation>,
    /// The error of the stream, until it is reported.
    lost: Option<std::io::Error>,
    violation: Option<Box<Violation>>,
    /// The error that [`WebSocket::next`] returns when the closing handshake is done.
    failure: Option<Error>,
    /// The deadline for writing the queue after the peer has ended its side.
    grace: Option<Duration>,
    halves: Halves,
}

impl<S> Inner<S> {
    /// How many bytes are queued and not written yet.
    fn queued(&self) -> usize {
        let in_flight = self.in_flight.as_ref().map_or(0, |in_flight| in_flight.outbox.queued());
        in_flight + self.engine.queued()
    }

    /// Whether something is queued, or the stream may still hold written bytes back.
    fn owes(&self) -> bool {
        self.engine.queued() > 0 || self.in_flight.as_ref().is_some_and(|in_flight| in_flight.outbox.owes())
    }

    fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl<S> WebSocket<S> {
    /// Whether this end is the client or the server.
    pub fn role(&self) -> Role {
        self.inner.engine.role()
    }

    /// The subprotocol that was agreed.
    pub fn protocol(&self) -> Option<&str> {
        self.inner.details.as_ref()?.protocol.as_deref()
    }

    /// The client's request, on the server's end. Each call parses it again, because the connection keeps its bytes only.
    pub fn request(&self) -> Option<Request> {
        self.inner.head.request()
    }

    /// The server's response, on the client's end. As [`WebSocket::request`].
    pub fn response(&self) -> Option<Response> {
        self.inner.head.response()
    }

    /// Frees the head of the handshake, some hundred bytes: for servers with very many connections.
    pub fn forget_handshake(&mut self) {
        self.inner.head = PeerHead::Forgotten;
    }

    /// How the connection ended; `None` while it is open.
    pub fn ended(&self) -> Option<&Ended> {
        self.inner.ended.as_ref()
    }

    /// The violation that ended the connection, if one did.
    pub fn violation(&self) -> Option<&Violation> {
        self.inner.details.as_ref()?.violation.as_deref()
    }

    /// Whether messages may be sent: true until a Close is sent.
    pub fn is_open(&self) -> bool {
        self.inner.engine.is_open()
    }

    /// How many bytes are queued and not written yet.
    pub fn queued(&self) -> usize {
        self.inner.queued()
    }

    /// Whether the queue is full ([`crate::Config::send_queue`]), so that [`send`](Self::send) would wait: the peer reads more
    /// slowly than this end sends.
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// The time between queueing the last answered Ping and reading its Pong. It measures each [`ping`](WebSocket::ping) and
    /// those of [`crate::Keepalive`]. `None` before the first Pong.
    pub fn round_trip(&self) -> Option<Duration> {
        self.inner.engine.round_trip()
    }

    /// How many bytes of read buffer this connection holds: 0 while it waits between two messages.
    pub fn read_buffer(&self) -> usize {
        self.inner.in_flight.as_ref().map_or(0, |in_flight| in_flight.inbox.memory())
    }

    /// The underlying stream.
    pub fn get_ref(&self) -> &S {
        &self.inner.stream
    }

    /// The underlying stream. Reading or writing it breaks the connection.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Returns the stream, and the bytes that were read from it and are not taken yet: for another library that continues with
    /// the connection. Call it between two messages, after [`WebSocket::flush`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), framewise::Error> {
    /// let (mut client, server) = framewise::pair();
    /// client.send("hello").await?;
    /// let (stream, read) = server.into_inner();
    /// let mut server = framewise::Adopt::server(stream).read_ahead(read).start()?;
    /// assert_eq!(server.next().await.expect("a message")?.as_text(), Some("hello"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What is queued is written as far as the stream takes it at once. The rest is lost, and so is a message of which a part
    /// was received.
    pub fn into_inner(mut self) -> (S, Bytes) {
        self.inner.write_last();
        if self.inner.owes() {
            trace::unwritten(self.role(), self.queued());
        }
        let Inner { stream, in_flight, .. } = self.inner.into_inner();
        let read =
            in_flight.map_or_else(Bytes::new, |in_flight| Bytes::copy_from_slice(in_flight.inbox.rest()));
        (stream, read)
    }

    /// As [`WebSocket::next`], but also returns Pings, Pongs, the Close, and violations that were tolerated. It returns a
    /// violation at once: call it again until `None` to complete the closing handshake.
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
