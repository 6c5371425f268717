use alloc::boxed::Box;
use core::fmt;

use framewise_rules::Rule;
use framewise_simd::Utf8Vec;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::agreement::Direction;
use super::distance::TooFar;
use super::history::History;
use super::shared;

/// Room that the output grows by: four times the input, this at the least, and four times as much each time it is used up.
const ROOM: usize = 64;
const MOST_ROOM: usize = 64 * 1024;
/// What ends a compressed message, and is not sent with it.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// An empty block with BFINAL set.
const END: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];

/// Inflates the messages of one direction.
pub(super) struct Inflater {
    direction: Direction,
    /// The thread's, from a message's first payload to its end.
    inflating: Option<Box<shared::Inflating>>,
    /// What the message may refer to and its output does not hold: the messages before it, where there is takeover, and
    /// what was handed out of it.
    history: History,
    /// The message's last four bytes of payload.
    last: [u8; 4],
    /// A block with BFINAL ended zlib's stream, and nothing followed it.
    ended: bool,
    /// The message before kept its tail, and left a block's header half read.
    tail_kept: bool,
    /// zlib may have output that there was no room for.
    has_more: bool,
}

/// Why a message is not inflated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Broken(Rule),
    /// It grew beyond the limit: the output ends one byte behind it.
    TooBig,
}

impl Inflater {
    pub(super) const fn new(direction: Direction) -> Self {
        Self {
            direction,
            inflating: None,
            history: History::new(),
            last: [0; 4],
            ended: false,
            tail_kept: false,
            has_more: false,
        }
    }

    /// Whether there may be output of what it took already.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// Inflates a piece of a message behind what `out` holds of it, until `out` holds `stop` bytes: how much of the piece
    /// it took. `limit` is on all of the message, of which `before` bytes were taken out of `out` already.
    pub(super) fn inflate(
        &mut self,
        piece: &[u8],
        out: &mut Utf8Vec,
        stop: usize,
        before: u64,
        limit: u64,
    ) -> Result<usize, Stop> {
        if piece.is_empty() && !self.has_more {
            return Ok(0);
        }
        if self.inflating.is_none() {
            let mut inflating = shared::take_inflate();
            let history = self.history.bytes();
            remind(&mut inflating.inflate, history);
            inflating.check.restart(self.direction.window_bits, history.len(), before);
            self.inflating = Some(inflating);
            self.ended = false;
            self.last = [0; 4];
            self.has_more = false;
            if core::mem::take(&mut self.tail_kept) {
                self.run(&TAIL, out, usize::MAX, before, limit)?;
            }
        }
        let taken = self.run(piece, out, stop, before, limit)?;
        for &byte in &piece[taken.saturating_sub(4)..taken] {
            self.last = [self.last[1], self.last[2], self.last[3], byte];
        }
        Ok(taken)
    }

    fn run(
        &mut self,
        piece: &[u8],
        out: &mut Utf8Vec,
        stop: usize,
        before: u64,
        limit: u64,
    ) -> Result<usize, Stop> {
        let Some(inflating) = &mut self.inflating else { return Ok(piece.len()) };
        let shared::Inflating { inflate, check } = &mut **inflating;
        // One byte beyond the limit is room enough to see that it is passed.
        let most = usize::try_from(limit.saturating_sub(before)).unwrap_or(usize::MAX).saturating_add(1);
        let mut rest = piece;
        let mut room = (piece.len() * 4).max(ROOM);
        while (self.has_more || !rest.is_empty()) && out.len() < stop {
            if core::mem::take(&mut self.ended) {
                // RFC 7692 §7.2.3.4 allows blocks with BFINAL set, after which zlib stops: it begins again.
                inflate.reset(false);
                let history = self.history.bytes();
                remind(inflate, history);
                remind(inflate, out);
                let at = before + out.len() as u64;
                check.restart(self.direction.window_bits, history.len() + out.len(), at);
            }
            let start = out.len();
            let end = grow(out, room.min(stop - start), most);
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(rest, out.tail_mut(start), InflateFlush::SyncFlush);
            let read = (inflate.total_in() - read) as usize;
            let written = (inflate.total_out() - written) as usize;
            out.truncate(start + written);
            // There may be more to come out, also of no more input.
            self.has_more = out.len() == end && !matches!(status, Ok(Status::StreamEnd));
            check.follow(&rest[..read], inflate.total_out());
            if status.is_err() {
                check.settle();
            }
            // What comes out before the reference is the message's still, and judged first.
            if let Some(TooFar { rule, at }) = check.too_far() {
                let at = usize::try_from(at.saturating_sub(before)).unwrap_or(usize::MAX);
                if out.len() >= at {
                    out.truncate(at);
                    return Err(Stop::Broken(rule));
                }
            }
            rest = &rest[read..];
            if out.len() == most {
                return Err(Stop::TooBig);
            }
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                // It takes nothing and gives nothing: no stream does that.
                Ok(Status::Ok | Status::BufError) if read == 0 && written == 0 && !rest.is_empty() => {
                    return Err(Stop::Broken(Rule::DeflateDataInvalid));
                }
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => return Err(Stop::Broken(Rule::DeflateDataInvalid)),
            }
            room = (room * 4).min(MOST_ROOM);
        }
        Ok(piece.len() - rest.len())
    }

    /// The message is complete: RFC 7692 §7.2.2, "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    /// payload of the message", and inflate it.
    pub(super) fn finish(&mut self, out: &mut Utf8Vec, before: u64, limit: u64) -> Result<(), Stop> {
        // An empty payload is let pass as an empty message, and a block with BFINAL ends the message by itself.
        if self.inflating.is_some() && !self.ended {
            // A payload that is to be completed cannot end so: the tail stands there already.
            let kept = self.last == TAIL;
            let tail: &[u8] = if kept { &[] } else { &TAIL };
            // zlib does not say whether it is inside a block. If it is not, the second one ends its stream.
            let end = [tail, &END].iter().try_for_each(|end| {
                self.run(end, out, usize::MAX, before, limit)?;
                if let Some(inflating) = &mut self.inflating {
                    inflating.check.stop();
                }
                Ok(())
            });
            match end {
                Err(Stop::TooBig) => return Err(Stop::TooBig),
                Ok(()) if self.ended => {}
                Ok(()) | Err(Stop::Broken(_)) => {
                    return Err(Stop::Broken(Rule::DeflateDataInvalid));
                }
            }
            self.tail_kept = kept && self.direction.takeover;
        }
        if let Some(inflating) = self.inflating.take() {
            shared::give_inflate(inflating);
        }
        if self.direction.takeover {
            self.history.push(out, 1 << self.direction.window_bits);
        } else {
            self.history.forget();
        }
        Ok(())
    }

    /// What the message at hand inflated to so far is taken out of `out`.
    pub(super) fn taken(&mut self, out: &[u8]) {
        if self.inflating.is_some() {
            self.history.push(out, 1 << self.direction.window_bits);
        }
    }
}

/// Makes room behind what `out` holds, up to `most` bytes of all: its new length.
fn grow(out: &mut Utf8Vec, room: usize, most: usize) -> usize {
    let end = out.len().saturating_add(room).min(most);
    if end > out.capacity() {
        // Twice as much each time, so that the last time ends at the limit.
        let capacity = most >> (most / end).ilog2();
        out.reserve_exact(capacity - out.len());
    }
    out.resize(end);
    end
}

/// Gives zlib the history that a reference may reach back to.
fn remind(inflate: &mut Inflate, history: &[u8]) {
    if !history.is_empty() {
        // It cannot fail: the stream is raw.
        let _ = inflate.set_dictionary(history);
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("direction", &self.direction).finish_non_exhaustive()
    }
}
