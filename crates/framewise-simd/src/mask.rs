//! Masking (RFC 6455 §5.3).

use crate::backend::Backend;

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
}
