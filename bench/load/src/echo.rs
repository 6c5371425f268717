//! Reading what the server sends back: how many messages are complete, and whether they are the ones sent.

use flate2::{Decompress, FlushDecompress};

use crate::script::Script;

/// The interval, in messages, at which the bytes are compared too, and not only the length.
const SAMPLE: u64 = 64;

/// The reader of one connection.
#[derive(Default)]
pub struct Echo {
    /// A header that was split between two reads.
    partial: Vec<u8>,
    /// Payload bytes of the current frame that are still to come.
    left: usize,
    /// The current message: bytes so far, whether it is compressed, whether its frame is the last.
    length: usize,
    compressed: bool,
    fin: bool,
    inside: bool,
    /// Messages seen.
    pub count: u64,
    inflater: Option<Inflater>,
}

/// With compression, the content can only be known by inflating everything.
struct Inflater {
    stream: Decompress,
    takeover: bool,
    input: Vec<u8>,
}

impl Echo {
    /// Inflates all messages: for some connections, where the context is kept from message to message.
    pub fn inflating(takeover: bool) -> Self {
        let inflater = Inflater { stream: Decompress::new(false), takeover, input: Vec::new() };
        Self { inflater: Some(inflater), ..Self::default() }
    }

    /// Processes the bytes of one read; returns the number of messages that they complete.
    pub fn feed(&mut self, mut bytes: &[u8], script: &Script, expected: &[u8]) -> Result<usize, String> {
        let mut completed = 0;
        while !bytes.is_empty() {
            if !self.inside {
                // Nearly always: a complete header, the one that is expected.
                if self.partial.is_empty() && self.length == 0 && bytes.starts_with(expected) {
                    bytes = &bytes[expected.len()..];
                    (self.left, self.fin, self.compressed) = (script.payloads[0].len(), true, false);
                } else {
                    let Some(rest) = self.header(bytes, script.opcode)? else { return Ok(completed) };
                    bytes = rest;
                }
                self.inside = true;
            }
            let taken = self.left.min(bytes.len());
            self.payload(&bytes[..taken], script)?;
            self.left -= taken;
            bytes = &bytes[taken..];
            if self.left == 0 {
                self.inside = false;
                if self.fin {
                    self.finish(script)?;
                    completed += 1;
                }
            }
        }
        Ok(completed)
    }

    /// Any header, also one in two pieces: `None` if `bytes` ends before it does.
    fn header<'a>(&mut self, bytes: &'a [u8], opcode: u8) -> Result<Option<&'a [u8]>, String> {
        let before = self.partial.len();
        self.partial.extend_from_slice(&bytes[..bytes.len().min(10 - before)]);
        let [first, second, rest @ ..] = &self.partial[..] else { return Ok(None) };
        let extra = match second {
            126 => 2,
            127 => 8,
            0..126 => 0,
            _ => return Err("the server masks its frames".into()),
        };
        let Some(extended) = rest.get(..extra) else { return Ok(None) };
        let length = extended.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.left = if extra == 0 { usize::from(*second) } else { length };
        self.fin = first & 0x80 != 0;
        let wanted = if self.length == 0 { opcode } else { 0 };
        match first & 0x0f {
            8 => return Err(format!("the server closed, after {} messages", self.count)),
            found if found == wanted => {}
            found => return Err(format!("opcode {found} instead of {wanted}")),
        }
        if wanted != 0 {
            self.compressed = first & 0x40 != 0;
        }
        self.partial.clear();
        Ok(Some(&bytes[2 + extra - before..]))
    }

    fn payload(&mut self, bytes: &[u8], script: &Script) -> Result<(), String> {
        let at = self.length;
        self.length += bytes.len();
        if self.compressed {
            if let Some(inflater) = &mut self.inflater {
                inflater.input.extend_from_slice(bytes);
            }
        } else if self.count.is_multiple_of(SAMPLE)
            && expected(script, self.count).get(at..self.length) != Some(bytes)
        {
            return Err(format!("message {} came back changed", self.count));
        }
        Ok(())
    }

    fn finish(&mut self, script: &Script) -> Result<(), String> {
        let expected = expected(script, self.count);
        if !self.compressed {
            if self.length != expected.len() {
                return Err(format!("{} bytes came back instead of {}", self.length, expected.len()));
            }
        } else if let Some(inflater) = &mut self.inflater {
            inflater.finish(expected, self.count)?;
        }
        self.length = 0;
        self.count += 1;
        Ok(())
    }
}

fn expected(script: &Script, number: u64) -> &[u8] {
    &script.payloads[number as usize % script.payloads.len()]
}

impl Inflater {
    fn finish(&mut self, expected: &[u8], number: u64) -> Result<(), String> {
        self.input.extend_from_slice(&[0, 0, 0xff, 0xff]);
        if !self.takeover {
            self.stream.reset(false);
        }
        let mut output = Vec::with_capacity(expected.len() + 64);
        let result = self.stream.decompress_vec(&self.input, &mut output, FlushDecompress::Sync);
        self.input.clear();
        if result.is_err() || output != expected {
            return Err(format!("message {number} does not inflate to what was sent"));
        }
        Ok(())
    }
}
