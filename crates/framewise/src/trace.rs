//! Events of connections for the crate `tracing`, under the target `framewise`. Without the feature `tracing` they are not
//! compiled.
//!
//! Violations are warnings; lost connections and tolerated violations are information; handshakes and ends are for debugging.
//! Events never contain messages, and of the headers only the agreed subprotocol. They contain the reason of a Close.
#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, clippy::missing_const_for_fn, clippy::unused_self, clippy::if_same_then_else)
)]

use std::net::SocketAddr;

use framewise_proto::rules::{Answer, Role, Rule};
use framewise_proto::{Ended, Violation};

use crate::{CloseCode, ConnectError, Error, Event};

#[cfg(feature = "tracing")]
macro_rules! tell {
    ($level:ident, $($event:tt)*) => {
        tracing::event!(target: "framewise", tracing::Level::$level, $($event)*)
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! tell {
    ($($event:tt)*) => {
        ()
    };
}

/// Whether events are compiled.
pub(crate) const IS_ON: bool = cfg!(feature = "tracing");

/// The span of a listener's connection.
#[derive(Clone)]
pub(crate) struct Span(#[cfg(feature = "tracing")] tracing::Span);

impl Span {
    pub(crate) fn new(number: u64, peer: SocketAddr) -> Self {
        Self(
            #[cfg(feature = "tracing")]
            tracing::info_span!(target: "framewise", "connection", id = number, %peer),
        )
    }

    /// Runs a part of the connection in this span.
    #[cfg(target_os = "linux")]
    pub(crate) fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        return self.0.in_scope(run);
        #[cfg(not(feature = "tracing"))]
        run()
    }

    /// Spawns a part of the connection as a task in this span.
    pub(crate) fn spawn(self, part: impl Future<Output = ()> + Send + 'static) {
        #[cfg(feature = "tracing")]
        let part = tracing::Instrument::instrument(part, self.0);
        tokio::spawn(part);
    }
}

/// A handler returned an error. An error of the connection has been reported before.
pub(crate) fn handler_failed(error: &Error) {
    if matches!(error, Error::Other(_)) {
        tell!(WARN, "handler failed: {error}");
    } else {
        tell!(DEBUG, "handler failed: {error}");
    }
}

/// A handler panicked, or [`Server::reply`](crate::Server::reply).
pub(crate) fn panicked(message: &str) {
    tell!(ERROR, "handler panicked: {message}");
}

/// A handler ran for so long without a pause.
pub(crate) fn blocked(time: std::time::Duration) {
    tell!(WARN, "the handler blocked the other connections of its worker for {time:?}");
}

/// Reports a broken rule with its place.
macro_rules! tell_rule {
    ($level:ident, $role:expr, $violation:expr, $what:expr) => {
        tell!(
            $level,
            role = $role.name(),
            rule = $violation.rule.id(),
            by = $violation.by.name(),
            offset = $violation.offset,
            frame = $violation.frame,
            answer = %$violation.answer(),
            "{}: {}",
            $what,
            $violation
        )
    };
}

pub(crate) fn handshake_done(role: Role, protocol: Option<&str>, deflate: bool, notes: &[Violation]) {
    tell!(DEBUG, role = role.name(), protocol, deflate, "handshake done");
    for note in notes {
        tolerated(role, note);
    }
}

/// TCP, TLS or the proxy failed.
pub(crate) fn unreachable(error: &ConnectError) {
    tell!(DEBUG, role = Role::Client.name(), url = error.target(), "{error}");
}

/// The server rejected a handshake.
pub(crate) fn rejected(error: &Error) {
    match error {
        Error::Violation(violation) => rule_broken(Role::Server, violation),
        Error::RequestRejected(status) => {
            tell!(DEBUG, role = Role::Server.name(), status, "handshake rejected");
        }
        Error::Misuse(misuse) => {
            tell!(WARN, role = Role::Server.name(), "handshake rejected: {misuse}");
        }
        Error::Rejected(_) | Error::Connect(_) | Error::Io(_) | Error::Other(_) => {}
    }
}

pub(crate) fn rule_broken(role: Role, violation: &Violation) {
    match violation.answer() {
        // A server may reject; redirects are among them.
        Answer::Abort if violation.rule == Rule::ResponseStatus => {
            tell_rule!(DEBUG, role, violation, "handshake rejected");
        }
        Answer::Close(_) | Answer::Http(_) | Answer::Abort => {
            tell_rule!(WARN, role, violation, "rule broken");
        }
        Answer::Lost | Answer::Note => tell_rule!(INFO, role, violation, "connection lost"),
        _ => tell_rule!(WARN, role, violation, "rule broken"),
    }
}

/// The reader got an event that is not a message.
#[inline]
pub(crate) fn event(role: Role, event: &Event) {
    match event {
        Event::Close(close) => {
            let code = close.as_ref().map_or(CloseCode::NO_STATUS, |close| close.code);
            let reason = close.as_ref().map_or("", |close| &close.reason);
            tell!(DEBUG, role = role.name(), code = code.0, reason, "close received");
        }
        Event::Tolerated(note) => tolerated(role, note),
        Event::Message(_) | Event::Part(_) | Event::Ping(_) | Event::Pong(_) => {}
    }
}

fn tolerated(role: Role, note: &Violation) {
    let what = if note.rule == Rule::PingUnanswered { "keepalive missed" } else { "tolerated" };
    tell_rule!(INFO, role, note, what);
}

/// The application, or a server that stops, sent a Close. Answers to the Close or to a violation of the peer are not reported.
pub(crate) fn close_sent(role: Role, code: CloseCode, reason: &str) {
    tell!(DEBUG, role = role.name(), code = code.0, reason, "close sent");
}

/// The stream failed, and no rule describes the failure.
pub(crate) fn failed(role: Role, error: &std::io::Error) {
    tell!(INFO, role = role.name(), "connection lost: {error}");
}

/// The connection was dropped before the stream took everything that was queued.
pub(crate) fn unwritten(role: Role, bytes: usize) {
    tell!(WARN, role = role.name(), bytes, "dropped with bytes that were not written");
}

pub(crate) fn ended(role: Role, ended: &Ended) {
    tell!(DEBUG, role = role.name(), by = ?ended.by, code = ended.code.0, clean = ended.clean, "ended");
}
