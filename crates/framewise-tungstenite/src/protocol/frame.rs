//! Frames.

pub mod coding;
mod utf8;

use std::fmt;
use std::str::Utf8Error;

use bytes::{BufMut as _, Bytes, BytesMut};

use self::coding::{CloseCode, Control, Data, OpCode};
pub use self::utf8::Utf8Bytes;

/// The code and the reason of a Close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code.
    pub code: CloseCode,
    /// The reason, of up to 123 bytes.
    pub reason: Utf8Bytes,
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

/// The header of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether it is the last frame of its message.
    pub is_final: bool,
    /// The first reserved bit.
    pub rsv1: bool,
    /// The second reserved bit.
    pub rsv2: bool,
    /// The third reserved bit.
    pub rsv3: bool,
    /// The opcode.
    pub opcode: OpCode,
    /// The masking key.
    pub mask: Option<[u8; 4]>,
}

impl Default for FrameHeader {
    /// The header of an unfragmented Close without a mask.
    fn default() -> Self {
        let opcode = OpCode::Control(Control::Close);
        Self { is_final: true, rsv1: false, rsv2: false, rsv3: false, opcode, mask: None }
    }
}

impl FrameHeader {
    /// The size of the header before a payload of `length` bytes.
    #[allow(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub fn len(&self, length: u64) -> usize {
        let extended = match length {
            0..126 => 0,
            126..65_536 => 2,
            65_536.. => 8,
        };
        2 + extended + if self.mask.is_some() { 4 } else { 0 }
    }
}

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    header: FrameHeader,
    payload: Bytes,
}

impl Frame {
    /// The size with its header.
    pub fn len(&self) -> usize {
        self.header.len(self.payload.len() as u64) + self.payload.len()
    }

    /// Always false: a frame has a header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The header.
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// The header.
    pub fn header_mut(&mut self) -> &mut FrameHeader {
        &mut self.header
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload.
    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// The payload as text.
    pub fn into_text(self) -> Result<Utf8Bytes, Utf8Error> {
        self.payload.try_into()
    }

    /// The payload as text.
    pub fn to_text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.payload)
    }

    /// A data frame.
    pub fn message(data: impl Into<Bytes>, opcode: OpCode, is_final: bool) -> Self {
        Self::from_payload(FrameHeader { is_final, opcode, ..FrameHeader::default() }, data.into())
    }

    /// A Pong.
    pub fn pong(data: impl Into<Bytes>) -> Self {
        Self::message(data, OpCode::Control(Control::Pong), true)
    }

    /// A Ping.
    pub fn ping(data: impl Into<Bytes>) -> Self {
        Self::message(data, OpCode::Control(Control::Ping), true)
    }

    /// A Close.
    pub fn close(close: Option<CloseFrame>) -> Self {
        let mut payload = BytesMut::new();
        if let Some(CloseFrame { code, reason }) = close {
            payload.put_u16(code.into());
            payload.put_slice(reason.as_bytes());
        }
        Self::message(payload, OpCode::Control(Control::Close), true)
    }

    /// A header with its payload.
    pub fn from_payload(header: FrameHeader, payload: Bytes) -> Self {
        Self { header, payload }
    }

    /// The kind of a data frame.
    pub(crate) fn data(&self) -> Option<Data> {
        match self.header.opcode {
            OpCode::Data(data) => Some(data),
            OpCode::Control(_) => None,
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FrameHeader { is_final, opcode, .. } = &self.header;
        let last = if *is_final { "" } else { ", more follow" };
        write!(f, "{opcode}, {} bytes{last}", self.payload.len())
    }
}
