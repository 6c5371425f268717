use super::decode::{Decoder, Symbols, Unreadable};

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
}

/// A back-reference beyond the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowExceeded {
    /// Bytes back.
    distance: u32,
}

impl Symbols for Distances {
    type Fault = WindowExceeded;

    fn literals(&mut self, _: &[u8]) {}

    fn copy(&mut self, _: u32, distance: u32) -> Result<(), WindowExceeded> {
        self.farthest = self.farthest.max(distance);
        if distance > self.window { Err(WindowExceeded { distance }) } else { Ok(()) }
    }
}

impl DistanceCheck {
    /// A check against a window of 2^`window_bits` bytes.
    pub(super) fn new(window_bits: u8) -> Self {
        Self { decoder: Decoder::default(), distances: Distances { window: 1 << window_bits, farthest: 0 } }
    }

    /// Follows the next bytes of the stream: RFC 7692 §7.1.2.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(), WindowExceeded> {
        match self.decoder.read(bytes, &mut self.distances) {
            Ok(()) | Err(Unreadable::Invalid(_)) => Ok(()),
            Err(Unreadable::Fault(exceeded)) => Err(exceeded),
        }
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
            for cut in (1..stream.len()).step_by(13) {
                let mut check = DistanceCheck::new(12);
                check.follow(&stream[..cut]).expect("3000 is below 4096");
                check.follow(&stream[cut..]).expect("3000 is below 4096");
                assert_eq!(check.distances.farthest, 3000, "level {level}, cut {cut}");
            }
            let mut check = DistanceCheck::new(11);
            let exceeded = stream.chunks(1).find_map(|byte| check.follow(byte).err());
            assert!(exceeded.is_some_and(|exceeded| exceeded.distance > 2048), "level {level}");
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
                let mut check = DistanceCheck::new(bits);
                check.follow(&compressed(&data, level, asked)).expect("it is the compressor's window");
                assert!(check.distances.farthest > 0);
            }
        }
    }

    #[test]
    fn stored_blocks_are_passed_over_and_noise_never_panics() {
        let mut check = DistanceCheck::new(8);
        let mut stream = b"\x00\x05\x00\xfa\xffHello".to_vec();
        stream.extend_from_slice(b"\x01\x00\x00\xff\xff");
        stream.extend(compressed(b"abcabcabcabcabcabc", 6, 15));
        for byte in stream.chunks(1) {
            check.follow(byte).expect("all is near");
        }
        assert_eq!(check.distances.farthest, 3);
        for seed in 0..200 {
            let bytes: Vec<u8> =
                noise(400 + seed).iter().skip(seed).map(|byte| byte.wrapping_mul(97)).collect();
            let _ = DistanceCheck::new(15).follow(&bytes);
        }
    }
}
