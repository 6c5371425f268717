//! A leg that uses HTTP/2 and may carry a WebSocket in a stream of it (RFC 8441). It is not read further.

use framewise_proto::{Detail, Violation};
use framewise_rules::{Role, Rule};

use crate::frames::Moment;
use crate::leg::{Leg, Stage};

/// The connection preface of a client (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The header of a frame of HTTP/2 (RFC 9113 §4.1).
const HEADER: usize = 9;
/// In how many bytes of the client its first request is looked for.
const LOOKED_AT: u64 = 4096;
/// The type of a HEADERS frame, and two of its flags: a byte of padding length, and five bytes of priority come before
/// the fields (RFC 9113 §6.2).
const HEADERS: u8 = 1;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Whether a leg uses HTTP/2.
#[derive(Clone, Debug)]
pub(crate) enum Http2 {
    /// It does not.
    No,
    /// The client begins with the preface, which is a fault unless the server agrees.
    Perhaps(Violation, Moment),
    /// Both use it, and the server does not enable WebSockets in it: a fault if the client wants one.
    NotEnabled(Violation, Moment),
    /// Both use it, and nothing of it is judged any more.
    Agreed,
}

/// The first request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstRequest {
    /// None has arrived.
    None,
    /// A GET or a POST. Encoders write `:method` first, as its entry of the static table (RFC 7541, appendix A).
    Ordinary,
    /// Another one, such as a CONNECT.
    Other,
}

impl FirstRequest {
    /// Reads the bytes of a client from the preface on.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut rest = bytes.get(PREFACE.len()..).unwrap_or_default();
        while let [high, middle, low, kind, flags, _, _, _, _, more @ ..] = rest {
            let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
            if *kind == HEADERS {
                let before = usize::from(flags & PADDED != 0) + 5 * usize::from(flags & PRIORITY != 0);
                return match more.get(before) {
                    None => Self::None,
                    Some(0x82 | 0x83) => Self::Ordinary,
                    Some(_) => Self::Other,
                };
            }
            rest = more.get(length..).unwrap_or_default();
        }
        Self::None
    }
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
            Settings::Read { parameters, .. } => {
                self.http2 = if enables_websocket(parameters) {
                    Http2::Agreed
                } else {
                    Http2::NotEnabled(not_enabled(HEADER + parameters.len()), at)
                };
                self.dir_mut(Role::Client).stage = Stage::NotWebSocket;
                self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
                self.read_first_request();
            }
            Settings::None => {
                let all = bytes.to_vec();
                self.not_http2();
                self.read_response(at, &all);
            }
        }
    }

    /// Looks for the request that needs what the server does not enable.
    pub(crate) fn read_first_request(&mut self) {
        if !matches!(self.http2, Http2::NotEnabled(..)) {
            return;
        }
        match FirstRequest::read(self.dir(Role::Client).window.read(0, LOOKED_AT)) {
            FirstRequest::None => {}
            FirstRequest::Ordinary => self.http2 = Http2::Agreed,
            FirstRequest::Other => self.not_http2(),
        }
    }

    /// The leg does not use HTTP/2 for a WebSocket: reports the preface, or the server's SETTINGS.
    pub(crate) fn not_http2(&mut self) {
        match std::mem::replace(&mut self.http2, Http2::Agreed) {
            Http2::Perhaps(fault, at) => {
                self.http2 = Http2::No;
                self.broken(fault, at);
            }
            Http2::NotEnabled(fault, at) => self.broken(fault, at),
            before @ (Http2::No | Http2::Agreed) => self.http2 = before,
        }
    }
}

/// SETTINGS of the server, of this length, that enable no WebSocket.
fn not_enabled(length: usize) -> Violation {
    Violation {
        rule: Rule::H2ConnectNotEnabled,
        by: Role::Server,
        offset: Some(0),
        length: length as u64,
        frame: 0,
        message: 0,
        detail: Detail::None,
        also: Vec::new(),
    }
}
