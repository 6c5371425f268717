//! Masking (RFC 6455 §5.3): the key, and payloads too short to be worth a call to a vector kernel.

use crate::backend::{self, Backend};

/// XORs `payload` with the masking key `key`, in place.
///
/// `phase` is the offset of `payload[0]` in the payload of its frame, in bytes: `payload[i]` meets
/// `key[(phase + i) % 4]`, so a payload may be unmasked piece by piece as it arrives.
///
/// > Octet i of the transformed data ("transformed-octet-i") is the XOR of octet i of the original data
/// > ("original-octet-i") with octet at index i modulo 4 of the masking key (RFC 6455 §5.3)
///
/// ```
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58"; // the RFC's masked "Hello" (§5.7)
/// framewise_simd::unmask(&mut payload, [0x37, 0xfa, 0x21, 0x3d], 0);
/// assert_eq!(&payload, b"Hello");
/// ```
#[inline]
pub fn unmask(payload: &mut [u8], key: [u8; 4], phase: usize) {
    Backend::current().unmask(payload, key, phase);
}

/// The masking key, rotated for one piece of a payload: its lowest byte applies to the first byte of the piece.
#[derive(Clone, Copy)]
pub(crate) struct Key(u32);

impl Key {
    /// The key of unmasked text
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) const fn new(key: [u8; 4], phase: usize) -> Self {
        Self(u32::from_le_bytes(key)).at(phase)
    }

    /// The key, rotated for the byte at `offset`.
    #[inline]
    pub(crate) const fn at(self, offset: usize) -> Self {
        Self(self.0.rotate_right((offset % 4 * 8) as u32))
    }

    #[inline]
    pub(crate) const fn bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    #[inline]
    pub(crate) const fn word(self) -> u32 {
        self.0
    }
}

/// The longest payload that [`short`] and [`short_ascii`] handle, in bytes
pub(crate) const SHORT: usize = 128;

/// Unmasks a payload of up to [`SHORT`] bytes and returns true; leaves a longer one unchanged and returns false.
///
/// Inlined, because for so few bytes a call would be a good part of the cost.
#[inline]
pub(crate) fn short(payload: &mut [u8], key: Key) -> bool {
    match payload.len() {
        0..4 => {
            for (byte, key) in payload.iter_mut().zip(key.bytes()) {
                *byte ^= key;
            }
            true
        }
        4..8 => two_words::<4>(payload, key),
        8..16 => two_words::<8>(payload, key),
        16..=SHORT => backend::short::<false>(payload, key),
        _ => false,
    }
}

/// Unmasks a payload of 16 to [`SHORT`] bytes that is ASCII in the clear; leaves any other unchanged and returns false.
#[inline]
pub(crate) fn short_ascii(payload: &mut [u8], key: Key) -> bool {
    (16..=SHORT).contains(&payload.len()) && backend::short::<true>(payload, key)
}

/// Unmasks a payload of `N` to `2 * N` bytes, where `N` is a multiple of four: its first `N` bytes and its last `N`.
/// They may overlap, so both are read before either is written.
#[inline]
fn two_words<const N: usize>(payload: &mut [u8], key: Key) -> bool {
    let last_key = key.at(payload.len());
    let (Some(&first), Some(&last)) = (payload.first_chunk::<N>(), payload.last_chunk::<N>()) else {
        return false;
    };
    if let Some(word) = payload.first_chunk_mut() {
        *word = xor(first, key);
    }
    if let Some(word) = payload.last_chunk_mut() {
        *word = xor(last, last_key);
    }
    true
}

#[inline]
fn xor<const N: usize>(mut word: [u8; N], key: Key) -> [u8; N] {
    for four in word.as_chunks_mut().0 {
        *four = (u32::from_le_bytes(*four) ^ key.0).to_le_bytes();
    }
    word
}

/// Unmasks eight bytes at a time: the fallback without vector kernels, and the reference that they are tested against.
pub(crate) fn scalar(payload: &mut [u8], key: Key) {
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = xor(*word, key);
    }
    short(rest, key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_byte_follows_the_payload_offset() {
        for phase in 0..9 {
            for len in 0..80 {
                let mut payload: std::vec::Vec<u8> = (0..len).collect();
                unmask(&mut payload, [0x11, 0x22, 0x44, 0x88], phase);
                for (i, byte) in payload.iter().enumerate() {
                    let key = [0x11, 0x22, 0x44, 0x88][(phase + i) % 4];
                    assert_eq!(*byte, i as u8 ^ key, "phase {phase}, length {len}, byte {i}");
                }
            }
        }
    }

    #[test]
    fn a_phase_at_the_end_of_the_address_space_does_not_overflow() {
        assert_eq!(Key::new([1, 2, 3, 4], usize::MAX).0.to_le_bytes(), [4, 1, 2, 3]);
    }
}
