//! The traits `Stream` and `Sink` of the crate futures.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::halves::Half;
use super::{Inner, WebSocket};
use crate::{CloseCode, Error, Message};

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_half(Half::Stream, cx, Inner::poll_message)
    }
}

/// `start_send` queues a message; `close` performs the closing handshake, with 1000.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_half(Half::Sink, cx, Inner::poll_capacity)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.inner.queue(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_half(Half::Sink, cx, Inner::poll_flush)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let inner = &mut *self.inner;
        inner.poll_half(Half::Sink, cx, |inner, cx| {
            if inner.engine.is_open() {
                inner.start_close(CloseCode::NORMAL_CLOSURE, "")?;
            }
            inner.poll_closed(cx)
        })
    }
}
