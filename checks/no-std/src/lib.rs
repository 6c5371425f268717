//! A static library without `std`, with a panic handler and an allocator of its own, that runs a connection.
//!
//! Where anything below it brings in `std`, there are two panic handlers, and rustc refuses it. `cargo xtask check` builds
//! it, with and without permessage-deflate. It is built, not run.
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::time::Duration;

use framewise_proto::{Config, Connection, Event};

/// An allocator that has no memory: an embedded one would be here.
struct NoMemory;

// SAFETY: it hands nothing out.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// A client receives "Hello", and answers it: how many bytes it writes.
#[unsafe(no_mangle)]
pub extern "C" fn framewise_no_std() -> usize {
    let mut client = Connection::client(Config::default(), Box::new(|| [1, 2, 3, 4]), 0, Duration::ZERO);
    #[cfg(feature = "deflate")]
    {
        let config = framewise_proto::deflate::DeflateConfig::default();
        if let Some((_, agreement)) = framewise_proto::deflate::negotiate(&[config.offer()], &config) {
            client = client.with_deflate(&agreement);
        }
    }
    let mut bytes = *b"\x81\x05Hello";
    if let (_, Some(Event::Data { payload, .. })) = client.receive(Duration::ZERO, &mut bytes)
        && client.send_binary(&payload).is_err()
    {
        return 0;
    }
    client.poll_transmit().map_or(0, |written| written.len())
}
