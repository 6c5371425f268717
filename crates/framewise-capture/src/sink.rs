//! What a reader gives out: connections, and what happened in them, in the order of the recording.

use std::time::Duration;

use framewise_rules::{Role, Rule};
use framewise_transcript::{Action, Event, Leg, Transcript};

/// A connection that a recording holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its number in the recording, from 1.
    pub number: u64,
    /// The client's address, where the recording has it.
    pub client: Option<String>,
    /// The server's address, where the recording has it.
    pub server: Option<String>,
    /// Its legs.
    pub legs: Vec<Leg>,
    /// How much of what was sent the recording has.
    pub source: Source,
    /// What an endpoint says itself about the other one, in a recording without the bytes.
    pub told: Vec<Told>,
}

/// An endpoint's own word that the other one broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The side that broke it.
    pub from: Role,
    /// The rule.
    pub rule: Rule,
}

/// How much of what was sent a recording has: findings about the rest would be invented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// Every byte.
    #[default]
    Bytes,
    /// The header fields of frames, masks included, without payloads and the forms of lengths.
    Headers,
    /// The frames as an endpoint understood them: no masks, RSV bits or forms of lengths, nor what it refused.
    Frames,
    /// Messages: what the frames were is not known, nor are there control frames.
    Messages,
}

/// What one side of a leg did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'b> {
    /// It sent these bytes.
    Bytes(&'b [u8]),
    /// It sent this many bytes that the recording lacks; 0 where nobody knows how many, as at a start in the middle of the
    /// connection.
    Gap(u64),
    /// It closed its direction (FIN).
    Eof,
    /// It reset the connection (RST).
    Reset,
}

impl<'b> Act<'b> {
    /// What an event of a transcript says.
    pub(crate) fn of(action: &'b Action) -> Self {
        match action {
            Action::Bytes(bytes) => Self::Bytes(bytes),
            Action::Gap(bytes) => Self::Gap(*bytes),
            Action::Eof => Self::Eof,
            Action::Reset => Self::Reset,
        }
    }

    /// The same with bytes of its own.
    pub(crate) fn to_action(self) -> Action {
        match self {
            Self::Bytes(bytes) => Action::Bytes(bytes.to_vec()),
            Self::Gap(bytes) => Action::Gap(bytes),
            Self::Eof => Action::Eof,
            Self::Reset => Action::Reset,
        }
    }
}

/// Something that happened in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened<'b> {
    /// An index into [`About::legs`].
    pub leg: usize,
    /// The side that acted.
    pub from: Role,
    /// The time since the start of the recording.
    pub time: Option<Duration>,
    /// What it did.
    pub act: Act<'b>,
}

/// Takes what a reader finds. Several connections may be open at once.
pub trait Sink {
    /// A connection begins.
    fn begin(&mut self, about: &About);

    /// The connection of this number has another leg, after those of [`About::legs`]: the file names it late.
    fn leg(&mut self, _connection: u64, _leg: &Leg) {}

    /// Something happened in the connection of this number.
    fn happened(&mut self, connection: u64, happened: Happened<'_>);

    /// An endpoint says that the other one broke a rule.
    fn told(&mut self, _connection: u64, _told: Told) {}

    /// Nothing more will happen in the connection of this number.
    fn over(&mut self, connection: u64);
}

impl Source {
    /// Whether this source can show that a rule was broken; `None` stands for a finding without a rule.
    pub fn supports(self, rule: Option<Rule>) -> bool {
        match self {
            Self::Bytes => true,
            Self::Headers => {
                frames_support(rule)
                    || matches!(rule, Some(Rule::MaskMissing | Rule::MaskPresent | Rule::Rsv1Unnegotiated))
            }
            Self::Frames => frames_support(rule),
            Self::Messages => messages_support(rule),
        }
    }
}

/// Header fields are shown, masks and the ends of TCP are not.
fn frames_support(rule: Option<Rule>) -> bool {
    let Some(rule) = rule else { return false };
    !matches!(
        rule,
        Rule::Rsv1Unnegotiated
            | Rule::MaskMissing
            | Rule::MaskPresent
            | Rule::MaskKeyPredictable
            | Rule::LengthNotMinimal16
            | Rule::LengthNotMinimal64
            | Rule::LengthTopBit
            | Rule::HeaderTruncated
            | Rule::PayloadTruncated
            | Rule::CloseTcpLingering
            | Rule::CloseMissing
            | Rule::RequestEarlyData
            | Rule::ResponseEarlyData
            | Rule::ResponseExtraBytes
    )
}

/// Only messages are shown, and sometimes a Close.
fn messages_support(rule: Option<Rule>) -> bool {
    let Some(rule) = rule else { return false };
    frames_support(Some(rule))
        && !matches!(
            rule,
            Rule::PingUnanswered
                | Rule::PongMismatched
                | Rule::CloseUnanswered
                | Rule::CloseCodeNotEchoed
                | Rule::CloseTimeout
                | Rule::IdleTimeout
                | Rule::DeflateDataInvalid
                | Rule::DeflateWindowViolated
                | Rule::DeflateContextMismatch
                | Rule::ContinuationOrphan
                | Rule::DataInterleaved
                | Rule::FrameAfterClose
        )
}

/// Collects connections as transcripts, up to a bound of bytes.
#[derive(Debug, Default)]
pub struct Transcripts {
    connections: Vec<(About, Transcript)>,
}

impl Transcripts {
    /// The connections, in the order in which they began.
    pub fn into_connections(self) -> Vec<(About, Transcript)> {
        self.connections
    }

    fn get(&mut self, connection: u64) -> Option<&mut (About, Transcript)> {
        self.connections.iter_mut().rfind(|(about, _)| about.number == connection)
    }
}

impl Sink for Transcripts {
    fn begin(&mut self, about: &About) {
        let transcript = Transcript { legs: about.legs.clone(), events: Vec::new() };
        self.connections.push((about.clone(), transcript));
    }

    fn leg(&mut self, connection: u64, leg: &Leg) {
        if let Some((about, transcript)) = self.get(connection) {
            about.legs.push(leg.clone());
            transcript.legs.push(leg.clone());
        }
    }

    fn happened(&mut self, connection: u64, happened: Happened<'_>) {
        let Some((_, transcript)) = self.get(connection) else { return };
        let line = transcript.events.len() + 1;
        let Happened { leg, from, time, act } = happened;
        transcript.events.push(Event { line, time, leg, from, action: act.to_action() });
    }

    fn over(&mut self, _connection: u64) {}
}

/// Gives a complete transcript to a sink.
pub(crate) fn play(transcript: &Transcript, about: &About, sink: &mut dyn Sink) {
    sink.begin(about);
    for event in &transcript.events {
        let act = Act::of(&event.action);
        let happened = Happened { leg: event.leg, from: event.from, time: event.time, act };
        sink.happened(about.number, happened);
    }
    for told in &about.told {
        sink.told(about.number, *told);
    }
    sink.over(about.number);
}
