//! A connection observed while it passes: what each side sent goes to the observer, to the recording, to the terminal.

mod line;
mod recorder;
mod tee;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use framewise_inspect::report::Finding;
use framewise_inspect::{Connection, Endpoints, LegId, Observed, Observer};
use framewise_rules::{Answer, Role};
use framewise_transcript::{Action, Event};

pub(crate) use recorder::Recorder;
pub(crate) use tee::Tee;

use crate::live::Live;
use crate::output::To;
use crate::render::finding::{finding, summary};
use crate::render::style::{FAINT, paint};

/// What is shown of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Show {
    pub(crate) live: Live,
    pub(crate) to: To,
    pub(crate) json: bool,
    /// A line for each frame and head.
    pub(crate) frames: bool,
    /// Every byte of each frame.
    pub(crate) bytes: bool,
    /// The findings about one side alone.
    pub(crate) only: Option<Role>,
    /// How it began and ended.
    pub(crate) summary: bool,
    /// What stands before each line.
    pub(crate) prefix: String,
    pub(crate) width: usize,
    /// Whether a note counts as something found.
    pub(crate) notes_count: bool,
    /// Set when something was found.
    pub(crate) found: Arc<AtomicBool>,
}

/// A connection that is watched, step by step.
#[derive(Debug)]
pub(crate) struct Watch {
    about: About,
    show: Show,
    recorder: Option<Recorder>,
    observer: Observer,
    leg: LegId,
    start: Instant,
    ended: [bool; 2],
    /// Findings that were told already.
    told: usize,
}

/// A finding, with the connection that it belongs to: those of several come between each other.
#[derive(serde::Serialize)]
struct FindingLine<'f> {
    connection: &'f str,
    #[serde(flatten)]
    found: &'f Finding,
}

/// Which connection it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) id: String,
    pub(crate) client: Option<String>,
    pub(crate) server: Option<String>,
}

impl Watch {
    pub(crate) fn new(about: About, show: Show, endpoints: Endpoints, recorder: Option<Recorder>) -> Self {
        let mut observer = Observer::new(endpoints);
        let leg = observer.leg("client-server");
        // Who asks is told from then on.
        let nothing = observer.poll_observed();
        debug_assert!(nothing.is_none(), "there is nothing to see yet");
        Self { about, show, recorder, observer, leg, start: Instant::now(), ended: [false; 2], told: 0 }
    }

    /// Time since the start of the recording.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes in what one side did.
    pub(crate) fn step(&mut self, time: Duration, from: Role, action: Action) {
        let ended = &mut self.ended[usize::from(from == Role::Server)];
        // Only a reset can follow an end.
        if *ended && action != Action::Reset {
            return;
        }
        *ended |= !matches!(action, Action::Bytes(_));
        // What is finer than a microsecond says nothing about a connection.
        let time = Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        let event = Event { line: 0, time: Some(time), leg: 0, from, action };
        if let Some(recorder) = &mut self.recorder
            && let Err(sentence) = recorder.write(&event)
        {
            self.recorder = None;
            self.show.live.sentence(To::Stderr, &format!("framewise: {sentence}"));
        }
        match &event.action {
            Action::Bytes(bytes) => self.observer.bytes(self.leg, from, Some(time), bytes),
            Action::Eof => self.observer.eof(self.leg, from, Some(time)),
            Action::Reset => self.observer.reset(self.leg, from, Some(time)),
        }
        while let Some(diagnosis) = self.observer.poll_settled() {
            self.observer.diagnosed(diagnosis.compute());
        }
        while let Some(observed) = self.observer.poll_observed() {
            self.observed(observed);
        }
    }

    fn observed(&mut self, observed: Observed) {
        match observed {
            Observed::Finding(diagnosis) => {
                self.told += 1;
                self.found(&diagnosis.compute());
            }
            Observed::Head { from, time, text, .. } if self.show.frames => {
                self.chat(&line::head(from, time, &text));
            }
            Observed::Frame { from, time, header, payload, .. } if self.show.frames => {
                let frame = line::Frame { from, time, header, payload: &payload };
                self.chat(&line::frame(&frame, self.show.bytes));
            }
            Observed::Head { .. } | Observed::Frame { .. } | _ => {}
        }
    }

    fn found(&self, found: &Finding) {
        if self.show.only.is_some() && found.by.is_some() && found.by != self.show.only {
            return;
        }
        if self.show.notes_count || found.answer != Some(Answer::Note) {
            self.show.found.store(true, Ordering::Relaxed);
        }
        if !self.show.json {
            self.show
                .live
                .say(self.show.to, format!("{}{}\n", self.show.prefix, finding(found, self.show.width)));
            return;
        }
        self.show.live.json(self.show.to, &FindingLine { connection: &self.about.id, found });
    }

    fn chat(&self, lines: &str) {
        if !self.show.json {
            for line in lines.lines() {
                self.show.live.chat(self.show.to, format!("{}{line}\n", paint(FAINT, &self.show.prefix)));
            }
        }
    }

    /// The connection is over: what it comes to.
    pub(crate) fn finish(self) -> Connection {
        // The fields that are still needed, since the observer's end takes it whole.
        let Self { about, show, observer, told, .. } = self;
        let teller = Self::new(about.clone(), show.clone(), Endpoints::UNKNOWN, None);
        let mut connection = observer.finish();
        // What only the end tells.
        for found in connection.findings.iter().skip(told) {
            teller.found(found);
        }
        connection.id = about.id;
        connection.client = about.client;
        connection.server = about.server;
        if show.json && show.summary {
            show.live.json(show.to, &connection);
        } else if show.summary {
            for line in summary(&connection).lines() {
                show.live.say(show.to, format!("{}{line}\n", paint(FAINT, &show.prefix)));
            }
        }
        connection
    }
}
