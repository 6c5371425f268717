//! x86-64 with AVX2: 32 bytes.

use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_alignr_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_extract_epi32, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_subs_epu8, _mm256_testz_si256, _mm256_xor_si256,
};

use super::ssse3::Ssse3;
use crate::vector::Vector;

kernels!("AVX2", "avx2", Avx2, Ssse3);

#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256i);

// SAFETY (of each block below): the caller vouches for AVX2, and for the memory behind a pointer.
impl Vector for Avx2 {
    const LEN: usize = 32;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: as above; the load needs no alignment.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: as above; the store needs no alignment.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn splat_word(word: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    unsafe fn last_word(self) -> u32 {
        // SAFETY: as above.
        unsafe { _mm256_extract_epi32::<7>(self.0).cast_unsigned() }
    }

    #[inline(always)]
    unsafe fn table(bytes: &[u8; 16]) -> Self {
        // Copy the table into each lane of 16 bytes: a lookup works within its lane.
        // SAFETY: as above; the reference is to the 16 bytes read.
        Self(unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast())) })
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_or_si256(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_subs_epu8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn high_nibbles(self) -> Self {
        // There is no byte shift: shift 16-bit lanes and mask off the bits of the neighbouring byte.
        // SAFETY: as above.
        Self(unsafe { _mm256_and_si256(_mm256_srli_epi16::<4>(self.0), _mm256_set1_epi8(0x0f)) })
    }

    #[inline(always)]
    unsafe fn lookup(self, table: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_shuffle_epi8(table.0, self.0) })
    }

    #[inline(always)]
    unsafe fn before<const N: usize>(self, previous: Self) -> Self {
        // The byte shift works within lanes of 16 bytes, so it needs the previous lane of each.
        // SAFETY: as above.
        Self(unsafe {
            let lanes = _mm256_permute2x128_si256::<0x21>(previous.0, self.0);
            match N {
                1 => _mm256_alignr_epi8::<15>(self.0, lanes),
                2 => _mm256_alignr_epi8::<14>(self.0, lanes),
                _ => _mm256_alignr_epi8::<13>(self.0, lanes),
            }
        })
    }

    #[inline(always)]
    unsafe fn is_ascii(self) -> bool {
        // SAFETY: as above.
        unsafe { _mm256_movemask_epi8(self.0) == 0 }
    }

    #[inline(always)]
    unsafe fn is_zero(self) -> bool {
        // SAFETY: as above.
        unsafe { _mm256_testz_si256(self.0, self.0) == 1 }
    }
}
