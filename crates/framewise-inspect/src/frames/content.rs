use framewise_proto::deflate::InflateLimits;
use framewise_proto::frame::OpenMessage;
use framewise_proto::{Detail, MessageKind};
use framewise_rules::{Limits, Rule};
use framewise_simd::{Utf8, Utf8Error};

use super::{MessageSeen, Moment};
use crate::digest::Digest;
use crate::inflate::Inflater;
use crate::keep::Contents;

/// The largest inflated size of a message if no limit is known; further bytes are not read.
const INFLATED: u64 = 256 * 1024 * 1024;

/// Masked bytes are unmasked in pieces of this size, in a buffer: they stay as they are where they lie.
const UNMASKED: usize = 16 * 1024;

/// Payload bytes as they are on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) mask: Option<[u8; 4]>,
    /// The place of the first byte in the mask.
    pub(super) phase: usize,
    /// The offset of the first byte.
    pub(super) offset: u64,
}

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
    /// Of the current message, if contents are compared.
    digest: Option<Digest>,
    /// The offset of the current frame's payload.
    payload: u64,
    /// Bytes without their mask.
    unmasked: Vec<u8>,
}

impl Content {
    pub(super) fn new(deflate: Option<(u8, bool)>, limits: &Limits) -> Self {
        Self {
            inflater: deflate.map(|(bits, takeover)| Inflater::new(bits, takeover)),
            limits: InflateLimits::new(limits),
            utf8: Utf8::new(),
            reported: false,
            message: MessageSeen::default(),
            digest: None,
            payload: 0,
            unmasked: Vec::new(),
        }
    }

    /// Begins a message, with a frame at this offset.
    pub(super) fn begin_message(
        &mut self,
        open: OpenMessage,
        offset: u64,
        number: u64,
        at: Moment,
        contents: Contents,
    ) {
        self.message = MessageSeen {
            text: open.kind == MessageKind::Text,
            compressed: open.compressed,
            offset,
            number,
            at,
            ..MessageSeen::default()
        };
        self.utf8 = Utf8::new();
        self.digest = (contents == Contents::Compared).then(Digest::default);
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

    /// Whether this is the payload of a complete, valid text.
    pub(super) fn is_text(&mut self, payload: &[u8], mask: Option<[u8; 4]>) -> bool {
        let mut utf8 = Utf8::new();
        let Some(key) = mask else { return utf8.validate(payload).is_ok() && utf8.open() == 0 };
        let mut phase = 0;
        for bytes in payload.chunks(UNMASKED) {
            self.unmasked.clear();
            self.unmasked.extend_from_slice(bytes);
            if utf8.unmask_and_validate(&mut self.unmasked, key, phase).is_err() {
                return false;
            }
            phase = (phase + bytes.len()) & 3;
        }
        utf8.open() == 0
    }

    /// Whether the payload is read as a text.
    fn reads_text(&self) -> bool {
        self.message.text && !self.message.compressed && !self.reported
    }

    /// Reads a piece of payload.
    pub(super) fn take(&mut self, piece: Piece<'_>) -> Option<Fault> {
        if !self.message.compressed && !self.reads_text() && self.digest.is_none() {
            // Only its length matters.
            self.count(piece.bytes);
            return None;
        }
        let Some(key) = piece.mask else {
            let checked = if self.reads_text() { self.utf8.validate(piece.bytes) } else { Ok(()) };
            return self.take_plain(piece.bytes, checked, piece.offset);
        };
        let mut buffer = std::mem::take(&mut self.unmasked);
        let mut fault = None;
        let (mut offset, mut phase) = (piece.offset, piece.phase);
        for bytes in piece.bytes.chunks(UNMASKED) {
            buffer.clear();
            buffer.extend_from_slice(bytes);
            let checked = if self.reads_text() {
                self.utf8.unmask_and_validate(&mut buffer, key, phase)
            } else {
                framewise_simd::unmask(&mut buffer, key, phase);
                Ok(())
            };
            let found = self.take_plain(&buffer, checked, offset);
            fault = fault.or(found);
            offset += bytes.len() as u64;
            phase = (phase + bytes.len()) & 3;
        }
        self.unmasked = buffer;
        fault
    }

    /// Reads a piece of payload without its mask, which begins at this offset; a text was checked.
    fn take_plain(&mut self, plain: &[u8], checked: Result<(), Utf8Error>, offset: u64) -> Option<Fault> {
        if self.message.compressed {
            self.message.payload += plain.len() as u64;
            return self.take_compressed(plain);
        }
        self.count(plain);
        if let Some(digest) = &mut self.digest {
            digest.update(plain);
        }
        let error = checked.err()?;
        self.reported = true;
        Some(Fault {
            rule: Rule::TextInvalidUtf8,
            offset: offset + error.offset as u64,
            length: 1,
            detail: Detail::Utf8(error.fault),
        })
    }

    /// Counts payload of a message that is not compressed.
    fn count(&mut self, payload: &[u8]) {
        self.message.payload += payload.len() as u64;
        self.message.length += payload.len() as u64;
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
            if let Some(digest) = digest {
                digest.update(inflated);
            }
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
    /// bytes. Returns the message if it is compared.
    pub(super) fn end_message(
        &mut self,
        end: u64,
        frame: u64,
        length: u64,
    ) -> (Option<Fault>, Option<MessageSeen>) {
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
        self.utf8 = Utf8::new();
        self.reported = false;
        let digest = self.digest.take().map(Digest::value);
        (fault, digest.map(|digest| MessageSeen { digest, ..std::mem::take(&mut self.message) }))
    }

    fn end_compressed(&mut self) -> Option<Fault> {
        let limit = self.limits.of(self.message.payload);
        let mut fault = None;
        let bad = self.inflate(limit, |inflater, sink| fault = inflater.finish(sink));
        // A fault in the last output comes before a fault of the end.
        self.fault(bad.or(fault.map(|fault| (fault.rule, fault.detail)))?)
    }
}
