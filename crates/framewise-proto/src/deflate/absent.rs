//! Replaces compression if the feature `deflate` is off: types without values.

use alloc::vec::Vec;

use framewise_rules::Rule;
use framewise_simd::Utf8Vec;

/// The type of a compressor; no connection has one.
#[derive(Debug)]
pub(crate) enum Compressor {}

impl Compressor {
    pub(crate) const fn threshold(&self) -> usize {
        match *self {}
    }

    pub(crate) fn compress(&mut self, _: &[u8], _: bool, _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn settings(&self) -> (u8, u8) {
        match *self {}
    }

    pub(crate) fn forget(&mut self) {
        match *self {}
    }
}

/// Why inflating a message stopped.
#[allow(dead_code, reason = "no message is a compressed one")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Broken(Rule),
    TooBig,
}

/// The type of an inflater; no connection has one.
#[derive(Debug)]
pub(super) enum Inflater {}

impl Inflater {
    pub(super) const fn has_more(&self) -> bool {
        match *self {}
    }

    pub(super) fn inflate(
        &mut self,
        _: &[u8],
        _: &mut Utf8Vec,
        _: usize,
        _: u64,
        _: u64,
    ) -> Result<usize, Stop> {
        match *self {}
    }

    pub(super) fn finish(&mut self, _: &mut Utf8Vec, _: u64, _: u64) -> Result<(), Stop> {
        match *self {}
    }

    pub(super) fn taken(&mut self, _: &[u8]) {
        match *self {}
    }
}
