//! Checks the payload of control frames (RFC 6455 §5.5).

use framewise_proto::frame::check_close;
use framewise_proto::{Detail, Header, Opcode};
use framewise_rules::{CloseCode, Role, Rule};

use super::{CloseSeen, Frames, Moment, Signal};

impl Frames {
    pub(super) fn end_control(&mut self, header: &Header, at: Moment) {
        let (offset, frame) = self.log.last().map_or((self.at, 0), |frame| (frame.offset, frame.number));
        let payload = std::mem::take(&mut self.control);
        match header.opcode {
            Opcode::Ping => self.signals.push(Signal::Ping { payload, offset }),
            Opcode::Pong => self.signals.push(Signal::Pong { payload, offset, frame }),
            Opcode::Close => {
                if self.close.is_none() {
                    let start = offset + header.size() as u64;
                    if header.length <= 125 {
                        self.check_close(&payload, start);
                    }
                    let code = payload.first_chunk().map(|&code| CloseCode(u16::from_be_bytes(code)));
                    let reason = payload
                        .get(2..)
                        .map_or_else(String::new, |reason| String::from_utf8_lossy(reason).into());
                    let close =
                        CloseSeen { code, reason, offset, payload: offset + header.size() as u64, frame, at };
                    self.close = Some(close.clone());
                    self.signals.push(Signal::Close(close));
                }
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary | Opcode::Reserved(_) => {}
        }
    }

    fn check_close(&mut self, payload: &[u8], start: u64) {
        let (rule, offset, length, detail) = match check_close(payload) {
            Err(fault) => (fault.rule, fault.offset as u64, fault.length as u64, fault.detail),
            // RFC 6455 §7.4.1, 1010: "this status code is not used by the server".
            Ok(Some(close)) if close.code == CloseCode::MANDATORY_EXTENSION && self.role == Role::Server => {
                (Rule::CloseCodeWrongRole, 0, 2, Detail::None)
            }
            Ok(_) => return,
        };
        let violation = self.violation(rule, start + offset, length, detail);
        self.signals.push(Signal::Broken(violation));
    }
}
