use std::time::Duration;

use framewise_proto::Header;
use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

use crate::recording::parts::{Kind, Stream, field, status, streams};

/// A recording in the pieces that can be left out.
#[derive(Clone, Debug)]
pub(super) struct Atoms {
    pub(super) legs: Vec<Leg>,
    pub(super) atoms: Vec<Atom>,
}

/// A line of a head, a frame, other bytes, or an end.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    leg: usize,
    from: Role,
    time: Option<Duration>,
    action: Action,
    kind: AtomKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtomKind {
    Head,
    Frame,
    Loose,
    /// An end, a gap, or an event that is not taken apart.
    Event,
}

impl Atoms {
    /// Whole events: for a recording that breaks in another way when it is taken apart, as one with gaps may.
    pub(super) fn of_events(transcript: &Transcript) -> Self {
        let atom = |event: &Event| {
            let Event { time, leg, from, ref action, .. } = *event;
            Atom { leg, from, time, action: action.clone(), kind: AtomKind::Event }
        };
        Self { legs: transcript.legs.clone(), atoms: transcript.events.iter().map(atom).collect() }
    }

    /// A part of a stream is placed where its first byte was sent.
    pub(super) fn of(transcript: &Transcript) -> Self {
        let streams = streams(transcript);
        let mut atoms = Vec::new();
        for (index, event) in transcript.events.iter().enumerate() {
            let Event { time, leg, from, .. } = *event;
            let atom = |action, kind| Atom { leg, from, time, action, kind };
            let Action::Bytes(_) = event.action else {
                atoms.push(atom(event.action.clone(), AtomKind::Event));
                continue;
            };
            let Some(stream) = streams.iter().find(|stream| stream.leg == leg && stream.from == from) else {
                continue;
            };
            let Ok(at) = stream.events.binary_search_by_key(&index, |(index, _)| *index) else { continue };
            let range = stream.events[at].1.clone();
            let first = stream.parts.partition_point(|part| part.range.start < range.start);
            for part in stream.parts[first..].iter().take_while(|part| part.range.start < range.end) {
                let kind = match part.kind {
                    Kind::StartLine | Kind::Line => AtomKind::Head,
                    Kind::Frame(_) => AtomKind::Frame,
                    Kind::Body | Kind::Unknown => AtomKind::Loose,
                };
                atoms.push(atom(Action::Bytes(stream.bytes[part.range.clone()].to_vec()), kind));
            }
        }
        Self { legs: transcript.legs.clone(), atoms }
    }

    /// Without the handshakes, where all of them led to a connection.
    pub(super) fn opened(&self, streams: &[Stream]) -> Option<Self> {
        let mut opened = self.clone();
        for (index, leg) in opened.legs.iter_mut().enumerate() {
            if leg.open.is_some() {
                continue;
            }
            let server = streams.iter().find(|stream| stream.leg == index && stream.from == Role::Server)?;
            let lines =
                server.parts.iter().take_while(|part| matches!(part.kind, Kind::StartLine | Kind::Line));
            let end = lines.last()?.range.end;
            let head = &server.bytes[..end];
            if status(head) != Some(101) {
                return None;
            }
            leg.open = Some(field(head, "sec-websocket-extensions").unwrap_or_default());
        }
        let before = opened.atoms.len();
        opened.atoms.retain(|atom| atom.kind != AtomKind::Head);
        (opened.atoms.len() < before).then_some(opened)
    }

    /// Only these legs.
    pub(super) fn of_legs(&self, legs: &[usize]) -> Self {
        let place = |leg: usize| legs.iter().position(|&kept| kept == leg);
        let atoms = self.atoms.iter().filter_map(|atom| Some(Atom { leg: place(atom.leg)?, ..atom.clone() }));
        Self { legs: legs.iter().map(|&leg| self.legs[leg].clone()).collect(), atoms: atoms.collect() }
    }

    /// Only these pieces.
    pub(super) fn only(&self, kept: &[usize]) -> Self {
        let atoms = kept.iter().map(|&index| self.atoms[index].clone()).collect();
        Self { legs: self.legs.clone(), atoms }
    }

    pub(super) fn without_times(&self) -> Self {
        let atoms = self.atoms.iter().map(|atom| Atom { time: None, ..atom.clone() }).collect();
        Self { legs: self.legs.clone(), atoms }
    }

    /// As a transcript, an event for each piece; the lines of a head are one event.
    pub(super) fn transcript(&self) -> Transcript {
        let mut events: Vec<Event> = Vec::new();
        let mut last_was_head = false;
        for atom in &self.atoms {
            let is_head = atom.kind == AtomKind::Head;
            if let Action::Bytes(bytes) = &atom.action {
                if bytes.is_empty() {
                    continue;
                }
                if let Some(last) = events.last_mut()
                    && is_head
                    && last_was_head
                    && (last.leg, last.from, last.time) == (atom.leg, atom.from, atom.time)
                    && let Action::Bytes(before) = &mut last.action
                {
                    before.extend_from_slice(bytes);
                    continue;
                }
            }
            last_was_head = is_head;
            let line = events.len() + 1;
            let Atom { leg, from, time, action, .. } = atom.clone();
            events.push(Event { line, time, leg, from, action });
        }
        Transcript { legs: self.legs.clone(), events }
    }
}

impl Atom {
    /// The length of a frame's payload, as far as it is there.
    pub(super) fn payload(&self) -> Option<usize> {
        let bytes = self.frame()?;
        Some(bytes.len() - Header::decode(bytes)?.size())
    }

    /// The frame with the first bytes of its payload, and a header that fits it. A payload that is incomplete is only cut.
    pub(super) fn with_payload(&self, length: usize) -> Option<Self> {
        let bytes = self.frame()?;
        let mut header = Header::decode(bytes)?;
        let payload = bytes.get(header.size()..)?.get(..length)?;
        if header.length == (bytes.len() - header.size()) as u64 {
            let minimal = Header::new(header.opcode, header.length, header.mask).form == header.form;
            header.length = length as u64;
            if minimal {
                header.form = Header::new(header.opcode, header.length, header.mask).form;
            }
        }
        let (encoded, size) = header.encode();
        Some(self.with_bytes([&encoded[..size], payload].concat()))
    }

    /// Bytes that are neither a head nor a frame, few enough to try each.
    pub(super) fn loose_bytes(&self) -> Option<&[u8]> {
        match &self.action {
            Action::Bytes(bytes) if self.kind == AtomKind::Loose && bytes.len() <= 4096 => Some(bytes),
            Action::Bytes(_) | Action::Eof | Action::Reset | Action::Gap(_) => None,
        }
    }

    pub(super) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        Self { action: Action::Bytes(bytes), ..self.clone() }
    }

    fn frame(&self) -> Option<&[u8]> {
        match &self.action {
            Action::Bytes(bytes) if self.kind == AtomKind::Frame => Some(bytes),
            Action::Bytes(_) | Action::Eof | Action::Reset | Action::Gap(_) => None,
        }
    }
}
