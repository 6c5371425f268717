use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that remembers the first byte of the peer, which shows whether the peer speaks TLS.
#[derive(Debug)]
pub(crate) struct FirstByte<S> {
    stream: S,
    first: Option<u8>,
}

impl<S> FirstByte<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, first: None }
    }

    pub(crate) const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The first byte that was read.
    pub(crate) const fn first(&self) -> Option<u8> {
        self.first
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FirstByte<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.first.is_none() {
            self.first = buf.filled().get(before).copied();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstByte<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter, duplex};

    use super::*;

    #[tokio::test]
    async fn all_is_passed_on_and_the_first_byte_is_kept() {
        let (near, mut far) = duplex(100);
        let mut stream = FirstByte::new(BufWriter::new(near));
        assert_eq!(stream.first(), None);
        stream.write_all(b"held").await.expect("room");
        let mut got = [0; 4];
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(pin!(far.read_exact(&mut got)).poll(cx).is_pending(), "it is not flushed");
        stream.flush().await.expect("room");
        far.read_exact(&mut got).await.expect("it is there");
        assert_eq!(&got, b"held");
        far.write_all(b"\x16\x03").await.expect("room");
        for byte in *b"\x16\x03" {
            assert_eq!(stream.read_u8().await.expect("it is there"), byte);
            assert_eq!(stream.first(), Some(0x16));
        }
        stream.shutdown().await.expect("an end");
        assert_eq!(far.read(&mut got).await.expect("an end"), 0);
    }
}
