//! A thread's zlib contexts, which its connections use in turn: each takes one for a message and gives it back.
//!
//! A message touches all of a compressor's 290 KiB. A shared one stays in the processor's cache, and saves allocating
//! and clearing a new one.

use alloc::boxed::Box;

use zlib_rs::{Deflate, DeflateConfig, Inflate};

use super::distance::DistanceCheck;

/// zlib has no smaller window for a raw stream. With 512 bytes it refers back at most 250 bytes, so it also suits an
/// agreed window of 256.
const SMALLEST: u8 = 9;
/// A block has at most 4096 symbols. zlib's default is four times as many: the output is not smaller, but it needs 84
/// KiB more, and clears 36 KiB more before and after each message, a sixth of the time for 1 KiB.
const MEM_LEVEL: i32 = 6;

/// A compressor and its parameters.
pub(super) struct Context {
    pub(super) deflate: Box<Deflate>,
    level: u8,
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "it is the place in what a thread shares"))]
    bits: u8,
}

/// Takes a compressor without history.
pub(super) fn take_deflate(level: u8, window_bits: u8) -> Context {
    let (level, bits) = (level.clamp(1, 9), window_bits.clamp(SMALLEST, 15));
    if let Some(mut context) = thread::take_deflate(bits)
        && context.level == level
    {
        context.deflate.reset();
        return context;
    }
    let config = DeflateConfig {
        level: i32::from(level),
        // Negative: a raw stream, without a header.
        window_bits: -i32::from(bits),
        mem_level: MEM_LEVEL,
        ..DeflateConfig::default()
    };
    Context { deflate: Box::new(Deflate::new_with_config(config)), level, bits }
}

pub(super) fn give_deflate(context: Context) {
    thread::give_deflate(context);
}

/// An inflater, and the check of its distances.
pub(super) struct Inflating {
    pub(super) inflate: Inflate,
    pub(super) check: DistanceCheck,
}

/// Takes an inflater without history, with the largest window.
pub(super) fn take_inflate() -> Box<Inflating> {
    match thread::take_inflate() {
        Some(mut inflating) => {
            inflating.inflate.reset(false);
            inflating
        }
        None => Box::new(Inflating { inflate: Inflate::new(false, 15), check: DistanceCheck::new() }),
    }
}

pub(super) fn give_inflate(mut inflating: Box<Inflating>) {
    inflating.check.stop();
    thread::give_inflate(inflating);
}

#[cfg(feature = "std")]
mod thread {
    extern crate std;

    use core::cell::RefCell;

    use super::{Box, Context, Inflating, SMALLEST};

    /// One of each kind. A connection that finds none, because another is in the middle of a message, makes its own.
    #[derive(Default)]
    struct Shared {
        /// One for each window size.
        deflate: [Option<Context>; 7],
        inflate: Option<Box<Inflating>>,
    }

    std::thread_local! {
        static SHARED: RefCell<Shared> = RefCell::default();
    }

    /// Also `None` while the thread ends and its contexts are already dropped.
    fn with<T>(access: impl FnOnce(&mut Shared) -> Option<T>) -> Option<T> {
        SHARED.try_with(|shared| access(&mut shared.borrow_mut())).ok().flatten()
    }

    pub(super) fn take_deflate(bits: u8) -> Option<Context> {
        with(|shared| shared.deflate[usize::from(bits - SMALLEST)].take())
    }

    pub(super) fn give_deflate(context: Context) {
        let at = usize::from(context.bits - SMALLEST);
        with(|shared| shared.deflate[at].replace(context));
    }

    pub(super) fn take_inflate() -> Option<Box<Inflating>> {
        with(|shared| shared.inflate.take())
    }

    pub(super) fn give_inflate(inflate: Box<Inflating>) {
        with(|shared| shared.inflate.replace(inflate));
    }
}

/// Without `std` there is no thread-local storage: each message allocates its own.
#[cfg(not(feature = "std"))]
mod thread {
    use super::{Box, Context, Inflating};

    pub(super) fn take_deflate(_: u8) -> Option<Context> {
        None
    }

    pub(super) fn give_deflate(_: Context) {}

    pub(super) fn take_inflate() -> Option<Box<Inflating>> {
        None
    }

    pub(super) fn give_inflate(_: Box<Inflating>) {}
}
