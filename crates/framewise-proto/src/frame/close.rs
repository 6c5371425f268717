use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use framewise_rules::{CloseCode, Rule};
use framewise_simd::Utf8;

use crate::Detail;

/// The payload of a Close frame (RFC 6455 §5.5.1).
///
/// ```
/// use framewise_proto::CloseFrame;
///
/// assert_eq!(CloseFrame::new(4001, "too slow").to_string(), "4001 \"too slow\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// The status code.
    pub code: CloseCode,
    /// The reason: for people who debug, not for a program to read.
    pub reason: String,
}

impl CloseFrame {
    /// A code with a reason, which may be empty.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<String>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }

    /// Encodes the payload. `Connection::close` checks that it fits into a control frame.
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(2 + self.reason.len());
        payload.extend_from_slice(&self.code.0.to_be_bytes());
        payload.extend_from_slice(self.reason.as_bytes());
        payload
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " {:?}", self.reason)?;
        }
        Ok(())
    }
}

/// A fault in the payload of a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseFault {
    /// The rule.
    pub rule: Rule,
    /// Bytes from the start of the payload.
    pub offset: usize,
    /// Bytes that are wrong.
    pub length: usize,
    /// The code that must not be sent, or what is wrong with the reason's UTF-8.
    pub detail: Detail,
}

/// Checks the payload of a Close frame, unmasked and complete.
pub fn check_close(payload: &[u8]) -> Result<Option<CloseFrame>, CloseFault> {
    let fault = |rule, length, detail| CloseFault { rule, offset: 0, length, detail };
    let (code, reason) = match payload {
        [] => return Ok(None),
        // RFC 6455 §5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
        [_] => return Err(fault(Rule::ClosePayloadOneByte, 1, Detail::None)),
        [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
    };
    // RFC 6455 §7.4.1: 1004 is reserved; 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control
    // frame by an endpoint".
    if code.is_reserved() {
        return Err(fault(Rule::CloseCodeReserved, 2, Detail::Code(code)));
    }
    // RFC 6455 §7.4.2, and the codes that the registry has assigned since.
    if !code.may_be_sent() {
        return Err(fault(Rule::CloseCodeInvalid, 2, Detail::Code(code)));
    }
    // RFC 6455 §5.5.1: "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/".
    if let Ok(reason) = core::str::from_utf8(reason) {
        return Ok(Some(CloseFrame { code, reason: reason.into() }));
    }
    let mut utf8 = Utf8::new();
    let (offset, length, detail) = match utf8.validate(reason) {
        Err(error) => (error.offset, 1, Detail::Utf8(error.fault)),
        Ok(()) => (reason.len() - utf8.open(), utf8.open(), Detail::None),
    };
    Err(CloseFault { rule: Rule::CloseReasonInvalidUtf8, offset: 2 + offset, length, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_answered_as_the_registry_has_it() {
        for code in 0..=u16::MAX {
            let checked = check_close(&code.to_be_bytes());
            let expected = match code {
                1004..=1006 | 1015 => Some(Rule::CloseCodeReserved),
                1000..=1014 | 3000..=4999 => None,
                _ => Some(Rule::CloseCodeInvalid),
            };
            assert_eq!(checked.err().map(|fault| fault.rule), expected, "{code}");
        }
    }

    #[test]
    fn a_reason_cut_inside_a_character_is_told_where_the_character_begins() {
        let fault = check_close(b"\x03\xe8ab\xe2\x82").expect_err("the character is not complete");
        assert_eq!((fault.rule, fault.offset, fault.length), (Rule::CloseReasonInvalidUtf8, 4, 2));
    }
}
