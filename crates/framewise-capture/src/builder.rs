//! A connection made of what a log or an archive tells: heads, frames, messages.

use std::time::Duration;

use framewise_proto::{Header, Opcode};
use framewise_rules::{Role, Rule};
use framewise_transcript::{Action, Event, Leg, Transcript};

use crate::paste::Found;
use crate::sink::{About, Source, Told};

/// What is known of a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'p> {
    Bytes(&'p [u8]),
    /// Its length alone.
    Missing(u64),
}

/// A frame, as far as the source tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'p> {
    pub(crate) fin: bool,
    /// RSV1, RSV2 and RSV3.
    pub(crate) reserved: [bool; 3],
    pub(crate) opcode: u8,
    pub(crate) masked: bool,
    pub(crate) payload: Payload<'p>,
}

impl<'p> Frame<'p> {
    /// A complete message, or a control frame, with the mask that its sender owes.
    pub(crate) const fn whole(from: Role, opcode: u8, payload: &'p [u8]) -> Self {
        let masked = matches!(from, Role::Client);
        Self { fin: true, reserved: [false; 3], opcode, masked, payload: Payload::Bytes(payload) }
    }
}

/// Builds the transcript of one leg.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    events: Vec<Event>,
    /// No head was seen.
    headless: bool,
    frames: u32,
    told: Vec<Told>,
}

impl Builder {
    fn push(&mut self, from: Role, time: Option<Duration>, action: Action) {
        if self.events.is_empty() {
            self.headless = true;
        }
        self.events.push(Event { line: self.events.len() + 1, time, leg: 0, from, action });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.told.is_empty()
    }

    /// A head, with its empty line; and a body.
    pub(crate) fn head(&mut self, from: Role, time: Option<Duration>, head: Vec<u8>) {
        let first = self.events.is_empty();
        self.push(from, time, Action::Bytes(head));
        self.headless &= !first;
    }

    /// Bytes as they were sent.
    pub(crate) fn bytes(&mut self, from: Role, time: Option<Duration>, bytes: Vec<u8>) {
        self.push(from, time, Action::Bytes(bytes));
    }

    /// The end of a side's stream.
    pub(crate) fn eof(&mut self, from: Role, time: Option<Duration>) {
        let over = self
            .events
            .iter()
            .rfind(|event| event.from == from)
            .is_some_and(|event| event.action == Action::Eof);
        if !over {
            self.push(from, time, Action::Eof);
        }
    }

    /// A frame. Its masking key is made up: no source tells it.
    pub(crate) fn frame(&mut self, from: Role, time: Option<Duration>, frame: &Frame<'_>) {
        self.frames = self.frames.wrapping_add(1);
        let key = frame.masked.then(|| (self.frames.wrapping_mul(0x9e37_79b1) ^ 0x5bd1_e995).to_be_bytes());
        let length = match frame.payload {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Missing(length) => length,
        };
        let mut header = Header::new(Opcode::from_bits(frame.opcode), length, key);
        header.fin = frame.fin;
        [header.rsv1, header.rsv2, header.rsv3] = frame.reserved;
        let (encoded, size) = header.encode();
        let mut bytes = encoded[..size].to_vec();
        if let Payload::Bytes(payload) = frame.payload {
            let key = key.unwrap_or_default();
            bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        }
        self.push(from, time, Action::Bytes(bytes));
        if let Payload::Missing(length) = frame.payload
            && length > 0
        {
            self.push(from, time, Action::Gap(length));
        }
    }

    /// An endpoint says that the other one broke a rule.
    pub(crate) fn told(&mut self, from: Role, rule: Rule) {
        self.told.push(Told { from, rule });
    }

    /// Drops the ends after which the same side continues: where a log mixes connections, or a paste has two of them.
    fn drop_early_ends(&mut self) {
        let last = [Role::Client, Role::Server]
            .map(|from| self.events.iter().rposition(|event| event.from == from).unwrap_or_default());
        let mut index = 0;
        self.events.retain(|event| {
            index += 1;
            event.action != Action::Eof || last.contains(&(index - 1))
        });
    }

    /// The connection, with times since its first event.
    pub(crate) fn finish(mut self, source: Source) -> Found {
        self.drop_early_ends();
        let start = self.events.iter().filter_map(|event| event.time).min().unwrap_or_default();
        for event in &mut self.events {
            event.time = event.time.map(|time| time.saturating_sub(start));
        }
        let open = self.headless.then(String::new);
        let legs = vec![Leg { name: "client-server".to_owned(), open }];
        let about = About { legs: legs.clone(), source, told: self.told, ..About::default() };
        (about, Transcript { legs, events: self.events })
    }
}

/// The head of a request or a response, of its first line and its fields.
pub(crate) fn head<'f>(first: &str, fields: impl Iterator<Item = (&'f str, &'f str)>) -> Vec<u8> {
    let mut head = format!("{}\r\n", first.trim_end()).into_bytes();
    for (name, value) in fields {
        head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Seconds, or what else a source counts in, as a time.
pub(crate) fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(build: impl FnOnce(&mut Builder)) -> Vec<(Role, bool)> {
        let mut builder = Builder::default();
        build(&mut builder);
        let (_, transcript) = builder.finish(Source::default());
        transcript.events.iter().map(|event| (event.from, event.action == Action::Eof)).collect()
    }

    #[test]
    fn a_side_that_goes_on_has_not_ended() {
        let (client, server) = (Role::Client, Role::Server);
        let mixed = ends(|builder| {
            builder.eof(server, None);
            builder.bytes(server, None, vec![0x81, 0]);
            builder.eof(client, None);
            builder.eof(server, None);
        });
        assert_eq!(mixed, [(server, false), (client, true), (server, true)]);
        let once = ends(|builder| {
            builder.bytes(client, None, vec![0x81, 0x80, 0, 0, 0, 0]);
            builder.eof(client, None);
            builder.eof(client, None);
            builder.bytes(server, None, vec![0x81, 0]);
        });
        assert_eq!(once, [(client, false), (client, true), (server, false)]);
    }
}
