use framewise_proto::Header;
use framewise_proto::frame::MAX_HEADER;
use framewise_rules::{Answer, Cause, Role, Rule};
use framewise_simd::Utf8;

use super::notes::Notes;
use super::sign::Sign;
use super::work::Work;
use crate::frames::{FrameSeen, Frames, Plausible, Reading};
use crate::heads::{RequestSeen, ResponseSeen};
use crate::leg::{Direction, Leg};
use crate::report::{Fault, Finding};

/// The input of a detector: a finding, and everything that was seen around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(super) legs: &'a [Leg],
    /// The leg of the finding.
    pub(super) leg: &'a Leg,
    /// The side whose stream the finding's offset counts in.
    pub(super) stream: Role,
    pub(super) finding: &'a Finding,
    pub(super) work: &'a Work,
    pub(super) notes: &'a Notes,
}

/// How many bytes of a line, a head or a signature are read.
const LINE: u64 = 4096;
/// The steps that trying a header takes.
const HEADER: u64 = 4;

impl<'a> Evidence<'a> {
    pub(super) fn is(&self, rules: &[Rule]) -> bool {
        self.finding.rule.is_some_and(|rule| rules.contains(&rule))
    }

    /// Whether the finding's head breaks this rule, as the first or as another.
    pub(super) fn breaks(&self, rule: Rule) -> bool {
        self.finding.rule == Some(rule) || self.finding.also.contains(&rule)
    }

    /// The direction of the finding.
    pub(super) const fn own(&self) -> &'a Direction {
        self.leg.dir(self.stream)
    }

    /// The other direction.
    pub(super) const fn peer(&self) -> &'a Direction {
        self.leg.dir(self.stream.peer())
    }

    pub(super) fn frames(&self) -> Option<&'a Frames> {
        self.own().frames.as_ref()
    }

    /// The frame of the finding, if its header was taken.
    pub(super) fn frame(&self) -> Option<&'a FrameSeen> {
        self.frames()?.log.frame(self.finding.frame?)
    }

    /// The frame before the one of the finding.
    pub(super) fn before(&self) -> Option<&'a FrameSeen> {
        self.frames()?.log.frame(self.finding.frame?.checked_sub(1)?)
    }

    /// Whether the finding is an enforced violation in a frame.
    pub(super) fn in_frame(&self) -> bool {
        self.finding.frame.is_some()
            && matches!(self.finding.answer, Some(Answer::Close(_)))
            && self.finding.length > 0
    }

    /// Whether a frame's header is at fault: the finding begins where a frame should.
    pub(super) fn at_header(&self) -> bool {
        self.in_frame()
            && !self.is(&[
                Rule::TextInvalidUtf8,
                Rule::TextTruncatedUtf8,
                Rule::DeflateDataInvalid,
                Rule::DeflateWindowViolated,
                Rule::DeflateContextMismatch,
                Rule::InflateTooBig,
                Rule::CloseCodeInvalid,
                Rule::CloseCodeReserved,
                Rule::CloseReasonInvalidUtf8,
                Rule::ClosePayloadOneByte,
            ])
    }

    /// At most `most` bytes of the stream from an offset on. Each byte is a step; empty if no steps are left.
    pub(super) fn read(&self, offset: u64, most: u64) -> &'a [u8] {
        self.look_at(self.own().window.read(offset, most))
    }

    /// As [`Evidence::read`], for the other direction.
    pub(super) fn read_peer(&self, offset: u64) -> &'a [u8] {
        self.look_at(self.peer().window.read(offset, LINE))
    }

    pub(super) fn look_at(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.work.take(bytes.len() as u64) { bytes } else { &[] }
    }

    /// How many bytes there are from an offset on.
    pub(super) fn left(&self, offset: u64) -> u64 {
        self.own().window.end().saturating_sub(offset)
    }

    /// The bytes at the finding, where a frame or a head should start.
    pub(super) fn start(&self) -> &'a [u8] {
        self.read(self.finding.offset, LINE)
    }

    /// The bytes at an offset, up to the length of a line.
    pub(super) fn line_at(&self, offset: u64) -> &'a [u8] {
        self.read(offset, LINE)
    }

    /// Where frames begin in this direction.
    pub(super) fn base(&self) -> Option<u64> {
        Some(self.frames()?.base)
    }

    /// The payload of a frame, unmasked, as far as it is kept.
    pub(super) fn payload(&self, frame: &FrameSeen) -> Vec<u8> {
        let mut payload = self.raw(frame).to_vec();
        if let Some(key) = frame.header.mask {
            framewise_simd::unmask(&mut payload, key, 0);
        }
        payload
    }

    /// The payload of a frame as it was sent.
    pub(super) fn raw(&self, frame: &FrameSeen) -> &'a [u8] {
        self.read(frame.payload(), frame.header.length)
    }

    /// Whether the unmasked payload of the frame at `at` reads as text; up to 4 KiB of it are read.
    pub(super) fn reads(&self, at: u64, wanted: Wanted) -> Reads {
        let mut reads = Reads { utf8: true, printable: true, length: 0 };
        let Some(header) = Header::decode(self.own().window.read(at, MAX_HEADER as u64)) else {
            return Reads { utf8: false, ..reads };
        };
        let start = at + header.size() as u64;
        let payload = self.own().window.read(start, header.length.min(LINE));
        let (mut text, mut last) = (Utf8::new(), 0);
        let mut plain = [0; 256];
        for piece in payload.chunks(plain.len()) {
            let plain = &mut plain[..piece.len()];
            if self.look_at(piece).is_empty() {
                return Reads { utf8: false, ..reads };
            }
            plain.copy_from_slice(piece);
            if let Some(key) = header.mask {
                framewise_simd::unmask(plain, key, 0);
            }
            reads.utf8 &= text.validate(plain).is_ok();
            for &byte in &*plain {
                // The controls of Unicode from U+0080 to U+009F begin with C2.
                let control = byte < 0x80 && !is_text_byte(byte) || last == 0xc2 && byte < 0xa0;
                reads.printable &= !control;
                last = byte;
            }
            reads.length += piece.len() as u64;
            if !reads.utf8 || (wanted == Wanted::Text && !reads.printable) {
                return reads;
            }
        }
        // The part that was read may end within a character.
        reads.utf8 &= text.is_boundary() || header.length > LINE;
        reads
    }

    /// Inflates a payload by itself.
    pub(super) fn inflate(&self, payload: &[u8]) -> Option<Vec<u8>> {
        crate::inflate::alone(payload, &mut |steps| self.work.take(steps))
    }

    /// The header at this offset, if its bits have no other faults than the finding's: an endpoint that writes one
    /// wrong mask or length writes the next as well.
    pub(super) fn header(&self, offset: u64) -> Option<Header> {
        if !self.work.take(HEADER) {
            return None;
        }
        let deflate = self.frames().is_some_and(Frames::deflate);
        let bytes = self.own().window.read(offset, MAX_HEADER as u64);
        let habits = [
            Rule::MaskMissing,
            Rule::MaskPresent,
            Rule::LengthNotMinimal16,
            Rule::LengthNotMinimal64,
            Rule::Rsv1OnContinuation,
        ];
        let plausible = Plausible::new(self.stream, deflate);
        match plausible.decode_but(bytes, |rule| habits.contains(&rule) && self.breaks(rule)) {
            Reading::Header(header) => Some(header),
            Reading::NotYet | Reading::No => None,
        }
    }

    /// Whether a frame could end at this offset: the stream ends there, or a header follows.
    pub(super) fn fits(&self, offset: u64) -> bool {
        let end = self.own().window.end();
        offset == end || self.header(offset).is_some_and(|header| self.header_holds(offset, &header))
    }

    /// Whether a header is followed by its payload and then by another one, or the end.
    fn header_holds(&self, offset: u64, header: &Header) -> bool {
        let end = self.own().window.end();
        let next = (offset + header.size() as u64).saturating_add(header.length);
        next >= end || self.header(next).is_some() || end - next < 2
    }

    /// Whether there is a complete frame at this offset, even with a fault in its header: the stream ends with it, or a
    /// header follows.
    pub(super) fn whole(&self, offset: u64) -> bool {
        Header::decode_without_mask(self.own().window.read(offset, MAX_HEADER as u64))
            .is_some_and(|header| self.fits((offset + header.size() as u64).saturating_add(header.length)))
    }

    pub(super) fn request(&self) -> Option<&'a RequestSeen> {
        self.leg.request.as_ref()
    }

    pub(super) fn response(&self) -> Option<&'a ResponseSeen> {
        self.leg.response.as_ref()
    }

    /// The other legs.
    pub(super) fn other_legs(&self) -> impl Iterator<Item = &'a Leg> {
        let own = std::ptr::from_ref(self.leg);
        self.legs.iter().filter(move |leg| !std::ptr::eq(*leg, own))
    }

    /// A sign, with the side of the finding at fault.
    #[expect(clippy::unnecessary_wraps, reason = "every detector ends with it")]
    pub(super) fn own_fault(&self, cause: Cause, evidence: impl Into<String>) -> Option<Sign> {
        Some(Sign { cause, fault: Some(self.stream.into()), evidence: evidence.into() })
    }

    /// A sign, with the other side at fault.
    #[expect(clippy::unnecessary_wraps, reason = "every detector ends with it")]
    pub(super) fn peer_fault(&self, cause: Cause, evidence: impl Into<String>) -> Option<Sign> {
        Some(Sign { cause, fault: Some(self.stream.peer().into()), evidence: evidence.into() })
    }

    /// A sign that does not say who is at fault.
    #[expect(clippy::unnecessary_wraps, reason = "every detector ends with it")]
    #[expect(clippy::unused_self, reason = "as the others")]
    pub(super) fn nobodys_fault(&self, cause: Cause, evidence: impl Into<String>) -> Option<Sign> {
        Some(Sign { cause, fault: None, evidence: evidence.into() })
    }

    /// A sign, with an intermediary at fault.
    #[expect(clippy::unnecessary_wraps, reason = "every detector ends with it")]
    #[expect(clippy::unused_self, reason = "as the two others")]
    pub(super) fn path_fault(&self, cause: Cause, evidence: impl Into<String>) -> Option<Sign> {
        Some(Sign { cause, fault: Some(Fault::Intermediary), evidence: evidence.into() })
    }
}

/// What a payload is checked for; the check stops as soon as it cannot be that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Utf8,
    /// UTF-8 without control characters.
    Text,
}

/// The result of reading a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    utf8: bool,
    /// No control character but white space.
    printable: bool,
    length: u64,
}

impl Reads {
    pub(super) const fn is_utf8(self) -> bool {
        self.utf8
    }

    /// Text of at least this many bytes.
    pub(super) const fn is_text(self, least: u64) -> bool {
        self.utf8 && self.printable && self.length >= least
    }
}

/// Bytes as text for a sentence: not printable characters are escaped, and long text is shortened.
pub(crate) fn quote(bytes: &[u8]) -> String {
    const SHOWN: usize = 48;
    let shown = &bytes[..bytes.len().min(SHOWN)];
    format!("\"{}{}\"", shown.escape_ascii(), if bytes.len() > SHOWN { "…" } else { "" })
}

/// As [`quote`], for text: other characters are not escaped.
pub(super) fn quote_text(text: &str) -> String {
    let shown: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
    format!("\"{shown}{}\"", if text.chars().count() > 40 { "…" } else { "" })
}

/// The first line of some bytes.
pub(super) fn line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == b'\r' || byte == b'\n').unwrap_or(bytes.len());
    &bytes[..end]
}

/// Whether a byte is printable ASCII, or white space.
pub(super) const fn is_text_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)
}

/// Whether these bytes read as text: UTF-8 without control characters, at least `least` of them.
pub(super) fn reads_as_text(bytes: &[u8], least: usize) -> bool {
    bytes.len() >= least
        && std::str::from_utf8(bytes)
            .is_ok_and(|text| text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')))
}
