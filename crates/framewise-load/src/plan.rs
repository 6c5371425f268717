use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use framewise::{Client, Limits};

use crate::collect;
use crate::mix::Kind;
use crate::report::Report;
use crate::schedule::{Phase, Schedule};

/// What is sent to a server, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) pace: Pace,
    pub(crate) mix: Vec<Kind>,
    pub(crate) expect: Expect,
    pub(crate) connections: u32,
    pub(crate) connect_rate: f64,
    pub(crate) connect_timeout: Duration,
    pub(crate) workers: u16,
    pub(crate) warm_up: Duration,
    pub(crate) drain: Duration,
}

/// When messages are sent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// At a rate that does not depend on the server, over all connections together.
    Rate(Vec<Phase>),
    /// As fast as replies come: each connection keeps this many messages in flight, for this time. It measures throughput;
    /// its latencies leave out the messages that a stalled server kept from being sent.
    InFlight(u16, Duration),
}

impl Pace {
    /// A constant rate of this many messages a second.
    pub fn rate(rate: f64, duration: Duration) -> Self {
        Self::Rate(vec![Phase { duration, from: rate, to: rate }])
    }

    /// How long messages are sent.
    pub fn duration(&self) -> Duration {
        match self {
            Self::Rate(phases) => phases.iter().map(|phase| phase.duration).sum(),
            Self::InFlight(_, duration) => *duration,
        }
    }
}

/// What answers a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// The same message, in the order sent.
    #[default]
    Echo,
    /// Any message; each answers the oldest one that has no answer.
    Reply,
    /// Nothing: messages are only counted. A Ping still has its Pong.
    Nothing,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Connections that are open.
    pub open: u32,
    /// Time since the first message was due; `None` while connections are opened.
    pub elapsed: Option<Duration>,
    /// Messages sent within the last second.
    pub sent: u64,
    /// Answers within the last second.
    pub answered: u64,
    /// The 99th percentile of the latency of the last second's replies, in microseconds.
    pub p99: Option<f64>,
}

/// Why there was no run.
#[derive(Clone, Debug)]
pub struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Plan {
    /// Ten connections to this server, ws:// or wss://, that send text of 128 bytes to be echoed.
    pub fn new(url: impl Into<String>, pace: Pace) -> Self {
        let limits = Limits::default().no_size_limit();
        Self {
            url: url.into(),
            client: Client::new().limits(limits),
            pace,
            mix: vec![Kind::Text(128)],
            expect: Expect::Echo,
            connections: 10,
            connect_rate: 500.0,
            connect_timeout: Duration::from_secs(10),
            workers: 1,
            warm_up: Duration::ZERO,
            drain: Duration::from_secs(5),
        }
    }

    /// The number of connections.
    #[must_use]
    pub const fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// How many connections are begun a second, at most.
    #[must_use]
    pub const fn connect_rate(mut self, rate: f64) -> Self {
        self.connect_rate = rate;
        self
    }

    /// The time that a connection and its handshake may take.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The messages that each connection sends in turn.
    #[must_use]
    pub fn mix(mut self, mix: Vec<Kind>) -> Self {
        self.mix = mix;
        self
    }

    /// What answers a message.
    #[must_use]
    pub const fn expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    /// Threads that send and receive.
    #[must_use]
    pub const fn workers(mut self, workers: u16) -> Self {
        self.workers = workers;
        self
    }

    /// The first part of the run, whose messages are not in the percentiles.
    #[must_use]
    pub const fn warm_up(mut self, time: Duration) -> Self {
        self.warm_up = time;
        self
    }

    /// How long to wait for the last replies.
    #[must_use]
    pub const fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// How each connection is made: headers, subprotocols, deflate, TLS, limits.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Opens the connections, sends the messages, waits for the last replies and closes the connections. It starts threads
    /// of its own, and blocks until they have ended. `progress` is called several times a second; if it returns `Break`,
    /// the run ends early, and its report says so.
    ///
    /// # Errors
    ///
    /// If the plan has nothing to send, or no connection could be opened: the sentence says why.
    pub fn run(&self, progress: impl FnMut(Progress) -> ControlFlow<()>) -> Result<Report, Unusable> {
        let nothing = match &self.pace {
            Pace::Rate(phases) => Schedule::new(phases, 0, 1).next().is_none(),
            Pace::InFlight(each, duration) => *each == 0 || duration.is_zero(),
        };
        if nothing || self.mix.is_empty() {
            return Err(Unusable(
                "nothing to send: the rate, the time or the list of messages is empty".into(),
            ));
        }
        if self.connections == 0 {
            return Err(Unusable("no connections: use 1 or more".into()));
        }
        if self.warm_up >= self.pace.duration() {
            return Err(Unusable("the warm-up lasts as long as the run: make it shorter".into()));
        }
        collect::run(self, progress)
    }
}
