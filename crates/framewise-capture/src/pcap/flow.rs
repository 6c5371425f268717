//! One TCP connection: its segments in order, whichever direction was captured first.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::flows::{Output, Past, Pick};
use super::link::Segment;
use super::stream::{Out, Stream};
use super::take::{State, Take};
use crate::sink::{Act, Sink};

/// Segments that are kept back at most, and for how long, while what they answer was not captured yet: the two directions of
/// a capture may be out of order.
const AHEAD: usize = 24;
const WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) number: u64,
    ends: [SocketAddr; 2],
    pub(super) streams: [Stream; 2],
    /// The number of each end's SYN.
    pub(super) syns: [Option<u32>; 2],
    opener: Option<usize>,
    pub(super) state: State,
    pub(super) last: Duration,
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

impl Flow {
    pub(super) fn new(number: u64, ends: [SocketAddr; 2], time: Duration, pick: &Pick) -> Self {
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

    /// Whether it is over, or carries something else.
    pub(super) const fn is_past(&self) -> bool {
        matches!(self.state, State::Ignored | State::Closed)
    }

    pub(super) fn is_websocket(&self) -> bool {
        match &self.state {
            State::WebSocket { .. } => true,
            State::Encrypted(encrypted) => matches!(encrypted.1, State::WebSocket { .. }),
            State::Sniffing(_) | State::Ignored | State::Closed => false,
        }
    }

    /// What is remembered of it when it is over.
    pub(super) fn past(&self) -> Past {
        Past {
            syns: self.syns,
            begun: [self.streams[0].has_begun(), self.streams[1].has_begun()],
            over: matches!(self.state, State::Closed),
            last: self.last,
        }
    }

    pub(super) fn segment(
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

    pub(super) fn finish(&mut self, out: &mut Output, sink: &mut dyn Sink) {
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
