//! A transcript judged by the engine that stands at the receiving end of what is wrong.

use std::time::Duration;

use framewise_proto::deflate::{DeflateAgreement, DeflateConfig, negotiate};
use framewise_proto::extension::parse_extensions;
use framewise_proto::frame::check_close;
use framewise_proto::handshake::http1::{Progress, parse_request, read_request, read_response};
use framewise_proto::handshake::{
    ClientOffer, Reply, Request, Response, ServerPolicy, extension_required, rejection, request_ended,
    request_timed_out, response_ended, response_timed_out,
};
use framewise_proto::{Config, Connection, Event, Header, Opcode, Violation};
use framewise_rules::{Answer, CloseCode, Offender, Role, Rule, SeenBy, Setup};
use framewise_transcript::{Action, Event as Step, Transcript};

/// How the bytes of each step are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    Bytes,
    At(usize),
}

impl Cut {
    pub(crate) fn pieces(self, bytes: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Whole => vec![bytes],
            Self::Bytes => bytes.chunks(1).collect(),
            Self::At(at) if at < bytes.len() => vec![&bytes[..at], &bytes[at..]],
            Self::At(_) => vec![bytes],
        }
    }
}

pub(crate) fn bytes(step: &Step) -> &[u8] {
    match &step.action {
        Action::Bytes(bytes) => bytes,
        Action::Eof | Action::Reset | Action::Gap(_) => &[],
    }
}

/// What an endpoint made of a transcript.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) found: Vec<Violation>,
    /// The step at which the first was found.
    step: Option<usize>,
    steps: usize,
    /// What the endpoint wrote after it.
    answer: Vec<u8>,
    /// It had sent a Close before.
    closed: bool,
}

impl Judged {
    /// Exactly this rule, there, at the last step, answered as its row says.
    pub(crate) fn is(&self, rule: Rule, offset: u64) -> Result<(), String> {
        let [only] = &self.found[..] else { return Err(format!("found {:?}", self.found)) };
        if only.rule != rule || only.offset != Some(offset) {
            return Err(format!("found {} at {:?}, expected it at {offset}", only.rule, only.offset));
        }
        if self.step != Some(self.steps - 1) {
            return Err(format!("found at step {:?} of {}", self.step, self.steps));
        }
        self.is_answered(rule)
    }

    fn is_answered(&self, rule: Rule) -> Result<(), String> {
        let written = String::from_utf8_lossy(&self.answer);
        let right = match rule.answer() {
            Answer::Http(status) => written.starts_with(&format!("HTTP/1.1 {status} ")),
            // Who sent a Close already cannot send another: the code is what its application is told.
            Answer::Close(code) => self.closed || close_code(&self.answer) == Some(code),
            Answer::Abort | Answer::Lost => self.answer.is_empty(),
            // Nothing fails: the connection goes on, or its Close was exchanged before.
            Answer::Note => !written.starts_with("HTTP/1.1 4"),
            _ => false,
        };
        if right { Ok(()) } else { Err(format!("answered {:?} instead of {}", self.answer, rule.answer())) }
    }
}

/// The code of the Close frame at the end of what was written.
fn close_code(mut written: &[u8]) -> Option<CloseCode> {
    while let Some(header) = Header::decode(written) {
        let payload = &written[header.size()..header.size() + header.length as usize];
        if header.opcode == Opcode::Close {
            let key = header.mask.unwrap_or_default();
            return Some(CloseCode(u16::from_be_bytes([
                payload.first()? ^ key[0],
                payload.get(1)? ^ key[1],
            ])));
        }
        written = &written[header.size() + header.length as usize..];
    }
    None
}

pub(crate) fn engine(role: Role, config: Config, offset: u64) -> Connection {
    match role {
        Role::Client => {
            Connection::client(config, Box::new(|| [0x37, 0xfa, 0x21, 0x3d]), offset, Duration::ZERO)
        }
        Role::Server => Connection::server(config, offset, Duration::ZERO),
    }
}

/// Gives an engine what is in `inbox`, and what it finds wrong with it.
pub(crate) fn feed(
    engine: &mut Connection,
    now: Duration,
    inbox: &mut Vec<u8>,
    written: &mut Vec<u8>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let (consumed, event) = engine.receive(now, &mut inbox[at..]);
        at += consumed;
        match event {
            Some(Event::Violation(violation) | Event::Tolerated(violation)) => found.push(*violation),
            Some(_) => {}
            None => break,
        }
    }
    inbox.drain(..at);
    found.extend(poll(engine, written));
    found
}

fn poll(engine: &mut Connection, written: &mut Vec<u8>) -> Vec<Violation> {
    let mut found = Vec::new();
    while let Some(event) = engine.poll_event() {
        if let Event::Violation(violation) = event {
            found.push(*violation);
        }
    }
    while let Some(transmit) = engine.poll_transmit() {
        written.extend(transmit.into_vec());
    }
    found
}

/// The endpoint under test: first its handshake, then its connection.
struct Endpoint {
    role: Role,
    setup: Setup,
    offer: ClientOffer,
    inbox: Vec<u8>,
    connection: Option<Connection>,
    written: Vec<u8>,
    failed: bool,
    /// What it said itself and was not looked at yet, and whether the head was.
    own: Vec<u8>,
    own_head: bool,
    closed: bool,
}

/// Judges it by the endpoint that stands towards who can break the rule: if both can, towards who did the last step,
/// or towards the other, whose silence it shows.
pub(crate) fn judge(transcript: &Transcript, setup: &Setup, by: Offender, cut: Cut) -> Judged {
    let last = transcript.events.last().expect("a transcript has a step").from;
    match by {
        Offender::Client => judge_as(Role::Server, transcript, setup, cut),
        Offender::Server => judge_as(Role::Client, transcript, setup, cut),
        Offender::Either => {
            let judged = judge_as(last.peer(), transcript, setup, cut);
            if judged.found.is_empty() { judge_as(last, transcript, setup, cut) } else { judged }
        }
    }
}

fn judge_as(role: Role, transcript: &Transcript, setup: &Setup, cut: Cut) -> Judged {
    let open = transcript.legs[0].open.as_deref();
    let mut endpoint = Endpoint {
        role,
        setup: *setup,
        offer: offer(transcript),
        inbox: Vec::new(),
        connection: open.map(|extensions| {
            let agreed = parse_extensions(extensions).as_deref().and_then(DeflateAgreement::in_response);
            with_deflate(engine(role, config(setup), 0), agreed)
        }),
        written: Vec::new(),
        failed: false,
        own: Vec::new(),
        own_head: open.is_some(),
        closed: false,
    };
    let mut judged = Judged {
        found: Vec::new(),
        step: None,
        steps: transcript.events.len(),
        answer: Vec::new(),
        closed: false,
    };
    for (index, step) in transcript.events.iter().enumerate() {
        let now = step.time.unwrap_or_default();
        let mut found = endpoint.pass_time(now);
        if step.from == role {
            endpoint.said(now, bytes(step));
        } else {
            match step.action {
                Action::Bytes(_) => {
                    for piece in cut.pieces(bytes(step)) {
                        found.extend(endpoint.receive(now, piece));
                    }
                }
                Action::Eof | Action::Reset => found.extend(endpoint.end(now)),
                Action::Gap(_) => panic!("an endpoint misses no bytes"),
            }
        }
        if !found.is_empty() && judged.step.is_none() {
            judged.step = Some(index);
        }
        judged.found.extend(found);
    }
    judged.answer = endpoint.written;
    judged.closed = endpoint.closed;
    judged
}

fn config(setup: &Setup) -> Config {
    Config::default()
        .limits(setup.limits)
        .messages(setup.messages)
        .deflate(setup.deflate.then(DeflateConfig::default))
}

fn with_deflate(connection: Connection, agreed: Option<DeflateAgreement>) -> Connection {
    match agreed {
        Some(agreed) => connection.with_deflate(&agreed),
        None => connection,
    }
}

/// What the client of the transcript asked for.
fn offer(transcript: &Transcript) -> ClientOffer {
    let client = transcript.events.iter().filter(|step| step.from == Role::Client);
    let head: Vec<u8> = client.flat_map(|step| bytes(step).to_vec()).collect();
    match parse_request(&head) {
        Ok(Some(parsed)) => ClientOffer::of(&Request::from_head(&parsed.head)),
        _ => ClientOffer::default(),
    }
}

impl Endpoint {
    fn receive(&mut self, now: Duration, bytes: &[u8]) -> Vec<Violation> {
        if self.failed {
            return Vec::new();
        }
        self.inbox.extend_from_slice(bytes);
        let mut found = Vec::new();
        if self.connection.is_none() {
            found = self.handshake(now);
        }
        if let Some(connection) = &mut self.connection {
            found.extend(feed(connection, now, &mut self.inbox, &mut self.written));
        }
        found
    }

    fn handshake(&mut self, now: Duration) -> Vec<Violation> {
        let (size, mut found, agreed) = match self.role {
            Role::Server => {
                let origins =
                    self.setup.origins.map(|origins| origins.iter().map(ToString::to_string).collect());
                let policy = ServerPolicy { limits: self.setup.limits, origins };
                match read_request(&self.inbox, &policy) {
                    Progress::More => return Vec::new(),
                    Progress::Broken(violation) => return self.fail(violation),
                    Progress::Done { value, size, notes } => (
                        size,
                        notes,
                        negotiate(&value.extensions, &DeflateConfig::default()).map(|(_, agreed)| agreed),
                    ),
                }
            }
            Role::Client => {
                let config = Config::default().limits(self.setup.limits);
                match read_response(&self.inbox, &self.offer, &config) {
                    Progress::More => return Vec::new(),
                    Progress::Broken(violation) => return self.fail(violation),
                    Progress::Done { value, size, notes } => return self.opened(now, &value, size, notes),
                }
            }
        };
        found.retain(|violation| violation.rule.seen_by() == SeenBy::Receiver);
        self.inbox.drain(..size);
        self.connection = Some(with_deflate(engine(self.role, config(&self.setup), size as u64), agreed));
        found
    }

    fn opened(
        &mut self,
        now: Duration,
        response: &Response,
        size: usize,
        notes: Vec<Violation>,
    ) -> Vec<Violation> {
        let mut found = notes;
        found.retain(|violation| violation.rule.seen_by() == SeenBy::Receiver);
        self.inbox.drain(..size);
        let agreed = DeflateAgreement::in_response(&response.extensions);
        let mut connection = with_deflate(engine(self.role, config(&self.setup), size as u64), agreed);
        if self.setup.requires_deflate && agreed.is_none() {
            connection.fail_for(now, extension_required(size));
            found.extend(poll(&mut connection, &mut self.written));
        }
        self.connection = Some(connection);
        found
    }

    fn fail(&mut self, violation: Violation) -> Vec<Violation> {
        self.failed = true;
        self.written.extend(rejection(&violation).as_ref().map(Reply::encode).unwrap_or_default());
        vec![violation]
    }

    fn end(&mut self, now: Duration) -> Vec<Violation> {
        if self.failed {
            return Vec::new();
        }
        match (&mut self.connection, self.role) {
            (Some(connection), _) => {
                connection.receive_eof(now, &self.inbox);
                poll(connection, &mut self.written)
            }
            (None, Role::Server) => self.fail(request_ended(&self.inbox.clone())),
            (None, Role::Client) => self.fail(response_ended(&self.inbox.clone())),
        }
    }

    fn pass_time(&mut self, now: Duration) -> Vec<Violation> {
        if self.failed {
            return Vec::new();
        }
        match (&mut self.connection, self.role) {
            (Some(connection), _) => {
                while let Some(due) = connection.poll_timeout().filter(|&due| due <= now) {
                    connection.handle_timeout(due);
                }
                poll(connection, &mut self.written)
            }
            (None, _) if now < self.setup.limits.handshake => Vec::new(),
            (None, Role::Server) => self.fail(request_timed_out(&self.inbox.clone())),
            (None, Role::Client) => self.fail(response_timed_out(&self.inbox.clone())),
        }
    }

    /// What the endpoint itself sends in the transcript: of it, only its Close changes how it judges.
    fn said(&mut self, now: Duration, bytes: &[u8]) {
        self.own.extend_from_slice(bytes);
        if !self.own_head {
            let Some(end) = self.own.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            self.own.drain(..end + 4);
            self.own_head = true;
        }
        let Some(connection) = &mut self.connection else { return };
        while let Some(header) = Header::decode(&self.own) {
            let end = header.size() + header.length as usize;
            if self.own.len() < end {
                return;
            }
            let frame: Vec<u8> = self.own.drain(..end).collect();
            if header.opcode == Opcode::Close && connection.is_open() {
                let key = header.mask.unwrap_or_default();
                let payload: Vec<u8> = frame[header.size()..]
                    .iter()
                    .zip(key.iter().cycle())
                    .map(|(byte, key)| byte ^ key)
                    .collect();
                let close = check_close(&payload).unwrap_or_else(|fault| panic!("our own Close: {fault:?}"));
                connection.close(now, close.as_ref()).expect("open");
                self.closed = true;
                // It is written: what comes after it is the answer.
                let _ = connection.poll_transmit();
            }
        }
    }
}
