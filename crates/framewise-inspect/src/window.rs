//! The recent bytes of one direction, by their offset in its stream.

use std::ops::Range;

/// At least this many bytes are kept: enough after a frame's header to see the effect of a wrong 16-bit length.
const KEPT: usize = 128 * 1024;

/// The last bytes of a stream. A long-running connection keeps at most twice [`KEPT`] of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Appends bytes, and drops the oldest.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        // Drops only when there are twice as many, so that every byte is moved at most once.
        if self.bytes.len() + bytes.len() > 2 * KEPT {
            let drop = (self.bytes.len() + bytes.len()).saturating_sub(KEPT).min(self.bytes.len());
            self.bytes.drain(..drop);
            self.start += drop as u64;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Leaves out this many bytes of the stream. What was before them is dropped, so that no reader reads across.
    pub(crate) fn gap(&mut self, bytes: u64) {
        self.start = self.end().saturating_add(bytes);
        self.bytes.clear();
    }

    /// The offset of the first byte kept.
    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// The length of the stream so far.
    pub(crate) const fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Whether nothing is there.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes kept from `offset` on.
    pub(crate) fn from(&self, offset: u64) -> &[u8] {
        self.slice(offset..self.end())
    }

    /// Up to `most` bytes from `offset` on.
    pub(crate) fn read(&self, offset: u64, most: u64) -> &[u8] {
        self.slice(offset..offset.saturating_add(most))
    }

    /// The part of a range that has arrived; empty if its beginning was dropped.
    pub(crate) fn slice(&self, range: Range<u64>) -> &[u8] {
        if range.start < self.start {
            return &[];
        }
        let at = |offset: u64| {
            usize::try_from(offset - self.start).map_or(self.bytes.len(), |at| at.min(self.bytes.len()))
        };
        let (from, to) = (at(range.start), at(range.end.max(range.start)));
        &self.bytes[from..to]
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
            window.push(&[piece; 16 * 1024]);
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
        window.push(b"ab");
        window.gap(7);
        window.push(b"cd");
        assert_eq!((window.start(), window.end(), window.read(9, 2)), (9, 11, &b"cd"[..]));
        assert_eq!(window.read(1, 10), b"", "nothing reads across");
        window.gap(u64::MAX);
        assert_eq!(window.end(), u64::MAX);
    }

    #[test]
    fn nothing_is_dropped_before_there_is_twice_as_much_as_is_kept() {
        let mut window = Window::default();
        window.push(&vec![1; KEPT]);
        window.push(&vec![2; KEPT]);
        assert_eq!((window.start(), window.end()), (0, 2 * KEPT as u64));
        assert_eq!(window.read(KEPT as u64 - 1, 2), [1, 2]);
        window.push(&[3]);
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
        window.push(&vec![4; KEPT]);
        window.push(&vec![5; KEPT]);
        assert_eq!(window.end(), 4 * KEPT as u64 + 1);
        assert_eq!(window.slice(window.end() - 1..window.end()), [5]);
    }
}
