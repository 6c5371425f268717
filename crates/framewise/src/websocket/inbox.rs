mod parts;

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use framewise_proto::{self as proto, Connection, Header, MessageKind, Opcode};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::timer::Timer;
use crate::{Event, Message, buffers};

/// From so many bytes of a frame still to come on, they are read to where the message is put together.
const DIRECT: u64 = 16 * 1024;
/// What a message's first part makes room for at the least, where so much is announced; more where more has arrived.
const FIRST: u64 = 64 * 1024;

/// Frames that are looked at for the end of a message: a peer may send very many small ones.
const LOOKED_AT: usize = 8;
/// Bytes that a connection inflates before the other tasks of its thread get their turn: a peer needs a thousandth of them
/// to have them inflated.
const TURN: usize = 256 * 1024;

/// What came of bytes that were read.
pub(super) enum Found {
    Event(Event),
    Violation(Box<proto::Violation>),
    Ended(proto::Ended),
}

/// What was read and not handed out yet: bytes that no frame was made of, and the message that is not complete.
///
/// Both are empty, and hold no memory, while the connection is idle.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: BytesMut,
    /// `bytes` is a thread's read buffer.
    borrowed: bool,
    /// … and this is counted in [`buffers::hold_read`].
    held: bool,
    message: BytesMut,
    /// The reader takes parts of messages as they come.
    in_parts: bool,
    /// It has taken one of a message, and not the last.
    begun: bool,
    /// Bytes inflated since the last turn of the others.
    inflated: usize,
}

/// What an event was, once it no longer borrows the buffer.
enum Taken {
    Found(Found),
    /// The last so many of the bytes that were consumed are a message.
    Slice(MessageKind, usize),
    /// They are a part of one; whether it is the last.
    SlicePart(MessageKind, usize, bool),
    Part,
}

impl Inbox {
    /// What the peer sent behind the handshake's head.
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self {
            bytes,
            borrowed: false,
            held: false,
            message: BytesMut::new(),
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

    /// Bytes that no frame was made of: the start of one.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a complete message lies in what was read, so that the next one is there without a read. Where that is not to
    /// be seen in a few frames: no.
    pub(super) fn has_message(&self, engine: &Connection) -> bool {
        if engine.remaining() > 0 {
            // What lies there is the middle of a frame.
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

    /// Takes a message out of what was read, if one in a single frame lies there: what nearly all of them are.
    #[inline]
    pub(super) fn whole(&mut self, engine: &mut Connection, now: Duration) -> Option<Message> {
        let (kind, consumed, length) = engine.receive_whole(now, &mut self.bytes)?;
        let payload = self.take_slice(consumed, length);
        self.settle(false);
        Some(Message::received(kind, payload))
    }

    /// The connection waits, so that the others have their turn anyway.
    pub(super) const fn begin_turn(&mut self) {
        self.inflated = 0;
    }

    /// Whether so much was inflated that it is the turn of others; the next turn begins.
    pub(super) fn ends_turn(&mut self) -> bool {
        let ends = self.inflated >= TURN;
        if ends {
            self.inflated = 0;
        }
        ends
    }

    /// Takes the next event out of what was read; `None`: there is none without more bytes, or in this turn
    /// ([`Inbox::ends_turn`]).
    pub(super) fn parse(&mut self, engine: &mut Connection, now: Duration) -> Option<Found> {
        while !self.bytes.is_empty() {
            if self.inflated >= TURN {
                self.settle(false);
                return None;
            }
            let (consumed, event) = engine.receive(now, &mut self.bytes);
            let Some(event) = event else {
                self.bytes.advance(consumed);
                break;
            };
            if let proto::Event::Inflated { length, .. } = event {
                self.inflated += length;
            }
            let taken = match event {
                proto::Event::Data { kind, payload, first: true, last: true } => {
                    Taken::Slice(kind, payload.len())
                }
                proto::Event::Data { kind, payload, last, .. } if self.in_parts || self.begun => {
                    Taken::SlicePart(kind, payload.len(), last)
                }
                proto::Event::Inflated { kind, last, .. } if self.in_parts || self.begun => {
                    Taken::Found(self.part(kind, engine.take_inflated().into(), last))
                }
                proto::Event::Data { kind, payload, last, .. } => {
                    let length = payload.len();
                    if self.message.capacity() == 0 {
                        self.message = first_room(length as u64, engine.remaining());
                    }
                    self.message.extend_from_slice(payload);
                    if last { Taken::Found(self.complete(kind)) } else { Taken::Part }
                }
                other @ (proto::Event::Inflated { .. }
                | proto::Event::Ping(_)
                | proto::Event::Pong(_)
                | proto::Event::Close(_)
                | proto::Event::Violation(_)
                | proto::Event::Tolerated(_)
                | proto::Event::Ended(_)) => other_event(other, engine).map_or(Taken::Part, Taken::Found),
            };
            let found = match taken {
                Taken::Part => {
                    self.bytes.advance(consumed);
                    continue;
                }
                Taken::Found(found) => {
                    self.bytes.advance(consumed);
                    found
                }
                Taken::Slice(kind, length) => {
                    let payload = self.take_slice(consumed, length);
                    Found::Event(Event::Message(Message::received(kind, payload)))
                }
                Taken::SlicePart(kind, length, last) => {
                    let payload = self.take_slice(consumed, length);
                    self.part(kind, payload, last)
                }
            };
            self.settle(false);
            return Some(found);
        }
        self.settle(true);
        None
    }

    /// The last `length` of the `consumed` bytes at the front. A few of the thread's buffer are copied; what is large, and
    /// what was copied out of it before, is shared.
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

    /// Gives the thread's buffer back, as soon as what is left over allows: a few bytes are moved to a buffer of their
    /// own, whole messages (`waiting` is false) only where too many connections have one.
    fn settle(&mut self, waiting: bool) {
        if !self.borrowed {
            if self.bytes.is_empty() {
                // Also where no room is left: it would pin what it was a part of.
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

    fn complete(&mut self, kind: MessageKind) -> Found {
        let message = std::mem::take(&mut self.message);
        // A message in many small frames, whose buffer grew to twice its size.
        let sparse = message.capacity() / 2 > message.len();
        let bytes = if sparse { buffers::copy_out(&message) } else { message.freeze() };
        if bytes.len() as u64 > FIRST {
            buffers::keep_large(&bytes);
        }
        Found::Event(Event::Message(Message::received(kind, bytes)))
    }

    /// Reads once. How many bytes: 0 is the stream's end. What was found on the way is given with it.
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
        // The future is made for this one poll: it keeps nothing when it is dropped.
        let read = pin!(stream.read_buf(&mut buffer)).poll(cx);
        if !matches!(read, Poll::Ready(Ok(1..))) {
            buffers::give_read(buffer);
            return read.map_ok(|count| (count, None));
        }
        let small = buffer.len() < buffers::SLICE;
        if let Some(bytes) = small.then(|| buffers::copy_read(&buffer)).flatten() {
            // One copy for all the messages in it, and the thread's buffer is free again.
            buffers::give_read(buffer);
            self.replace(bytes);
        } else {
            self.replace(buffer);
            self.borrowed = true;
        }
        // The clock is asked once a read, not once a message.
        *now = timer.now();
        let found = self.parse(engine, *now);
        read.map_ok(|count| (count, found))
    }

    /// Reads the rest of a large frame to where its message is put together.
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
        // Room grows with what has arrived, not with what a header announces.
        if self.message.capacity() - length < wanted.min(DIRECT as usize) {
            self.message.reserve(wanted.min(length.max(FIRST as usize)));
        }
        let room = wanted.min(self.message.capacity() - length);
        let count = ready!(pin!(stream.read_buf(&mut (&mut self.message).limit(room))).poll(cx))?;
        if count == 0 {
            return Poll::Ready(Ok((0, None)));
        }
        // All of it lies inside the frame's payload: the engine takes it at once.
        *now = timer.now();
        let (_, event) = engine.receive(*now, &mut self.message[length..]);
        let found = match event {
            Some(proto::Event::Data { kind, last: true, .. }) => Some(self.complete(kind)),
            Some(proto::Event::Data { .. }) | None => None,
            Some(other) => other_event(other, engine),
        };
        Poll::Ready(Ok((count, found)))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.replace(BytesMut::new());
    }
}

/// Room for a message of which `length` bytes are there and `remaining` announced.
fn first_room(length: u64, remaining: u64) -> BytesMut {
    let capacity = length.saturating_add(remaining).min(FIRST.max(length.saturating_mul(4)));
    let capacity = usize::try_from(capacity).unwrap_or(0);
    if capacity as u64 >= FIRST {
        buffers::take_large(capacity)
    } else {
        BytesMut::with_capacity(capacity.max(1))
    }
}

/// What an event that is no data is to the caller; `None`: a part of a message, which the engine keeps.
fn other_event(event: proto::Event<'_>, engine: &mut Connection) -> Option<Found> {
    Some(match event {
        proto::Event::Data { .. } => return None,
        proto::Event::Inflated { last: false, .. } => return None,
        proto::Event::Inflated { kind, .. } => {
            let inflated = engine.take_inflated();
            // Its buffer has room for what a message may grow to: a small one would pin a multiple of itself.
            let sparse = inflated.capacity() / 2 > inflated.len();
            let bytes = if sparse || inflated.len() <= buffers::SMALL {
                let bytes = buffers::copy_out(&inflated);
                engine.recycle_inflated(inflated);
                bytes
            } else {
                inflated.into()
            };
            Found::Event(Event::Message(Message::received(kind, bytes)))
        }
        proto::Event::Ping(payload) => Found::Event(Event::Ping(buffers::copy_out(payload))),
        proto::Event::Pong(payload) => Found::Event(Event::Pong(buffers::copy_out(payload))),
        proto::Event::Close(close) => Found::Event(Event::Close(close)),
        proto::Event::Tolerated(violation) => Found::Event(Event::Tolerated(violation)),
        proto::Event::Violation(violation) => Found::Violation(violation),
        proto::Event::Ended(ended) => Found::Ended(ended),
    })
}
