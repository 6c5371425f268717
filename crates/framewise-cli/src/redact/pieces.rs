use std::collections::HashMap;
use std::ops::Range;

use framewise_proto::Opcode;
use framewise_rules::Role;
use framewise_transcript::{Action, Transcript};

use super::{content, head};
use crate::recording::parts::{Frame, Kind, Stream, streams};

/// How much of a piece stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Everything.
    Kept,
    /// Everything but letters and digits.
    Shape,
    /// Lengths alone.
    Replaced,
}

/// What is private in a recording, in pieces that are replaced as one.
#[derive(Debug)]
pub(super) struct Pieces {
    streams: Vec<Stream>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    stream: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    StartLine(Range<usize>),
    Field(Range<usize>),
    Body(Range<usize>),
    Unknown(Range<usize>),
    /// The payloads of a message's frames, with their masking keys.
    Message {
        text: bool,
        compressed: bool,
        number: usize,
        payloads: Vec<Payload>,
    },
    Close(Payload),
    /// A Ping, a Pong, or a reserved opcode.
    Control(Opcode, Payload),
}

#[derive(Clone, Debug)]
struct Payload {
    range: Range<usize>,
    mask: Option<[u8; 4]>,
}

impl Pieces {
    pub(super) fn of(transcript: &Transcript) -> Self {
        let streams = streams(transcript);
        let mut pieces = Vec::new();
        for (index, stream) in streams.iter().enumerate() {
            of_stream(stream, |what| pieces.push(Piece { stream: index, what }));
        }
        Self { streams, pieces }
    }

    pub(super) const fn len(&self) -> usize {
        self.pieces.len()
    }

    /// What a piece is, for a person.
    pub(super) fn describe(&self, index: usize) -> String {
        let Piece { stream, what } = &self.pieces[index];
        let Stream { bytes, from, .. } = &self.streams[*stream];
        match what {
            What::StartLine(_) if *from == Role::Client => "the request's target".to_owned(),
            What::StartLine(_) => "the words of the status line".to_owned(),
            What::Field(range) => {
                let line = String::from_utf8_lossy(&bytes[range.clone()]);
                match line.split_once(':') {
                    Some((name, _)) => format!("the {from}'s header field {}", name.trim()),
                    None => format!("a header line of the {from} without a colon"),
                }
            }
            What::Body(range) => format!("the {from}'s body ({} bytes)", range.len()),
            What::Unknown(range) => {
                format!("{} bytes of the {from} at offset {} that are not frames", range.len(), range.start)
            }
            What::Message { number, payloads, compressed, .. } => {
                let compressed = if *compressed { "compressed " } else { "" };
                let length: usize = payloads.iter().map(|payload| payload.range.len()).sum();
                format!("the {from}'s {compressed}message {number} ({length} bytes)")
            }
            What::Close(payload) => {
                format!("the reason of the {from}'s Close ({} bytes)", payload.range.len())
            }
            What::Control(opcode, payload) => {
                format!("the payload of a {opcode} of the {from} ({} bytes)", payload.range.len())
            }
        }
    }

    /// The transcript with each piece at its level.
    pub(super) fn redact(&self, transcript: &Transcript, levels: &[Level]) -> Transcript {
        let mut bytes: Vec<_> = self.streams.iter().map(|stream| stream.bytes.clone()).collect();
        let mut tokens = head::Tokens::default();
        let mut pings = HashMap::new();
        for (piece, &level) in self.pieces.iter().zip(levels) {
            let stream = &mut bytes[piece.stream];
            if level != Level::Kept {
                piece.what.replace(stream, level, &mut tokens, &mut pings);
            }
        }
        let mut redacted = transcript.clone();
        for (stream, bytes) in self.streams.iter().zip(&bytes) {
            for (event, range) in &stream.events {
                redacted.events[*event].action = Action::Bytes(bytes[range.clone()].to_vec());
            }
        }
        redacted
    }
}

fn of_stream(stream: &Stream, mut push: impl FnMut(What)) {
    let mut number = 0;
    let mut open: Option<(bool, bool, Vec<Payload>)> = None;
    let mut flush = |open: &mut Option<(bool, bool, Vec<Payload>)>, push: &mut dyn FnMut(What)| {
        let Some((text, compressed, payloads)) = open.take() else { return };
        number += 1;
        if payloads.iter().any(|payload| !payload.range.is_empty()) {
            push(What::Message { text, compressed, number, payloads });
        }
    };
    for part in &stream.parts {
        let bytes = &stream.bytes[part.range.clone()];
        match &part.kind {
            Kind::StartLine if head::is_private(bytes, true) => push(What::StartLine(part.range.clone())),
            Kind::Line if head::is_private(bytes, false) => push(What::Field(part.range.clone())),
            Kind::StartLine | Kind::Line => {}
            Kind::Body => push(What::Body(part.range.clone())),
            Kind::Unknown => push(What::Unknown(part.range.clone())),
            Kind::Frame(frame) => {
                let Frame { header, payload, compressed } = frame.as_ref();
                let payload = Payload { range: payload.clone(), mask: header.mask };
                match header.opcode {
                    Opcode::Text | Opcode::Binary => {
                        flush(&mut open, &mut push);
                        open = Some((header.opcode == Opcode::Text, *compressed, vec![payload]));
                    }
                    Opcode::Continuation => {
                        // One without a message is text or binary: it is not known: what is text stays so.
                        open.get_or_insert((false, *compressed, Vec::new())).2.push(payload);
                    }
                    Opcode::Close if payload.range.len() > 2 => push(What::Close(payload)),
                    Opcode::Close => {}
                    Opcode::Ping | Opcode::Pong | Opcode::Reserved(_) => {
                        if !payload.range.is_empty() {
                            push(What::Control(header.opcode, payload));
                        }
                        continue;
                    }
                }
                if header.fin && !header.opcode.is_control() {
                    flush(&mut open, &mut push);
                }
            }
        }
    }
    flush(&mut open, &mut push);
}

impl What {
    fn replace(
        &self,
        bytes: &mut [u8],
        level: Level,
        tokens: &mut head::Tokens,
        pings: &mut HashMap<Vec<u8>, Vec<u8>>,
    ) {
        let mut line = |range: &Range<usize>, new: &dyn Fn(&[u8]) -> Vec<u8>| {
            let new = new(&bytes[range.clone()]);
            bytes[range.clone()].copy_from_slice(&new);
        };
        match self {
            Self::StartLine(range) => line(range, &|line| head::start_line(line, level)),
            Self::Field(range) => {
                let new = head::field(&bytes[range.clone()], level, tokens);
                bytes[range.clone()].copy_from_slice(&new);
            }
            Self::Body(range) => line(range, &|body| content::line(body, level)),
            Self::Unknown(range) => line(range, &|body| content::binary(body, level)),
            Self::Message { text, compressed, payloads, .. } => {
                let plain: Vec<u8> = payloads.iter().flat_map(|payload| payload.read(bytes)).collect();
                let new = match (compressed, text) {
                    (true, _) => content::compressed(plain.len()),
                    (false, true) => content::text(&plain, level),
                    (false, false) => content::binary(&plain, level),
                };
                let mut at = 0;
                for payload in payloads {
                    let end = at + payload.range.len();
                    payload.write(bytes, &new[at..end]);
                    at = end;
                }
            }
            Self::Close(payload) => {
                let plain = payload.read(bytes);
                let (code, reason) = plain.split_at(2);
                payload.write(bytes, &[code, &content::text(reason, level)].concat());
            }
            Self::Control(Opcode::Reserved(_), payload) => {
                let new = content::binary(&payload.read(bytes), level);
                payload.write(bytes, &new);
            }
            Self::Control(_, payload) => {
                let plain = payload.read(bytes);
                // Equal payloads stay equal, on both sides: a Pong answers a Ping.
                let count = pings.len() as u64 + 1;
                let length = plain.len();
                let new = pings.entry(plain).or_insert_with(|| {
                    let count = count.to_be_bytes();
                    let digits = length.min(count.len());
                    [vec![0; length - digits], count[count.len() - digits..].to_vec()].concat()
                });
                payload.write(bytes, new);
            }
        }
    }
}

impl Payload {
    fn read(&self, bytes: &[u8]) -> Vec<u8> {
        masked(&bytes[self.range.clone()], self.mask)
    }

    fn write(&self, bytes: &mut [u8], plain: &[u8]) {
        bytes[self.range.clone()].copy_from_slice(&masked(plain, self.mask));
    }
}

fn masked(bytes: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let key = mask.unwrap_or_default();
    bytes.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}
