use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::time::Duration;

use framewise::Url;
use framewise_proto::Header;
use framewise_proto::handshake::accept_value;
use framewise_rules::Role;
use framewise_transcript::{Action, Transcript};

use crate::recording::parts::{field, is_interim, status};

/// What one side of a recorded leg did, and what it had seen of the other side before each step.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) role: Role,
    pub(super) steps: Vec<Step>,
    /// The extensions of a recording that starts after its handshake.
    open: Option<String>,
    /// The recorded response answers the recorded request.
    accept_fits: bool,
    /// The recorded handshake led to a connection.
    joined: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    /// Since the first event of the leg.
    pub(super) time: Option<Duration>,
    /// Heads and frames of the other side that had come before.
    pub(super) after: usize,
    /// The bytes of the handshake's head at its start.
    pub(super) head: bool,
}

/// Counts heads and frames as they become complete.
#[derive(Clone, Debug)]
pub(super) struct Count {
    complete: usize,
    /// Bytes of a payload that are still to come.
    payload: u64,
    /// Bytes of an incomplete head or header.
    start: Vec<u8>,
    in_head: bool,
}

impl Count {
    pub(super) const fn new(in_head: bool) -> Self {
        Self { complete: 0, payload: 0, start: Vec::new(), in_head }
    }

    pub(super) const fn complete(&self) -> usize {
        self.complete
    }

    /// The bytes of the head, where it is complete with these; nothing where there was none.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Option<Vec<u8>> {
        let mut head = None;
        while !bytes.is_empty() {
            if self.payload > 0 {
                let now = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[now..];
                self.payload -= now as u64;
                self.complete += usize::from(self.payload == 0);
                continue;
            }
            self.start.push(bytes[0]);
            bytes = &bytes[1..];
            if self.in_head {
                if self.start.ends_with(b"\r\n\r\n") {
                    let complete = std::mem::take(&mut self.start);
                    // The response that counts comes after an interim one.
                    if status(&complete).is_some_and(is_interim) {
                        continue;
                    }
                    self.complete += 1;
                    self.in_head = false;
                    head = Some(complete);
                }
            } else if let Some(header) = Header::decode(&self.start) {
                self.start.clear();
                self.payload = header.length;
                self.complete += usize::from(header.length == 0);
            }
        }
        head
    }
}

impl Script {
    /// What one side of a leg did; or why it cannot be played.
    pub(super) fn of(transcript: &Transcript, leg: usize, role: Role) -> Result<Self, String> {
        let open = transcript.legs.get(leg).and_then(|leg| leg.open.clone());
        let mut count = Count::new(open.is_none());
        let mut steps = Vec::new();
        let events = || transcript.events.iter().filter(|event| event.leg == leg);
        let start = events().find_map(|event| event.time).unwrap_or_default();
        let heads = |role: Role| {
            let mut count = Count::new(true);
            events()
                .filter(|event| event.from == role)
                .find_map(|event| match &event.action {
                    Action::Bytes(bytes) => count.take(bytes),
                    Action::Eof | Action::Reset | Action::Gap(_) => None,
                })
                .unwrap_or_default()
        };
        let (request, response) = (heads(Role::Client), heads(Role::Server));
        let key = field(&request, "sec-websocket-key");
        let accept = field(&response, "sec-websocket-accept");
        let joined = open.is_some() || status(&response) == Some(101);
        let accept_fits = key.is_none_or(|key| accept == Some(accept_value(&key)));
        let mut own_head = open.is_none();
        for event in events() {
            if event.from != role {
                if let Action::Bytes(bytes) = &event.action {
                    count.take(bytes);
                }
                continue;
            }
            if let Action::Gap(missing) = event.action {
                return Err(format!("the recording lacks {missing} bytes of the {role}"));
            }
            let time = event.time.map(|time| time.saturating_sub(start));
            let after = count.complete() + usize::from(open.is_some());
            let head = own_head && matches!(event.action, Action::Bytes(_));
            own_head &= !head;
            steps.push(Step { action: event.action.clone(), time, after, head });
        }
        if !steps.iter().any(|step| matches!(step.action, Action::Bytes(_))) {
            return Err(format!("the recording has no bytes of the {role}"));
        }
        if let Some(extensions) = &open {
            // The handshake is not recorded: one that agrees the same goes before.
            let action = Action::Bytes(handshake(role, extensions));
            let after = usize::from(role == Role::Server);
            steps.insert(0, Step { action, time: Some(Duration::ZERO), after, head: true });
        }
        Ok(Self { role, steps, open, accept_fits, joined })
    }

    /// Whether the rest of the script has no one to understand it: the server rejects what the recorded one accepted.
    pub(super) fn is_over(&self, head: &[u8]) -> bool {
        self.role == Role::Client && self.joined && status(head).is_some_and(|status| status != 101)
    }

    pub(super) fn has_times(&self) -> bool {
        self.steps.iter().any(|step| step.time.is_some_and(|time| !time.is_zero()))
    }

    /// For this server: its name in Host, its path in the request line.
    pub(super) fn to_server(&self, url: &Url, keep_host: bool) -> Self {
        let mut script = self.clone();
        for step in script.steps.iter_mut().filter(|step| step.head) {
            if let Action::Bytes(bytes) = &mut step.action {
                if !keep_host {
                    *bytes = with_field(bytes, "host", url.authority());
                }
                if url.target() != "/" {
                    *bytes = with_target(bytes, url.target());
                }
            }
        }
        script
    }

    /// A response for this client's request.
    pub(super) fn fit(&self, step: &Step, request: &[u8]) -> Action {
        let Action::Bytes(bytes) = &step.action else { return step.action.clone() };
        let key = field(request, "sec-websocket-key");
        match key {
            Some(key)
                if step.head && self.role == Role::Server && (self.accept_fits || self.open.is_some()) =>
            {
                Action::Bytes(with_field(bytes, "sec-websocket-accept", &accept_value(&key)))
            }
            Some(_) | None => step.action.clone(),
        }
    }
}

fn handshake(role: Role, extensions: &str) -> Vec<u8> {
    let mut head = match role {
        Role::Client => {
            // 16 bytes that are not known before (RFC 6455 §4.1), without a dependency for it.
            let random = RandomState::new();
            let key = [random.hash_one(1_u8), random.hash_one(2_u8)].map(u64::to_be_bytes).concat();
            format!(
                "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n",
                base64(&key)
            )
        }
        Role::Server => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: \r\n"
            .to_owned(),
    };
    if !extensions.is_empty() {
        let _ = write!(head, "Sec-WebSocket-Extensions: {extensions}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().chain([&0; 3]).take(3).fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte));
        for at in 0..4 {
            text.push(if at <= chunk.len() { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) } else { '=' });
        }
    }
    text
}

/// A head with another value of a field, where it has the field; every other byte stays.
pub(super) fn with_field(bytes: &[u8], name: &str, value: &str) -> Vec<u8> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |end| end + 2);
    let mut new = Vec::with_capacity(bytes.len() + value.len());
    for line in bytes[..end].split_inclusive(|&byte| byte == b'\n') {
        let is_it = line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
            && line.get(name.len()) == Some(&b':');
        if is_it {
            new.extend_from_slice(&line[..=name.len()]);
            new.extend_from_slice(format!(" {value}\r\n").as_bytes());
        } else {
            new.extend_from_slice(line);
        }
    }
    new.extend_from_slice(&bytes[end..]);
    new
}

fn with_target(bytes: &[u8], target: &str) -> Vec<u8> {
    let line = bytes.iter().position(|&byte| byte == b'\r').unwrap_or(bytes.len());
    let first = bytes[..line].iter().position(|&byte| byte == b' ');
    let last = bytes[..line].iter().rposition(|&byte| byte == b' ');
    match (first, last) {
        (Some(first), Some(last)) if first < last => {
            [&bytes[..=first], target.as_bytes(), &bytes[last..]].concat()
        }
        _ => bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_frames_are_counted_in_any_pieces() {
        let bytes = b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 101 S\r\n\r\n\x81\x02hi\x89\x00\x82\x7e\x00\x80";
        for size in 1..bytes.len() {
            let mut count = Count::new(true);
            let heads: Vec<_> = bytes.chunks(size).filter_map(|piece| count.take(piece)).collect();
            assert_eq!((heads.len(), count.complete()), (1, 3), "pieces of {size}");
            count.take(&[0; 128]);
            assert_eq!(count.complete(), 4);
        }
    }

    #[test]
    fn a_field_is_replaced_and_nothing_else() {
        let head = b"GET /a HTTP/1.1\r\nHOST:old\r\nX-Host: old\r\n\r\nHost: body\r\n";
        let new = with_field(head, "host", "new:1");
        assert_eq!(new, b"GET /a HTTP/1.1\r\nHOST: new:1\r\nX-Host: old\r\n\r\nHost: body\r\n");
        assert_eq!(with_field(head, "origin", "x"), head, "a field that is missing stays missing");
        assert!(with_target(head, "/b?c").starts_with(b"GET /b?c HTTP/1.1\r\n"));
    }

    #[test]
    fn base64_of_each_length() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"fooba", "Zm9vYmE=")]
        {
            assert_eq!(base64(bytes), text);
        }
    }
}
