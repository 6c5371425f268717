mod parts;

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use framewise_proto::{self as proto, Connection, Header, MessageKind, Opcode, Payload};
use framewise_simd::{TextInBuffer, Utf8Buffer, find_text};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::timer::Timer;
use crate::{Event, Message, Text, buffers};

/// If at least this many bytes of a frame have not arrived, they are read directly into the message's buffer.
const DIRECT: u64 = 16 * 1024;
/// The smallest capacity for a message's first part, if its header announces that much.
const FIRST: u64 = 64 * 1024;

/// How many frames are searched for the end of a message: a peer may send very many small ones.
const LOOKED_AT: usize = 8;
/// How many bytes a connection inflates before it yields to the other tasks of its thread: a peer needs to send only a
/// thousandth of them.
const TURN: usize = 256 * 1024;

/// The engine proves by type that each piece of a text was checked.
const CHECKED: &str = "the engine checks all of a text";

/// The result of bytes that were read.
pub(super) enum Found {
    Event(Event),
    Violation(Box<proto::Violation>),
    Ended(proto::Ended),
}

/// What was read and not returned: bytes of incomplete frames, and the incomplete message.
///
/// Both are empty, and hold no memory, while the connection is idle.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: BytesMut,
    /// `bytes` is a thread's read buffer.
    borrowed: bool,
    /// … and counted in [`buffers::hold_read`].
    held: bool,
    /// The message that is assembled from its parts.
    message: Utf8Buffer,
    /// The caller takes parts of messages as they arrive.
    in_parts: bool,
    /// The caller has taken a part of a message, and not the last.
    begun: bool,
    /// Bytes inflated since the connection last yielded.
    inflated: usize,
}

impl From<Message> for Found {
    fn from(message: Message) -> Self {
        Self::Event(Event::Message(message))
    }
}

/// An event that no longer borrows the buffer.
enum Taken {
    Found(Found),
    /// The last bytes consumed, of this number, are a message: a binary one, unless the text was found.
    Message(usize),
    /// They are a part of a message; and whether it is the last.
    Part(MessageKind, usize, bool),
    /// They were added to the assembled message, which is complete.
    Last(MessageKind),
    /// This much of a compressed message was inflated; and whether it is complete.
    Inflated(MessageKind, usize, bool),
    /// Nothing yet.
    Nothing,
}

/// The result of processing one event.
enum Step {
    Found(Found),
    Nothing,
    /// More bytes are needed.
    Starved,
}

impl Inbox {
    /// `bytes`: what the peer sent after the handshake's head.
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self {
            bytes,
            borrowed: false,
            held: false,
            message: Utf8Buffer::default(),
            in_parts: false,
            begun: false,
            inflated: 0,
        }
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        !self.borrowed && !self.begun && self.memory() == 0
    }

    /// Bytes of memory that it holds.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.message.capacity()
    }

    /// The bytes of an incomplete frame.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the bytes read contain a complete message, so that the next one needs no read. Only a few frames are
    /// searched.
    pub(super) fn has_message(&self, engine: &Connection) -> bool {
        if engine.remaining() > 0 {
            // The bytes are the middle of a frame.
            return false;
        }
        let mut rest = &self.bytes[..];
        for _ in 0..LOOKED_AT {
            let Some(header) = Header::decode_without_mask(rest) else { return false };
            let behind =
                usize::try_from(header.length).ok().and_then(|length| length.checked_add(header.size()));
            let Some(behind) = behind.and_then(|behind| rest.get(behind..)) else { return false };
            match header.opcode {
                Opcode::Text | Opcode::Binary | Opcode::Continuation if header.fin => return true,
                Opcode::Text | Opcode::Binary | Opcode::Continuation | Opcode::Ping | Opcode::Pong => {}
                Opcode::Close | Opcode::Reserved(_) => return false,
            }
            rest = behind;
        }
        false
    }

    /// Takes a message in a single frame from the bytes read, which nearly all messages are.
    #[inline]
    pub(super) fn whole(&mut self, engine: &mut Connection, now: Duration) -> Option<Message> {
        let (found, text) = find_text(&mut self.bytes, |bytes| match engine.receive_whole(now, bytes) {
            Some((consumed, payload)) => (Some((consumed, payload.len())), payload.as_str()),
            None => (None, None),
        });
        let message = match (found?, text) {
            (_, Some(text)) => take_text(text, self.borrowed),
            ((consumed, length), None) => Message::Binary(self.take_slice(consumed, length)),
        };
        self.settle(false);
        Some(message)
    }

    /// The connection waits, so the other tasks run anyway.
    pub(super) const fn begin_turn(&mut self) {
        self.inflated = 0;
    }

    /// Whether so much was inflated that the connection must yield; if so, the count begins anew.
    pub(super) fn ends_turn(&mut self) -> bool {
        let ends = self.inflated >= TURN;
        if ends {
            self.inflated = 0;
        }
        ends
    }

    /// Takes the next event from the bytes read. `None` if more bytes are needed, or if the connection must yield
    /// ([`Inbox::ends_turn`]).
    pub(super) fn parse(&mut self, engine: &mut Connection, now: Duration) -> Option<Found> {
        while !self.bytes.is_empty() {
            if self.inflated >= TURN {
                self.settle(false);
                return None;
            }
            match self.step(engine, now) {
                Step::Starved => break,
                Step::Nothing => {}
                Step::Found(found) => {
                    self.settle(false);
                    return Some(found);
                }
            }
        }
        self.settle(true);
        None
    }

    fn step(&mut self, engine: &mut Connection, now: Duration) -> Step {
        let message = &mut self.message;
        let in_parts = self.in_parts || self.begun;
        let ((consumed, taken), text) = find_text(&mut self.bytes, |bytes| {
            let (consumed, event) = engine.receive(now, bytes);
            let mut text = None;
            let taken = event.map(|event| match event {
                proto::Event::Data { payload, first: true, last: true } => {
                    text = payload.as_str();
                    Taken::Message(payload.len())
                }
                proto::Event::Data { payload, last, .. } if in_parts => {
                    Taken::Part(payload.kind(), payload.len(), last)
                }
                proto::Event::Data { payload, last, .. } => {
                    collect(message, &payload, engine.remaining());
                    if last { Taken::Last(payload.kind()) } else { Taken::Nothing }
                }
                proto::Event::Inflated { kind, length, last, .. } => Taken::Inflated(kind, length, last),
                other @ (proto::Event::Ping(_)
                | proto::Event::Pong(_)
                | proto::Event::Close(_)
                | proto::Event::Violation(_)
                | proto::Event::Tolerated(_)
                | proto::Event::Ended(_)) => other_event(other).map_or(Taken::Nothing, Taken::Found),
            });
            ((consumed, taken), text)
        });
        if let Some(text) = text {
            return Step::Found(take_text(text, self.borrowed).into());
        }
        let found = match taken {
            Some(Taken::Message(length)) => {
                return Step::Found(Message::Binary(self.take_slice(consumed, length)).into());
            }
            Some(Taken::Part(kind, length, last)) => {
                let payload = self.take_slice(consumed, length);
                return Step::Found(self.part(kind, payload, last));
            }
            Some(Taken::Found(found)) => Some(found),
            Some(Taken::Last(kind)) => Some(self.complete(kind).into()),
            Some(Taken::Inflated(kind, length, last)) => {
                self.inflated += length;
                if in_parts {
                    Some(self.part(kind, engine.take_inflated().into_bytes().into(), last))
                } else {
                    last.then(|| inflated(kind, engine).into())
                }
            }
            Some(Taken::Nothing) => None,
            None => {
                self.bytes.advance(consumed);
                return Step::Starved;
            }
        };
        self.bytes.advance(consumed);
        found.map_or(Step::Nothing, Step::Found)
    }

    /// Takes the last `length` of the `consumed` bytes at the front. A few bytes of the thread's buffer are copied;
    /// large payloads, and bytes that were copied before, are shared.
    #[inline]
    fn take_slice(&mut self, consumed: usize, length: usize) -> Bytes {
        if self.borrowed && length < buffers::SLICE {
            let bytes = buffers::copy_out(&self.bytes[consumed - length..consumed]);
            self.bytes.advance(consumed);
            return bytes;
        }
        let mut frame = self.bytes.split_to(consumed);
        frame.advance(consumed - length);
        frame.freeze()
    }

    /// Gives the thread's buffer back if the rest allows it: a few bytes are moved to a buffer of their own; complete
    /// messages (`waiting` is false) only if too many connections hold a thread's buffer.
    fn settle(&mut self, waiting: bool) {
        if !self.borrowed {
            if self.bytes.is_empty() {
                // Also without capacity left: it would keep the allocation that it was a part of.
                self.bytes = BytesMut::new();
            }
            return;
        }
        if !self.bytes.is_empty() && !waiting {
            if !self.held {
                self.held = buffers::hold_read();
            }
            if self.held {
                return;
            }
        }
        let rest = if self.bytes.is_empty() { BytesMut::new() } else { BytesMut::from(&self.bytes[..]) };
        self.replace(rest);
    }

    fn replace(&mut self, bytes: BytesMut) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if self.borrowed {
            buffers::give_read(before);
        }
        self.borrowed = false;
        if std::mem::take(&mut self.held) {
            buffers::release_read();
        }
    }

    fn complete(&mut self, kind: MessageKind) -> Message {
        let message = std::mem::take(&mut self.message);
        // The buffer of a message in many small frames has grown to twice its size.
        let sparse = message.capacity() / 2 > message.len();
        let message = match kind {
            MessageKind::Text if sparse => {
                Message::Text(Text(buffers::copy_text(message.as_str().expect(CHECKED))))
            }
            MessageKind::Text => Message::Text(Text(message.freeze_text().expect(CHECKED))),
            MessageKind::Binary if sparse => Message::Binary(buffers::copy_out(&message)),
            MessageKind::Binary => Message::Binary(message.freeze()),
        };
        if message.len() as u64 > FIRST {
            buffers::keep_large(match &message {
                Message::Text(text) => text.0.as_bytes(),
                Message::Binary(bytes) => bytes,
            });
        }
        message
    }

    /// Reads once. Returns the number of bytes (0 at the stream's end), and what was found in them.
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        engine: &mut Connection,
        timer: &Timer,
        now: &mut Duration,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(usize, Option<Found>)>> {
        if self.bytes.is_empty() && engine.remaining() >= DIRECT && self.message.capacity() > 0 {
            return self.poll_read_direct(stream, engine, timer, now, cx);
        }
        let mut buffer = buffers::take_read();
        buffer.extend_from_slice(&self.bytes);
        // The future exists for this poll only: dropping it loses nothing.
        let read = pin!(stream.read_buf(&mut buffer)).poll(cx);
        if !matches!(read, Poll::Ready(Ok(1..))) {
            buffers::give_read(buffer);
            return read.map_ok(|count| (count, None));
        }
        let small = buffer.len() < buffers::SLICE;
        if let Some(bytes) = small.then(|| buffers::copy_read(&buffer)).flatten() {
            // One copy for all messages in the buffer, which is then free again.
            buffers::give_read(buffer);
            self.replace(bytes);
        } else {
            self.replace(buffer);
            self.borrowed = true;
        }
        // Read the clock once for each read, not for each message.
        *now = timer.now();
        let found = self.parse(engine, *now);
        read.map_ok(|count| (count, found))
    }

    /// Reads the rest of a large frame into its message's buffer.
    fn poll_read_direct<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        engine: &mut Connection,
        timer: &Timer,
        now: &mut Duration,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(usize, Option<Found>)>> {
        let length = self.message.len();
        let wanted = usize::try_from(engine.remaining()).unwrap_or(usize::MAX);
        // The capacity grows with the bytes that arrive, not with the announced length.
        if self.message.capacity() - length < wanted.min(DIRECT as usize) {
            self.message.reserve(wanted.min(length.max(FIRST as usize)));
        }
        let room = wanted.min(self.message.capacity() - length);
        let count = ready!(pin!(stream.read_buf(&mut (&mut self.message).limit(room))).poll(cx))?;
        if count == 0 {
            return Poll::Ready(Ok((0, None)));
        }
        // All bytes are payload of the frame: the engine takes them at once.
        *now = timer.now();
        let taken = self.message.check_tail(length, |bytes| match engine.receive(*now, bytes).1 {
            Some(proto::Event::Data { payload, last, .. }) => {
                let taken = if last { Taken::Last(payload.kind()) } else { Taken::Nothing };
                let piece = if let Payload::Text(piece) = payload { Some(piece) } else { None };
                (taken, piece)
            }
            Some(other) => (other_event(other).map_or(Taken::Nothing, Taken::Found), None),
            None => (Taken::Nothing, None),
        });
        let found = match taken {
            Taken::Last(kind) => Some(self.complete(kind).into()),
            Taken::Found(found) => Some(found),
            Taken::Message(_) | Taken::Part(..) | Taken::Inflated(..) | Taken::Nothing => None,
        };
        Poll::Ready(Ok((count, found)))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.replace(BytesMut::new());
    }
}

/// The capacity for a message of which `length` bytes have arrived and `remaining` are announced.
fn first_room(length: u64, remaining: u64) -> Utf8Buffer {
    let capacity = length.saturating_add(remaining).min(FIRST.max(length.saturating_mul(4)));
    let capacity = usize::try_from(capacity).unwrap_or(0);
    if capacity as u64 >= FIRST {
        buffers::take_large(capacity)
    } else {
        Utf8Buffer::new(BytesMut::with_capacity(capacity.max(1)))
    }
}

/// Adds a part to the assembled message.
fn collect(message: &mut Utf8Buffer, payload: &Payload<'_>, remaining: u64) {
    if message.capacity() == 0 {
        *message = first_room(payload.len() as u64, remaining);
    }
    match payload {
        Payload::Text(piece) => message.push_piece(*piece),
        Payload::Binary(bytes) => message.push(bytes),
    }
}

/// As [`Inbox::take_slice`].
#[inline]
fn take_text(text: TextInBuffer<'_>, borrowed: bool) -> Message {
    if !borrowed || text.as_str().len() >= buffers::SLICE {
        return Message::Text(Text(text.split()));
    }
    let copy = buffers::copy_text(text.as_str());
    text.skip();
    Message::Text(Text(copy))
}

/// Takes a complete compressed message.
fn inflated(kind: MessageKind, engine: &mut Connection) -> Message {
    let inflated = engine.take_inflated();
    // The buffer has the capacity of a large message: a small one would keep a multiple of its size.
    let sparse = inflated.capacity() / 2 > inflated.len();
    if !sparse && inflated.len() > buffers::SMALL {
        return match kind {
            MessageKind::Text => inflated.into_string().expect(CHECKED).into(),
            MessageKind::Binary => inflated.into_bytes().into(),
        };
    }
    let message = match kind {
        MessageKind::Text => Message::Text(Text(buffers::copy_text(inflated.as_str().expect(CHECKED)))),
        MessageKind::Binary => Message::Binary(buffers::copy_out(&inflated)),
    };
    engine.recycle_inflated(inflated.into_bytes());
    message
}

/// What the caller gets for an event other than data.
fn other_event(event: proto::Event<'_>) -> Option<Found> {
    Some(match event {
        proto::Event::Data { .. } | proto::Event::Inflated { .. } => return None,
        proto::Event::Ping(payload) => Found::Event(Event::Ping(buffers::copy_out(payload))),
        proto::Event::Pong(payload) => Found::Event(Event::Pong(buffers::copy_out(payload))),
        proto::Event::Close(close) => Found::Event(Event::Close(close)),
        proto::Event::Tolerated(violation) => Found::Event(Event::Tolerated(violation)),
        proto::Event::Violation(violation) => Found::Violation(violation),
        proto::Event::Ended(ended) => Found::Ended(ended),
    })
}
