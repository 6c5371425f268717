use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long an endpoint may take to react to bytes before it gets a Ping.
const AT_ONCE: Duration = Duration::from_millis(100);
/// How long it may take to answer that Ping.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it may take for the handshake, and to end.
const LIMIT: Duration = Duration::from_secs(20);
const PROBE: &[u8] = b"still there?";

/// One end of a connection that performs the handshake and then sends arbitrary bytes.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// Bytes received and not parsed yet.
    received: Vec<u8>,
    is_client: bool,
    extensions: String,
}

/// How an endpoint reacts to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It sent a Close frame, with this code or none.
    Close(Option<u16>),
    /// It ended the connection without a Close frame.
    Dropped,
    /// It carried on: it answered a Ping that was sent after the bytes.
    Accepted,
    /// It neither ended nor answered: it waits for bytes that will not arrive.
    Waits,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(Some(code)) => write!(f, "close {code}"),
            Self::Close(None) => f.write_str("close, no code"),
            Self::Dropped => f.write_str("dropped"),
            Self::Accepted => f.write_str("accepted"),
            Self::Waits => f.write_str("waits"),
        }
    }
}

impl Raw {
    /// Waits for a client and answers its handshake, agreeing to these extensions (none: "") if the client offers any with
    /// that name; [`Raw::extensions`] returns the agreement.
    pub fn accept(listener: &TcpListener, agree: &str) -> io::Result<Self> {
        let (stream, _) = listener.accept()?;
        let mut raw = Self { stream, received: Vec::new(), is_client: false, extensions: String::new() };
        let head = raw.head()?;
        let key = header(&head, "sec-websocket-key").ok_or(ErrorKind::InvalidData)?;
        let name = agree.split(';').next().unwrap_or_default().trim();
        let mut extensions = String::new();
        if !agree.is_empty()
            && header(&head, "sec-websocket-extensions").is_some_and(|offer| offer.contains(name))
        {
            agree.clone_into(&mut raw.extensions);
            extensions = format!("Sec-WebSocket-Extensions: {agree}\r\n");
        }
        let accept = accept_value(&key);
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
        );
        raw.send(response.as_bytes())?;
        Ok(raw)
    }

    /// Connects to a server on 127.0.0.1 and offers these extensions (none: "").
    pub fn connect(port: u16, offer: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        let mut raw = Self { stream, received: Vec::new(), is_client: true, extensions: String::new() };
        let extensions =
            if offer.is_empty() { String::new() } else { format!("Sec-WebSocket-Extensions: {offer}\r\n") };
        let request = format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n"
        );
        raw.send(request.as_bytes())?;
        let head = raw.head()?;
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(io::Error::new(ErrorKind::InvalidData, head));
        }
        raw.extensions = header(&head, "sec-websocket-extensions").unwrap_or_default();
        Ok(raw)
    }

    /// The agreed extensions.
    pub fn extensions(&self) -> &str {
        &self.extensions
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(LIMIT))?;
        self.stream.write_all(bytes)
    }

    /// Reads exactly `count` bytes.
    pub fn receive(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < count {
            self.fill(LIMIT)?;
        }
        Ok(self.received.drain(..count).collect())
    }

    /// Sends a frame that breaks no rule.
    pub fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        assert!(payload.len() < 126, "the raw endpoint has no use for long frames");
        let mut frame = vec![0x80 | opcode, payload.len() as u8];
        if self.is_client {
            let key = [0x37, 0xfa, 0x21, 0x3d];
            frame[1] |= 0x80;
            frame.extend(key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            frame.extend(payload);
        }
        self.send(&frame)
    }

    /// The reaction of the other end. If it carries on or waits, this ends the connection.
    pub fn answer(mut self) -> Answer {
        let mut probed = false;
        loop {
            match self.frame(if probed { PATIENCE } else { AT_ONCE }) {
                Ok(Some((8, payload))) => {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    return Answer::Close(code);
                }
                Ok(Some((10, payload))) if payload == PROBE => {
                    let _ = self.send_frame(8, &1000_u16.to_be_bytes());
                    // Its own Close ends it: the server is the first to close the socket, and clients wait for that.
                    while matches!(self.frame(LIMIT), Ok(Some((opcode, _))) if opcode != 8) {}
                    return Answer::Accepted;
                }
                // An echo, or the answer to a Ping of the case's own.
                Ok(Some(_)) => {}
                Ok(None) if probed => return Answer::Waits,
                Ok(None) => {
                    probed = true;
                    // It may have ended the connection by now; then the next read tells.
                    let _ = self.send_frame(9, PROBE);
                }
                Err(_) => return Answer::Dropped,
            }
        }
    }

    /// The opcode and payload of the next frame, nothing within that time, or the end of the connection.
    fn frame(&mut self, within: Duration) -> io::Result<Option<(u8, Vec<u8>)>> {
        loop {
            if let Some((frame, size)) = parse(&self.received) {
                self.received.drain(..size);
                return Ok(Some(frame));
            }
            match self.fill(within) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the head of the handshake.
    fn head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                return Ok(String::from_utf8_lossy(&head).into_owned());
            }
            self.fill(LIMIT)?;
        }
    }

    fn fill(&mut self, within: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(within))?;
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.received.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }
}

/// The complete frame at the start of these bytes, unmasked: opcode, payload, and its length in bytes.
fn parse(bytes: &[u8]) -> Option<((u8, Vec<u8>), usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?
        }
        127 => rest.split_first_chunk().map(|(length, rest)| {
            (usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX), rest)
        })?,
        length => (usize::from(length), rest),
    };
    let (key, rest) = if second & 0x80 == 0 {
        ([0; 4], rest)
    } else {
        rest.split_first_chunk().map(|(key, rest)| (*key, rest))?
    };
    let payload = rest.get(..length)?;
    let size = bytes.len() - rest.len() + length;
    Some((
        (first & 0x0f, payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()),
        size,
    ))
}

/// The value of a header that appears once.
fn header(head: &str, name: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}

fn accept_value(key: &str) -> String {
    let mut digest = sha1_smol::Sha1::new();
    digest.update(key.as_bytes());
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(digest.digest().bytes())
}
