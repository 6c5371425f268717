//! The TCP connections of a capture, and which of them are WebSockets.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use framewise_rules::Role;

use super::legs::{Legs, Opening, Place};
use super::link::Segment;
use super::sniff::{self, Known, Other, Verdict};
use super::stream::{Out, Stream};
use crate::sink::{Act, Sink};

/// TCP connections that are remembered at once.
const FLOWS: usize = 1 << 16;
/// Bytes that are kept while it is not known what a connection is.
const SNIFFED: usize = 64 * 1024;
/// Segments that are kept back at most, and for how long, while what they answer was not captured yet: the two directions of
/// a capture may be out of order.
const AHEAD: usize = 24;
const WAIT: Duration = Duration::from_secs(1);
/// Encrypted connections that are named.
const NAMED: usize = 8;

/// Which connections are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// The client's address: `HOST:PORT`, or the host alone.
    pub client: Option<String>,
    /// The number of the TCP connection in the file, from 0: Wireshark's `tcp.stream`.
    pub stream: Option<u64>,
}

impl Pick {
    fn is_all(&self) -> bool {
        self.client.is_none() && self.stream.is_none()
    }

    fn takes(&self, number: u64, ends: [SocketAddr; 2]) -> bool {
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
    /// Encrypted connections, and the first of them.
    pub(crate) tls: u64,
    pub(crate) named: Vec<String>,
    pub(crate) others: BTreeMap<Other, u64>,
    /// WebSocket connections whose beginning was not captured.
    pub(crate) joined: u64,
    /// Bytes that were not captured, of WebSocket connections.
    pub(crate) missing: u64,
    pub(crate) gaps: u64,
}

#[derive(Debug)]
struct Flow {
    number: u64,
    ends: [SocketAddr; 2],
    streams: [Stream; 2],
    /// The number of each end's SYN.
    syns: [Option<u32>; 2],
    opener: Option<usize>,
    state: State,
    last: Duration,
    /// What answers bytes that were not captured yet.
    ahead: VecDeque<Ahead>,
}

/// A segment that is kept back.
#[derive(Debug)]
struct Ahead {
    side: usize,
    time: Duration,
    number: u32,
    acknowledged: u32,
    payload: Vec<u8>,
    length: u32,
    fin: bool,
    reset: bool,
    /// Packets of the connection since then.
    waited: usize,
}

#[derive(Debug)]
enum State {
    Sniffing(Box<Sniffing>),
    WebSocket {
        place: Place,
        client: usize,
        /// The capture begins in the middle of this end's stream, which may be its head all the same.
        unsure: [bool; 2],
    },
    Ignored,
    Closed,
}

/// What came before it was known what the connection is.
#[derive(Debug, Default)]
struct Sniffing {
    bytes: [Vec<u8>; 2],
    pieces: [Vec<usize>; 2],
    events: Vec<(usize, Duration, Event)>,
    /// Requests that were no handshake came before.
    http: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The next piece of this length.
    Bytes(usize),
    Gap(u64),
    Eof,
    Reset,
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
struct Output {
    legs: Legs,
    pick: Pick,
    ignored: Ignored,
}

impl Flows {
    pub(crate) fn new(pick: Pick) -> Self {
        let out = Output { legs: Legs::default(), pick, ignored: Ignored::default() };
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

impl Flow {
    fn new(number: u64, ends: [SocketAddr; 2], time: Duration, pick: &Pick) -> Self {
        let state = if pick.takes(number, ends) { State::Sniffing(Box::default()) } else { State::Ignored };
        let streams = [Stream::default(), Stream::default()];
        Self {
            number,
            ends,
            streams,
            syns: [None; 2],
            opener: None,
            state,
            last: time,
            ahead: VecDeque::new(),
        }
    }

    fn segment(
        &mut self,
        side: usize,
        time: Duration,
        segment: &Segment<'_>,
        out: &mut Output,
        sink: &mut dyn Sink,
    ) {
        self.last = time;
        if segment.syn {
            self.syns[side] = Some(segment.number);
            self.streams[side].begin(segment.number);
            self.opener = Some(if segment.acknowledged.is_some() { 1 - side } else { side });
        }
        if matches!(self.state, State::Ignored | State::Closed) {
            return;
        }
        let number = segment.number.wrapping_add(u32::from(segment.syn));
        let says = segment.length > 0 || segment.fin || segment.reset;
        let early = segment.acknowledged.filter(|&ack| says && !self.streams[1 - side].has(ack));
        if let Some(acknowledged) = early {
            self.ahead.push_back(Ahead {
                side,
                time,
                number,
                acknowledged,
                payload: segment.payload.to_vec(),
                length: segment.length,
                fin: segment.fin,
                reset: segment.reset,
                waited: 0,
            });
        } else {
            let part = Part {
                payload: segment.payload,
                length: segment.length,
                fin: segment.fin,
                reset: segment.reset,
            };
            self.take(side, time, number, &part, segment.acknowledged, out, sink);
        }
        self.catch_up(time, out, sink);
    }

    /// Takes in what was kept back, as far as what it answers is there, or was waited for long enough.
    fn catch_up(&mut self, time: Duration, out: &mut Output, sink: &mut dyn Sink) {
        for ahead in &mut self.ahead {
            ahead.waited += 1;
        }
        while let Some(first) = self.ahead.front() {
            let there = self.streams[1 - first.side].has(first.acknowledged);
            let patient =
                first.waited <= AHEAD && self.ahead.len() <= AHEAD && time.saturating_sub(first.time) <= WAIT;
            if !there && patient {
                return;
            }
            self.take_first(out, sink);
        }
    }

    fn take_first(&mut self, out: &mut Output, sink: &mut dyn Sink) {
        let Some(Ahead { side, time, number, acknowledged, payload, length, fin, reset, .. }) =
            self.ahead.pop_front()
        else {
            return;
        };
        let (state, stream) = (&mut self.state, &mut self.streams[1 - side]);
        let mut take =
            Take { state, number: self.number, ends: self.ends, opener: self.opener, time, output: out };
        stream.miss(acknowledged, &mut |out| take.take(1 - side, out.into(), sink));
        let part = Part { payload: &payload, length, fin, reset };
        self.take(side, time, number, &part, Some(acknowledged), out, sink);
    }

    #[expect(clippy::too_many_arguments, reason = "a segment in its parts")]
    fn take(
        &mut self,
        side: usize,
        time: Duration,
        number: u32,
        part: &Part<'_>,
        acknowledged: Option<u32>,
        out: &mut Output,
        sink: &mut dyn Sink,
    ) {
        let [first, second] = &mut self.streams;
        let (own, peer) = if side == 0 { (first, second) } else { (second, first) };
        let mut take = Take {
            state: &mut self.state,
            number: self.number,
            ends: self.ends,
            opener: self.opener,
            time,
            output: out,
        };
        if part.length > 0 || part.fin {
            own.segment(number, part.payload, part.length, part.fin, &mut |out| {
                take.take(side, out.into(), sink);
            });
        }
        if let Some(acknowledged) = acknowledged {
            peer.acknowledge(acknowledged, &mut |out| take.take(1 - side, out.into(), sink));
        }
        if part.reset {
            own.flush(&mut |out| take.take(side, out.into(), sink));
            peer.flush(&mut |out| take.take(1 - side, out.into(), sink));
            take.take(side, Act::Reset, sink);
            take.over(sink);
        } else if own.is_over() && peer.is_over() {
            take.over(sink);
        }
    }

    fn finish(&mut self, out: &mut Output, sink: &mut dyn Sink) {
        while !self.ahead.is_empty() {
            self.take_first(out, sink);
        }
        let [first, second] = &mut self.streams;
        let mut take = Take {
            state: &mut self.state,
            number: self.number,
            ends: self.ends,
            opener: self.opener,
            time: self.last,
            output: out,
        };
        first.flush(&mut |out| take.take(0, out.into(), sink));
        second.flush(&mut |out| take.take(1, out.into(), sink));
        take.over(sink);
    }
}

/// The end whose port is a server's, where the other one's is of those that systems choose.
fn likely_server(ends: [SocketAddr; 2]) -> Option<usize> {
    let chosen = ends.map(|end| end.port() >= 32_768);
    match chosen {
        [true, false] => Some(1),
        [false, true] => Some(0),
        [true, true] | [false, false] => None,
    }
}

/// What a segment carries.
#[derive(Clone, Copy, Debug)]
struct Part<'b> {
    payload: &'b [u8],
    length: u32,
    fin: bool,
    reset: bool,
}

impl<'b> From<Out<'b>> for Act<'b> {
    fn from(out: Out<'b>) -> Self {
        match out {
            Out::Bytes(bytes) => Self::Bytes(bytes),
            Out::Gap(bytes) => Self::Gap(bytes),
            Out::Eof => Self::Eof,
        }
    }
}

/// Takes in what comes out of a connection's streams.
struct Take<'f> {
    state: &'f mut State,
    number: u64,
    ends: [SocketAddr; 2],
    opener: Option<usize>,
    time: Duration,
    output: &'f mut Output,
}

impl Take<'_> {
    fn take(&mut self, side: usize, act: Act<'_>, sink: &mut dyn Sink) {
        match self.state {
            State::Ignored | State::Closed => {}
            State::WebSocket { place, client, unsure } => {
                let role = if side == *client { Role::Client } else { Role::Server };
                let (legs, ignored) = (&mut self.output.legs, &mut self.output.ignored);
                match act {
                    Act::Gap(0) => {
                        unsure[side] = true;
                        return;
                    }
                    Act::Gap(bytes) => {
                        ignored.gaps += 1;
                        ignored.missing += bytes;
                    }
                    Act::Bytes(bytes) => {
                        if std::mem::take(&mut unsure[side])
                            && !bytes.starts_with(b"HTTP/")
                            && !sniff::starts_like_request(bytes)
                        {
                            legs.happened(*place, role, self.time, Act::Gap(0), sink);
                        }
                    }
                    Act::Eof | Act::Reset => {}
                }
                legs.happened(*place, role, self.time, act, sink);
            }
            State::Sniffing(sniffing) => {
                sniffing.push(side, self.time, act);
                self.decide(false, sink);
            }
        }
    }

    fn decide(&mut self, over: bool, sink: &mut dyn Sink) {
        let State::Sniffing(sniffing) = &mut *self.state else { return };
        let known = Known {
            bytes: [&sniffing.bytes[0], &sniffing.bytes[1]],
            pieces: [&sniffing.pieces[0], &sniffing.pieces[1]],
            opener: self.opener,
            likely_server: likely_server(self.ends),
            over,
        };
        let verdict = sniff::sniff(&known);
        let forced = !self.output.pick.is_all() && self.output.pick.stream.is_some();
        match verdict {
            Verdict::Wait if known.bytes[0].len() + known.bytes[1].len() < SNIFFED && !over => {}
            Verdict::WebSocket { client, handshake } => self.open(client, handshake, sink),
            // The one that was asked for is shown as it is.
            Verdict::Http | Verdict::Other(_) | Verdict::Wait if forced && sniffing.has_bytes() => {
                let client = self.opener.or(likely_server(self.ends).map(|server| 1 - server));
                self.open(client.unwrap_or(0), false, sink);
            }
            Verdict::Http => {
                sniffing.forget();
                if over {
                    self.ignore(Other::Http);
                }
            }
            Verdict::Tls => {
                let ignored = &mut self.output.ignored;
                ignored.tls += 1;
                if ignored.named.len() < NAMED {
                    let client = self.opener.unwrap_or(0);
                    ignored.named.push(format!(
                        "{} to {} (tcp.stream {})",
                        self.ends[client],
                        self.ends[1 - client],
                        self.number
                    ));
                }
                *self.state = State::Ignored;
            }
            Verdict::Other(other) => self.ignore(other),
            Verdict::Wait if sniffing.http => self.ignore(Other::Http),
            Verdict::Wait if sniffing.has_bytes() => self.ignore(Other::Unknown),
            Verdict::Wait => {}
        }
    }

    fn ignore(&mut self, other: Other) {
        *self.output.ignored.others.entry(other).or_default() += 1;
        *self.state = State::Ignored;
    }

    /// It is a WebSocket: what came before is given out.
    fn open(&mut self, client: usize, handshake: bool, sink: &mut dyn Sink) {
        let State::Sniffing(sniffing) = std::mem::replace(self.state, State::Closed) else { return };
        let joined = !handshake && sniffing.events.iter().any(|(_, _, event)| matches!(event, Event::Gap(_)));
        let opening = Opening {
            client: self.ends[client],
            server: self.ends[1 - client],
            head: if handshake {
                let head = &sniffing.bytes[client];
                sniff::head(head).unwrap_or(head).to_vec()
            } else {
                Vec::new()
            },
            open: (!handshake && !joined).then(String::new),
            time: self.time,
        };
        self.output.ignored.joined += u64::from(joined);
        let place = self.output.legs.begin(opening, sink);
        *self.state = State::WebSocket { place, client, unsure: [false; 2] };
        let mut at = [0, 0];
        for (side, time, event) in sniffing.events {
            let act = match event {
                Event::Bytes(length) => {
                    let bytes = &sniffing.bytes[side][at[side]..at[side] + length];
                    at[side] += length;
                    Act::Bytes(bytes)
                }
                Event::Gap(bytes) => Act::Gap(bytes),
                Event::Eof => Act::Eof,
                Event::Reset => Act::Reset,
            };
            self.time = time;
            self.take(side, act, sink);
        }
    }

    /// Both ends are done.
    fn over(&mut self, sink: &mut dyn Sink) {
        self.decide(true, sink);
        if let State::WebSocket { place, .. } = self.state {
            self.output.legs.over(*place, sink);
        }
        *self.state = State::Closed;
    }
}

impl Sniffing {
    fn has_bytes(&self) -> bool {
        self.bytes.iter().any(|bytes| !bytes.is_empty())
    }

    fn push(&mut self, side: usize, time: Duration, act: Act<'_>) {
        let event = match act {
            Act::Bytes(bytes) => {
                // Between requests there are bodies.
                let idle = self.http && !self.has_bytes();
                if idle && !sniff::starts_like_request(bytes) {
                    return;
                }
                self.bytes[side].extend_from_slice(bytes);
                self.pieces[side].push(bytes.len());
                Event::Bytes(bytes.len())
            }
            Act::Gap(bytes) => Event::Gap(bytes),
            Act::Eof => Event::Eof,
            Act::Reset => Event::Reset,
        };
        // What a gap lies behind means nothing for the next request.
        if !self.http || self.has_bytes() {
            self.events.push((side, time, event));
        }
    }

    /// A request and its response were no handshake.
    fn forget(&mut self) {
        *self = Self { http: true, ..Self::default() };
    }
}
