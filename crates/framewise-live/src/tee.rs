use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tap::{Did, Tap, tap};
use crate::{Watch, Watching};

/// A byte stream that is observed from one of its ends; the connection is judged when it is dropped.
#[derive(Debug)]
pub struct Tee<S> {
    stream: S,
    /// The end that holds it.
    end: Role,
    tap: Tap,
}

impl<S> Tee<S> {
    /// Observes a stream that `end` holds. Causes are searched for in a task of its own. Its queue is bounded: when it is full,
    /// the stream is slowed down.
    pub fn new(stream: S, end: Role, watch: Watch) -> (Self, Watching) {
        // A stream that is dropped is closed.
        let (tap, watching) = tap(watch, Some(end));
        (Self { stream, end, tap }, watching)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tee<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        // A read into an empty buffer says nothing about the stream.
        let empty = buf.remaining() == 0;
        ready!(this.tap.poll_room(cx));
        let result = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        let peer = this.end.peer();
        match &result {
            Ok(()) if buf.filled().len() > before => {
                this.tap.note_now(peer, Did::Bytes(&buf.filled()[before..]));
            }
            Ok(()) if empty => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                this.tap.note_now(peer, Did::Reset);
            }
            Ok(()) | Err(_) => this.tap.note_now(peer, Did::Eof),
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tee<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.tap.poll_room(cx));
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.tap.note_now(this.end, Did::Bytes(&buf[..count]));
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.tap.poll_room(cx));
        let count = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        let mut bytes = Vec::with_capacity(count);
        for buf in bufs {
            bytes.extend_from_slice(&buf[..buf.len().min(count - bytes.len())]);
        }
        this.tap.note_now(this.end, Did::Bytes(&bytes));
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.tap.poll_room(cx));
        let result = ready!(Pin::new(&mut this.stream).poll_shutdown(cx));
        this.tap.note_now(this.end, Did::Eof);
        Poll::Ready(result)
    }
}
