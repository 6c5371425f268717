//! Reads the two heads of the opening handshake (RFC 6455 §4), and frames that are sent too early.

use framewise_proto::handshake::http1::{
    Parsed, interim, parse_request, parse_response, request_fault, response_fault, unfold, worth_reading,
};
use framewise_proto::handshake::{
    ClientOffer, Request, Response, ResponseHead, ServerPolicy, check_policy, check_request, check_response,
    extension_required, verdict,
};
use framewise_proto::{Detail, Violation};
use framewise_rules::{Answer, Role, Rule};

use crate::frames::{Moment, Plausible, Reading};
use crate::heads::{RequestSeen, ResponseSeen};
use crate::leg::{Leg, LegEvent, Seen, Stage};

/// The largest head that is read: four times what servers usually allow.
const HEAD: usize = 64 * 1024;
/// How many bytes before a response's head are searched for early frames.
const EARLY: usize = 16 * 1024;

impl Leg {
    fn head_limit(&self) -> usize {
        self.endpoints.limits().head.min(HEAD)
    }

    /// Reads the client's head; `new` are the bytes that arrived last.
    pub(crate) fn read_request(&mut self, at: Moment, new: &[u8]) {
        let bytes = self.dir(Role::Client).window.from(0);
        let limit = self.head_limit();
        if !worth_reading(bytes, bytes.len().saturating_sub(new.len()), limit) {
            return;
        }
        let fault = match parse_request(&bytes[..bytes.len().min(limit)]) {
            Ok(Some(Parsed { head, size })) => {
                let policy = ServerPolicy {
                    limits: self.endpoints.limits(),
                    origins: self
                        .endpoints
                        .origins
                        .map(|all| all.iter().map(|&origin| origin.to_owned()).collect()),
                };
                let mut found = check_request(&head);
                // The size was checked before; of the policy only the Origins are left.
                found.extend(check_policy(&head, 0, &policy));
                let seen = RequestSeen {
                    request: Request::from_head(&head),
                    version: head.version,
                    head: bytes[..size].to_vec(),
                    breaks: found.iter().map(|violation| violation.rule).collect(),
                    at,
                };
                self.request = Some(seen);
                self.dir_mut(Role::Client).stage = Stage::AfterHead;
                self.found(Role::Client, found, at);
                return;
            }
            Ok(None) if bytes.len() > limit => {
                let (offset, length) = (limit as u64, (bytes.len() - limit) as u64);
                self.dir_mut(Role::Client).stage = Stage::NotWebSocket;
                return self.one(Role::Client, Rule::RequestTooLarge, offset, length, at);
            }
            Ok(None) => return,
            Err(fault) => request_fault(fault, bytes),
        };
        self.dir_mut(Role::Client).stage = Stage::NotWebSocket;
        self.not_a_request(fault, at);
    }

    /// Reads the server's head; `new` are the bytes that arrived last.
    pub(crate) fn read_response(&mut self, at: Moment, new: &[u8]) {
        let bytes = self.dir(Role::Server).window.from(0);
        let limit = self.head_limit();
        if !worth_reading(bytes, bytes.len().saturating_sub(new.len()), limit) {
            return;
        }
        let early = match early_frames(bytes) {
            Early::None => 0,
            Early::Until(end) => end,
            Early::NotYet => return,
        };
        let within = &bytes[..bytes.len().min(early + limit)];
        let unfolded = unfold(within, early);
        let start = early + interim(&unfolded, early);
        let fault = match parse_response(&unfolded, start) {
            Ok(Some(Parsed { head, size })) => {
                let end = start + size;
                let found = self.check_response(&head);
                let seen = ResponseSeen {
                    response: Response::from_head(&head),
                    reason: head.reason.to_owned(),
                    head: bytes[start..end].to_vec(),
                    start: start as u64,
                    at,
                };
                self.answered(seen, early as u64, found, at);
                return;
            }
            Ok(None) if bytes.len() > early + limit => {
                let (offset, length) = ((early + limit) as u64, (bytes.len() - early - limit) as u64);
                self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
                return self.one(Role::Server, Rule::ResponseTooLarge, offset, length, at);
            }
            Ok(None) => return,
            Err(fault) => response_fault(fault, bytes, start),
        };
        self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
        self.broken(fault, at);
    }

    fn check_response(&self, head: &ResponseHead<'_>) -> Vec<Violation> {
        let offer = self.request.as_ref().map(|seen| ClientOffer::of(&seen.request));
        let mut found = check_response(head, &offer.clone().unwrap_or_default());
        // An answer cannot be checked without the request.
        if offer.is_none() {
            found.retain(|violation| {
                matches!(
                    violation.rule,
                    Rule::ResponseStatus
                        | Rule::ResponseHeaderMalformed
                        | Rule::ResponseUpgrade
                        | Rule::ResponseConnection
                        | Rule::ResponseAcceptMissing
                        | Rule::ResponseBodyFraming
                        | Rule::ResponseContentEncoding
                )
            });
        }
        // The answer to hixie-76 has other headers than the RFC requires.
        if self.request.as_ref().is_some_and(RequestSeen::is_hixie) {
            found.retain(|violation| violation.rule == Rule::ResponseStatus);
        }
        found
    }

    /// Takes a complete response's head; `early` bytes were sent before it and before the interim responses.
    fn answered(&mut self, seen: ResponseSeen, early: u64, found: Vec<Violation>, at: Moment) {
        let (status, end) = (seen.response.status, seen.end());
        let agreed = seen.response.extensions.clone();
        let hixie = self.request.as_ref().is_some_and(RequestSeen::is_hixie);
        let in_head = self.dir(Role::Client).stage == Stage::Head && self.dir(Role::Client).window.end() > 0;
        self.response = Some(seen);
        self.dir_mut(Role::Server).stage = Stage::AfterHead;
        if early > 0 {
            self.one(Role::Server, Rule::ResponseEarlyData, 0, early, at);
        }
        if status == 408 && in_head {
            // Inferred: the server's status says that it waited too long.
            self.broken_by_end(Role::Client, Rule::RequestTimeout, Detail::None, at);
        }
        self.found(Role::Server, found, at);
        if status != 101 || hixie {
            self.dir_mut(Role::Server).stage = Stage::NotWebSocket;
            self.dir_mut(Role::Client).stage = Stage::NotWebSocket;
            return;
        }
        let deflate =
            agreed.iter().any(|extension| extension.name == framewise_proto::extension::PERMESSAGE_DEFLATE);
        if self.endpoints.requires_deflate && !deflate {
            self.broken(extension_required(end as usize), at);
        }
        let client =
            self.request.as_ref().map_or(0, |seen| (seen.head.len() as u64).saturating_add(body(seen)));
        self.begin_frames(&agreed, client, end);
        // The client's bytes before the 101 are its first frames.
        self.advance(Role::Client, at);
    }

    /// Reports a client's frames before the 101: RFC 6455 §4.1, "the client MUST wait for a response from the server
    /// before sending any further data".
    pub(crate) fn early_data(&mut self, at: Moment) {
        let Some(request) = &self.request else { return };
        let start = request.head.len() as u64;
        let dir = self.dir(Role::Client);
        if self.early
            || self.opened.is_some()
            || self.response.is_some()
            || dir.window.end() <= start
            || request.is_hixie()
        {
            return;
        }
        // A body, or the next request on a connection that is kept alive, is not a frame.
        let first = dir.window.read(start, 1).first().copied().unwrap_or(b'\n');
        if body(request) > 0 || first.is_ascii_alphabetic() || first == b'\r' || first == b'\n' {
            return;
        }
        let length = dir.window.end() - start;
        self.early = true;
        self.one(Role::Client, Rule::RequestEarlyData, start, length, at);
    }

    /// Reports the violations of one head as one finding: the first in the order of the table, the others in `also`.
    fn found(&mut self, by: Role, found: Vec<Violation>, at: Moment) {
        match verdict(found, |violation| violation.answer() != Answer::Note) {
            Err(violation) => self.broken(violation, at),
            Ok(notes) => {
                for note in notes {
                    self.broken(note, at);
                }
            }
        }
        let text = match by {
            Role::Client => self.request.as_ref().map(|seen| &seen.head),
            Role::Server => self.response.as_ref().map(|seen| &seen.head),
        };
        if let Some(head) = text {
            let event = LegEvent::Head(String::from_utf8_lossy(head).into_owned());
            self.seen.push(Seen { stream: by, event, at });
        }
    }

    /// Reports a rule that a side broke outside a frame.
    pub(crate) fn one(&mut self, by: Role, rule: Rule, offset: u64, length: u64, at: Moment) {
        let (frame, message, detail, also) = (0, 0, Detail::None, Vec::new());
        let offset = Some(offset);
        self.broken(Violation { rule, by, offset, length, frame, message, detail, also }, at);
    }
}

/// The Content-Length of a request; 0 without one.
fn body(request: &RequestSeen) -> u64 {
    request.headers("content-length").filter_map(|length| length.parse().ok()).max().unwrap_or(0)
}

/// The bytes before a response's head.
#[derive(Debug, PartialEq, Eq)]
enum Early {
    /// None, or bytes that are not frames.
    None,
    /// Complete frames, up to this offset.
    Until(usize),
    /// Frames so far; what follows has not arrived.
    NotYet,
}

/// Finds complete frames at the start of a server's stream, followed by a status line. RFC 6455 §4.2.2: the server
/// begins with its handshake.
fn early_frames(bytes: &[u8]) -> Early {
    const STATUS: &[u8] = b"HTTP/1.";
    let plausible = Plausible::new(Role::Server, false);
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        if rest.starts_with(STATUS) {
            return if at == 0 { Early::None } else { Early::Until(at) };
        }
        if STATUS.starts_with(rest) {
            return if at == 0 { Early::None } else { Early::NotYet };
        }
        if at > EARLY {
            return Early::None;
        }
        match plausible.decode(rest) {
            Reading::Header(header) if header.length <= EARLY as u64 => {
                at += header.size() + header.length as usize;
                if at > bytes.len() {
                    return Early::NotYet;
                }
            }
            Reading::Header(_) | Reading::No => return Early::None,
            // This byte may begin a header or something else. Wait: the result must not depend on where the bytes are
            // cut.
            Reading::NotYet => {
                let begins = rest
                    .first()
                    .is_some_and(|&first| matches!(plausible.decode(&[first, 0]), Reading::Header(_)));
                return if begins || at > 0 { Early::NotYet } else { Early::None };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_of_a_frame_is_judged_with_the_second() {
        // A frame of the server's may begin so, whatever follows.
        for first in [0x00, 0x01, 0x80, 0x82, 0x88, 0x8a] {
            assert_eq!(early_frames(&[first]), Early::NotYet, "{first:02x}");
            assert_eq!(early_frames(&[first, 0]), Early::NotYet, "{first:02x}");
        }
        // Neither a frame nor a status line.
        for first in [b'x', 0x03, 0x8b, 0xf1] {
            assert_eq!(early_frames(&[first]), Early::None, "{first:02x}");
        }
        assert_eq!(early_frames(b"H"), Early::None, "a status line may begin so");
    }

    #[test]
    fn frames_before_a_status_line_are_looked_over_as_far_as_the_limit() {
        const LIMIT: usize = 16 * 1024;
        let before = |size: usize, more: &[u8]| {
            let length = u16::try_from(size - 4).expect("it is short").to_be_bytes();
            [&b"\x82\x7e"[..], &length, &vec![0; size - 4], more].concat()
        };
        for (size, more, found) in [
            (LIMIT, &b"HTTP/1.1 101"[..], Early::Until(LIMIT)),
            (LIMIT, b"\x89\x00HTTP/1.1 101", Early::Until(LIMIT + 2)),
            (LIMIT, b"\x89\x00\x89\x00HTTP/1.1 101", Early::None),
            (LIMIT, b"", Early::NotYet),
            (LIMIT, b"\x89\x00\x89", Early::None),
        ] {
            assert_eq!(early_frames(&before(size, more)), found, "{size}, then {more:02x?}");
        }
    }
}
