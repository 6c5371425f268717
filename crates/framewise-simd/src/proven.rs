//! Bytes that carry the proof that they are text, so that nobody checks them twice.
//!
//! The proof is in the types: [`Utf8`](crate::Utf8) makes a [`Utf8Piece`] of the bytes that it checked, and the others
//! take pieces, `str`s, or check for themselves. The validator is a deterministic automaton whose whole state is a `Utf8`.
//! Where the bytes `a` lead it from the start to a state `s`, and the bytes `b` from `s` to a boundary, `a` and `b` behind
//! one another are UTF-8: so a message is put together of its pieces without a look at them.

#[cfg(feature = "bytes")]
mod buffer;
#[cfg(feature = "bytes")]
mod frozen;
#[cfg(feature = "bytes")]
mod locate;
mod piece;
mod vec;

#[cfg(feature = "bytes")]
pub use buffer::Utf8Buffer;
#[cfg(feature = "bytes")]
pub use frozen::Utf8Bytes;
#[cfg(feature = "bytes")]
pub use locate::{TextInBuffer, find_text};
pub use piece::Utf8Piece;
pub use vec::Utf8Vec;
