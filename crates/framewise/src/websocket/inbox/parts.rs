//! Messages taken in parts as they arrive, without assembling them.

use bytes::Bytes;
use framewise_proto::{Connection, MessageKind};

use super::{Found, Inbox};
use crate::{Event, Part};

impl Inbox {
    /// Whether a part of a message was taken, and the last one was not.
    pub(in crate::websocket) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// `true`: from here on parts are taken as they arrive. `false`: only the remaining parts of a message that was
    /// begun.
    pub(in crate::websocket) const fn take_parts(&mut self, in_parts: bool) {
        self.in_parts = in_parts;
    }

    /// The assembled beginning of a message, as its first part.
    pub(in crate::websocket) fn part_so_far(&mut self, engine: &mut Connection) -> Option<Part> {
        let kind = engine.receiving()?;
        let bytes = if self.message.is_empty() {
            engine.take_inflated().into_bytes().into()
        } else {
            std::mem::take(&mut self.message).freeze()
        };
        if bytes.is_empty() {
            return None;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        Some(Part { kind, bytes, first, last: false })
    }

    pub(super) fn part(&mut self, kind: MessageKind, bytes: Bytes, last: bool) -> Found {
        let first = !std::mem::replace(&mut self.begun, !last);
        Found::Event(Event::Part(Part { kind, bytes, first, last }))
    }
}
