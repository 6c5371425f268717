//! Messages that go to several connections, and are compressed once for all that agreed the same.

#[cfg(feature = "deflate")]
use alloc::vec::Vec;

use super::Connection;
#[cfg(feature = "deflate")]
use crate::deflate::{Compressor, Context, Direction};
use crate::{Header, MessageKind, Misuse};

/// How a connection compresses the messages that it sends. What was compressed for one can be sent on every other whose
/// compression is equal.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compression {
    window_bits: u8,
    level: u8,
}

#[cfg(feature = "deflate")]
impl Compression {
    /// The payload of a message, compressed by itself: it refers to nothing before it.
    pub fn compress(self, payload: &[u8]) -> Vec<u8> {
        let direction = Direction { window_bits: self.window_bits, takeover: false };
        let mut compressed = Vec::new();
        Compressor::new(direction, Context::Shared, self.level, 0).compress(payload, true, &mut compressed);
        compressed
    }
}

impl Connection {
    /// How a message of so many bytes is compressed; `None` where it is sent as it is.
    #[doc(hidden)]
    pub fn compression(&self, length: usize) -> Option<Compression> {
        let compressor = self.compressor.as_ref().filter(|_| self.compresses(length))?;
        let (window_bits, level) = compressor.settings();
        Some(Compression { window_bits, level })
    }

    /// Queues a message whose payload [`Compression::compress`] made, with what [`Connection::compression`] said.
    #[doc(hidden)]
    pub fn send_compressed(&mut self, kind: MessageKind, compressed: &[u8]) -> Result<(), Misuse> {
        self.may_begin()?;
        self.forget();
        self.frame(kind.opcode(), true, true, compressed);
        Ok(())
    }

    /// As [`Connection::send_compressed`], but the caller writes the payload, as after [`Connection::send_header`].
    #[doc(hidden)]
    pub fn send_compressed_header(
        &mut self,
        kind: MessageKind,
        length: u64,
    ) -> Result<Option<[u8; 4]>, Misuse> {
        self.may_begin()?;
        self.forget();
        let mask = self.keys.as_mut().map(|keys| keys());
        let (header, size) = Header { rsv1: true, ..Header::new(kind.opcode(), length, mask) }.encode();
        self.out.extend_from_slice(&header[..size]);
        Ok(mask)
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
