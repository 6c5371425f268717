mod engine;

use std::io::{self, Read, Write};

use framewise::{Ended, Role, Violation};

use self::engine::Engine;
pub(crate) use self::engine::Established;
use crate::error::{Error, ProtocolError, Result};
use crate::protocol::{CloseFrame, Message, WebSocketConfig};

/// A connection on a blocking stream, or on one that returns [`io::ErrorKind::WouldBlock`].
///
/// Deadlines, such as that of the closing handshake, are looked at between two reads: set a time-out on the stream if a read
/// must not block for ever.
#[derive(Debug)]
pub struct WebSocket<Stream> {
    socket: Stream,
    engine: Engine,
    config: WebSocketConfig,
}

impl<Stream> WebSocket<Stream> {
    pub(crate) fn new(socket: Stream, config: WebSocketConfig, established: Established) -> Self {
        Self { socket, engine: Engine::new(config, established), config }
    }

    /// Takes a stream after the handshake.
    ///
    /// # Panics
    ///
    /// If `max_write_buffer_size` is not larger than `write_buffer_size`.
    pub fn from_raw_socket(stream: Stream, role: Role, config: Option<WebSocketConfig>) -> Self {
        Self::from_partially_read(stream, Vec::new(), role, config)
    }

    /// Takes a stream after the handshake, and the bytes that were read from it after the head.
    ///
    /// # Panics
    ///
    /// As [`WebSocket::from_raw_socket`].
    pub fn from_partially_read(
        stream: Stream,
        part: Vec<u8>,
        role: Role,
        config: Option<WebSocketConfig>,
    ) -> Self {
        // Without the heads, nothing is known to be agreed.
        let config = config.unwrap_or_default().deflate(None);
        Self::new(stream, config, Established { role, rest: part, head_size: 0, deflate: None })
    }

    /// Returns the stream. What is queued is lost.
    pub fn into_inner(self) -> Stream {
        self.socket
    }

    /// The stream.
    pub const fn get_ref(&self) -> &Stream {
        &self.socket
    }

    /// The stream. Reading or writing it breaks the connection.
    pub const fn get_mut(&mut self) -> &mut Stream {
        &mut self.socket
    }

    /// Changes the sizes of the write buffer. The other settings are those of the handshake.
    ///
    /// # Panics
    ///
    /// As [`WebSocket::from_raw_socket`].
    pub fn set_config(&mut self, set: impl FnOnce(&mut WebSocketConfig)) {
        set(&mut self.config);
        self.config.check();
    }

    /// The settings.
    pub const fn get_config(&self) -> &WebSocketConfig {
        &self.config
    }

    /// Whether messages may still arrive.
    pub fn can_read(&self) -> bool {
        !self.engine.is_over()
    }

    /// Whether messages may be sent: until a Close is sent or received.
    pub fn can_write(&self) -> bool {
        self.engine.is_open()
    }

    /// The rule that ended the connection, with its byte and frame. Not in tungstenite.
    pub fn violation(&self) -> Option<&Violation> {
        self.engine.violation()
    }

    /// How the connection ended; `None` while it is open. Not in tungstenite.
    pub fn ended(&self) -> Option<&Ended> {
        self.engine.ended()
    }
}

impl<Stream: Read + Write> WebSocket<Stream> {
    /// Reads the next message. Pings and the Close of the peer are answered when this is called next, or [`WebSocket::flush`].
    ///
    /// Errors: [`Error::ConnectionClosed`] when the connection is closed, then [`Error::AlreadyClosed`]; [`Error::Io`] of the
    /// stream, also [`io::ErrorKind::WouldBlock`], after which it may be called again.
    pub fn read(&mut self) -> Result<Message> {
        loop {
            self.engine.check_not_closed()?;
            // Answers must not wait for what the peer sends next.
            if let Err(error) = self.engine.write(&mut self.socket).and_then(|()| self.socket.flush()) {
                self.engine.lost(error);
            }
            match self.engine.next() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {}
                Err(error) => {
                    // The Close that answers a violation must not wait for the caller.
                    let _ = self.engine.write(&mut self.socket).and_then(|()| self.socket.flush());
                    return Err(error);
                }
            }
            if self.engine.is_finished() {
                return Err(self.engine.close());
            }
            self.engine.fill(&mut self.socket)?;
        }
    }

    /// Queues a message and writes what is queued.
    ///
    /// Errors: as [`WebSocket::write`] and [`WebSocket::flush`].
    pub fn send(&mut self, message: Message) -> Result<()> {
        self.write(message)?;
        self.flush()
    }

    /// Queues a message. It is written when more than `write_buffer_size` is queued, or by the next call of
    /// [`WebSocket::read`] or [`WebSocket::flush`].
    ///
    /// Errors: [`Error::WriteBufferFull`] with the message; [`Error::Protocol`] if the message breaks a rule, or after a Close.
    /// With [`io::ErrorKind::WouldBlock`], the message is queued.
    pub fn write(&mut self, message: Message) -> Result<()> {
        self.engine.check_not_closed()?;
        if !self.engine.is_open() {
            return Err(ProtocolError::SendAfterClosing.into());
        }
        if self.engine.queued().saturating_add(message.len()) > self.config.max_write_buffer_size {
            return Err(Error::WriteBufferFull(Box::new(message)));
        }
        self.engine.queue(message)?;
        if self.engine.queued() > self.config.write_buffer_size {
            self.engine.write(&mut self.socket)?;
        }
        Ok(())
    }

    /// Writes what is queued.
    ///
    /// Errors: [`Error::Io`]; [`Error::ConnectionClosed`] if that completes the closing handshake of a server.
    pub fn flush(&mut self) -> Result<()> {
        self.engine.write(&mut self.socket)?;
        self.socket.flush()?;
        if self.engine.is_finished() {
            return Err(self.engine.close());
        }
        Ok(())
    }

    /// Sends a Close, unless one was sent. Read on until [`Error::ConnectionClosed`].
    ///
    /// Errors: [`Error::Protocol`] for a code or a reason that must not be sent; those of [`WebSocket::flush`].
    pub fn close(&mut self, code: Option<CloseFrame>) -> Result<()> {
        if self.engine.is_open() {
            self.engine.queue(Message::Close(code))?;
        }
        self.flush()
    }
}

/// Whether the call may be made again.
pub(crate) fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
