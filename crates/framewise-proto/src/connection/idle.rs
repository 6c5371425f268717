//! A server's connection in few bytes, as long as it receives and sends whole messages alone.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use framewise_rules::Role;

use super::{Connection, State};
use crate::frame::{Counts, PlainHeader};
use crate::receive::{Receiver, Whole, longest_plain};
use crate::time::Nanos;
use crate::{Config, Header, MessageKind, Payload, Violation};

/// The configuration that idle connections share.
#[derive(Clone, Debug)]
pub struct IdleConfig {
    config: Arc<Config>,
    /// The longest message that an idle connection receives; `None` if it receives none.
    longest: Option<u16>,
}

impl IdleConfig {
    /// The configuration of a server's connections.
    pub fn new(config: Arc<Config>) -> Self {
        // With Pings to send, more is to be kept from the first message on.
        let longest = if config.keepalive.is_some() { None } else { longest_plain(&config) };
        Self { config, longest }
    }

    /// The configuration.
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }
}

/// A server's [`Connection`] while nothing of it is open: no message or frame that is incomplete, nothing to write, no Close. It
/// takes 48 bytes, and receives and sends complete messages without becoming a `Connection`, by the same code. For everything
/// else, make one ([`IdleConnection::connection`]), and come back when that is idle again ([`Connection::to_idle`]).
///
/// A connection that agreed permessage-deflate is never idle in this sense, and one with [`Config::keepalive`] only before its
/// first message: they keep more.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use framewise_proto::{Config, Event, IdleConfig, IdleConnection};
///
/// let config = IdleConfig::new(Arc::new(Config::default()));
/// let mut idle = IdleConnection::new(0, Duration::ZERO);
/// // "Hello" in a frame of a client, then a Ping.
/// let mut buffer = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x37\xfa\x21\x3d";
/// let mut out = Vec::new();
///
/// let (consumed, payload) = idle.receive_whole(&config, &mut buffer)?.expect("a message");
/// IdleConnection::send_text(payload.as_str().expect("a text"), &mut out);
/// assert_eq!(out, b"\x81\x05Hello");
///
/// // What follows is something else.
/// assert!(idle.receive_whole(&config, &mut buffer[consumed..])?.is_none());
/// let mut connection = idle.connection(&config);
/// let (_, event) = connection.receive(Duration::ZERO, &mut buffer[consumed..]);
/// assert!(matches!(event, Some(Event::Ping(_))));
/// assert!(connection.to_idle().is_none(), "its Pong is to be written");
/// let pong = connection.poll_transmit().expect("the Pong");
/// assert!(connection.to_idle().is_some());
/// # Ok::<(), Box<framewise_proto::Violation>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleConnection {
    /// Bytes of the client's stream consumed.
    offset: u64,
    heard: Nanos,
    counts: Counts,
}

impl IdleConnection {
    /// A server's connection after its handshake: `offset` and `now` as for [`Connection::server`].
    pub fn new(offset: u64, now: Duration) -> Self {
        Self { offset, heard: Nanos::of(now), counts: Counts::default() }
    }

    /// Bytes arrived. Call it once a read: [`Limits::idle`](framewise_rules::Limits::idle) counts from here.
    #[inline]
    pub fn heard(&mut self, now: Duration) {
        self.heard = Nanos::of(now);
    }

    /// Takes a complete message in one frame at the front of `bytes`, as [`Connection::receive_whole`] does. Returns how many
    /// bytes it consumed, and the payload, which is at their end. `None` if the bytes are something else or not complete:
    /// nothing was consumed; if there are bytes, go on with [`IdleConnection::connection`].
    ///
    /// # Errors
    ///
    /// The message breaks a rule: pass the violation to [`Connection::fail_for`] of [`IdleConnection::connection`].
    #[inline]
    pub fn receive_whole<'b>(
        &mut self,
        config: &IdleConfig,
        bytes: &'b mut [u8],
    ) -> Result<Option<(usize, Payload<'b>)>, Box<Violation>> {
        let Some(whole) = Whole::find(bytes, Role::Client, config.longest) else { return Ok(None) };
        match whole.take(&mut self.counts, &mut self.offset, bytes) {
            Ok(payload) => Ok(Some((whole.size, payload))),
            Err(fault) => Err(fault.violation(Role::Client, self.counts, self.offset, whole.length())),
        }
    }

    /// Appends a text message in one frame to what is to be written.
    #[inline]
    pub fn send_text(text: &str, out: &mut Vec<u8>) {
        send(MessageKind::Text, text.as_bytes(), out);
    }

    /// Appends a binary message in one frame to what is to be written.
    #[inline]
    pub fn send_binary(payload: &[u8], out: &mut Vec<u8>) {
        send(MessageKind::Binary, payload, out);
    }

    /// When [`IdleConnection::connection`] must [handle a time-out](Connection::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self, config: &IdleConfig) -> Option<Duration> {
        let ping = config.config.keepalive.map(|keepalive| keepalive.interval);
        let after = [config.config.limits.idle, ping].into_iter().flatten().min()?;
        Some(self.heard.get()?.saturating_add(after))
    }

    /// The same connection with all that it can do.
    pub fn connection(&self, config: &IdleConfig) -> Connection {
        let config = Arc::clone(&config.config);
        let heard = self.heard.get().unwrap_or_default();
        Connection {
            receiver: Receiver::of_idle(Role::Client, Arc::clone(&config), self.offset, self.counts),
            ..Connection::server(config, self.offset, heard)
        }
    }
}

impl Connection {
    /// The connection in few bytes, if it is a server's and nothing of it is open; then it is needed no more, except for the
    /// memory that [`Connection::recycle`] keeps.
    #[must_use]
    pub fn to_idle(&self) -> Option<IdleConnection> {
        // A Pong that is owed waits behind what is to be written, and a violation or an end that was not polled ends `Open`.
        let is_idle = self.role == Role::Server
            && self.state == State::Open
            && self.compressor.is_none()
            && self.out.is_empty()
            && self.pings.is_none()
            && self.sending.is_none();
        let (offset, counts) = self.receiver.idle().filter(|_| is_idle)?;
        Some(IdleConnection { offset, heard: Nanos::of(self.heard), counts })
    }
}

#[inline]
fn send(kind: MessageKind, payload: &[u8], out: &mut Vec<u8>) {
    if let Some(header) = PlainHeader::word(kind, payload.len()) {
        return push_small(out, header, payload);
    }
    let (header, size) = Header::new(kind.opcode(), payload.len() as u64, None).encode();
    out.reserve(size + payload.len());
    out.extend_from_slice(&header[..size]);
    out.extend_from_slice(payload);
}

/// Appends a header of up to eight bytes, in a word whose lowest byte is the first one, and its payload.
#[inline]
pub(super) fn push_small(out: &mut Vec<u8>, (word, size): (u64, usize), payload: &[u8]) {
    out.reserve(8 + payload.len());
    let start = out.len() + size;
    // Copies the complete word, then truncates: a copy of constant size needs no call.
    out.extend_from_slice(&word.to_le_bytes());
    out.truncate(start);
    out.extend_from_slice(payload);
}
