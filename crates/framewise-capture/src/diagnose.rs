//! A sink that diagnoses what it is given.

use std::collections::HashMap;

use framewise_inspect::{Connection, Endpoints, LegId, Observer};
use framewise_rules::Rule;
use framewise_transcript::Leg;

use crate::sink::{About, Act, Happened, Sink, Source, Told};

/// Observes every connection of a recording, and hands out each report when its connection is over.
pub struct Diagnoses<F> {
    open: HashMap<u64, Open>,
    done: F,
}

#[derive(Debug)]
struct Open {
    observer: Observer,
    legs: Vec<LegId>,
    about: About,
}

impl<F: FnMut(Connection)> Diagnoses<F> {
    /// Calls `done` with each connection when it is over.
    pub fn new(done: F) -> Self {
        Self { open: HashMap::new(), done }
    }
}

impl<F: FnMut(Connection)> Sink for Diagnoses<F> {
    fn begin(&mut self, about: &About) {
        let supports: fn(Option<Rule>) -> bool = match about.source {
            Source::Bytes => |_| true,
            Source::Headers => |rule| Source::Headers.supports(rule),
            Source::Frames => |rule| Source::Frames.supports(rule),
            Source::Messages => |rule| Source::Messages.supports(rule),
        };
        let mut observer = Observer::new(Endpoints::UNKNOWN).supporting(supports).without_frames();
        let mut legs = Vec::with_capacity(about.legs.len());
        for leg in &about.legs {
            let id = observer.leg(&leg.name);
            if let Some(extensions) = &leg.open {
                observer.open(id, extensions);
            }
            legs.push(id);
        }
        self.open.insert(about.number, Open { observer, legs, about: about.clone() });
    }

    fn leg(&mut self, connection: u64, leg: &Leg) {
        if let Some(Open { observer, legs, .. }) = self.open.get_mut(&connection) {
            let id = observer.leg(&leg.name);
            if let Some(extensions) = &leg.open {
                observer.open(id, extensions);
            }
            legs.push(id);
        }
    }

    fn happened(&mut self, connection: u64, happened: Happened<'_>) {
        let Some(Open { observer, legs, .. }) = self.open.get_mut(&connection) else { return };
        let Some(&leg) = legs.get(happened.leg) else { return };
        let Happened { from, time, act, .. } = happened;
        match act {
            Act::Bytes(bytes) => {
                // Causes are searched for while the bytes are still kept.
                for piece in bytes.chunks(16 * 1024) {
                    observer.bytes(leg, from, time, piece);
                    while let Some(diagnosis) = observer.poll_settled() {
                        observer.diagnosed(diagnosis.compute());
                    }
                }
            }
            Act::Gap(bytes) => observer.gap(leg, from, time, bytes),
            Act::Eof => observer.eof(leg, from, time),
            Act::Reset => observer.reset(leg, from, time),
        }
    }

    fn told(&mut self, connection: u64, told: Told) {
        if let Some(Open { observer, legs, .. }) = self.open.get_mut(&connection)
            && let Some(&leg) = legs.first()
        {
            observer.told(leg, told.from, None, told.rule);
        }
    }

    fn over(&mut self, connection: u64) {
        let Some(Open { observer, about, .. }) = self.open.remove(&connection) else { return };
        let mut report = observer.finish();
        report.id = about.number.to_string();
        report.client = about.client;
        report.server = about.server;
        (self.done)(report);
    }
}

impl<F> std::fmt::Debug for Diagnoses<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Diagnoses").field("open", &self.open).finish_non_exhaustive()
    }
}
