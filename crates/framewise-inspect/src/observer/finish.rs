//! The end of a recording: final findings, the remaining searches for causes, and the report.

use std::fmt::Write as _;

use framewise_rules::{Answer, CloseCode, Role, Rule};

use super::{Causes, Known, Observer};
use crate::fault;
use crate::frames::{Frames, Moment};
use crate::leg::Leg;
use crate::report::{Connection, Handshake, Searched};
use crate::verdict::verdict;

impl Observer {
    /// Ends the observation: searches for the remaining causes, and returns the report.
    pub fn finish(mut self) -> Connection {
        let at = self.moment(None);
        self.look_back();
        for leg in 0..self.legs.len() {
            self.leg_mut(leg).over(at);
            self.take(leg);
        }
        self.limit_elsewhere(at);
        // If another finding explains the end, differences between the legs are evidence, not findings.
        if self.explaining().is_none() {
            for found in crate::compare::compare_all(&self.legs) {
                self.know(found.finding, found.leg, found.stream);
            }
        }
        self.search();
        self.answers();
        let mut placed: Vec<_> = self.known.iter_mut().map(|known| (known.leg, &mut known.finding)).collect();
        fault::attribute(&self.legs, &mut placed);
        let (at, findings): (Vec<_>, Vec<_>) =
            self.known.into_iter().map(|known| (known.leg, known.finding)).unzip();
        let placed: Vec<_> = at.iter().copied().zip(&findings).collect();
        let verdict = verdict(&findings, |finding| fault::sender(&self.legs, &placed, finding));
        Connection {
            id: "1".to_owned(),
            client: None,
            server: None,
            legs: self.legs.iter().map(|leg| leg.name.clone()).collect(),
            handshake: self.legs.iter().find_map(handshake),
            verdict,
            findings,
            ended: self.ended,
            steps: self.budget.spent(),
        }
    }

    /// The finding that explains the end.
    pub(super) fn explaining(&self) -> Option<usize> {
        self.known.iter().position(|known| known.finding.answer != Some(Answer::Note))
    }

    /// Searches for the causes of all findings, with everything that was seen. The one that explains the end is first,
    /// and has a budget of its own.
    fn search(&mut self) {
        let explaining = self.explaining();
        let others = (0..self.known.len()).filter(|&index| Some(index) != explaining);
        for index in explaining.into_iter().chain(others) {
            if self.known[index].causes == Causes::Unsearchable {
                continue;
            }
            let mut diagnosis = self.diagnosis(index);
            if Some(index) == explaining {
                diagnosis.work = Some(self.budget.reserve());
            }
            let finding = diagnosis.compute();
            let known = &mut self.known[index];
            // Causes found while the bytes were kept remain.
            let settled = known.causes == Causes::Settled;
            if !(settled && (finding.causes.is_empty() || finding.searched != Searched::Done)) {
                known.finding = finding;
            }
        }
    }

    /// Adds to the findings about a request what the response that rejects it says.
    fn answers(&mut self) {
        for known in &mut self.known {
            let Some(leg) = known.rejected.map(|leg| &self.legs[leg]) else { continue };
            let Some(response) = &leg.response else { continue };
            let status = format!("{} {}", response.response.status, response.reason);
            let sentence =
                crate::body::sentence(leg).map_or_else(String::new, |sentence| format!(": {sentence:?}"));
            let _ = write!(known.finding.says, " The server answers {}{sentence}.", status.trim_end());
        }
    }

    /// Looks for the message before a Close 1009 that no message of its own leg explains: one on another leg, in the
    /// same direction, that was not passed on.
    fn limit_elsewhere(&mut self, at: Moment) {
        let too_big = |known: &Known| known.finding.rule == Some(Rule::MessageTooBig);
        if self.known.iter().any(too_big) {
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
