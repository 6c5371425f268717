//! x86-64 with AVX-512 (F, BW and VL): 64 bytes.

use core::arch::x86_64::{
    __m512i, _mm_extract_epi32, _mm_loadu_si128, _mm512_alignr_epi8, _mm512_alignr_epi32, _mm512_and_si512,
    _mm512_broadcast_i32x4, _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_movepi8_mask,
    _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_storeu_si512, _mm512_subs_epu8, _mm512_test_epi32_mask, _mm512_xor_si512,
};

use super::avx2::Avx2;
use super::ssse3::Ssse3;
use crate::vector::Vector;

kernels!("AVX-512", "avx512f,avx512bw,avx512vl", Avx512, Avx2, Ssse3);

#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512i);

// SAFETY (of each block below): the caller vouches for AVX-512, and for the memory behind a pointer.
impl Vector for Avx512 {
    const LEN: usize = 64;

    // Below this, registers of half the width are faster.
    const UNMASK: usize = 256;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: as above; the load needs no alignment.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: as above; the store needs no alignment.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn splat_word(word: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    unsafe fn last_word(self) -> u32 {
        // SAFETY: as above.
        unsafe { _mm_extract_epi32::<3>(_mm512_extracti32x4_epi32::<3>(self.0)).cast_unsigned() }
    }

    #[inline(always)]
    unsafe fn table(bytes: &[u8; 16]) -> Self {
        // Copy the table into each lane of 16 bytes: a lookup works within its lane.
        // SAFETY: as above; the reference is to the 16 bytes read.
        Self(unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.as_ptr().cast())) })
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_or_si512(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_subs_epu8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn high_nibbles(self) -> Self {
        // There is no byte shift: shift 16-bit lanes and mask off the bits of the neighbouring byte.
        // SAFETY: as above.
        Self(unsafe { _mm512_and_si512(_mm512_srli_epi16::<4>(self.0), _mm512_set1_epi8(0x0f)) })
    }

    #[inline(always)]
    unsafe fn lookup(self, table: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_shuffle_epi8(table.0, self.0) })
    }

    #[inline(always)]
    unsafe fn before<const N: usize>(self, previous: Self) -> Self {
        // The byte shift works within lanes of 16 bytes, so it needs the previous lane of each.
        // SAFETY: as above.
        Self(unsafe {
            let lanes = _mm512_alignr_epi32::<12>(self.0, previous.0);
            match N {
                1 => _mm512_alignr_epi8::<15>(self.0, lanes),
                2 => _mm512_alignr_epi8::<14>(self.0, lanes),
                _ => _mm512_alignr_epi8::<13>(self.0, lanes),
            }
        })
    }

    #[inline(always)]
    unsafe fn is_ascii(self) -> bool {
        // SAFETY: as above.
        unsafe { _mm512_movepi8_mask(self.0) == 0 }
    }

    #[inline(always)]
    unsafe fn is_zero(self) -> bool {
        // SAFETY: as above.
        unsafe { _mm512_test_epi32_mask(self.0, self.0) == 0 }
    }
}
