use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use framewise_proto::CloseFrame;
use framewise_proto::rules::{Answer, Rule};
use futures_sink::Sink as _;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::{Receiver, Sender, WebSocket};
use crate::{CloseCode, Error, Event, Misuse};

/// The longest message, in bytes: larger writes are split.
const CHUNK: usize = 32 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> WebSocket<S> {
    /// Uses the connection as a stream of bytes, as tunnels do.
    pub fn into_byte_stream(self) -> ByteStream<S> {
        let (sender, receiver) = self.split();
        ByteStream { sender, receiver, chunk: Bytes::new(), close: None }
    }
}

/// A connection as a stream of bytes: [`AsyncRead`], [`AsyncBufRead`] and [`AsyncWrite`] over its messages.
///
/// ```
/// # async fn tunnel(ws: framewise::WebSocket<tokio::net::TcpStream>) -> std::io::Result<()> {
/// let mut tcp = tokio::net::TcpStream::connect("127.0.0.1:5432").await?;
/// tokio::io::copy_bidirectional(&mut ws.into_byte_stream(), &mut tcp).await?;
/// # Ok(())
/// # }
/// ```
///
/// - A write becomes a binary message of at most 32 KiB. It is queued; `flush` writes it, and so does a read that waits.
/// - A read returns the payloads of the messages, text or binary, one after the other, without their boundaries.
/// - `shutdown` sends a Close with 1000. The peer answers it at once, and sends nothing after that (RFC 6455 §1.4): the
///   directions of a WebSocket cannot be closed separately. What the peer sent before can still be read: read to the end to
///   complete the closing handshake. A protocol that answers after the end of the request loses the answer.
/// - Reads end when the peer closes with 1000 or without a code. Any other end is an error, so that truncated data is not
///   taken as complete: `ConnectionAborted` for a Close with another code, which the error names. Otherwise it contains an
///   [`Error`](crate::Error) with the broken rule: `UnexpectedEof` if the connection ended without a Close,
///   `ConnectionReset`, `TimedOut`, or `InvalidData` if the peer sent something that it must not send.
/// - A write after the Close of either side fails with `BrokenPipe`.
///
/// To use each direction in a task of its own, call [`tokio::io::split`].
///
/// For the opposite, a WebSocket over a stream of bytes, use [`Client::connect_over`](crate::Client::connect_over) and
/// [`Server::accept`](crate::Server::accept), which take any stream, even this one.
pub struct ByteStream<S> {
    sender: Sender,
    receiver: Receiver<S>,
    /// The rest of the message that is being read.
    chunk: Bytes,
    /// The peer's Close.
    close: Option<CloseFrame>,
}

impl<S> ByteStream<S> {
    /// The result of reads after the end of the connection.
    fn end(&self) -> io::Result<&[u8]> {
        if let Some(violation) = self.receiver.violation() {
            return Err(Error::from(violation).into());
        }
        match &self.close {
            Some(close) if close.code != CloseCode::NORMAL_CLOSURE => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                format!("the connection was closed with {close}"),
            )),
            Some(_) | None => Ok(&[]),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for ByteStream<S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.chunk.is_empty() {
            match ready!(this.receiver.poll_next_event(cx)) {
                Some(Ok(Event::Message(message))) => this.chunk = message.into_bytes(),
                Some(Ok(Event::Part(part))) => this.chunk = part.bytes,
                Some(Ok(Event::Close(close))) => this.close = close,
                Some(Ok(Event::Ping(_) | Event::Pong(_) | Event::Tolerated(_))) => {}
                // Reported when the closing handshake is done, so that the peer gets its Close.
                Some(Err(Error::Violation(_))) => {}
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => return Poll::Ready(this.end()),
            }
        }
        Poll::Ready(Ok(&this.chunk))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.chunk.advance(amount);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = chunk.len().min(buf.remaining());
        buf.put_slice(&chunk[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let chunk = &buf[..buf.len().min(CHUNK)];
        // An empty message is legal, but an empty read would mean the end.
        if !chunk.is_empty() {
            ready!(self.sender.poll_queue(cx, |inner| inner.queue_bytes(chunk)))?;
        }
        Poll::Ready(Ok(chunk.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sender).poll_flush(cx).map_err(Into::into)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sender.is_open() {
            self.sender.start_close(CloseCode::NORMAL_CLOSURE, "")?;
        }
        self.poll_flush(cx)
    }
}

impl<S> fmt::Debug for ByteStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("connection", &self.receiver)
            .field("left", &self.chunk.len())
            .finish_non_exhaustive()
    }
}

/// Wraps the error for a stream of bytes. An error of the underlying stream is returned unchanged.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Violation(violation) if violation.rule.answer() != Answer::Lost => {
                io::ErrorKind::InvalidData
            }
            Error::Violation(violation) if violation.rule == Rule::ConnectionReset => {
                io::ErrorKind::ConnectionReset
            }
            Error::Violation(violation)
                if matches!(violation.rule, Rule::IdleTimeout | Rule::CloseTimeout) =>
            {
                io::ErrorKind::TimedOut
            }
            Error::Violation(_) => io::ErrorKind::UnexpectedEof,
            Error::Misuse(Misuse::Closed) => io::ErrorKind::BrokenPipe,
            Error::Misuse(_) => io::ErrorKind::InvalidInput,
            Error::Rejected(_) | Error::RequestRejected(_) => io::ErrorKind::ConnectionRefused,
            Error::Connect(_) => io::ErrorKind::NotConnected,
            Error::Io(error) => error.kind(),
            Error::Other(_) => io::ErrorKind::Other,
        };
        if let Error::Io(error) = error { error } else { Self::new(kind, error) }
    }
}
