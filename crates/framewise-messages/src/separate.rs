//! A message that can denote several rules often carries the number that tells them apart.

use framewise_rules::{Cause, CloseCode, Rule};

use crate::table::Named;

/// The rules that remain, given the numbers in the variable parts of a message.
pub(crate) fn rules(rules: &[Named], numbers: &[u64]) -> Vec<Named> {
    let keeps = |rule: &Named| match rule {
        Named::Rule(rule) => keeps(*rule, rules, numbers),
        Named::OverHttp2(_) => true,
    };
    let kept: Vec<Named> = rules.iter().copied().filter(keeps).collect();
    if kept.is_empty() { rules.to_vec() } else { kept }
}

fn keeps(rule: Rule, among: &[Named], numbers: &[u64]) -> bool {
    let both = |a, b| among.contains(&Named::Rule(a)) && among.contains(&Named::Rule(b));
    match (rule, numbers.first()) {
        (Rule::OpcodeReservedData, Some(opcode)) => !(11..=15).contains(opcode),
        (Rule::OpcodeReservedControl, Some(opcode)) => !(3..=7).contains(opcode),
        (Rule::CloseCodeReserved, Some(&code)) if both(Rule::CloseCodeReserved, Rule::CloseCodeInvalid) => {
            u16::try_from(code).is_ok_and(|code| CloseCode(code).is_reserved())
        }
        (Rule::CloseCodeInvalid, Some(&code)) if both(Rule::CloseCodeReserved, Rule::CloseCodeInvalid) => {
            u16::try_from(code).is_ok_and(|code| !CloseCode(code).is_reserved())
        }
        // The same words are said of a close code and of a status.
        (Rule::ResponseStatus, Some(number)) if both(rule, Rule::CloseCodeInvalid) => {
            (100..600).contains(number)
        }
        // The three bits in the first byte of a frame.
        (Rule::Rsv1Unnegotiated, Some(bits)) if is_bits(*bits) => bits & 0x40 != 0,
        (Rule::Rsv2Set, Some(bits)) if is_bits(*bits) => bits & 0x20 != 0,
        (Rule::Rsv3Set, Some(bits)) if is_bits(*bits) => bits & 0x10 != 0,
        (Rule::ControlTooLong, Some(length)) if both(rule, Rule::ClosePayloadOneByte) => *length != 1,
        (Rule::ClosePayloadOneByte, Some(length)) if both(rule, Rule::ControlTooLong) => *length == 1,
        _ => true,
    }
}

fn is_bits(bits: u64) -> bool {
    matches!(bits, 0x10 | 0x20 | 0x30 | 0x40 | 0x50 | 0x60 | 0x70)
}

/// What a close code that cannot be one says about its making.
pub(crate) fn causes_of_code(code: u64) -> Option<Cause> {
    let code = u16::try_from(code).ok()?;
    let [high, low] = code.to_be_bytes();
    if CloseCode(code).is_reserved() {
        Some(Cause::CloseCodeForwarded)
    } else if CloseCode(code).may_be_sent() {
        None
    } else if high.is_ascii_digit() && low.is_ascii_digit() {
        Some(Cause::CloseCodeAsText)
    } else if is_letter(high) && is_letter(low) {
        Some(Cause::CloseReasonWithoutCode)
    } else if CloseCode(code.swap_bytes()).may_be_sent() {
        Some(Cause::CloseCodeByteOrder)
    } else {
        Some(Cause::CloseCodeMadeUp)
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'{' | b'[' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_rules_apart() {
        let opcodes = [Named::Rule(Rule::OpcodeReservedData), Named::Rule(Rule::OpcodeReservedControl)];
        assert_eq!(rules(&opcodes, &[7]), opcodes[..1]);
        assert_eq!(rules(&opcodes, &[11]), opcodes[1..]);
        assert_eq!(rules(&opcodes, &[]), opcodes);
        // It is no opcode: the number of a line, say.
        assert_eq!(rules(&opcodes, &[200]), opcodes);
        let codes = [Named::Rule(Rule::CloseCodeReserved), Named::Rule(Rule::CloseCodeInvalid)];
        assert_eq!(rules(&codes, &[1006]), codes[..1]);
        assert_eq!(rules(&codes, &[22_373]), codes[1..]);
        let bits =
            [Named::Rule(Rule::Rsv1Unnegotiated), Named::Rule(Rule::Rsv2Set), Named::Rule(Rule::Rsv3Set)];
        assert_eq!(rules(&bits, &[0x50]), [bits[0], bits[2]]);
        assert_eq!(rules(&bits, &[4]), bits);
    }

    #[test]
    fn an_impossible_code_tells_how_it_was_made() {
        for (code, cause) in [
            (1006, Some(Cause::CloseCodeForwarded)),
            (12_592, Some(Cause::CloseCodeAsText)),
            (22_373, Some(Cause::CloseReasonWithoutCode)),
            (59_395, Some(Cause::CloseCodeByteOrder)),
            (0, Some(Cause::CloseCodeMadeUp)),
            (1000, None),
            (70_000, None),
        ] {
            assert_eq!(causes_of_code(code), cause, "{code}");
        }
    }
}
