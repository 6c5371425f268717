//! Queues a message that was prepared for many connections.

use std::future::poll_fn;
use std::task::ready;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Inner, WebSocket};
use crate::{Error, Prepared};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// As [`WebSocket::send`], for a message to many connections.
    ///
    /// Errors and cancellation: as [`WebSocket::send`].
    pub fn send_prepared(&mut self, message: &Prepared) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message);
        poll_fn(move |cx| {
            ready!(self.inner.poll_queue(&mut message, cx, Inner::queue_prepared))?;
            self.inner.poll_sent(cx)
        })
    }

    /// As [`WebSocket::feed`], for a message to many connections.
    ///
    /// Errors and cancellation: as [`WebSocket::feed`].
    pub fn feed_prepared(&mut self, message: &Prepared) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message);
        poll_fn(move |cx| self.inner.poll_queue(&mut message, cx, Inner::queue_prepared))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inner<S> {
    pub(super) fn queue_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let message = prepared.message();
        let Some(compression) = self.engine.compression(message.len()).filter(|_| self.engine.is_open())
        else {
            return self.queue(message.clone());
        };
        let compressed = prepared.compressed(compression);
        self.lend();
        Ok(if self.stream.is_write_vectored() {
            self.engine.send_compressed_shared(&compressed)
        } else {
            self.engine.send_compressed(&compressed)
        }?)
    }
}
