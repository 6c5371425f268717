//! One leg of a connection: two directions, from the first byte of the handshake to the end of both streams.

use std::time::Duration;

use framewise_proto::extension::{DeflateParameters, Extension, PERMESSAGE_DEFLATE, parse_extensions};
use framewise_proto::{Detail, Violation};
use framewise_rules::{Answer, Role, Rule};

use crate::endpoints::Endpoints;
use crate::frames::{Frames, Moment, Signal};
use crate::heads::{RequestSeen, ResponseSeen};
use crate::report::How;
use crate::waiting::{Passed, Pings};
use crate::window::Window;

/// How far the reading of a direction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the head of the handshake.
    Head,
    /// After it.
    AfterHead,
    /// It is not, or not any more, a WebSocket.
    NotWebSocket,
}

/// One side's stream.
#[derive(Clone, Debug)]
pub(crate) struct Direction {
    pub(crate) window: Window,
    pub(crate) stage: Stage,
    pub(crate) frames: Option<Frames>,
    pub(crate) end: Option<(How, Moment)>,
    /// When bytes came last.
    pub(crate) last: Option<Moment>,
    /// It broke a rule that is enforced, in its frames.
    pub(crate) broken: bool,
    /// It broke a rule that lets its peer drop the connection, in the handshake or in a frame.
    pub(crate) given_up: bool,
    pub(crate) pings: Pings,
}

impl Direction {
    fn new() -> Self {
        Self {
            window: Window::default(),
            stage: Stage::Head,
            frames: None,
            end: None,
            last: None,
            broken: false,
            given_up: false,
            pings: Pings::default(),
        }
    }

    /// Whether a Close frame went this way.
    pub(crate) fn closed(&self) -> bool {
        self.frames.as_ref().is_some_and(|frames| frames.close.is_some())
    }
}

/// Something that was found on a leg.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Whose stream the offset is of.
    pub(crate) stream: Role,
    pub(crate) event: LegEvent,
    pub(crate) at: Moment,
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) enum LegEvent {
    /// A rule was broken by the side whose stream it is.
    Broken(Violation),
    /// Every byte of the other side is legal, and this Close frame refuses it.
    Refused(crate::frames::CloseSeen),
    /// A head, complete.
    Head(String),
    /// A frame.
    Frame(crate::frames::FrameSeen),
}

#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) name: String,
    pub(crate) endpoints: Endpoints,
    client: Direction,
    server: Direction,
    /// The extensions that were agreed before the recording begins.
    pub(crate) opened: Option<String>,
    pub(crate) request: Option<RequestSeen>,
    pub(crate) response: Option<ResponseSeen>,
    /// When the first thing happened.
    pub(crate) first: Option<Duration>,
    /// When the last thing happened.
    pub(crate) latest: Option<Duration>,
    /// A client's bytes before the 101 were reported.
    pub(crate) early: bool,
    pub(crate) passed: Passed,
    /// What was seen and not taken yet.
    pub(crate) seen: Vec<Seen>,
}

impl Leg {
    pub(crate) fn new(name: &str, endpoints: Endpoints) -> Self {
        Self {
            name: name.to_owned(),
            endpoints,
            client: Direction::new(),
            server: Direction::new(),
            opened: None,
            request: None,
            response: None,
            first: None,
            latest: None,
            early: false,
            passed: Passed::default(),
            seen: Vec::new(),
        }
    }

    pub(crate) const fn dir(&self, role: Role) -> &Direction {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    pub(crate) const fn dir_mut(&mut self, role: Role) -> &mut Direction {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Starts behind a handshake that agreed these extensions.
    pub(crate) fn open(&mut self, extensions: &str) {
        self.opened = Some(extensions.to_owned());
        let agreed = parse_extensions(extensions).unwrap_or_default();
        self.begin_frames(&agreed, 0, 0);
    }

    /// The handshake is done; frames begin at these offsets.
    pub(crate) fn begin_frames(&mut self, agreed: &[Extension], client: u64, server: u64) {
        let deflate = agreed.iter().find(|extension| extension.name == PERMESSAGE_DEFLATE);
        // An answer that breaks a rule is taken for what its server meant by it.
        let deflate = deflate.map(|extension| DeflateParameters::of_answer(extension).unwrap_or_default());
        for (role, base) in [(Role::Client, client), (Role::Server, server)] {
            let parameters = deflate.map(|agreed| match role {
                Role::Client => (
                    agreed.client_max_window_bits.flatten().unwrap_or(15),
                    !agreed.client_no_context_takeover,
                ),
                Role::Server => {
                    (agreed.server_max_window_bits.unwrap_or(15), !agreed.server_no_context_takeover)
                }
            });
            let frames = Frames::new(role, &self.endpoints, base, parameters);
            let dir = self.dir_mut(role);
            if base >= dir.window.start() {
                dir.frames = Some(frames);
                dir.stage = Stage::AfterHead;
            } else {
                dir.stage = Stage::NotWebSocket;
            }
        }
    }

    /// Whether the handshake is done, and frames are read.
    pub(crate) const fn is_open(&self) -> bool {
        self.client.frames.is_some() && self.server.frames.is_some()
    }

    /// The next bytes of a side.
    pub(crate) fn bytes(&mut self, from: Role, at: Moment, bytes: &[u8]) {
        self.passes(at);
        self.deadlines(at);
        let dir = self.dir_mut(from);
        dir.window.push(bytes);
        dir.last = Some(at);
        if let Some(frames) = &mut dir.frames {
            frames.go_on();
        }
        if dir.stage == Stage::Head && self.opened.is_none() {
            match from {
                Role::Client => self.read_request(at, bytes),
                Role::Server => self.read_response(at, bytes),
            }
        }
        self.early_data(at);
        self.advance(from, at);
    }

    /// Reads frames as far as there are any.
    pub(crate) fn advance(&mut self, from: Role, at: Moment) {
        self.read(from, at, Frames::advance);
    }

    /// Nothing more will come from this side.
    pub(crate) fn flush(&mut self, from: Role, at: Moment) {
        self.read(from, at, Frames::finish);
    }

    /// The peer of this side reacts, with a Close or the end of its stream: it reacts to what is judged first.
    pub(crate) fn judge(&mut self, side: Role, at: Moment) {
        // What comes in this very step the peer had not seen: its own frames before the 101 are read then.
        if self.dir(side).last.is_none_or(|last| last.step != at.step) {
            self.read(side, at, Frames::judge);
        }
    }

    fn read(&mut self, from: Role, at: Moment, read: fn(&mut Frames, &Window, Moment)) {
        let dir = self.dir_mut(from);
        if let Some(frames) = &mut dir.frames {
            read(frames, &dir.window, at);
            let signals = std::mem::take(&mut frames.signals);
            self.signals(from, signals, at);
        }
    }

    fn signals(&mut self, from: Role, signals: Vec<Signal>, at: Moment) {
        for signal in signals {
            match signal {
                Signal::Broken(violation) => self.broken(violation, at),
                Signal::Frame(frame) => {
                    self.seen.push(Seen { stream: from, event: LegEvent::Frame(frame), at });
                }
                Signal::Ping { payload, offset } => self.ping(from, payload, offset, at),
                Signal::Pong { payload, offset, frame } => self.pong(from, &payload, offset, frame, at),
                Signal::Close(close) => self.close(from, close, at),
            }
        }
    }

    /// Notes that a side broke a rule.
    pub(crate) fn broken(&mut self, violation: Violation, at: Moment) {
        let dir = self.dir_mut(violation.by);
        let enforced = violation.answer() != Answer::Note;
        let in_frames = violation.frame > 0 || violation.rule == Rule::ResponseExtraBytes;
        dir.broken |= enforced && in_frames;
        // After a Close, what would break a rule before it is no frame.
        let no_frame = violation.rule == Rule::FrameAfterClose
            && violation.also.iter().any(|rule| rule.answer() != Answer::Note);
        dir.given_up |= enforced || no_frame;
        self.seen.push(Seen { stream: violation.by, event: LegEvent::Broken(violation), at });
    }

    /// Notes that a side's stream, as long as it is now, breaks a rule by its end or its silence.
    pub(crate) fn broken_by_end(&mut self, by: Role, rule: Rule, detail: Detail, at: Moment) {
        let dir = self.dir(by);
        let (frame, message) =
            dir.frames.as_ref().map_or((0, 0), |frames| (frames.frames(), frames.messages()));
        let offset = Some(dir.window.end());
        let violation = Violation { rule, by, offset, length: 0, frame, message, detail, also: Vec::new() };
        self.seen.push(Seen { stream: by, event: LegEvent::Broken(violation), at });
    }

    pub(crate) fn passes(&mut self, at: Moment) {
        self.first = self.first.or(at.time);
        self.latest = at.time.or(self.latest);
    }
}
