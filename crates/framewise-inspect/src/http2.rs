//! A leg that uses HTTP/2 and may carry a WebSocket in a stream of it (RFC 8441). It is not read further.

use framewise_proto::Violation;
use framewise_rules::Role;

use crate::frames::Moment;
use crate::leg::{Leg, Stage};

/// The connection preface of a client (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The header of a frame of HTTP/2 (RFC 9113 §4.1).
const HEADER: usize = 9;

/// Whether a leg uses HTTP/2.
#[derive(Clone, Debug)]
pub(crate) enum Http2 {
    /// It does not, or the server's SETTINGS do not allow a WebSocket in it.
    No,
    /// The client begins with the preface, which is a fault unless the server agrees.
    Perhaps(Violation, Moment),
    /// Both use it, and the server enables WebSockets in it.
    Agreed,
}

/// The parameters of a complete SETTINGS frame at the start of a server's bytes (RFC 9113 §6.5).
pub(crate) enum Settings<'b> {
    /// Its parameters, six bytes each, as far as they have arrived.
    Read { parameters: &'b [u8], complete: bool },
    /// The bytes do not begin with one.
    None,
    /// Too few bytes.
    NotYet,
}

impl<'b> Settings<'b> {
    pub(crate) fn read(bytes: &'b [u8]) -> Self {
        // Length in 24 bits, type 4, no flag, stream 0.
        let fixed = [Some(0), None, None, Some(4), Some(0), Some(0), Some(0), Some(0), Some(0)];
        let begins = bytes.iter().zip(fixed).all(|(&byte, fixed)| fixed.is_none_or(|fixed| byte == fixed));
        let length = match bytes {
            [_, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        match bytes.get(HEADER..) {
            _ if !begins || length % 6 != 0 => Self::None,
            None => Self::NotYet,
            Some(rest) => {
                Self::Read { parameters: &rest[..rest.len().min(length)], complete: rest.len() >= length }
            }
        }
    }
}

/// Whether these parameters allow a WebSocket. RFC 8441 §3: `SETTINGS_ENABLE_CONNECT_PROTOCOL` is 0x8, and 1 if the
/// server supports it.
pub(crate) fn enables_websocket(parameters: &[u8]) -> bool {
    parameters.chunks_exact(6).any(|parameter| parameter == [0, 8, 0, 0, 0, 1])
}

impl Leg {
    /// Takes bytes of the client that are not a request. The preface of HTTP/2 is one where the server agrees.
    pub(crate) fn not_a_request(&mut self, fault: Violation, at: Moment) {
        let bytes = self.dir(Role::Client).window.from(0);
        let preface = bytes.iter().zip(PREFACE).all(|(byte, expected)| byte == expected);
        let answered = self.dir(Role::Server).window.end() > 0;
        if preface && !answered {
            self.http2 = Http2::Perhaps(fault, at);
        } else {
            self.broken(fault, at);
        }
    }

    /// Reads the first bytes of the server: its head, or SETTINGS that answer the preface.
    pub(crate) fn read_first_answer(&mut self, at: Moment, new: &[u8]) {
        if !matches!(self.http2, Http2::Perhaps(..)) {
            return self.read_response(at, new);
        }
        let bytes = self.dir(Role::Server).window.from(0);
        match Settings::read(bytes) {
            Settings::NotYet | Settings::Read { complete: false, .. } => {}
            Settings::Read { parameters, .. } if enables_websocket(parameters) => {
                self.http2 = Http2::Agreed;
                self.dir_mut(Role::Client).stage = Stage::NotWebSocket;
                self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
            }
            Settings::Read { .. } | Settings::None => {
                let all = bytes.to_vec();
                self.not_http2();
                self.read_response(at, &all);
            }
        }
    }

    /// The leg does not use HTTP/2 for a WebSocket: reports the preface.
    pub(crate) fn not_http2(&mut self) {
        if let Http2::Perhaps(fault, at) = std::mem::replace(&mut self.http2, Http2::No) {
            self.broken(fault, at);
        }
    }
}
