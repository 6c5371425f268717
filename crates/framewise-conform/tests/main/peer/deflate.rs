//! permessage-deflate of the endpoint, by zlib. zlib does not hold a sender to a window: that is asked of the engine.

use std::time::Duration;

use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::{Config, Connection, Event, Header, Opcode};
use framewise_rules::{Role, Rule};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

use super::Fault;

pub(super) struct Compression {
    fault: Fault,
    inflate: Inflate,
    /// What sees a window that is too large.
    windows: Connection,
    /// Whether the messages of the other side refer to those before.
    takeover: bool,
    /// What this side agreed to for itself.
    own_bits: u8,
    own_takeover: bool,
    deflate: Option<Deflate>,
}

impl Compression {
    pub(super) fn new(role: Role, agreed: &DeflateAgreement, fault: Fault) -> Self {
        let (other, own) = match role {
            Role::Server => (&agreed.client, &agreed.server),
            Role::Client => (&agreed.server, &agreed.client),
        };
        let windows = match role {
            Role::Server => Connection::server(Config::default(), 0, Duration::ZERO),
            Role::Client => Connection::client(Config::default(), Box::new(|| [0; 4]), 0, Duration::ZERO),
        };
        Self {
            fault,
            inflate: Inflate::new(false, 15),
            windows: windows.with_deflate(agreed),
            takeover: other.takeover,
            own_bits: own.window_bits.max(9),
            own_takeover: own.takeover,
            deflate: None,
        }
    }

    /// A compressed message (RFC 7692 §7.2.2).
    pub(super) fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, Rule> {
        if self.fault != Fault::Unchecked(Rule::DeflateWindowViolated) && self.is_beyond_window(payload) {
            return Err(Rule::DeflateWindowViolated);
        }
        let keeps = self.takeover || self.fault == Fault::Unchecked(Rule::DeflateContextMismatch);
        if !keeps || self.fault == Fault::NoTakeover {
            self.inflate = Inflate::new(false, 15);
        }
        let input = [payload, b"\x00\x00\xff\xff"].concat();
        let (mut out, mut buffer, mut at) = (Vec::new(), vec![0; 64 * 1024], 0);
        loop {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            match self.inflate.decompress(&input[at..], &mut buffer, InflateFlush::SyncFlush) {
                Ok(Status::StreamEnd) => {
                    // RFC 7692 §7.2.3.4: a block with BFINAL may end the data; what follows begins anew.
                    at += (self.inflate.total_in() - read) as usize;
                    out.extend_from_slice(&buffer[..(self.inflate.total_out() - written) as usize]);
                    self.inflate.reset(false);
                }
                Ok(Status::Ok | Status::BufError) => {
                    at += (self.inflate.total_in() - read) as usize;
                    let count = (self.inflate.total_out() - written) as usize;
                    out.extend_from_slice(&buffer[..count]);
                    if count < buffer.len() {
                        return Ok(out);
                    }
                }
                Err(_) => return Err(Rule::DeflateDataInvalid),
            }
        }
    }

    fn is_beyond_window(&mut self, payload: &[u8]) -> bool {
        let mask = (self.windows.role() == Role::Server).then_some([0; 4]);
        let mut header = Header::new(Opcode::Binary, payload.len() as u64, mask);
        header.rsv1 = true;
        let (bytes, size) = header.encode();
        let mut frame = [&bytes[..size], payload].concat();
        let mut at = 0;
        loop {
            let (consumed, event) = self.windows.receive(Duration::ZERO, &mut frame[at..]);
            at += consumed;
            match event {
                Some(Event::Violation(violation)) => return violation.rule == Rule::DeflateWindowViolated,
                Some(Event::Inflated { last: true, .. }) => drop(self.windows.take_inflated()),
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Whether it compresses what it sends: only where that is its fault.
    pub(super) fn compresses(&self) -> bool {
        matches!(self.fault, Fault::CompressesTooFar | Fault::CompressesOn)
    }

    pub(super) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let bits = if self.fault == Fault::CompressesTooFar { 15 } else { self.own_bits };
        let keeps = self.own_takeover || self.fault == Fault::CompressesOn;
        let mut deflate =
            self.deflate.take().filter(|_| keeps).unwrap_or_else(|| Deflate::new(9, false, bits));
        let mut out = vec![0; message.len() * 2 + 1024];
        let before = deflate.total_out();
        let _ = deflate.compress(message, &mut out, DeflateFlush::SyncFlush);
        out.truncate((deflate.total_out() - before) as usize);
        // RFC 7692 §7.2.1: without the last four bytes.
        out.truncate(out.len().saturating_sub(4));
        self.deflate = Some(deflate);
        out
    }
}
