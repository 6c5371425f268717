//! Deadlines: reports a side that kept the other one waiting too long.

use std::time::Duration;

use framewise_proto::Detail;
use framewise_rules::{Limits, Role, Rule};

use crate::frames::{CloseSeen, Frames, Moment};
use crate::leg::{Leg, Stage};

fn between(since: Option<Duration>, now: Moment) -> Option<Duration> {
    Some(now.time?.saturating_sub(since?))
}

impl Leg {
    /// Call it before an event is processed: first reports a side that exceeded a deadline until then.
    ///
    /// RFC 6455 §7.1.1 and §10 leave the deadlines to the endpoints, so only those that the observer was given count.
    pub(crate) fn deadlines(&mut self, at: Moment) {
        if at.time.is_none() {
            return;
        }
        self.handshake_deadline(at);
        self.close_deadline(at);
        self.idle_deadline(at);
    }

    fn handshake_deadline(&mut self, at: Moment) {
        if self.passed.handshake {
            return;
        }
        let limit = self.endpoints.limits().handshake;
        let begun = self.dir(Role::Client).stage == Stage::Head && self.dir(Role::Client).window.end() > 0;
        let (by, rule, since) = match &self.request {
            Some(request) if self.dir(Role::Server).stage == Stage::Head => {
                (Role::Server, Rule::ResponseTimeout, request.at.time)
            }
            None if begun => (Role::Client, Rule::RequestTimeout, self.first),
            Some(_) | None => return,
        };
        if let Some(waited) = between(since, at).filter(|&waited| waited > limit) {
            self.passed.handshake = true;
            self.broken_by_end(by, rule, Detail::Overdue { waited, limit }, at);
        }
    }

    fn close_deadline(&mut self, at: Moment) {
        let limit = self.endpoints.limits().close;
        for asking in [Role::Client, Role::Server] {
            let Some(since) = self.close_of(asking).and_then(|close| close.at.time) else { continue };
            // A side that did not answer a Ping has vanished, and was reported.
            let owed = !self.dir(asking.peer()).closed() && !self.dir(asking).pings.unanswered;
            let waited = between(Some(since), at).filter(|&waited| owed && waited > limit);
            if let Some(waited) = waited.filter(|_| !self.passed.close) {
                self.passed.close = true;
                self.broken_by_end(asking.peer(), Rule::CloseTimeout, Detail::Overdue { waited, limit }, at);
            }
        }
    }

    fn idle_deadline(&mut self, at: Moment) {
        let Some(limit) = self.endpoints.limits().idle else { return };
        if !self.is_open() {
            return;
        }
        for silent in [Role::Client, Role::Server] {
            let since = self.dir(silent).last.map_or(self.first, |last| last.time);
            let waited = between(since, at).filter(|&waited| waited > limit);
            if let Some(waited) = waited.filter(|_| self.passed.idle != Some(silent)) {
                self.passed.idle = Some(silent);
                self.broken_by_end(silent, Rule::IdleTimeout, Detail::Overdue { waited, limit }, at);
            }
        }
    }

    /// Infers an endpoint's own deadline from a Close whose reason names the silence before it.
    pub(crate) fn idle_named(&mut self, from: Role, close: &CloseSeen, at: Moment) {
        /// Endpoints do not end a connection after a shorter silence.
        const SILENCE: Duration = Duration::from_secs(5);
        let reason = close.reason.to_ascii_lowercase();
        let named = ["idle", "inactiv", "no activity"].iter().any(|word| reason.contains(word));
        let silent = from.peer();
        let last = self.dir(silent).last.and_then(|last| last.time);
        let silence = between(last, at);
        if named && self.passed.idle.is_none() && silence.is_none_or(|silence| silence >= SILENCE) {
            self.passed.idle = Some(silent);
            let detail = silence.map_or(Detail::None, Detail::Waited);
            self.broken_by_end(silent, Rule::IdleTimeout, detail, at);
        }
    }

    /// Reports a Close that is answered so late that hardly any peer waits for it. RFC 6455 §7.1.1 says only "after a
    /// reasonable amount of time".
    pub(crate) fn answered_late(&mut self, from: Role, asked: &CloseSeen, answer: &CloseSeen, at: Moment) {
        /// Twice the longest default of a library: 30 s, of `ws` for Node.
        const LONGEST: Duration = Duration::from_secs(60);
        let waited = between(asked.at.time, at).filter(|&waited| waited >= LONGEST);
        // RFC 6455 §5.5.1: "An endpoint MAY delay sending a Close frame until its current message is sent".
        let before = answer
            .frame
            .checked_sub(1)
            .and_then(|before| self.dir(from).frames.as_ref().and_then(|frames| frames.log.frame(before)));
        let sending = before.is_some_and(|before| before.at.step > asked.at.step);
        if let Some(waited) = waited.filter(|_| !sending && !self.passed.close) {
            self.passed.close = true;
            let detail = Detail::Overdue { waited, limit: Limits::DEFAULT.close };
            self.broken_by_end(from, Rule::CloseTimeout, detail, at);
        }
    }

    /// The time from the later of the two Close frames to `at`, if the times are known.
    pub(crate) fn since_closes(&self, at: Moment) -> Option<Duration> {
        let last =
            [Role::Client, Role::Server].into_iter().filter_map(|role| self.close_of(role)?.at.time).max();
        between(last, at)
    }

    /// The Close frame of a side.
    pub(crate) fn close_of(&self, role: Role) -> Option<&CloseSeen> {
        self.dir(role).frames.as_ref().and_then(|frames: &Frames| frames.close.as_ref())
    }
}
