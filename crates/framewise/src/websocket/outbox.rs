use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use framewise_proto::{Connection, Transmit};
use tokio::io::AsyncWrite;

use crate::buffers;

/// The largest number of slices in one write.
const SLICES: usize = 64;

/// Bytes that were taken from the engine and are not written.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    batch: Option<Transmit>,
    /// The engine has the thread's write buffer.
    lent: bool,
    /// The stream may hold back bytes that were written: it needs a flush.
    unflushed: bool,
}

impl Outbox {
    #[cfg(target_os = "linux")]
    pub(super) fn with(batch: Transmit) -> Self {
        Self { batch: Some(batch), ..Self::default() }
    }

    /// Bytes that are not written; the engine may have more.
    pub(super) fn queued(&self) -> usize {
        self.batch.as_ref().map_or(0, Transmit::len)
    }

    /// Whether bytes must be written or flushed.
    pub(super) fn owes(&self) -> bool {
        self.queued() > 0 || self.unflushed
    }

    /// Whether it holds no memory, and nothing must be written or flushed.
    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_none() && !self.lent && !self.unflushed
    }

    /// Drops each frame of which nothing is written.
    pub(super) fn drop_unbegun(&mut self) {
        if let Some(batch) = &mut self.batch {
            batch.drop_unbegun();
        }
    }

    /// Gives the engine the thread's write buffer to encode into.
    pub(super) fn lend(&mut self, engine: &mut Connection) {
        if !self.lent {
            self.lent = true;
            engine.recycle(buffers::take_write());
        }
    }

    /// Writes everything that is queued.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        engine: &mut Connection,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(written) = self.batch.take_if(|batch| batch.is_empty()) {
                buffers::give_write(written);
            }
            let Some(batch) = &mut self.batch else {
                let Some(batch) = engine.poll_transmit() else { break };
                self.lent = false;
                self.batch = Some(batch);
                continue;
            };
            let count = ready!(poll_write_segments(batch, Pin::new(&mut *stream), cx))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            batch.advance(count);
        }
        if self.unflushed {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// Writes the first segment, which is nearly always the only one, or several at once.
fn poll_write_segments<S: AsyncWrite>(
    batch: &Transmit,
    stream: Pin<&mut S>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut segments = batch.segments();
    let first = segments.next().unwrap_or_default();
    let Some(second) = segments.next() else { return stream.poll_write(cx, first) };
    let mut slices = [IoSlice::new(&[]); SLICES];
    let mut used = 0;
    for (slice, segment) in slices.iter_mut().zip([first, second].into_iter().chain(segments)) {
        *slice = IoSlice::new(segment);
        used += 1;
    }
    stream.poll_write_vectored(cx, &slices[..used])
}
