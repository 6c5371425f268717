//! A probe as data.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::{Role, Rule};

use crate::end::Step;
use crate::report::Severity;
use crate::tape::{Bounds, frames};
use crate::wire::{Frame, pattern};

/// What a probe is about; the first part of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The two heads.
    Handshake,
    /// Frames in the same segment as a head.
    Early,
    /// Frames of each size.
    Size,
    /// Messages in several frames, and frames in several segments.
    Fragments,
    /// permessage-deflate.
    Deflate,
    /// Pings and Pongs.
    Ping,
    /// Close frames.
    Close,
    /// How the connection ends without a Close.
    End,
    /// Delay, order, throughput, many connections.
    Time,
    /// Silence.
    Idle,
    /// HTTP/2 towards the client.
    Http2,
    /// What RFC 6455 forbids.
    Illegal,
}

impl Group {
    /// Its name in the names of probes.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Early => "early",
            Self::Size => "size",
            Self::Fragments => "fragments",
            Self::Deflate => "deflate",
            Self::Ping => "ping",
            Self::Close => "close",
            Self::End => "end",
            Self::Time => "time",
            Self::Idle => "idle",
            Self::Http2 => "http2",
            Self::Illegal => "illegal",
        }
    }
}

/// What is measured beside what arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Nothing,
    /// How late small frames arrive, and how many at once.
    Delay,
    /// Bytes in a second.
    Throughput,
    /// Bytes that are on the way while the other end reads nothing.
    Backlog,
    /// What is sent after the other side has ended its stream.
    HalfClose,
    /// How long a connection lives on which both ends keep sending.
    Life,
    /// What becomes of a connection while the intermediary takes another configuration.
    Reload,
}

/// One thing that is sent through the path, and what must arrive.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its name, `group/what`; never reused for another.
    pub name: String,
    /// What it is about.
    pub group: Group,
    /// What is sent and what must arrive, in one sentence.
    pub says: String,
    /// Whom it hurts when it does not arrive as sent.
    pub hurts: &'static str,
    /// How bad that is.
    pub severity: Severity,
    /// The rule that what is sent breaks; `None` where all is legal.
    pub rule: Option<Rule>,
    pub(crate) request: Vec<(&'static str, String)>,
    pub(crate) response: Vec<(&'static str, String)>,
    /// Interim answers before the 101.
    pub(crate) interim: String,
    /// The body of the request.
    pub(crate) body: Vec<u8>,
    /// Bytes after the head, in the same write.
    pub(crate) early: [Vec<u8>; 2],
    pub(crate) client: Vec<Step>,
    pub(crate) server: Vec<Step>,
    pub(crate) deadline: Duration,
    /// Connections that play it at the same time.
    pub(crate) connections: usize,
    /// Whether it is run alone: large messages, and measured times.
    pub(crate) alone: bool,
    pub(crate) measure: Measure,
    /// It is about how much the intermediary takes.
    pub(crate) sized: bool,
    /// Whatever becomes of it is worth knowing, and no fault.
    pub(crate) informs: bool,
}

impl Probe {
    pub(crate) fn new(group: Group, name: impl AsRef<str>, says: impl Into<String>) -> Self {
        Self {
            name: format!("{}/{}", group.id(), name.as_ref()),
            group,
            says: says.into(),
            hurts: "",
            severity: Severity::Error,
            rule: None,
            request: Vec::new(),
            response: Vec::new(),
            interim: String::new(),
            body: Vec::new(),
            early: [Vec::new(), Vec::new()],
            client: Vec::new(),
            server: Vec::new(),
            deadline: Duration::from_secs(8),
            connections: 1,
            alone: false,
            measure: Measure::Nothing,
            sized: group as u8 == Group::Size as u8,
            informs: group as u8 == Group::Illegal as u8,
        }
    }

    pub(crate) const fn hurts(mut self, who: &'static str) -> Self {
        self.hurts = who;
        self
    }

    pub(crate) const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Few applications need it: what becomes of it is said, and is no finding.
    pub(crate) const fn informs(mut self) -> Self {
        self.informs = true;
        self.severity = Severity::Note;
        self
    }

    /// One side sends, and the other waits for all of it; then both stop.
    pub(crate) fn from(mut self, from: Role, steps: Vec<Step>, frames: usize) -> Self {
        let receive = vec![Step::Await(frames)];
        (self.client, self.server) = match from {
            Role::Client => (steps, receive),
            Role::Server => (receive, steps),
        };
        self
    }

    /// The frame with which the client shows that it has the 101.
    pub(crate) fn go() -> Vec<u8> {
        Frame::new(Role::Client, Opcode::Text, "go").bytes()
    }

    /// Everything that a side sends after its head, if nothing stops it.
    pub(crate) fn stream(&self, from: Role) -> Vec<u8> {
        let (mut bytes, steps) = match from {
            Role::Client => ([self.early[0].clone(), Self::go()].concat(), &self.client),
            Role::Server => (self.early[1].clone(), &self.server),
        };
        for step in steps {
            match step {
                Step::Send(more) | Step::Cut(more, _) | Step::Message(_, more) => {
                    bytes.extend_from_slice(more);
                }
                Step::Large { from, opcode, fin, size } => {
                    let mut frame = Frame::new(*from, *opcode, pattern(*size));
                    frame.header.fin = *fin;
                    bytes.extend(frame.bytes());
                }
                Step::Flood { from, size, count } => {
                    let frame = Frame::new(*from, Opcode::Binary, pattern(*size)).bytes();
                    (0..*count).for_each(|_| bytes.extend_from_slice(&frame));
                }
                Step::Await(_)
                | Step::AwaitEnd
                | Step::Idle(_)
                | Step::StopReading
                | Step::Shut
                | Step::Reset
                | Step::Run(_) => {}
            }
        }
        bytes
    }

    /// Whether it is about how much the intermediary keeps.
    pub(crate) fn measures_memory(&self) -> bool {
        self.measure == Measure::Backlog || self.connections > 1 || self.name.starts_with("size/64m")
    }

    /// What the other end keeps of the stream of a side: far more than was sent, and not without end.
    pub(crate) fn bounds(&self, from: Role) -> Bounds {
        let steps = if from == Role::Client { &self.client } else { &self.server };
        let due: usize = steps
            .iter()
            .map(|step| match step {
                Step::Send(bytes) | Step::Cut(bytes, _) => bytes.len(),
                Step::Message(plain, deflated) => plain.len().max(deflated.len()),
                Step::Large { size, .. } => *size,
                Step::Flood { size, count, .. } => (size + 16) * count,
                Step::Await(_)
                | Step::AwaitEnd
                | Step::Idle(_)
                | Step::StopReading
                | Step::Shut
                | Step::Reset
                | Step::Run(_) => 0,
            })
            .sum();
        let body = if from == Role::Client { self.body.clone() } else { Vec::new() };
        Bounds { body, most: Some(2 * due + (1 << 20)), pings: Some(self.pings(from)) }
    }

    /// The payloads of the Pings that a side sends.
    fn pings(&self, from: Role) -> Vec<Vec<u8>> {
        let (early, steps) = match from {
            Role::Client => (&self.early[0], &self.client),
            Role::Server => (&self.early[1], &self.server),
        };
        let written = steps.iter().filter_map(|step| match step {
            Step::Send(bytes) | Step::Cut(bytes, _) => Some(bytes),
            Step::Message(..)
            | Step::Large { .. }
            | Step::Flood { .. }
            | Step::Await(_)
            | Step::AwaitEnd
            | Step::Idle(_)
            | Step::StopReading
            | Step::Shut
            | Step::Reset
            | Step::Run(_) => None,
        });
        let seen = std::iter::once(early).chain(written).flat_map(|bytes| frames(bytes).0);
        seen.filter(|frame| frame.header.opcode == Opcode::Ping).map(|frame| frame.payload).collect()
    }
}
