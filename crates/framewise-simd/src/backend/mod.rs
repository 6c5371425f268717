//! The backends of this machine, and the dispatch to them.

use core::fmt;

use self::kernels::Kernels;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
use crate::kernel;
use crate::key::Key;
use crate::scalar as words;
use crate::utf8::{Utf8, Utf8Error};

#[macro_use]
mod kernels;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod ssse3;

/// The shortest text that a kernel is called with, in bytes: one register of the narrowest backend.
const TEXT: usize = words::FEW;

/// The longest payload that [`short`] and [`short_ascii`] handle, in bytes
const SHORT: usize = 128;

/// One implementation of masking and validation. A value exists only on a processor with its instructions: the calls of
/// its kernels rely on that.
///
/// Public only for the tests and the benchmark, which compare the backends.
#[derive(Clone, Copy)]
pub struct Backend(&'static Kernels);

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

/// Whether the processor has the instructions: detected at run time with `std`, known at compile time without.
#[cfg(target_arch = "x86_64")]
macro_rules! has {
    ($feature:tt) => {{
        #[cfg(feature = "std")]
        let has = std::arch::is_x86_feature_detected!($feature);
        #[cfg(not(feature = "std"))]
        let has = cfg!(target_feature = $feature);
        has
    }};
}

/// The backends that this machine can run, the fastest first.
pub fn backends() -> impl Iterator<Item = Backend> {
    #[cfg(target_arch = "x86_64")]
    let vector = [
        ([has!("avx512bw"), has!("avx512vl")] == [true; 2]).then_some(&avx512::KERNELS),
        has!("avx2").then_some(&avx2::KERNELS),
        has!("ssse3").then_some(&ssse3::KERNELS),
    ];
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    let vector = [cfg!(target_feature = "neon").then_some(&neon::KERNELS)];
    #[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
    let vector: [Option<&'static Kernels>; 0] = [];
    vector.into_iter().flatten().chain([&scalar::KERNELS]).map(Backend)
}

impl Backend {
    /// The fastest backend of this machine.
    #[inline]
    pub fn current() -> Self {
        #[cfg(all(target_arch = "x86_64", feature = "std"))]
        {
            detected::current()
        }
        #[cfg(not(all(target_arch = "x86_64", feature = "std")))]
        {
            // Nothing is detected at run time: the compiler knows the answer.
            backends().next().unwrap_or(Self(&scalar::KERNELS))
        }
    }

    /// As [`unmask`](crate::unmask).
    #[inline]
    pub fn unmask(self, payload: &mut [u8], key: [u8; 4], phase: usize) {
        let key = Key::new(key, phase);
        if !short(payload, key) {
            // SAFETY: a backend exists only on a processor with its instructions.
            unsafe { (self.0.unmask)(payload, key) }
        }
    }

    /// As [`Utf8::validate`].
    #[inline]
    pub fn validate(self, text: &mut Utf8, bytes: &[u8]) -> Result<(), Utf8Error> {
        // The kernels start at a character boundary.
        let open = text.due().min(bytes.len());
        if open > 0 {
            text.scalar(&bytes[..open], 0)?;
        }
        let rest = &bytes[open..];
        if rest.len() < TEXT {
            return text.scalar(bytes, open);
        }
        // SAFETY: a backend exists only on a processor with its instructions.
        match unsafe { (self.0.text)(rest) } {
            None => Ok(()),
            Some(right) => text.settle(bytes, open + right),
        }
    }

    /// As [`Utf8::unmask_and_validate`].
    #[inline]
    pub fn unmask_and_validate(
        self,
        text: &mut Utf8,
        payload: &mut [u8],
        key: [u8; 4],
        phase: usize,
    ) -> Result<(), Utf8Error> {
        let key = Key::new(key, phase);
        // Most messages are short: not worth a call.
        if text.is_boundary() && short_ascii(payload, key) {
            return Ok(());
        }
        self.unmask_and_validate_any(text, payload, key)
    }

    fn unmask_and_validate_any(
        self,
        text: &mut Utf8,
        payload: &mut [u8],
        mut key: Key,
    ) -> Result<(), Utf8Error> {
        // The kernels start at a character boundary.
        let open = text.due().min(payload.len());
        if open > 0 {
            for (byte, key) in payload[..open].iter_mut().zip(key.bytes()) {
                *byte ^= key;
            }
            key = key.at(open);
            if let Err(error) = text.scalar(&payload[..open], 0) {
                words::unmask(&mut payload[open..], key);
                return Err(error);
            }
        }
        let rest = &mut payload[open..];
        if rest.len() < TEXT {
            words::unmask(rest, key);
            return text.scalar(payload, open);
        }
        // SAFETY: a backend exists only on a processor with its instructions.
        match unsafe { (self.0.masked_text)(rest, key) } {
            None => Ok(()),
            Some(right) => text.settle(payload, open + right),
        }
    }
}

/// Unmasks a payload of up to [`SHORT`] bytes and returns true; leaves a longer one unchanged and returns false.
///
/// Inlined, because for so few bytes a call would be a good part of the cost.
#[inline]
fn short(payload: &mut [u8], key: Key) -> bool {
    match payload.len() {
        TEXT..=SHORT => registers::<false>(payload, key),
        _ => words::few(payload, key),
    }
}

/// Unmasks a payload of [`TEXT`] to [`SHORT`] bytes that is ASCII in the clear; leaves any other unchanged and returns
/// false.
#[inline]
fn short_ascii(payload: &mut [u8], key: Key) -> bool {
    (TEXT..=SHORT).contains(&payload.len()) && registers::<true>(payload, key)
}

/// Unmasks [`TEXT`] to [`SHORT`] bytes in registers that every processor of this architecture has; see
/// [`kernel::short`].
#[inline]
fn registers<const ASCII: bool>(payload: &mut [u8], key: Key) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: `short` loads, XORs, tests and stores, all of which is SSE2, which every x86-64 processor has.
        unsafe { kernel::short::<ssse3::Ssse3, ASCII>(payload, key) }
    }
    #[cfg(all(target_arch = "aarch64", target_endian = "little", target_feature = "neon"))]
    {
        // SAFETY: the target has NEON.
        unsafe { kernel::short::<neon::Neon, ASCII>(payload, key) }
    }
    #[cfg(not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_endian = "little", target_feature = "neon")
    )))]
    {
        if !ASCII {
            words::unmask(payload, key);
        }
        !ASCII
    }
}

/// Caches the result of the first detection.
#[cfg(all(target_arch = "x86_64", feature = "std"))]
mod detected {
    use core::ptr;
    use core::sync::atomic::{AtomicPtr, Ordering};

    use super::{Backend, Kernels, backends, scalar};

    static KERNELS: AtomicPtr<Kernels> = AtomicPtr::new(ptr::from_ref(&UNKNOWN).cast_mut());

    /// Before the first call: each kernel asks, and leaves it to the best one's. So no later call has to look whether
    /// the question was asked.
    static UNKNOWN: Kernels = Kernels {
        name: "unknown",
        // SAFETY: the machine has the instructions that `ask` answers with; the length is the caller's to vouch for.
        unmask: |payload, key| unsafe { (ask().0.unmask)(payload, key) },
        // SAFETY: as above.
        text: |bytes| unsafe { (ask().0.text)(bytes) },
        // SAFETY: as above.
        masked_text: |payload, key| unsafe { (ask().0.masked_text)(payload, key) },
    };

    #[inline]
    pub(super) fn current() -> Backend {
        // Relaxed: what it points to is there from the start. Who comes too early asks again.
        // SAFETY: the pointer comes from a reference to a static that is never written.
        Backend(unsafe { &*KERNELS.load(Ordering::Relaxed) })
    }

    #[cold]
    fn ask() -> Backend {
        let backend = backends().next().unwrap_or(Backend(&scalar::KERNELS));
        KERNELS.store(ptr::from_ref(backend.0).cast_mut(), Ordering::Relaxed);
        backend
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec::Vec};

    #[test]
    fn the_best_first_and_the_scalar_one_everywhere() {
        let names: Vec<_> = backends().map(|backend| format!("{backend:?}")).collect();
        crate::unmask(&mut [0; 1000], [0; 4], 0);
        assert_eq!(names[0], format!("{:?}", Backend::current()), "after the first call");
        assert_eq!(names[names.len() - 1], "scalar");
        // Each 64-bit machine that runs these tests has more than that, and with `std` can be asked.
        #[cfg(all(feature = "std", any(target_arch = "x86_64", target_arch = "aarch64")))]
        assert!(names.len() > 1, "{names:?}");
    }

    /// A kernel that suspects a right text would still be right in the end, for it is settled. But slow.
    #[test]
    fn no_kernel_suspects_a_right_text() {
        for text in ["ab\u{7f}", "é", "€", "𝄞", "aé€𝄞"] {
            for len in TEXT..1_200 {
                for offset in [0, 6] {
                    let buffer: Vec<u8> =
                        [b'-'; 6].into_iter().take(offset).chain(text.bytes().cycle()).take(len).collect();
                    let bytes = &buffer[offset.min(len - TEXT)..];
                    for Backend(kernels) in backends().filter(|backend| backend.0.name != "scalar") {
                        // SAFETY: the backend exists, and there are 16 bytes and more.
                        let right = unsafe { (kernels.text)(bytes) };
                        let open = str::from_utf8(bytes).is_err();
                        assert_eq!(right, open.then_some(bytes.len()), "{}, {text}, {len}", kernels.name);
                    }
                }
            }
        }
    }
}
