//! What several detectors work out of the same bytes.

use std::cell::OnceCell;

use framewise_proto::Header;

/// What several detectors ask for, worked out once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(super) text: OnceCell<Option<Text>>,
    /// The frame that is nested in the one whose length is in doubt.
    pub(super) nested: OnceCell<Option<Nested>>,
    /// Where frames begin again after it.
    pub(super) boundary: OnceCell<u64>,
}

/// The text at fault, unmasked and inflated, and the place of the first bad byte in it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) bad: usize,
}

/// A frame inside the payload of another one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nested {
    /// One complete frame or more, and after them the rest of the payload, to the end that its length announces.
    GoesOn { at: u64, header: Header, size: u64 },
    /// One complete frame or more, to the end of the stream: the payload does not go on.
    Ends { at: u64, header: Header },
    /// A header whose frame the recording does not hold to its end.
    Open { at: u64, header: Header },
}
