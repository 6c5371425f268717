//! A transcript judged by the observer of both directions.

use framewise_inspect::{Endpoints, Observer};
use framewise_rules::{Rule, Setup};
use framewise_transcript::{Action, Transcript};

use super::endpoint::{Cut, bytes};

/// Every rule that was found, with its offset, in order.
pub(crate) fn judge(transcript: &Transcript, setup: &Setup, cut: Cut) -> Vec<(Rule, u64)> {
    let mut observer = Observer::new(Endpoints::from(*setup));
    let legs: Vec<_> = transcript
        .legs
        .iter()
        .map(|leg| {
            let id = observer.leg(&leg.name);
            if let Some(extensions) = &leg.open {
                observer.open(id, extensions);
            }
            id
        })
        .collect();
    for event in &transcript.events {
        let leg = legs[event.leg];
        match event.action {
            Action::Bytes(_) => {
                for piece in cut.pieces(bytes(event)) {
                    observer.bytes(leg, event.from, event.time, piece);
                }
            }
            Action::Eof => observer.eof(leg, event.from, event.time),
            Action::Reset => observer.reset(leg, event.from, event.time),
        }
    }
    let connection = observer.finish();
    connection.findings.iter().filter_map(|finding| Some((finding.rule?, finding.offset))).collect()
}
