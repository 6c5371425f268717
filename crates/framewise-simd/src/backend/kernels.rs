//! What every backend brings: its kernels, compiled for its instructions.

use crate::key::Key;

/// The kernels of a backend. Each may only be called on a processor with the backend's instructions.
pub(super) struct Kernels {
    pub(super) name: &'static str,
    /// Unmasks more than [`SHORT`](super::SHORT) bytes.
    pub(super) unmask: unsafe fn(&mut [u8], Key),
    /// Validates [`TEXT`](super::TEXT) bytes or more; see [`crate::kernel::text`] for the result.
    pub(super) text: unsafe fn(&[u8]) -> Option<usize>,
    /// The same, and unmasks all the bytes.
    pub(super) masked_text: unsafe fn(&mut [u8], Key) -> Option<usize>,
}

/// The kernels of a backend, compiled for its instructions: `KERNELS`. Each works in the widest register that fits into the
/// slice, so the narrowest must have [`TEXT`](super::TEXT) bytes.
macro_rules! kernels {
    ($name:literal, $features:literal, $($vector:ty),+) => {
        pub(super) static KERNELS: crate::backend::kernels::Kernels =
            crate::backend::kernels::Kernels { name: $name, unmask, text, masked_text };

        /// # Safety
        /// The processor has the instructions of this backend; `payload` has 16 bytes or more.
        #[target_feature(enable = $features)]
        unsafe fn unmask(payload: &mut [u8], key: crate::key::Key) {
            $(if payload.len() >= <$vector as crate::vector::Vector>::UNMASK {
                // SAFETY: the caller vouches for the instructions.
                return unsafe { crate::kernel::unmask::<$vector>(payload, key) };
            })+
        }

        /// # Safety
        /// As above.
        #[target_feature(enable = $features)]
        unsafe fn text(bytes: &[u8]) -> Option<usize> {
            let key = crate::key::Key::NONE;
            $(if bytes.len() >= <$vector as crate::vector::Vector>::LEN {
                // SAFETY: the caller vouches for the instructions; what isn't masked isn't written to.
                return unsafe {
                    crate::kernel::text::<$vector, false>(bytes.as_ptr().cast_mut(), bytes.len(), key)
                };
            })+
            Some(0)
        }

        /// # Safety
        /// As above.
        #[target_feature(enable = $features)]
        unsafe fn masked_text(payload: &mut [u8], key: crate::key::Key) -> Option<usize> {
            $(if payload.len() >= <$vector as crate::vector::Vector>::LEN {
                // SAFETY: the caller vouches for the instructions; the memory is the payload's.
                return unsafe {
                    crate::kernel::text::<$vector, true>(payload.as_mut_ptr(), payload.len(), key)
                };
            })+
            Some(0)
        }
    };
}
