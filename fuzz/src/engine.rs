//! An endpoint after its handshake, as client and as server, with and without permessage-deflate.
//!
//! - The events and the bytes written are the same however the stream is cut.
//! - Violations are within the stream, and each call makes progress.
//! - The bytes written in answer break no rule.
//! - An observer of the same stream finds the same rule first, at the same byte.

use std::time::Duration;

use framewise_inspect::Observer;
use framewise_proto::deflate::{DeflateAgreement, DeflateConfig};
use framewise_proto::extension::parse_extensions;
use framewise_proto::frame::MAX_HEADER;
use framewise_proto::{Config, Connection, Event, MessageKind, Strictness, Violation};
use framewise_rules::{Answer, Limits, Role, Rule, SeenBy, Setup};

use crate::input::{Cut, Input};

const NOW: Duration = Duration::ZERO;

/// What the handshake agreed.
pub const AGREEMENTS: [&str; 4] = [
    "",
    "permessage-deflate",
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
];

/// The setup of an endpoint, from the first byte of an input.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// Which end it is.
    pub role: Role,
    /// What was agreed.
    pub agreed: &'static str,
    /// Whether everything that can be tolerated is.
    pub lenient: bool,
    /// Whether the limits are so low that short streams exceed them.
    pub limited: bool,
}

impl Flags {
    /// Decodes a byte.
    pub const fn of(byte: u8) -> Self {
        Self {
            role: if byte & 1 == 0 { Role::Server } else { Role::Client },
            agreed: AGREEMENTS[(byte >> 1 & 3) as usize],
            lenient: byte & 8 != 0,
            limited: byte & 16 != 0,
        }
    }

    /// Encodes the setup as a byte.
    pub fn byte(self) -> u8 {
        let agreed = AGREEMENTS.iter().position(|agreed| *agreed == self.agreed).unwrap_or(0);
        u8::from(self.role == Role::Client)
            | (agreed as u8) << 1
            | u8::from(self.lenient) << 3
            | u8::from(self.limited) << 4
    }

    fn limits(self) -> Limits {
        if self.limited {
            Limits::DEFAULT.message(200).frame(150).fragments(4).inflated(500)
        } else {
            Limits::DEFAULT.inflated(1 << 20)
        }
    }

    /// A connection of this kind; `role`: of either end.
    pub fn connection(self, role: Role) -> Connection {
        let strictness = if self.lenient {
            Strictness::default()
                .masked_server_frames(true)
                .unmasked_client_frames(true)
                .long_lengths(true)
                .invalid_close_codes(true)
                .body_headers_on_101(true)
        } else {
            Strictness::default()
        };
        let agreed = parse_extensions(self.agreed).as_deref().and_then(DeflateAgreement::in_response);
        let deflate = agreed.map(|_| DeflateConfig::default());
        let config = Config::default().limits(self.limits()).strictness(strictness).deflate(deflate);
        let connection = match role {
            Role::Client => Connection::client(config, Box::new(|| [0x37, 0xfa, 0x21, 0x3d]), 0, NOW),
            Role::Server => Connection::server(config, 0, NOW),
        };
        match agreed {
            Some(agreed) => connection.with_deflate(&agreed),
            None => connection,
        }
    }
}

/// An event for the application; a message is one event, however it was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A complete message.
    Message(MessageKind, Vec<u8>),
    /// A Ping.
    Ping(Vec<u8>),
    /// A Pong.
    Pong(Vec<u8>),
    /// A Close: its code, and its reason.
    Close(Option<(u16, String)>),
    /// A rule that ends the connection: rule, offset, frame, message, and what else the header breaks.
    Violation(Rule, Option<u64>, u64, u64, Vec<Rule>),
    /// A violation that does not end the connection.
    Tolerated(Rule, Option<u64>, u64, u64, Vec<Rule>),
    /// The end: its code, and whether it is clean.
    Ended(u16, bool),
}

/// An endpoint's result for a stream.
#[derive(Debug, Default)]
pub struct Run {
    /// The events for the application, in order.
    pub seen: Vec<Seen>,
    /// The bytes written in answer.
    pub written: Vec<u8>,
    /// The first rule that ended the connection.
    pub violation: Option<Violation>,
    open: Option<(MessageKind, Vec<u8>)>,
}

impl Run {
    /// Passes the pieces to an endpoint, and then the end of the stream.
    pub fn of(mut connection: Connection, pieces: &[&[u8]]) -> Self {
        let (mut run, rest) = Self::feed(&mut connection, pieces);
        connection.receive_eof(NOW, &rest);
        run.poll(&mut connection, pieces.iter().map(|piece| piece.len()).sum());
        // Whether the end or what follows it is reported first depends on when it is asked for.
        run.seen.sort_by_key(|seen| matches!(seen, Seen::Ended(..)));
        run
    }

    /// Passes the pieces to an endpoint; more may follow.
    pub fn before_the_end(mut connection: Connection, pieces: &[&[u8]]) -> Self {
        Self::feed(&mut connection, pieces).0
    }

    /// Returns the result for the pieces, and the bytes that were not consumed.
    fn feed(connection: &mut Connection, pieces: &[&[u8]]) -> (Self, Vec<u8>) {
        let mut run = Self::default();
        let total: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut inbox: Vec<u8> = Vec::new();
        for piece in pieces {
            inbox.extend_from_slice(piece);
            let mut at = 0;
            let mut steps = 0;
            loop {
                let there = inbox.len() - at;
                let (consumed, event) = connection.receive(NOW, &mut inbox[at..]);
                assert!(consumed <= there, "consumed {consumed} of {there}");
                at += consumed;
                steps += 1;
                assert!(steps <= 4 * there + (1 << 12), "no progress over {there} bytes");
                // `None` asks for more bytes, and for nothing else.
                let idle = event.is_none();
                let inflated =
                    if let Some(Event::Inflated { length, .. }) = event { Some(length) } else { None };
                run.take(event, |run: &mut Self| {
                    if let (Some(length), Some((_, message))) = (inflated, &mut run.open) {
                        let taken = connection.take_inflated();
                        assert_eq!(taken.len(), length, "inflated, as the event says");
                        assert!(length <= (64 << 10) + 1024, "{length} bytes inflated in one step");
                        message.extend_from_slice(&taken);
                    }
                });
                if idle {
                    break;
                }
            }
            inbox.drain(..at);
            assert!(inbox.len() <= 139, "{} bytes left over", inbox.len());
            run.poll(connection, total);
        }
        (run, inbox)
    }

    fn poll(&mut self, connection: &mut Connection, total: usize) {
        while let Some(event) = connection.poll_event() {
            self.take(Some(event), |_| ());
        }
        while let Some(transmit) = connection.poll_transmit() {
            self.written.extend(transmit.into_vec());
        }
        assert!(self.written.len() <= 64 + 8 * total, "{} bytes written for {total}", self.written.len());
    }

    fn take(&mut self, event: Option<Event<'_>>, inflate: impl FnOnce(&mut Self)) {
        let Some(event) = event else { return };
        let part = match event {
            Event::Data { payload, first, last } => Some((payload.kind(), Some(payload), first, last)),
            Event::Inflated { kind, first, last, .. } => Some((kind, None, first, last)),
            Event::Ping(payload) => return self.seen.push(Seen::Ping(payload.to_vec())),
            Event::Pong(payload) => return self.seen.push(Seen::Pong(payload.to_vec())),
            Event::Close(close) => {
                return self.seen.push(Seen::Close(close.map(|close| (close.code.0, close.reason))));
            }
            Event::Violation(violation) => {
                let Violation { rule, offset, frame, message, also, .. } = (*violation).clone();
                self.seen.push(Seen::Violation(rule, offset, frame, message, also));
                self.open = None;
                assert!(self.violation.is_none(), "two violations");
                self.violation = Some(*violation);
                return;
            }
            Event::Tolerated(violation) => {
                let Violation { rule, offset, frame, message, also, .. } = *violation;
                return self.seen.push(Seen::Tolerated(rule, offset, frame, message, also));
            }
            Event::Ended(ended) => return self.seen.push(Seen::Ended(ended.code.0, ended.clean)),
        };
        if let Some((kind, payload, first, last)) = part {
            assert_eq!(first, self.open.is_none(), "the first part, and no other, begins a message");
            let (_, message) = self.open.get_or_insert((kind, Vec::new()));
            message.extend_from_slice(payload.as_deref().unwrap_or_default());
            inflate(self);
            if last && let Some((kind, message)) = self.open.take() {
                if kind == MessageKind::Text {
                    assert!(std::str::from_utf8(&message).is_ok(), "a text that is not UTF-8 was delivered");
                }
                self.seen.push(Seen::Message(kind, message));
            }
        }
    }
}

/// The properties.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = Flags::of(input.byte());
    let seed = input.byte();
    let stream = &input.rest()[..input.rest().len().min(4096)];

    let whole = Run::of(flags.connection(flags.role), &Cut::Whole.pieces(stream));
    for cut in Cut::all(stream.len(), seed) {
        let pieces = Run::of(flags.connection(flags.role), &cut.pieces(stream));
        assert_eq!(whole.seen, pieces.seen, "{flags:?}, {cut:?}");
        assert_eq!(whole.written, pieces.written, "{flags:?}, {cut:?}");
    }
    if let Some(violation) = &whole.violation {
        let end = violation.offset.map(|offset| offset + violation.length);
        // The length of an invalid header counts its masking key before it has arrived.
        let most = (stream.len() + MAX_HEADER) as u64;
        assert!(violation.offset <= Some(stream.len() as u64), "{violation:?} in {} bytes", stream.len());
        let inflated = !flags.agreed.is_empty() && names_whole_payload(violation.rule);
        assert!(inflated || end <= Some(most), "{violation:?} in {} bytes", stream.len());
    }
    let strict = Flags { lenient: false, limited: false, ..flags };
    let answer = Run::of(strict.connection(flags.role.peer()), &[&whole.written]);
    if let Some(violation) = answer.violation {
        let ended = [Rule::CloseMissing].contains(&violation.rule);
        assert!(ended, "our answer breaks a rule: {violation} {:02x?}", whole.written);
    }
    if !flags.lenient {
        agree(flags, stream, whole.violation.as_ref());
    }
}

/// Whether a violation names a complete payload, which may not have arrived: of a frame that does not inflate, or not
/// to UTF-8.
pub fn names_whole_payload(rule: Rule) -> bool {
    [
        Rule::DeflateDataInvalid,
        Rule::DeflateContextMismatch,
        Rule::DeflateWindowViolated,
        Rule::InflateTooBig,
        Rule::TextInvalidUtf8,
        Rule::TextTruncatedUtf8,
    ]
    .contains(&rule)
}

/// The observer and the endpoint find the same.
fn agree(flags: Flags, stream: &[u8], violation: Option<&Violation>) {
    let setup = Setup { limits: flags.limits(), ..Setup::DEFAULT };
    let mut observer = Observer::new(setup.into());
    let leg = observer.leg("client-server");
    observer.open(leg, flags.agreed);
    let sender = flags.role.peer();
    observer.bytes(leg, sender, None, stream);
    observer.eof(leg, sender, None);
    let connection = observer.finish();
    let mut enforced = connection
        .findings
        .iter()
        .filter(|finding| finding.by == Some(sender) && finding.answer != Some(Answer::Note));
    let found = enforced.next().and_then(|finding| Some((finding.rule?, finding.offset)));
    // An observer of both directions finds rules that an endpoint cannot.
    if found.is_some_and(|(rule, _)| rule.seen_by() == SeenBy::Observer) {
        return;
    }
    let expected = violation.and_then(|violation| Some((violation.rule, violation.offset?)));
    assert_eq!(found, expected, "observer and endpoint, {flags:?}");
}

/// The streams of the examples.
pub fn seeds() -> Vec<Vec<u8>> {
    crate::seeds::streams()
        .into_iter()
        .map(|(sender, open, stream)| {
            let agreed = AGREEMENTS.iter().find(|agreed| **agreed == open);
            let agreed = agreed.unwrap_or(&AGREEMENTS[usize::from(!open.is_empty())]);
            let flags = Flags { role: sender.peer(), agreed, lenient: false, limited: false };
            [&[flags.byte(), 7][..], &stream].concat()
        })
        .collect()
}
