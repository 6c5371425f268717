//! A leg that uses HTTP/2 and may carry a WebSocket in a stream of it (RFC 8441). How that stream begins is read, and how it
//! is reset; what it carries is not.

mod frame;

use framewise_proto::{Detail, Violation};
use framewise_rules::{Role, Rule};

use crate::frames::Moment;
use crate::leg::{Leg, Stage};
use frame::{Frame, Kind};

/// The connection preface of a client (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether a leg uses HTTP/2.
#[derive(Clone, Debug)]
pub(crate) enum Http2 {
    /// It does not.
    No,
    /// The client begins with the preface, which is a fault unless the server agrees.
    Perhaps(Violation, Moment),
    /// Both use it.
    Streams(Streams),
    /// Both use it, and nothing of it is judged any more.
    Ignored,
}

impl Http2 {
    /// Whether its frames are looked at.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Perhaps(..) | Self::Streams(_) => true,
            Self::No | Self::Ignored => false,
        }
    }
}

/// What is looked for in the frames of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    /// The offset of the next frame of each side: the client's, the server's.
    next: [u64; 2],
    sought: Sought,
}

#[derive(Clone, Debug)]
enum Sought {
    /// The CONNECT of a WebSocket, which the server's SETTINGS do not allow.
    Forbidden(Violation, Moment),
    /// The same, after another request: the connection need not be for a WebSocket.
    ForbiddenAmongOthers(Violation, Moment),
    /// The CONNECT of a WebSocket.
    Connect,
    /// The answer to the CONNECT in this stream.
    Answer(u32),
    /// The abrupt end of the WebSocket in this stream.
    Reset(u32),
    /// The same, after a side has sent a Close frame or ended its side of the stream.
    ResetWhileClosing(u32),
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
        match bytes.get(frame::HEADER..) {
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
fn enables_websocket(parameters: &[u8]) -> bool {
    parameters.chunks_exact(6).any(|parameter| parameter == [0, 8, 0, 0, 0, 1])
}

/// Whether the bytes of a client, from the preface on, contain a CONNECT.
pub(crate) fn asks_for_connect(bytes: &[u8]) -> bool {
    frames(Role::Client, bytes.get(PREFACE.len()..).unwrap_or_default()).any(|seen| seen == Seen::Connect)
}

/// Whether the bytes of a server contain a response.
pub(crate) fn responds(bytes: &[u8]) -> bool {
    frames(Role::Server, bytes).any(|seen| matches!(seen, Seen::Response(_)))
}

/// What the frames of a side say.
fn frames(from: Role, mut bytes: &[u8]) -> impl Iterator<Item = Seen> {
    std::iter::from_fn(move || {
        let frame = Frame::read(bytes)?;
        let seen = Seen::read(from, bytes);
        bytes = bytes.get(frame::HEADER + frame.length..).unwrap_or_default();
        seen
    })
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
                let length = (frame::HEADER + parameters.len()) as u64;
                let sought = if enables_websocket(parameters) {
                    Sought::Connect
                } else {
                    let fault = violation(Rule::H2ConnectNotEnabled, Role::Server, 0, length, Detail::None);
                    Sought::Forbidden(fault, at)
                };
                self.http2 = Http2::Streams(Streams { next: [PREFACE.len() as u64, length], sought });
                self.dir_mut(Role::Client).stage = Stage::NotWebSocket;
                self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
                self.read_streams(Role::Client, at);
                self.read_streams(Role::Server, at);
            }
            Settings::None => {
                let all = bytes.to_vec();
                self.not_http2();
                self.read_response(at, &all);
            }
        }
    }

    /// Reads the complete frames of HTTP/2 that a side has sent.
    pub(crate) fn read_streams(&mut self, from: Role, at: Moment) {
        let side = usize::from(from == Role::Server);
        while let Http2::Streams(streams) = &self.http2 {
            let (window, start) = (&self.dir(from).window, streams.next[side]);
            if start < window.start() {
                // Part of it was not kept, or is missing.
                self.http2 = Http2::Ignored;
                return;
            }
            let Some(frame) = Frame::read(window.read(start, frame::HEADER as u64)) else { return };
            let size = (frame::HEADER + frame.length) as u64;
            // Of other frames only the header is read, and of data the first byte after the length of its padding.
            let needed = match frame.kind {
                Kind::Headers | Kind::RstStream => size,
                Kind::Data => size.min(frame::HEADER as u64 + 2),
                Kind::Other => frame::HEADER as u64,
            };
            if window.end() < start + needed {
                return;
            }
            let Some(seen) = Seen::read(from, window.read(start, size)) else { return };
            let Http2::Streams(streams) = &mut self.http2 else { return };
            streams.next[side] = start + size;
            match streams.take(frame.stream, seen) {
                Found::Nothing => {}
                Found::NotEnabled(fault, then) => {
                    self.http2 = Http2::Ignored;
                    self.broken(fault, then);
                }
                Found::Broken(rule, detail) => {
                    self.http2 = Http2::Ignored;
                    self.broken(violation(rule, from, start, size, detail), at);
                }
            }
        }
    }

    /// The leg does not use HTTP/2 for a WebSocket: reports the preface, or the server's SETTINGS.
    pub(crate) fn not_http2(&mut self) {
        match std::mem::replace(&mut self.http2, Http2::Ignored) {
            Http2::Perhaps(fault, at) => {
                self.http2 = Http2::No;
                self.broken(fault, at);
            }
            Http2::Streams(Streams { sought: Sought::Forbidden(fault, at), .. }) => self.broken(fault, at),
            before @ (Http2::No | Http2::Streams(_) | Http2::Ignored) => self.http2 = before,
        }
    }
}

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Connect,
    OtherRequest,
    /// A response, with its status where that can be told.
    Response(Option<u16>),
    /// A Close frame at the start of a DATA frame, or the end of a side of the stream.
    Closing,
    /// The stream is reset, with this error code.
    Reset(u32),
    Other,
}

impl Seen {
    /// The frame of this side at the start of these bytes, with as much of its payload as there is.
    pub(crate) fn read(from: Role, bytes: &[u8]) -> Option<Self> {
        let frame = Frame::read(bytes)?;
        let payload = &bytes[frame::HEADER..];
        let payload = &payload[..frame.length.min(payload.len())];
        // RFC 6455 §5.2: FIN and opcode 8. Where a frame spans several DATA frames, its bytes may look like it.
        let close = || frame.content(payload).first() == Some(&0x88);
        Some(match (frame.kind, from) {
            (Kind::Data, _) if frame.ends_stream() || close() => Self::Closing,
            (Kind::Headers, Role::Client) if frame::is_connect(frame.content(payload)) => Self::Connect,
            (Kind::Headers, Role::Client) => Self::OtherRequest,
            (Kind::Headers, Role::Server) => Self::Response(frame::status(frame.content(payload))),
            (Kind::RstStream, _) => match *payload {
                [a, b, c, d] => Self::Reset(u32::from_be_bytes([a, b, c, d])),
                _ => Self::Other,
            },
            (Kind::Data | Kind::Other, _) => Self::Other,
        })
    }
}

/// What follows from a frame.
enum Found {
    Nothing,
    /// The client asks for what the server does not allow: the fault of its SETTINGS, and when they came.
    NotEnabled(Violation, Moment),
    /// This frame breaks a rule.
    Broken(Rule, Detail),
}

impl Streams {
    fn take(&mut self, stream: u32, seen: Seen) -> Found {
        match (&self.sought, seen) {
            (Sought::Forbidden(fault, at) | Sought::ForbiddenAmongOthers(fault, at), Seen::Connect) => {
                return Found::NotEnabled(fault.clone(), *at);
            }
            (Sought::Forbidden(fault, at), Seen::OtherRequest) => {
                self.sought = Sought::ForbiddenAmongOthers(fault.clone(), *at);
            }
            (Sought::Connect, Seen::Connect) => self.sought = Sought::Answer(stream),
            (&Sought::Answer(asked), Seen::Response(status)) if asked == stream => match status {
                // An interim response (RFC 9110 §15.2).
                Some(100..=199) => {}
                // RFC 8441 §5: a 2xx status says that the WebSocket is open.
                Some(200..=299) | None => self.sought = Sought::Reset(stream),
                Some(status) => return Found::Broken(Rule::H2Status, Detail::Status(status)),
            },
            (&Sought::Answer(asked), Seen::Reset(code)) if asked == stream => {
                return Found::Broken(Rule::H2StreamReset, Detail::Words(error(code)));
            }
            (&Sought::Reset(open), Seen::Closing) if open == stream => {
                self.sought = Sought::ResetWhileClosing(stream);
            }
            // RFC 8441 §5: "Orderly TCP-level closures are represented as END_STREAM flags", and "RST exceptions are
            // represented with the RST_STREAM [...] frame with the CANCEL error code". NO_ERROR is none (RFC 9113 §8.1).
            (&Sought::Reset(open), Seen::Reset(code)) if open == stream && code != NO_ERROR => {
                return Found::Broken(Rule::H2StreamReset, Detail::Words(error(code)));
            }
            // After a Close, CANCEL ends a stream that nobody needs any more.
            (&Sought::ResetWhileClosing(open), Seen::Reset(code))
                if open == stream && !matches!(code, NO_ERROR | CANCEL) =>
            {
                return Found::Broken(Rule::H2StreamReset, Detail::Words(error(code)));
            }
            _ => {}
        }
        Found::Nothing
    }
}

/// Error codes (RFC 9113 §7) with which a stream ends that is not at fault.
const NO_ERROR: u32 = 0;
const CANCEL: u32 = 8;

/// The name of an error code (RFC 9113 §7).
pub(crate) const fn error(code: u32) -> &'static str {
    match code {
        0 => "NO_ERROR",
        1 => "PROTOCOL_ERROR",
        2 => "INTERNAL_ERROR",
        3 => "FLOW_CONTROL_ERROR",
        4 => "SETTINGS_TIMEOUT",
        5 => "STREAM_CLOSED",
        6 => "FRAME_SIZE_ERROR",
        7 => "REFUSED_STREAM",
        8 => "CANCEL",
        9 => "COMPRESSION_ERROR",
        10 => "CONNECT_ERROR",
        11 => "ENHANCE_YOUR_CALM",
        12 => "INADEQUATE_SECURITY",
        13 => "HTTP_1_1_REQUIRED",
        _ => "an unknown error code",
    }
}

const fn violation(rule: Rule, by: Role, offset: u64, length: u64, detail: Detail) -> Violation {
    Violation { rule, by, offset: Some(offset), length, frame: 0, message: 0, detail, also: Vec::new() }
}
