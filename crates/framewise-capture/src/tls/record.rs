//! The records of one direction, decrypted.

use super::keys::Secrets;
use super::schedule::{Key, Schedule, Version};
use crate::sink::Act;

/// The longest body of a record (RFC 5246 §6.2.3).
const LONGEST: usize = (1 << 14) + 2048;
/// Bytes that are decrypted at most in search of the record after a gap.
const SEARCH: usize = 8 << 20;
/// Records that a gap may hide from the search.
const HIDDEN: u64 = 4096;

/// How far the handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Epoch {
    /// Nothing is encrypted yet.
    Plain,
    /// TLS 1.3: the rest of the handshake is.
    Handshake,
    /// What the application sends.
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// At a record, of which the buffer may have a part.
    Record,
    /// In a record of which a part is missing: bytes up to its end.
    Skipping { left: u64, plain: u64 },
    /// After a gap: bytes since the last known end of a record.
    Searching { lost: u64 },
    /// The record after a gap was not found.
    Lost,
}

/// One direction of a TLS connection.
#[derive(Debug)]
pub(super) struct Direction {
    client: bool,
    version: Version,
    epoch: Epoch,
    handshake: Option<Key>,
    data: Option<Key>,
    sequence: u64,
    reading: Reading,
    /// What is there of the next record.
    buffer: Vec<u8>,
    plain: Vec<u8>,
    messages: Messages,
    budget: usize,
    opened: bool,
    failed: bool,
    ended: bool,
    alert: Option<u8>,
}

impl Direction {
    pub(super) fn new(schedule: &Schedule, client: bool, secrets: &Secrets) -> Self {
        Self {
            client,
            version: schedule.version,
            epoch: Epoch::Plain,
            handshake: schedule.key(client, true, secrets),
            data: schedule.key(client, false, secrets),
            sequence: 0,
            reading: Reading::Record,
            buffer: Vec::new(),
            plain: Vec::new(),
            messages: Messages::default(),
            budget: SEARCH,
            opened: false,
            failed: false,
            ended: false,
            alert: None,
        }
    }

    pub(super) const fn is_client(&self) -> bool {
        self.client
    }

    /// The fatal alert that this side sent.
    pub(super) const fn alert(&self) -> Option<u8> {
        self.alert
    }

    /// Whether records came and none was decrypted.
    pub(super) const fn has_failed(&self) -> bool {
        self.failed && !self.opened
    }

    pub(super) fn take(&mut self, act: Act<'_>, out: &mut dyn FnMut(Act<'_>)) {
        match act {
            Act::Bytes(bytes) => self.bytes(bytes, out),
            Act::Gap(bytes) => self.gap(bytes, out),
            Act::Eof => self.end(out),
            Act::Reset => out(Act::Reset),
        }
    }

    fn end(&mut self, out: &mut dyn FnMut(Act<'_>)) {
        if !std::mem::replace(&mut self.ended, true) {
            out(Act::Eof);
        }
    }

    fn bytes(&mut self, mut bytes: &[u8], out: &mut dyn FnMut(Act<'_>)) {
        if let Reading::Skipping { left, plain } = self.reading {
            let skipped = left.min(bytes.len() as u64);
            bytes = &bytes[skipped as usize..];
            self.skip(left - skipped, plain, out);
        }
        if bytes.is_empty() {
            return;
        }
        match self.reading {
            Reading::Lost | Reading::Skipping { .. } => return,
            Reading::Record | Reading::Searching { .. } => {}
        }
        self.buffer.extend_from_slice(bytes);
        if let Reading::Searching { lost } = self.reading {
            self.search(lost, out);
        }
        self.records(out);
    }

    fn gap(&mut self, bytes: u64, out: &mut dyn FnMut(Act<'_>)) {
        match self.reading {
            Reading::Lost => {}
            Reading::Searching { lost } => {
                let lost = lost + self.buffer.len() as u64 + bytes;
                self.buffer.clear();
                self.reading = Reading::Searching { lost };
            }
            Reading::Skipping { left, plain } if bytes <= left => self.skip(left - bytes, plain, out),
            // The rest of this record, and more.
            Reading::Skipping { left, plain } => {
                self.over(plain, out);
                self.reading = Reading::Searching { lost: bytes - left };
            }
            Reading::Record => {
                let there = self.buffer.len() as u64;
                let size = length(&self.buffer).map(|length| length as u64 + 5);
                self.buffer.clear();
                let Some(left) = size.and_then(|size| size.checked_sub(there + bytes)) else {
                    self.reading = Reading::Searching { lost: there + bytes };
                    return;
                };
                let plain = self.plain(size.unwrap_or(0), 1);
                self.skip(left, plain, out);
            }
        }
    }

    fn overhead(&self) -> u64 {
        self.data.as_ref().map_or(0, Key::overhead)
    }

    /// The plaintext in this many bytes of records; 0 where their padding hides it.
    fn plain(&self, bytes: u64, records: u64) -> u64 {
        self.data.as_ref().map_or(bytes, |key| key.plain(bytes, records))
    }

    fn is_padded(&self) -> bool {
        matches!(self.data, Some(Key::Cbc(_)))
    }

    /// This many bytes are left of a record that is not complete.
    fn skip(&mut self, left: u64, plain: u64, out: &mut dyn FnMut(Act<'_>)) {
        self.reading = Reading::Skipping { left, plain };
        if left == 0 {
            self.over(plain, out);
        }
    }

    /// A record that is not complete is over.
    fn over(&mut self, plain: u64, out: &mut dyn FnMut(Act<'_>)) {
        self.reading = Reading::Record;
        match self.epoch {
            Epoch::Plain => {}
            Epoch::Handshake => self.sequence += 1,
            Epoch::Data => {
                self.sequence += 1;
                out(Act::Gap(plain));
            }
        }
    }

    /// Takes in the complete records of the buffer.
    fn records(&mut self, out: &mut dyn FnMut(Act<'_>)) {
        let buffer = std::mem::take(&mut self.buffer);
        let mut at = 0;
        while self.reading == Reading::Record {
            let rest = &buffer[at..];
            let Some(length) = length(rest) else {
                if rest.len() >= 5 {
                    // These are no records any more.
                    self.reading = Reading::Searching { lost: 0 };
                }
                break;
            };
            let Some(record) = rest.get(..5 + length) else { break };
            at += record.len();
            self.record(record, out);
        }
        self.buffer = buffer;
        self.buffer.drain(..at);
        if let Reading::Searching { lost } = self.reading
            && !self.buffer.is_empty()
        {
            self.search(lost, out);
            if self.reading == Reading::Record {
                self.records(out);
            }
        }
    }

    fn record(&mut self, record: &[u8], out: &mut dyn FnMut(Act<'_>)) {
        let (header, body) = record.split_at(5);
        let header = [header[0], header[1], header[2], header[3], header[4]];
        match (self.version, self.epoch, header[0]) {
            // RFC 8446 §5: in TLS 1.3 it means nothing.
            (Version::Tls13, _, 20) => return,
            (Version::Tls12, Epoch::Plain, 20) => {
                self.epoch = Epoch::Data;
                self.sequence = 0;
                return;
            }
            (Version::Tls13, Epoch::Plain, 23) => {
                self.epoch = Epoch::Handshake;
                self.sequence = 0;
            }
            (_, Epoch::Plain, kind) => {
                if kind == 21 {
                    self.alerted(body, out);
                }
                return;
            }
            (_, Epoch::Handshake | Epoch::Data, _) => {}
        }
        let Some(kind) = self.open(header, body) else {
            self.failed = true;
            // Early data, or a handshake whose keys the log lacks; the application's data comes later.
            if self.epoch == Epoch::Data {
                let plain = self.plain(record.len() as u64, 1);
                self.over(plain, out);
            }
            return;
        };
        self.opened = true;
        let plain = std::mem::take(&mut self.plain);
        match kind {
            23 if !plain.is_empty() => out(Act::Bytes(&plain)),
            22 => self.handshake(&plain),
            21 => self.alerted(&plain, out),
            _ => {}
        }
        self.plain = plain;
    }

    /// Decrypts the record that is next into `plain`.
    fn open(&mut self, header: [u8; 5], body: &[u8]) -> Option<u8> {
        let handshake = self.handshake.as_ref().filter(|_| self.epoch == Epoch::Handshake);
        if let Some(kind) = handshake.and_then(|key| key.open(self.sequence, header, body, &mut self.plain)) {
            self.sequence += 1;
            return Some(kind);
        }
        let sequence = if self.epoch == Epoch::Data { self.sequence } else { 0 };
        let kind = self.data.as_ref()?.open(sequence, header, body, &mut self.plain)?;
        self.epoch = Epoch::Data;
        self.sequence = sequence + 1;
        Some(kind)
    }

    fn handshake(&mut self, plain: &[u8]) {
        let Self { messages, epoch, sequence, data, .. } = self;
        messages.take(plain, &mut |kind| match (kind, *epoch) {
            // Finished: from here on, the keys are the application's.
            (20, Epoch::Handshake) => {
                *epoch = Epoch::Data;
                *sequence = 0;
            }
            // KeyUpdate
            (24, Epoch::Data) => {
                if let Some(key) = data.as_ref().and_then(Key::update) {
                    *data = Some(key);
                    *sequence = 0;
                }
            }
            _ => {}
        });
    }

    fn alerted(&mut self, plain: &[u8], out: &mut dyn FnMut(Act<'_>)) {
        match *plain {
            // close_notify: the peer reads the end here.
            [_, 0] => self.end(out),
            [2, description] => self.alert = self.alert.or(Some(description)),
            _ => {}
        }
    }

    /// Looks in the buffer for the record after a gap: one that decrypts.
    fn search(&mut self, mut lost: u64, out: &mut dyn FnMut(Act<'_>)) {
        let buffer = std::mem::take(&mut self.buffer);
        let mut at = 0;
        let found = loop {
            let rest = &buffer[at..];
            let Some(length) = length(rest) else {
                if rest.len() < 5 {
                    break None;
                }
                at += 1;
                continue;
            };
            let Some(record) = rest.get(..5 + length) else { break None };
            if let Some(found) = self.matches(record, lost + at as u64) {
                break Some(found);
            }
            if self.budget == 0 {
                break None;
            }
            at += 1;
        };
        lost += at as u64;
        self.buffer = buffer;
        self.buffer.drain(..at);
        match found {
            None if self.budget == 0 => {
                self.reading = Reading::Lost;
                self.buffer = Vec::new();
                out(Act::Gap(0));
            }
            None => self.reading = Reading::Searching { lost },
            Some((epoch, sequence)) => {
                let hidden = sequence - if epoch == self.epoch { self.sequence } else { 0 };
                match (self.epoch, epoch) {
                    (Epoch::Data, Epoch::Data) => {
                        // Padding apart, what the records had is known.
                        let plain = self.plain(lost, hidden);
                        if plain > 0 || (hidden > 0 && self.is_padded()) {
                            out(Act::Gap(plain));
                        }
                    }
                    (_, Epoch::Data) if hidden > 0 => out(Act::Gap(0)),
                    _ => {}
                }
                self.epoch = epoch;
                self.sequence = sequence;
                self.messages = Messages::default();
                self.reading = Reading::Record;
            }
        }
    }

    /// Whether a record decrypts as one of those that may follow; which one it is.
    fn matches(&mut self, record: &[u8], lost: u64) -> Option<(Epoch, u64)> {
        let (header, body) = record.split_at(5);
        let header = [header[0], header[1], header[2], header[3], header[4]];
        let first = if self.epoch == Epoch::Data { self.sequence } else { 0 };
        let most = (lost / self.overhead().max(1) + 1).min(HIDDEN);
        let handshake = self.handshake.as_ref().filter(|_| self.epoch == Epoch::Handshake);
        let own = handshake.map(|key| (key, Epoch::Handshake, self.sequence));
        let later = self.data.as_ref().map(|key| (key, Epoch::Data, first));
        for (key, epoch, first) in own.into_iter().chain(later) {
            for sequence in first..=first.saturating_add(most) {
                self.budget = self.budget.saturating_sub(record.len());
                if self.budget == 0 {
                    return None;
                }
                if key.open(sequence, header, body, &mut self.plain).is_some() {
                    return Some((epoch, sequence));
                }
            }
        }
        None
    }
}

/// The length of the record's body that begins here; `None` for what is no record, or too short to tell.
fn length(bytes: &[u8]) -> Option<usize> {
    let &[20..=23, 3, 0..=4, high, low, ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (length <= LONGEST).then_some(length)
}

/// The types of handshake messages, as they end.
#[derive(Debug, Default)]
struct Messages {
    head: Vec<u8>,
    left: usize,
}

impl Messages {
    fn take(&mut self, mut bytes: &[u8], ended: &mut dyn FnMut(u8)) {
        loop {
            while self.head.len() < 4 {
                let Some((&first, rest)) = bytes.split_first() else { return };
                self.head.push(first);
                bytes = rest;
                if let [_, a, b, c] = *self.head {
                    self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                }
            }
            let there = self.left.min(bytes.len());
            self.left -= there;
            bytes = &bytes[there..];
            if self.left > 0 {
                return;
            }
            ended(self.head[0]);
            self.head.clear();
        }
    }
}
