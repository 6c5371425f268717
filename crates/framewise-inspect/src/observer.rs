mod consequence;
mod diagnosis;
mod finish;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use framewise_proto::{Detail, Header};
use framewise_rules::{Role, Rule};
use framewise_transcript::{Action, Transcript};

use consequence::consequence;
pub use diagnosis::Diagnosis;

use crate::cause::Budget;
use crate::endpoints::Endpoints;
use crate::finding;
use crate::frames::{CloseSeen, Frames, Moment};
use crate::keep::{Contents, Keep, Shown};
use crate::leg::{Leg, LegEvent, Seen};
use crate::report::{Connection, Ended, Finding, How};

/// How many findings are kept for one connection, and for one rule in one direction; more say nothing new.
const FINDINGS: usize = 1000;
const ALIKE: usize = 50;
/// How many findings have their causes searched for; later ones are consequences.
const SEARCHED: usize = 64;
/// The causes of a finding are searched for at the latest after this many more bytes: they are evidence, and are
/// dropped later.
const SETTLED: u64 = 96 * 1024;
/// How many bytes are read in one step.
const PIECE: usize = 16 * 1024;
/// How many observations are kept if the caller does not poll.
const QUEUE: usize = 4096;

/// A leg of the observed connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LegId(usize);

/// Something that was just observed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Observed {
    /// A complete head of the handshake.
    Head {
        /// The leg.
        leg: LegId,
        /// Who sent it.
        from: Role,
        /// When.
        time: Option<Duration>,
        /// The head.
        text: String,
    },
    /// A frame: complete, or its header and the first part of a long payload.
    Frame {
        /// The leg.
        leg: LegId,
        /// Who sent it.
        from: Role,
        /// When it began.
        time: Option<Duration>,
        /// The offset of its header in the sender's stream.
        offset: u64,
        /// Its header.
        header: Header,
        /// The first bytes of its payload, unmasked but not inflated.
        payload: Vec<u8>,
        /// Its number in its direction, from 1.
        number: u64,
    },
    /// A finding, and the search for its causes so far; the report may find more.
    Finding(Box<Diagnosis>),
}

/// An observation that was not polled.
#[derive(Debug)]
enum Queued {
    Seen(Observed),
    /// The finding's index; its evidence is collected when it is polled.
    Finding(usize),
}

/// A finding, and its origin.
#[derive(Debug)]
struct Known {
    finding: Finding,
    leg: usize,
    stream: Role,
    causes: Causes,
    /// The leg on which a response rejects the request that this finding is about.
    rejected: Option<usize>,
}

/// Until when findings are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judging {
    Everything,
    UntilFirstEnforced,
}

/// The state of the search for a finding's causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Causes {
    /// Further bytes may be evidence.
    Open,
    /// Enough bytes followed: the caller has the `Diagnosis`.
    GivenOut,
    /// The caller has returned the result.
    Settled,
    /// There are no bytes to search.
    Unsearchable,
}

/// One connection, live or recorded: bytes go in as they are seen, findings come out.
///
/// Passing bytes never searches for causes. [`Observer::poll_observed`] and [`Observer::poll_settled`] return a
/// [`Diagnosis`], which searches on any thread; [`Observer::finish`] does the rest.
///
/// It keeps the last bytes of each direction, about 256 KiB, not the complete stream.
///
/// ```
/// use framewise_inspect::{Endpoints, Observer};
/// use framewise_rules::{Role, Rule};
///
/// let mut observer = Observer::new(Endpoints::UNKNOWN);
/// let leg = observer.leg("client-server");
/// observer.open(leg, "");
/// observer.bytes(leg, Role::Client, None, b"\x81\x02hi");
/// let connection = observer.finish();
/// assert_eq!(connection.findings[0].rule, Some(Rule::MaskMissing));
/// assert_eq!(connection.verdict.unwrap().close.unwrap().0, 1002);
/// ```
#[derive(Debug)]
pub struct Observer {
    endpoints: Endpoints,
    /// Shared with pending diagnoses; copied when more bytes arrive in the meantime.
    legs: Arc<Vec<Leg>>,
    known: Vec<Known>,
    budget: Budget,
    judging: Judging,
    /// Which findings the source of the bytes can support; `None` stands for one without a rule.
    supports: fn(Option<Rule>) -> bool,
    keep: Keep,
    /// The number of findings for each leg, side and rule.
    alike: BTreeMap<(usize, Role, Option<Rule>), usize>,
    queue: VecDeque<Queued>,
    step: u64,
    ended: Option<Ended>,
}

impl Observer {
    /// An observer of a connection between these endpoints.
    pub fn new(endpoints: Endpoints) -> Self {
        Self {
            endpoints,
            legs: Arc::default(),
            known: Vec::new(),
            budget: Budget::default(),
            judging: Judging::Everything,
            supports: |_| true,
            keep: Keep { frames: Shown::Frames, contents: Contents::NotCompared },
            alike: BTreeMap::new(),
            queue: VecDeque::new(),
            step: 0,
            ended: None,
        }
    }

    /// Reports nothing after the first enforced violation: a strict endpoint would not read further.
    #[must_use]
    pub const fn until_first_enforced(mut self) -> Self {
        self.judging = Judging::UntilFirstEnforced;
        self
    }

    /// Reports only the findings for which this returns true; `None` stands for a finding without a rule. For a source that
    /// lacks a part of what was sent: a HAR has no masks, so nothing can be said about them.
    #[must_use]
    pub const fn supporting(mut self, supports: fn(Option<Rule>) -> bool) -> Self {
        self.supports = supports;
        self
    }

    /// Yields no [`Observed::Frame`]: faster, for a caller that shows none.
    #[must_use]
    pub const fn without_frames(mut self) -> Self {
        self.keep.frames = Shown::FindingsAlone;
        self
    }

    /// There will be a second leg: keeps what is needed to compare the messages of both, before the second one is known.
    #[must_use]
    pub const fn with_several_legs(mut self) -> Self {
        self.keep.contents = Contents::Compared;
        self
    }

    /// The leg with this name, added if it does not exist.
    ///
    /// Contents are compared from the first message on that begins when there are two legs, or from the first one if
    /// [`Observer::with_several_legs`] says that there will be.
    pub fn leg(&mut self, name: &str) -> LegId {
        if let Some(known) = self.legs.iter().position(|leg| leg.name == name) {
            return LegId(known);
        }
        let legs = Arc::make_mut(&mut self.legs);
        if !legs.is_empty() && self.keep.contents == Contents::NotCompared {
            self.keep.contents = Contents::Compared;
            for leg in legs.iter_mut() {
                leg.keep(self.keep);
            }
        }
        legs.push(Leg::new(name, self.endpoints, self.keep));
        LegId(legs.len() - 1)
    }

    /// Whether messages are inflated: few bytes may then be much to observe.
    pub fn inflates(&self) -> bool {
        let sides = self.legs.iter().flat_map(|leg| [leg.dir(Role::Client), leg.dir(Role::Server)]);
        sides.filter_map(|dir| dir.frames.as_ref()).any(Frames::deflate)
    }

    /// The bytes of this leg begin after its handshake, which agreed these extensions (`""`: none).
    pub fn open(&mut self, leg: LegId, extensions: &str) {
        self.leg_mut(leg.0).open(extensions);
    }

    /// Reads bytes that one side of a leg sent, `time` after the start of the recording.
    ///
    /// Pass at most 32 KiB at once and call [`Observer::poll_settled`] in between; otherwise the search for causes may
    /// miss the beginning.
    pub fn bytes(&mut self, leg: LegId, from: Role, time: Option<Duration>, bytes: &[u8]) {
        self.pieces(leg, from, time, bytes, |_| {});
    }

    fn pieces(
        &mut self,
        leg: LegId,
        from: Role,
        time: Option<Duration>,
        bytes: &[u8],
        mut between: impl FnMut(&mut Self),
    ) {
        let at = self.moment(time);
        for piece in bytes.chunks(PIECE) {
            self.leg_mut(leg.0).bytes(from, at, piece);
            self.take(leg.0);
            between(self);
        }
    }

    /// Observes a complete recording, searches for causes, and finishes.
    pub fn replay(mut self, transcript: &Transcript) -> Connection {
        self = self.without_frames();
        let mut legs = Vec::with_capacity(transcript.legs.len());
        for leg in &transcript.legs {
            let id = self.leg(&leg.name);
            if let Some(extensions) = &leg.open {
                self.open(id, extensions);
            }
            legs.push(id);
        }
        for event in &transcript.events {
            let leg = legs[event.leg];
            match &event.action {
                Action::Bytes(bytes) => self.pieces(leg, event.from, event.time, bytes, |observer| {
                    while let Some(diagnosis) = observer.poll_settled() {
                        observer.diagnosed(diagnosis.compute());
                    }
                }),
                Action::Eof => self.eof(leg, event.from, event.time),
                Action::Reset => self.reset(leg, event.from, event.time),
                Action::Gap(bytes) => self.gap(leg, event.from, event.time, *bytes),
            }
        }
        self.finish()
    }

    /// The recording lacks the next `bytes` bytes of one side; with 0, nobody knows how many.
    ///
    /// Nothing is concluded from what may be among them. A gap before the end of the handshake says that the recording
    /// starts in the middle of the connection: then the first frame is searched for, and the extensions are unknown.
    pub fn gap(&mut self, leg: LegId, from: Role, time: Option<Duration>, bytes: u64) {
        let at = self.moment(time);
        self.leg_mut(leg.0).gap(from, at, bytes);
        self.take(leg.0);
    }

    /// An endpoint says that this side broke a rule, and the recording lacks the bytes: a browser's log, for example. What
    /// the bytes show themselves is not reported twice.
    pub fn told(&mut self, leg: LegId, from: Role, time: Option<Duration>, rule: Rule) {
        let known = self.known.iter().any(|known| known.leg == leg.0 && known.finding.rule == Some(rule));
        if !known {
            let at = self.moment(time);
            self.leg_mut(leg.0).broken_by_end(from, rule, Detail::Words("the other side says so"), at);
            // What the bytes cannot show, an endpoint's word can.
            let supports = std::mem::replace(&mut self.supports, |_| true);
            let before = self.known.len();
            self.take(leg.0);
            self.supports = supports;
            for known in &mut self.known[before..] {
                known.causes = Causes::Unsearchable;
            }
        }
    }

    /// One side of a leg closed its direction.
    pub fn eof(&mut self, leg: LegId, from: Role, time: Option<Duration>) {
        self.end(leg, from, time, How::Eof);
    }

    /// One side of a leg reset the connection.
    pub fn reset(&mut self, leg: LegId, from: Role, time: Option<Duration>) {
        self.end(leg, from, time, How::Reset);
    }

    /// The next observation. If the caller does not poll, the last few thousand are kept.
    pub fn poll_observed(&mut self) -> Option<Observed> {
        match self.queue.pop_front()? {
            Queued::Seen(observed) => Some(observed),
            Queued::Finding(index) => Some(Observed::Finding(Box::new(self.diagnosis(index)))),
        }
    }

    /// A finding after which enough bytes followed: search for its causes now, because the bytes around it are dropped
    /// later. Pass the result to [`Observer::diagnosed`].
    pub fn poll_settled(&mut self) -> Option<Diagnosis> {
        let index = self.known.iter().position(|known| {
            let end = self.legs[known.leg].dir(known.stream).window.end();
            known.causes == Causes::Open && known.finding.offset.saturating_add(SETTLED) < end
        })?;
        self.known[index].causes = Causes::GivenOut;
        Some(self.diagnosis(index))
    }

    /// Takes the result of a diagnosis of [`Observer::poll_settled`].
    pub fn diagnosed(&mut self, finding: Finding) {
        if let Some(known) = self.known.get_mut(finding.index)
            && known.causes == Causes::GivenOut
        {
            known.causes = Causes::Settled;
            known.finding = finding;
        }
    }

    /// Steps that the searches for causes have taken or reserved; a step is mostly a byte that they read. The limit is
    /// 32 Mi steps for all findings together, and 4 Mi more for the one that explains the end.
    pub fn steps(&self) -> u64 {
        self.budget.spent()
    }

    fn diagnosis(&mut self, index: usize) -> Diagnosis {
        self.look_back();
        let known = &self.known[index];
        Diagnosis {
            legs: Arc::clone(&self.legs),
            leg: known.leg,
            stream: known.stream,
            finding: known.finding.clone(),
            work: (index < SEARCHED).then(|| self.budget.allot()),
        }
    }

    /// Lets whoever explains something look back.
    fn look_back(&mut self) {
        if self.legs.iter().any(Leg::is_apart) {
            Arc::make_mut(&mut self.legs).iter_mut().for_each(Leg::look_back);
        }
    }

    fn leg_mut(&mut self, leg: usize) -> &mut Leg {
        &mut Arc::make_mut(&mut self.legs)[leg]
    }

    fn end(&mut self, leg: LegId, from: Role, time: Option<Duration>, how: How) {
        let at = self.moment(time);
        self.leg_mut(leg.0).end(from, how, at);
        self.take(leg.0);
        self.ended.get_or_insert(Ended { by: from, how, code: None, reason: None });
    }

    fn moment(&mut self, time: Option<Duration>) -> Moment {
        self.step += 1;
        Moment { step: self.step, time }
    }

    fn take(&mut self, leg: usize) {
        let mut seen = std::mem::take(&mut self.leg_mut(leg).seen);
        for Seen { stream, event, at } in seen.drain(..) {
            let finding = match event {
                LegEvent::Head(text) => {
                    let head = Observed::Head { leg: LegId(leg), from: stream, time: at.time, text };
                    self.enqueue(Queued::Seen(head));
                    continue;
                }
                LegEvent::Frame(frame) => {
                    self.enqueue(Queued::Seen(Observed::Frame {
                        leg: LegId(leg),
                        from: stream,
                        time: frame.at.time,
                        offset: frame.offset,
                        header: frame.header,
                        payload: frame.preview,
                        number: frame.number,
                    }));
                    continue;
                }
                LegEvent::Broken(violation) if !(self.supports)(Some(violation.rule)) => continue,
                LegEvent::Refused(_) | LegEvent::Declined(..) if !(self.supports)(None) => continue,
                LegEvent::Broken(violation) if self.is_enough(leg, stream, Some(violation.rule)) => continue,
                LegEvent::Refused(_) | LegEvent::Declined(..) if self.is_enough(leg, stream, None) => {
                    continue;
                }
                LegEvent::Broken(violation) => {
                    self.look_back();
                    finding::broken(&self.legs[leg], violation, at)
                }
                LegEvent::Refused(close) => {
                    self.look_back();
                    finding::refused(&self.legs[leg], stream, &close, at)
                }
                LegEvent::Declined(close, refusal) => {
                    self.look_back();
                    finding::declined(&self.legs[leg], stream, &close, refusal, at)
                }
            };
            if let Some(request) = consequence::rejects(&self.known, &finding, leg, stream) {
                self.known[request].rejected.get_or_insert(leg);
                continue;
            }
            self.know(finding, leg, stream);
            self.enqueue(Queued::Finding(self.known.len() - 1));
        }
        // Its memory serves again.
        self.leg_mut(leg).seen = seen;
        self.note_end();
    }

    fn know(&mut self, mut finding: Finding, leg: usize, stream: Role) {
        finding.index = self.known.len();
        finding.consequence = consequence(&self.known, &finding, leg, stream);
        self.known.push(Known { finding, leg, stream, causes: Causes::Open, rejected: None });
    }

    /// Counts a finding. Returns whether there are enough findings like it already.
    fn is_enough(&mut self, leg: usize, stream: Role, rule: Option<Rule>) -> bool {
        if self.judging == Judging::UntilFirstEnforced && self.explaining().is_some() {
            return true;
        }
        let alike = self.alike.entry((leg, stream, rule)).or_default();
        *alike += 1;
        *alike > ALIKE || self.known.len() >= FINDINGS
    }

    /// Records how the connection ended: by the first Close frame on any leg.
    fn note_end(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let closes = self.legs.iter().flat_map(|leg| {
            [Role::Client, Role::Server]
                .into_iter()
                .filter_map(|role| Some((role, leg.dir(role).frames.as_ref()?.close.as_ref()?)))
        });
        if let Some((by, close)) = closes.min_by_key(|(_, close)| close.at.step) {
            let CloseSeen { code, reason, .. } = close;
            let reason = Some(reason.clone()).filter(|reason| !reason.is_empty());
            self.ended = Some(Ended { by, how: How::Close, code: *code, reason });
        }
    }

    fn enqueue(&mut self, queued: Queued) {
        if self.queue.len() == QUEUE {
            self.queue.pop_front();
        }
        self.queue.push_back(queued);
    }
}

/// Diagnoses a recorded connection.
pub fn diagnose(transcript: &Transcript) -> Connection {
    Observer::new(Endpoints::UNKNOWN).replay(transcript)
}
