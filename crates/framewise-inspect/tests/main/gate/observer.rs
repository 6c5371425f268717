//! A transcript judged by the observer of both directions.

use framewise_inspect::{Connection, Endpoints, Observer};
use framewise_rules::{Rule, Setup};
use framewise_transcript::{Action, Event, Transcript};

use super::endpoint::{Cut, bytes};

pub(crate) fn observe(transcript: &Transcript, setup: &Setup) -> Connection {
    Observer::new(Endpoints::from(*setup)).replay(transcript)
}

/// Every rule that was found, with its offset, in order.
pub(crate) fn judge(transcript: &Transcript, setup: &Setup, cut: Cut) -> Vec<(Rule, u64)> {
    let pieces = |event: &Event| -> Vec<Event> {
        let Action::Bytes(_) = event.action else { return vec![event.clone()] };
        let pieces = cut.pieces(bytes(event)).into_iter();
        pieces.map(|piece| Event { action: Action::Bytes(piece.to_vec()), ..event.clone() }).collect()
    };
    let events = transcript.events.iter().flat_map(pieces).collect();
    let connection = observe(&Transcript { legs: transcript.legs.clone(), events }, setup);
    connection.findings.iter().filter_map(|finding| Some((finding.rule?, finding.offset))).collect()
}
