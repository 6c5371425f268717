use alloc::vec::Vec;

use framewise_rules::Rule;

use super::decode::{Decoder, Symbols};

/// The largest distance of deflate.
const FARTHEST: u64 = 32 * 1024;
/// How much of a stream is kept for the case that zlib fails: no compressor writes more to fill a window.
const KEPT: usize = 33 * 1024;
/// A buffer up to this size is kept for the next stream.
const BUFFER: usize = 1024;

/// Follows a deflate stream and finds a back-reference that reaches too far.
///
/// zlib treats what it has just written as history, whatever window was agreed. If a reference goes beyond its complete
/// history, it gives the reason only when it decodes symbol by symbol: its fast path loses it.
///
/// zlib reports every other fault of a stream.
#[derive(Debug)]
pub(super) struct DistanceCheck {
    reads: Reads,
    /// `None` until something is read.
    decoder: Option<Decoder>,
    /// What the decoder has not read.
    unread: Vec<u8>,
    /// Bytes before the stream that it may refer to.
    history: u64,
    distances: Distances,
}

/// When the decoder reads the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// At once: zlib does not fail beyond the agreed window.
    AtOnce,
    /// When zlib fails.
    OnFault,
    /// Never: the history is so long that no distance exceeds it.
    Never,
}

/// A reference that reaches too far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooFar {
    pub(super) rule: Rule,
    /// Bytes of the message before the reference.
    pub(super) at: u64,
}

#[derive(Debug)]
struct Distances {
    window: u32,
    farthest: u32,
    /// Bytes of the message before the next symbol.
    at: u64,
    /// Bytes that the next symbol may refer to.
    available: u64,
    too_far: Option<TooFar>,
}

impl Symbols for Distances {
    type Fault = ();

    fn literals(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
        self.available += bytes.len() as u64;
    }

    fn copy(&mut self, length: u32, distance: u32) -> Result<(), ()> {
        self.farthest = self.farthest.max(distance);
        // RFC 7692 §7.1.2.1: the sender "doesn't use" an "LZ77 sliding window" larger than what was agreed.
        let rule = if distance > self.window {
            Rule::DeflateWindowViolated
        } else if u64::from(distance) > self.available {
            Rule::DeflateContextMismatch
        } else {
            self.at += u64::from(length);
            self.available += u64::from(length);
            return Ok(());
        };
        self.too_far = Some(TooFar { rule, at: self.at });
        Err(())
    }
}

impl DistanceCheck {
    pub(super) fn new() -> Self {
        Self {
            reads: Reads::Never,
            decoder: None,
            unread: Vec::new(),
            history: 0,
            distances: Distances { window: 0, farthest: 0, at: 0, available: 0, too_far: None },
        }
    }

    /// A stream begins, `at` bytes into its message. It may refer to `history` bytes before it, and no farther back than
    /// 2^`window_bits` bytes.
    pub(super) fn restart(&mut self, window_bits: u8, history: usize, at: u64) {
        self.reads = if window_bits < 15 { Reads::AtOnce } else { Reads::OnFault };
        if let Some(decoder) = &mut self.decoder {
            decoder.restart();
        }
        self.unread.clear();
        self.history = history as u64;
        let available = self.history;
        self.distances = Distances { window: 1 << window_bits, farthest: 0, at, available, too_far: None };
    }

    /// The stream's next bytes, and how many bytes zlib has made of the stream so far.
    pub(super) fn follow(&mut self, bytes: &[u8], inflated: u64) {
        match self.reads {
            Reads::AtOnce => self.read(bytes),
            Reads::OnFault => {
                self.unread.extend_from_slice(bytes);
                if self.history + inflated >= FARTHEST {
                    self.stop();
                } else if self.unread.len() > KEPT {
                    self.settle();
                }
            }
            Reads::Never => {}
        }
    }

    /// zlib failed in the bytes so far: reads them.
    pub(super) fn settle(&mut self) {
        let mut unread = core::mem::take(&mut self.unread);
        self.read(&unread);
        unread.clear();
        self.unread = unread;
    }

    fn read(&mut self, bytes: &[u8]) {
        // zlib reports an invalid stream.
        let _ = self.decoder.get_or_insert_default().read(bytes, &mut self.distances);
    }

    /// Stops following the stream.
    pub(super) fn stop(&mut self) {
        self.reads = Reads::Never;
        self.distances.too_far = None;
        self.unread.clear();
        if self.unread.capacity() > BUFFER {
            self.unread = Vec::new();
        }
    }

    /// The first reference that reached too far.
    pub(super) const fn too_far(&self) -> Option<TooFar> {
        self.distances.too_far
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use zlib_rs::{Deflate, DeflateFlush, Status};

    /// Text in which the farthest repetition is a known distance back.
    fn compressed(data: &[u8], level: i32, bits: u8) -> Vec<u8> {
        let mut deflate = Deflate::new(level, false, bits);
        let mut out = vec![0; data.len() * 2 + 100];
        let status = deflate.compress(data, &mut out, DeflateFlush::SyncFlush).expect("it has room");
        assert_eq!(status, Status::Ok);
        out.truncate(deflate.total_out() as usize);
        out
    }

    /// A check of a stream that begins `at` bytes into a message.
    fn following(bits: u8, at: u64) -> DistanceCheck {
        let mut check = DistanceCheck::new();
        check.restart(bits, 0, at);
        check
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8 & 0x3f
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_reference_is_told_exactly_at_every_cut() {
        let mut data = noise(3000);
        data.extend_from_within(..200);
        for level in [1, 6, 9] {
            let stream = compressed(&data, level, 15);
            let mut exceeded = alloc::collections::BTreeSet::new();
            for cut in (1..stream.len()).step_by(13) {
                let mut check = following(12, 0);
                check.follow(&stream[..cut], 0);
                check.follow(&stream[cut..], 0);
                assert_eq!(check.too_far(), None, "3000 is below 4096");
                assert_eq!(check.distances.farthest, 3000, "level {level}, cut {cut}");
                let mut check = following(11, 7);
                check.follow(&stream[..cut], 0);
                check.follow(&stream[cut..], 0);
                let too_far = check.too_far().expect("3000 is above 2048");
                assert_eq!(too_far.rule, Rule::DeflateWindowViolated);
                exceeded.insert(too_far.at);
            }
            // Those after the first 3000 bytes are 3000 bytes back; a few before them may be, too. It is the same place at
            // each cut.
            assert!(
                exceeded.len() == 1 && exceeded.iter().all(|at| (2055..3010).contains(at)),
                "{exceeded:?}"
            );
        }
    }

    #[test]
    fn a_compressor_stays_in_its_window_also_at_8_bits() {
        let mut data = noise(300);
        for at in 0..200 {
            data.extend_from_within(at..at + 100);
        }
        for level in 1..=9 {
            // zlib has no window of 256 bytes; its window of 512 looks 250 bytes back at the most.
            for (asked, bits) in [(9, 8), (9, 9), (10, 10), (12, 12)] {
                let mut check = following(bits, 0);
                check.follow(&compressed(&data, level, asked), 0);
                assert_eq!(check.too_far(), None, "it is the compressor's window");
                assert!(check.distances.farthest > 0);
            }
        }
    }

    #[test]
    fn stored_blocks_are_passed_over_and_noise_never_panics() {
        let mut check = following(8, 0);
        let mut stream = b"\x00\x05\x00\xfa\xffHello".to_vec();
        stream.extend_from_slice(b"\x01\x00\x00\xff\xff");
        stream.extend(compressed(b"abcabcabcabcabcabc", 6, 15));
        for byte in stream.chunks(1) {
            check.follow(byte, 0);
        }
        assert_eq!(check.too_far(), None, "all is near");
        assert_eq!(check.distances.farthest, 3);
        for seed in 0..200 {
            let bytes: Vec<u8> =
                noise(400 + seed).iter().skip(seed).map(|byte| byte.wrapping_mul(97)).collect();
            following(14, 0).follow(&bytes, 0);
        }
    }
    #[test]
    fn what_zlib_fails_on_is_read_again_unless_no_distance_can_be_too_far() {
        // "abc", and 4 bytes again from 5 bytes back.
        let stream = b"\x4a\x4c\x4a\x06\x11";
        for (history, at, rule) in [(0, 3, Some(Rule::DeflateContextMismatch)), (2, 10, None)] {
            for cut in [1, usize::MAX] {
                let mut check = DistanceCheck::new();
                check.restart(15, history, at - 3);
                stream.chunks(cut).for_each(|piece| check.follow(piece, 3));
                assert_eq!(check.too_far(), None, "zlib did not fail");
                check.settle();
                assert_eq!(check.too_far(), rule.map(|rule| TooFar { rule, at }), "{history}, cut {cut}");
            }
        }
        let mut check = DistanceCheck::new();
        check.restart(15, 0, 0);
        check.follow(stream, FARTHEST);
        check.settle();
        assert_eq!((check.too_far(), check.unread.len()), (None, 0), "all history is there");
    }

    #[test]
    fn a_reference_may_reach_all_of_the_window_and_of_what_is_there() {
        for (history, distance, fault) in [
            (300, 256, None),
            (300, 257, Some(Rule::DeflateWindowViolated)),
            (100, 100, None),
            (100, 101, Some(Rule::DeflateContextMismatch)),
        ] {
            let mut check = DistanceCheck::new();
            check.restart(8, history, 7);
            let copied = check.distances.copy(3, distance);
            assert_eq!(copied.is_err(), fault.is_some(), "{history}, {distance}");
            assert_eq!(check.too_far(), fault.map(|rule| TooFar { rule, at: 7 }), "{history}, {distance}");
        }
    }

    #[test]
    fn what_is_kept_of_a_stream_is_bounded() {
        let mut check = DistanceCheck::new();
        check.restart(15, 0, 0);
        // Empty blocks: much comes in, and nothing comes out.
        for _ in 0..20_000 {
            check.follow(b"\x00\x00\x00\xff\xff", 0);
            assert!(check.unread.len() <= KEPT, "{}", check.unread.len());
        }
        // "H", and a reference 5 bytes back.
        check.follow(b"\xf2\x00\x11\x00\x00", 0);
        check.settle();
        assert_eq!(check.too_far(), Some(TooFar { rule: Rule::DeflateContextMismatch, at: 1 }));
        check.restart(15, 0, 0);
        assert_eq!(check.too_far(), None, "it is of the stream before");
        check.stop();
        assert!(check.unread.capacity() <= BUFFER, "{}", check.unread.capacity());
    }
}
