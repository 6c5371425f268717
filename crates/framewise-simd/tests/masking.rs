//! Compares the masking of each backend of this machine with the definition in RFC 6455 §5.3.

mod common;

use common::{KEY, masked};
use framewise_simd::{backends, unmask};

#[test]
fn each_length_at_each_alignment_in_each_phase() {
    for backend in backends() {
        for phase in 0..4 {
            // All bytes are zero at first, so the result is the key itself, and a byte unmasked twice shows.
            let key = masked(&[0; 300], KEY, phase);
            let mut buffer = [0; 64 + 300 + 64];
            for offset in 0..64 {
                for len in 0..=300 {
                    backend.unmask(&mut buffer[offset..offset + len], KEY, phase);
                    assert_eq!(
                        buffer[offset..offset + len],
                        key[..len],
                        "{backend:?}, length {len} at {offset}, phase {phase}"
                    );
                    buffer[offset..offset + len].fill(0);
                    assert_eq!(buffer, [0; 428], "{backend:?}, length {len} at {offset}: beyond the payload");
                }
            }
        }
    }
}

#[test]
fn a_long_payload() {
    let clear: Vec<u8> = (0..100_003_u32).map(|i| (i * 31 / 8) as u8).collect();
    for backend in backends() {
        for phase in [0, 3, usize::MAX - 3] {
            let mut payload = masked(&clear, KEY, phase % 4);
            backend.unmask(&mut payload[..], KEY, phase);
            assert!(payload == clear, "{backend:?}, phase {phase}");
        }
    }
}

#[test]
fn piece_by_piece_is_as_in_one() {
    let clear: Vec<u8> = (0..=255).collect();
    let whole = masked(&clear, KEY, 0);
    for cut in 0..=clear.len() {
        let mut payload = whole.clone();
        let (first, second) = payload.split_at_mut(cut);
        unmask(first, KEY, 0);
        unmask(second, KEY, cut);
        assert_eq!(payload, clear, "cut at {cut}");
    }
}
