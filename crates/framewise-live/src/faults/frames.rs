use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::mem;

use framewise_proto::{Header, Opcode};
use framewise_rules::Role;

use super::{Action, Fault, Piece, Step, When};

/// Bytes of a message that are collected for a fault; a larger one passes as it is.
const MOST: usize = 16 << 20;

/// Faults at messages and frames.
#[derive(Debug)]
pub(super) struct Frames {
    faults: Vec<Fault>,
    from: Role,
    state: State,
    /// Bytes of an incomplete head or frame.
    start: Vec<u8>,
    /// The rest of a payload that passes as it is.
    passing: u64,
    frame: u64,
    message: u64,
    in_message: bool,
    /// Messages are changed as one.
    whole: bool,
    /// The frames of the message so far, where it is changed as a whole.
    collected: Vec<Frame>,
    /// Messages that are held, each until this one has passed.
    held: Vec<(u64, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Frames,
    /// No WebSocket connection: every byte passes.
    Raw,
    /// After a Close that was sent in this side's place: nothing of it passes.
    Closed,
}

#[derive(Clone, Debug)]
struct Frame {
    header: Header,
    /// Unmasked.
    payload: Vec<u8>,
    /// As it came, unless it was changed.
    raw: Option<Vec<u8>>,
}

impl Frame {
    fn decode(header: Header, bytes: &[u8]) -> Self {
        let payload = masked(&bytes[header.size()..], header.mask);
        Self { header, payload, raw: Some(bytes.to_vec()) }
    }

    fn new(from: Role, opcode: Opcode, payload: Vec<u8>) -> Self {
        // RFC 6455 §5.3: "the masking key needs to be unpredictable".
        let key = (RandomState::new().hash_one(payload.len()) as u32).to_be_bytes();
        let mask = (from == Role::Client).then_some(key);
        Self { header: Header::new(opcode, payload.len() as u64, mask), payload, raw: None }
    }

    fn changed(&mut self, payload: Vec<u8>) {
        let Header { fin, rsv1, rsv2, rsv3, opcode, mask, .. } = self.header;
        self.header = Header { fin, rsv1, rsv2, rsv3, ..Header::new(opcode, payload.len() as u64, mask) };
        self.payload = payload;
        self.raw = None;
    }

    fn encode(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let (header, size) = self.header.encode();
        [&header[..size], &masked(&self.payload, self.header.mask)].concat()
    }
}

fn masked(bytes: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let key = mask.unwrap_or_default();
    bytes.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

impl Frames {
    pub(super) fn new(faults: Vec<Fault>, from: Role) -> Self {
        // Every message is collected, so that a message is complete before the next one begins.
        let whole = faults.iter().any(Fault::reads_messages);
        Self {
            faults,
            from,
            state: State::Head,
            start: Vec::new(),
            passing: 0,
            frame: 0,
            message: 0,
            in_message: false,
            whole,
            collected: Vec::new(),
            held: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.state {
                State::Closed => break,
                State::Raw => {
                    pass(&mut steps, rest.to_vec());
                    break;
                }
                State::Head => rest = self.head(rest, &mut steps),
                State::Frames if self.passing > 0 => {
                    let now = usize::try_from(self.passing).unwrap_or(usize::MAX).min(rest.len());
                    pass(&mut steps, rest[..now].to_vec());
                    self.passing -= now as u64;
                    rest = &rest[now..];
                }
                State::Frames => rest = self.frame(rest, &mut steps),
            }
        }
        steps
    }

    /// Passes the head on as it comes.
    fn head<'b>(&mut self, bytes: &'b [u8], steps: &mut Vec<Step>) -> &'b [u8] {
        let before = self.start.len();
        self.start.extend_from_slice(bytes);
        let from = before.saturating_sub(3);
        let end =
            self.start[from..].windows(4).position(|window| window == b"\r\n\r\n").map(|at| from + at + 4);
        let Some(end) = end else {
            pass(steps, bytes.to_vec());
            if self.start.len() > 64 * 1024 {
                self.state = State::Raw;
            }
            return &[];
        };
        let head = self.start[..end].to_vec();
        self.start.clear();
        let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
        self.state = match (self.from, status) {
            (Role::Client, _) | (Role::Server, Some(b"101")) => State::Frames,
            // RFC 9110 §15.2: an interim response, which another one follows.
            (Role::Server, Some([b'1', ..])) => State::Head,
            (Role::Server, _) => State::Raw,
        };
        let (head, rest) = bytes.split_at(end - before);
        pass(steps, head.to_vec());
        rest
    }

    fn frame<'b>(&mut self, bytes: &'b [u8], steps: &mut Vec<Step>) -> &'b [u8] {
        let before = self.start.len();
        self.start.extend_from_slice(&bytes[..bytes.len().min(14)]);
        let Some(header) = Header::decode(&self.start) else { return &bytes[bytes.len().min(14)..] };
        self.start.truncate(before);
        let size = (header.size() as u64).saturating_add(header.length);
        if size > MOST as u64 {
            // Too large to be collected; it counts.
            self.count(&header);
            steps.extend(self.release_collected());
            pass(steps, mem::take(&mut self.start));
            self.passing = size - before as u64;
            return bytes;
        }
        let missing = size as usize - before;
        let now = missing.min(bytes.len());
        self.start.extend_from_slice(&bytes[..now]);
        if now == missing {
            let frame = Frame::decode(header, &mem::take(&mut self.start));
            self.complete(frame, steps);
        }
        &bytes[now..]
    }

    /// Whether a frame begins a message.
    fn count(&mut self, header: &Header) -> bool {
        self.frame += 1;
        if header.opcode.is_control() {
            return false;
        }
        let first = !self.in_message || header.opcode != Opcode::Continuation;
        self.message += u64::from(first);
        self.in_message = !header.fin;
        first
    }

    fn complete(&mut self, frame: Frame, steps: &mut Vec<Step>) {
        let (header, number) = (frame.header, self.frame + 1);
        let first = self.count(&header);
        let at_frame = |when: &When| *when == When::Frame(number);
        if header.opcode.is_control() {
            return self.apply(vec![frame], (true, true), at_frame, steps);
        }
        let message = self.message;
        if !self.whole {
            let here =
                |when: &When| at_frame(when) || *when == When::Message(message) || every(when, message);
            return self.apply(vec![frame], (first, header.fin), here, steps);
        }
        self.collected.push(frame);
        let size: usize = self.collected.iter().map(|frame| frame.payload.len()).sum();
        if !header.fin && size <= MOST {
            return;
        }
        let unit = mem::take(&mut self.collected);
        let content: Vec<u8> = unit.iter().flat_map(|frame| frame.payload.iter().copied()).collect();
        let here = |when: &When| {
            let with = matches!(when, When::With(part) if contains(&content, part));
            with || at_frame(when) || *when == When::Message(message) || every(when, message)
        };
        self.apply(unit, (true, header.fin), here, steps);
    }

    /// Makes the faults that are due in a message, or in a part of it. `edges`: whether it is the first, the last part.
    fn apply(
        &mut self,
        mut unit: Vec<Frame>,
        edges: (bool, bool),
        due: impl Fn(&When) -> bool,
        steps: &mut Vec<Step>,
    ) {
        let (first, last) = edges;
        let mut hold = None;
        let faults: Vec<_> = self.faults.iter().filter(|fault| due(&fault.when)).cloned().collect();
        for Fault { action, text, .. } in faults {
            if first {
                steps.push(Step::Made(text));
            }
            match action {
                Action::Delay(time) if first => steps.push(Step::Wait(time)),
                Action::Cut if first => return steps.push(Step::Cut),
                Action::Reset if first => return steps.push(Step::Reset),
                Action::Close(payload) if first => return steps.extend(self.close(&payload)),
                Action::Inject(piece) if first => steps.extend(self.inject(&piece)),
                Action::Flip(bit) if first => flip(&mut unit, bit),
                Action::Delay(_) | Action::Cut | Action::Reset => {}
                Action::Close(_) | Action::Inject(_) | Action::Flip(_) => {}
                Action::Drop => unit.clear(),
                Action::Split(size) => {
                    unit = unit.iter().flat_map(|frame| split(frame, size)).collect();
                }
                Action::Join => unit = join(unit),
                Action::Replace(content) => unit = replace(unit, &content),
                Action::Edit(old, new) => {
                    let content: Vec<u8> =
                        unit.iter().flat_map(|frame| frame.payload.iter().copied()).collect();
                    unit = replace(unit, &edited(&content, &old, &new));
                }
                Action::Hold(messages) => hold = Some(messages),
            }
        }
        let bytes: Vec<u8> = unit.iter().flat_map(Frame::encode).collect();
        match hold {
            Some(messages) => self.held.push((self.message + messages, bytes)),
            None => pass(steps, bytes),
        }
        if last {
            let message = self.message;
            let (due, later) =
                mem::take(&mut self.held).into_iter().partition(|(until, _)| *until <= message);
            self.held = later;
            for (_, bytes) in due {
                pass(steps, bytes);
            }
        }
    }

    /// A Close in this side's place: nothing that it sends later passes.
    pub(super) fn close(&mut self, payload: &[u8]) -> Vec<Step> {
        if self.state != State::Frames {
            return Vec::new();
        }
        self.state = State::Closed;
        vec![Step::Pass(Frame::new(self.from, Opcode::Close, payload.to_vec()).encode())]
    }

    pub(super) fn inject(&self, piece: &Piece) -> Vec<Step> {
        match piece {
            Piece::Bytes(bytes) => vec![Step::Pass(bytes.clone())],
            Piece::Frame(opcode, payload) if self.state == State::Frames => {
                let opcode = Opcode::from_bits(*opcode);
                vec![Step::Pass(Frame::new(self.from, opcode, payload.clone()).encode())]
            }
            Piece::Frame(..) => Vec::new(),
        }
    }

    fn release_collected(&mut self) -> Option<Step> {
        let bytes: Vec<u8> = mem::take(&mut self.collected).iter().flat_map(Frame::encode).collect();
        (!bytes.is_empty()).then_some(Step::Pass(bytes))
    }

    /// What is left when the side has ended.
    pub(super) fn end(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.state == State::Frames {
            steps.extend(self.release_collected());
            for (_, bytes) in mem::take(&mut self.held) {
                pass(&mut steps, bytes);
            }
            pass(&mut steps, mem::take(&mut self.start));
        }
        steps
    }
}

fn pass(steps: &mut Vec<Step>, bytes: Vec<u8>) {
    if !bytes.is_empty() {
        steps.push(Step::Pass(bytes));
    }
}

const fn every(when: &When, message: u64) -> bool {
    matches!(when, When::Every(each) if message.is_multiple_of(*each))
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len().max(1)).any(|window| window == part)
}

/// The first byte of the payload: on the wire, masked or not, the same bit changes.
fn flip(unit: &mut [Frame], bit: u8) {
    if let Some(frame) = unit.iter_mut().find(|frame| !frame.payload.is_empty()) {
        frame.payload[0] ^= 1 << bit;
        frame.raw = None;
    }
}

fn split(frame: &Frame, size: usize) -> Vec<Frame> {
    if frame.payload.len() <= size {
        return vec![frame.clone()];
    }
    let count = frame.payload.len().div_ceil(size);
    let part = |(index, payload): (usize, &[u8])| {
        let mut part = frame.clone();
        part.header.fin = frame.header.fin && index + 1 == count;
        if index > 0 {
            part.header.opcode = Opcode::Continuation;
            part.header.rsv1 = false;
        }
        part.changed(payload.to_vec());
        part
    };
    frame.payload.chunks(size).enumerate().map(part).collect()
}

fn join(unit: Vec<Frame>) -> Vec<Frame> {
    let content: Vec<u8> = unit.iter().flat_map(|frame| frame.payload.iter().copied()).collect();
    if unit.len() < 2 { unit } else { replace(unit, &content) }
}

/// One frame with this content, in place of a message.
fn replace(unit: Vec<Frame>, content: &[u8]) -> Vec<Frame> {
    let fin = unit.last().is_none_or(|last| last.header.fin);
    unit.into_iter()
        .take(1)
        .map(|mut frame| {
            frame.header.fin = fin;
            frame.changed(content.to_vec());
            frame
        })
        .collect()
}

fn edited(content: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut edited = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(&byte) = rest.first() {
        if let Some(after) = rest.strip_prefix(old) {
            edited.extend_from_slice(new);
            rest = after;
        } else {
            edited.push(byte);
            rest = &rest[1..];
        }
    }
    edited
}
