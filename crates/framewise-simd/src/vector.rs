//! The operations on vector registers that the kernels need.

/// A register of bytes. The algorithms (`kernel.rs`) are generic over this trait; each backend implements it.
///
/// # Safety
///
/// Every method may only be called on a processor with the instructions of the implementing backend. The methods
/// are `inline(always)` and so become part of the backend's entry points, which are compiled for these instructions.
pub(crate) trait Vector: Copy {
    /// The number of bytes in the register, a multiple of four: the key has the same phase in every register.
    const LEN: usize;

    /// The shortest payload that is unmasked in these registers if narrower ones exist, in bytes; at least `LEN`.
    const UNMASK: usize = Self::LEN;

    /// # Safety
    /// `LEN` bytes can be read at `from`, at any alignment.
    unsafe fn load(from: *const u8) -> Self;

    /// # Safety
    /// `LEN` bytes can be written at `to`, at any alignment.
    unsafe fn store(self, to: *mut u8);

    /// `word`, lowest byte first, repeated
    unsafe fn splat_word(word: u32) -> Self;

    /// `byte`, repeated
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

    /// Each byte minus that of `other`, or zero if the difference is negative
    unsafe fn saturating_sub(self, other: Self) -> Self;

    /// The upper four bits of each byte, as a number
    unsafe fn high_nibbles(self) -> Self;

    /// The entry of the table for each byte of `self`, which is 0 to 15
    unsafe fn lookup(self, table: Self) -> Self;

    /// For each byte, the byte `N` (1 to 3) positions earlier in the text; `previous` is the register before `self`
    unsafe fn before<const N: usize>(self, previous: Self) -> Self;

    /// Whether no byte has its highest bit set
    unsafe fn is_ascii(self) -> bool;

    /// Whether each byte is zero
    unsafe fn is_zero(self) -> bool;
}
