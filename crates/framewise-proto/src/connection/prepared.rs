//! Messages that go to several connections, and are compressed once for all that agreed the same.

#[cfg(feature = "deflate")]
use alloc::vec::Vec;

use bytes::Bytes;

use super::Connection;
use super::send::LARGE;
#[cfg(feature = "deflate")]
use crate::deflate::{Compressor, Context, Direction};
use crate::{MessageKind, Misuse};

/// How a connection compresses the messages that it sends. What was compressed for one can be sent on every other whose
/// compression is equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compression {
    window_bits: u8,
    level: u8,
}

/// A message that was compressed by itself, once for all connections of its [`Compression`]. Its bytes are shared.
#[derive(Clone, Debug)]
pub struct Compressed {
    compression: Compression,
    kind: MessageKind,
    payload: Bytes,
}

impl Compressed {
    /// How it was compressed.
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// Its payload, as it goes over the wire, but for the masking.
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }
}

#[cfg(feature = "deflate")]
impl Compression {
    /// Compresses a text message.
    pub fn compress_text(self, text: &str) -> Compressed {
        self.compress(MessageKind::Text, text.as_bytes())
    }

    /// Compresses a binary message.
    pub fn compress_binary(self, payload: &[u8]) -> Compressed {
        self.compress(MessageKind::Binary, payload)
    }

    /// It refers to nothing before it.
    fn compress(self, kind: MessageKind, payload: &[u8]) -> Compressed {
        let direction = Direction { window_bits: self.window_bits, takeover: false };
        let mut compressed = Vec::new();
        Compressor::new(direction, Context::Shared, self.level, 0).compress(payload, true, &mut compressed);
        Compressed { compression: self, kind, payload: compressed.into() }
    }
}

impl Connection {
    /// How a message of so many bytes is compressed; `None` where it is sent as it is. To send a message on several
    /// connections, compress it once for each [`Compression`] that they have:
    ///
    /// ```
    /// # use framewise_proto::{Compressed, Connection, Misuse};
    /// fn broadcast(text: &str, connections: &mut [Connection]) -> Result<(), Misuse> {
    ///     let mut made: Vec<Compressed> = Vec::new();
    ///     for connection in connections {
    ///         let Some(compression) = connection.compression(text.len()) else {
    ///             connection.send_text(text)?;
    ///             continue;
    ///         };
    ///         let found = made.iter().position(|made| made.compression() == compression);
    ///         let at = found.unwrap_or_else(|| {
    ///             made.push(compression.compress_text(text));
    ///             made.len() - 1
    ///         });
    ///         connection.send_compressed_shared(&made[at])?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn compression(&self, length: usize) -> Option<Compression> {
        self.settings().filter(|_| self.compresses(length))
    }

    fn settings(&self) -> Option<Compression> {
        let (window_bits, level) = self.compressor.as_ref()?.settings();
        Some(Compression { window_bits, level })
    }

    /// Queues a message that was compressed for what [`Connection::compression`] said here or on another connection.
    pub fn send_compressed(&mut self, message: &Compressed) -> Result<(), Misuse> {
        self.may_send(message)?;
        self.frame(message.kind.opcode(), true, true, &message.payload);
        Ok(())
    }

    /// As [`Connection::send_compressed`]; a large one is written from where it lies, as with
    /// [`Connection::send_binary_shared`].
    pub fn send_compressed_shared(&mut self, message: &Compressed) -> Result<(), Misuse> {
        if message.payload.len() < LARGE {
            return self.send_compressed(message);
        }
        self.may_send(message)?;
        self.large(message.kind.opcode(), true, message.payload.clone());
        Ok(())
    }

    /// Whether it may be sent now. If so, it is, and the compressor knows.
    fn may_send(&mut self, message: &Compressed) -> Result<(), Misuse> {
        self.may_begin()?;
        if self.settings() != Some(message.compression) {
            return Err(Misuse::OtherCompression);
        }
        self.forget();
        Ok(())
    }

    /// This connection's own compressor has not seen the message that goes out now: its next one begins anew.
    fn forget(&mut self) {
        // RFC 7692 §7.2.1: "If the "agreed parameters" contain the "server_no_context_takeover" extension parameter, the
        // server MUST start compressing each new message with an empty LZ77 sliding window. Otherwise, the server MAY take
        // over the LZ77 sliding window used to build the last compressed message." A prepared message was started with an
        // empty one, and so is the next, with and without takeover.
        //
        // It has to be: §7.2.2, "Otherwise, the client MUST decompress each new message using the LZ77 sliding window used to
        // process the last compressed message", which is the prepared one. Distances of a compressor that has not seen it
        // would lead elsewhere.
        if let Some(compressor) = &mut self.compressor {
            compressor.forget();
        }
    }
}
