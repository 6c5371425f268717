//! The short way for nearly every frame: a valid message in one frame that has arrived completely.

use framewise_proto::MessageKind;
use framewise_proto::frame::{OpenMessage, PlainHeader};

use super::log::Began;
use super::{Frames, Moment, gap};
use crate::keep::Contents;
use crate::window::Window;

impl Frames {
    /// Reads such a message as the long way does; `false`, and nothing is read, for everything else.
    pub(super) fn whole(&mut self, window: &Window, at: Moment) -> bool {
        let bytes = window.from(self.at);
        let Some(plain) = PlainHeader::decode(bytes, self.role) else { return false };
        let Some(payload) = bytes[plain.size..].get(..usize::from(plain.length)) else { return false };
        let clear = self.close.is_none() && self.open == gap::Open::Known && self.reported != Some(self.at);
        if !clear || !self.sequence.allows(&plain, &self.expect(at)) {
            return false;
        }
        let compared = self.keep.contents == Contents::Compared;
        // Of a message that is not compared, only a text has content that matters: the long way says what is wrong with it.
        if !compared && plain.kind == MessageKind::Text && !self.content.is_text(payload, plain.mask) {
            return false;
        }
        self.sequence.take_whole();
        let (header, start) = (plain.header(), self.at + plain.size as u64);
        let number = self.sequence.messages();
        let split = std::mem::take(&mut self.header_cut);
        let began =
            Began { offset: self.at, number: self.sequence.frames(), message: number, header, at, split };
        self.log.begin(began, &payload[..payload.len().min(super::payload::SHOWN)]);
        if compared {
            let open =
                OpenMessage { kind: plain.kind, compressed: false, fragments: 1, length: header.length };
            self.content.begin_message(open, self.at, number, at, self.keep.contents);
            self.content.begin_frame(start);
        }
        self.predictable_key();
        self.at = start;
        if compared {
            self.check(&header, payload, 0);
        }
        self.at += header.length;
        self.show();
        if compared {
            self.end_data(&header);
        } else {
            self.log.message(None);
        }
        true
    }
}
