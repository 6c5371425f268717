//! What the examples `blocking_server` and `blocking_client` share: a connection over a blocking `TcpStream`.

use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use framewise_proto::{Connection, Ended, Event, MessageKind, Misuse, Transport, Violation};

/// A complete message.
pub(crate) struct Message {
    pub(crate) kind: MessageKind,
    pub(crate) payload: Vec<u8>,
}

/// The engine, and everything that it does not have: a stream, a clock, and memory for what was read.
pub(crate) struct Blocking {
    pub(crate) engine: Connection,
    stream: TcpStream,
    /// Bytes that were read and are not consumed. After a handshake: those that follow the head.
    inbox: Vec<u8>,
    start: Instant,
    /// The parts of the message that is being received.
    parts: Vec<u8>,
    failure: Option<Box<Violation>>,
    pub(crate) ended: Option<Ended>,
}

impl Blocking {
    /// `start`: the moment that the engine's times count from.
    pub(crate) fn new(engine: Connection, stream: TcpStream, inbox: Vec<u8>, start: Instant) -> Self {
        Self { engine, stream, inbox, start, parts: Vec::new(), failure: None, ended: None }
    }

    /// Queues a message. The next [`Blocking::next`] writes it before it waits.
    pub(crate) fn send(&mut self, message: &Message) -> Result<(), Misuse> {
        self.engine.begin(message.kind)?;
        self.engine.send_part(&message.payload, true)
    }

    /// Returns the next message, and `None` after a clean end. The five steps are those of the crate's front page.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, Box<dyn Error>> {
        loop {
            // 1. What the bytes at hand mean, until the engine needs more.
            if let Some(message) = self.receive() {
                return Ok(Some(message));
            }
            // 2. What happened without bytes: a deadline that passed, a stream that ended.
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::Violation(violation) => self.failure = Some(violation),
                    Event::Ended(ended) => self.ended = Some(ended),
                    Event::Tolerated(note) => eprintln!("{note}"),
                    Event::Data { .. } | Event::Inflated { .. } => {}
                    Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
                }
            }
            // 3. What is to be written: messages, Pongs, Closes.
            self.flush()?;
            // 4. What is to be done with the stream, now that everything is written.
            match self.engine.poll_transport() {
                Transport::Open | Transport::AwaitEnd => {}
                // The connection failed. Reading goes on until the peer's end: a reset would destroy the Close that it has not read.
                Transport::ShutDown => drop(self.stream.shutdown(Shutdown::Write)),
                Transport::CloseAfterWriting | Transport::Close => {
                    return self.failure.take().map_or(Ok(None), |violation| Err(violation.into()));
                }
            }
            // 5. Wait for bytes, at most until the engine's next deadline.
            let left = self.engine.poll_timeout().map(|due| due.saturating_sub(self.now()));
            match read(&mut self.stream, &mut self.inbox, left)? {
                Read::Bytes => {}
                Read::End => {
                    let rest = mem::take(&mut self.inbox);
                    self.engine.receive_eof(self.now(), &rest);
                }
                Read::TimedOut => self.engine.handle_timeout(self.now()),
            }
        }
    }

    fn receive(&mut self) -> Option<Message> {
        let now = self.now();
        let (mut at, mut message) = (0, None);
        while message.is_none() {
            let (consumed, event) = self.engine.receive(now, &mut self.inbox[at..]);
            at += consumed;
            let Some(event) = event else { break };
            match event {
                Event::Data { payload, last, .. } => {
                    self.parts.extend_from_slice(&payload);
                    if last {
                        message = Some(Message { kind: payload.kind(), payload: mem::take(&mut self.parts) });
                    }
                }
                // The Close is queued already. The caller is told when it is written.
                Event::Violation(violation) => self.failure = Some(violation),
                Event::Tolerated(note) => eprintln!("{note}"),
                // Compression is not agreed. Pings and Closes are answered already.
                Event::Inflated { .. } | Event::Ping(_) | Event::Pong(_) => {}
                Event::Close(_) | Event::Ended(_) => {}
            }
        }
        self.inbox.drain(..at);
        message
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(mut transmit) = self.engine.poll_transmit() {
            for segment in transmit.segments() {
                self.stream.write_all(segment)?;
            }
            transmit.advance(transmit.len());
            self.engine.recycle(transmit);
        }
        Ok(())
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The result of waiting for bytes.
pub(crate) enum Read {
    Bytes,
    End,
    TimedOut,
}

/// Reads once, after at most `left`.
pub(crate) fn read(stream: &mut TcpStream, inbox: &mut Vec<u8>, left: Option<Duration>) -> io::Result<Read> {
    // The system does not take a timeout of zero.
    stream.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
    let mut buffer = [0; 8192];
    match stream.read(&mut buffer) {
        Ok(0) => Ok(Read::End),
        Ok(count) => {
            inbox.extend_from_slice(&buffer[..count]);
            Ok(Read::Bytes)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(Read::TimedOut)
        }
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(Read::End),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Read::Bytes),
        Err(error) => Err(error),
    }
}
