//! AArch64 with NEON: 16 bytes. Each 64-bit ARM of today has it.

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vdupq_n_u32, veorq_u8, vextq_u8, vgetq_lane_u32, vld1q_u8, vmaxvq_u8, vorrq_u8,
    vqsubq_u8, vqtbl1q_u8, vreinterpretq_u8_u32, vreinterpretq_u32_u8, vshrq_n_u8, vst1q_u8,
};

use crate::vector::Vector;

kernels!("NEON", "neon", Neon);

#[derive(Clone, Copy)]
pub(crate) struct Neon(uint8x16_t);

// SAFETY (of each block below): the caller vouches for NEON, and for the memory behind a pointer.
impl Vector for Neon {
    const LEN: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: as above; the load needs no alignment.
        Self(unsafe { vld1q_u8(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: as above; the store needs no alignment.
        unsafe { vst1q_u8(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat_word(word: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { vreinterpretq_u8_u32(vdupq_n_u32(word)) })
    }

    #[inline(always)]
    unsafe fn last_word(self) -> u32 {
        // SAFETY: as above.
        unsafe { vgetq_lane_u32::<3>(vreinterpretq_u32_u8(self.0)) }
    }

    #[inline(always)]
    unsafe fn table(bytes: &[u8; 16]) -> Self {
        // SAFETY: as above; the reference is to the 16 bytes read.
        unsafe { Self::load(bytes.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vandq_u8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vorrq_u8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { veorq_u8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vqsubq_u8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn high_nibbles(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vshrq_n_u8::<4>(self.0) })
    }

    #[inline(always)]
    unsafe fn lookup(self, table: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vqtbl1q_u8(table.0, self.0) })
    }

    #[inline(always)]
    unsafe fn before<const N: usize>(self, previous: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe {
            match N {
                1 => vextq_u8::<15>(previous.0, self.0),
                2 => vextq_u8::<14>(previous.0, self.0),
                _ => vextq_u8::<13>(previous.0, self.0),
            }
        })
    }

    #[inline(always)]
    unsafe fn is_ascii(self) -> bool {
        // SAFETY: as above.
        unsafe { vmaxvq_u8(self.0) < 0x80 }
    }

    #[inline(always)]
    unsafe fn is_zero(self) -> bool {
        // SAFETY: as above.
        unsafe { vmaxvq_u8(self.0) == 0 }
    }
}
