//! TLS connections whose keys are known: what they carry.
//!
//! Nothing here decides whether a peer's TLS is in order; a record that does not decrypt was lost, as far as the connection
//! in it goes.

mod cbc;
mod hello;
mod keys;
mod record;
mod schedule;

use std::time::Duration;

use framewise_transcript::Action;
use hello::{Found, Hello};
pub(crate) use keys::Keys;
use record::Direction;
use schedule::{Schedule, Version};

use crate::sink::Act;

/// Bytes of one connection that are held back while its keys are not known: a key log may be written later than the packets.
const HELD: usize = 64 * 1024;

/// Why a connection stays encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Locked {
    /// There are no keys at all.
    NoKeys,
    /// The keys that there are belong to other sessions.
    OtherKeys,
    /// The keys are of this session, and do not decrypt it.
    WrongKeys,
    /// The handshake was not captured, or not all of it.
    NoHandshake,
    /// A version before TLS 1.2, which is not supported.
    Version,
    /// A cipher suite that is not supported.
    Suite(u16),
    /// Its handshake failed: this alert was sent in the clear.
    Alert(u8),
}

/// What a connection gives: the side, the time, what it did.
pub(crate) type Out<'o> = dyn FnMut(usize, Duration, Act<'_>) + 'o;

/// A TLS connection.
#[derive(Debug)]
pub(crate) struct Tls {
    state: State,
    /// Alerts that an end sent: the side, and the description.
    pub(crate) alert: Option<(usize, u8)>,
}

#[derive(Debug)]
enum State {
    /// The hellos, or the keys, are not there yet.
    Waiting(Box<Waiting>),
    Open(Box<[Direction; 2]>),
}

#[derive(Debug, Default)]
struct Waiting {
    held: Vec<(usize, Duration, Action)>,
    bytes: usize,
    /// The beginnings of both streams.
    starts: [hello::Start; 2],
}

impl Tls {
    pub(crate) fn new() -> Self {
        Self { state: State::Waiting(Box::default()), alert: None }
    }

    /// The side that is the client, as far as a hello shows it.
    pub(crate) fn client(&self) -> Option<usize> {
        match &self.state {
            State::Waiting(waiting) => waiting.client(),
            State::Open(directions) => directions.iter().position(Direction::is_client),
        }
    }

    /// Bytes that are held back.
    pub(crate) fn held(&self) -> usize {
        match &self.state {
            State::Waiting(waiting) => waiting.bytes,
            State::Open(_) => 0,
        }
    }

    /// A side did something. What that gives goes to `out`; an error says why nothing will.
    pub(crate) fn take(
        &mut self,
        side: usize,
        time: Duration,
        act: Act<'_>,
        keys: &mut Keys,
        out: &mut Out<'_>,
    ) -> Result<(), Locked> {
        match &mut self.state {
            State::Open(directions) => {
                directions[side].take(act, &mut |act| out(side, time, act));
                let alert = directions[side].alert();
                self.alert = self.alert.or(alert.map(|alert| (side, alert)));
                Ok(())
            }
            State::Waiting(waiting) => {
                waiting.push(side, time, act);
                match waiting.ready(keys) {
                    Ok(Some(directions)) => {
                        let held = std::mem::take(&mut waiting.held);
                        self.state = State::Open(Box::new(directions));
                        for (side, time, kept) in held {
                            self.take(side, time, Act::of(&kept), keys, out)?;
                        }
                        Ok(())
                    }
                    Ok(None) if waiting.bytes > HELD => Err(waiting.reason(keys)),
                    Ok(None) => Ok(()),
                    Err(locked) => Err(locked),
                }
            }
        }
    }

    /// Nothing more will come: why nothing was decrypted, if so.
    pub(crate) fn finish(&self, keys: &Keys) -> Result<(), Locked> {
        match &self.state {
            State::Waiting(waiting) => Err(waiting.reason(keys)),
            State::Open(directions) if directions.iter().all(Direction::has_failed) => Err(Locked::WrongKeys),
            State::Open(_) => Ok(()),
        }
    }
}

/// The name of an alert (RFC 8446 §6), with its number.
pub(crate) fn alert(description: u8) -> String {
    let name = match description {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return description.to_string(),
    };
    format!("{name} ({description})")
}

impl Waiting {
    fn push(&mut self, side: usize, time: Duration, act: Act<'_>) {
        match act {
            Act::Bytes(bytes) => {
                self.bytes += bytes.len();
                self.starts[side].push(bytes);
            }
            Act::Gap(_) => self.starts[side].end(),
            Act::Eof | Act::Reset => {}
        }
        self.held.push((side, time, act.to_action()));
    }

    fn client(&self) -> Option<usize> {
        self.starts.iter().position(|start| matches!(start.found(), Found::Hello(Hello::Client { .. })))
    }

    /// Both directions, once the hellos are there and the keys are known.
    fn ready(&self, keys: &mut Keys) -> Result<Option<[Direction; 2]>, Locked> {
        if self.starts.iter().any(|start| matches!(start.found(), Found::Nothing)) {
            return Err(Locked::NoHandshake);
        }
        let alert = self.starts.iter().find_map(hello::Start::alert);
        if let Some(alert) = alert {
            return Err(Locked::Alert(alert));
        }
        let Some(client) = self.client() else { return Ok(None) };
        let (Found::Hello(Hello::Client { random }), Found::Hello(Hello::Server(server))) =
            (self.starts[client].found(), self.starts[1 - client].found())
        else {
            return Ok(None);
        };
        if !server.is_12 {
            return Err(Locked::Version);
        }
        let Some(suite) = schedule::suite(server.suite) else { return Err(Locked::Suite(server.suite)) };
        let version = if server.is_13 { Version::Tls13 } else { Version::Tls12 };
        let Some(secrets) = keys.session(random) else { return Ok(None) };
        let schedule = Schedule { version, suite, client_random: *random, server: *server };
        let directions = [0, 1].map(|side| Direction::new(&schedule, side == client, secrets));
        Ok(Some(directions))
    }

    fn reason(&self, keys: &Keys) -> Locked {
        let found = |side: usize| matches!(self.starts[side].found(), Found::Hello(_));
        match (found(0) && found(1), keys.sessions()) {
            (_, 0) => Locked::NoKeys,
            (true, _) => Locked::OtherKeys,
            (false, _) => Locked::NoHandshake,
        }
    }
}
