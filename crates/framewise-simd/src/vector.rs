//! What the kernels ask of a machine's registers.

/// A register of bytes. One algorithm is written over it (`kernel.rs`); a backend is an implementation of it.
///
/// # Safety
///
/// Every method may only be called on a processor with the instructions of the implementing backend. The methods
/// are `inline(always)` and so become part of the backend's entry points, which are compiled for these instructions.
pub(crate) trait Vector: Copy {
    /// Bytes in the register, a multiple of four: the key meets each register in the same phase.
    const LEN: usize;

    /// The fewest bytes that are unmasked in such registers if there are narrower ones, `LEN` or more.
    const UNMASK: usize = Self::LEN;

    /// # Safety
    /// `LEN` bytes can be read at `from`, at any alignment.
    unsafe fn load(from: *const u8) -> Self;

    /// # Safety
    /// `LEN` bytes can be written at `to`, at any alignment.
    unsafe fn store(self, to: *mut u8);

    /// `word`, lowest byte first, over and over
    unsafe fn splat_word(word: u32) -> Self;

    /// `byte` over and over
    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: the caller vouches for the instructions.
        unsafe { Self::splat_word(u32::from_ne_bytes([byte; 4])) }
    }

    /// The last four bytes, lowest byte first
    unsafe fn last_word(self) -> u32;

    /// Sixteen bytes, as a table for [`lookup`](Self::lookup)
    unsafe fn table(bytes: &[u8; 16]) -> Self;

    unsafe fn and(self, other: Self) -> Self;
    unsafe fn or(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;

    /// Each byte less `other`'s, zero if that is negative
    unsafe fn saturating_sub(self, other: Self) -> Self;

    /// The upper four bits of each byte, as a number
    unsafe fn high_nibbles(self) -> Self;

    /// For each byte, 0 to 15, of `self`, that entry of the table
    unsafe fn lookup(self, table: Self) -> Self;

    /// For each byte the one that stands `N` (1 to 3) before it in the text, where `previous` is what stands before `self`
    unsafe fn before<const N: usize>(self, previous: Self) -> Self;

    /// Whether no byte has its highest bit set
    unsafe fn is_ascii(self) -> bool;

    /// Whether each byte is zero
    unsafe fn is_zero(self) -> bool;
}
