//! The end of a recording: what only it tells, the causes that are still to be searched for, the report.

use framewise_rules::{Answer, CloseCode, Role, Rule};

use super::{Causes, Known, Observer};
use crate::frames::{Frames, Moment};
use crate::leg::Leg;
use crate::report::{Connection, Handshake, Searched};
use crate::verdict::verdict;

impl Observer {
    /// The recording is over: the report. It searches for the causes that nobody searched for.
    pub fn finish(mut self) -> Connection {
        let at = self.moment(None);
        for leg in 0..self.legs.len() {
            self.leg_mut(leg).over(at);
            self.take(leg);
        }
        self.limit_elsewhere(at);
        // Where something else explains the end, what the legs differ in is evidence for it, and no finding of its own.
        if self.explaining().is_none() {
            for found in crate::compare::compare_all(&self.legs) {
                self.know(found.finding, found.leg, found.stream);
            }
        }
        self.search();
        let findings: Vec<_> = self.known.into_iter().map(|known| known.finding).collect();
        Connection {
            id: "1".to_owned(),
            client: None,
            server: None,
            legs: self.legs.iter().map(|leg| leg.name.clone()).collect(),
            handshake: self.legs.iter().find_map(handshake),
            verdict: verdict(&findings),
            findings,
            ended: self.ended,
            steps: self.budget.spent(),
        }
    }

    /// The finding that explains the end.
    pub(super) fn explaining(&self) -> Option<usize> {
        self.known.iter().position(|known| known.finding.answer != Some(Answer::Note))
    }

    /// Searches for the causes of everything, with all that was seen. The finding that explains the end comes first, and
    /// is searched even where the others left nothing of the budget.
    fn search(&mut self) {
        let explaining = self.explaining();
        let others = (0..self.known.len()).filter(|&index| Some(index) != explaining);
        for index in explaining.into_iter().chain(others) {
            let mut diagnosis = self.diagnosis(index);
            if Some(index) == explaining {
                diagnosis.work = Some(self.budget.reserve());
            }
            let finding = diagnosis.compute();
            let known = &mut self.known[index];
            // What was told while the bytes were there stands.
            let settled = known.causes == Causes::Settled;
            if !(settled && (finding.causes.is_empty() || finding.searched != Searched::Done)) {
                known.finding = finding;
            }
        }
    }

    /// A Close 1009 that no message of its leg explains was passed on, or made up, for one on another leg that goes the
    /// same way and did not come through.
    fn limit_elsewhere(&mut self, at: Moment) {
        let too_big = |known: &Known| known.finding.rule == Some(Rule::MessageTooBig);
        if self.legs.len() < 2 || self.known.iter().any(too_big) {
            return;
        }
        for from in [Role::Client, Role::Server] {
            let told = self
                .legs
                .iter()
                .position(|leg| leg.close_of(from).is_some_and(|close| close.code == Some(CloseCode(1009))));
            let Some(told) = told else { continue };
            let came = self.legs[told].dir(from).frames.as_ref().map_or(0, Frames::messages);
            let larger =
                |leg: &Leg| leg.dir(from).frames.as_ref().is_some_and(|frames| frames.messages() > came);
            if let Some(source) = (0..self.legs.len()).find(|&leg| leg != told && larger(&self.legs[leg])) {
                self.leg_mut(source).inferred_from_message(from, Rule::MessageTooBig, at);
                self.take(source);
            }
        }
    }
}

fn handshake(leg: &Leg) -> Option<Handshake> {
    if let Some(extensions) = &leg.opened {
        let extensions = Some(extensions.clone()).filter(|extensions| !extensions.is_empty());
        return Some(Handshake { status: None, subprotocol: None, extensions });
    }
    let Some(seen) = &leg.response else {
        return leg.request.is_some().then(Handshake::default);
    };
    let list: Vec<_> = seen.headers("sec-websocket-extensions").collect();
    Some(Handshake {
        status: Some(seen.response.status),
        subprotocol: seen.response.protocol.clone(),
        extensions: Some(list.join(", ")).filter(|list| !list.is_empty()),
    })
}
