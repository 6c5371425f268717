use alloc::vec::Vec;

use framewise_rules::{Limits, MessageKinds, Role, Rule};

use super::{Header, LengthForm, Opcode};

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

/// A message of which frames are still to come, or bytes of the frame at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMessage {
    /// Text or binary.
    pub kind: MessageKind,
    /// RSV1 was set on its first frame, by agreement.
    pub compressed: bool,
    /// Frames of it so far.
    pub fragments: u32,
    /// Bytes of payload that its frames announced so far.
    pub length: u64,
}

/// What decides whether a header is allowed, beside the frames before it.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'l> {
    /// Who sends the frames.
    pub sender: Role,
    /// permessage-deflate was agreed: RSV1 has a meaning.
    pub deflate: bool,
    /// The limits of the receiver.
    pub limits: &'l Limits,
    /// The kinds of message that the receiver takes.
    pub messages: MessageKinds,
}

impl Expect<'_> {
    /// Whether no limit is against a message of one frame of this length.
    #[inline]
    pub(crate) fn allows_whole(&self, length: u64) -> bool {
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
    /// Control frames since the last data frame, or since the second began.
    controls: u32,
    /// The number of the frame that was taken in last, from 1.
    frames: u64,
    /// The number of the message that was begun last, from 1.
    messages: u64,
}

impl Sequence {
    /// The message that is open.
    pub const fn open(&self) -> Option<OpenMessage> {
        self.open
    }

    /// Frames taken in so far.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Messages begun so far.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Every rule that this header breaks, in the order of the bits on the wire, then of the sequence, then the limits.
    ///
    /// It changes nothing; [`Sequence::take`] does.
    #[inline]
    pub fn faults(&self, header: &Header, expect: &Expect<'_>) -> Vec<Rule> {
        let mut faults = Vec::new();
        bits(header, expect, &mut faults);
        if header.opcode.is_control() {
            // A Close is the end of a flood, whatever came before it.
            if self.controls >= expect.limits.control_run && header.opcode != Opcode::Close {
                faults.push(Rule::ControlFlood);
            }
        } else {
            self.data(header, expect, &mut faults);
        }
        faults
    }

    #[inline]
    fn data(&self, header: &Header, expect: &Expect<'_>, faults: &mut Vec<Rule>) {
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
        // RFC 6455 §10.4: limits, told from the header: no byte of the payload is taken in first.
        let limits = expect.limits;
        if header.length > limits.frame {
            faults.push(Rule::FrameTooBig);
        }
        let (before, fragments) = match self.open {
            Some(open) if header.opcode == Opcode::Continuation => (open.length, open.fragments),
            _ => (0, 0),
        };
        if before.saturating_add(header.length) > limits.message {
            faults.push(Rule::MessageTooBig);
        }
        if fragments >= limits.fragments {
            faults.push(Rule::FragmentsTooMany);
        }
    }

    /// Takes the frame in, faulty or not: an observer goes on.
    ///
    /// A data frame leaves its message open, also the last one: [`Sequence::finish`] ends it when its payload is done.
    /// `deflate`: as in [`Expect`].
    #[inline]
    pub fn take(&mut self, header: &Header, deflate: bool) {
        self.frames += 1;
        if header.opcode.is_control() {
            self.controls = self.controls.saturating_add(1);
            return;
        }
        self.controls = 0;
        if header.opcode == Opcode::Continuation
            && let Some(open) = &mut self.open
        {
            open.fragments = open.fragments.saturating_add(1);
            open.length = open.length.saturating_add(header.length);
            return;
        }
        self.messages += 1;
        let kind = if header.opcode == Opcode::Text { MessageKind::Text } else { MessageKind::Binary };
        let compressed = header.rsv1 && deflate;
        self.open = Some(OpenMessage { kind, compressed, fragments: 1, length: header.length });
    }

    /// Takes a message in that is one frame, of which every byte is there.
    #[inline]
    pub(crate) fn take_whole(&mut self) {
        self.frames += 1;
        self.messages += 1;
        self.controls = 0;
    }

    /// A second has passed: control frames in a row are counted anew. A heartbeat that goes on for days is no flood.
    pub const fn second_passed(&mut self) {
        self.controls = 0;
    }

    /// The last frame of the open message is done.
    #[inline]
    pub fn finish(&mut self) {
        self.open = None;
    }
}

#[inline]
fn bits(header: &Header, expect: &Expect<'_>, faults: &mut Vec<Rule>) {
    // RFC 6455 §5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a
    // nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero
    // value, the receiving endpoint MUST _Fail the WebSocket Connection_."
    if header.rsv1 {
        if !expect.deflate {
            faults.push(Rule::Rsv1Unnegotiated);
        } else if header.opcode.is_control() {
            // RFC 7692 §6.1: it is the bit of a message, and a control frame is no part of one.
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
    // RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length"; "the most significant bit
    // MUST be 0".
    match header.form {
        LengthForm::Sixteen if header.length < 126 => faults.push(Rule::LengthNotMinimal16),
        LengthForm::SixtyFour if header.length <= 0xffff => faults.push(Rule::LengthNotMinimal64),
        LengthForm::SixtyFour if header.length >> 63 != 0 => faults.push(Rule::LengthTopBit),
        LengthForm::Seven | LengthForm::Sixteen | LengthForm::SixtyFour => {}
    }
    if header.opcode.is_control() && header.length > 125 {
        faults.push(Rule::ControlTooLong);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_message_is_one_that_is_taken_and_finished() {
        let mut parts = Sequence::default();
        parts.take(&Header::new(Opcode::Ping, 0, None), false);
        let mut whole = parts.clone();
        parts.take(&Header::new(Opcode::Text, 5, None), false);
        parts.finish();
        whole.take_whole();
        assert_eq!(whole, parts);
    }
}
