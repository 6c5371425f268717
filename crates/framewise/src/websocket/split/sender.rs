use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framewise_proto::handshake::{Request, Response};
use framewise_proto::{Ended, MessageKind, Misuse};
use futures_sink::Sink;
use tokio::task::coop;
use tokio::time::timeout;

use super::waiting::{Place, WaiterKind};
use super::{Erased, Inner, Shared, State};
use crate::{CloseCode, Error, Message, Prepared, Role, TrySendError};

/// The sending half of a connection: see [`WebSocket::split`](crate::WebSocket::split).
///
/// Clones send on the same connection. The messages of each clone arrive in the order in which it sent them. To write several
/// messages together, queue them with [`feed`](Self::feed) and call [`flush`](Self::flush).
///
/// Its type does not name the stream: one list holds the senders of plain, TLS and axum connections, and of the
/// [`pair`](crate::pair()) of a test.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), framewise::Error> {
/// use framewise::Sender;
///
/// let mut members: Vec<Sender> = Vec::new();
/// let (mut client, server) = framewise::pair();
/// let (sender, receiver) = server.split();
/// members.push(sender);
/// for member in &members {
///     member.send("welcome").await?;
/// }
/// assert_eq!(client.next().await.expect("a message")?.as_text(), Some("welcome"));
/// # drop(receiver);
/// # Ok(())
/// # }
/// ```
///
/// Dropping the last sender does not close the connection: call [`close`](Self::close). A sender may outlive the connection:
/// then each call returns [`Misuse::Closed`](crate::Misuse::Closed), or how the stream failed, and [`ended`](Self::ended) says
/// how the connection ended.
pub struct Sender {
    pub(super) shared: Arc<Shared>,
    /// The number of this sender: as the owner of a message in parts, and as a waiting [`Sink`].
    id: u64,
    /// Used as a [`Sink`], it waits for its turn.
    waits: bool,
    /// The target of a flush that was begun as a [`Sink`].
    until: Option<u64>,
}

impl Sender {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let id = shared.waiting.new_id();
        Self { shared, id, waits: false, until: None }
    }

    /// Whether messages may be sent: true until a Close is sent.
    pub fn is_open(&self) -> bool {
        self.shared.lock().inner.engine.is_open()
    }

    /// How many bytes are queued and not written yet.
    pub fn queued(&self) -> usize {
        self.shared.lock().queued()
    }

    /// Whether the queue is full ([`crate::Config::send_queue`]), so that [`send`](Self::send) would wait.
    pub fn is_full(&self) -> bool {
        self.shared.lock().inner.is_full()
    }

    /// How the connection ended; `None` while it is open.
    pub fn ended(&self) -> Option<Ended> {
        self.shared.lock().inner.ended.clone()
    }

    /// Whether this end is the client or the server.
    pub fn role(&self) -> Role {
        self.shared.role
    }

    /// The subprotocol that was agreed.
    pub fn protocol(&self) -> Option<&str> {
        self.shared.protocol.as_deref()
    }

    /// The client's request, on the server's end: see [`WebSocket::request`](crate::WebSocket::request).
    pub fn request(&self) -> Option<Request> {
        self.shared.lock().inner.head.request()
    }

    /// The server's response, on the client's end: see [`WebSocket::response`](crate::WebSocket::response).
    pub fn response(&self) -> Option<Response> {
        self.shared.lock().inner.head.response()
    }

    /// As [`WebSocket::round_trip`](crate::WebSocket::round_trip).
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.lock().inner.engine.round_trip()
    }

    fn place(&self) -> Place<'_> {
        let waiting = &*self.shared.waiting;
        Place { waiting, id: waiting.new_id() }
    }

    /// Sends a message. When it returns, the stream has taken the message. It waits while the queue is full
    /// ([`crate::Config::send_queue`]), while earlier senders wait, and while another sender sends a message in
    /// parts. To write a message together with others, use [`Sender::feed`].
    ///
    /// Errors: [`Error::Misuse`] after a Close, [`Error::Io`] if the stream failed. The receiver also returns how the
    /// connection ended.
    ///
    /// Cancel-safe: a message is queued completely or not at all. To know which, use [`Sender::feed`] and
    /// [`Sender::flush`].
    pub fn send(&self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let message = message.into();
        self.queue_and_write(|state| state.inner.queue(message))
    }

    /// Queues a message. The next [`Sender::send`] or [`Sender::flush`] writes it together with others, or the receiver when
    /// it waits. It waits for its turn as [`Sender::send`].
    ///
    /// Errors: as [`Sender::send`]. Cancel-safe: if it is dropped before it returns, the message is not queued.
    pub fn feed(&self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let message = message.into();
        self.turn(|state, _| state.inner.queue(message))
    }

    /// As [`Sender::send`], but without waiting. What the stream does not take now stays queued until the receiver waits, or
    /// until the next [`Sender::send`] or [`Sender::flush`].
    ///
    /// Errors: [`TrySendError::Full`] with the message if [`Sender::send`] would wait, [`TrySendError::Failed`] if it would
    /// fail.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_queue(message.into(), |state, message| state.inner.queue(message))
    }

    /// As [`Sender::try_send`], but it waits at most so long for its turn and for space in the queue: a peer that gets a burst
    /// is not taken for one that is slow. What the stream does not take then stays queued.
    ///
    /// ```
    /// # async fn broadcast(members: &mut Vec<framewise::Sender>) {
    /// use std::time::Duration;
    ///
    /// let mut slow = Vec::new();
    /// for (number, member) in members.iter().enumerate() {
    ///     if member.send_timeout("news", Duration::from_secs(5)).await.is_err() {
    ///         // What is queued for it is dropped, and it hears why.
    ///         let _ = member.abort(1008, "too slow");
    ///         slow.push(number);
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// Errors: [`TrySendError::Full`] with the message if there is no space in time, [`TrySendError::Failed`] if
    /// [`Sender::send`] would fail. Cancel-safe: if it is dropped before it returns, the message is not queued.
    pub async fn send_timeout(
        &self,
        message: impl Into<Message>,
        time: Duration,
    ) -> Result<(), TrySendError> {
        let mut message = Some(message.into());
        let queued = timeout(
            time,
            self.turn(|state, combined| {
                message.take().map_or(Ok(()), |message| state.inner.queue(message))?;
                state.write_now(combined).map(drop)
            }),
        );
        let queued = queued.await;
        match (queued, message) {
            (Ok(queued), _) => Ok(queued?),
            (Err(_), Some(message)) => Err(TrySendError::Full(message)),
            (Err(_), None) => Ok(()),
        }
    }

    /// As [`Sender::send`], for a message to many connections.
    ///
    /// Errors and cancellation: as [`Sender::send`].
    pub fn send_prepared(&self, message: &Prepared) -> impl Future<Output = Result<(), Error>> {
        self.queue_and_write(|state| state.inner.queue_prepared(message))
    }

    /// As [`Sender::feed`], for a message to many connections.
    ///
    /// Errors and cancellation: as [`Sender::feed`].
    pub fn feed_prepared(&self, message: &Prepared) -> impl Future<Output = Result<(), Error>> {
        self.turn(|state, _| state.inner.queue_prepared(message))
    }

    /// As [`Sender::try_send`], for a message to many connections.
    ///
    /// Errors: as [`Sender::try_send`].
    pub fn try_send_prepared(&self, message: &Prepared) -> Result<(), TrySendError> {
        self.try_queue(message.message().clone(), |state, _| state.inner.queue_prepared(message))
    }

    /// Begins a message that is sent in parts, as [`WebSocket::begin`](crate::WebSocket::begin). Other senders wait until it
    /// ends. If this sender is dropped before, no other message can be sent: the connection can only be closed.
    ///
    /// Errors and cancellation: as [`Sender::send`]; also [`Error::Misuse`] if this sender has already begun a message.
    pub async fn begin(&self, kind: MessageKind) -> Result<(), Error> {
        self.turn(|state, _| {
            state.inner.engine.begin(kind)?;
            state.open = Some(self.id);
            Ok(())
        })
        .await
    }

    /// Sends a part of the message that this sender has begun, as one frame; `last` ends the message. Text may be cut anywhere,
    /// even inside a character.
    ///
    /// Errors and cancellation: as [`Sender::send`]; also [`Error::Misuse`] if text is not UTF-8 or this sender has not
    /// begun a message.
    pub async fn send_part(&self, part: &[u8], last: bool) -> Result<(), Error> {
        self.check_begun()?;
        self.queue_and_write(|state| state.queue_part(part, last)).await
    }

    /// Queues a part as [`Sender::feed`] queues a message.
    ///
    /// Errors: as [`Sender::send_part`]. Cancellation: as [`Sender::feed`].
    pub async fn feed_part(&self, part: &[u8], last: bool) -> Result<(), Error> {
        self.check_begun()?;
        self.turn(|state, _| state.queue_part(part, last)).await
    }

    /// Checks that this sender has begun a message. Otherwise it would wait for ever.
    fn check_begun(&self) -> Result<(), Error> {
        let state = self.shared.lock();
        if state.open == Some(self.id) || state.is_over() {
            Ok(())
        } else {
            Err(Misuse::NoMessageOpen.into())
        }
    }

    /// Waits until everything that is queued now is written.
    ///
    /// Errors: [`Error::Io`] if the stream failed. Cancel-safe: the rest stays queued.
    pub async fn flush(&self) -> Result<(), Error> {
        let (place, mut until) = (self.place(), None);
        poll_fn(|cx| self.shared.poll_flush(place.id, self.id, &mut until, cx)).await
    }

    /// Sends a Ping with a payload of up to 125 bytes, and writes what is queued.
    /// [`Receiver::next_event`](crate::Receiver::next_event) returns the Pong.
    ///
    /// Errors: [`Error::Misuse`] for a longer payload, and after a Close. Cancel-safe: the first poll queues the Ping;
    /// another call sends another one.
    pub async fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, _| state.inner.ping(payload))?;
        self.flush().await
    }

    /// Sends an unsolicited Pong, as [`WebSocket::pong`](crate::WebSocket::pong).
    ///
    /// Errors and cancellation: as [`Sender::ping`].
    pub async fn pong(&self, payload: &[u8]) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, _| state.inner.engine.pong(payload))?;
        self.flush().await
    }

    /// Queues a Ping, and writes what the stream takes now; the receiver does the rest.
    ///
    /// Errors: [`Error::Misuse`] for a payload of more than 125 bytes, and after a Close.
    pub fn start_ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.start(|state| Ok(state.inner.ping(payload)?))
    }

    /// Queues an unsolicited Pong, as [`Sender::start_ping`] a Ping.
    ///
    /// Errors: as [`Sender::start_ping`].
    pub fn start_pong(&self, payload: &[u8]) -> Result<(), Error> {
        self.start(|state| Ok(state.inner.engine.pong(payload)?))
    }

    /// Closes the connection: queues a Close after what is queued already, then waits for the peer's Close, at most
    /// [`crate::Limits::close`], and for the end of TCP, as [`WebSocket::close`](crate::WebSocket::close). If the connection is
    /// closing already, it waits for the end.
    ///
    /// It reads by itself. Messages that still arrive are kept for the receiver, up to 64 KiB; then it waits until the
    /// receiver has taken some. If the receiver has been dropped, they are dropped.
    ///
    /// Errors: [`Error::Misuse`] for a code that must not be sent, [`Error::Violation`] if the peer does not answer
    /// (`close-timeout`) or breaks another rule; the receiver returns the error, too. Cancel-safe: the first poll queues the
    /// Close; another call continues to wait.
    pub async fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let code = code.into();
        self.shared.act(Some(self.id), |state, _| state.start_close(code, reason))?;
        let place = self.place();
        poll_fn(|cx| self.shared.poll_closed(place.id, cx)).await
    }

    /// Queues a Close and writes what the stream takes now; the receiver does the rest.
    ///
    /// Errors: [`Error::Misuse`] for a code or a reason that must not be sent, and after a Close.
    pub fn start_close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.start(|state| state.inner.start_close(code.into(), reason))
    }

    /// As [`Sender::start_close`], but drops what is queued first, except for the rest of a frame that is being written: for a
    /// peer that reads too slowly. A [`Sender::send`] whose message is dropped returns [`Error::Misuse`].
    ///
    /// Errors: as [`Sender::start_close`]; then nothing is dropped.
    pub fn abort(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.start(|state| state.abort(code.into(), reason))
    }

    /// Waits until the connection is closed: [`Sender::ended`] says how. It sends no Close.
    ///
    /// The receiver has to be polled meanwhile. If it has been dropped, this future reads, and drops the messages that arrive.
    ///
    /// ```
    /// # async fn member(sender: framewise::Sender) {
    /// sender.closed().await;
    /// println!("gone: {:?}", sender.ended());
    /// # }
    /// ```
    ///
    /// Cancel-safe.
    pub async fn closed(&self) {
        let place = self.place();
        poll_fn(|cx| self.shared.poll_ended(place.id, cx)).await;
    }

    /// Queues something that does not wait for its turn, and writes what the stream takes now.
    fn start(&self, queue: impl FnOnce(&mut State) -> Result<(), Error>) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, combined| {
            queue(state)?;
            state.write_now(combined)?;
            Ok(())
        })
    }

    /// Waits for its turn and for space in the queue, queues, and writes.
    async fn queue_and_write(
        &self,
        queue: impl FnOnce(&mut State) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let written = self.turn(|state, combined| {
            queue(state)?;
            state.write_now(combined)
        });
        if written.await? { Ok(()) } else { self.flush().await }
    }

    /// Queues and writes, if there is nothing to wait for.
    fn try_queue(
        &self,
        message: Message,
        queue: impl FnOnce(&mut State, Message) -> Result<(), Error>,
    ) -> Result<(), TrySendError> {
        self.shared.act(Some(self.id), |state, combined| {
            if !state.is_turn(Some(self.id)) || !self.shared.waiting.nobody_before(self.id) {
                return Err(TrySendError::Full(message));
            }
            match state.poll_capacity(combined) {
                Poll::Pending => return Err(TrySendError::Full(message)),
                Poll::Ready(room) => room?,
            }
            queue(state, message)?;
            state.write_now(combined)?;
            Ok(())
        })
    }

    /// As [`Sender::turn`], of a sink: the caller may give up without a word.
    pub(in crate::websocket) fn poll_queue(
        &mut self,
        cx: &mut Context<'_>,
        queue: impl FnOnce(&mut Inner<Erased>) -> Result<(), Error>,
    ) -> Poll<Result<(), Error>> {
        let kind = WaiterKind::Sink { called: self.waits };
        let queued = self.shared.poll_turn(self.id, self.id, kind, cx, |state, _| queue(&mut state.inner));
        self.waits = queued.is_pending();
        self.until = None;
        queued
    }

    /// Waits for its turn and for space in the queue, then queues.
    async fn turn<T>(
        &self,
        queue: impl FnOnce(&mut State, &mut Context<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Who sends without end lets the receiver, and the others, run now and then, also where it never has to wait.
        coop::consume_budget().await;
        let place = self.place();
        let mut queue = Some(queue);
        poll_fn(|cx| {
            self.shared.poll_turn(place.id, self.id, WaiterKind::Future, cx, |state, combined| {
                let queue = queue.take().expect("a turn comes once");
                queue(state, combined)
            })
        })
        .await
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.waiting.give_up(self.id);
        self.shared.act(Some(self.id), |state, _| {
            // The engine knows that it is open: others are refused, instead of waiting for its end in vain.
            if state.open == Some(self.id) {
                state.open = None;
                state.late.clear();
            }
        });
    }
}

/// `start_send` queues, and no more; closing is the whole closing handshake, with 1000.
impl Sink<Message> for Sender {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_queue(cx, |_| Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.shared.act(Some(self.id), |state, _| {
            if state.is_turn(Some(self.id)) {
                return state.inner.queue(message);
            }
            // Another has begun its message since it was ready.
            state.late.push((self.id, message));
            Ok(())
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, id, until, .. } = &mut *self;
        let flushed = ready!(shared.poll_flush(*id, *id, until, cx));
        *until = None;
        Poll::Ready(flushed)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.act(Some(self.id), |state, _| state.start_close(CloseCode::NORMAL_CLOSURE, ""))?;
        self.shared.poll_closed(self.id, cx)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("engine", &self.shared.lock().inner.engine).finish_non_exhaustive()
    }
}
