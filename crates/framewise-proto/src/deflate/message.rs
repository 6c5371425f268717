use alloc::vec::Vec;

use framewise_rules::{Limits, Rule};
use framewise_simd::{Utf8Error, Utf8Vec};

use super::Context;
use super::budget::Share;
use super::inflate::{Inflater, Stop};
use crate::Detail;
#[cfg(feature = "deflate")]
use crate::{Config, deflate::DeflateConfig, deflate::Direction};

/// A step takes so much of a compressed payload at the most, and [`Limits::inflate_ratio`] counts it in pieces of so many
/// bytes. What a message has inflated to by the end of a piece does not depend on how its bytes arrived, so neither does
/// whether it is above the ratio.
const PIECE: u64 = 4 * 1024;
/// What a step inflates before it is handed out: a deflate stream grows a thousandfold.
pub(crate) const INFLATED_AT_ONCE: usize = 64 * 1024;

/// Why a message does not inflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InflateFault {
    pub(crate) rule: Rule,
    pub(crate) detail: Detail,
}

/// The compressed messages of one direction: inflated step by step, held to the limits.
#[derive(Debug)]
pub(crate) struct Inflating {
    inflater: Inflater,
    limits: InflateLimits,
    context: Context,
    /// What the message at hand inflated to, and was not taken yet; of a text, checked as far as it came.
    inflated: Utf8Vec,
    /// Bytes of it that were taken.
    taken: u64,
    /// Bytes of its payload that were inflated.
    payload: u64,
    /// The last of them is to be given again: what it inflates to has not come out to its end.
    ahead: bool,
    share: Share,
}

/// The limits on what one message inflates to: in all, and by what has arrived of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InflateLimits {
    inflated: u64,
    ratio: u32,
    ratio_from: u64,
}

impl InflateLimits {
    /// Those of an endpoint.
    pub const fn new(limits: &Limits) -> Self {
        let Limits { inflated, inflate_ratio: ratio, inflate_ratio_from: ratio_from, .. } = *limits;
        Self { inflated, ratio, ratio_from }
    }

    /// Bytes that a message may inflate to when so many bytes of its payload were inflated.
    pub fn of(&self, payload: u64) -> u64 {
        let counted = payload.div_ceil(PIECE).max(1) * PIECE;
        self.inflated.min(self.ratio_from.max(counted.saturating_mul(u64::from(self.ratio))))
    }

    /// Bytes of payload, of which so many were inflated, that go on with the same limit: a step takes no more.
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

    /// Bytes of payload that the next step takes at the most.
    pub(crate) fn wanted(&self) -> usize {
        self.limits.piece(self.payload) + usize::from(self.ahead)
    }

    /// Bytes that wait to be taken.
    pub(crate) fn len(&self) -> usize {
        self.inflated.len()
    }

    /// Checks what was inflated since the last time, of a text.
    pub(crate) fn check(&mut self) -> Result<(), Utf8Error> {
        self.inflated.check()
    }

    /// Whether the text may end here.
    pub(crate) fn is_boundary(&self) -> bool {
        self.inflated.is_boundary()
    }

    /// Inflates a piece of the message, of [`Inflating::wanted`] bytes at the most: how many of them it is done with.
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
        // All went in and not all came out: the last byte is given again, so that its step is not forgotten.
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
                // The byte that is too much is not one of the message.
                self.inflated.truncate(self.inflated.len().saturating_sub(1));
                self.limits.too_big(inflated)
            }
        }
    }

    /// What is held counts with what the others hold.
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

    /// Takes a buffer back, where it is worth keeping.
    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
        if self.context == Context::Kept && buffer.capacity() <= INFLATED_AT_ONCE {
            self.inflated.reuse(buffer);
        }
    }

    /// The message is given up.
    pub(crate) fn clear(&mut self) {
        self.inflated = Utf8Vec::new();
        self.share.release();
    }
}
