//! Frames as bytes, and numbers for tokens and keys.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use framewise_proto::{Header, Opcode};
use framewise_rules::Role;

/// A number that differs in each run, from the seed of the standard library's hash maps.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A frame to send.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// A complete frame of this sender, masked as its role demands.
    pub(crate) fn new(from: Role, opcode: Opcode, payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        // The key depends on the payload, so that a frame that arrives twice or with another key is noticed.
        let key = (payload.len() as u32).wrapping_mul(0x9e37_79b9) ^ 0x37fa_213d;
        let mask = (from == Role::Client).then_some(key.to_be_bytes());
        Self { header: Header::new(opcode, payload.len() as u64, mask), payload }
    }

    pub(crate) const fn more(mut self) -> Self {
        self.header.fin = false;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (head, size) = self.header.encode();
        let mut bytes = Vec::with_capacity(size + self.payload.len());
        bytes.extend_from_slice(&head[..size]);
        bytes.extend_from_slice(&self.payload);
        if let Some(key) = self.header.mask {
            framewise_simd::unmask(&mut bytes[size..], key, 0);
        }
        bytes
    }
}

/// Bytes that are no text, and repeat after a number of them that no buffer has as its size.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    const PERIOD: usize = 65_521;
    let mut bytes = Vec::with_capacity(size + 8);
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    while bytes.len() < size.min(PERIOD) {
        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.truncate(size.min(PERIOD));
    while bytes.len() < size {
        let more = (size - bytes.len()).min(bytes.len());
        bytes.extend_from_within(..more);
    }
    bytes
}
