//! One direction of a TCP connection: its bytes in their order, whatever the order in which they were captured.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "places are compared as numbers with a sign, and are far from where it changes"
)]

use std::collections::BTreeMap;

/// Bytes that are held back at most while something before them is missing.
const HELD: usize = 1 << 20;
/// Packets of the connection after which bytes that the receiver has acknowledged are given up: a capture may have an
/// acknowledgement before what it acknowledges, if not for long.
const PATIENCE: u32 = 24;

/// What comes out, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Out<'b> {
    Bytes(&'b [u8]),
    /// This many bytes were not captured.
    Gap(u64),
    Eof,
}

#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    /// Its length on the wire.
    length: i64,
}

/// One direction. Places are counted from its first byte, and do not wrap.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The number of the byte at `place`; `None` before the first segment.
    next: Option<u32>,
    place: i64,
    held: BTreeMap<i64, Held>,
    held_bytes: usize,
    /// Where its FIN is.
    fin: Option<i64>,
    ended: bool,
    /// How far the receiver has everything.
    acknowledged: i64,
    /// Packets since the receiver acknowledged what is missing.
    waited: u32,
}

impl Stream {
    /// The stream begins after this number, which is its SYN's.
    pub(crate) fn begin(&mut self, syn: u32) {
        self.next.get_or_insert(syn.wrapping_add(1));
    }

    /// Whether a segment of it was seen.
    pub(crate) const fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// Whether it came to its end.
    pub(crate) const fn is_over(&self) -> bool {
        self.ended
    }

    fn place_of(&self, number: u32) -> i64 {
        let next = self.next.unwrap_or(number);
        self.place + i64::from(number.wrapping_sub(next) as i32)
    }

    /// A segment.
    pub(crate) fn segment(
        &mut self,
        number: u32,
        payload: &[u8],
        length: u32,
        fin: bool,
        out: &mut dyn FnMut(Out<'_>),
    ) {
        if self.next.is_none() {
            // The capture begins in the middle.
            self.next = Some(number);
            out(Out::Gap(0));
        }
        let at = self.place_of(number);
        let length = i64::from(length);
        if fin && self.fin.is_none() {
            self.fin = Some(at + length);
        }
        if at <= self.place {
            self.deliver(at, payload, length, out);
            self.go_on(out);
        } else if length > 0 && self.held.get(&at).is_none_or(|held| held.bytes.len() < payload.len()) {
            self.held_bytes += payload.len();
            let held = Held { bytes: payload.to_vec(), length };
            if let Some(before) = self.held.insert(at, held) {
                self.held_bytes -= before.bytes.len();
            }
            while self.held_bytes > HELD {
                self.give_up(i64::MAX, out);
            }
        }
        self.finish(out);
    }

    /// Whether everything before this number is there.
    pub(crate) fn has(&self, number: u32) -> bool {
        let Some(next) = self.next else { return true };
        // A FIN takes a number as well, and may not have been captured.
        let missing = i64::from(number.wrapping_sub(next) as i32);
        self.ended || missing <= 0 || (missing == 1 && self.held.is_empty())
    }

    /// What is missing before this number was not captured.
    pub(crate) fn miss(&mut self, number: u32, out: &mut dyn FnMut(Out<'_>)) {
        while !self.has(number) {
            let end = self.place_of(number);
            self.give_up(end, out);
            self.finish(out);
        }
    }

    /// The receiver has everything before this number. It may acknowledge what was not captured.
    pub(crate) fn acknowledge(&mut self, number: u32, out: &mut dyn FnMut(Out<'_>)) {
        let Some(next) = self.next else {
            // Nothing of this direction was captured yet: it begins here.
            return;
        };
        let distance = number.wrapping_sub(next) as i32;
        let mut place = self.place + i64::from(distance);
        // The FIN takes a number as well.
        if self.fin.is_some_and(|fin| place > fin) {
            place -= 1;
        }
        self.acknowledged = self.acknowledged.max(place);
        if self.acknowledged <= self.place || self.has(number) {
            self.waited = 0;
            return;
        }
        self.waited += 1;
        if self.waited > PATIENCE {
            self.give_up(self.acknowledged, out);
            self.finish(out);
        }
    }

    /// Nothing more will be captured: what is missing stays missing.
    pub(crate) fn flush(&mut self, out: &mut dyn FnMut(Out<'_>)) {
        while !self.held.is_empty() {
            self.give_up(i64::MAX, out);
        }
        // The acknowledgement of a FIN is of one more.
        let end = self.fin.unwrap_or(self.acknowledged);
        if end > self.place && (self.fin.is_some() || end > self.place + 1) {
            self.give_up(end, out);
        }
        self.finish(out);
    }

    /// Leaves out what is missing, up to what is held, or to here.
    fn give_up(&mut self, until: i64, out: &mut dyn FnMut(Out<'_>)) {
        let first = self.held.first_key_value().map_or(i64::MAX, |(&at, _)| at);
        let end = first.min(until);
        if end == i64::MAX || end <= self.place {
            return;
        }
        out(Out::Gap((end - self.place) as u64));
        self.move_on(end - self.place);
        self.go_on(out);
    }

    fn move_on(&mut self, by: i64) {
        self.place += by;
        self.next = self.next.map(|next| next.wrapping_add(by as u32));
        self.waited = 0;
    }

    /// What of a segment is new.
    fn deliver(&mut self, at: i64, payload: &[u8], length: i64, out: &mut dyn FnMut(Out<'_>)) {
        let known = self.place - at;
        if self.ended || length <= known {
            return;
        }
        // What is beyond the end of the stream is no part of it.
        let end = self.fin.map_or(i64::MAX, |fin| fin - at).min(length);
        if end <= known {
            return;
        }
        let there = end.min(payload.len() as i64);
        if there > known {
            out(Out::Bytes(&payload[known as usize..there as usize]));
        }
        // The snap length cut the rest.
        let missing = end - there.max(known);
        if missing > 0 {
            out(Out::Gap(missing as u64));
        }
        self.move_on(end - known);
    }

    /// What was held back and is next.
    fn go_on(&mut self, out: &mut dyn FnMut(Out<'_>)) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.place {
                return;
            }
            let (at, held) = entry.remove_entry();
            self.held_bytes -= held.bytes.len();
            self.deliver(at, &held.bytes, held.length, out);
        }
    }

    fn finish(&mut self, out: &mut dyn FnMut(Out<'_>)) {
        if !self.ended && self.fin.is_some_and(|fin| fin <= self.place) {
            self.ended = true;
            self.held.clear();
            self.held_bytes = 0;
            out(Out::Eof);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments (number, bytes, length, FIN), and what comes out; a `+` before an acknowledgement of the receiver.
    fn run(syn: Option<u32>, segments: &[(u32, &str, u32, bool)], flush: bool) -> Vec<String> {
        let mut stream = Stream::default();
        if let Some(syn) = syn {
            stream.begin(syn);
        }
        let mut seen = Vec::new();
        let mut out = |out: Out<'_>| seen.push(word(out));
        for &(number, bytes, length, fin) in segments {
            stream.segment(number, bytes.as_bytes(), length, fin, &mut out);
        }
        if flush {
            stream.flush(&mut out);
        }
        seen
    }

    fn word(out: Out<'_>) -> String {
        match out {
            Out::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Out::Gap(bytes) => format!("gap {bytes}"),
            Out::Eof => "eof".to_owned(),
        }
    }

    #[test]
    fn order_repeats_and_overlaps_do_not_matter() {
        for segments in [
            &[(10, "abc", 3, false), (13, "def", 3, true)][..],
            &[(13, "def", 3, true), (10, "abc", 3, false)],
            &[(10, "abc", 3, false), (10, "abc", 3, false), (12, "cdef", 4, true), (13, "def", 3, true)],
            &[(12, "cdef", 4, true), (11, "bcd", 3, false), (10, "ab", 2, false)],
            // A probe of a byte that was received, and a segment beyond the FIN.
            &[(10, "abcdef", 6, true), (9, "x", 1, false), (16, "", 0, true), (16, "xyz", 3, false)],
        ] {
            let seen = run(Some(9), segments, true);
            assert_eq!(seen.concat(), "abcdefeof", "{segments:?}: {seen:?}");
        }
    }

    #[test]
    fn numbers_wrap() {
        let seen = run(Some(u32::MAX - 2), &[(1, "ef", 2, true), (u32::MAX - 1, "abc", 3, false)], false);
        assert_eq!(seen, ["abc", "ef", "eof"]);
    }

    #[test]
    fn what_was_not_captured_is_a_gap() {
        assert_eq!(run(Some(9), &[(10, "ab", 2, false), (15, "cd", 2, true)], false), ["ab"]);
        assert_eq!(
            run(Some(9), &[(10, "ab", 2, false), (15, "cd", 2, true)], true),
            ["ab", "gap 3", "cd", "eof"]
        );
        // The snap length cut a segment.
        assert_eq!(run(Some(9), &[(10, "ab", 9, false), (19, "cd", 2, false)], false), ["ab", "gap 7", "cd"]);
        // The capture begins in the middle.
        assert_eq!(run(None, &[(10, "ab", 2, false)], false), ["gap 0", "ab"]);
    }

    #[test]
    fn what_the_receiver_has_is_waited_for_and_then_given_up() {
        let mut stream = Stream::default();
        stream.begin(9);
        let mut seen = Vec::new();
        for _ in 0..PATIENCE {
            stream.acknowledge(13, &mut |out| seen.push(word(out)));
        }
        assert_eq!(seen, [""; 0], "it may still come");
        stream.segment(13, b"d", 1, false, &mut |out| seen.push(word(out)));
        stream.acknowledge(13, &mut |out| seen.push(word(out)));
        assert_eq!(seen, ["gap 3", "d"]);
        // An acknowledgement of what was captured is nothing.
        for _ in 0..=PATIENCE {
            stream.acknowledge(14, &mut |out| seen.push(word(out)));
        }
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut stream = Stream::default();
        stream.begin(0);
        let mut gaps = 0;
        let piece = [0; 1000];
        for index in 0..3000_u32 {
            stream.segment(2 + index * 2000, &piece, 1000, false, &mut |out| {
                gaps += u32::from(matches!(out, Out::Gap(_)));
            });
            assert!(stream.held_bytes <= HELD);
        }
        assert!(gaps > 1000, "{gaps}");
    }
}
