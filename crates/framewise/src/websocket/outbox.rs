use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use framewise_proto::Connection;
use tokio::io::AsyncWrite;

use crate::buffers;

/// Slices of one write at the most.
const SLICES: usize = 64;

/// A payload that is written from where it lies, in between what the engine encoded.
#[derive(Debug)]
struct Large {
    /// Bytes of the engine's that go before it, from the start of their batch.
    at: usize,
    payload: Bytes,
}

/// The large payloads of the batch that is being written, then those of what the engine queues meanwhile.
#[derive(Debug, Default)]
struct Larges {
    queue: VecDeque<Large>,
    /// How many of them belong to the batch.
    in_batch: usize,
    /// Bytes of them that are not written yet.
    bytes: usize,
}

/// What is queued and not written yet: the engine's bytes, and the large payloads between them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// A batch that was taken from the engine and is being written.
    batch: Vec<u8>,
    /// Bytes of it that are written.
    written: usize,
    larges: Larges,
    /// The engine has the thread's write buffer.
    lent: bool,
    /// Something was written that the stream may hold back.
    unflushed: bool,
}

impl Outbox {
    /// Bytes of it that are not written yet; the engine may have more.
    pub(super) fn queued(&self) -> usize {
        self.batch.len() - self.written + self.larges.bytes
    }

    /// Whether something is to be written, or was written that the stream may hold back.
    pub(super) fn owes(&self) -> bool {
        self.queued() > 0 || self.unflushed
    }

    /// Whether it holds nothing, and owes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.batch.capacity() == 0 && self.larges.queue.is_empty() && !self.lent && !self.unflushed
    }

    /// Gives the engine room to encode into: the thread's write buffer.
    pub(super) fn lend(&mut self, engine: &mut Connection) {
        if !self.lent {
            self.lent = true;
            engine.recycle(buffers::take_write());
        }
    }

    /// Queues a payload behind what the engine has queued.
    pub(super) fn push_large(&mut self, engine: &Connection, payload: Bytes) {
        self.larges.bytes += payload.len();
        self.larges.queue.push_back(Large { at: engine.queued(), payload });
    }

    /// Writes everything that is queued.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        engine: &mut Connection,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.written == self.batch.len() && self.larges.in_batch == 0 {
                if self.batch.capacity() > 0 {
                    buffers::give_write(std::mem::take(&mut self.batch));
                }
                self.written = 0;
                let Some(batch) = engine.poll_transmit() else { break };
                self.lent = false;
                self.batch = batch;
                self.larges.in_batch = self.larges.queue.len();
            }
            let count = if self.larges.in_batch == 0 {
                ready!(Pin::new(&mut *stream).poll_write(cx, &self.batch[self.written..]))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let used = self.slices(&mut slices);
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices[..used]))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(count);
        }
        if self.unflushed {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The front of the batch, as slices in the order of the wire: how many.
    fn slices<'o>(&'o self, slices: &mut [IoSlice<'o>; SLICES]) -> usize {
        let mut used = 0;
        let mut from = self.written;
        for large in self.larges.queue.iter().take(self.larges.in_batch) {
            if used + 2 > SLICES {
                return used;
            }
            if large.at > from {
                slices[used] = IoSlice::new(&self.batch[from..large.at]);
                used += 1;
                from = large.at;
            }
            slices[used] = IoSlice::new(&large.payload);
            used += 1;
        }
        if used < SLICES && from < self.batch.len() {
            slices[used] = IoSlice::new(&self.batch[from..]);
            used += 1;
        }
        used
    }

    fn advance(&mut self, mut count: usize) {
        let larges = &mut self.larges;
        while larges.in_batch > 0
            && let Some(large) = larges.queue.front_mut()
        {
            let step = count.min(large.at - self.written);
            self.written += step;
            count -= step;
            if count == 0 {
                return;
            }
            let step = count.min(large.payload.len());
            large.payload.advance(step);
            larges.bytes -= step;
            count -= step;
            if !large.payload.is_empty() {
                return;
            }
            // What is written whole is let go of at once, so that its buffer can be used again.
            larges.queue.pop_front();
            larges.in_batch -= 1;
            if larges.queue.is_empty() && larges.queue.capacity() > SLICES {
                // The memory of a burst does not stay.
                *larges = Larges::default();
            }
        }
        self.written += count;
    }
}
