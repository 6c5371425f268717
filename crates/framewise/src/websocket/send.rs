//! How the application sends messages and their parts.

use std::future::poll_fn;
use std::task::ready;

use framewise_proto::MessageKind;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Inner, WebSocket};
use crate::{Error, Message, TrySendError};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Queues a message. The next [`WebSocket::send`], [`WebSocket::flush`] or [`WebSocket::next`] writes it together with
    /// others. While the queue is full ([`crate::Config::send_queue`]), it writes and waits.
    ///
    /// Errors: as [`WebSocket::send`]. Cancel-safe: if it is dropped before it returns, the message is not queued.
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| self.inner.poll_queue(&mut message, cx, Inner::queue))
    }

    /// As [`WebSocket::send`], but without waiting: what the stream does not take now stays queued. If the queue is full, it
    /// returns the message; [`WebSocket::next`] and [`WebSocket::flush`] empty the queue.
    ///
    /// Errors: [`TrySendError::Full`] with the message, or [`TrySendError::Failed`] if [`WebSocket::send`] would fail.
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

    /// Begins a message that is sent in parts, of any length in constant memory. Between its parts, Pings may be sent, but no
    /// other message.
    ///
    /// Errors: [`Error::Misuse`] after a Close, and while another message is open.
    pub fn begin(&mut self, kind: MessageKind) -> Result<(), Error> {
        Ok(self.inner.engine.begin(kind)?)
    }

    /// Sends a part of the message that was begun, as one frame; `last` ends the message. Text may be cut anywhere, even
    /// inside a character. It is written as with [`WebSocket::send`].
    ///
    /// Errors and cancellation: as [`WebSocket::send`]; also [`Error::Misuse`] if text is not UTF-8 or no message was begun.
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

    /// Writes what is queued. [`WebSocket::next`] also does that before it waits.
    ///
    /// Errors: [`Error::Io`] as [`WebSocket::send`]; [`Error::Misuse`] after the deadline of the closing handshake.
    /// Cancel-safe: the rest stays queued.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        poll_fn(|cx| self.inner.poll_flush(cx))
    }
}
