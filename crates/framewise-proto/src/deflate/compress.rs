use alloc::vec::Vec;
use core::fmt;

use zlib_rs::DeflateFlush;

use super::agreement::{Context, Direction};
use super::history::History;
use super::shared;

/// Compresses the messages that one end sends.
pub(crate) struct Compressor {
    direction: Direction,
    context: Context,
    level: u8,
    threshold: usize,
    /// The thread's during a message; with [`Context::Kept`] and takeover its own, from the first message on.
    deflate: Option<shared::Context>,
    /// The bytes that the next message may refer to, if the compressor is not kept.
    history: History,
}

impl Compressor {
    pub(crate) const fn new(direction: Direction, context: Context, level: u8, threshold: usize) -> Self {
        Self { direction, context, level, threshold, deflate: None, history: History::new() }
    }

    /// Compresses a piece of a message and appends it to `out`. The last piece ends the message as RFC 7692 §7.2.1
    /// requires: flushed to a byte boundary, without the final "0x00 0x00 0xff 0xff".
    pub(crate) fn compress(&mut self, mut piece: &[u8], last: bool, out: &mut Vec<u8>) {
        let Direction { window_bits, takeover } = self.direction;
        let (level, history) = (self.level, self.history.bytes());
        let deflate = &mut self
            .deflate
            .get_or_insert_with(|| {
                let mut context = shared::take_deflate(level, window_bits);
                if !history.is_empty() {
                    // Cannot fail: the stream is raw, and nothing was compressed yet.
                    let _ = context.deflate.set_dictionary(history);
                }
                context
            })
            .deflate;
        if takeover && self.context == Context::Shared {
            self.history.push(piece, 1 << window_bits);
        }
        let begin = out.len();
        let flush = if last { DeflateFlush::SyncFlush } else { DeflateFlush::NoFlush };
        loop {
            let start = out.len();
            let room = piece.len() / 2 + 64;
            out.resize(start + room, 0);
            let (read, written) = (deflate.total_in(), deflate.total_out());
            // Cannot fail: the state is valid, and lack of space for output is not an error.
            let _ = deflate.compress(piece, &mut out[start..], flush);
            let read = (deflate.total_in() - read) as usize;
            let written = (deflate.total_out() - written) as usize;
            out.truncate(start + written);
            piece = &piece[read..];
            if written < room && piece.is_empty() {
                break;
            }
        }
        if last {
            if out.ends_with(&[0x00, 0x00, 0xff, 0xff]) {
                out.truncate(out.len() - 4);
            }
            if out.len() == begin {
                // RFC 7692 §7.2.3.6: "If the deflate library does not generate any data when the buffer is empty, an
                // endpoint MUST generate an empty uncompressed block": this is its first byte, the others are the tail
                // that is not sent.
                out.push(0x00);
            }
            if (!takeover || self.context == Context::Shared)
                && let Some(context) = self.deflate.take()
            {
                shared::give_deflate(context);
            }
        }
    }

    /// The shortest message that is compressed, in bytes.
    pub(crate) const fn threshold(&self) -> usize {
        self.threshold
    }

    /// The parameters for zlib: bits of the window, and level.
    pub(crate) fn settings(&self) -> (u8, u8) {
        // zlib has no window of 256 bytes for a raw stream; with 512 it refers back at most 250 bytes.
        (self.direction.window_bits.max(9), self.level.clamp(1, 9))
    }

    /// The next message does not refer to earlier ones.
    pub(crate) fn forget(&mut self) {
        self.history.forget();
        // A compressor without input has an empty window.
        if let Some(context) = self.deflate.take_if(|context| context.deflate.total_in() > 0) {
            shared::give_deflate(context);
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("direction", &self.direction).finish_non_exhaustive()
    }
}
