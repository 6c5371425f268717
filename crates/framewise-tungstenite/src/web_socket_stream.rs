use std::pin::Pin;
use std::task::{Context, Poll, ready};

use framewise::{Adopt, Ended, Event, Events, Misuse, Role, Violation, WebSocket};
use futures_util::sink::Sink;
use futures_util::stream::{FusedStream, Stream};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::convert;
use crate::error::{Error, Result};
use crate::protocol::{CloseFrame, Message, WebSocketConfig};

/// A connection: a [`Stream`] and a [`Sink`] of messages.
///
/// Pings and the Close of the peer are answered when the stream or the sink is polled next. After an error or the end, the
/// stream returns `None`.
#[derive(Debug)]
pub struct WebSocketStream<S> {
    ws: Events<S>,
    config: WebSocketConfig,
    ended: bool,
}

impl<S> WebSocketStream<S> {
    pub(crate) fn new(ws: WebSocket<S>, config: WebSocketConfig) -> Self {
        Self { ws: ws.into_events(), config, ended: false }
    }

    /// Takes a stream after the handshake.
    #[allow(clippy::unused_async, reason = "it is asynchronous in tokio-tungstenite")]
    pub async fn from_raw_socket(stream: S, role: Role, config: Option<WebSocketConfig>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Self::from_partially_read(stream, Vec::new(), role, config).await
    }

    /// Takes a stream after the handshake, and the bytes that were read from it after the head.
    ///
    /// # Panics
    ///
    /// If `max_write_buffer_size` is not larger than `write_buffer_size`.
    #[allow(clippy::unused_async, reason = "it is asynchronous in tokio-tungstenite")]
    pub async fn from_partially_read(
        stream: S,
        part: Vec<u8>,
        role: Role,
        config: Option<WebSocketConfig>,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Without the heads, nothing is known to be agreed.
        let config = config.unwrap_or_default().deflate(None);
        let adopt = match role {
            Role::Client => Adopt::client(stream),
            Role::Server => Adopt::server(stream),
        };
        let ws = adopt.config(config.to_framewise()).read_ahead(part).start();
        Self::new(ws.expect("without heads, there is nothing to reject"), config)
    }

    /// Returns the stream. What is queued is written as far as the stream takes it at once.
    pub fn into_inner(self) -> S
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.ws.into_inner().into_inner().0
    }

    /// The stream.
    pub fn get_ref(&self) -> &S
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.ws.get_ref().get_ref()
    }

    /// The stream. Reading or writing it breaks the connection.
    pub fn get_mut(&mut self) -> &mut S
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.ws.get_mut().get_mut()
    }

    /// The settings.
    pub fn get_config(&self) -> &WebSocketConfig {
        &self.config
    }

    /// Sends a Close, and does not wait for its answer: read on until `None`.
    ///
    /// Errors: [`ProtocolError::SendAfterClosing`](crate::error::ProtocolError::SendAfterClosing) after a Close.
    pub async fn close(&mut self, close: Option<CloseFrame>) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Pin::new(&mut *self).start_send(Message::Close(close))?;
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// The rule that ended the connection, with its byte and frame. Not in tokio-tungstenite.
    pub fn violation(&self) -> Option<&Violation> {
        self.ws.get_ref().violation()
    }

    /// How the connection ended; `None` while it is open. Not in tokio-tungstenite.
    pub fn ended(&self) -> Option<&Ended> {
        self.ws.get_ref().ended()
    }

    /// The connection of framewise. Not in tokio-tungstenite.
    pub fn into_framewise(self) -> WebSocket<S> {
        self.ws.into_inner()
    }

    /// The error for a call that framewise refuses.
    fn refused(&self, error: framewise::Error) -> Error {
        if self.ended().is_some() && matches!(error, framewise::Error::Misuse(Misuse::Closed)) {
            return Error::AlreadyClosed;
        }
        error.into()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocketStream<S> {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.ended {
            match ready!(Pin::new(&mut self.ws).poll_next(cx)) {
                Some(Ok(event)) => {
                    if let Some(message) = convert::message(event) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => self.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FusedStream for WebSocketStream<S> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocketStream<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let ready = ready!(Pin::new(&mut self.ws).poll_ready(cx));
        Poll::Ready(ready.map_err(|error| self.refused(error)))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<()> {
        if !self.ws.get_ref().is_open() {
            return Err(self.refused(Misuse::Closed.into()));
        }
        let queued = self.ws.get_ref().queued();
        if queued.saturating_add(message.len()) > self.config.max_write_buffer_size {
            return Err(Error::WriteBufferFull(Box::new(message)));
        }
        let event = convert::event(message)?;
        Pin::new(&mut self.ws).start_send(event).map_err(|error| self.refused(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match ready!(Pin::new(&mut self.ws).poll_flush(cx)) {
            // The connection is closed, so nothing is left to write.
            Ok(()) | Err(framewise::Error::Misuse(Misuse::Closed)) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }

    /// Sends a Close, unless one was sent, and does not wait for its answer.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.ws.get_ref().is_open() {
            Pin::new(&mut self.ws).start_send(Event::Close(None)).map_err(|error| self.refused(error))?;
        }
        self.poll_flush(cx)
    }
}
