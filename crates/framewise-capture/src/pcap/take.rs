//! What a TCP connection carries: found out first, then given out if it is a WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use framewise_rules::Role;

use super::flows::Output;
use super::legs::{Opening, Place};
use super::sniff::{self, Known, Other, Verdict};
use crate::sink::{Act, Sink};
use crate::tls::{self, Keys, Locked, Tls, alert};

/// Bytes that are kept while it is not known what a connection is.
const SNIFFED: usize = 64 * 1024;
/// Encrypted connections that are named.
const NAMED: usize = 8;
/// Bytes of all encrypted connections that are held back while their keys are not known.
const HELD: usize = 16 << 20;

#[derive(Debug)]
pub(super) enum State {
    Sniffing(Box<Sniffing>),
    WebSocket {
        place: Place,
        client: usize,
        /// The capture begins in the middle of this end's stream, which may be its head all the same.
        unsure: [bool; 2],
    },
    /// TLS whose keys are known, or may be yet; and what it carries.
    Encrypted(Box<(Tls, State)>),
    Ignored,
    Closed,
}

/// What came before it was known what the connection is.
#[derive(Debug, Default)]
pub(super) struct Sniffing {
    bytes: [Vec<u8>; 2],
    pieces: [Vec<usize>; 2],
    events: Vec<(usize, Duration, Event)>,
    /// Requests that were no handshake came before.
    http: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The next piece of this length.
    Bytes(usize),
    Gap(u64),
    Eof,
    Reset,
}

/// Takes in what comes out of a connection's streams.
pub(super) struct Take<'f> {
    pub(super) state: &'f mut State,
    pub(super) number: u64,
    pub(super) ends: [SocketAddr; 2],
    pub(super) opener: Option<usize>,
    pub(super) time: Duration,
    pub(super) output: &'f mut Output,
}

impl Take<'_> {
    pub(super) fn take(&mut self, side: usize, act: Act<'_>, sink: &mut dyn Sink) {
        match self.state {
            State::Ignored | State::Closed => {}
            State::Encrypted(encrypted) => {
                let before = encrypted.0.held();
                let time = self.time;
                let taken = self.inside(sink, |tls, keys, out| tls.take(side, time, act, keys, out));
                self.taken(before, taken);
            }
            State::WebSocket { place, client, unsure } => {
                let role = if side == *client { Role::Client } else { Role::Server };
                let (legs, ignored) = (&mut self.output.legs, &mut self.output.ignored);
                match act {
                    Act::Gap(0) => {
                        unsure[side] = true;
                        return;
                    }
                    Act::Gap(bytes) => {
                        ignored.gaps += 1;
                        ignored.missing += bytes;
                    }
                    Act::Bytes(bytes) => {
                        if std::mem::take(&mut unsure[side])
                            && !bytes.starts_with(b"HTTP/")
                            && !sniff::starts_like_request(bytes)
                        {
                            legs.happened(*place, role, self.time, Act::Gap(0), sink);
                        }
                    }
                    Act::Eof | Act::Reset => {}
                }
                legs.happened(*place, role, self.time, act, sink);
            }
            State::Sniffing(sniffing) => {
                sniffing.push(side, self.time, act);
                self.decide(false, sink);
            }
        }
    }

    fn decide(&mut self, over: bool, sink: &mut dyn Sink) {
        let State::Sniffing(sniffing) = &mut *self.state else { return };
        let known = Known {
            bytes: [&sniffing.bytes[0], &sniffing.bytes[1]],
            pieces: [&sniffing.pieces[0], &sniffing.pieces[1]],
            opener: self.opener,
            likely_server: likely_server(self.ends),
            over,
        };
        let verdict = sniff::sniff(&known);
        let forced = !self.output.pick.is_all() && self.output.pick.stream.is_some();
        match verdict {
            Verdict::Wait if known.bytes[0].len() + known.bytes[1].len() < SNIFFED && !over => {}
            Verdict::WebSocket { client, handshake } => self.open(client, handshake, sink),
            // The one that was asked for is shown as it is.
            Verdict::Http | Verdict::Other(_) | Verdict::Wait if forced && sniffing.has_bytes() => {
                let client = self.opener.or(likely_server(self.ends).map(|server| 1 - server));
                self.open(client.unwrap_or(0), false, sink);
            }
            Verdict::Http => {
                // Through a proxy: what follows is another protocol's beginning.
                if has_tunnel(sniffing, self.opener) {
                    **sniffing = Sniffing::default();
                    if over {
                        self.ignore(Other::Http);
                    }
                    return;
                }
                sniffing.forget();
                if over {
                    self.ignore(Other::Http);
                }
            }
            Verdict::Tls if self.output.keys.may_come() => self.unlock(sink),
            Verdict::Tls => self.lock(Locked::NoKeys, self.opener),
            Verdict::Other(other) => self.ignore(other),
            Verdict::Wait if sniffing.http => self.ignore(Other::Http),
            Verdict::Wait if sniffing.has_bytes() => self.ignore(Other::Unknown),
            Verdict::Wait => {}
        }
    }

    /// It is TLS, and there are keys: what came before is decrypted.
    fn unlock(&mut self, sink: &mut dyn Sink) {
        let inner = State::Sniffing(Box::default());
        let state = State::Encrypted(Box::new((Tls::new(), inner)));
        let State::Sniffing(sniffing) = std::mem::replace(self.state, state) else { return };
        sniffing.replay(|side, time, act| {
            self.time = time;
            self.take(side, act, sink);
        });
    }

    /// Lets the TLS of this connection do something, and takes in what that gives.
    fn inside<R>(
        &mut self,
        sink: &mut dyn Sink,
        act: impl FnOnce(&mut Tls, &mut Keys, &mut tls::Out<'_>) -> R,
    ) -> Option<R> {
        let State::Encrypted(encrypted) = &mut *self.state else { return None };
        let (tls, inner) = &mut **encrypted;
        let mut keys = std::mem::take(&mut self.output.keys);
        let mut take = Take {
            state: inner,
            number: self.number,
            ends: self.ends,
            opener: self.opener.or_else(|| tls.client()),
            time: self.time,
            output: self.output,
        };
        let result = act(tls, &mut keys, &mut |side, time, act| {
            take.time = time;
            take.take(side, act, sink);
        });
        self.output.keys = keys;
        Some(result)
    }

    /// Counts what TLS holds back, and gives it up where it holds too much or says that it stays encrypted.
    fn taken(&mut self, before: usize, taken: Option<Result<(), Locked>>) {
        let State::Encrypted(encrypted) = &mut *self.state else { return };
        let (tls, _) = &mut **encrypted;
        let held = &mut self.output.held;
        *held = held.saturating_sub(before) + tls.held();
        match taken {
            Some(Err(locked)) => self.lock(locked, None),
            Some(Ok(())) if *held > HELD && tls.held() > 0 => {
                let reason = tls.finish(&self.output.keys).err();
                self.lock(reason.unwrap_or(Locked::NoKeys), None);
            }
            Some(Ok(())) | None => {}
        }
    }

    /// It stays encrypted.
    fn lock(&mut self, locked: Locked, client: Option<usize>) {
        let mut client = client.or(self.opener);
        if let State::Encrypted(encrypted) = &*self.state {
            client = client.or_else(|| encrypted.0.client());
            self.output.held -= encrypted.0.held();
        }
        let name = self.name(client);
        let (count, named) = self.output.ignored.locked.entry(locked).or_default();
        *count += 1;
        if named.len() < NAMED {
            named.push(name);
        }
        *self.state = State::Ignored;
    }

    fn name(&self, client: Option<usize>) -> String {
        let client = client.unwrap_or(0);
        format!("{} to {} (tcp.stream {})", self.ends[client], self.ends[1 - client], self.number)
    }

    /// The TLS of this connection is over.
    fn close_tls(&mut self, sink: &mut dyn Sink) {
        let State::Encrypted(encrypted) = &*self.state else { return };
        let (tls, _) = &**encrypted;
        if let Err(locked) = tls.finish(&self.output.keys) {
            return self.lock(locked, None);
        }
        self.output.ignored.decrypted += 1;
        if let Some((side, description)) = tls.alert {
            let name = self.name(self.opener.or_else(|| tls.client()));
            let alerts = &mut self.output.ignored.alerts;
            if alerts.len() < NAMED {
                let from = self.ends[side];
                alerts.push(format!("{from} ended TLS with the alert {}, in {name}", alert(description)));
            }
        }
        let State::Encrypted(encrypted) = std::mem::replace(self.state, State::Closed) else { return };
        let (tls, mut inner) = *encrypted;
        let mut take = Take {
            state: &mut inner,
            number: self.number,
            ends: self.ends,
            opener: self.opener.or_else(|| tls.client()),
            time: self.time,
            output: self.output,
        };
        take.over(sink);
    }

    fn ignore(&mut self, other: Other) {
        *self.output.ignored.others.entry(other).or_default() += 1;
        *self.state = State::Ignored;
    }

    /// It is a WebSocket: what came before is given out.
    fn open(&mut self, client: usize, handshake: bool, sink: &mut dyn Sink) {
        let State::Sniffing(sniffing) = std::mem::replace(self.state, State::Closed) else { return };
        let joined = !handshake && sniffing.events.iter().any(|(_, _, event)| matches!(event, Event::Gap(_)));
        let opening = Opening {
            client: self.ends[client],
            server: self.ends[1 - client],
            head: if handshake {
                let head = &sniffing.bytes[client];
                sniff::head(head).unwrap_or(head).to_vec()
            } else {
                Vec::new()
            },
            open: (!handshake && !joined).then(String::new),
            time: self.time,
        };
        self.output.ignored.joined += u64::from(joined);
        let place = self.output.legs.begin(opening, sink);
        *self.state = State::WebSocket { place, client, unsure: [false; 2] };
        sniffing.replay(|side, time, act| {
            self.time = time;
            self.take(side, act, sink);
        });
    }

    /// Both ends are done.
    pub(super) fn over(&mut self, sink: &mut dyn Sink) {
        self.decide(true, sink);
        self.close_tls(sink);
        if let State::WebSocket { place, .. } = self.state {
            self.output.legs.over(*place, sink);
        }
        *self.state = State::Closed;
    }
}

/// The end whose port is a server's, where the other one's is of those that systems choose.
fn likely_server(ends: [SocketAddr; 2]) -> Option<usize> {
    let chosen = ends.map(|end| end.port() >= 32_768);
    match chosen {
        [true, false] => Some(1),
        [false, true] => Some(0),
        [true, true] | [false, false] => None,
    }
}

/// Whether a proxy was asked for a tunnel, and made it.
fn has_tunnel(sniffing: &Sniffing, opener: Option<usize>) -> bool {
    let client = opener.unwrap_or_else(|| usize::from(!sniffing.bytes[0].starts_with(b"CONNECT ")));
    let (request, response) = (&sniffing.bytes[client], &sniffing.bytes[1 - client]);
    request.starts_with(b"CONNECT ") && response.starts_with(b"HTTP/1.") && response.get(8..10) == Some(b" 2")
}

impl Sniffing {
    fn has_bytes(&self) -> bool {
        self.bytes.iter().any(|bytes| !bytes.is_empty())
    }

    fn push(&mut self, side: usize, time: Duration, act: Act<'_>) {
        let event = match act {
            Act::Bytes(bytes) => {
                // Between requests there are bodies.
                let idle = self.http && !self.has_bytes();
                if idle && !sniff::starts_like_request(bytes) {
                    return;
                }
                self.bytes[side].extend_from_slice(bytes);
                self.pieces[side].push(bytes.len());
                Event::Bytes(bytes.len())
            }
            Act::Gap(bytes) => Event::Gap(bytes),
            Act::Eof => Event::Eof,
            Act::Reset => Event::Reset,
        };
        // What a gap lies behind means nothing for the next request.
        if !self.http || self.has_bytes() {
            self.events.push((side, time, event));
        }
    }

    /// Gives out what happened, in its order.
    fn replay(&self, mut out: impl FnMut(usize, Duration, Act<'_>)) {
        let mut at = [0, 0];
        for &(side, time, event) in &self.events {
            let act = match event {
                Event::Bytes(length) => {
                    let bytes = &self.bytes[side][at[side]..at[side] + length];
                    at[side] += length;
                    Act::Bytes(bytes)
                }
                Event::Gap(bytes) => Act::Gap(bytes),
                Event::Eof => Act::Eof,
                Event::Reset => Act::Reset,
            };
            out(side, time, act);
        }
    }

    /// A request and its response were no handshake.
    fn forget(&mut self) {
        *self = Self { http: true, ..Self::default() };
    }
}
