//! Results that several detectors share.

use std::cell::OnceCell;

use framewise_proto::Header;

/// Results that several detectors need, computed once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(super) text: OnceCell<Option<Text>>,
    /// The frame that is nested in the one whose length is in doubt.
    pub(super) nested: OnceCell<Option<Nested>>,
    /// The offset where frames continue after it.
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
    /// One or more complete frames, then the rest of the payload, to its end by its length.
    GoesOn { at: u64, header: Header, size: u64 },
    /// One or more complete frames, to the end of the stream: the payload does not continue.
    Ends { at: u64, header: Header },
    /// A header whose frame is not complete in the recording.
    Open { at: u64, header: Header },
}
