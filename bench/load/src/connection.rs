//! One connection of the load.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::echo::Echo;
use crate::script::Script;

pub struct Connection {
    pub socket: TcpStream,
    pub echo: Echo,
    /// The next frame of the script.
    next: usize,
    /// What is being written: a range of the script.
    writing: std::ops::Range<usize>,
    /// Sent, or being sent, and not yet echoed.
    pub outstanding: usize,
}

impl Connection {
    pub fn new(socket: TcpStream, echo: Echo) -> Self {
        Self { socket, echo, next: 0, writing: 0..0, outstanding: 0 }
    }

    /// Sends this many more messages with one write; `false` if the socket did not accept all of it.
    pub fn send(&mut self, messages: usize, script: &Script) -> Result<bool, String> {
        if self.writing.is_empty() {
            if script.payloads.len() == 1 {
                // They are all the same: the first ones are in the cache.
                self.next = 0;
            }
            let start = script.offsets[self.next];
            self.writing = start..start;
        }
        let mut first = script.offsets.partition_point(|&offset| offset < self.writing.end);
        if first + messages > 2 * script.frames() {
            // No more is in flight than the script is long: what is being written lies in the second half.
            let half = script.offsets[script.frames()];
            self.writing = self.writing.start - half..self.writing.end - half;
            first -= script.frames();
        }
        self.writing.end = script.offsets[first + messages];
        self.next = (first + messages) % script.frames();
        self.outstanding += messages;
        self.write(script)
    }

    pub fn write(&mut self, script: &Script) -> Result<bool, String> {
        while !self.writing.is_empty() {
            match self.socket.write(&script.bytes[self.writing.clone()]) {
                Ok(written) => self.writing.start += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(format!("write: {error}")),
            }
        }
        Ok(true)
    }

    /// Reads once; returns the bytes read and the messages completed.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        script: &Script,
        header: &[u8],
    ) -> Result<(usize, usize), String> {
        match self.socket.read(buffer) {
            Ok(0) => Err("the server closed the connection".into()),
            Ok(count) => {
                let completed = self.echo.feed(&buffer[..count], script, header)?;
                self.outstanding =
                    self.outstanding.checked_sub(completed).ok_or("more came back than was sent")?;
                Ok((count, completed))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok((0, 0)),
            Err(error) => Err(format!("read: {error}")),
        }
    }
}
