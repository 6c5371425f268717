//! A message inflated by someone who goes on where a library stops, and tells what was meant.

use framewise_proto::Detail;
use framewise_proto::deflate::{Decoder, Place, Symbols, Unreadable};
use framewise_rules::Rule;

/// The largest distance that DEFLATE has.
const HISTORY: usize = 32 * 1024;
/// Output is handed on in pieces of about this size.
const PIECE: usize = 8 * 1024;
/// RFC 7692 §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What is wrong with a compressed message: the rule that it breaks, and the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    pub(crate) detail: Detail,
}

impl Fault {
    /// It is not DEFLATE.
    const fn invalid(why: &'static str) -> Self {
        Self { rule: Rule::DeflateDataInvalid, detail: Detail::Words(why) }
    }

    /// A distance beyond the agreed window.
    const fn window(distance: u32, window: u32) -> Self {
        Self { rule: Rule::DeflateWindowViolated, detail: Detail::Window { distance, window } }
    }

    /// A distance into history that does not exist, or that the agreement rules out.
    const fn history(distance: u32, available: u64) -> Self {
        Self { rule: Rule::DeflateContextMismatch, detail: Detail::History { distance, available } }
    }
}

/// The tail shows it: it is not part of a block's data.
const ENDS_INSIDE: Fault = Fault::invalid("it ends inside a block");

/// One direction's decompressor. It keeps 32 KiB of history.
#[derive(Clone, Debug)]
pub(crate) struct Inflater {
    decoder: Decoder,
    output: Output,
    /// Bytes of compressed payload of this message.
    payload: u64,
    /// The bits that the last message left behind do not end a block.
    misaligned: bool,
}

/// What came out, and what of it may be referred to.
#[derive(Clone, Debug)]
struct Output {
    window: u32,
    takeover: bool,
    ring: Vec<u8>,
    /// Bytes put out since the connection began.
    total: u64,
    /// Bytes put out since the message began.
    message: u64,
    /// What is wrong with this message so far.
    fault: Option<Fault>,
    /// Bytes of the message before that.
    fault_at: u64,
    /// What was not handed on yet.
    out: Vec<u8>,
    /// The history is not known: bytes of this direction were not seen, or did not inflate.
    history_lost: bool,
}

impl Inflater {
    /// `bits`: the agreed window; `takeover`: whether history is kept from message to message.
    pub(crate) fn new(bits: u8, takeover: bool) -> Self {
        Self {
            decoder: Decoder::default(),
            output: Output {
                window: 1 << bits,
                takeover,
                ring: vec![0; HISTORY],
                total: 0,
                message: 0,
                fault: None,
                fault_at: 0,
                out: Vec::new(),
                history_lost: false,
            },
            payload: 0,
            misaligned: false,
        }
    }

    /// What is wrong with this message so far, and how many bytes came out before it.
    pub(crate) fn fault(&self) -> Option<(Fault, u64)> {
        self.output.fault.map(|fault| (fault, self.output.fault_at))
    }

    /// From here on distances into earlier messages cannot be judged.
    pub(crate) fn lose_history(&mut self) {
        self.output.history_lost = true;
        self.decoder.stop();
    }

    /// The next piece of the message's payload; what it inflates to goes into `sink`.
    pub(crate) fn feed(&mut self, payload: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.payload += payload.len() as u64;
        self.take(payload, sink);
    }

    /// The message's payload is complete: the first fault that it had.
    pub(crate) fn finish(&mut self, sink: &mut dyn FnMut(&[u8])) -> Option<Fault> {
        // A final block ends the data by itself, and receivers let an empty payload pass as an empty message.
        let before = self.output.fault;
        if self.payload > 0 && self.decoder.place() != Place::Final {
            self.take(&TAIL, sink);
        }
        if self.output.fault != before {
            self.output.fault = Some(ENDS_INSIDE);
        }
        let place = self.decoder.place();
        let unread = self.decoder.unread();
        // The four bytes of the tail, sent and appended, leave a stored block's header half read: the next message
        // goes on in the middle of it. Receivers notice there.
        self.misaligned = place == Place::Head && unread == (&TAIL, 0);
        let ended = match place {
            Place::Head => unread.0.is_empty() || self.misaligned,
            Place::Block => false,
            Place::Final | Place::Broken => true,
        };
        if !ended {
            self.output.fail(ENDS_INSIDE);
        }
        let fault = self.output.fault.take();
        if fault.is_some_and(|fault| fault.rule == Rule::DeflateDataInvalid) {
            self.output.history_lost = true;
        }
        if !(self.misaligned && self.output.takeover) {
            self.decoder.restart();
        }
        self.output.message = 0;
        self.payload = 0;
        fault
    }

    fn take(&mut self, piece: &[u8], sink: &mut dyn FnMut(&[u8])) {
        let mut writer = Writer { output: &mut self.output, sink };
        let read = self.decoder.read(piece, &mut writer);
        writer.hand_on();
        if let Err(unreadable) = read {
            self.output.fail(match unreadable {
                Unreadable::Invalid(why) => Fault::invalid(why),
                Unreadable::Fault(fault) => fault,
            });
        }
    }
}

impl Output {
    /// Of several faults the first one counts.
    fn fail(&mut self, fault: Fault) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            self.fault_at = self.message;
        }
    }

    fn put(&mut self, byte: u8) {
        let at = (self.total % HISTORY as u64) as usize;
        self.ring[at] = byte;
        self.total += 1;
        self.message += 1;
        self.out.push(byte);
    }

    fn copy(&mut self, length: u32, distance: u32) -> Result<(), Fault> {
        // RFC 7692 §7.1.2.1: the sender "doesn't use" an "LZ77 sliding window" larger than what was agreed.
        if distance > self.window {
            self.fail(Fault::window(distance, self.window));
        }
        let available = if self.takeover { self.total } else { self.message };
        if u64::from(distance) > available && !(self.takeover && self.history_lost) {
            let fault = Fault::history(distance, available);
            // With history that is there but ruled out, decoding goes on: it tells what was meant.
            if u64::from(distance) > self.total {
                return Err(fault);
            }
            self.fail(fault);
        }
        for _ in 0..length {
            let from = (self.total.wrapping_sub(u64::from(distance)) % HISTORY as u64) as usize;
            self.put(self.ring[from]);
        }
        Ok(())
    }
}

/// Hands on what comes out.
struct Writer<'o> {
    output: &'o mut Output,
    sink: &'o mut dyn FnMut(&[u8]),
}

impl Writer<'_> {
    fn hand_on(&mut self) {
        if !self.output.out.is_empty() {
            (self.sink)(&self.output.out);
            self.output.out.clear();
        }
    }
}

impl Symbols for Writer<'_> {
    type Fault = Fault;

    fn literals(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            for &byte in piece {
                self.output.put(byte);
            }
            if self.output.out.len() >= PIECE {
                self.hand_on();
            }
        }
    }

    fn copy(&mut self, length: u32, distance: u32) -> Result<(), Fault> {
        self.output.copy(length, distance)?;
        if self.output.out.len() >= PIECE {
            self.hand_on();
        }
        Ok(())
    }
}

/// Inflates a payload by itself, as a message without history; `None` where it does not inflate, to its end, or where
/// `take` does not allow as many steps as it takes: one for each byte that goes in or comes out.
pub(crate) fn alone(payload: &[u8], take: &mut dyn FnMut(u64) -> bool) -> Option<Vec<u8>> {
    const LIMIT: usize = 256 * 1024;
    if payload.is_empty() || !take(HISTORY as u64) {
        return None;
    }
    let mut inflater = Inflater::new(15, true);
    let mut out = Vec::new();
    for piece in payload.chunks(1024) {
        let before = out.len();
        inflater.feed(piece, &mut |bytes| out.extend_from_slice(bytes));
        if !take((piece.len() + out.len() - before) as u64) {
            return None;
        }
        if out.len() > LIMIT {
            return Some(out);
        }
    }
    let fault = inflater.finish(&mut |bytes| out.extend_from_slice(bytes));
    (fault.is_none() && !inflater.misaligned).then_some(out)
}

#[cfg(test)]
mod tests;
