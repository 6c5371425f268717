//! Reading a message in parts.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use framewise_proto::{MessageKind, Transport};
use tokio::io::{AsyncRead, AsyncWrite};

use super::in_flight::InFlight;
use super::{Inner, WebSocket};
use crate::{Error, Event};

/// A part of a message, as it came: [`WebSocket::next_part`]. Parts are not frames; a small message is one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Text or binary, the same for all parts of a message.
    pub kind: MessageKind,
    /// The bytes. A text is checked as it comes, and its parts are UTF-8 together: one may end inside a character.
    pub bytes: Bytes,
    /// It begins a message.
    pub first: bool,
    /// It ends the message. It may be empty.
    pub last: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// The next part of a message, as soon as it is there: a message of any length in constant memory, a compressed one
    /// as well.
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
    /// The limits hold for it as for every message: who wants more than 64 MiB sets [`message`](crate::Limits::message),
    /// [`frame`](crate::Limits::frame), [`fragments`](crate::Limits::fragments) and, for a compressed one,
    /// [`inflated`](crate::Limits::inflated). A part that is kept may hold a buffer of 256 KiB.
    ///
    /// It goes together with [`WebSocket::next`]: what that had read of a message when it was dropped comes here as the
    /// first part. The other way round, a message of which a part was taken is no whole any more: until its last part,
    /// [`WebSocket::next`] gives [`Misuse::PartTaken`](crate::Misuse::PartTaken), and [`WebSocket::next_event`] gives its
    /// parts. Nothing is lost.
    ///
    /// Errors and `None`: as [`WebSocket::next`]. Cancel-safe: a part is given to a caller that is still there, or kept.
    pub fn next_part(&mut self) -> impl Future<Output = Option<Result<Part, Error>>> {
        poll_fn(|cx| self.inner.poll_part(cx))
    }
}

impl<S> Inner<S> {
    /// Whether a message is being taken in parts, of which more may come.
    pub(super) fn is_in_parts(&self) -> bool {
        self.engine.poll_transport() == Transport::Open
            && self.in_flight.as_ref().is_some_and(|in_flight| in_flight.inbox.has_begun())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inner<S> {
    /// As [`Inner::poll_event`], with the parts of messages as they come.
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
    /// What it is to a reader of parts.
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
