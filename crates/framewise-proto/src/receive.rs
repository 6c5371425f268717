//! Parses one direction's frames in place: header, sequence, payload.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use framewise_rules::{Limits, MessageKinds, Role, Rule};
use framewise_simd::{Utf8, Utf8Error, Utf8Piece, unmask};

#[cfg(feature = "deflate")]
use crate::deflate::{DeflateAgreement, DeflateConfig};
use crate::deflate::{InflateFault, Inflating};
use crate::frame::{
    CloseFault, Counts, Expect, Header, MessageKind, Opcode, PlainHeader, Sequence, check_close,
};
use crate::{Config, Detail, Event, Payload, Strictness, Violation};

/// A message in one frame that is complete in the buffer, with a valid header. Nearly every message is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    pub(crate) kind: MessageKind,
    key: Option<[u8; 4]>,
    /// Bytes of the header.
    header: usize,
    /// Bytes of the frame.
    pub(crate) size: usize,
}

impl Whole {
    /// Recognises such a message at the front of `bytes`; `longest` is that of [`longest_plain`].
    #[expect(clippy::inline_always, reason = "nearly every message takes this path")]
    #[inline(always)]
    pub(crate) fn find(bytes: &[u8], sender: Role, longest: Option<u16>) -> Option<Self> {
        let header = PlainHeader::decode(bytes, sender)?;
        let size = header.size + usize::from(header.length);
        let there = header.length <= longest? && size <= bytes.len();
        there.then_some(Self { kind: header.kind, key: header.mask, header: header.size, size })
    }

    /// Takes the message from the same bytes, and counts it. Returns its payload.
    #[expect(clippy::inline_always, reason = "nearly every message takes this path")]
    #[inline(always)]
    pub(crate) fn take<'b>(
        &self,
        counts: &mut Counts,
        offset: &mut u64,
        bytes: &'b mut [u8],
    ) -> Result<Payload<'b>, TextFault> {
        *offset += self.size as u64;
        counts.take_whole();
        let payload = &mut bytes[self.header..self.size];
        if self.kind == MessageKind::Binary {
            if let Some(key) = self.key {
                unmask(payload, key, 0);
            }
            return Ok(Payload::Binary(payload));
        }
        let mut utf8 = Utf8::new();
        match check_text(&mut utf8, payload, self.key, 0) {
            Ok(text) => match text.as_str() {
                Some(text) => Ok(Payload::Text(text.into())),
                None => Err(TextFault::Truncated(utf8.open())),
            },
            Err(error) => Err(TextFault::Invalid(error)),
        }
    }

    /// Bytes of its payload.
    pub(crate) const fn length(&self) -> u64 {
        (self.size - self.header) as u64
    }
}

/// Why a text is not UTF-8.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TextFault {
    Invalid(Utf8Error),
    /// It ends inside a character, of which it has so many bytes.
    Truncated(usize),
}

/// A data frame whose header was consumed.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: Header,
    /// Bytes of the stream before its header.
    start: u64,
    /// Bytes of its payload consumed.
    taken: u64,
}

#[derive(Debug)]
pub(crate) struct Receiver {
    sender: Role,
    /// Shared by the connections of a server.
    config: Arc<Config>,
    sequence: Sequence,
    /// The longest message that the configuration allows in one plain frame; `None` if it allows none.
    plain: Option<u16>,
    /// Bytes of the stream consumed.
    offset: u64,
    frame: Option<Frame>,
    /// A part of the open message was returned.
    begun: bool,
    utf8: Utf8,
    /// The current header's violation was reported, and is tolerated.
    tolerated: bool,
    /// `None` unless permessage-deflate was agreed.
    inflating: Option<Box<Inflating>>,
}

impl Receiver {
    pub(crate) fn new(sender: Role, config: Arc<Config>, offset: u64) -> Self {
        let plain = longest_plain(&config);
        Self {
            sender,
            config,
            sequence: Sequence::default(),
            plain,
            offset,
            frame: None,
            begun: false,
            utf8: Utf8::new(),
            tolerated: false,
            inflating: None,
        }
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn agree(&mut self, agreement: &DeflateAgreement) {
        self.inflating = Some(Box::new(Inflating::new(agreement.sent_by(self.sender), &self.config)));
    }

    pub(crate) fn inflating(&mut self) -> Option<&mut Inflating> {
        self.inflating.as_deref_mut()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The kind of the open message.
    pub(crate) fn receiving(&self) -> Option<MessageKind> {
        self.sequence.open().map(|open| open.kind)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.config.limits
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn deflate(&self) -> DeflateConfig {
        self.config.deflate.unwrap_or_default()
    }

    #[inline]
    fn expect(&self, now: Option<Duration>) -> Expect<'_> {
        Expect {
            sender: self.sender,
            deflate: self.inflating.is_some(),
            limits: &self.config.limits,
            messages: self.config.messages,
            strictness: self.config.strictness,
            now,
        }
    }

    pub(crate) fn strictness(&self) -> &Strictness {
        &self.config.strictness
    }

    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Payload bytes of the current data frame that have not arrived.
    pub(crate) fn remaining(&self) -> u64 {
        self.frame.map_or(0, |frame| frame.header.length - frame.taken)
    }

    /// The number of the last frame taken, from 1.
    pub(crate) const fn frames(&self) -> u64 {
        self.sequence.frames()
    }

    /// Recognises a complete message in one frame at the front of `bytes`. [`Receiver::receive`] handles everything
    /// else, valid or not.
    #[expect(clippy::inline_always, reason = "nearly every message takes this path")]
    #[inline(always)]
    pub(crate) fn whole(&self, bytes: &[u8]) -> Option<Whole> {
        // Also excludes a frame whose payload is incomplete: its message is open.
        if self.sequence.open().is_some() {
            return None;
        }
        Whole::find(bytes, self.sender, self.plain)
    }

    /// Takes the message that [`Receiver::whole`] recognised in the same bytes. Returns its payload.
    #[expect(clippy::inline_always, reason = "nearly every message takes this path")]
    #[inline(always)]
    pub(crate) fn take_whole<'b>(
        &mut self,
        whole: &Whole,
        bytes: &'b mut [u8],
    ) -> Result<Payload<'b>, Box<Violation>> {
        let taken = whole.take(self.sequence.counts_mut(), &mut self.offset, bytes);
        taken.map_err(|fault| {
            fault.violation(self.sender, *self.sequence.counts(), self.offset, whole.length())
        })
    }

    /// The bytes consumed and what else remains, if no message, frame or header is begun.
    pub(crate) fn idle(&self) -> Option<(u64, Counts)> {
        let is_idle = self.frame.is_none() && self.inflating.is_none() && !self.tolerated;
        (is_idle && self.sequence.open().is_none()).then(|| (self.offset, *self.sequence.counts()))
    }

    /// A receiver that goes on after [`Receiver::idle`].
    pub(crate) fn of_idle(sender: Role, config: Arc<Config>, offset: u64, counts: Counts) -> Self {
        Self { sequence: counts.into(), ..Self::new(sender, config, offset) }
    }

    /// Consumes bytes from the front of `bytes`. Returns how many, and the event they are; `None`: more bytes are
    /// needed.
    pub(crate) fn receive<'b>(&mut self, now: Duration, bytes: &'b mut [u8]) -> (usize, Option<Event<'b>>) {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let (header_size, frame) = match self.frame {
                Some(frame) => (0, frame),
                None => match self.header(now, rest) {
                    Ok(Some(header)) => (header.size(), Frame { header, start: self.offset, taken: 0 }),
                    Ok(None) => return (at, None),
                    Err(event) => return (at, Some(event)),
                },
            };
            if frame.header.opcode.is_control() {
                let (consumed, event) = self.control(frame.header, &mut bytes[at..]);
                return (at + consumed, Some(event));
            }
            let ends = frame.header.fin || frame.header.length > 0;
            if self.sequence.open().is_some_and(|open| open.compressed) {
                let (consumed, event) = self.compressed(frame, header_size, &mut bytes[at..]);
                at += consumed;
                // Input without output so far: go on while there is more.
                if event.is_some() || at == bytes.len() {
                    return (at, event);
                }
            } else if ends {
                let (consumed, event) = self.data(frame, header_size, &mut bytes[at..]);
                return (at + consumed, event);
            } else {
                // An empty fragment: go on.
                at += header_size;
                self.offset += header_size as u64;
            }
        }
    }

    /// Checks the header at the front, and takes it into the sequence once its payload can be taken too.
    fn header(&mut self, now: Duration, bytes: &[u8]) -> Result<Option<Header>, Event<'static>> {
        let expect = self.expect(Some(now));
        // A fault is reported before the masking key has arrived, which is not checked; a fault of the first two bytes
        // also before the extended length.
        let Some(header) = Header::decode_without_mask(bytes) else {
            let Some((start, faults)) = self.sequence.faults_of_start(bytes, &expect) else {
                return Ok(None);
            };
            self.fault(&start, faults, bytes)?;
            return Ok(None);
        };
        let faults = self.sequence.faults(&header, &expect);
        if !faults.is_empty() {
            self.fault(&header, faults, bytes)?;
        }
        let Some(header) = header.with_mask_of(bytes) else { return Ok(None) };
        // A control frame is taken only when complete: it has at most 125 bytes, so the caller's buffer holds it.
        if header.opcode.is_control() && bytes.len() < header.size() + header.length as usize {
            return Ok(None);
        }
        self.tolerated = false;
        self.sequence.take(&header, self.inflating.is_some(), Some(now));
        Ok(Some(header))
    }

    #[cold]
    fn fault(&mut self, header: &Header, faults: Vec<Rule>, bytes: &[u8]) -> Result<(), Event<'static>> {
        let Some(ranked) = self.config.strictness.rank(faults) else { return Ok(()) };
        if !ranked.enforced && self.tolerated {
            return Ok(());
        }
        let mut violation = self.at(ranked.rule, self.offset, header.size() as u64);
        // The frame itself was not taken yet.
        violation.frame += 1;
        let foreign = if self.sequence.frames() == 0 { not_a_frame(bytes) } else { None };
        violation.detail = foreign.unwrap_or_else(|| self.detail(ranked.rule, header));
        violation.also = ranked.also;
        if ranked.enforced {
            return Err(Event::Violation(violation));
        }
        self.tolerated = true;
        Err(Event::Tolerated(violation))
    }

    fn detail(&self, rule: Rule, header: &Header) -> Detail {
        self.sequence.detail(rule, header, self.limits())
    }

    fn control<'b>(&mut self, header: Header, bytes: &'b mut [u8]) -> (usize, Event<'b>) {
        let size = header.size();
        let end = size + header.length as usize;
        let start = self.offset;
        self.offset += end as u64;
        let payload = &mut bytes[size..end];
        if let Some(key) = header.mask {
            unmask(payload, key, 0);
        }
        let event = match header.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            Opcode::Close | Opcode::Continuation | Opcode::Text | Opcode::Binary | Opcode::Reserved(_) => {
                match check_close(payload) {
                    Ok(close) => Event::Close(close),
                    Err(fault) => self.close_fault(fault, start + size as u64),
                }
            }
        };
        (end, event)
    }

    fn close_fault(&self, fault: CloseFault, payload: u64) -> Event<'static> {
        let mut violation = self.at(fault.rule, payload + fault.offset as u64, fault.length as u64);
        violation.detail = fault.detail;
        Event::Violation(violation)
    }

    fn data<'b>(
        &mut self,
        mut frame: Frame,
        header_size: usize,
        bytes: &'b mut [u8],
    ) -> (usize, Option<Event<'b>>) {
        let there = &mut bytes[header_size..];
        let wanted = frame.header.length - frame.taken;
        let size = usize::try_from(wanted).map_or(there.len(), |wanted| wanted.min(there.len()));
        let payload = &mut there[..size];
        let payload_offset = self.offset + header_size as u64;
        let consumed = header_size + size;

        // Always `Some`: the sequence opened a message for this frame, if none was open.
        let Some(open) = self.sequence.open() else { return (0, None) };
        let phase = (frame.taken & 3) as usize;
        let payload = match (open.kind, frame.header.mask) {
            (MessageKind::Text, key) => match check_text(&mut self.utf8, payload, key, phase) {
                Ok(text) => Payload::Text(text),
                Err(error) => {
                    self.offset += consumed as u64;
                    let counts = self.sequence.counts_mut();
                    let violation = invalid_text(self.sender, counts, payload_offset, error);
                    return (consumed, Some(Event::Violation(violation)));
                }
            },
            (MessageKind::Binary, Some(key)) => {
                unmask(payload, key, phase);
                Payload::Binary(payload)
            }
            (MessageKind::Binary, None) => Payload::Binary(payload),
        };

        frame.taken += size as u64;
        self.offset += consumed as u64;
        let complete = frame.taken == frame.header.length;
        self.frame = if complete { None } else { Some(frame) };
        let last = complete && frame.header.fin;
        if last {
            let unfinished = self.utf8.open();
            self.utf8 = Utf8::new();
            self.sequence.finish();
            if unfinished > 0 {
                // Name the character's first byte, if it is in this frame; otherwise the frame.
                let (offset, length) = if unfinished as u64 <= frame.header.length {
                    (self.offset - unfinished as u64, unfinished as u64)
                } else {
                    (frame.start, self.offset - frame.start)
                };
                return (consumed, Some(Event::Violation(self.at(Rule::TextTruncatedUtf8, offset, length))));
            }
        }
        if size == 0 && !last {
            return (consumed, None);
        }
        let first = !self.begun;
        self.begun = !last;
        (consumed, Some(Event::Data { payload, first, last }))
    }

    /// Takes a frame of a compressed message: as [`Receiver::data`], but checks and counts what it inflates to.
    fn compressed(
        &mut self,
        mut frame: Frame,
        header_size: usize,
        bytes: &mut [u8],
    ) -> (usize, Option<Event<'static>>) {
        let there = &mut bytes[header_size..];
        let wanted = frame.header.length - frame.taken;
        let size = usize::try_from(wanted).map_or(there.len(), |wanted| wanted.min(there.len()));
        // Always `Some`: a message is compressed only if permessage-deflate was agreed.
        let (Some(open), Some(inflating)) = (self.sequence.open(), &mut self.inflating) else {
            return (0, None);
        };
        let piece = &mut there[..size.min(inflating.wanted())];
        let payload_start = frame.start + frame.header.size() as u64;
        if header_size > 0 && frame.header.opcode != Opcode::Continuation {
            inflating.begin();
        }
        if let Some(key) = frame.header.mask {
            unmask(piece, key, (frame.taken & 3) as usize);
        }
        let before = inflating.len();
        let text = open.kind == MessageKind::Text;
        let (taken, mut inflated) = match inflating.inflate(piece) {
            Ok(taken) => (taken, Ok(())),
            Err(fault) => (piece.len(), Err(fault)),
        };
        frame.taken += taken as u64;
        if let Some(key) = frame.header.mask {
            // Mask the rest again: the caller's bytes that are not consumed must not change.
            unmask(&mut piece[taken..], key, (frame.taken & 3) as usize);
        }
        let consumed = header_size + taken;
        self.offset += consumed as u64;
        let complete = frame.taken == frame.header.length;
        self.frame = if complete { None } else { Some(frame) };
        let last = complete && frame.header.fin;
        if last && inflated.is_ok() {
            inflated = inflating.finish();
        }
        // The output before a fault is checked first.
        let length = inflating.len() - before;
        let checked = if text { inflating.check() } else { Ok(()) };
        let broken = match (checked, inflated) {
            (Err(error), _) => Some((Rule::TextInvalidUtf8, Detail::Utf8(error.fault))),
            (Ok(()), Err(InflateFault { rule, detail })) => Some((rule, detail)),
            (Ok(()), Ok(())) if last && text && !inflating.is_boundary() => {
                Some((Rule::TextTruncatedUtf8, Detail::None))
            }
            (Ok(()), Ok(())) => None,
        };
        if let Some((rule, detail)) = broken {
            inflating.clear();
            // The fault is in the inflated data, which has no offset of its own: name the frame's payload.
            let mut violation = self.at(rule, payload_start, frame.header.length);
            violation.detail = detail;
            return (consumed, Some(Event::Violation(violation)));
        }
        if last {
            self.sequence.finish();
        } else if length == 0 {
            return (consumed, None);
        }
        let first = !self.begun;
        self.begun = !last;
        (consumed, Some(Event::Inflated { kind: open.kind, length, first, last }))
    }

    /// The violation if the stream ends here, with `rest` not consumed.
    pub(crate) fn end(&self, rest: &[u8]) -> Box<Violation> {
        let length = self.offset + rest.len() as u64;
        if self.frame.is_some() {
            return self.at(Rule::PayloadTruncated, length, 0);
        }
        let rule = match Header::decode(rest) {
            Some(_) => Rule::PayloadTruncated,
            None if rest.is_empty() => Rule::CloseMissing,
            None => Rule::HeaderTruncated,
        };
        let mut violation = self.at(rule, length, 0);
        violation.frame += u64::from(!rest.is_empty());
        violation
    }

    #[cold]
    pub(crate) fn at(&self, rule: Rule, offset: u64, length: u64) -> Box<Violation> {
        violation(self.sender, self.sequence.counts(), rule, offset, length)
    }
}

#[cold]
fn violation(by: Role, counts: &Counts, rule: Rule, offset: u64, length: u64) -> Box<Violation> {
    Box::new(Violation {
        rule,
        by,
        offset: Some(offset),
        length,
        frame: counts.frames,
        message: counts.messages,
        detail: Detail::None,
        also: Vec::new(),
    })
}

/// The text has a byte that is not UTF-8; its payload begins at this offset.
#[cold]
fn invalid_text(by: Role, counts: &Counts, payload: u64, error: Utf8Error) -> Box<Violation> {
    let mut violation = violation(by, counts, Rule::TextInvalidUtf8, payload + error.offset as u64, 1);
    violation.detail = Detail::Utf8(error.fault);
    violation
}

impl TextFault {
    /// The violation of a message that is counted, whose payload of `length` bytes ends at `offset`.
    #[cold]
    pub(crate) fn violation(self, by: Role, counts: Counts, offset: u64, length: u64) -> Box<Violation> {
        match self {
            Self::Invalid(error) => invalid_text(by, &counts, offset - length, error),
            Self::Truncated(open) => {
                violation(by, &counts, Rule::TextTruncatedUtf8, offset - open as u64, open as u64)
            }
        }
    }
}

/// The longest message in one plain frame that breaks no limit ([`Sequence::allows`]).
pub(crate) fn longest_plain(config: &Config) -> Option<u16> {
    let limits = &config.limits;
    let any = config.messages == MessageKinds::All && limits.fragments > 0;
    any.then(|| u16::try_from(limits.frame.min(limits.message)).unwrap_or(u16::MAX))
}

/// RFC 6455 §8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in
/// fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_." A fault is found as soon as its
/// bytes arrive, not at the end of the frame or the message.
#[inline]
fn check_text<'b>(
    utf8: &mut Utf8,
    payload: &'b mut [u8],
    key: Option<[u8; 4]>,
    phase: usize,
) -> Result<Utf8Piece<'b>, Utf8Error> {
    match key {
        Some(key) => utf8.unmask_piece(payload, key, phase),
        None => utf8.validate_piece(payload),
    }
}
/// What the stream is instead, where its first bytes are those of another protocol. Two bytes decide, as they do of a header.
fn not_a_frame(bytes: &[u8]) -> Option<Detail> {
    Some(Detail::Words(match bytes {
        [b'H', b'T', ..] => {
            "these bytes begin like an HTTP response: its head is to be read before the first frame"
        }
        [b'G', b'E', ..] => {
            "these bytes begin like an HTTP request: its head is to be read before the first frame"
        }
        [0x15 | 0x16, 0x03, ..] => {
            "these bytes begin like a TLS record: frames are to be read from the stream that TLS decrypts"
        }
        _ => return None,
    }))
}
