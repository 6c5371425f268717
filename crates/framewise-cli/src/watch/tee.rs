use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Watch;

/// A byte stream that is watched from one of its ends; when it is dropped, the connection is judged.
#[derive(Debug)]
pub(crate) struct Tee<S> {
    stream: S,
    /// The end that holds it.
    end: Role,
    watch: Option<Watch>,
}

impl<S> Tee<S> {
    pub(crate) fn new(stream: S, end: Role, watch: Watch) -> Self {
        Self { stream, end, watch: Some(watch) }
    }

    fn note(&mut self, from: Role, action: Action) {
        if let Some(watch) = &mut self.watch {
            let now = watch.now();
            watch.step(now, from, action);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tee<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        // A read into no room says nothing about the stream.
        let room = buf.remaining() > 0;
        let result = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        let peer = this.end.peer();
        match &result {
            Ok(()) if buf.filled().len() > before => {
                this.note(peer, Action::Bytes(buf.filled()[before..].to_vec()));
            }
            Ok(()) if room => this.note(peer, Action::Eof),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => this.note(peer, Action::Reset),
            Err(_) => this.note(peer, Action::Eof),
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tee<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.note(this.end, Action::Bytes(buf[..count].to_vec()));
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_shutdown(cx));
        this.note(this.end, Action::Eof);
        Poll::Ready(result)
    }
}

impl<S> Drop for Tee<S> {
    fn drop(&mut self) {
        // A stream that is dropped is closed.
        self.note(self.end, Action::Eof);
        if let Some(watch) = self.watch.take() {
            watch.finish();
        }
    }
}
