//! What one end of a connection sent or got, to the byte.

use std::time::Duration;

use framewise_proto::{Header, Opcode};
use serde::{Deserialize, Serialize};

/// How a stream ended, as an end saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ended {
    Eof,
    Reset,
}

/// What may come, and how much of it is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    /// A body that may follow the head.
    pub(crate) body: Vec<u8>,
    /// Bytes that are kept; `None`: all.
    pub(crate) most: Option<usize>,
    /// The payloads of the Pings that the other end sends; any other Ping is the intermediary's own. `None`: nobody asks.
    pub(crate) pings: Option<Vec<Vec<u8>>>,
}

/// The bytes of one direction as one end sent or got them, the head included.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tape {
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
    #[serde(skip)]
    bounds: Bounds,
    /// The size of the head and of its body; 0 until the head is complete.
    pub(crate) head: usize,
    /// For each piece, how many bytes there were after it, and when.
    pub(crate) times: Vec<(usize, Duration)>,
    pub(crate) end: Option<(Ended, Duration)>,
    /// Up to where frames were counted.
    counted: usize,
    pub(crate) frames: usize,
    /// The size of the body after the head.
    pub(crate) body: usize,
    /// Payloads of the intermediary's own Pings, until they are answered.
    #[serde(skip)]
    unanswered: Vec<Vec<u8>>,
}

impl Tape {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    pub(crate) fn without_bytes(&self) -> Self {
        Self {
            bytes: Vec::new(),
            bounds: Bounds::default(),
            times: self.times.clone(),
            unanswered: Vec::new(),
            ..*self
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], at: Duration) {
        let room = self.bounds.most.map_or(usize::MAX, |most| most.saturating_sub(self.bytes.len()));
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.times.push((self.bytes.len(), at));
        if self.head == 0 {
            self.find_head();
        }
        self.count();
    }

    fn find_head(&mut self) {
        let mut start = 0;
        loop {
            let Some(size) = self.bytes[start..].windows(4).position(|four| four == b"\r\n\r\n") else {
                return;
            };
            let head = &self.bytes[start..start + size + 4];
            start += size + 4;
            // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response."
            let interim = head.starts_with(b"HTTP/1.1 1") && !head.starts_with(b"HTTP/1.1 101");
            if !interim {
                (self.head, self.counted) = (start, start);
                return;
            }
        }
    }

    /// Whether the body after the head is known to be there, or not.
    fn body_is_known(&mut self) -> bool {
        let (rest, body) = (&self.bytes[self.head..], &self.bounds.body);
        if rest.starts_with(body) {
            self.body = body.len();
            self.head += self.body;
            self.counted = self.head;
        } else if body.starts_with(rest) {
            return false;
        }
        self.bounds.body.clear();
        true
    }

    fn count(&mut self) {
        if self.head > 0 && !self.bounds.body.is_empty() && !self.body_is_known() {
            return;
        }
        while self.head > 0 {
            let Some(header) = Header::decode_without_mask(&self.bytes[self.counted..]) else { return };
            let end = (self.counted as u64).checked_add(header.size() as u64 + header.length.min(1 << 40));
            let Some(end) = end.filter(|&end| end <= self.bytes.len() as u64) else { return };
            let begin = std::mem::replace(&mut self.counted, end as usize);
            // The end that waits for frames waits for those of the other end.
            if header.opcode == Opcode::Ping
                && let Some(own) = self.foreign(begin)
            {
                self.unanswered.push(own);
            } else {
                self.frames += 1;
            }
        }
    }

    /// The payload of the complete Ping that begins here, unless the other end sends such a one.
    fn foreign(&self, begin: usize) -> Option<Vec<u8>> {
        let known = self.bounds.pings.as_ref()?;
        let (mut seen, _) = frames(&self.bytes[begin..self.counted]);
        let payload = seen.pop()?.payload;
        // Without its payload, it may be one that the other end sent.
        let own = if payload.is_empty() { known.is_empty() } else { !known.contains(&payload) };
        own.then_some(payload)
    }

    /// The intermediary's own Pings that were not answered yet.
    pub(crate) fn unanswered(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.unanswered)
    }

    pub(crate) fn after_head(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    fn heads(&self) -> String {
        let size = if self.head == 0 { self.bytes.len().min(4096) } else { self.head - self.body };
        String::from_utf8_lossy(&self.bytes[..size]).trim_end().to_owned()
    }

    /// The head as text, without its empty line and without the interim answers before it.
    pub(crate) fn head_text(&self) -> String {
        self.heads().rsplit("\r\n\r\n").next().unwrap_or_default().to_owned()
    }

    /// The interim answers before the head: their first lines.
    pub(crate) fn interim(&self) -> Vec<String> {
        let heads = self.heads();
        let mut parts: Vec<_> = heads.split("\r\n\r\n").collect();
        parts.pop();
        parts.iter().map(|part| part.split("\r\n").next().unwrap_or_default().to_owned()).collect()
    }

    /// Moves every time: the clock of the end that wrote it down began at another moment.
    pub(crate) fn shift(&mut self, by: impl Fn(Duration) -> Duration) {
        for (_, at) in &mut self.times {
            *at = by(*at);
        }
        if let Some((_, at)) = &mut self.end {
            *at = by(*at);
        }
    }

    /// When the byte before `offset` had been sent or had arrived.
    pub(crate) fn when(&self, offset: usize) -> Option<Duration> {
        let index = self.times.partition_point(|&(end, _)| end < offset);
        self.times.get(index).map(|&(_, at)| at)
    }
}

/// A frame on a tape, its payload unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    /// Where it begins after the head.
    pub(crate) offset: usize,
    /// All of its payload is there.
    pub(crate) complete: bool,
}

/// The frames after the head, and the bytes of a last header that is cut short.
pub(crate) fn frames(bytes: &[u8]) -> (Vec<Seen>, &[u8]) {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(header) = Header::decode(&bytes[at..]) {
        let start = at + header.size();
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let end = start.saturating_add(length).min(bytes.len());
        let mut payload = bytes[start..end].to_vec();
        if let Some(key) = header.mask {
            framewise_simd::unmask(&mut payload, key, 0);
        }
        let complete = end - start == length;
        frames.push(Seen { header, payload, offset: at, complete });
        at = end;
    }
    (frames, &bytes[at..])
}
