use framewise_proto::deflate::InflateLimits;
use framewise_proto::frame::OpenMessage;
use framewise_proto::{Detail, MessageKind};
use framewise_rules::{Limits, Rule};
use framewise_simd::Utf8;

use super::{MessageSeen, Moment};
use crate::digest::Digest;
use crate::inflate::Inflater;

/// The largest inflated size of a message if no limit is known; further bytes are not read.
const INFLATED: u64 = 256 * 1024 * 1024;

/// A fault in a message's content.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) detail: Detail,
}

/// Checks the content of one direction's messages: unmasked, and inflated if compressed.
#[derive(Clone, Debug)]
pub(super) struct Content {
    inflater: Option<Inflater>,
    limits: InflateLimits,
    utf8: Utf8,
    /// The current message was reported; the rest of it is not read.
    reported: bool,
    message: MessageSeen,
    digest: Digest,
    /// The offset of the current frame's payload.
    payload: u64,
}

impl Content {
    pub(super) fn new(deflate: Option<(u8, bool)>, limits: &Limits) -> Self {
        Self {
            inflater: deflate.map(|(bits, takeover)| Inflater::new(bits, takeover)),
            limits: InflateLimits::new(limits),
            utf8: Utf8::new(),
            reported: false,
            message: MessageSeen::default(),
            digest: Digest::default(),
            payload: 0,
        }
    }

    /// Begins a message, with a frame at this offset.
    pub(super) fn begin_message(&mut self, open: OpenMessage, offset: u64, number: u64, at: Moment) {
        self.message = MessageSeen {
            text: open.kind == MessageKind::Text,
            compressed: open.compressed,
            offset,
            number,
            at,
            ..MessageSeen::default()
        };
        self.utf8 = Utf8::new();
        self.digest = Digest::default();
        self.reported = false;
    }

    /// Begins a frame of the message, with its payload at this offset.
    pub(super) fn begin_frame(&mut self, payload: u64) {
        self.payload = payload;
        self.message.frames = self.message.frames.saturating_add(1);
    }

    /// Ignores the rest of the current message.
    pub(super) fn leave(&mut self) {
        self.reported = true;
    }

    pub(super) fn lose_history(&mut self) {
        if let Some(inflater) = &mut self.inflater {
            inflater.lose_history();
        }
    }

    /// Reads a piece of payload, which begins at this offset.
    pub(super) fn take(&mut self, plain: &[u8], offset: u64) -> Option<Fault> {
        self.message.payload += plain.len() as u64;
        if self.message.compressed {
            return self.take_compressed(plain);
        }
        self.digest.update(plain);
        self.message.length += plain.len() as u64;
        if !self.message.text || self.reported {
            return None;
        }
        let error = self.utf8.validate(plain).err()?;
        self.reported = true;
        Some(Fault {
            rule: Rule::TextInvalidUtf8,
            offset: offset + error.offset as u64,
            length: 1,
            detail: Detail::Utf8(error.fault),
        })
    }

    fn take_compressed(&mut self, plain: &[u8]) -> Option<Fault> {
        let mut fault = None;
        let mut rest = plain;
        let mut payload = self.message.payload - plain.len() as u64;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.limits.piece(payload).min(rest.len()));
            rest = behind;
            payload += piece.len() as u64;
            let found = self.inflate(self.limits.of(payload), |inflater, sink| inflater.feed(piece, sink));
            fault = fault.or(found);
        }
        self.fault(fault?)
    }

    /// Inflates a piece and finds the first fault, in the order of the output, so that the result does not depend on
    /// how the payload is cut.
    fn inflate(
        &mut self,
        limit: u64,
        step: impl FnOnce(&mut Inflater, &mut dyn FnMut(&[u8])),
    ) -> Option<(Rule, Detail)> {
        let inflater = self.inflater.as_mut()?;
        let (utf8, digest, length) = (&mut self.utf8, &mut self.digest, &mut self.message.length);
        let text = self.message.text && !self.reported;
        let mut bad = None;
        step(inflater, &mut |inflated| {
            digest.update(inflated);
            if bad.is_none() && text {
                let error = utf8.validate(inflated).err();
                bad = error.map(|error| (error.fault, *length + error.offset as u64));
            }
            *length += inflated.len() as u64;
        });
        let fault = inflater.fault();
        if *length > INFLATED {
            inflater.lose_history();
            self.reported = true;
        }
        let too_big = *length > limit;
        if too_big {
            inflater.lose_history();
        }
        // Only the output before the limit and before an invalid reference counts.
        let before = fault.map_or(u64::MAX, |(_, at)| at).min(if too_big { limit } else { u64::MAX });
        match (bad, fault) {
            (Some((fault, at)), _) if at < before => Some((Rule::TextInvalidUtf8, Detail::Utf8(fault))),
            (_, Some((fault, at))) if !too_big || at <= limit => Some((fault.rule, fault.detail)),
            _ if too_big => Some((Rule::InflateTooBig, Detail::Limit { got: *length, limit })),
            _ => None,
        }
    }

    /// A fault in inflated data has no offset of its own: names the frame's payload.
    fn fault(&mut self, (rule, detail): (Rule, Detail)) -> Option<Fault> {
        let fault = Fault { rule, offset: self.payload, length: 1, detail };
        (!std::mem::replace(&mut self.reported, true)).then_some(fault)
    }

    /// Ends the message with its last frame, which begins at `frame`, ends at `end` and has a payload of `length`
    /// bytes.
    pub(super) fn end_message(&mut self, end: u64, frame: u64, length: u64) -> (Option<Fault>, MessageSeen) {
        let mut fault = None;
        if self.message.compressed {
            fault = self.end_compressed();
        }
        let unfinished = self.utf8.open() as u64;
        if fault.is_none() && !self.reported && self.message.text && unfinished > 0 {
            // Name the character's first byte, if it is in this frame and not compressed.
            let offset = match (self.message.compressed, unfinished <= length) {
                (true, _) => self.payload,
                (false, true) => end - unfinished,
                (false, false) => frame,
            };
            fault = Some(Fault {
                rule: Rule::TextTruncatedUtf8,
                offset,
                length: end.saturating_sub(offset),
                detail: Detail::None,
            });
        }
        self.message.digest = self.digest.value();
        self.utf8 = Utf8::new();
        self.reported = false;
        (fault, std::mem::take(&mut self.message))
    }

    fn end_compressed(&mut self) -> Option<Fault> {
        let limit = self.limits.of(self.message.payload);
        let mut fault = None;
        let bad = self.inflate(limit, |inflater, sink| fault = inflater.finish(sink));
        // A fault in the last output comes before a fault of the end.
        self.fault(bad.or(fault.map(|fault| (fault.rule, fault.detail)))?)
    }
}
