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
    /// The thread's, during a message; its own from the first message on, where it is kept.
    deflate: Option<shared::Context>,
    /// What the next message may refer to, where the context does not stay to remember it.
    history: History,
}

impl Compressor {
    pub(crate) const fn new(direction: Direction, context: Context, level: u8, threshold: usize) -> Self {
        Self { direction, context, level, threshold, deflate: None, history: History::new() }
    }

    /// Compresses a piece of a message behind `out`; the last one ends it as RFC 7692 §7.2.1 says: flushed to a byte's
    /// border, and without the "0x00 0x00 0xff 0xff" at its end.
    pub(crate) fn compress(&mut self, mut piece: &[u8], last: bool, out: &mut Vec<u8>) {
        let Direction { window_bits, takeover } = self.direction;
        let (level, history) = (self.level, self.history.bytes());
        let deflate = &mut self
            .deflate
            .get_or_insert_with(|| {
                let mut context = shared::take_deflate(level, window_bits);
                if !history.is_empty() {
                    // It cannot fail: the stream is raw, and nothing was compressed yet.
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
            // It cannot fail: the state is valid, and room for output is not an error.
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
                // endpoint MUST generate an empty uncompressed block": its first byte; the others are the tail.
                out.push(0x00);
            }
            if (!takeover || self.context == Context::Shared)
                && let Some(context) = self.deflate.take()
            {
                shared::give_deflate(context);
            }
        }
    }

    /// Bytes from which on a message is compressed.
    pub(crate) const fn threshold(&self) -> usize {
        self.threshold
    }

    /// What zlib is given: the bits of the window, and the level.
    pub(crate) fn settings(&self) -> (u8, u8) {
        // zlib has no window of 256 bytes for a raw stream; that of 512 looks 250 bytes back at the most.
        (self.direction.window_bits.max(9), self.level.clamp(1, 9))
    }

    /// The next message refers to nothing before it.
    pub(crate) fn forget(&mut self) {
        self.history.forget();
        // What has taken nothing in has nothing to forget.
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
