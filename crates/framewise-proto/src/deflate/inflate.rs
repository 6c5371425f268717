use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use framewise_rules::Rule;
use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use super::agreement::{Context, Direction};
use super::distance::DistanceCheck;

/// Room that the output grows by, where nothing is known about its size.
const STEP: usize = 4096;

/// Inflates the messages of one direction.
pub(crate) struct Inflater {
    direction: Direction,
    context: Context,
    inflate: Option<Box<Inflate>>,
    /// Where the agreed window is smaller than deflate's own: zlib does not hold a stream to it.
    check: Option<Box<DistanceCheck>>,
    /// The history to go on from, when a block with BFINAL ended zlib's stream. Kept from the first one on.
    history: Option<Vec<u8>>,
}

/// Why a message does not inflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateFault {
    Broken(Rule),
    /// It grew beyond the limit.
    TooBig,
}

impl Inflater {
    pub(crate) const fn new(direction: Direction, context: Context) -> Self {
        Self { direction, context, inflate: None, check: None, history: None }
    }

    /// Inflates a piece of a message behind what `out` holds of it; `limit` is on all of `out`, with `before` bytes of
    /// the message that were taken out of it already.
    pub(crate) fn inflate(
        &mut self,
        mut piece: &[u8],
        out: &mut Vec<u8>,
        before: u64,
        limit: u64,
    ) -> Result<(), InflateFault> {
        if self.direction.window_bits < 15 {
            let bits = self.direction.window_bits;
            let check = self.check.get_or_insert_with(|| Box::new(DistanceCheck::new(bits)));
            if check.follow(piece).is_err() {
                return Err(InflateFault::Broken(Rule::DeflateWindowViolated));
            }
        }
        let mut mark = out.len();
        loop {
            let inflate = self.inflate.get_or_insert_with(|| Box::new(Inflate::new(false, 15)));
            let start = out.len();
            let allowed = limit.saturating_sub(before).saturating_sub(start as u64);
            // One byte beyond the limit is room enough to see that it is passed.
            let room = (piece.len() * 4)
                .max(STEP)
                .min(usize::try_from(allowed).unwrap_or(usize::MAX).saturating_add(1));
            out.resize(start + room, 0);
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(piece, &mut out[start..], InflateFlush::SyncFlush);
            let read = (inflate.total_in() - read) as usize;
            let written = (inflate.total_out() - written) as usize;
            out.truncate(start + written);
            piece = &piece[read..];
            if before + out.len() as u64 > limit {
                return Err(InflateFault::TooBig);
            }
            match status {
                Ok(Status::StreamEnd) => {
                    self.begin_again(out, mark);
                    mark = out.len();
                }
                // All the room was used: there may be more to come out, also of no more input.
                Ok(Status::Ok | Status::BufError) if written == room => {}
                Ok(Status::Ok | Status::BufError) if piece.is_empty() => break,
                // It takes nothing and gives nothing: no stream does that.
                Ok(Status::Ok | Status::BufError) if read == 0 && written == 0 => {
                    return Err(InflateFault::Broken(Rule::DeflateDataInvalid));
                }
                Ok(Status::Ok | Status::BufError) => {}
                Err(error) => return Err(InflateFault::Broken(rule(error, inflate.error_message()))),
            }
        }
        if let Some(history) = &mut self.history {
            remember(history, &out[mark..]);
        }
        Ok(())
    }

    /// RFC 7692 §7.2.3.4 allows blocks with BFINAL set, after which zlib stops: it begins again, and the history stays.
    /// What is new of it lies in `out` from `mark` on; the first time, all that `out` holds of the message is taken.
    fn begin_again(&mut self, out: &[u8], mark: usize) {
        let mark = if self.history.is_some() { mark } else { 0 };
        let mut history = self.history.take().unwrap_or_default();
        remember(&mut history, &out[mark..]);
        let mut inflate = Inflate::new(false, 15);
        if !history.is_empty() {
            // It cannot fail: the stream is raw, and the dictionary no larger than the window.
            let _ = inflate.set_dictionary(&history);
        }
        self.inflate = Some(Box::new(inflate));
        self.history = Some(history);
    }

    /// The message is complete: RFC 7692 §7.2.2, "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    /// payload of the message", and inflate it.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, before: u64, limit: u64) -> Result<(), InflateFault> {
        self.inflate(&[0x00, 0x00, 0xff, 0xff], out, before, limit)?;
        if !self.direction.takeover {
            self.check = None;
            self.history = None;
            match (self.context, &mut self.inflate) {
                (Context::Kept, Some(inflate)) => inflate.reset(false),
                _ => self.inflate = None,
            }
        }
        Ok(())
    }
}

/// Keeps the last window of what was inflated.
fn remember(history: &mut Vec<u8>, out: &[u8]) {
    const WINDOW: usize = 1 << 15;
    let new = &out[out.len().saturating_sub(WINDOW)..];
    let excess = (history.len() + new.len()).saturating_sub(WINDOW);
    history.drain(..excess.min(history.len()));
    history.extend_from_slice(new);
}

/// zlib tells a reference before the start of its history by its message alone.
fn rule(error: InflateError, message: Option<&str>) -> Rule {
    match error {
        InflateError::DataError if message.is_some_and(|message| message.contains("too far back")) => {
            Rule::DeflateContextMismatch
        }
        InflateError::DataError
        | InflateError::NeedDict { .. }
        | InflateError::StreamError
        | InflateError::MemError => Rule::DeflateDataInvalid,
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("direction", &self.direction).finish_non_exhaustive()
    }
}
