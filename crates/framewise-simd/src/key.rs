//! The masking key (RFC 6455 §5.3), as the loops over a payload need it.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_at_the_end_of_the_address_space_does_not_overflow() {
        assert_eq!(Key::new([1, 2, 3, 4], usize::MAX).0.to_le_bytes(), [4, 1, 2, 3]);
    }
}
