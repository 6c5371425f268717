//! The messages of a stream: what an endpoint takes, whatever their frames and their compression.

use framewise_inspect::Inflater;
use framewise_proto::deflate::Direction;
use framewise_proto::{Header, Opcode};
use framewise_rules::Rule;

use super::Difference;
use crate::tape::Seen;

/// Content above this is not compared: four times the largest message that is sent.
const MOST: usize = 256 << 20;

/// The messages and control frames of a stream.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// In the order in which they end; `Seen::header` has the opcode, RSV1 where the payload could not be inflated, and MASK.
    pub(super) all: Vec<Seen>,
    /// The first frame of each.
    first: Vec<usize>,
    /// The payloads of the frames, and whether they were the last ones of their messages.
    parts: Vec<(usize, bool)>,
    /// Whether each message was compressed.
    compressed: Vec<bool>,
    /// The first message that is compressed against the agreement.
    pub(super) fault: Option<(usize, Rule)>,
}

/// The control frames and the data messages: a control frame between fragments may arrive before the message or after it.
type Split<'m> = [Vec<(Opcode, [bool; 3], bool, &'m [u8])>; 2];

fn split(messages: &Messages) -> Split<'_> {
    let (controls, data) =
        messages.all.iter().partition::<Vec<&Seen>, _>(|one| one.header.opcode.is_control());
    [controls, data].map(|all| {
        all.into_iter()
            .map(|one| {
                let Header { opcode, rsv1, rsv2, rsv3, .. } = one.header;
                (opcode, [rsv1, rsv2, rsv3], one.complete, &one.payload[..])
            })
            .collect()
    })
}

impl Messages {
    /// `None` where the frames are not a sequence of messages.
    pub(super) fn of(frames: &[Seen], deflate: Option<Direction>) -> Option<Self> {
        let mut inflater = deflate.map(|agreed| Inflater::new(agreed.window_bits, agreed.takeover));
        let mut messages = Self::default();
        let mut open: Option<(usize, Seen)> = None;
        for (index, frame) in frames.iter().enumerate() {
            let opcode = frame.header.opcode;
            if opcode.is_control() {
                messages.put(index, frame.clone(), false);
                continue;
            }
            messages.parts.push((frame.payload.len(), frame.header.fin));
            if (opcode == Opcode::Continuation) != open.is_some() {
                return None;
            }
            let (first, mut message) = match open.take() {
                None => (index, frame.clone()),
                Some((first, mut message)) => {
                    message.payload.extend_from_slice(&frame.payload);
                    message.complete = frame.complete;
                    (first, message)
                }
            };
            if !(frame.header.fin && frame.complete) {
                open = Some((first, message));
                continue;
            }
            let compressed = message.header.rsv1;
            if let Some(inflater) = inflater.as_mut().filter(|_| compressed) {
                let fault;
                (message.payload, fault) = inflater.message(&message.payload, MOST);
                message.header.rsv1 = fault == Some(Rule::DeflateDataInvalid);
                if let Some(rule) = fault {
                    messages.fault.get_or_insert((messages.all.len(), rule));
                }
            }
            messages.put(first, message, compressed);
        }
        if let Some((first, mut message)) = open {
            let compressed = message.header.rsv1;
            message.complete = false;
            if let Some(inflater) = inflater.as_mut().filter(|_| compressed) {
                message.payload = inflater.message(&message.payload, MOST).0;
                message.header.rsv1 = false;
            }
            messages.put(first, message, compressed);
        }
        Some(messages)
    }

    fn put(&mut self, first: usize, mut message: Seen, compressed: bool) {
        let Header { opcode, rsv1, rsv2, rsv3, mask, .. } = message.header;
        let plain = Header::new(opcode, message.payload.len() as u64, mask);
        message.header = Header { rsv1, rsv2, rsv3, ..plain };
        self.all.push(message);
        self.first.push(first);
        self.compressed.push(compressed);
    }

    /// The same messages and the same control frames, in other frames or compressed otherwise.
    pub(super) fn reframed(&self, other: &Self) -> Option<Difference> {
        let same = !self.all.is_empty() && split(self) == split(other);
        if !same {
            return None;
        }
        let counts = |messages: &Self| messages.parts.iter().map(|&(_, last)| last).collect::<Vec<_>>();
        let fragments = counts(self) != counts(other);
        if !fragments && (self.compressed.contains(&true) || other.compressed.contains(&true)) {
            return Some(Difference::Recompressed);
        }
        Some(Difference::Refragmented { cap: self.cap(other) })
    }

    /// The size to which frames were cut: all but the last ones of a message have it.
    fn cap(&self, other: &Self) -> Option<usize> {
        let parts = other.parts.iter().filter(|&&(size, last)| !last && size > 0).map(|&(size, _)| size);
        let parts: Vec<_> = parts.collect();
        let size = parts.iter().copied().max()?;
        let cut = other.parts.len() > self.parts.len()
            && parts.iter().all(|&part| part == size)
            && self.parts.iter().any(|&(part, _)| part > size);
        cut.then_some(size)
    }

    /// The difference with the numbers of frames in place of those of messages.
    pub(super) fn in_frames(&self, difference: Difference) -> Difference {
        let first = |index: usize| self.first.get(index).copied().unwrap_or(index);
        match difference {
            Difference::Lost { index, opcode } => Difference::Lost { index: first(index), opcode },
            Difference::Tail { index, opcode, part } => {
                Difference::Tail { index: first(index), opcode, part }
            }
            Difference::Altered { index } => Difference::Altered { index: first(index) },
            Difference::Deflate { index, rule } => Difference::Deflate { index: first(index), rule },
            same @ (Difference::Remasked
            | Difference::Refragmented { .. }
            | Difference::Recompressed
            | Difference::Chunked
            | Difference::PayloadDropped(_)
            | Difference::CloseCode(..)
            | Difference::CloseReason { .. }
            | Difference::Extra { .. }) => same,
        }
    }
}
