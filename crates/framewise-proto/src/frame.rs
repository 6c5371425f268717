//! Frames (RFC 6455 §5) in three layers, each usable alone: the header, its position in the sequence of frames, and the
//! payload.

mod close;
mod flood;
mod header;
mod plain;
mod sequence;

pub use close::{CloseFault, CloseFrame, check_close};
pub use header::{Header, LengthForm, MAX_HEADER, Opcode};
pub use plain::PlainHeader;
pub(crate) use sequence::Counts;
pub use sequence::{Expect, MessageKind, OpenMessage, Sequence};
