//! A DEFLATE decoder (RFC 1951) that watches its back-references.
//!
//! A library tells whether a message inflates. It does not tell whether a distance reaches beyond the agreed window, or
//! into history that the agreement rules out: zlib's own check misses both within one call. So every distance is looked
//! at here. It takes input in pieces, at any byte, and keeps 32 KiB of history.

mod huffman;

use huffman::{Huffman, Reading};

/// The largest distance that DEFLATE has.
const HISTORY: usize = 32 * 1024;
/// Output is handed on in pieces of about this size.
const PIECE: usize = 8 * 1024;
/// RFC 7692 §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What is wrong with a compressed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no DEFLATE.
    Invalid(&'static str),
    /// A distance beyond the agreed window.
    Window { distance: u32, allowed: u32 },
    /// A distance into history that there is not, or that the agreement rules out.
    Context { distance: u32, available: u64 },
}

/// Where the decoder stands.
#[derive(Clone, Debug)]
enum State {
    Header,
    Stored {
        left: u32,
    },
    Codes {
        lengths: Box<Huffman>,
        distances: Box<Huffman>,
    },
    /// Behind a block with BFINAL.
    Final,
    Broken,
}

/// One direction's decompressor.
#[derive(Debug)]
pub(crate) struct Inflater {
    window: u32,
    takeover: bool,
    ring: Vec<u8>,
    /// Bytes put out since the connection began.
    total: u64,
    /// Bytes put out since the message began.
    message: u64,
    /// Bytes of compressed payload of this message.
    payload: u64,
    /// Input that is not used up: what did not make a whole symbol.
    input: Vec<u8>,
    /// Bits of its first byte that are.
    used: usize,
    state: State,
    last_block: bool,
    fault: Option<Fault>,
    out: Vec<u8>,
    /// The bits that the last message left behind do not end a block.
    misaligned: bool,
    /// The history is not known: bytes of this direction were not seen, or did not inflate.
    history_lost: bool,
}

impl Inflater {
    /// `bits`: the agreed window; `takeover`: whether history is kept from message to message.
    pub(crate) fn new(bits: u8, takeover: bool) -> Self {
        Self {
            window: 1 << bits,
            takeover,
            ring: vec![0; HISTORY],
            total: 0,
            message: 0,
            payload: 0,
            input: Vec::new(),
            used: 0,
            state: State::Header,
            last_block: false,
            fault: None,
            out: Vec::new(),
            misaligned: false,
            history_lost: false,
        }
    }

    /// Bytes that this message has come to so far.
    pub(crate) const fn message(&self) -> u64 {
        self.message
    }

    /// What is wrong with this message so far.
    pub(crate) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// From here on distances into earlier messages cannot be judged.
    pub(crate) fn lose_history(&mut self) {
        self.history_lost = true;
        self.state = State::Broken;
    }

    /// The next piece of the message's payload; what it inflates to goes into `sink`.
    pub(crate) fn feed(&mut self, payload: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.payload += payload.len() as u64;
        for piece in payload.chunks(16 * 1024) {
            self.take(piece, sink);
        }
    }

    /// The message's payload is complete: the first fault that it had.
    pub(crate) fn finish(&mut self, sink: &mut dyn FnMut(&[u8])) -> Option<Fault> {
        // A final block ends the data by itself, and receivers let an empty payload pass as an empty message.
        if self.payload > 0 && !matches!(self.state, State::Final) {
            self.take(&TAIL, sink);
        }
        let ended = match self.state {
            State::Header => self.input.is_empty(),
            State::Final => true,
            State::Stored { .. } | State::Codes { .. } => false,
            State::Broken => true,
        };
        // The four bytes of the tail, sent and appended, leave a stored block's header half read: the next message
        // goes on in the middle of it. Receivers notice there.
        self.misaligned = !ended && matches!(self.state, State::Header) && self.input == [0, 0, 0xff, 0xff];
        if !ended && !self.misaligned && self.fault.is_none() {
            self.fault = Some(Fault::Invalid("it ends inside a block"));
        }
        let fault = self.fault.take();
        if matches!(fault, Some(Fault::Invalid(_))) {
            self.history_lost = true;
        }
        let keep = self.misaligned && self.takeover;
        if !keep {
            self.input.clear();
            self.used = 0;
            self.state = State::Header;
        }
        self.last_block = false;
        self.message = 0;
        self.payload = 0;
        fault
    }

    fn take(&mut self, piece: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.input.extend_from_slice(piece);
        let input = std::mem::take(&mut self.input);
        let mut reading = Reading::new(&input, self.used);
        loop {
            let mark = reading.mark();
            match self.step(&mut reading) {
                Ok(true) => {}
                Ok(false) => break,
                Err(Stop::More) => {
                    reading.back_to(mark);
                    break;
                }
                Err(Stop::Fault(fault)) => {
                    self.fault.get_or_insert(fault);
                    self.state = State::Broken;
                    break;
                }
            }
            if self.out.len() >= PIECE {
                sink(&self.out);
                self.out.clear();
            }
        }
        if !self.out.is_empty() {
            sink(&self.out);
            self.out.clear();
        }
        if !matches!(self.state, State::Broken | State::Final) {
            (self.input, self.used) = reading.rest();
        }
    }

    /// One block header, symbol or run of stored bytes; `false` when nothing more is to be done.
    fn step(&mut self, reading: &mut Reading<'_>) -> Result<bool, Stop> {
        match &mut self.state {
            State::Header => self.block(reading)?,
            State::Stored { left: 0 } => self.end_of_block(reading),
            State::Stored { left } => {
                let bytes = reading.bytes(*left as usize);
                if bytes.is_empty() {
                    return Err(Stop::More);
                }
                *left -= bytes.len() as u32;
                for &byte in bytes {
                    self.put(byte);
                }
            }
            State::Codes { lengths, distances } => {
                let symbol = lengths.decode(reading)?;
                match symbol {
                    0..=255 => self.put(symbol as u8),
                    256 => self.end_of_block(reading),
                    _ => {
                        let length = huffman::length(symbol, reading)?;
                        let distance = huffman::distance(distances.decode(reading)?, reading)?;
                        self.copy(length, distance)?;
                    }
                }
            }
            State::Final | State::Broken => return Ok(false),
        }
        Ok(true)
    }

    fn block(&mut self, reading: &mut Reading<'_>) -> Result<(), Stop> {
        let last = reading.bits(1)? == 1;
        let state = match reading.bits(2)? {
            0 => State::Stored { left: reading.stored_length()? },
            1 => State::Codes {
                lengths: Box::new(Huffman::fixed_lengths()),
                distances: Box::new(Huffman::fixed_distances()),
            },
            2 => {
                let (lengths, distances) = huffman::dynamic(reading)?;
                State::Codes { lengths: Box::new(lengths), distances: Box::new(distances) }
            }
            _ => return Err(Stop::Fault(Fault::Invalid("a block of the reserved type 3"))),
        };
        self.last_block = last;
        self.state = state;
        Ok(())
    }

    fn end_of_block(&mut self, reading: &mut Reading<'_>) {
        self.state = State::Header;
        if self.last_block {
            // RFC 7692 §7.2.3.4 allows BFINAL; what follows it starts at the next byte.
            self.last_block = false;
            reading.align();
            if reading.is_empty() {
                self.state = State::Final;
            }
        }
    }

    fn put(&mut self, byte: u8) {
        let at = (self.total % HISTORY as u64) as usize;
        self.ring[at] = byte;
        self.total += 1;
        self.message += 1;
        self.out.push(byte);
    }

    fn copy(&mut self, length: u32, distance: u32) -> Result<(), Stop> {
        // RFC 7692 §7.1.2.1: the sender "doesn't use" an "LZ77 sliding window" larger than what was agreed.
        if distance > self.window {
            self.fault.get_or_insert(Fault::Window { distance, allowed: self.window });
        }
        let available = if self.takeover { self.total } else { self.message };
        if u64::from(distance) > available && !(self.takeover && self.history_lost) {
            let fault = Fault::Context { distance, available };
            // With history that is there but ruled out, decoding goes on: it tells what was meant.
            if u64::from(distance) > self.total {
                return Err(Stop::Fault(fault));
            }
            self.fault.get_or_insert(fault);
        }
        for _ in 0..length {
            let from = (self.total.wrapping_sub(u64::from(distance)) % HISTORY as u64) as usize;
            self.put(self.ring[from]);
        }
        Ok(())
    }
}

/// Why a step did not go through.
#[derive(Debug)]
pub(crate) enum Stop {
    /// More input is needed.
    More,
    /// It is broken.
    Fault(Fault),
}

/// Inflates a payload by itself, as a message without history; `None` where it does not inflate, to its end.
pub(crate) fn alone(payload: &[u8]) -> Option<Vec<u8>> {
    const LIMIT: usize = 256 * 1024;
    if payload.is_empty() {
        return None;
    }
    let mut inflater = Inflater::new(15, true);
    let mut out = Vec::new();
    for piece in payload.chunks(1024) {
        inflater.feed(piece, &mut |bytes| out.extend_from_slice(bytes));
        if out.len() > LIMIT {
            return Some(out);
        }
    }
    let fault = inflater.finish(&mut |bytes| out.extend_from_slice(bytes));
    (fault.is_none() && !inflater.misaligned).then_some(out)
}

#[cfg(test)]
mod tests;
