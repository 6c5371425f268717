/// How many words are mixed side by side: a processor multiplies them at once.
const LANES: usize = 4;
/// Bytes of one step.
const STEP: usize = 8 * LANES;

/// A digest to compare contents, 32 bytes at a time. It does not depend on how the content is cut into pieces, and does
/// not resist deliberate collisions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest {
    lanes: [u64; LANES],
    /// The last bytes, as long as they are fewer than a step.
    held: [u8; STEP],
    /// How many bytes were taken.
    length: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { lanes: [0xcbf2_9ce4_8422_2325, 1, 2, 3], held: [0; STEP], length: 0 }
    }
}

impl Digest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let held = (self.length % STEP as u64) as usize;
        self.length += bytes.len() as u64;
        let mut rest = bytes;
        if held > 0 {
            let (first, behind) = bytes.split_at(bytes.len().min(STEP - held));
            self.held[held..held + first.len()].copy_from_slice(first);
            if held + first.len() < STEP {
                return;
            }
            step(&mut self.lanes, &self.held);
            rest = behind;
        }
        let mut steps = rest.chunks_exact(STEP);
        let mut lanes = self.lanes;
        for bytes in &mut steps {
            step(&mut lanes, bytes.try_into().unwrap_or(&[0; STEP]));
        }
        self.lanes = lanes;
        let last = steps.remainder();
        self.held[..last.len()].copy_from_slice(last);
    }

    pub(crate) fn value(mut self) -> u64 {
        // Where the content ends within a step, zeros fill it. The length tells them from zeros of the content.
        let held = (self.length % STEP as u64) as usize;
        self.held[held..].fill(0);
        step(&mut self.lanes, &self.held);
        self.lanes.into_iter().fold(self.length, mix)
    }
}

fn step(lanes: &mut [u64; LANES], bytes: &[u8; STEP]) {
    for (lane, word) in lanes.iter_mut().zip(bytes.chunks_exact(8)) {
        *lane = mix(*lane, u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
}

const fn mix(hash: u64, word: u64) -> u64 {
    // An odd factor loses nothing, and the rotation brings its high bits down.
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[u8]]) -> u64 {
        let mut digest = Digest::default();
        for piece in pieces {
            digest.update(piece);
        }
        digest.value()
    }

    #[test]
    fn it_depends_on_the_bytes_and_not_on_their_pieces() {
        let bytes: Vec<u8> = (0..100).collect();
        for first in 0..=100 {
            for second in first..=100 {
                let cut = of(&[&bytes[..first], &bytes[first..second], &bytes[second..]]);
                assert_eq!(cut, of(&[&bytes]), "{first}, {second}");
            }
        }
        for at in 0..100 {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert_ne!(of(&[&other]), of(&[&bytes]), "{at}");
        }
        for (one, other) in [(3, 4), (0, 1), (0, 8), (31, 32), (32, 33), (32, 64)] {
            assert_ne!(of(&[&vec![0; one]]), of(&[&vec![0; other]]), "zeros count");
        }
    }

    #[test]
    fn the_order_of_the_words_counts() {
        let bytes: Vec<u8> = (0..96).collect();
        for one in 0..12 {
            for other in 0..one {
                let mut swapped = bytes.clone();
                for at in 0..8 {
                    swapped.swap(8 * one + at, 8 * other + at);
                }
                assert_ne!(of(&[&swapped]), of(&[&bytes]), "{one}, {other}");
            }
        }
    }
}
