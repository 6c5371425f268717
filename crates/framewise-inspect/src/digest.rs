/// A digest to compare contents, eight bytes at a time. It does not depend on how the content is cut into pieces, and does
/// not resist deliberate collisions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest {
    hash: u64,
    /// The last bytes, as long as they are fewer than eight.
    held: u64,
    /// How many bits of them there are.
    bits: u32,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, held: 0, bits: 0 }
    }
}

impl Digest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let fill = if self.bits == 0 { 0 } else { ((64 - self.bits) / 8) as usize };
        let (first, rest) = bytes.split_at(fill.min(bytes.len()));
        for &byte in first {
            self.byte(byte);
        }
        let mut words = rest.chunks_exact(8);
        for word in &mut words {
            self.word(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        for &byte in words.remainder() {
            self.byte(byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        self.held |= u64::from(byte) << self.bits;
        self.bits += 8;
        if self.bits == 64 {
            self.word(self.held);
            (self.held, self.bits) = (0, 0);
        }
    }

    const fn word(&mut self, word: u64) {
        // An odd factor loses nothing, and the rotation brings its high bits down.
        self.hash = (self.hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    pub(crate) const fn value(mut self) -> u64 {
        // How many bytes are held counts: a zero at the end is a byte.
        self.word(self.held);
        self.word(self.bits as u64);
        self.hash
    }
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
        let bytes: Vec<u8> = (0..40).collect();
        for first in 0..=40 {
            for second in first..=40 {
                let cut = of(&[&bytes[..first], &bytes[first..second], &bytes[second..]]);
                assert_eq!(cut, of(&[&bytes]), "{first}, {second}");
            }
        }
        for at in 0..40 {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert_ne!(of(&[&other]), of(&[&bytes]), "{at}");
        }
        assert_ne!(of(&[&[0; 3]]), of(&[&[0; 4]]), "zeros count");
        assert_ne!(of(&[&[0; 8]]), of(&[]));
    }
}
