//! No kernel reads or writes beyond its slice: the slice is at the end of a page, then at its start, between pages that are
//! not accessible.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

mod common;

use core::ffi::{c_int, c_void};
use core::{ptr, slice};

use common::{KEY, TEXTS, masked, repeated};
use framewise_simd::{Utf8, backends};

// From the C library, which std links anyway.
unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        len: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void;
    fn mprotect(at: *mut c_void, len: usize, protection: c_int) -> c_int;
}

/// A multiple of every page size of Linux on machines with vector kernels
const PAGE: usize = 65_536;

/// A page between two that are not accessible
fn guarded() -> &'static mut [u8] {
    const NONE: c_int = 0;
    const READ_WRITE: c_int = 3;
    const PRIVATE_ANONYMOUS: c_int = 0x22;
    // SAFETY: this is new memory at an address that the kernel chooses; nothing else refers to it, and it is never freed.
    unsafe {
        let start = mmap(ptr::null_mut(), 3 * PAGE, NONE, PRIVATE_ANONYMOUS, -1, 0);
        assert_ne!(start.addr(), usize::MAX, "mmap failed");
        let page = start.byte_add(PAGE);
        assert_eq!(mprotect(page, PAGE, READ_WRITE), 0, "mprotect failed");
        slice::from_raw_parts_mut(page.cast(), PAGE)
    }
}

#[test]
fn nothing_beyond_the_slice_is_touched() {
    let page = guarded();
    for text in TEXTS {
        for len in 0..=300 {
            let clear = repeated(text, len);
            let masked = masked(&clear, KEY, 0);
            for start in [0, PAGE - len] {
                let payload = &mut page[start..start + len];
                for backend in backends() {
                    payload.copy_from_slice(&masked);
                    backend.unmask(payload, KEY, 0);
                    assert_eq!(payload, clear);
                    assert_eq!(backend.validate(&mut Utf8::new(), payload), Ok(()));
                    payload.copy_from_slice(&masked);
                    assert_eq!(backend.unmask_and_validate(&mut Utf8::new(), payload, KEY, 0), Ok(()));
                    assert_eq!(payload, clear);
                }
            }
        }
    }
}
