//! A stream that takes a random part of what it is given, and makes its user wait at random.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Random numbers that come again with their seed: xorshift64.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }
}

/// Lets other tasks run, none to three times.
pub(crate) async fn yield_at_random(random: &mut Random) {
    for _ in 0..random.below(4) {
        tokio::task::yield_now().await;
    }
}

pub(crate) struct Erratic<S> {
    stream: S,
    random: Random,
    /// Bytes that one call takes at the most.
    most: usize,
}

impl<S> Erratic<S> {
    pub(crate) fn new(stream: S, seed: u64, most: usize) -> Self {
        Self { stream, random: Random::new(seed), most }
    }

    /// Sends one in four away, and wakes it later: the waker that it came with, and no other.
    fn poll_mood(&mut self, cx: &Context<'_>) -> Poll<usize> {
        if self.random.below(4) > 0 {
            return Poll::Ready(1 + self.random.below(self.most));
        }
        let waker = cx.waker().clone();
        let mut random = Random::new(self.random.below(1 << 30) as u64);
        tokio::spawn(async move {
            yield_at_random(&mut random).await;
            waker.wake();
        });
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Erratic<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let cut = std::task::ready!(self.poll_mood(cx)).min(buf.remaining());
        let mut part = vec![0; cut];
        let mut part = ReadBuf::new(&mut part);
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Erratic<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let cut = std::task::ready!(self.poll_mood(cx)).min(buf.len());
        Pin::new(&mut self.stream).poll_write(cx, &buf[..cut])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_mood(cx));
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
