//! Reports the faults of headers, and of a direction's headers together.

use framewise_proto::frame::{Expect, LengthForm, MAX_HEADER};
use framewise_proto::{Detail, Header, Opcode, Strictness, Violation};
use framewise_rules::{Role, Rule};

use super::{Frames, Moment, Signal};

impl Frames {
    pub(super) fn report(&mut self, header: &Header, length: u64, mut faults: Vec<Rule>) {
        if self.close.is_some() && !self.after_close {
            // RFC 6455 §5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
            self.after_close = true;
            faults.insert(0, Rule::FrameAfterClose);
        }
        if faults.is_empty() {
            return;
        }
        self.reported = Some(self.at);
        let rule = faults.remove(0);
        let begins = !header.opcode.is_control() && header.opcode != Opcode::Continuation;
        let violation = self.violation(rule, self.at, length, self.detail(rule, header));
        self.signals.push(Signal::Broken(Violation {
            // The frame of this header was not counted yet.
            frame: violation.frame + 1,
            message: violation.message + u64::from(begins),
            also: faults,
            ..violation
        }));
    }

    /// Reports the faults that the first bytes of a header show, whatever follows.
    pub(super) fn judge_partial(&mut self, bytes: &[u8], at: Moment) {
        if bytes.is_empty() || self.reported == Some(self.at) {
            return;
        }
        let mut padded = [0; MAX_HEADER];
        padded[..bytes.len()].copy_from_slice(bytes);
        let Some(mut header) = Header::decode_without_mask(&padded) else { return };
        if let [_] = bytes {
            // The MASK bit and the length are in the second byte.
            header.mask = (self.role == Role::Client).then_some([0; 4]);
        } else if header.form != LengthForm::Seven {
            // RFC 6455 §5.2: the longer forms mean at least 126 and at least 65,536 bytes.
            header.length = if header.form == LengthForm::Sixteen { 126 } else { 0x1_0000 };
        }
        let limits = self.limits.message(u64::MAX).frame(u64::MAX);
        let expect = Expect {
            sender: self.role,
            deflate: self.deflate,
            limits: &limits,
            messages: self.messages,
            strictness: Strictness::default(),
            now: at.time,
        };
        let faults = if self.after_close { Vec::new() } else { self.sequence.faults(&header, &expect) };
        self.report(&header, bytes.len() as u64, faults);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most rules' sentences say it all")]
    fn detail(&self, rule: Rule, header: &Header) -> Detail {
        let limits = &self.limits;
        match rule {
            Rule::FrameTooBig => Detail::Limit { got: header.length, limit: limits.frame },
            Rule::MessageTooBig => {
                let before = self.sequence.open().map_or(0, |open| open.length);
                Detail::Limit { got: before.saturating_add(header.length), limit: limits.message }
            }
            Rule::LengthNotMinimal16 | Rule::LengthNotMinimal64 => Detail::Length(header.length),
            Rule::ControlTooLong if header.form == LengthForm::Sixteen => Detail::Words("a 16-bit length"),
            Rule::ControlTooLong => Detail::Words("a 64-bit length"),
            Rule::OpcodeReservedControl | Rule::OpcodeReservedData | Rule::FrameAfterClose => {
                Detail::Opcode(header.opcode)
            }
            Rule::FragmentsTooMany => {
                let limit = limits.fragments.into();
                Detail::Limit { got: limit + 1, limit }
            }
            _ => Detail::None,
        }
    }

    /// RFC 6455 §4.2.2: the handshake ends with its empty line, and frames follow it.
    pub(super) fn extra_bytes(&mut self, until: u64) {
        let length = until - self.at;
        let violation = self.violation(Rule::ResponseExtraBytes, self.at, length, Detail::Bytes(length));
        self.signals.push(Signal::Broken(violation));
        self.at = until;
    }

    /// RFC 6455 §5.3: "The masking key needs to be unpredictable". Three keys in a row are a pattern; two may be
    /// chance.
    pub(super) fn predictable_key(&mut self) {
        let keys = self.log.keys;
        let detail = match (keys.zero >= 3, keys.same >= 2, keys.counting >= 2) {
            (true, _, _) => "three in a row are zero",
            (_, true, _) => "three in a row are the same",
            (_, _, true) => "three in a row count up",
            (false, false, false) => return,
        };
        if self.role == Role::Client && !self.predictable && !self.after_close {
            self.predictable = true;
            let length = self.log.last().map_or(0, |frame| frame.header.size() as u64);
            let violation = self.violation(Rule::MaskKeyPredictable, self.at, length, Detail::Words(detail));
            self.signals.push(Signal::Broken(violation));
        }
    }
}
