//! Events as a `Stream` and a `Sink` of the crate futures.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::halves::Half;
use super::{Inner, WebSocket};
use crate::{CloseCode, Error, Event};

impl<S> WebSocket<S> {
    /// Uses the connection as a [`Stream`] and a [`Sink`] of events: for generic code that needs Pings, Pongs and the Close, too.
    pub const fn into_events(self) -> Events<S> {
        Events(self)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// [`WebSocket::next_event`], to be polled.
    pub fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        self.inner.poll_half(Half::Stream, cx, Inner::poll_event)
    }
}

/// A connection as a [`Stream`] and a [`Sink`] of events: from [`WebSocket::into_events`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), framewise::Error> {
/// use framewise::Event;
/// use futures_util::{SinkExt as _, StreamExt as _};
///
/// let (client, server) = framewise::pair();
/// let (mut client, mut server) = (client.into_events(), server.into_events());
/// client.send(Event::Ping("are you there?".into())).await?;
/// assert_eq!(server.next().await.expect("an event")?, Event::Ping("are you there?".into()));
/// client.send(Event::Message("hello".into())).await?;
/// assert_eq!(server.next().await.expect("an event")?, Event::Message("hello".into()));
/// # Ok(())
/// # }
/// ```
///
/// - It yields what [`WebSocket::next_event`] returns. Pings and the Close are answered automatically. [`Event::Tolerated`] is
///   a report and no frame: without [`Strictness`](crate::Strictness), it is rare, and generic code ignores it.
/// - `start_send` queues an event: a message, a Ping, a Pong, a part of a message (which begins its message if
///   [`first`](crate::Part::first) is set), or the Close. A Close after a Close does nothing, and
///   [`Event::Tolerated`] is not sent, so that the events of one connection can be forwarded to another.
/// - `close` performs the closing handshake, with 1000.
pub struct Events<S>(WebSocket<S>);

impl<S> Events<S> {
    /// The connection.
    pub const fn get_ref(&self) -> &WebSocket<S> {
        &self.0
    }

    /// The connection.
    pub const fn get_mut(&mut self) -> &mut WebSocket<S> {
        &mut self.0
    }

    /// Returns the connection.
    pub fn into_inner(self) -> WebSocket<S> {
        self.0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Events<S> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_event(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Event> for Events<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, event: Event) -> Result<(), Error> {
        self.0.inner.act_half(Half::Sink, |inner| inner.queue_event(event))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inner<S> {
    fn queue_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Message(message) => self.queue(message),
            Event::Part(part) => {
                if part.first {
                    self.engine.begin(part.kind)?;
                }
                self.queue_part(&part.bytes, part.last)
            }
            Event::Ping(payload) => Ok(self.ping(&payload)?),
            Event::Pong(payload) => Ok(self.engine.pong(&payload)?),
            Event::Close(_) if !self.engine.is_open() => Ok(()),
            Event::Close(Some(close)) => self.start_close(close.code, &close.reason),
            Event::Close(None) => self.start_close(CloseCode::NO_STATUS, ""),
            Event::Tolerated(_) => Ok(()),
        }
    }
}

impl<S> fmt::Debug for Events<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Events").field(&self.0).finish()
    }
}
