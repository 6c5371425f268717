//! A probe as data.

use std::time::Duration;

use framewise_rules::{Role, Rule};

use crate::end::Step;
use crate::report::Severity;

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
            Self::Illegal => "illegal",
        }
    }
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
    /// Bytes after the head, in the same write.
    pub(crate) early: [Vec<u8>; 2],
    pub(crate) client: Vec<Step>,
    pub(crate) server: Vec<Step>,
    pub(crate) deadline: Duration,
    /// Connections that play it at the same time.
    pub(crate) connections: usize,
    /// Whether it is run alone: large messages, and measured times.
    pub(crate) alone: bool,
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
            early: [Vec::new(), Vec::new()],
            client: Vec::new(),
            server: Vec::new(),
            deadline: Duration::from_secs(4),
            connections: 1,
            alone: false,
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

    /// One side sends, and the other waits for all of it; then both stop.
    pub(crate) fn from(mut self, from: Role, steps: Vec<Step>, frames: usize) -> Self {
        let receive = vec![Step::Await(frames)];
        (self.client, self.server) = match from {
            Role::Client => (steps, receive),
            Role::Server => (receive, steps),
        };
        self
    }
}
