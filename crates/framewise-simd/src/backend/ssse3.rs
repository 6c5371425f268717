//! x86-64 with SSSE3: 16 bytes. What every x86-64 processor since 2008 has.

use core::arch::x86_64::{
    __m128i, _mm_alignr_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_cvtsi128_si32, _mm_loadu_si128,
    _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8, _mm_set1_epi32, _mm_setzero_si128, _mm_shuffle_epi8,
    _mm_srli_epi16, _mm_srli_si128, _mm_storeu_si128, _mm_subs_epu8, _mm_xor_si128,
};

use crate::vector::Vector;

kernels!("SSSE3", "ssse3", Ssse3);

#[derive(Clone, Copy)]
pub(crate) struct Ssse3(__m128i);

// SAFETY (of each block below): the caller vouches for SSSE3, and for the memory behind a pointer.
impl Vector for Ssse3 {
    const LEN: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: as above; the load needs no alignment.
        Self(unsafe { _mm_loadu_si128(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: as above; the store needs no alignment.
        unsafe { _mm_storeu_si128(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn splat_word(word: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    unsafe fn last_word(self) -> u32 {
        // SAFETY: as above.
        unsafe { _mm_cvtsi128_si32(_mm_srli_si128::<12>(self.0)).cast_unsigned() }
    }

    #[inline(always)]
    unsafe fn table(bytes: &[u8; 16]) -> Self {
        // SAFETY: as above; the reference is to the 16 bytes read.
        unsafe { Self::load(bytes.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_and_si128(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_or_si128(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_xor_si128(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_subs_epu8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn high_nibbles(self) -> Self {
        // There is no byte shift: shift 16-bit lanes and mask off the bits of the neighbouring byte.
        // SAFETY: as above.
        Self(unsafe { _mm_and_si128(_mm_srli_epi16::<4>(self.0), _mm_set1_epi8(0x0f)) })
    }

    #[inline(always)]
    unsafe fn lookup(self, table: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_shuffle_epi8(table.0, self.0) })
    }

    #[inline(always)]
    unsafe fn before<const N: usize>(self, previous: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe {
            match N {
                1 => _mm_alignr_epi8::<15>(self.0, previous.0),
                2 => _mm_alignr_epi8::<14>(self.0, previous.0),
                _ => _mm_alignr_epi8::<13>(self.0, previous.0),
            }
        })
    }

    #[inline(always)]
    unsafe fn is_ascii(self) -> bool {
        // SAFETY: as above.
        unsafe { _mm_movemask_epi8(self.0) == 0 }
    }

    #[inline(always)]
    unsafe fn is_zero(self) -> bool {
        // SAFETY: as above.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, _mm_setzero_si128())) == 0xffff }
    }
}
