//! The TCP connections of a capture, and which of them are WebSockets.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use super::flow::Flow;
use super::legs::Legs;
use super::link::Segment;
use super::sniff::Other;
use super::take::State;
use crate::sink::Sink;
use crate::tls::{Keys, Locked};

/// TCP connections that are remembered at once.
const FLOWS: usize = 1 << 16;

/// Which connections are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// The client's address: `HOST:PORT`, or the host alone.
    pub client: Option<String>,
    /// The number of the TCP connection in the file, from 0: Wireshark's `tcp.stream`.
    pub stream: Option<u64>,
}

impl Pick {
    pub(super) fn is_all(&self) -> bool {
        self.client.is_none() && self.stream.is_none()
    }

    pub(super) fn takes(&self, number: u64, ends: [SocketAddr; 2]) -> bool {
        let matches = |wanted: &String, end: &SocketAddr| {
            end.to_string() == *wanted || end.ip().to_string() == wanted.trim_matches(['[', ']'])
        };
        self.stream.is_none_or(|stream| stream == number)
            && self.client.as_ref().is_none_or(|client| ends.iter().any(|end| matches(client, end)))
    }
}

/// What was not read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignored {
    /// Connections that stay encrypted: why, how many, and the first of them.
    pub(crate) locked: BTreeMap<Locked, (u64, Vec<String>)>,
    /// Encrypted connections that were decrypted.
    pub(crate) decrypted: u64,
    /// Fatal alerts of TLS in decrypted connections.
    pub(crate) alerts: Vec<String>,
    pub(crate) others: BTreeMap<Other, u64>,
    /// WebSocket connections whose beginning was not captured.
    pub(crate) joined: u64,
    /// Bytes that were not captured, of WebSocket connections.
    pub(crate) missing: u64,
    pub(crate) gaps: u64,
}

/// The connections of a capture.
#[derive(Debug)]
pub(crate) struct Flows {
    table: HashMap<[SocketAddr; 2], Flow>,
    out: Output,
    count: u64,
    start: Option<Duration>,
}

/// Where what is found goes.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) legs: Legs,
    pub(super) pick: Pick,
    pub(super) ignored: Ignored,
    pub(super) keys: Keys,
    /// Bytes that are held back because their keys are not known yet.
    pub(super) held: usize,
}

impl Flows {
    pub(crate) fn new(pick: Pick) -> Self {
        Self::with_keys(pick, Keys::default())
    }

    pub(crate) fn with_keys(pick: Pick, keys: Keys) -> Self {
        let out = Output { legs: Legs::default(), pick, ignored: Ignored::default(), keys, held: 0 };
        Self { table: HashMap::new(), out, count: 0, start: None }
    }

    /// TCP connections that were seen.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn ignored(&self) -> &Ignored {
        &self.out.ignored
    }

    pub(crate) const fn legs(&self) -> &Legs {
        &self.out.legs
    }

    /// The keys of encrypted connections.
    pub(crate) const fn keys(&mut self) -> &mut Keys {
        &mut self.out.keys
    }

    /// A segment was captured.
    pub(crate) fn segment(&mut self, segment: &Segment<'_>, sink: &mut dyn Sink) {
        let start = *self.start.get_or_insert(segment.time);
        let time = segment.time.saturating_sub(start);
        let (source, target) = (segment.source, segment.target);
        let ends = if source <= target { [source, target] } else { [target, source] };
        let side = usize::from(source != ends[0]);
        // The numbers of a new connection between the same ends.
        if segment.syn
            && let Some(flow) = self.table.get(&ends)
            && (flow.syns[side].is_some_and(|syn| syn != segment.number)
                || (flow.syns[side].is_none() && flow.streams[side].has_begun()))
            && let Some(mut flow) = self.table.remove(&ends)
        {
            flow.finish(&mut self.out, sink);
        }
        if !self.table.contains_key(&ends) {
            self.make_room(sink);
            let flow = Flow::new(self.count, ends, time, &self.out.pick);
            self.count += 1;
            self.table.insert(ends, flow);
        }
        if let Some(flow) = self.table.get_mut(&ends) {
            flow.segment(side, time, segment, &mut self.out, sink);
        }
    }

    /// The capture is over: what is open is reported as it is.
    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) {
        let mut flows: Vec<Flow> = self.table.drain().map(|(_, flow)| flow).collect();
        flows.sort_by_key(|flow| flow.number);
        for flow in &mut flows {
            flow.finish(&mut self.out, sink);
        }
        self.out.legs.finish(sink);
    }

    /// Forgets connections that are over, or that were silent for the longest.
    fn make_room(&mut self, sink: &mut dyn Sink) {
        if self.table.len() < FLOWS {
            return;
        }
        self.table.retain(|_, flow| !matches!(flow.state, State::Closed));
        if self.table.len() < FLOWS / 2 {
            return;
        }
        let mut last: Vec<_> = self
            .table
            .iter()
            .map(|(ends, flow)| (matches!(flow.state, State::WebSocket { .. }), flow.last, *ends))
            .collect();
        last.sort_unstable();
        last.truncate(last.len() - FLOWS / 2);
        for (_, _, ends) in last {
            if let Some(mut flow) = self.table.remove(&ends) {
                flow.finish(&mut self.out, sink);
            }
        }
    }
}
