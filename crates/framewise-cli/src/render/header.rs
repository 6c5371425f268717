use std::ops::Range;

use framewise_proto::Header;
use framewise_proto::frame::LengthForm;

/// What the bytes of a frame's header are, field by field; `at` is where they stand.
pub(crate) fn fields(bytes: &[u8], at: usize) -> Vec<(Range<usize>, String)> {
    let mut fields = Vec::new();
    let Some(header) = Header::decode_without_mask(bytes) else {
        // A header that is cut off: what is there of it.
        if let Some(&first) = bytes.first() {
            fields.push((
                at..at + 1,
                first_byte(&Header::decode_without_mask(&[first, 0]).unwrap_or_else(no_header)),
            ));
        }
        if bytes.len() > 1 {
            let form = if bytes[1] & 0x7f == 126 { "the next 16 bits" } else { "the next 64 bits" };
            fields.push((
                at + 1..at + 2,
                format!("{}, the length is in {form}, which end early", mask_bit(bytes[1] & 0x80 != 0)),
            ));
        }
        return fields;
    };
    fields.push((at..at + 1, first_byte(&header)));
    let masked = header.mask.is_some();
    let second = match header.form {
        LengthForm::Seven => format!("{}, length {}", mask_bit(masked), header.length),
        LengthForm::Sixteen => format!("{}, the length is in the next 16 bits", mask_bit(masked)),
        LengthForm::SixtyFour => format!("{}, the length is in the next 64 bits", mask_bit(masked)),
    };
    fields.push((at + 1..at + 2, second));
    let end = header.size() - if masked { 4 } else { 0 };
    if end > 2 {
        fields.push((at + 2..at + end, format!("length {}", header.length)));
    }
    if masked && bytes.len() >= end + 4 {
        fields.push((at + end..at + end + 4, "masking key".to_owned()));
    }
    fields
}

fn no_header() -> Header {
    Header::new(framewise_proto::Opcode::Continuation, 0, None)
}

/// `FIN, RSV1, text`
fn first_byte(header: &Header) -> String {
    format!("{}, {} (opcode {:X})", flags(header), header.opcode, header.opcode.bits())
}

fn mask_bit(masked: bool) -> &'static str {
    if masked { "MASK" } else { "no mask" }
}

/// `FIN RSV1`; where FIN is clear, it is said so.
pub(crate) fn flags(header: &Header) -> String {
    let mut flags = vec![if header.fin { "FIN" } else { "no FIN" }];
    for (set, name) in [(header.rsv1, "RSV1"), (header.rsv2, "RSV2"), (header.rsv3, "RSV3")] {
        if set {
            flags.push(name);
        }
    }
    flags.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_named() {
        let said = |bytes: &[u8]| {
            fields(bytes, 0).into_iter().map(|(range, says)| format!("{range:?} {says}")).collect::<Vec<_>>()
        };
        assert_eq!(said(b"\xc1\x05"), ["0..1 FIN RSV1, text (opcode 1)", "1..2 no mask, length 5"]);
        assert_eq!(
            said(b"\x02\xfe\x01\x00\x01\x02\x03\x04"),
            [
                "0..1 no FIN, binary (opcode 2)",
                "1..2 MASK, the length is in the next 16 bits",
                "2..4 length 256",
                "4..8 masking key"
            ]
        );
        assert_eq!(
            said(b"\x81\x7f\x00"),
            ["0..1 FIN, text (opcode 1)", "1..2 no mask, the length is in the next 64 bits, which end early"]
        );
        assert_eq!(said(b"\x81"), ["0..1 FIN, text (opcode 1)"]);
        assert_eq!(said(b"\x83\x00"), ["0..1 FIN, reserved opcode 3 (opcode 3)", "1..2 no mask, length 0"]);
    }
}
