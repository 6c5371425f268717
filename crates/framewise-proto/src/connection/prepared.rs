//! Messages for several connections, compressed once for all that agreed the same parameters.

#[cfg(feature = "deflate")]
use alloc::vec::Vec;

use bytes::Bytes;

use super::Connection;
use super::send::LARGE;
#[cfg(feature = "deflate")]
use crate::deflate::{Compressor, Context, Direction};
use crate::{MessageKind, Misuse};

/// How a connection compresses the messages that it sends. A message that was compressed for one connection can be sent
/// on every other with an equal `Compression`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compression {
    window_bits: u8,
    level: u8,
}

/// A message that was compressed independently of others, for all connections with its [`Compression`]. A clone shares
/// its bytes.
#[derive(Clone, Debug)]
pub struct Compressed {
    compression: Compression,
    kind: MessageKind,
    payload: Bytes,
}

impl Compressed {
    /// How the message was compressed.
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// The payload as it is sent, before masking.
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

    /// Compresses with an empty window, so that the message refers to no earlier one.
    fn compress(self, kind: MessageKind, payload: &[u8]) -> Compressed {
        let direction = Direction { window_bits: self.window_bits, takeover: false };
        let mut compressed = Vec::new();
        Compressor::new(direction, Context::Shared, self.level, 0).compress(payload, true, &mut compressed);
        Compressed { compression: self, kind, payload: compressed.into() }
    }
}

impl Connection {
    /// How a message of `length` bytes is compressed; `None` if it is sent uncompressed. To send a message on several
    /// connections, compress it once for each [`Compression`] among them:
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

    /// Queues a message that was compressed with an equal [`Connection::compression`], of this connection or another.
    pub fn send_compressed(&mut self, message: &Compressed) -> Result<(), Misuse> {
        self.may_send(message)?;
        self.frame(message.kind.opcode(), true, true, &message.payload);
        Ok(())
    }

    /// As [`Connection::send_compressed`], but a large payload is not copied, as with
    /// [`Connection::send_binary_shared`].
    pub fn send_compressed_shared(&mut self, message: &Compressed) -> Result<(), Misuse> {
        if message.payload.len() < LARGE {
            return self.send_compressed(message);
        }
        self.may_send(message)?;
        self.large(message.kind.opcode(), true, message.payload.clone());
        Ok(())
    }

    /// Checks that the message may be sent now, and if so resets this connection's compressor.
    fn may_send(&mut self, message: &Compressed) -> Result<(), Misuse> {
        self.may_begin()?;
        if self.settings() != Some(message.compression) {
            return Err(Misuse::OtherCompression);
        }
        self.forget();
        Ok(())
    }

    /// This connection's own compressor has not seen the message, so its next message begins with an empty window.
    fn forget(&mut self) {
        // RFC 7692 §7.2.1: "If the "agreed parameters" contain the "server_no_context_takeover" extension parameter,
        // the server MUST start compressing each new message with an empty LZ77 sliding window. Otherwise, the server
        // MAY take over the LZ77 sliding window used to build the last compressed message." A prepared message starts
        // with an empty window, and so does the next one, with and without takeover.
        //
        // The reset is needed: §7.2.2, "Otherwise, the client MUST decompress each new message using the LZ77 sliding
        // window used to process the last compressed message", which is the prepared one. A compressor that has not
        // seen it would write distances that point to other bytes.
        if let Some(compressor) = &mut self.compressor {
            compressor.forget();
        }
    }
}
