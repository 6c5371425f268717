//! The commands that send.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use framewise_rules::{CloseCode, Role};
use framewise_simd::{Utf8, Utf8Bytes, unmask};

use super::Connection;
use super::idle::push_small;
use super::state::State;
use crate::frame::{MAX_HEADER, PlainHeader};
use crate::{CloseFrame, Header, MessageKind, Misuse, Opcode};

/// A payload of at least this size becomes a segment of its own; a smaller one is cheaper to copy.
pub(super) const LARGE: usize = 4 * 1024 + 1;

impl Connection {
    /// Queues a text message as one frame.
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), Misuse> {
        self.send(MessageKind::Text, text.as_bytes())
    }

    /// Queues a binary message as one frame.
    #[inline]
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.send(MessageKind::Binary, payload)
    }

    /// Queues a text message as one frame. A payload of more than 4 KiB that is not compressed is not copied
    /// ([`Transmit::segments`](crate::Transmit::segments)). A client masks it in place if it is the only owner, and
    /// otherwise masks a copy.
    pub fn send_text_shared(&mut self, text: Utf8Bytes) -> Result<(), Misuse> {
        self.send_shared(MessageKind::Text, text.into_bytes())
    }

    /// Queues a binary message as [`Connection::send_text_shared`] queues a text.
    pub fn send_binary_shared(&mut self, payload: Bytes) -> Result<(), Misuse> {
        self.send_shared(MessageKind::Binary, payload)
    }

    fn send_shared(&mut self, kind: MessageKind, payload: Bytes) -> Result<(), Misuse> {
        if payload.len() < LARGE || self.compresses(payload.len()) {
            return self.send(kind, &payload);
        }
        self.may_begin()?;
        self.large(kind.opcode(), false, payload);
        Ok(())
    }

    /// Encodes the header of a message in one frame, and queues its payload without copying it.
    pub(super) fn large(&mut self, opcode: Opcode, rsv1: bool, payload: Bytes) {
        let Some(keys) = &mut self.keys else {
            let (header, size) = Header { rsv1, ..Header::new(opcode, payload.len() as u64, None) }.encode();
            self.out.encoded().extend_from_slice(&header[..size]);
            return self.out.push_large(payload);
        };
        // RFC 6455 §5.1: "a client MUST mask all frames that it sends to the server".
        match payload.try_into_mut() {
            Ok(mut payload) => {
                let key = keys();
                let header = Header { rsv1, ..Header::new(opcode, payload.len() as u64, Some(key)) };
                let (header, size) = header.encode();
                self.out.encoded().extend_from_slice(&header[..size]);
                unmask(&mut payload, key, 0);
                self.out.push_large(payload.freeze());
            }
            Err(payload) => self.frame(opcode, true, rsv1, &payload),
        }
    }

    #[inline]
    fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        // Nearly every message of a server; the checks are those of `may_begin` and `compresses`.
        if self.keys.is_none()
            && self.compressor.is_none()
            && self.may_begin().is_ok()
            && let Some(header) = PlainHeader::word(kind, payload.len())
        {
            push_small(self.out.encoded(), header, payload);
            return Ok(());
        }
        self.send_any(kind, payload)
    }

    #[inline(never)]
    fn send_any(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        self.may_begin()?;
        if self.compresses(payload.len()) {
            self.compressed(kind.opcode(), true, true, payload);
        } else {
            self.frame(kind.opcode(), true, false, payload);
        }
        Ok(())
    }

    /// Compresses a part of a message and encodes it as a frame. RFC 7692 §6.1: the first frame has RSV1 set.
    fn compressed(&mut self, opcode: Opcode, first: bool, last: bool, payload: &[u8]) {
        let Some(compressor) = &mut self.compressor else { return };
        // The header's size is known only after compression: leave space for the longest, then close the gap.
        let out = self.out.encoded();
        let start = out.len();
        let room = start + MAX_HEADER;
        out.resize(room, 0);
        compressor.compress(payload, last, out);
        let length = out.len() - room;
        let mask = self.keys.as_mut().map(|keys| keys());
        let header = Header { fin: last, rsv1: first, ..Header::new(opcode, length as u64, mask) };
        let (header, size) = header.encode();
        out[start..start + size].copy_from_slice(&header[..size]);
        out.copy_within(room.., start + size);
        out.truncate(start + size + length);
        if let Some(key) = mask {
            unmask(&mut out[start + size..], key, 0);
        }
    }

    /// Whether a message may begin now; if not, why.
    #[inline]
    pub fn may_begin(&self) -> Result<(), Misuse> {
        if !self.is_open() {
            return Err(Misuse::Closed);
        }
        if self.sending.is_some() {
            return Err(Misuse::MessageOpen);
        }
        Ok(())
    }

    /// Begins a message whose parts are sent with [`Connection::send_part`].
    pub fn begin(&mut self, kind: MessageKind) -> Result<(), Misuse> {
        self.may_begin()?;
        self.sending = Some((kind, true, Utf8::new()));
        Ok(())
    }

    /// Queues a part of the message that was begun, as a frame; `last` ends the message. A text may be cut anywhere,
    /// even within a character.
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

    /// Queues a Close, with a code and a reason or with neither. The peer's Close is awaited for
    /// [`Limits::close`](framewise_rules::Limits::close).
    pub fn close(&mut self, now: Duration, close: Option<&CloseFrame>) -> Result<(), Misuse> {
        self.check_close(close)?;
        self.queue_close(close);
        self.state = State::Closing { until: now.saturating_add(self.receiver.limits().close) };
        Ok(())
    }

    fn check_close(&self, close: Option<&CloseFrame>) -> Result<(), Misuse> {
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
        Ok(())
    }

    /// As [`Connection::close`], but everything that is queued here is dropped first. What [`Connection::poll_transmit`] gave
    /// before is the caller's to drop: [`Transmit::drop_unbegun`](crate::Transmit::drop_unbegun).
    ///
    /// ```
    /// use core::time::Duration;
    /// use framewise_proto::{CloseFrame, Config, Connection, rules::CloseCode};
    ///
    /// let mut server = Connection::server(Config::default(), 0, Duration::ZERO);
    /// server.send_text("too late")?;
    /// let close = CloseFrame::new(CloseCode::POLICY_VIOLATION, "too slow");
    /// server.abort(Duration::ZERO, Some(&close))?;
    /// assert_eq!(server.poll_transmit().expect("the Close").into_vec(), b"\x88\x0a\x03\xf0too slow");
    /// # Ok::<(), framewise_proto::Misuse>(())
    /// ```
    pub fn abort(&mut self, now: Duration, close: Option<&CloseFrame>) -> Result<(), Misuse> {
        self.check_close(close)?;
        self.owed = None;
        self.out.clear();
        self.close(now, close)
    }

    pub(super) fn queue_close(&mut self, close: Option<&CloseFrame>) {
        self.answer_owed();
        self.sending = None;
        let payload = close.map_or_else(Vec::new, CloseFrame::payload);
        self.frame(Opcode::Close, true, false, &payload);
    }

    /// Encodes a frame at the end of the queue.
    #[expect(clippy::inline_always, reason = "most of the header is known where a message is sent")]
    #[inline(always)]
    pub(super) fn frame(&mut self, opcode: Opcode, fin: bool, rsv1: bool, payload: &[u8]) {
        let mask = self.keys.as_mut().map(|keys| keys());
        let (header, size) = Header { fin, rsv1, ..Header::new(opcode, payload.len() as u64, mask) }.encode();
        let out = self.out.encoded();
        out.reserve(header.len() + payload.len());
        let start = out.len() + size;
        // Copies the complete array, then truncates: a copy of constant size needs no call.
        out.extend_from_slice(&header);
        out.truncate(start);
        out.extend_from_slice(payload);
        if let Some(key) = mask {
            unmask(&mut out[start..], key, 0);
        }
    }
}
