//! How a connection ends (RFC 6455 §7), what keeps it alive (§5.5.2), and what an observer infers from both.

use std::time::Duration;

use framewise_proto::handshake::extension_required;
use framewise_proto::{Detail, Opcode, Violation};
use framewise_rules::{Limits, Role, Rule};

use crate::frames::{CloseSeen, Moment};
use crate::leg::{Leg, LegEvent, Seen, Stage};
use crate::report::How;
use crate::waiting::PongIs;

/// A peer that does not answer for this long was waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// A Pong that takes longer than this is missing.
const PING_PATIENCE: Duration = Duration::from_secs(5);

fn waited(since: Moment, now: Moment) -> Option<Duration> {
    Some(now.time?.saturating_sub(since.time?))
}

impl Leg {
    pub(crate) fn ping(&mut self, from: Role, payload: Vec<u8>, _offset: u64, at: Moment) {
        // The next Ping is the deadline of the previous one.
        self.ping_unanswered(from, at, Duration::ZERO);
        self.dir_mut(from).pings.sent(payload, at);
    }

    pub(crate) fn pong(&mut self, from: Role, payload: &[u8], offset: u64, frame: u64, at: Moment) {
        match self.dir_mut(from.peer()).pings.answered(payload) {
            PongIs::Answer | PongIs::Unsolicited => {}
            PongIs::Mismatched if self.dir(from.peer()).gaps => {}
            PongIs::Mismatched => {
                let messages = self.dir(from).frames.as_ref().map_or(0, crate::frames::Frames::messages);
                let violation = Violation {
                    rule: Rule::PongMismatched,
                    by: from,
                    offset: Some(offset),
                    length: 2,
                    frame,
                    message: messages,
                    detail: Detail::None,
                    also: Vec::new(),
                };
                self.broken(violation, at);
            }
        }
    }

    /// Reports the peer of `pinger` if it has not answered a Ping for too long.
    pub(crate) fn ping_unanswered(&mut self, pinger: Role, at: Moment, patience: Duration) {
        let pings = &mut self.dir_mut(pinger).pings;
        let Some(since) = pings.waiting_since() else { return };
        if patience > Duration::ZERO && waited(since, at).is_none_or(|waited| waited < patience) {
            return;
        }
        pings.tell();
        let detail = waited(since, at).map_or(Detail::None, Detail::Waited);
        self.broken_by_end(pinger.peer(), Rule::PingUnanswered, detail, at);
    }

    /// Takes a Close frame from one side.
    pub(crate) fn close(&mut self, from: Role, close: CloseSeen, at: Moment) {
        self.judge(from.peer(), at);
        self.ping_unanswered(from, at, PING_PATIENCE);
        let peer = self.dir(from.peer());
        let first = peer.frames.as_ref().and_then(|frames| frames.close.clone());
        let code = close.code.map_or(0, |code| code.0);
        if let Some(first) = &first
            && let (Some(asked), Some(answer)) = (first.code, close.code)
            && asked != answer
            // A code that must not be sent cannot be echoed.
            && asked.may_be_sent()
            && !peer.broken
        {
            // RFC 6455 §5.5.1: "When sending a Close frame in response, the endpoint typically echoes the status code".
            let violation = Violation {
                rule: Rule::CloseCodeNotEchoed,
                by: from,
                offset: Some(close.payload),
                length: 2,
                frame: close.frame,
                message: self.dir(from).frames.as_ref().map_or(0, crate::frames::Frames::messages),
                detail: Detail::Answers { code: answer, asked },
                also: Vec::new(),
            };
            self.broken(violation, at);
        }
        match &first {
            Some(asked) => self.answered_late(from, asked, &close, at),
            None => self.idle_named(from, &close, at),
        }
        let peer = self.dir(from.peer());
        let echo = first.is_some_and(|first| first.code == close.code);
        // What is refused may be among the bytes that the recording lacks.
        if peer.broken || echo || peer.gaps {
            return;
        }
        // An observer infers this: the endpoint knows its limits, we see their effect.
        match code {
            1009 => self.inferred_from_message(from.peer(), Rule::MessageTooBig, at),
            1003 if !self.about_fragments(from.peer(), &close.reason) => {
                self.inferred_from_message(from.peer(), Rule::UnsupportedData, at);
            }
            1010 if from == Role::Client && self.offered_in_vain() => {
                self.broken(extension_required(0), at);
            }
            1011 if self.dir(from).pings.unanswered => {}
            1002 | 1003 | 1007 | 1011 => {
                self.seen.push(Seen { stream: from, event: LegEvent::Refused(close), at });
            }
            4000..=4999 => {
                if let Some(refusal) = close.code.and_then(|code| crate::application::refusal(self, code)) {
                    self.seen.push(Seen { stream: from, event: LegEvent::Declined(close, refusal), at });
                }
            }
            _ => {}
        }
    }

    /// Whether 1003 is about fragments and not about text or binary: its reason says so, or it answers a fragmented
    /// text. Some endpoints do not accept binary messages; hardly any refuses text.
    fn about_fragments(&self, sender: Role, reason: &str) -> bool {
        let reason = reason.to_ascii_lowercase();
        let fragmented_text = self.dir(sender).frames.as_ref().is_some_and(|frames| {
            let last = frames.log.last_data();
            last.is_some_and(|last| last.header.opcode == Opcode::Continuation || !last.header.fin)
                && frames.log.last_message().is_some_and(|first| first.header.opcode == Opcode::Text)
        });
        reason.contains("continuation")
            || reason.contains("fragment")
            || (fragmented_text && !reason.contains("text"))
    }

    /// Whether extensions were offered and none was agreed.
    fn offered_in_vain(&self) -> bool {
        let offered = self.request.as_ref().is_some_and(|seen| !seen.request.extensions.is_empty());
        offered && self.response.as_ref().is_some_and(|seen| seen.response.extensions.is_empty())
    }

    /// Reports the last message of a side, which the other side's Close refuses.
    pub(crate) fn inferred_from_message(&mut self, by: Role, rule: Rule, at: Moment) {
        let Some(frames) = &self.dir(by).frames else { return };
        let too_big = rule == Rule::MessageTooBig;
        let refused = if too_big { frames.log.largest() } else { frames.log.last_message() };
        let Some(frame) = refused else { return };
        let violation = Violation {
            rule,
            by,
            offset: Some(frame.offset),
            length: frame.header.size() as u64,
            frame: frame.number,
            message: frame.message,
            detail: if too_big {
                Detail::Bytes(frame.header.length)
            } else {
                Detail::Opcode(frame.header.opcode)
            },
            also: Vec::new(),
        };
        self.broken(violation, at);
    }

    /// Takes the end of a side's stream.
    pub(crate) fn end(&mut self, from: Role, how: How, at: Moment) {
        self.passes(at);
        self.flush(from, at);
        self.judge(from.peer(), at);
        if self.is_open() {
            self.ping_unanswered(from, at, PING_PATIENCE);
            self.end_open(from, how, at);
        } else if self.opened.is_none() {
            self.end_handshake(from, at);
        }
        let dir = self.dir_mut(from);
        if dir.end.is_none() || how == How::Reset {
            dir.end = Some((how, at));
        }
    }

    fn end_open(&mut self, from: Role, how: How, at: Moment) {
        let (own, peer) = (self.dir(from), self.dir(from.peer()));
        let (closed, peer_closed) = (own.closed(), peer.closed());
        if closed && peer_closed {
            return self.end_of_tcp(from, at);
        }
        // A Close may be among the bytes that the recording lacks.
        if how != How::Reset && (own.is_blind() || peer.is_blind()) {
            return;
        }
        // The side that ends second only owes the answer to a Close.
        let owes = peer_closed && !closed;
        if (peer.end.is_some() && !owes) || own.end.is_some() {
            return;
        }
        let cut = own.frames.as_ref().and_then(|frames| frames.cut(&own.window));
        let rule = match (how, closed, peer_closed) {
            (How::Reset, _, _) => Rule::ConnectionReset,
            // RFC 6455 §5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the
            // endpoint MUST send a Close frame in response." A side whose peer broke a rule may drop the connection:
            // RFC 6455 §7.1.7, "An endpoint MUST NOT continue to attempt to process data" from a peer after it failed
            // the connection.
            (_, false, true) if self.passed.close || peer.given_up => return,
            (_, false, true) => Rule::CloseUnanswered,
            (_, true, _) => return self.gave_up_waiting(from, at),
            (_, false, false) => match cut {
                Some(rule) if !own.broken => rule,
                // The peer broke a rule first, so dropping the connection is not a fault.
                _ if peer.given_up => return,
                _ => Rule::CloseMissing,
            },
        };
        self.broken_by_end(from, rule, Detail::None, at);
    }

    /// RFC 6455 §7.1.1: "the server MUST close the connection immediately", "the client SHOULD wait for the server to
    /// close the connection".
    fn end_of_tcp(&mut self, from: Role, at: Moment) {
        let (own, peer) = (self.dir(from), self.dir(from.peer()));
        let since_closes = self.since_closes(at);
        let lingers = match from {
            // A client that ends its stream at once did not wait for the server to close.
            Role::Client => {
                own.end.is_none()
                    && peer.end.is_none()
                    && since_closes.is_none_or(|waited| waited >= PATIENCE)
            }
            Role::Server => {
                peer.end.is_none() && since_closes.is_some_and(|waited| waited > Limits::DEFAULT.close)
            }
        };
        if lingers {
            let detail = match from {
                Role::Client => Detail::Words("the client had to end it"),
                Role::Server => since_closes.map_or(Detail::None, Detail::Waited),
            };
            self.broken_by_end(Role::Server, Rule::CloseTcpLingering, detail, at);
        }
    }

    /// Checks whether a side that sent its Close and ends its stream waited for the answer.
    fn gave_up_waiting(&mut self, from: Role, at: Moment) {
        let since = self.dir(from).frames.as_ref().and_then(|frames| Some(frames.close.as_ref()?.at));
        // A peer that did not answer a Ping either has vanished, which was reported.
        if self.dir(from).pings.unanswered || self.passed.close {
            return;
        }
        if since.and_then(|since| waited(since, at)).is_some_and(|waited| waited >= PATIENCE) {
            self.broken_by_end(from.peer(), Rule::CloseUnanswered, Detail::None, at);
        }
    }

    fn end_handshake(&mut self, from: Role, at: Moment) {
        self.not_http2();
        if self.not_http(at) {
            return;
        }
        if self.response.is_some() || self.dir(from.peer()).end.is_some() {
            return;
        }
        // The end after bytes that are not a handshake adds no finding.
        if self.dir(from).stage == Stage::NotWebSocket {
            return;
        }
        let request = self.request.is_some();
        let begun = self.dir(Role::Client).window.end() > 0
            && !request
            && self.dir(Role::Client).stage == Stage::Head;
        let elapsed = self.first.and_then(|first| Some(at.time?.saturating_sub(first)));
        let long = elapsed
            .is_some_and(|elapsed| elapsed >= Duration::from_secs(5).min(self.endpoints.limits().handshake));
        let (by, rule) = match from {
            Role::Client if begun => (Role::Client, Rule::RequestTruncated),
            Role::Client if !request => return,
            Role::Client if long => (Role::Server, Rule::ResponseTimeout),
            Role::Client => (Role::Server, Rule::ResponseMissing),
            Role::Server if begun && long => (Role::Client, Rule::RequestTimeout),
            Role::Server => (Role::Server, Rule::ResponseMissing),
        };
        self.broken_by_end(by, rule, Detail::None, at);
    }

    /// Takes the end of the recording.
    pub(crate) fn over(&mut self, at: Moment) {
        self.flush(Role::Client, at);
        self.flush(Role::Server, at);
        self.not_http2();
        self.not_http(at);
    }

    /// Whether frames or other bytes came instead of a status line, and no status line after them.
    fn not_http(&mut self, at: Moment) -> bool {
        let server = self.dir(Role::Server);
        let length = server.window.end();
        let found = self.opened.is_none()
            && self.response.is_none()
            && server.stage == Stage::Head
            && !starts_http(server.window.from(0));
        if found {
            self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
            self.one(Role::Server, Rule::ResponseNotHttp, 0, length.min(80), at);
        }
        found
    }
}

fn starts_http(bytes: &[u8]) -> bool {
    const HTTP: &[u8] = b"HTTP/";
    bytes.starts_with(HTTP) || HTTP.starts_with(bytes)
}
