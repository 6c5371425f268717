//! No vectors: what runs where there is nothing else, and what the others are compared with.

use super::kernels::Kernels;
use crate::key::Key;
use crate::scalar as words;

pub(super) static KERNELS: Kernels = Kernels { name: "scalar", unmask: words::unmask, text, masked_text };

/// Nothing is known of it: whoever settles it checks all of it.
#[expect(clippy::unnecessary_wraps, reason = "other backends know more")]
fn text(_: &[u8]) -> Option<usize> {
    Some(0)
}

#[expect(clippy::unnecessary_wraps, reason = "as above")]
fn masked_text(payload: &mut [u8], key: Key) -> Option<usize> {
    words::unmask(payload, key);
    Some(0)
}
