//! Reading a message in parts.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use framewise_proto::{MessageKind, Transport};
use tokio::io::{AsyncRead, AsyncWrite};

use super::in_flight::InFlight;
use super::{Inner, WebSocket};
use crate::{Error, Event};

/// A part of a message, from [`WebSocket::next_part`]. Parts are not frames; a small message is one part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Text or binary, the same for all parts of a message.
    pub kind: MessageKind,
    /// The bytes. Text is checked as it arrives, and is UTF-8 as a whole: a part may end inside a character.
    pub bytes: Bytes,
    /// Whether this is the first part of its message.
    pub first: bool,
    /// Whether this is the last part of its message. It may be empty.
    pub last: bool,
}

impl Part {
    /// A part to compare with, in tests.
    pub fn new(kind: MessageKind, bytes: impl Into<Bytes>, first: bool, last: bool) -> Self {
        Self { kind, bytes: bytes.into(), first, last }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Returns the next part of a message as soon as it arrives: this receives a message of any length in constant memory,
    /// even if it is compressed.
    ///
    /// ```
    /// # async fn receive(mut ws: framewise::WebSocket<tokio::net::TcpStream>) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::io::Write;
    ///
    /// let mut file = std::fs::File::create("upload")?;
    /// while let Some(part) = ws.next_part().await {
    ///     let part = part?;
    ///     file.write_all(&part.bytes)?;
    ///     if part.last {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The limits apply as to every message. For more than 64 MiB, raise [`message`](crate::Limits::message),
    /// [`frame`](crate::Limits::frame), [`fragments`](crate::Limits::fragments) and, for compressed messages,
    /// [`inflated`](crate::Limits::inflated). Keeping a part may keep a buffer of 256 KiB.
    ///
    /// It can be mixed with [`WebSocket::next`]. If `next` is dropped after it has read a part of a message, that part is
    /// returned here first. After a part was returned, and until the last part of its message, [`WebSocket::next`] returns
    /// [`Misuse::PartTaken`](crate::Misuse::PartTaken), and [`WebSocket::next_event`] returns the parts. Nothing is lost.
    ///
    /// Errors and `None`: as [`WebSocket::next`]. Cancel-safe: no part is lost.
    pub fn next_part(&mut self) -> impl Future<Output = Option<Result<Part, Error>>> {
        poll_fn(|cx| self.inner.poll_part(cx))
    }
}

impl<S> Inner<S> {
    /// Whether a message is being received in parts, and more parts may follow.
    pub(super) fn is_in_parts(&self) -> bool {
        self.engine.poll_transport() == Transport::Open
            && self.in_flight.as_ref().is_some_and(|in_flight| in_flight.inbox.has_begun())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inner<S> {
    /// As [`Inner::poll_event`], with the parts of messages as they arrive.
    pub(super) fn poll_event_in_parts(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let in_flight = self.in_flight.get_or_insert_with(InFlight::take);
        if self.engine.poll_transport() == Transport::Open
            && let Some(part) = in_flight.inbox.part_so_far(&mut self.engine)
        {
            return Poll::Ready(Some(Ok(Event::Part(part))));
        }
        in_flight.inbox.take_parts(true);
        let event = self.poll_event(cx);
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.inbox.take_parts(false);
        }
        event
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, Error>>> {
        loop {
            match ready!(self.poll_event_in_parts(cx)) {
                Some(Ok(event)) => {
                    if let Some(part) = event.into_part() {
                        return Poll::Ready(Some(Ok(part)));
                    }
                }
                Some(Err(error)) => self.details().failure = Some(error),
                None => return Poll::Ready(self.take_failure().map(Err)),
            }
        }
    }
}

impl Event {
    /// The event for a reader of parts.
    pub(super) fn into_part(self) -> Option<Part> {
        match self {
            Self::Part(part) => Some(part),
            Self::Message(message) => {
                let kind = message.kind();
                Some(Part { kind, bytes: message.into_bytes(), first: true, last: true })
            }
            Self::Ping(_) | Self::Pong(_) | Self::Close(_) | Self::Tolerated(_) => None,
        }
    }
}
