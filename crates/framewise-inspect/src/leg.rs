//! One leg of a connection: two directions, from the first byte of the handshake to the end of both streams.

use std::time::Duration;

use framewise_proto::extension::{DeflateParameters, Extension, PERMESSAGE_DEFLATE, parse_extensions};
use framewise_proto::{Detail, Violation};
use framewise_rules::{Answer, Role, Rule};

use crate::endpoints::Endpoints;
use crate::frames::{Frames, Moment, Signal};
use crate::heads::{RequestSeen, ResponseSeen};
use crate::http2::Http2;
use crate::keep::Keep;
use crate::report::How;
use crate::waiting::{Passed, Pings};
use crate::window::Window;

/// What a direction's next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The head of the handshake.
    Head,
    /// Frames, after the head.
    AfterHead,
    /// Not, or no longer, a WebSocket.
    NotWebSocket,
}

/// One side's stream.
#[derive(Clone, Debug)]
pub(crate) struct Direction {
    pub(crate) window: Window,
    pub(crate) stage: Stage,
    pub(crate) frames: Option<Frames>,
    pub(crate) end: Option<(How, Moment)>,
    /// When bytes arrived last.
    pub(crate) last: Option<Moment>,
    /// This side's frames broke an enforced rule.
    pub(crate) broken: bool,
    /// This side broke a rule after which its peer may drop the connection, in the handshake or in a frame.
    pub(crate) given_up: bool,
    pub(crate) pings: Pings,
    /// The recording lacks some of its bytes.
    pub(crate) gaps: bool,
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
            gaps: false,
        }
    }

    /// Whether what it sent last may be missing from the recording.
    pub(crate) fn is_blind(&self) -> bool {
        self.gaps && self.frames.as_ref().is_none_or(|frames| frames.is_lost(&self.window))
    }

    /// Whether this side sent a Close frame.
    pub(crate) fn closed(&self) -> bool {
        self.frames.as_ref().is_some_and(|frames| frames.close.is_some())
    }
}

/// Something that was seen on a leg.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The side whose stream it was seen in.
    pub(crate) stream: Role,
    pub(crate) event: LegEvent,
    pub(crate) at: Moment,
}

/// What was seen.
#[derive(Clone, Debug)]
pub(crate) enum LegEvent {
    /// The side whose stream it is broke a rule.
    Broken(Violation),
    /// This Close frame refuses bytes of the other side that are all legal.
    Refused(crate::frames::CloseSeen),
    /// This Close frame has a code with which the application refuses to go on.
    Declined(crate::frames::CloseSeen, crate::application::Refusal),
    /// A complete head.
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
    /// Early bytes of the client were reported.
    pub(crate) early: bool,
    pub(crate) passed: Passed,
    pub(crate) http2: Http2,
    keep: Keep,
    /// What was seen and not taken.
    pub(crate) seen: Vec<Seen>,
}

impl Leg {
    pub(crate) fn new(name: &str, endpoints: Endpoints, keep: Keep) -> Self {
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
            http2: Http2::No,
            keep,
            seen: Vec::new(),
        }
    }

    /// What is kept from the next message on.
    pub(crate) fn keep(&mut self, keep: Keep) {
        self.keep = keep;
        for dir in [&mut self.client, &mut self.server] {
            if let Some(frames) = &mut dir.frames {
                frames.keep(keep);
            }
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

    /// Begins after a handshake that agreed these extensions.
    pub(crate) fn open(&mut self, extensions: &str) {
        self.opened = Some(extensions.to_owned());
        let agreed = parse_extensions(extensions).unwrap_or_default();
        self.begin_frames(&agreed, 0, 0);
    }

    /// The handshake is done: frames begin at these offsets.
    pub(crate) fn begin_frames(&mut self, agreed: &[Extension], client: u64, server: u64) {
        let deflate = agreed.iter().find(|extension| extension.name == PERMESSAGE_DEFLATE);
        // If the answer breaks a rule, assume what its server meant.
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
            let frames = Frames::new(role, &self.endpoints, base, parameters, self.keep);
            let dir = self.dir_mut(role);
            if base >= dir.window.start() || dir.gaps {
                dir.frames = Some(frames);
                if base < dir.window.start()
                    && let Some(frames) = &mut dir.frames
                {
                    frames.gap(&dir.window);
                }
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

    /// Reads the next bytes of a side.
    pub(crate) fn bytes(&mut self, from: Role, at: Moment, bytes: &[u8]) {
        self.passes(at);
        self.deadlines(at);
        let http2 = self.http2.is_read();
        let dir = self.dir_mut(from);
        let unread = match &dir.frames {
            Some(frames) if !http2 => frames.unread(),
            Some(_) | None => dir.window.start(),
        };
        dir.window.push(bytes, unread);
        dir.last = Some(at);
        if let Some(frames) = &mut dir.frames {
            frames.go_on();
        }
        if dir.stage == Stage::Head && self.opened.is_none() {
            match from {
                Role::Client => self.read_request(at, bytes),
                Role::Server => self.read_first_answer(at, bytes),
            }
        }
        self.read_streams(from, at);
        self.early_data(at);
        self.advance(from, at);
    }

    /// Whether [`Leg::look_back`] has something to do.
    pub(crate) const fn is_apart(&self) -> bool {
        self.client.window.is_apart() || self.server.window.is_apart()
    }

    /// Puts what was read into one piece, for whoever explains something.
    pub(crate) fn look_back(&mut self) {
        self.client.window.join();
        self.server.window.join();
    }

    /// Reads the frames that have arrived.
    pub(crate) fn advance(&mut self, from: Role, at: Moment) {
        self.read(from, at, Frames::advance);
    }

    /// The stream of this side has ended.
    pub(crate) fn flush(&mut self, from: Role, at: Moment) {
        self.read(from, at, Frames::finish);
    }

    /// The peer of this side reacts, with a Close or the end of its stream: first judges what it reacts to.
    pub(crate) fn judge(&mut self, side: Role, at: Moment) {
        // The peer has not seen bytes of the same step: in that case its own early frames are read.
        if self.dir(side).last.is_none_or(|last| last.step != at.step) {
            self.read(side, at, Frames::judge);
        }
    }

    fn read(&mut self, from: Role, at: Moment, read: fn(&mut Frames, &Window, Moment)) {
        let dir = self.dir_mut(from);
        if let Some(frames) = &mut dir.frames {
            read(frames, &dir.window, at);
            if frames.signals.is_empty() {
                return;
            }
            let mut signals = std::mem::take(&mut frames.signals);
            self.signals(from, signals.drain(..), at);
            // Its memory serves again.
            if let Some(frames) = &mut self.dir_mut(from).frames
                && frames.signals.is_empty()
            {
                frames.signals = signals;
            }
        }
    }

    fn signals(&mut self, from: Role, signals: impl Iterator<Item = Signal>, at: Moment) {
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

    /// Records that a side broke a rule.
    pub(crate) fn broken(&mut self, violation: Violation, at: Moment) {
        let dir = self.dir_mut(violation.by);
        let enforced = violation.answer() != Answer::Note;
        let in_frames = violation.frame > 0 || violation.rule == Rule::ResponseExtraBytes;
        dir.broken |= enforced && in_frames;
        // Bytes after a Close that also break another rule are not a frame.
        let no_frame = violation.rule == Rule::FrameAfterClose
            && violation.also.iter().any(|rule| rule.answer() != Answer::Note);
        dir.given_up |= enforced || no_frame;
        self.seen.push(Seen { stream: violation.by, event: LegEvent::Broken(violation), at });
    }

    /// Records that a side broke a rule by ending its stream here, or by its silence.
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
