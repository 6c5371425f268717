//! The recent bytes of one direction, by their offset in its stream.

use std::ops::Range;

/// At least this many bytes are kept: enough after a frame's header to see the effect of a wrong 16-bit length.
const KEPT: usize = 128 * 1024;
/// Bytes that are copied once more, so that what is still to be read stays in one piece.
const CARRIED: usize = 1024;

/// The last bytes of a stream. A long-running connection keeps about twice [`KEPT`] of them.
///
/// They lie in two pieces, so that a byte is copied once. A reader who looks back needs them in one: [`Window::join`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    start: u64,
    /// What was read before `bytes`; empty where all is in one piece.
    old: Vec<u8>,
    bytes: Vec<u8>,
}

impl Window {
    /// Appends bytes, and drops the oldest. What is from `unread` on stays in one piece.
    pub(crate) fn push(&mut self, bytes: &[u8], unread: u64) {
        if self.bytes.len() + bytes.len() > KEPT {
            let carried = self.slice(unread..self.end()).len();
            if unread >= self.start + self.old.len() as u64 && carried <= CARRIED {
                self.turn(carried);
            } else {
                self.join();
                self.drop_oldest(bytes.len());
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Makes what is there the old piece, in place of the one before, and begins a new one with its last bytes.
    fn turn(&mut self, carried: usize) {
        self.start += self.old.len() as u64;
        std::mem::swap(&mut self.old, &mut self.bytes);
        self.bytes.clear();
        let rest = self.old.len() - carried;
        self.bytes.extend_from_slice(&self.old[rest..]);
        self.old.truncate(rest);
        // Only what was joined is longer.
        let drop = rest.saturating_sub(KEPT);
        self.old.drain(..drop);
        self.start += drop as u64;
    }

    fn drop_oldest(&mut self, more: usize) {
        // Drops only when there are twice as many, so that every byte is moved at most once.
        if self.bytes.len() + more > 2 * KEPT {
            let drop = (self.bytes.len() + more).saturating_sub(KEPT).min(self.bytes.len());
            self.bytes.drain(..drop);
            self.start += drop as u64;
        }
    }

    /// Whether the bytes lie in two pieces.
    pub(crate) const fn is_apart(&self) -> bool {
        !self.old.is_empty()
    }

    /// Puts all bytes into one piece.
    pub(crate) fn join(&mut self) {
        if self.is_apart() {
            self.old.reserve_exact(self.bytes.len());
            self.old.extend_from_slice(&self.bytes);
            std::mem::swap(&mut self.old, &mut self.bytes);
            self.old.clear();
        }
    }

    /// Leaves out this many bytes of the stream. What was before them is dropped, so that no reader reads across.
    pub(crate) fn gap(&mut self, bytes: u64) {
        self.start = self.end().saturating_add(bytes);
        self.old.clear();
        self.bytes.clear();
    }

    /// The offset of the first byte kept.
    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// The length of the stream so far.
    pub(crate) const fn end(&self) -> u64 {
        self.start + self.old.len() as u64 + self.bytes.len() as u64
    }

    /// Whether nothing is there.
    pub(crate) const fn is_empty(&self) -> bool {
        self.old.is_empty() && self.bytes.is_empty()
    }

    /// The bytes kept from `offset` on.
    pub(crate) fn from(&self, offset: u64) -> &[u8] {
        self.slice(offset..self.end())
    }

    /// Up to `most` bytes from `offset` on.
    pub(crate) fn read(&self, offset: u64, most: u64) -> &[u8] {
        self.slice(offset..offset.saturating_add(most))
    }

    /// The part of a range that has arrived; empty if its beginning was dropped. Of a range that begins in the old piece, the
    /// part in that piece.
    pub(crate) fn slice(&self, range: Range<u64>) -> &[u8] {
        let middle = self.start + self.old.len() as u64;
        let (start, piece) = if range.start >= middle {
            (middle, &self.bytes)
        } else if range.start >= self.start {
            (self.start, &self.old)
        } else {
            return &[];
        };
        let at = |offset: u64| usize::try_from(offset - start).map_or(piece.len(), |at| at.min(piece.len()));
        let (from, to) = (at(range.start), at(range.end.max(range.start)));
        &piece[from..to]
    }

    /// The part of a range that is kept, with at most `before` bytes before it.
    pub(crate) fn around(&self, range: Range<u64>, before: u64) -> (u64, &[u8]) {
        let start = range.start.saturating_sub(before).max(self.start);
        (start, self.slice(start..range.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_bytes_go_and_offsets_stay() {
        let mut window = Window::default();
        for piece in 0..64_u8 {
            window.push(&[piece; 16 * 1024], 0);
        }
        assert_eq!(window.end(), 1024 * 1024);
        assert!(window.start() >= window.end() - 2 * KEPT as u64);
        assert_eq!(window.slice(0..4), b"");
        assert_eq!(window.slice(window.end() - 2..window.end() + 9), [63, 63]);
        assert_eq!(window.from(63 * 16 * 1024 - 1)[..2], [62, 63]);
    }

    #[test]
    fn a_gap_moves_what_follows() {
        let mut window = Window::default();
        window.push(b"ab", 0);
        window.gap(7);
        window.push(b"cd", 0);
        assert_eq!((window.start(), window.end(), window.read(9, 2)), (9, 11, &b"cd"[..]));
        assert_eq!(window.read(1, 10), b"", "nothing reads across");
        window.gap(u64::MAX);
        assert_eq!(window.end(), u64::MAX);
    }

    #[test]
    fn nothing_is_dropped_before_there_is_twice_as_much_as_is_kept() {
        let mut window = Window::default();
        window.push(&vec![1; KEPT], 0);
        window.push(&vec![2; KEPT], 0);
        assert_eq!((window.start(), window.end()), (0, 2 * KEPT as u64));
        assert_eq!(window.read(KEPT as u64 - 1, 2), [1, 2]);
        window.push(&[3], 0);
        let start = KEPT as u64 + 1;
        assert_eq!(
            (window.start(), window.end()),
            (start, 2 * KEPT as u64 + 1),
            "as much is left as is kept"
        );
        assert_eq!(window.read(start, 1), [2]);
        assert_eq!(window.slice(window.end() - 1..window.end()), [3]);
        // What begins before the first byte that is left is not there in part.
        assert_eq!(window.slice(start - 1..start + 1), b"");
        assert_eq!(window.around(start + 2..start + 4, 16), (start, &[2; 4][..]));
        window.push(&vec![4; KEPT], 0);
        window.push(&vec![5; KEPT], 0);
        assert_eq!(window.end(), 4 * KEPT as u64 + 1);
        assert_eq!(window.slice(window.end() - 1..window.end()), [5]);
    }

    #[test]
    fn what_was_read_lies_apart_until_it_is_looked_at() {
        let byte = |offset: u64| (offset / 7 % 251) as u8;
        let all: Vec<u8> = (0..16 * KEPT as u64).map(byte).collect();
        let mut window = Window::default();
        let (mut at, mut turns) = (0, 0);
        for (number, piece) in all.chunks(1000).enumerate() {
            // The last bytes are a part of a header.
            let unread = at - (number as u64 % 15).min(at);
            let before = window.old.as_ptr();
            window.push(piece, unread);
            turns += usize::from(window.old.as_ptr() != before);
            at += piece.len() as u64;
            let unread = unread as usize;
            assert_eq!(window.from(unread as u64), &all[unread..at as usize], "in one piece");
            assert!(window.end() - window.start() >= at.min(KEPT as u64));
            assert!(window.end() - window.start() <= 2 * KEPT as u64);
            if number == 1500 {
                window.join();
                let start = window.start();
                assert_eq!(window.from(start), &all[start as usize..at as usize]);
            }
        }
        assert_eq!(window.end(), all.len() as u64);
        assert!((10..=17).contains(&turns), "{turns}: every byte is copied once");
        let start = window.start();
        assert!(window.from(start).len() < all.len() - start as usize, "it lies in two pieces");
        window.join();
        assert_eq!(window.from(start), &all[start as usize..]);
        // What is unread is too much to carry: it stays in one piece.
        for _ in 0..3 {
            window.push(&vec![1; KEPT / 2], start);
        }
        assert_eq!(window.from(window.start()).len() as u64, window.end() - window.start());
    }
}
