//! The TCP connections of a capture, and which of them are WebSockets.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::flow::Flow;
use super::legs::Legs;
use super::link::Segment;
use super::sniff::Other;
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

/// The addresses and ports of both ends, the smaller one first.
type Key = [u8; 36];

fn key(ends: [SocketAddr; 2]) -> Key {
    let mut key = [0; 36];
    for (end, bytes) in ends.iter().zip(key.chunks_exact_mut(18)) {
        let address = match end.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        bytes[..16].copy_from_slice(&address.octets());
        bytes[16..].copy_from_slice(&end.port().to_be_bytes());
    }
    key
}

/// A connection that is remembered.
#[derive(Debug)]
enum Entry {
    Open(Box<Flow>),
    /// What comes of it is not looked at any more, but for a new connection between the same ends.
    Past(Past),
}

/// A connection that is over, or is no WebSocket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// As in [`Flow`].
    pub(super) syns: [Option<u32>; 2],
    pub(super) begun: [bool; 2],
    pub(super) over: bool,
    pub(super) last: Duration,
}

impl Past {
    /// Whether a SYN with this number begins another connection.
    pub(super) fn is_past(&self, side: usize, number: u32) -> bool {
        match self.syns[side] {
            Some(syn) => syn != number,
            None => self.begun[side],
        }
    }
}

/// The connections of a capture.
#[derive(Debug)]
pub(crate) struct Flows {
    table: HashMap<Key, Entry>,
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
        let key = key(ends);
        let mut entry = self.table.get_mut(&key);
        // The numbers of a new connection between the same ends.
        let again = segment.syn
            && entry.as_ref().is_some_and(|entry| match entry {
                Entry::Open(flow) => flow.past().is_past(side, segment.number),
                Entry::Past(past) => past.is_past(side, segment.number),
            });
        if again {
            if let Some(Entry::Open(mut flow)) = self.table.remove(&key) {
                flow.finish(&mut self.out, sink);
            }
            entry = None;
        }
        match entry {
            Some(Entry::Past(past)) => past.last = time,
            Some(Entry::Open(flow)) => {
                flow.segment(side, time, segment, &mut self.out, sink);
                if flow.is_past() {
                    let past = flow.past();
                    self.table.insert(key, Entry::Past(past));
                }
            }
            None => {
                self.make_room(sink);
                let mut flow = Box::new(Flow::new(self.count, ends, time, &self.out.pick));
                self.count += 1;
                flow.segment(side, time, segment, &mut self.out, sink);
                let entry = if flow.is_past() { Entry::Past(flow.past()) } else { Entry::Open(flow) };
                self.table.insert(key, entry);
            }
        }
    }

    /// The capture is over: what is open is reported as it is.
    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) {
        let open = |entry| if let Entry::Open(flow) = entry { Some(flow) } else { None };
        let mut flows: Vec<Box<Flow>> = self.table.drain().filter_map(|(_, entry)| open(entry)).collect();
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
        self.table.retain(|_, entry| !matches!(entry, Entry::Past(Past { over: true, .. })));
        if self.table.len() < FLOWS / 2 {
            return;
        }
        let mut last: Vec<_> = self
            .table
            .iter()
            .map(|(key, entry)| match entry {
                Entry::Open(flow) => (flow.is_websocket(), flow.last, *key),
                Entry::Past(past) => (false, past.last, *key),
            })
            .collect();
        last.sort_unstable();
        last.truncate(last.len() - FLOWS / 2);
        for (_, _, key) in last {
            if let Some(Entry::Open(mut flow)) = self.table.remove(&key) {
                flow.finish(&mut self.out, sink);
            }
        }
    }
}
