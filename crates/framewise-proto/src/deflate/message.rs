use alloc::vec::Vec;

use framewise_rules::{Limits, Rule};
use framewise_simd::{Utf8Error, Utf8Vec};

use super::Context;
use super::budget::Share;
use super::inflate::{Inflater, Stop};
use crate::Detail;
#[cfg(feature = "deflate")]
use crate::{Config, deflate::DeflateConfig, deflate::Direction};

/// One step inflates at most this many bytes of a compressed payload, and [`Limits::inflate_ratio`] counts in pieces of
/// this size. The output at the end of a piece does not depend on how the bytes arrived, so the ratio does not either.
const PIECE: u64 = 4 * 1024;
/// The output of one step: a deflate stream can grow a thousandfold.
pub(crate) const INFLATED_AT_ONCE: usize = 64 * 1024;

/// Why inflating a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InflateFault {
    pub(crate) rule: Rule,
    pub(crate) detail: Detail,
}

/// Inflates the compressed messages of one direction, step by step and within the limits.
#[derive(Debug)]
pub(crate) struct Inflating {
    inflater: Inflater,
    limits: InflateLimits,
    context: Context,
    /// The current message's output that was not taken; for a text, with the state of its check.
    inflated: Utf8Vec,
    /// Bytes of the output that were taken.
    taken: u64,
    /// Bytes of the payload that were inflated.
    payload: u64,
    /// The last of these bytes will be passed again, because its output is not complete.
    ahead: bool,
    share: Share,
}

/// The limits on one message's inflated size: absolute, and relative to its payload so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InflateLimits {
    inflated: u64,
    ratio: u32,
    ratio_from: u64,
}

impl InflateLimits {
    /// The limits of an endpoint.
    pub const fn new(limits: &Limits) -> Self {
        let Limits { inflated, inflate_ratio: ratio, inflate_ratio_from: ratio_from, .. } = *limits;
        Self { inflated, ratio, ratio_from }
    }

    /// The largest inflated size after `payload` bytes of the message's payload.
    pub fn of(&self, payload: u64) -> u64 {
        let counted = payload.div_ceil(PIECE).max(1) * PIECE;
        self.inflated.min(self.ratio_from.max(counted.saturating_mul(u64::from(self.ratio))))
    }

    /// How many more bytes of payload have the same limit after `payload` bytes: one step inflates at most these.
    pub const fn piece(&self, payload: u64) -> usize {
        (PIECE - payload % PIECE) as usize
    }

    fn too_big(self, inflated: u64) -> InflateFault {
        let detail = if inflated > self.inflated {
            Detail::Limit { got: inflated, limit: self.inflated }
        } else {
            Detail::Ratio { inflated, limit: self.ratio }
        };
        InflateFault { rule: Rule::InflateTooBig, detail }
    }
}

impl Inflating {
    #[cfg(feature = "deflate")]
    pub(crate) fn new(direction: Direction, config: &Config) -> Self {
        let DeflateConfig { context, .. } = config.deflate.unwrap_or_default();
        Self {
            inflater: Inflater::new(direction),
            limits: InflateLimits::new(&config.limits),
            context,
            inflated: Utf8Vec::new(),
            taken: 0,
            payload: 0,
            ahead: false,
            share: Share::of(config.inflate_budget.clone()),
        }
    }

    /// A message begins.
    pub(crate) fn begin(&mut self) {
        self.inflated.clear();
        self.taken = 0;
        self.payload = 0;
        self.share.release();
    }

    /// The largest number of payload bytes for the next step.
    pub(crate) fn wanted(&self) -> usize {
        self.limits.piece(self.payload) + usize::from(self.ahead)
    }

    /// Inflated bytes that were not taken.
    pub(crate) fn len(&self) -> usize {
        self.inflated.len()
    }

    /// Checks the UTF-8 of what was inflated since the last check.
    pub(crate) fn check(&mut self) -> Result<(), Utf8Error> {
        self.inflated.check()
    }

    /// Whether the text may end here.
    pub(crate) fn is_boundary(&self) -> bool {
        self.inflated.is_boundary()
    }

    /// Inflates a piece of the message, of at most [`Inflating::wanted`] bytes. Returns how many of them are done.
    pub(crate) fn inflate(&mut self, piece: &[u8]) -> Result<usize, InflateFault> {
        let stop = self.inflated.len() + INFLATED_AT_ONCE;
        let again = usize::from(self.ahead);
        if self.ahead {
            self.step(&[], stop)?;
            self.ahead = self.inflater.has_more();
            if self.ahead {
                return Ok(0);
            }
        }
        let new = &piece[again..];
        let taken = self.step(new, stop)?;
        // All input was consumed but output is left: count the last byte as not done, so that the caller calls again.
        self.ahead = taken > 0 && taken == new.len() && self.inflater.has_more();
        Ok(again + taken - usize::from(self.ahead))
    }

    fn step(&mut self, piece: &[u8], stop: usize) -> Result<usize, InflateFault> {
        let before = self.taken;
        let most = self.limits.of(self.payload + piece.len() as u64);
        let stopped = self.inflater.inflate(piece, &mut self.inflated, stop, before, most);
        let taken = stopped.map_err(|stop| self.fault(stop))?;
        self.payload += taken as u64;
        self.hold()?;
        Ok(taken)
    }

    /// The message is complete.
    pub(crate) fn finish(&mut self) -> Result<(), InflateFault> {
        let most = self.limits.of(self.payload);
        let finished = self.inflater.finish(&mut self.inflated, self.taken, most);
        finished.map_err(|stop| self.fault(stop))?;
        self.hold()
    }

    fn fault(&mut self, stop: Stop) -> InflateFault {
        match stop {
            Stop::Broken(rule) => InflateFault { rule, detail: Detail::None },
            Stop::TooBig => {
                let inflated = self.taken + self.inflated.len() as u64;
                // Remove the byte that showed that the limit was exceeded.
                self.inflated.truncate(self.inflated.len().saturating_sub(1));
                self.limits.too_big(inflated)
            }
        }
    }

    /// Counts the bytes held against the shared budget.
    fn hold(&mut self) -> Result<(), InflateFault> {
        self.share.hold(self.inflated.len()).map_err(|exhausted| InflateFault {
            rule: Rule::InflateTooBig,
            detail: Detail::Budget { held: exhausted.held, limit: exhausted.limit },
        })
    }

    pub(crate) fn take(&mut self) -> Utf8Vec {
        self.inflater.taken(&self.inflated);
        self.taken += self.inflated.len() as u64;
        self.share.release();
        self.inflated.take()
    }

    /// Keeps a buffer for the next message, unless it is large.
    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
        if self.context == Context::Kept && buffer.capacity() <= INFLATED_AT_ONCE {
            self.inflated.reuse(buffer);
        }
    }

    /// Discards the message.
    pub(crate) fn clear(&mut self) {
        self.inflated = Utf8Vec::new();
        self.share.release();
    }
}
