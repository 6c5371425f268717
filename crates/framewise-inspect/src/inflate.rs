//! Inflates a message and continues where a library stops, to find out what was meant.

use framewise_proto::Detail;
use framewise_proto::deflate::{Decoder, Place, Symbols, Unreadable};
use framewise_rules::Rule;

/// The largest distance in DEFLATE.
const HISTORY: usize = 32 * 1024;
/// Output is passed on in pieces of about this size.
const PIECE: usize = 8 * 1024;
/// RFC 7692 §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// A fault of a compressed message: the broken rule, and details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    pub(crate) detail: Detail,
}

impl Fault {
    /// The data is not DEFLATE.
    const fn invalid(why: &'static str) -> Self {
        Self { rule: Rule::DeflateDataInvalid, detail: Detail::Words(why) }
    }

    /// A distance beyond the agreed window.
    const fn window(distance: u32, window: u32) -> Self {
        Self { rule: Rule::DeflateWindowViolated, detail: Detail::Window { distance, window } }
    }

    /// A distance beyond the history that exists, or that the agreement allows.
    const fn history(distance: u32, available: u64) -> Self {
        Self { rule: Rule::DeflateContextMismatch, detail: Detail::History { distance, available } }
    }
}

/// Found with the tail, which must not be data of a block.
const ENDS_INSIDE: Fault = Fault::invalid("it ends inside a block");

/// One direction's decompressor (RFC 7692). It keeps 32 KiB of history, and goes on where a library stops.
#[derive(Clone, Debug)]
pub struct Inflater {
    decoder: Decoder,
    output: Output,
    /// Bytes of compressed payload of this message.
    payload: u64,
    /// The previous message ended within a block.
    misaligned: bool,
}

/// The output, and how much of it may be referred to.
#[derive(Clone, Debug)]
struct Output {
    window: u32,
    takeover: bool,
    ring: Vec<u8>,
    /// Output bytes since the connection began.
    total: u64,
    /// Output bytes since the message began.
    message: u64,
    /// The first fault of this message.
    fault: Option<Fault>,
    /// Output bytes of the message before the fault.
    fault_at: u64,
    /// Output that was not passed on.
    out: Vec<u8>,
    /// The history is unknown: bytes of this direction were not seen, or did not inflate.
    history_lost: bool,
}

impl Inflater {
    /// `bits`: the agreed window, 8 to 15; `takeover`: whether history is kept from message to message.
    pub fn new(bits: u8, takeover: bool) -> Self {
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

    /// Inflates a message: its content, and the first rule that it breaks. Of content above `most` bytes the rest is left out,
    /// and the history is lost.
    pub fn message(&mut self, payload: &[u8], most: usize) -> (Vec<u8>, Option<Rule>) {
        let mut content = Vec::new();
        for piece in payload.chunks(PIECE) {
            self.feed(piece, &mut |bytes| content.extend_from_slice(bytes));
            if content.len() > most {
                self.lose_history();
                content.truncate(most);
                break;
            }
        }
        let fault = self.finish(&mut |bytes| content.extend_from_slice(bytes));
        content.truncate(most);
        (content, fault.map(|fault| fault.rule))
    }

    /// The first fault of this message, and how many bytes were inflated before it.
    pub(crate) fn fault(&self) -> Option<(Fault, u64)> {
        self.output.fault.map(|fault| (fault, self.output.fault_at))
    }

    /// From here on, distances into earlier messages cannot be checked.
    pub(crate) fn lose_history(&mut self) {
        self.output.history_lost = true;
        self.decoder.stop();
    }

    /// Inflates the next piece of the message's payload into `sink`.
    pub(crate) fn feed(&mut self, payload: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.payload += payload.len() as u64;
        self.take(payload, sink);
    }

    /// Ends the message. Returns its first fault.
    pub(crate) fn finish(&mut self, sink: &mut dyn FnMut(&[u8])) -> Option<Fault> {
        // A final block ends the data by itself, and receivers tolerate an empty payload as an empty message.
        let before = self.output.fault;
        if self.payload > 0 && self.decoder.place() != Place::Final {
            self.take(&TAIL, sink);
        }
        if self.output.fault != before {
            self.output.fault = Some(ENDS_INSIDE);
        }
        let place = self.decoder.place();
        let unread = self.decoder.unread();
        // With the tail sent and appended, the second one is read as a stored block's header, incompletely: the next
        // message begins within it, and receivers fail there.
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
    /// Records a fault; the first one counts.
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
            // If the history exists but the agreement excludes it, go on decoding, to find out what was meant.
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

/// Passes the output on.
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

/// Inflates a payload as a message without history. `None` if it does not inflate to its end, or if `take` does not
/// allow the steps: one for each byte of input and output.
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
