use std::collections::VecDeque;

use framewise_proto::{Header, Opcode};

use super::Moment;

/// How many frames are kept.
const FRAMES: usize = 512;
/// How many messages are kept.
const MESSAGES: usize = 4096;

/// A frame that was seen.
#[derive(Clone, Debug)]
pub(crate) struct FrameSeen {
    /// The offset of its header.
    pub(crate) offset: u64,
    /// From 1.
    pub(crate) number: u64,
    /// The number of the message that it belongs to, or that was open, from 1.
    pub(crate) message: u64,
    pub(crate) header: Header,
    /// The beginning of its payload, unmasked.
    pub(crate) preview: Vec<u8>,
    pub(crate) at: Moment,
    /// It arrived in several steps.
    pub(crate) split: bool,
}

impl FrameSeen {
    /// The offset of its payload.
    pub(crate) const fn payload(&self) -> u64 {
        self.offset + self.header.size() as u64
    }

    /// The offset of its end, by its length.
    pub(crate) const fn end(&self) -> u64 {
        self.payload().saturating_add(self.header.length)
    }
}

/// A frame that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Began {
    pub(super) offset: u64,
    pub(super) number: u64,
    pub(super) message: u64,
    pub(super) header: Header,
    pub(super) at: Moment,
    pub(super) split: bool,
}

/// A complete message that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageSeen {
    pub(crate) text: bool,
    pub(crate) compressed: bool,
    /// Its inflated size in bytes.
    pub(crate) length: u64,
    /// Bytes of payload on the wire.
    pub(crate) payload: u64,
    /// The digest of its inflated content.
    pub(crate) digest: u64,
    pub(crate) frames: u32,
    /// The offset of its first frame's header.
    pub(crate) offset: u64,
    /// From 1.
    pub(crate) number: u64,
    /// When its first frame began.
    pub(crate) at: Moment,
}

impl MessageSeen {
    /// Whether the contents differ.
    pub(crate) const fn content_differs(&self, other: &Self) -> bool {
        self.length != other.length || self.digest != other.digest
    }
}

/// What was seen in one direction: the last frames, the last messages if they are compared, and counts of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) frames: VecDeque<FrameSeen>,
    pub(crate) messages: VecDeque<MessageSeen>,
    /// How many messages are not, or no longer, in the list.
    pub(crate) messages_dropped: u64,
    /// Frames with a mask.
    pub(crate) masked: u64,
    /// Frames without a mask that have a payload.
    pub(crate) unmasked: u64,
    /// Frames without a mask that have no payload.
    pub(crate) unmasked_empty: u64,
    /// Patterns of the masking keys.
    pub(crate) keys: Keys,
}

/// How often in a row a masking key was equal to the previous one, zero, or one more than the previous one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keys {
    last: Option<[u8; 4]>,
    pub(crate) same: u32,
    pub(crate) zero: u32,
    pub(crate) counting: u32,
}

impl Log {
    /// Adds a frame, with the part of its payload that was read.
    pub(super) fn begin(&mut self, began: Began, payload: &[u8]) {
        let Began { offset, number, message, header, at, split } = began;
        match header.mask {
            Some(key) => {
                self.masked += 1;
                self.keys.next(key);
            }
            None if header.length == 0 => self.unmasked_empty += 1,
            None => self.unmasked += 1,
        }
        if self.frames.len() < FRAMES {
            self.frames.push_back(FrameSeen {
                offset,
                number,
                message,
                header,
                preview: Vec::new(),
                at,
                split,
            });
        } else {
            // The memory of the oldest serves again.
            self.frames.rotate_left(1);
        }
        if let Some(frame) = self.frames.back_mut() {
            frame.offset = offset;
            frame.number = number;
            frame.message = message;
            frame.header = header;
            frame.at = at;
            frame.split = split;
            frame.preview.clear();
            frame.preview.extend_from_slice(payload);
            if let Some(key) = header.mask {
                framewise_simd::unmask(&mut frame.preview, key, 0);
            }
        }
    }

    /// The beginning of the last frame's payload.
    pub(super) fn preview(&mut self) -> Option<&mut Vec<u8>> {
        self.frames.back_mut().map(|frame| &mut frame.preview)
    }

    /// The last frame is complete, in this step.
    pub(super) fn complete(&mut self, step: u64, header_cut: bool) {
        if let Some(frame) = self.frames.back_mut() {
            frame.split = header_cut || frame.at.step != step;
        }
    }

    /// A message is complete; it is kept if it is to be compared.
    pub(super) fn message(&mut self, message: Option<MessageSeen>) {
        let Some(message) = message else {
            self.messages_dropped += 1;
            return;
        };
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
            self.messages_dropped += 1;
        }
        self.messages.push_back(message);
    }

    /// The last frame.
    pub(crate) fn last(&self) -> Option<&FrameSeen> {
        self.frames.back()
    }

    /// The frame with this number.
    pub(crate) fn frame(&self, number: u64) -> Option<&FrameSeen> {
        let first = self.frames.front()?.number;
        self.frames.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The last data frame.
    pub(crate) fn last_data(&self) -> Option<&FrameSeen> {
        self.frames.iter().rev().find(|frame| !frame.header.opcode.is_control())
    }

    /// The largest of the data frames kept.
    pub(crate) fn largest(&self) -> Option<&FrameSeen> {
        self.frames
            .iter()
            .rev()
            .filter(|frame| !frame.header.opcode.is_control())
            .take(16)
            .max_by_key(|frame| frame.header.length)
    }

    /// The first frame of the last message.
    pub(crate) fn last_message(&self) -> Option<&FrameSeen> {
        self.frames.iter().rev().find(|frame| matches!(frame.header.opcode, Opcode::Text | Opcode::Binary))
    }
}

impl Keys {
    fn next(&mut self, key: [u8; 4]) {
        let count = |up: bool, so_far: u32| if up { so_far.saturating_add(1) } else { 0 };
        let last = self.last.replace(key);
        self.same = count(last == Some(key), self.same);
        self.zero = count(key == [0; 4], self.zero);
        let steps = last.is_some_and(|last| {
            u32::from_be_bytes(key).wrapping_sub(u32::from_be_bytes(last)) == 1
                || u32::from_le_bytes(key).wrapping_sub(u32::from_le_bytes(last)) == 1
        });
        self.counting = count(steps, self.counting);
    }
}
