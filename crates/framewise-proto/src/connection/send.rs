//! The commands: what an application sends.

use alloc::vec::Vec;
use core::time::Duration;

use framewise_rules::{CloseCode, Role};
use framewise_simd::{Utf8, unmask};

use super::Connection;
use super::state::State;
use crate::frame::MAX_HEADER;
use crate::{CloseFrame, Header, MessageKind, Misuse, Opcode};

impl Connection {
    /// Queues a text message as one frame.
    pub fn send_text(&mut self, text: &str) -> Result<(), Misuse> {
        self.send(MessageKind::Text, text.as_bytes())
    }

    /// Queues a binary message as one frame.
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.send(MessageKind::Binary, payload)
    }

    /// Queues the payload of a text message that this engine received, or that was checked before, without a second
    /// check. Bytes that are not UTF-8 would break `text-invalid-utf8`: for callers whose type proves that they are.
    #[doc(hidden)]
    pub fn send_checked(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        debug_assert!(kind == MessageKind::Binary || core::str::from_utf8(payload).is_ok());
        self.send(kind, payload)
    }

    fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        self.may_begin()?;
        if self.compresses(payload.len()) {
            self.compressed(kind.opcode(), true, true, payload);
        } else {
            self.frame(kind.opcode(), true, false, payload);
        }
        Ok(())
    }

    /// Compresses a part of a message, and encodes what came of it as a frame. RFC 7692 §6.1: the first carries RSV1.
    fn compressed(&mut self, opcode: Opcode, first: bool, last: bool, payload: &[u8]) {
        let Some(compressor) = &mut self.compressor else { return };
        // How long the header is, is known when the compressed payload is there: it moves up to it.
        let start = self.out.len();
        let room = start + MAX_HEADER;
        self.out.resize(room, 0);
        compressor.compress(payload, last, &mut self.out);
        let length = self.out.len() - room;
        let mask = self.keys.as_mut().map(|keys| keys());
        let header = Header { fin: last, rsv1: first, ..Header::new(opcode, length as u64, mask) };
        let (header, size) = header.encode();
        self.out[start..start + size].copy_from_slice(&header[..size]);
        self.out.copy_within(room.., start + size);
        self.out.truncate(start + size + length);
        if let Some(key) = mask {
            unmask(&mut self.out[start + size..], key, 0);
        }
    }

    /// Whether a message may begin now; if not, why.
    pub fn may_begin(&self) -> Result<(), Misuse> {
        if !self.is_open() {
            return Err(Misuse::Closed);
        }
        if self.sending.is_some() {
            return Err(Misuse::MessageOpen);
        }
        Ok(())
    }

    /// Queues the header of a whole message whose payload, `length` bytes of it, the caller writes after everything
    /// that is queued: a large payload is not copied. A client has to mask it with the key that is returned.
    ///
    /// For text the caller answers for the payload's UTF-8, see [`Connection::send_checked`].
    #[doc(hidden)]
    pub fn send_header(&mut self, kind: MessageKind, length: u64) -> Result<Option<[u8; 4]>, Misuse> {
        self.may_begin()?;
        let mask = self.keys.as_mut().map(|keys| keys());
        let (header, size) = Header::new(kind.opcode(), length, mask).encode();
        self.out.extend_from_slice(&header[..size]);
        Ok(mask)
    }

    /// Begins a message that is sent in parts, with [`Connection::send_part`].
    pub fn begin(&mut self, kind: MessageKind) -> Result<(), Misuse> {
        self.may_begin()?;
        self.sending = Some((kind, true, Utf8::new()));
        Ok(())
    }

    /// Queues a part of the message that was begun, as a frame; `last` ends the message. A text may be cut anywhere,
    /// also inside a character.
    pub fn send_part(&mut self, payload: &[u8], last: bool) -> Result<(), Misuse> {
        if !self.is_open() {
            return Err(Misuse::Closed);
        }
        let Some((kind, first, mut utf8)) = self.sending else { return Err(Misuse::NoMessageOpen) };
        if kind == MessageKind::Text && (utf8.validate(payload).is_err() || (last && !utf8.is_boundary())) {
            return Err(Misuse::TextNotUtf8);
        }
        self.sending = if last { None } else { Some((kind, false, utf8)) };
        let opcode = if first { kind.opcode() } else { Opcode::Continuation };
        if self.compressor.is_some() {
            self.compressed(opcode, first, last, payload);
        } else {
            self.frame(opcode, last, false, payload);
        }
        Ok(())
    }

    /// Queues an unsolicited Pong (RFC 6455 §5.5.3: "a unidirectional heartbeat").
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.control_frame(Opcode::Pong, payload)
    }

    pub(super) fn control_frame(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Misuse> {
        if !self.is_open() {
            return Err(Misuse::Closed);
        }
        if payload.len() > 125 {
            return Err(Misuse::ControlTooLong { length: payload.len() });
        }
        self.frame(opcode, true, false, payload);
        Ok(())
    }

    /// Queues a Close, with a code and a reason or with neither, and waits for the peer's until the limit.
    pub fn close(&mut self, now: Duration, close: Option<&CloseFrame>) -> Result<(), Misuse> {
        if !self.is_open() {
            return Err(Misuse::Closed);
        }
        if let Some(close) = close {
            if !close.code.may_be_sent()
                || (self.role == Role::Server && close.code == CloseCode::MANDATORY_EXTENSION)
            {
                return Err(Misuse::CloseCode(close.code));
            }
            if close.reason.len() > 123 {
                return Err(Misuse::ControlTooLong { length: close.reason.len() });
            }
        }
        self.queue_close(close);
        self.state = State::Closing { until: now.saturating_add(self.receiver.limits().close) };
        Ok(())
    }

    pub(super) fn queue_close(&mut self, close: Option<&CloseFrame>) {
        self.answer_owed();
        self.sending = None;
        let payload = close.map_or_else(Vec::new, CloseFrame::payload);
        self.frame(Opcode::Close, true, false, &payload);
    }

    /// Encodes a frame behind what is queued.
    #[expect(clippy::inline_always, reason = "most of the header is known where a message is sent")]
    #[inline(always)]
    pub(super) fn frame(&mut self, opcode: Opcode, fin: bool, rsv1: bool, payload: &[u8]) {
        let mask = self.keys.as_mut().map(|keys| keys());
        let (header, size) = Header { fin, rsv1, ..Header::new(opcode, payload.len() as u64, mask) }.encode();
        self.out.reserve(header.len() + payload.len());
        let start = self.out.len() + size;
        // All of the array, and what is too much away again: a copy of a size that is known is no call.
        self.out.extend_from_slice(&header);
        self.out.truncate(start);
        self.out.extend_from_slice(payload);
        if let Some(key) = mask {
            unmask(&mut self.out[start..], key, 0);
        }
    }
}
