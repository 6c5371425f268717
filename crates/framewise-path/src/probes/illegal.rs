use framewise_proto::Opcode;
use framewise_proto::frame::LengthForm;
use framewise_rules::{Role, Rule};

use super::{SIDES, frame, marker, send};
use crate::probe::{Group, Probe};
use crate::report::Severity;
use crate::wire::Frame;

/// Frames that an endpoint must reject. Whether an intermediary passes them on is worth knowing, and no fault either way.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        let new = |opcode, payload: &[u8]| Frame::new(from, opcode, payload);
        let with = |mut frame: Frame, change: fn(&mut Frame)| {
            change(&mut frame);
            frame.bytes()
        };
        let text = || new(Opcode::Text, b"hello");
        let close = |code: u16| new(Opcode::Close, &code.to_be_bytes()).bytes();
        let mask = match from {
            Role::Client => {
                ("mask-missing", Rule::MaskMissing, with(text(), |frame| frame.header.mask = None))
            }
            Role::Server => (
                "mask-present",
                Rule::MaskPresent,
                with(text(), |frame| frame.header.mask = Some([1, 2, 3, 4])),
            ),
        };
        let rows = vec![
            mask,
            ("rsv1", Rule::Rsv1Unnegotiated, with(text(), |frame| frame.header.rsv1 = true)),
            ("rsv2", Rule::Rsv2Set, with(text(), |frame| frame.header.rsv2 = true)),
            ("rsv3", Rule::Rsv3Set, with(text(), |frame| frame.header.rsv3 = true)),
            ("opcode-3", Rule::OpcodeReservedData, new(Opcode::Reserved(3), b"x").bytes()),
            ("opcode-b", Rule::OpcodeReservedControl, new(Opcode::Reserved(11), b"x").bytes()),
            (
                "length-16",
                Rule::LengthNotMinimal16,
                with(text(), |frame| frame.header.form = LengthForm::Sixteen),
            ),
            (
                "length-64",
                Rule::LengthNotMinimal64,
                with(text(), |frame| frame.header.form = LengthForm::SixtyFour),
            ),
            ("ping-fragmented", Rule::ControlFragmented, new(Opcode::Ping, b"x").more().bytes()),
            ("ping-126", Rule::ControlTooLong, new(Opcode::Ping, &[b'x'; 126]).bytes()),
            ("continuation", Rule::ContinuationOrphan, frame(from, Opcode::Continuation, "x")),
            ("utf8", Rule::TextInvalidUtf8, new(Opcode::Text, &[0xc3, 0x28]).bytes()),
            ("close-one-byte", Rule::ClosePayloadOneByte, new(Opcode::Close, &[3]).bytes()),
            ("close-1005", Rule::CloseCodeReserved, close(1005)),
            ("close-999", Rule::CloseCodeInvalid, close(999)),
        ];
        for (name, rule, bytes) in rows {
            let says =
                format!("what breaks {rule} from the {from} is passed on, repaired, or ends the connection");
            let mut probe =
                Probe::new(Group::Illegal, format!("{name}-{from}"), says).severity(Severity::Note);
            probe.rule = Some(rule);
            probes.push(probe.from(from, vec![send(&[bytes, marker(from)])], 2));
        }
    }
    probes
}
