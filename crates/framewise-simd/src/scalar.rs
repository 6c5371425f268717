//! Masking without vectors: of few bytes, and where there is nothing else.

use crate::key::Key;

/// Fewer bytes than these are unmasked by [`few`].
pub(crate) const FEW: usize = 16;

/// Unmasks a payload of fewer than [`FEW`] bytes and returns true; leaves a longer one unchanged and returns false.
///
/// Inlined, because for so few bytes a call would be a good part of the cost.
#[inline]
pub(crate) fn few(payload: &mut [u8], key: Key) -> bool {
    match payload.len() {
        0..4 => {
            for (byte, key) in payload.iter_mut().zip(key.bytes()) {
                *byte ^= key;
            }
            true
        }
        4..8 => two_words::<4>(payload, key),
        8..FEW => two_words::<8>(payload, key),
        _ => false,
    }
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
        *four = (u32::from_le_bytes(*four) ^ key.word()).to_le_bytes();
    }
    word
}

/// Unmasks eight bytes at a time: the fallback without vector kernels, and the reference that they are tested against.
pub(crate) fn unmask(payload: &mut [u8], key: Key) {
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = xor(*word, key);
    }
    few(rest, key);
}
