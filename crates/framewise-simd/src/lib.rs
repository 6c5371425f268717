//! The two loops of a WebSocket endpoint that touch every byte: masking and UTF-8 validation, separately or in one pass.
//!
//! - [`unmask`] XORs a payload with its masking key in place (RFC 6455 §5.3); masking and unmasking are the same operation.
//! - [`Utf8`] validates text that arrives in pieces (RFC 6455 §8.1, RFC 3629). It fails fast: an invalid byte is reported
//!   as soon as it arrives, with its exact offset and the fault.
//! - [`Utf8::unmask_and_validate`] does both while the bytes are in registers.
//! - [`Utf8Piece`], [`Utf8Vec`] and, with the feature `bytes`, `Utf8Bytes` and `Utf8Buffer` carry what was found: text that
//!   was checked when it arrived is a `str` without another check.
//!
//! ```
//! use framewise_simd::{Utf8, Utf8Fault};
//!
//! let key = [0x37, 0xfa, 0x21, 0x3d];
//! let mut text = Utf8::new();
//!
//! // The payload "hé" arrives in two reads, split inside the two bytes of "é".
//! let mut payload = [0x5f, 0x39, 0x88];
//! let (first, second) = payload.split_at_mut(2);
//! text.unmask_and_validate(first, key, 0)?;
//! assert!(!text.is_boundary());
//! text.unmask_and_validate(second, key, 2)?;
//! assert!(text.is_boundary());
//! assert_eq!(payload, "hé".as_bytes());
//!
//! let fault = text.validate(b"caf\xc0").unwrap_err();
//! assert_eq!((fault.offset, fault.fault), (3, Utf8Fault::Overlong));
//! # Ok::<(), framewise_simd::Utf8Error>(())
//! ```
//!
//! This is not a general UTF-8 library: it converts nothing and repairs nothing. It does not parse frames: the caller
//! passes the offset of each piece in its payload.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled for the instructions of the function that it is inlined into"
)]
#![cfg_attr(
    not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))),
    allow(dead_code, unused_macros, reason = "no vector backend on this target: nothing calls the kernels")
)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod backend;
mod kernel;
mod key;
mod mask;
mod pairs;
mod proven;
mod scalar;
mod utf8;
mod validate;
mod vector;

#[doc(hidden)]
pub use backend::{Backend, backends};
pub use mask::unmask;
#[cfg(feature = "bytes")]
pub use proven::{TextInBuffer, Utf8Buffer, Utf8Bytes, append_with, find_text};
pub use proven::{Utf8Piece, Utf8Vec};
pub use utf8::{Utf8, Utf8Error, Utf8Fault};
pub use validate::as_str;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
