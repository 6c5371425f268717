use alloc::vec::Vec;
use core::time::Duration;

use framewise_rules::{Limits, MessageKinds, Role, Rule};

use super::flood::ControlCount;
use super::{Header, LengthForm, Opcode, PlainHeader};
use crate::{Detail, Strictness};

/// Whether a message is text or binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 (RFC 6455 §5.6).
    Text,
    /// Any bytes.
    Binary,
}

impl MessageKind {
    /// The opcode of its first frame.
    pub const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// A message that is not complete: more frames, or more bytes of its last frame, are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMessage {
    /// Text or binary.
    pub kind: MessageKind,
    /// RSV1 was set on its first frame, and permessage-deflate was agreed.
    pub compressed: bool,
    /// Its frames so far.
    pub fragments: u32,
    /// The sum of its frames' payload lengths so far, as their headers give them.
    pub length: u64,
}

/// What decides whether a header is allowed, apart from the frames before it.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'l> {
    /// Who sends the frames.
    pub sender: Role,
    /// permessage-deflate was agreed, so RSV1 has a meaning.
    pub deflate: bool,
    /// The limits of the receiver.
    pub limits: &'l Limits,
    /// The kinds of message that the receiver accepts.
    pub messages: MessageKinds,
    /// The rules that the receiver tolerates.
    pub strictness: Strictness,
    /// When the header arrived; `None` in a recording without times.
    pub now: Option<Duration>,
}

impl Expect<'_> {
    /// Whether the limits allow a message of one frame of this length.
    #[inline]
    fn allows_whole(&self, length: u64) -> bool {
        self.messages == MessageKinds::All
            && self.limits.fragments > 0
            && length <= self.limits.frame
            && length <= self.limits.message
    }
}

/// The order of the frames of one direction: which may follow which (RFC 6455 §5.4), and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    open: Option<OpenMessage>,
    counts: Counts,
}

/// What remains of a sequence when no message is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    controls: ControlCount,
    /// The number of the last frame taken, from 1.
    pub(crate) frames: u64,
    /// The number of the last message begun, from 1.
    pub(crate) messages: u64,
}

impl Counts {
    /// Takes a complete message of one frame.
    #[inline]
    pub(crate) fn take_whole(&mut self) {
        self.frames += 1;
        self.messages += 1;
        self.controls.data();
    }
}

impl From<Counts> for Sequence {
    fn from(counts: Counts) -> Self {
        Self { open: None, counts }
    }
}

impl Sequence {
    /// The open message.
    pub const fn open(&self) -> Option<OpenMessage> {
        self.open
    }

    /// Frames taken so far.
    pub const fn frames(&self) -> u64 {
        self.counts.frames
    }

    /// Messages begun so far.
    pub const fn messages(&self) -> u64 {
        self.counts.messages
    }

    /// The rules that this header breaks, in the order of the bits on the wire, then of the sequence, then the limits.
    ///
    /// If the first two bytes break an enforced rule, the list contains only the rules that these bytes break. An
    /// extended length adds none, so that a header yields the same rules however its bytes are cut.
    ///
    /// Call [`Sequence::take`] to take the frame.
    #[inline]
    pub fn faults(&self, header: &Header, expect: &Expect<'_>) -> Vec<Rule> {
        let mut faults = Vec::new();
        start_bits(header, expect, &mut faults);
        let bits = faults.len();
        self.order(header, expect, &mut faults);
        let decided =
            header.form != LengthForm::Seven && faults.iter().any(|&rule| !expect.strictness.tolerates(rule));
        if decided {
            return faults;
        }
        if let Some(rule) = long_length(header) {
            faults.insert(bits, rule);
        }
        if !header.opcode.is_control() {
            self.limits(header, expect, &mut faults);
        }
        faults
    }

    /// The rules that the first two bytes of a header break, if an extended length follows and one of the rules is
    /// enforced: the length need not be waited for. [`Sequence::faults`] returns the same rules once the length has
    /// arrived. The length of the header returned is zero.
    pub fn faults_of_start(&self, bytes: &[u8], expect: &Expect<'_>) -> Option<(Header, Vec<Rule>)> {
        let header = Header::of_start(*bytes.first_chunk()?);
        let mut faults = Vec::new();
        start_bits(&header, expect, &mut faults);
        self.order(&header, expect, &mut faults);
        let decided =
            header.form != LengthForm::Seven && faults.iter().any(|&rule| !expect.strictness.tolerates(rule));
        decided.then_some((header, faults))
    }

    /// The rules that the opcode breaks at this point of the sequence.
    #[inline]
    fn order(&self, header: &Header, expect: &Expect<'_>, faults: &mut Vec<Rule>) {
        if header.opcode.is_control() {
            // A Close ends the connection, so it never counts as a flood.
            if header.opcode != Opcode::Close && self.counts.controls.is_full(expect.now, expect.limits) {
                faults.push(Rule::ControlFlood);
            }
            return;
        }
        // RFC 6455 §5.4: a fragmented message is one frame with an opcode and FIN clear, then frames with opcode 0;
        // "The fragments of one message MUST NOT be interleaved between the fragments of another message".
        match (header.opcode, self.open) {
            (Opcode::Continuation, None) => faults.push(Rule::ContinuationOrphan),
            (Opcode::Text | Opcode::Binary, Some(_)) => faults.push(Rule::DataInterleaved),
            _ => {}
        }
        // RFC 6455 §7.4.1, 1003: "it has received a type of data it cannot accept".
        match (header.opcode, expect.messages) {
            (Opcode::Text, MessageKinds::BinaryOnly) | (Opcode::Binary, MessageKinds::TextOnly) => {
                faults.push(Rule::UnsupportedData);
            }
            _ => {}
        }
        let fragments = self.continued(header).map_or(0, |open| open.fragments);
        if fragments >= expect.limits.fragments {
            faults.push(Rule::FragmentsTooMany);
        }
    }

    /// RFC 6455 §10.4: limits are checked with the header, before any byte of the payload is read.
    #[inline]
    fn limits(&self, header: &Header, expect: &Expect<'_>, faults: &mut Vec<Rule>) {
        let limits = expect.limits;
        if header.length > limits.frame {
            faults.push(Rule::FrameTooBig);
        }
        let before = self.continued(header).map_or(0, |open| open.length);
        if before.saturating_add(header.length) > limits.message {
            faults.push(Rule::MessageTooBig);
        }
    }

    /// The message that a frame with this header continues.
    #[inline]
    fn continued(&self, header: &Header) -> Option<OpenMessage> {
        self.open.filter(|_| header.opcode == Opcode::Continuation)
    }

    /// The detail of a rule that this header breaks here: the values that the rule's sentence does not contain.
    pub fn detail(&self, rule: Rule, header: &Header, limits: &Limits) -> Detail {
        let limit = |got, limit| Detail::Limit { got, limit };
        if rule == Rule::FrameTooBig {
            limit(header.length, limits.frame)
        } else if rule == Rule::MessageTooBig {
            let before = self.continued(header).map_or(0, |open| open.length);
            limit(before.saturating_add(header.length), limits.message)
        } else if rule == Rule::FragmentsTooMany {
            let before = self.continued(header).map_or(0, |open| open.fragments);
            limit(u64::from(before) + 1, u64::from(limits.fragments))
        } else if rule == Rule::ControlFlood {
            let (in_second, in_row) = self.counts.controls.counted();
            let row = in_row >= limits.control_run;
            let (got, most) =
                if row { (in_row, limits.control_run) } else { (in_second, limits.control_rate) };
            limit(u64::from(got) + 1, u64::from(most))
        } else if matches!(rule, Rule::LengthNotMinimal16 | Rule::LengthNotMinimal64) {
            Detail::Length(header.length)
        } else if matches!(rule, Rule::OpcodeReservedControl | Rule::OpcodeReservedData) {
            Detail::Opcode(header.opcode)
        } else {
            Detail::None
        }
    }

    /// Takes the frame, valid or not: an observer continues after a violation.
    ///
    /// A data frame leaves its message open, even the last one: call [`Sequence::finish`] after its payload. `deflate`,
    /// `now`: as in [`Expect`].
    #[inline]
    pub fn take(&mut self, header: &Header, deflate: bool, now: Option<Duration>) {
        self.counts.frames += 1;
        if header.opcode.is_control() {
            self.counts.controls.add(now);
            return;
        }
        self.counts.controls.data();
        if header.opcode == Opcode::Continuation
            && let Some(open) = &mut self.open
        {
            open.fragments = open.fragments.saturating_add(1);
            open.length = open.length.saturating_add(header.length);
            return;
        }
        self.counts.messages += 1;
        let kind = if header.opcode == Opcode::Text { MessageKind::Text } else { MessageKind::Binary };
        let compressed = header.rsv1 && deflate;
        self.open = Some(OpenMessage { kind, compressed, fragments: 1, length: header.length });
    }

    /// Whether a plain header may come here: then it breaks no rule.
    #[inline]
    pub fn allows(&self, header: &PlainHeader, expect: &Expect<'_>) -> bool {
        self.open.is_none() && expect.allows_whole(u64::from(header.length))
    }

    /// Takes a complete message of one frame.
    #[inline]
    pub fn take_whole(&mut self) {
        self.counts.take_whole();
    }

    pub(crate) const fn counts(&self) -> &Counts {
        &self.counts
    }

    #[inline]
    pub(crate) const fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Ends the open message, after its last frame's payload.
    #[inline]
    pub fn finish(&mut self) {
        self.open = None;
    }
}

/// The rules that the bits of the first two bytes break.
#[inline]
fn start_bits(header: &Header, expect: &Expect<'_>, faults: &mut Vec<Rule>) {
    // RFC 6455 §5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a
    // nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero
    // value, the receiving endpoint MUST _Fail the WebSocket Connection_."
    if header.rsv1 {
        if !expect.deflate {
            faults.push(Rule::Rsv1Unnegotiated);
        } else if header.opcode.is_control() {
            // RFC 7692 §6.1: the bit belongs to a message; a control frame is not part of one.
            faults.push(Rule::Rsv1OnControl);
        } else if header.opcode == Opcode::Continuation {
            // RFC 7692 §6.1: "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and
            // non-first fragments of a data message."
            faults.push(Rule::Rsv1OnContinuation);
        }
    }
    if header.rsv2 {
        faults.push(Rule::Rsv2Set);
    }
    if header.rsv3 {
        faults.push(Rule::Rsv3Set);
    }
    // RFC 6455 §5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
    // Connection_."
    if let Opcode::Reserved(_) = header.opcode {
        faults.push(if header.opcode.is_control() {
            Rule::OpcodeReservedControl
        } else {
            Rule::OpcodeReservedData
        });
    }
    // RFC 6455 §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be
    // fragmented."
    if header.opcode.is_control() && !header.fin {
        faults.push(Rule::ControlFragmented);
    }
    // RFC 6455 §5.1: "The server MUST close the connection upon receiving a frame that is not masked." "A client
    // MUST close a connection if it detects a masked frame."
    match (expect.sender, header.mask) {
        (Role::Client, None) => faults.push(Rule::MaskMissing),
        (Role::Server, Some(_)) => faults.push(Rule::MaskPresent),
        (Role::Client, Some(_)) | (Role::Server, None) => {}
    }
    // RFC 6455 §5.5: "All control frames MUST have a payload length of 125 bytes or less", so a longer form breaks the
    // rule whatever length follows.
    if header.opcode.is_control() && header.form != LengthForm::Seven {
        faults.push(Rule::ControlTooLong);
    }
}

/// RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length"; "the most significant bit MUST be 0".
#[inline]
fn long_length(header: &Header) -> Option<Rule> {
    match header.form {
        LengthForm::Sixteen if header.length < 126 => Some(Rule::LengthNotMinimal16),
        LengthForm::SixtyFour if header.length <= 0xffff => Some(Rule::LengthNotMinimal64),
        LengthForm::SixtyFour if header.length >> 63 != 0 => Some(Rule::LengthTopBit),
        LengthForm::Seven | LengthForm::Sixteen | LengthForm::SixtyFour => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_message_is_one_that_is_taken_and_finished() {
        let mut parts = Sequence::default();
        parts.take(&Header::new(Opcode::Ping, 0, None), false, None);
        let mut whole = parts.clone();
        parts.take(&Header::new(Opcode::Text, 5, None), false, None);
        parts.finish();
        whole.take_whole();
        assert_eq!(whole, parts);
    }

    /// For each pair of first bytes, at each point of the sequence, tolerated or not: they yield the same rules as the
    /// complete header, unless the extended length matters.
    #[test]
    fn two_bytes_decide_as_the_whole_header_does() {
        let mut open = Sequence::default();
        open.take(&Header { fin: false, ..Header::new(Opcode::Text, 5, None) }, false, None);
        let lenient =
            Strictness { masked_server_frames: true, unmasked_client_frames: true, ..Strictness::default() };
        let (mut decided, mut waited) = (0, 0);
        for (first, second) in (0..=u16::MAX).map(|pair| pair.to_be_bytes().into()) {
            for length in [[0; 8], [0, 5, 0, 0, 0, 0, 0, 0], [0xff; 8]] {
                let mut bytes = [0; 14];
                bytes[..2].copy_from_slice(&[first, second]);
                bytes[2..10].copy_from_slice(&length);
                let header = Header::decode(&bytes).expect("14 bytes are enough for any header");
                for (sequence, strictness) in [&Sequence::default(), &open]
                    .into_iter()
                    .flat_map(|sequence| [(sequence, Strictness::default()), (sequence, lenient)])
                {
                    let expect = Expect {
                        sender: Role::Client,
                        deflate: false,
                        limits: &Limits::DEFAULT,
                        messages: MessageKinds::TextOnly,
                        strictness,
                        now: None,
                    };
                    let whole = sequence.faults(&header, &expect);
                    match sequence.faults_of_start(&[first, second], &expect) {
                        Some((_, faults)) => {
                            decided += 1;
                            assert_eq!(faults, whole, "{first:02x} {second:02x} {length:02x?}");
                        }
                        None if header.form == LengthForm::Seven => {}
                        None => {
                            waited += 1;
                            let enforced = whole.iter().filter(|&&rule| !strictness.tolerates(rule));
                            let by_length = [
                                Rule::LengthNotMinimal16,
                                Rule::LengthNotMinimal64,
                                Rule::LengthTopBit,
                                Rule::FrameTooBig,
                                Rule::MessageTooBig,
                            ];
                            assert!(enforced.clone().all(|rule| by_length.contains(rule)), "{whole:?}");
                        }
                    }
                }
            }
        }
        assert!(decided > 0 && waited > 0);
    }
}
