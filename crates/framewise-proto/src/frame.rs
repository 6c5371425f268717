//! A frame (RFC 6455 §5): its header by itself, then its place in the sequence of frames, then its payload. Each of
//! the three layers can be called alone.

mod close;
mod flood;
mod header;
mod plain;
mod sequence;

pub use close::{CloseFault, CloseFrame, check_close};
pub use header::{Header, LengthForm, MAX_HEADER, Opcode};
pub(crate) use plain::PlainHeader;
pub use sequence::{Expect, MessageKind, OpenMessage, Sequence};
