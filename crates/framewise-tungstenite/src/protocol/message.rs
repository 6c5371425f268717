use std::fmt;

use bytes::Bytes;

use super::frame::{CloseFrame, Frame, Utf8Bytes};
use crate::Result;

/// A message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Any bytes.
    Binary(Bytes),
    /// A Ping, with up to 125 bytes. The Pong that answers a received one is sent automatically.
    Ping(Bytes),
    /// A Pong, with up to 125 bytes.
    Pong(Bytes),
    /// A Close. The Close that answers a received one is sent automatically.
    Close(Option<CloseFrame>),
    /// A frame to send, for example a fragment. It is never received.
    Frame(Frame),
}

impl Message {
    /// A text message.
    pub fn text<S: Into<Utf8Bytes>>(text: S) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary<B: Into<Bytes>>(bytes: B) -> Self {
        Self::Binary(bytes.into())
    }

    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether it is binary.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Whether it is a Ping.
    pub fn is_ping(&self) -> bool {
        matches!(self, Self::Ping(_))
    }

    /// Whether it is a Pong.
    pub fn is_pong(&self) -> bool {
        matches!(self, Self::Pong(_))
    }

    /// Whether it is a Close.
    pub fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    /// The bytes of the payload; of a Close, those of its reason; of a frame, all of it.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes.len(),
            Self::Close(close) => close.as_ref().map_or(0, |close| close.reason.len()),
            Self::Frame(frame) => frame.len(),
        }
    }

    /// Whether [`Message::len`] is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The payload; of a Close, its reason.
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(close) => close.map_or_else(Bytes::new, |close| close.reason.into()),
            Self::Frame(frame) => frame.into_payload(),
        }
    }

    /// The payload as text; of a Close, its reason.
    ///
    /// Errors: [`Error::Utf8`](crate::Error::Utf8).
    pub fn into_text(self) -> Result<Utf8Bytes> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(_) | Self::Ping(_) | Self::Pong(_) | Self::Close(_) | Self::Frame(_) => {
                Ok(self.into_data().try_into()?)
            }
        }
    }

    /// As [`Message::into_text`].
    pub fn to_text(&self) -> Result<&str> {
        match self {
            Self::Text(text) => Ok(text.as_str()),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => Ok(std::str::from_utf8(bytes)?),
            Self::Close(close) => Ok(close.as_ref().map_or("", |close| close.reason.as_str())),
            Self::Frame(frame) => Ok(frame.to_text()?),
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.into_data()
    }
}

/// The text; of other bytes, how many they are.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_text() {
            Ok(text) => f.write_str(text),
            Err(_) => write!(f, "({} bytes)", self.len()),
        }
    }
}
