//! tungstenite, in this process.

use std::io::{self, Cursor, Read, Write};

use framewise_proto::MessageKind;
use framewise_rules::Role;
use tungstenite::Message;
use tungstenite::error::Error;
use tungstenite::protocol::{self, WebSocket, WebSocketConfig};

use super::{End, Verdict};

/// Reads a stream, then never ends; drops what is written.
struct Wire<'s>(Cursor<&'s [u8]>);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Its result for a stream, received by this role.
pub(super) fn judge(role: Role, stream: &[u8]) -> Verdict {
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    // The same limits as ours.
    let config = WebSocketConfig::default().max_frame_size(Some(64 << 20));
    let mut socket = WebSocket::from_raw_socket(Wire(Cursor::new(stream)), role, Some(config));
    let mut verdict = Verdict { messages: Vec::new(), end: End::Open };
    for _ in 0..=stream.len() {
        match socket.read() {
            Ok(Message::Text(text)) => verdict.messages.push((MessageKind::Text, text.as_bytes().to_vec())),
            Ok(Message::Binary(bytes)) => verdict.messages.push((MessageKind::Binary, bytes.to_vec())),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            // So it reports a Close whose code it refuses; it answers 1002.
            Ok(Message::Close(Some(close))) if close.reason.as_str() == "Protocol violation" => {
                verdict.end = End::Failed("refused".to_owned(), Some(close.code.into()));
                return verdict;
            }
            Ok(Message::Close(close)) => {
                verdict.end = End::Closed(close.map(|close| close.code.into()));
                return verdict;
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return verdict,
            Err(error) => {
                let name = if let Error::Protocol(fault) = &error {
                    format!("{fault:?}")
                } else {
                    format!("{error:?}")
                };
                let name = name.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
                verdict.end = End::Failed(name, None);
                return verdict;
            }
        }
    }
    verdict
}
