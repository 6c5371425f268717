use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
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

/// What is queued and not written yet: the engine's bytes, and the large payloads between them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// A batch that was taken from the engine and is being written.
    batch: Vec<u8>,
    /// Bytes of it that are written.
    written: usize,
    /// The large payloads of the batch, then those of what the engine queues meanwhile.
    larges: VecDeque<Large>,
    /// How many of them belong to the batch.
    in_batch: usize,
    /// Bytes of large payloads that are not written yet.
    large: usize,
    /// The engine has the thread's write buffer.
    lent: bool,
    /// Something was written that the stream may hold back.
    unflushed: bool,
}

impl Outbox {
    /// Bytes that are not written yet.
    pub(super) fn queued(&self, engine: &Connection) -> usize {
        self.batch.len() - self.written + self.large + engine.queued()
    }

    /// Gives the engine room to encode into: the thread's write buffer.
    pub(super) fn lend(&mut self, engine: &mut Connection) {
        if !self.lent && engine.queued() == 0 {
            self.lent = true;
            engine.recycle(buffers::take_write());
        }
    }

    /// Queues a payload behind what the engine has queued.
    pub(super) fn push_large(&mut self, engine: &Connection, payload: Bytes) {
        self.large += payload.len();
        self.larges.push_back(Large { at: engine.queued(), payload });
    }

    /// Writes everything that is queued.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        engine: &mut Connection,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.written == self.batch.len() && self.in_batch == 0 {
                if self.batch.capacity() > 0 {
                    buffers::give_write(std::mem::take(&mut self.batch));
                }
                self.written = 0;
                let Some(batch) = engine.poll_transmit() else { break };
                self.lent = false;
                self.batch = batch;
                self.in_batch = self.larges.len();
            }
            let count = if self.in_batch == 0 {
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
        for large in self.larges.iter().take(self.in_batch) {
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
        while count > 0 {
            let until = if self.in_batch > 0 { self.larges[0].at } else { self.batch.len() };
            let step = count.min(until - self.written);
            self.written += step;
            count -= step;
            if count == 0 || self.in_batch == 0 {
                break;
            }
            let payload = &mut self.larges[0].payload;
            let step = count.min(payload.len());
            // Not `advance` alone: what is written whole is let go of at once, so that its buffer can be used again.
            let _ = payload.split_to(step);
            self.large -= step;
            count -= step;
            if payload.is_empty() {
                self.larges.pop_front();
                self.in_batch -= 1;
            }
        }
        if self.larges.is_empty() {
            // The memory of a burst does not stay with an idle connection.
            if self.larges.capacity() > SLICES {
                self.larges = VecDeque::new();
            }
        }
    }

    /// Lets go of everything: it cannot be written any more.
    pub(super) fn clear(&mut self, engine: &mut Connection) {
        while engine.poll_transmit().is_some() {}
        *self = Self::default();
    }
}
