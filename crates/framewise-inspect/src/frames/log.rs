use std::collections::VecDeque;

use framewise_proto::{Header, Opcode};

use super::Moment;

/// Frames that are kept.
const FRAMES: usize = 512;
/// Messages that are kept.
const MESSAGES: usize = 4096;

/// A frame that went by.
#[derive(Clone, Debug)]
pub(crate) struct FrameSeen {
    /// Of its header's first byte.
    pub(crate) offset: u64,
    /// From 1.
    pub(crate) number: u64,
    /// The message that it belongs to, or came in, from 1.
    pub(crate) message: u64,
    pub(crate) header: Header,
    /// The beginning of its payload, unmasked.
    pub(crate) preview: Vec<u8>,
    pub(crate) at: Moment,
    /// It came in several steps.
    pub(crate) split: bool,
}

impl FrameSeen {
    /// Where its payload begins.
    pub(crate) const fn payload(&self) -> u64 {
        self.offset + self.header.size() as u64
    }

    /// Where it says that it ends.
    pub(crate) const fn end(&self) -> u64 {
        self.payload().saturating_add(self.header.length)
    }
}

/// A message that went by, whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageSeen {
    pub(crate) text: bool,
    pub(crate) compressed: bool,
    /// Bytes, inflated.
    pub(crate) length: u64,
    /// Bytes of payload on the wire.
    pub(crate) payload: u64,
    /// Of its content, inflated.
    pub(crate) digest: u64,
    pub(crate) frames: u32,
    /// Of its first frame's header.
    pub(crate) offset: u64,
    /// From 1.
    pub(crate) number: u64,
    /// Of its first frame.
    pub(crate) at: Moment,
}

/// What went by in one direction: the last frames, the last messages, and counts of all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) frames: VecDeque<FrameSeen>,
    pub(crate) messages: VecDeque<MessageSeen>,
    /// Messages that are not in the list any more.
    pub(crate) messages_dropped: u64,
    /// Frames with a mask.
    pub(crate) masked: u64,
    /// Frames without a mask that have a payload.
    pub(crate) unmasked: u64,
    /// Frames without a mask that have none.
    pub(crate) unmasked_empty: u64,
    /// What the masking keys look like.
    pub(crate) keys: Keys,
}

/// How often a masking key in a row was the one before, zero, or the one before plus one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keys {
    last: Option<[u8; 4]>,
    pub(crate) same: u32,
    pub(crate) zero: u32,
    pub(crate) counting: u32,
}

impl Log {
    pub(super) fn begin(&mut self, frame: FrameSeen) {
        match frame.header.mask {
            Some(key) => {
                self.masked += 1;
                self.keys.next(key);
            }
            None if frame.header.length == 0 => self.unmasked_empty += 1,
            None => self.unmasked += 1,
        }
        if self.frames.len() == FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
    }

    pub(super) fn preview(&mut self, plain: &[u8], most: u64) {
        if let Some(frame) = self.frames.back_mut() {
            let room = (most as usize).saturating_sub(frame.preview.len());
            frame.preview.extend_from_slice(&plain[..plain.len().min(room)]);
        }
    }

    /// The frame that came last is complete, in this step.
    pub(super) fn complete(&mut self, step: u64, header_cut: bool) {
        if let Some(frame) = self.frames.back_mut() {
            frame.split = header_cut || frame.at.step != step;
        }
    }

    pub(super) fn message(&mut self, message: MessageSeen) {
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
            self.messages_dropped += 1;
        }
        self.messages.push_back(message);
    }

    /// The frame that came last.
    pub(crate) fn last(&self) -> Option<&FrameSeen> {
        self.frames.back()
    }

    /// The frame of this number.
    pub(crate) fn frame(&self, number: u64) -> Option<&FrameSeen> {
        let first = self.frames.front()?.number;
        self.frames.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The data frame that came last.
    pub(crate) fn last_data(&self) -> Option<&FrameSeen> {
        self.frames.iter().rev().find(|frame| !frame.header.opcode.is_control())
    }

    /// The largest of the last data frames.
    pub(crate) fn largest(&self) -> Option<&FrameSeen> {
        self.frames
            .iter()
            .rev()
            .filter(|frame| !frame.header.opcode.is_control())
            .take(16)
            .max_by_key(|frame| frame.header.length)
    }

    /// The first frame of the message that came last.
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
