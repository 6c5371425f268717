use alloc::vec::Vec;

/// The last bytes that were compressed or inflated, up to the size of a window.
#[derive(Debug, Default)]
pub(super) struct History(Vec<u8>);

impl History {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Appends `new` and keeps only the last `window` bytes, without spare capacity.
    pub(super) fn push(&mut self, new: &[u8], window: usize) {
        let new = &new[new.len().saturating_sub(window)..];
        let excess = (self.0.len() + new.len()).saturating_sub(window);
        self.0.drain(..excess);
        self.0.reserve_exact(new.len());
        self.0.extend_from_slice(new);
    }

    pub(super) fn forget(&mut self) {
        self.0 = Vec::new();
    }
}
