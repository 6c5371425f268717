//! Bytes whose type proves that they are text, so that they are not validated twice.
//!
//! [`Utf8`](crate::Utf8) makes a [`Utf8Piece`] of the bytes that it checked; the other types take pieces or `str`s, or check
//! the bytes themselves. The validator is a deterministic automaton whose complete state is a `Utf8`. If the bytes `a` lead
//! it from the start to a state `s`, and the bytes `b` from `s` to a boundary, then `a` followed by `b` is UTF-8: a message
//! is assembled from its pieces without another check.

#[cfg(feature = "bytes")]
mod buffer;
#[cfg(feature = "bytes")]
mod fill;
#[cfg(feature = "bytes")]
mod frozen;
#[cfg(feature = "bytes")]
mod locate;
mod piece;
mod vec;

#[cfg(feature = "bytes")]
pub use buffer::Utf8Buffer;
#[cfg(feature = "bytes")]
pub use fill::append_with;
#[cfg(feature = "bytes")]
pub use frozen::Utf8Bytes;
#[cfg(feature = "bytes")]
pub use locate::{TextInBuffer, find_text};
pub use piece::Utf8Piece;
pub use vec::Utf8Vec;
