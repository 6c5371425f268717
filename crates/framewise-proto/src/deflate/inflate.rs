use alloc::boxed::Box;
use core::fmt;

use framewise_rules::Rule;
use framewise_simd::Utf8Vec;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::agreement::Direction;
use super::distance::TooFar;
use super::history::History;
use super::shared;

/// How much the output grows by: four times the input, at least this much, and four times as much each time it is full.
const ROOM: usize = 64;
const MOST_ROOM: usize = 64 * 1024;
/// The end of a compressed message, which is not sent.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// An empty block with BFINAL set.
const END: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];

/// Inflates the messages of one direction.
pub(super) struct Inflater {
    direction: Direction,
    /// The thread's inflater, from a message's first payload to its end.
    inflating: Option<Box<shared::Inflating>>,
    /// The bytes that the message may refer to and that `out` does not hold: earlier messages, with takeover, and the
    /// part of this message that was taken.
    history: History,
    /// The message's last four bytes of payload.
    last: [u8; 4],
    /// A block with BFINAL ended zlib's stream, and nothing followed it.
    ended: bool,
    /// The previous message was sent with its tail, and ended within a block's header.
    tail_kept: bool,
    /// zlib may have more output than there was space for.
    has_more: bool,
}

/// Why inflating a message stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Broken(Rule),
    /// It exceeds the limit: the output is one byte longer.
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

    /// Whether there may be more output without more input.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// Inflates a piece of a message and appends it to `out`, until `out` holds `stop` bytes. Returns how much of the
    /// piece it consumed. `limit` is on the complete message, of which `before` bytes were taken from `out` already.
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
        // One byte more than the limit is enough to see that it is exceeded.
        let most = usize::try_from(limit.saturating_sub(before)).unwrap_or(usize::MAX).saturating_add(1);
        let mut rest = piece;
        let mut room = (piece.len() * 4).max(ROOM);
        while (self.has_more || !rest.is_empty()) && out.len() < stop {
            if core::mem::take(&mut self.ended) {
                // RFC 7692 §7.2.3.4 allows blocks with BFINAL set; zlib stops after one and must be reset.
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
            // There may be more output, even without more input.
            self.has_more = out.len() == end && !matches!(status, Ok(Status::StreamEnd));
            check.follow(&rest[..read], inflate.total_out());
            if status.is_err() {
                check.settle();
            }
            // The output before the reference belongs to the message, and is checked first.
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
                // No progress with input left: the stream is invalid.
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
        // An empty payload is tolerated as an empty message. A block with BFINAL ends the message by itself.
        if self.inflating.is_some() && !self.ended {
            // A payload without its tail cannot end with these bytes: the sender did not remove the tail.
            let kept = self.last == TAIL;
            let tail: &[u8] = if kept { &[] } else { &TAIL };
            // zlib does not report whether it is within a block. If it is not, `END` ends its stream.
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

    /// Call this before `out`, the message's output so far, is taken.
    pub(super) fn taken(&mut self, out: &[u8]) {
        if self.inflating.is_some() {
            self.history.push(out, 1 << self.direction.window_bits);
        }
    }
}

/// Lengthens `out` by `room` bytes, to at most `most`. Returns the new length.
fn grow(out: &mut Utf8Vec, room: usize, most: usize) -> usize {
    let end = out.len().saturating_add(room).min(most);
    if end > out.capacity() {
        // Capacities are halves of the limit, so that doubling ends exactly there.
        let capacity = most >> (most / end).ilog2();
        out.reserve_exact(capacity - out.len());
    }
    out.resize(end);
    end
}

/// Gives zlib the history that the message may refer to.
fn remind(inflate: &mut Inflate, history: &[u8]) {
    if !history.is_empty() {
        // Cannot fail: the stream is raw.
        let _ = inflate.set_dictionary(history);
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("direction", &self.direction).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a message's payload, in a window of 512 bytes, of which each reference is followed, and in one of 32 KiB,
    /// of which only what zlib fails on is.
    fn inflated(payload: &[u8]) -> (Utf8Vec, Result<usize, Stop>) {
        let [near, far] = [9, 15].map(|window_bits| {
            let mut out = Utf8Vec::new();
            let mut inflater = Inflater::new(Direction { window_bits, takeover: true });
            let result = inflater.inflate(payload, &mut out, usize::MAX, 0, 1000);
            (out, result)
        });
        assert_eq!((&near.0[..], near.1), (&far.0[..], far.1));
        near
    }

    #[test]
    fn behind_a_final_block_what_came_before_it_may_be_referred_to() {
        // "H", and 4 bytes from 5 bytes back.
        const REFERS: &[u8] = b"\xf2\x00\x11\x00\x00";
        let (out, result) = inflated(&[b"\xf3\x48\xcd\xc9\xc9\x07\x00", REFERS].concat());
        assert_eq!((&out[..], result), (&b"HelloHello"[..], Ok(12)));
        // Behind "H" alone it is too far, and all that came out before it is there.
        let (out, result) = inflated(&[b"\xf3\x00\x00", REFERS].concat());
        assert_eq!((&out[..], result), (&b"HH"[..], Err(Stop::Broken(Rule::DeflateContextMismatch))));
    }
}
