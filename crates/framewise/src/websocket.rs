//! A connection after its handshake.

mod backpressure;
mod byte_stream;
mod in_flight;
mod inbox;
mod outbox;
mod parts;
mod poll;
mod prepared;
mod sink;
mod split;
mod state;
mod timer;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use bytes::BytesMut;
use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::handshake::{Request, Response};
use framewise_proto::rules::Role;
use framewise_proto::{CloseFrame, Connection, Ended, MessageKind, Misuse, Violation};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

pub use self::byte_stream::ByteStream;
use self::in_flight::InFlight;
use self::inbox::Inbox;
pub use self::parts::Part;
pub use self::split::{Receiver, ReuniteError, Sender};
use self::state::State;
use self::timer::Timer;
use crate::peer_head::PeerHead;
use crate::stop::StopSeat;
use crate::{CloseCode, Config, Error, Event, Message, TrySendError, random, trace};

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
    stop: Option<StopSeat>,
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

    fn ping(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.engine.ping(self.timer.now(), payload)
    }

    fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let close = CloseFrame { code, reason: reason.to_owned() };
        // An API's way to say that there is no code (RFC 6455 §7.4.1).
        let close = if close.code == CloseCode::NO_STATUS && reason.is_empty() { None } else { Some(&close) };
        self.engine.close(self.timer.now(), close)?;
        trace::close_sent(self.engine.role(), close.map_or(CloseCode::NO_STATUS, |close| close.code), reason);
        Ok(())
    }
}

/// What a handshake leaves behind.
pub(crate) struct Established {
    pub(crate) config: Arc<Config>,
    pub(crate) head: PeerHead,
    /// Bytes of the peer's head, with which its stream began.
    pub(crate) head_size: u64,
    /// What came behind it.
    pub(crate) rest: BytesMut,
    pub(crate) notes: Vec<Violation>,
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) stop: Option<StopSeat>,
    /// What was agreed of permessage-deflate.
    pub(crate) deflate: Option<DeflateAgreement>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(crate) fn new(stream: S, role: Role, mut opened: Established) -> Self {
        let offset = opened.head_size;
        let engine = match role {
            Role::Client => Connection::client(opened.config, random::masking_keys(), offset, Duration::ZERO),
            Role::Server => Connection::server(opened.config, offset, Duration::ZERO),
        };
        let engine = match &opened.deflate {
            Some(agreement) => engine.with_deflate(agreement),
            None => engine,
        };
        let in_flight = (!opened.rest.is_empty())
            .then(|| Box::new(InFlight { inbox: Inbox::new(opened.rest), ..InFlight::default() }));
        trace::handshake_done(role, opened.protocol.as_deref(), opened.deflate.is_some(), &opened.notes);
        opened.notes.reverse();
        let Established { notes, protocol, .. } = opened;
        let details = (!notes.is_empty() || protocol.is_some())
            .then(|| Box::new(Details { protocol, notes, ..Details::default() }));
        Self {
            inner: Box::new(Inner {
                stream,
                engine,
                in_flight,
                timer: Timer::new(Instant::now()),
                state: State::default(),
                ended: None,
                head: opened.head,
                stop: opened.stop,
                details,
                write_last: Inner::write_last,
            }),
        }
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

    /// Sends a message: when it returns, the stream has taken it. Only while complete messages that were received before
    /// wait for [`WebSocket::next`], it is queued, up to [`crate::Config::send_queue`]: so are all answers of one read
    /// written together, when there is none left. [`WebSocket::feed`] queues in any case.
    ///
    /// Two ends that both send more than the streams between them hold, while neither reads, wait for each other.
    /// [`WebSocket::split`] lets one task send and another one read; [`WebSocket::next`] writes what is queued while it
    /// waits.
    ///
    /// Errors: [`Error::Misuse`] after a Close, [`Error::Io`] when the stream failed, or the peer reads nothing for as
    /// long as [`crate::Limits::idle`] or [`crate::Keepalive`] allow; without either it may wait for ever.
    /// [`WebSocket::next`] then tells what became of the connection.
    ///
    /// Cancel-safe: a message is queued completely or not at all. To know which, use [`WebSocket::feed`] and
    /// [`WebSocket::flush`].
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            ready!(self.inner.poll_queue(&mut message, cx, Inner::queue))?;
            self.inner.poll_sent(cx)
        })
    }

    /// Queues a message, to be written with others: by the next [`WebSocket::send`], [`WebSocket::flush`] or
    /// [`WebSocket::next`]. It waits while the queue is full ([`crate::Config::send_queue`]), and writes then.
    ///
    /// Errors: as [`WebSocket::send`]. Cancel-safe: when it is dropped before it returned, nothing was queued.
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| self.inner.poll_queue(&mut message, cx, Inner::queue))
    }

    /// As [`WebSocket::send`], without waiting: what the stream does not take now stays queued. Where the queue is full,
    /// the message comes back; there is room again after [`WebSocket::next`] or [`WebSocket::flush`].
    ///
    /// Errors: [`TrySendError::Full`] with the message, [`TrySendError::Failed`] where [`WebSocket::send`] would fail.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let message = message.into();
        self.inner.check_writable()?;
        self.inner.engine.may_begin().map_err(Error::from)?;
        if self.inner.is_full() {
            return Err(TrySendError::Full(message));
        }
        self.inner.queue(message)?;
        if !self.inner.has_message() {
            self.inner.write_now();
        }
        Ok(self.inner.check_writable()?)
    }

    /// Begins a message that is sent in parts: one of any length, in constant memory. Pings may go between its parts,
    /// other messages may not.
    ///
    /// Errors: [`Error::Misuse`] after a Close, and while another message is open.
    pub fn begin(&mut self, kind: MessageKind) -> Result<(), Error> {
        Ok(self.inner.engine.begin(kind)?)
    }

    /// Sends a part of the message that was begun, as a frame; `last` ends the message. A text may be cut anywhere, also
    /// inside a character. When it is written: as with [`WebSocket::send`].
    ///
    /// Errors and cancellation: as [`WebSocket::send`]; [`Error::Misuse`] also for a text that is not UTF-8, and where no
    /// message was begun.
    pub fn send_part(&mut self, part: &[u8], last: bool) -> impl Future<Output = Result<(), Error>> {
        let mut part = Some(part);
        poll_fn(move |cx| {
            ready!(self.inner.poll_queue(&mut part, cx, |inner, part| inner.queue_part(part, last)))?;
            self.inner.poll_sent(cx)
        })
    }

    /// Queues a part as [`WebSocket::feed`] queues a message.
    ///
    /// Errors: as [`WebSocket::send_part`]. Cancellation: as [`WebSocket::feed`].
    pub fn feed_part(&mut self, part: &[u8], last: bool) -> impl Future<Output = Result<(), Error>> {
        let mut part = Some(part);
        poll_fn(move |cx| self.inner.poll_queue(&mut part, cx, |inner, part| inner.queue_part(part, last)))
    }

    /// Writes what is queued. [`WebSocket::next`] does it, too, before it waits.
    ///
    /// Errors: [`Error::Io`] as of [`WebSocket::send`]; [`Error::Misuse`] when the time for the closing is over.
    /// Cancel-safe: the rest stays queued.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        poll_fn(|cx| self.inner.poll_flush(cx))
    }

    /// Sends a Ping, of up to 125 bytes, and writes what is queued. [`WebSocket::next_event`] says when a Pong comes.
    ///
    /// Errors: [`Error::Misuse`] for a longer payload, and after a Close. Cancel-safe: from the first poll on the Ping is
    /// queued; another call is another Ping.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.inner.ping(payload)?;
        self.flush().await
    }

    /// Sends a Pong that nobody asked for, of up to 125 bytes: a heartbeat in one direction (RFC 6455 §5.5.3). Pings are
    /// answered without it.
    ///
    /// Errors and cancellation: as [`WebSocket::ping`].
    pub async fn pong(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.inner.engine.pong(payload)?;
        self.flush().await
    }

    /// Closes the connection: writes what is queued and a Close, waits for the peer's Close and for the end of TCP, each
    /// until [`crate::Limits::close`]. Messages that come meanwhile are let go; [`WebSocket::start_close`] keeps them.
    /// When the connection is closing already, it waits for that.
    ///
    /// The reason, up to 123 bytes, is for the people who debug.
    ///
    /// Errors: [`Error::Misuse`] for a code that must not be sent, [`Error::Violation`] when the peer did not answer
    /// (`close-timeout`) or broke another rule. Cancel-safe: from the first poll on the Close is queued; another call waits
    /// on.
    pub async fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        if self.is_open() {
            self.inner.start_close(code.into(), reason)?;
        }
        poll_fn(|cx| self.inner.poll_closed(cx)).await
    }

    /// Fails the connection for what the handshake left out: the Close is sent, and its violation is the error.
    pub(crate) async fn fail_for(mut self, violation: Violation) -> Error {
        let now = self.inner.timer.now();
        self.inner.engine.fail_for(now, violation.clone());
        while let Some(message) = self.next().await {
            if let Err(error) = message {
                return error;
            }
        }
        violation.into()
    }

    /// Queues a Close behind what is queued already, and writes what the stream takes now. [`WebSocket::next`] writes the
    /// rest, gives the messages that still come, and `None` when the connection is closed.
    ///
    /// Errors: [`Error::Misuse`] for a code or a reason that must not be sent, and after a Close.
    pub fn start_close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.inner.start_close(code.into(), reason)?;
        self.inner.write_now();
        Ok(())
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
