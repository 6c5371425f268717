use super::decode::{Decoder, Symbols};

/// Follows a deflate stream and tells a back-reference beyond a window: zlib takes what it has just written for history,
/// too, and another inflater then fails on it.
///
/// What is no deflate stream at all is left to zlib to tell.
#[derive(Debug)]
pub(super) struct DistanceCheck {
    decoder: Decoder,
    distances: Distances,
}

#[derive(Debug)]
struct Distances {
    window: u32,
    farthest: u32,
    /// Bytes of the message before the next symbol.
    at: u64,
    /// There a reference went beyond the window.
    exceeded_at: Option<u64>,
}

impl Symbols for Distances {
    type Fault = ();

    fn literals(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
    }

    fn copy(&mut self, length: u32, distance: u32) -> Result<(), ()> {
        self.farthest = self.farthest.max(distance);
        if distance > self.window {
            self.exceeded_at = Some(self.at);
            return Err(());
        }
        self.at += u64::from(length);
        Ok(())
    }
}

impl DistanceCheck {
    /// A check against a window of 2^`window_bits` bytes, of a stream with `at` bytes of its message before it.
    pub(super) fn new(window_bits: u8, at: u64) -> Self {
        let distances = Distances { window: 1 << window_bits, farthest: 0, at, exceeded_at: None };
        Self { decoder: Decoder::default(), distances }
    }

    /// Follows the next bytes of the stream: RFC 7692 §7.1.2.
    pub(super) fn follow(&mut self, bytes: &[u8]) {
        // What is no deflate stream is left to zlib to tell.
        let _ = self.decoder.read(bytes, &mut self.distances);
    }

    /// Bytes of the message before the first reference that went beyond the window.
    pub(super) const fn exceeded_at(&self) -> Option<u64> {
        self.distances.exceeded_at
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use zlib_rs::{Deflate, DeflateFlush, Status};

    /// Text in which the farthest repetition lies a known distance back.
    fn compressed(data: &[u8], level: i32, bits: u8) -> Vec<u8> {
        let mut deflate = Deflate::new(level, false, bits);
        let mut out = vec![0; data.len() * 2 + 100];
        let status = deflate.compress(data, &mut out, DeflateFlush::SyncFlush).expect("it has room");
        assert_eq!(status, Status::Ok);
        out.truncate(deflate.total_out() as usize);
        out
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
                let mut check = DistanceCheck::new(12, 0);
                check.follow(&stream[..cut]);
                check.follow(&stream[cut..]);
                assert_eq!(check.exceeded_at(), None, "3000 is below 4096");
                assert_eq!(check.distances.farthest, 3000, "level {level}, cut {cut}");
                let mut check = DistanceCheck::new(11, 7);
                check.follow(&stream[..cut]);
                check.follow(&stream[cut..]);
                exceeded.insert(check.exceeded_at().expect("3000 is above 2048"));
            }
            // Those behind the first 3000 bytes are 3000 bytes back; a few before them may be, too. It is the same place at
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
                let mut check = DistanceCheck::new(bits, 0);
                check.follow(&compressed(&data, level, asked));
                assert_eq!(check.exceeded_at(), None, "it is the compressor's window");
                assert!(check.distances.farthest > 0);
            }
        }
    }

    #[test]
    fn stored_blocks_are_passed_over_and_noise_never_panics() {
        let mut check = DistanceCheck::new(8, 0);
        let mut stream = b"\x00\x05\x00\xfa\xffHello".to_vec();
        stream.extend_from_slice(b"\x01\x00\x00\xff\xff");
        stream.extend(compressed(b"abcabcabcabcabcabc", 6, 15));
        for byte in stream.chunks(1) {
            check.follow(byte);
        }
        assert_eq!(check.exceeded_at(), None, "all is near");
        assert_eq!(check.distances.farthest, 3);
        for seed in 0..200 {
            let bytes: Vec<u8> =
                noise(400 + seed).iter().skip(seed).map(|byte| byte.wrapping_mul(97)).collect();
            DistanceCheck::new(15, 0).follow(&bytes);
        }
    }
}
