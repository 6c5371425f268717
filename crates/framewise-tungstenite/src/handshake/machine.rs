//! The bytes of a blocking handshake.

use std::io::{self, Read, Write};

use framewise::proto::handshake::http1::FIRST_READ;

use super::HandshakeRole;
use crate::error::Result;
use crate::protocol::would_block;

/// A stream in a handshake: what is to be written, and what was read.
#[derive(Debug)]
pub struct HandshakeMachine<Stream> {
    stream: Stream,
    out: Vec<u8>,
    written: usize,
    pub(super) read: Vec<u8>,
}

/// The result of a step.
#[doc(hidden)]
#[derive(Debug)]
pub enum Step<Role: HandshakeRole> {
    Again(Role, HandshakeMachine<Role::InternalStream>),
    Blocked(Role, HandshakeMachine<Role::InternalStream>),
    Done(Role::FinalResult),
}

/// How a transfer went.
pub(super) enum Moved {
    /// This many bytes were read; 0 at the end of the stream.
    Bytes(usize),
    /// The stream would block.
    Blocked,
}

impl<Stream> HandshakeMachine<Stream> {
    pub(super) const fn new(stream: Stream, out: Vec<u8>) -> Self {
        Self { stream, out, written: 0, read: Vec::new() }
    }

    /// The stream.
    pub const fn get_ref(&self) -> &Stream {
        &self.stream
    }

    /// The stream. Reading or writing it breaks the handshake.
    pub const fn get_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    pub(super) fn send(&mut self, bytes: Vec<u8>) {
        self.out = bytes;
        self.written = 0;
    }

    /// The stream, and the bytes that were read after the first `head`.
    pub(super) fn into_parts(mut self, head: usize) -> (Stream, Vec<u8>) {
        let rest = self.read.split_off(head);
        (self.stream, rest)
    }
}

impl<Stream: Read + Write> HandshakeMachine<Stream> {
    /// Writes what is to be written. Returns whether that is done.
    pub(super) fn write(&mut self) -> Result<bool> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if would_block(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        match self.stream.flush() {
            Err(error) if would_block(&error) => Ok(false),
            flushed => Ok(flushed.map(|()| true)?),
        }
    }

    /// Reads once.
    pub(super) fn fill(&mut self) -> Result<Moved> {
        let before = self.read.len();
        self.read.resize(before + FIRST_READ, 0);
        let read = self.stream.read(&mut self.read[before..]);
        self.read.truncate(before + read.as_ref().map_or(0, |count| *count));
        match read {
            Ok(count) => Ok(Moved::Bytes(count)),
            Err(error) if would_block(&error) => Ok(Moved::Blocked),
            // A reset ends the stream.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(Moved::Bytes(0)),
            Err(error) => Err(error.into()),
        }
    }
}
