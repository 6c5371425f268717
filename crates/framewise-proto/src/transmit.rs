//! The bytes to write: encoded frames, and large payloads between them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::iter;

use bytes::{Buf as _, Bytes};

use crate::Header;

/// Memory for this many payloads is kept; the memory of a burst is freed.
const KEPT: usize = 64;

/// A payload that is not copied.
#[derive(Debug)]
struct Large {
    /// Bytes of `encoded` before it.
    at: usize,
    /// Never empty.
    payload: Bytes,
}

#[derive(Debug, Default)]
struct Larges {
    queue: VecDeque<Large>,
    /// Their bytes that are not written.
    bytes: usize,
}

/// Bytes to write, as segments in order. A large shared payload is a segment of its own and not copied
/// ([`Connection::send_binary_shared`](crate::Connection::send_binary_shared)). The bytes between two of these are one
/// segment; without any there is a single segment.
///
/// ```
/// use core::time::Duration;
/// use framewise_proto::{Bytes, Config, Connection};
///
/// let mut server = Connection::server(Config::default(), 0, Duration::ZERO);
/// server.send_text("Hello")?;
/// server.send_binary_shared(Bytes::from(vec![7; 70_000]))?;
///
/// let mut transmit = server.poll_transmit().expect("it was queued");
/// let lengths: Vec<_> = transmit.segments().map(<[u8]>::len).collect();
/// assert_eq!(lengths, [2 + 5 + 10, 70_000]);
///
/// // A transport wrote a part.
/// transmit.advance(60_000);
/// assert_eq!(transmit.segments().map(<[u8]>::len).sum::<usize>(), transmit.len());
/// transmit.advance(transmit.len());
///
/// // Reuse its memory.
/// server.recycle(transmit);
/// # Ok::<(), framewise_proto::Misuse>(())
/// ```
#[derive(Debug, Default)]
pub struct Transmit {
    encoded: Vec<u8>,
    /// Bytes of `encoded` that are written.
    written: usize,
    /// The offset in `encoded` where a frame begins, at or before `written`: after the last large payload that was
    /// completely written.
    frame: usize,
    /// `None` before the first large payload.
    larges: Option<Box<Larges>>,
}

impl Transmit {
    /// Complete frames that were encoded elsewhere ([`IdleConnection::send_text`](crate::IdleConnection::send_text)), of which
    /// so many bytes are written.
    pub fn of_frames(encoded: Vec<u8>, written: usize) -> Self {
        let mut transmit = Self { encoded, ..Self::default() };
        transmit.advance(written);
        transmit
    }

    /// Bytes that are not written.
    #[inline]
    pub fn len(&self) -> usize {
        self.encoded.len() - self.written + self.larges.as_ref().map_or(0, |larges| larges.bytes)
    }

    /// Whether all bytes are written.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The capacity for encoded frames, in bytes: the memory that [`Connection::recycle`](crate::Connection::recycle)
    /// reuses.
    pub fn capacity(&self) -> usize {
        self.encoded.capacity()
    }

    /// The segments to write, in order. None is empty.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let mut larges = self.larges.iter().flat_map(|larges| &larges.queue).peekable();
        let mut from = self.written;
        iter::from_fn(move || {
            let to = larges.peek().map_or(self.encoded.len(), |large| large.at);
            if from < to {
                return self.encoded.get(core::mem::replace(&mut from, to)..to);
            }
            larges.next().map(|large| &large.payload[..])
        })
    }

    /// Removes `count` bytes at the front, which were written. A payload that is completely written is dropped at once.
    pub fn advance(&mut self, mut count: usize) {
        while let Some(larges) = &mut self.larges
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
            self.frame = large.at;
            larges.queue.pop_front();
            if larges.queue.is_empty() && larges.queue.capacity() > KEPT {
                self.larges = None;
            }
        }
        self.written = self.encoded.len().min(self.written + count);
    }

    /// Drops every frame that is completely unwritten. Keeps the rest of a frame that was begun, because the peer needs
    /// it to read on.
    pub fn drop_unbegun(&mut self) {
        let mut larges = self.larges.take();
        let mut frame = self.frame;
        let mut large = larges.as_mut().and_then(|larges| larges.queue.pop_front());
        while frame < self.written {
            let Some(header) = Header::decode(&self.encoded[frame..]) else { break };
            let behind = frame + header.size();
            if let Some(large) = large.take_if(|large| large.at == behind) {
                self.encoded.truncate(behind);
                return self.push_large(large.payload);
            }
            frame = behind.saturating_add(usize::try_from(header.length).unwrap_or(usize::MAX));
        }
        self.encoded.truncate(frame);
    }

    /// All bytes to write, in one buffer. A single encoded segment is not copied.
    pub fn into_vec(self) -> Vec<u8> {
        if self.written == 0 && self.len() == self.encoded.len() {
            return self.encoded;
        }
        let mut all = Vec::with_capacity(self.len());
        self.segments().for_each(|segment| all.extend_from_slice(segment));
        all
    }

    /// The buffer that the next frame is encoded into, at the end of the queue.
    #[inline]
    pub(crate) fn encoded(&mut self) -> &mut Vec<u8> {
        &mut self.encoded
    }

    /// Queues a payload at the end, without copying it.
    pub(crate) fn push_large(&mut self, payload: Bytes) {
        if payload.is_empty() {
            return;
        }
        let larges = self.larges.get_or_insert_default();
        larges.bytes += payload.len();
        larges.queue.push_back(Large { at: self.encoded.len(), payload });
    }

    /// Drops all bytes, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.encoded.clear();
        self.written = 0;
        self.frame = 0;
        if let Some(larges) = &mut self.larges {
            larges.queue.clear();
            larges.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ab`, a payload of 3, `c`, payloads of 1 and 2, and then `end`.
    fn transmit(end: &[u8]) -> Transmit {
        let mut transmit = Transmit::default();
        transmit.encoded().extend_from_slice(b"ab");
        transmit.push_large(Bytes::from_static(b"123"));
        transmit.encoded().extend_from_slice(b"c");
        transmit.push_large(Bytes::from_static(b"4"));
        transmit.push_large(Bytes::new());
        transmit.push_large(Bytes::from_static(b"56"));
        transmit.encoded().extend_from_slice(end);
        transmit
    }

    #[test]
    fn segments_are_in_order_and_none_is_empty() {
        let segments = |end: &[u8]| transmit(end).segments().map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(segments(b""), [&b"ab"[..], b"123", b"c", b"4", b"56"]);
        assert_eq!(segments(b"d"), [&b"ab"[..], b"123", b"c", b"4", b"56", b"d"]);
        assert_eq!(Transmit::default().segments().count(), 0);
    }

    #[test]
    fn whatever_is_written_at_once_the_rest_comes_next() {
        let all = b"ab123c456d";
        for first in 0..=all.len() {
            for second in 0..=all.len() - first {
                let mut transmit = transmit(b"d");
                transmit.advance(first);
                transmit.advance(second);
                let rest = &all[first + second..];
                assert_eq!((transmit.len(), transmit.is_empty()), (rest.len(), rest.is_empty()));
                assert_eq!(transmit.segments().collect::<Vec<_>>().concat(), rest);
                assert_eq!(transmit.into_vec(), rest);
            }
        }
    }

    #[test]
    fn frames_that_were_encoded_elsewhere_are_dropped_but_for_the_one_that_was_begun() {
        let (begun, next) = (b"\x81\x02hi", b"\x82\x01x");
        for (written, kept) in [(0, 0), (1, 3), (4, 0), (5, 2)] {
            let mut transmit = Transmit::of_frames([&begun[..], next].concat(), written);
            assert_eq!(transmit.len(), 7 - written);
            transmit.drop_unbegun();
            assert_eq!(transmit.len(), kept, "{written} written");
        }
    }

    #[test]
    fn what_is_cleared_is_gone_and_its_memory_is_not() {
        let mut transmit = transmit(b"d");
        transmit.advance(3);
        let capacity = transmit.capacity();
        transmit.clear();
        assert_eq!((transmit.len(), transmit.segments().count(), transmit.capacity()), (0, 0, capacity));
    }

    #[test]
    fn a_payload_is_let_go_of_when_it_is_written() {
        let payload = Bytes::from(alloc::vec![1; 10]);
        let mut transmit = Transmit::default();
        transmit.push_large(payload.clone());
        transmit.advance(9);
        assert!(!payload.is_unique());
        transmit.advance(1);
        assert!(payload.is_unique());
    }
}
