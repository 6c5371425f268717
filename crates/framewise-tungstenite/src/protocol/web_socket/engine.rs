//! The engine of framewise, driven by blocking reads and writes.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framewise::proto::deflate::DeflateAgreement;
use framewise::proto::{self, Connection, Payload, Transmit, Transport};
use framewise::{Ended, Event, MessageKind, Role, Violation};
use framewise_simd::Utf8Buffer;

use super::would_block;
use crate::convert;
use crate::error::{Error, Result, of_misuse, of_violation};
use crate::protocol::{Message, WebSocketConfig};

/// The smallest read buffer: the engine leaves up to 139 bytes in it.
const SMALLEST: usize = 1024;
/// The largest number of slices in one write.
const SLICES: usize = 64;
/// The engine checks text while it arrives.
const CHECKED: &str = "text is checked when it is received";

/// What a handshake leads to.
pub(crate) struct Established {
    pub(crate) role: Role,
    /// The bytes that were read after the head.
    pub(crate) rest: Vec<u8>,
    pub(crate) head_size: u64,
    pub(crate) deflate: Option<DeflateAgreement>,
}

pub(super) struct Engine {
    connection: Connection,
    start: Instant,
    /// Bytes that were read: those in `unread` are not taken yet.
    buffer: Vec<u8>,
    unread: std::ops::Range<usize>,
    /// The message that is being received.
    message: Utf8Buffer,
    /// What was taken from the engine and is not written.
    out: Option<Transmit>,
    violation: Option<Box<Violation>>,
    ended: Option<Ended>,
    /// An error of the stream, for which the reader gets no rule.
    lost: Option<io::Error>,
    closed: bool,
}

impl Engine {
    pub(super) fn new(config: WebSocketConfig, established: Established) -> Self {
        let Established { role, rest, head_size, deflate } = established;
        let settings = config.to_framewise();
        let connection = match role {
            Role::Client => {
                Connection::client(settings, framewise::masking_keys(), head_size, Duration::ZERO)
            }
            Role::Server => Connection::server(settings, head_size, Duration::ZERO),
        };
        let connection = match &deflate {
            Some(agreement) => connection.with_deflate(agreement),
            None => connection,
        };
        let unread = 0..rest.len();
        let mut buffer = rest;
        buffer.resize(buffer.len().max(config.read_buffer_size).max(SMALLEST), 0);
        Self {
            connection,
            start: Instant::now(),
            buffer,
            unread,
            message: Utf8Buffer::default(),
            out: None,
            violation: None,
            ended: None,
            lost: None,
            closed: false,
        }
    }

    pub(super) fn violation(&self) -> Option<&Violation> {
        self.violation.as_deref()
    }

    pub(super) const fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    pub(super) const fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Whether no message can arrive any more.
    pub(super) fn is_over(&self) -> bool {
        self.closed || self.connection.poll_transport() != Transport::Open
    }

    pub(super) fn queued(&self) -> usize {
        self.connection.queued() + self.out.as_ref().map_or(0, Transmit::len)
    }

    pub(super) fn check_not_closed(&self) -> Result<()> {
        if self.closed { Err(Error::AlreadyClosed) } else { Ok(()) }
    }

    /// Whether nothing is left to be done for the connection.
    pub(super) fn is_finished(&self) -> bool {
        match self.connection.poll_transport() {
            Transport::Close => true,
            Transport::CloseAfterWriting => self.queued() == 0,
            Transport::Open | Transport::AwaitEnd | Transport::ShutDown => false,
        }
    }

    /// The caller learns that the connection is closed.
    pub(super) fn close(&mut self) -> Error {
        self.closed = true;
        Error::ConnectionClosed
    }

    pub(super) fn queue(&mut self, message: Message) -> Result<()> {
        let now = self.start.elapsed();
        let connection = &mut self.connection;
        match convert::event(message)? {
            Event::Message(framewise::Message::Text(text)) => connection.send_text(&text),
            Event::Message(framewise::Message::Binary(bytes)) => connection.send_binary_shared(bytes),
            Event::Part(part) => {
                let begun = if part.first { connection.begin(part.kind) } else { Ok(()) };
                begun.and_then(|()| connection.send_part(&part.bytes, part.last))
            }
            Event::Ping(payload) => connection.ping(now, &payload),
            Event::Pong(payload) => connection.pong(&payload),
            Event::Close(close) => connection.close(now, close.as_ref()),
            // No message is converted into it.
            Event::Tolerated(_) | _ => Ok(()),
        }
        .map_err(|misuse| of_misuse(&misuse))
    }

    /// Writes everything that is queued.
    pub(super) fn write(&mut self, stream: &mut impl Write) -> io::Result<()> {
        loop {
            if let Some(written) = self.out.take_if(|out| out.is_empty()) {
                self.connection.recycle(written);
            }
            if self.out.is_none() {
                self.out = self.connection.poll_transmit();
            }
            let Some(out) = &mut self.out else { return Ok(()) };
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut used = 0;
            for (slice, segment) in slices.iter_mut().zip(out.segments()) {
                *slice = IoSlice::new(segment);
                used += 1;
            }
            match stream.write_vectored(&slices[..used]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => out.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A reader could not write: what the peer sent before it was lost is still read, and then the error is reported.
    pub(super) fn lost(&mut self, error: io::Error) {
        if !would_block(&error) {
            self.out = None;
            while self.connection.poll_transmit().is_some() {}
            self.lost.get_or_insert(error);
        }
    }

    /// Reads once.
    pub(super) fn fill(&mut self, stream: &mut impl Read) -> Result<()> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let now = self.start.elapsed();
        if self.connection.poll_timeout().is_some_and(|due| due <= now) {
            self.connection.handle_timeout(now);
            return Ok(());
        }
        match stream.read(&mut self.buffer[self.unread.end..]) {
            Ok(0) => self.connection.receive_eof(self.start.elapsed(), &self.buffer[self.unread.clone()]),
            Ok(count) => self.unread.end += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if would_block(&error) => return Err(error.into()),
            // An end without the close_notify of TLS counts as an end of the stream.
            Err(error) => {
                if error.kind() != io::ErrorKind::UnexpectedEof && !self.is_over() {
                    self.lost.get_or_insert(error);
                }
                self.connection.receive_eof(self.start.elapsed(), &self.buffer[self.unread.clone()]);
            }
        }
        Ok(())
    }

    /// The next message in the bytes that were read. `None`: more must be read, or the connection is finished.
    pub(super) fn next(&mut self) -> Result<Option<Message>> {
        let now = self.start.elapsed();
        while !self.unread.is_empty() {
            let bytes = &mut self.buffer[self.unread.clone()];
            let (consumed, event) = self.connection.receive(now, bytes);
            let found = match event {
                None => {
                    self.unread.start += consumed;
                    break;
                }
                Some(proto::Event::Data { payload, first: true, last: true }) => {
                    Found::Message(match payload.as_str() {
                        Some(text) => Message::text(text),
                        None => Message::Binary(Bytes::copy_from_slice(&payload)),
                    })
                }
                Some(proto::Event::Data { payload, last, .. }) => {
                    let kind = payload.kind();
                    match payload {
                        Payload::Text(piece) => self.message.push_piece(piece),
                        Payload::Binary(bytes) => self.message.push(bytes),
                    }
                    if last { Found::Complete(kind) } else { Found::Nothing }
                }
                Some(proto::Event::Inflated { kind, last, .. }) => {
                    if last {
                        Found::Inflated(kind)
                    } else {
                        Found::Nothing
                    }
                }
                Some(proto::Event::Ping(payload)) => {
                    Found::Message(Message::Ping(Bytes::copy_from_slice(payload)))
                }
                Some(proto::Event::Pong(payload)) => {
                    Found::Message(Message::Pong(Bytes::copy_from_slice(payload)))
                }
                Some(proto::Event::Close(close)) => match convert::message(Event::Close(close)) {
                    Some(close) => Found::Message(close),
                    None => Found::Nothing,
                },
                Some(proto::Event::Violation(violation)) => Found::Violation(violation),
                Some(proto::Event::Ended(ended)) => Found::Ended(ended),
                Some(proto::Event::Tolerated(_)) => Found::Nothing,
            };
            self.unread.start += consumed;
            if let Some(message) = self.take(found)? {
                return Ok(Some(message));
            }
        }
        while let Some(event) = self.connection.poll_event() {
            match event {
                proto::Event::Violation(violation) => self.take(Found::Violation(violation))?,
                proto::Event::Ended(ended) => self.take(Found::Ended(ended))?,
                // These come from bytes, or are reports.
                proto::Event::Data { .. }
                | proto::Event::Inflated { .. }
                | proto::Event::Ping(_)
                | proto::Event::Pong(_)
                | proto::Event::Close(_)
                | proto::Event::Tolerated(_) => None,
            };
        }
        Ok(None)
    }

    fn take(&mut self, found: Found) -> Result<Option<Message>> {
        match found {
            Found::Nothing => Ok(None),
            Found::Message(message) => Ok(Some(message)),
            Found::Complete(kind) => {
                let message = std::mem::take(&mut self.message);
                Ok(Some(match kind {
                    MessageKind::Text => Message::text(message.as_str().expect(CHECKED)),
                    MessageKind::Binary => Message::Binary(message.freeze()),
                }))
            }
            Found::Inflated(kind) => {
                let inflated = self.connection.take_inflated();
                Ok(Some(match kind {
                    MessageKind::Text => Message::text(inflated.into_string().expect(CHECKED)),
                    MessageKind::Binary => Message::binary(inflated.into_bytes()),
                }))
            }
            Found::Ended(ended) => {
                self.ended = Some(ended);
                Ok(None)
            }
            Found::Violation(violation) => {
                self.violation = Some(violation.clone());
                // The stream's own error says more than the end that it made.
                if let Some(error) = self.lost.take() {
                    return Err(Error::Io(error));
                }
                Err(of_violation(*violation))
            }
        }
    }
}

enum Found {
    Nothing,
    Message(Message),
    /// The assembled message is complete.
    Complete(MessageKind),
    /// The inflated message is complete.
    Inflated(MessageKind),
    Ended(Ended),
    Violation(Box<Violation>),
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("connection", &self.connection)
            .field("queued", &self.queued())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
