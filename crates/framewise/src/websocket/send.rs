//! How the application sends messages and their parts.

use std::future::poll_fn;
use std::task::ready;

use framewise_proto::MessageKind;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Inner, WebSocket};
use crate::{Error, Message, TrySendError};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
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
}
