//! Facts that mean something together, wherever in the text each stands: `data/together.txt`.
//!
//! A 403 is one thing from an application and another from Cloudflare; RSV1 is one thing beside a word about compression and
//! another beside one about two servers.

use framewise_rules::CloseCode;

use crate::reading::{Evidence, Speaks};
use crate::table::Named;
use crate::words::Span;

/// Something that a text may show.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    Status(u64),
    Code(u16),
    Software(&'static str),
    Rule(Named),
    Sign(&'static str),
    /// An index of `Table::phrases`.
    Phrase(usize),
}

/// One condition: any of some facts, or none of them.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) denied: bool,
    pub(crate) any: Vec<Fact>,
}

/// What a text shows.
#[derive(Debug)]
pub(crate) struct Facts<'t> {
    pub(crate) statuses: &'t [crate::facts::Fact],
    pub(crate) codes: &'t [(CloseCode, Vec<Evidence>)],
    pub(crate) software: &'t [(&'static str, Span)],
    pub(crate) rules: &'t [(Named, Vec<Evidence>)],
    pub(crate) signs: &'t [(&'static str, Span)],
    /// By the index of the phrase.
    pub(crate) phrases: &'t [Option<Span>],
}

impl Facts<'_> {
    /// Where the facts of a row are: the place of the last one that is required. None where a condition does not hold.
    pub(crate) fn hold(&self, conditions: &[Condition]) -> Option<Span> {
        let mut last = None;
        for condition in conditions {
            let place = condition.any.iter().find_map(|fact| self.place(*fact));
            match (condition.denied, place) {
                (false, Some(place)) => last = Some(place),
                (true, None) => {}
                (false, None) | (true, Some(_)) => return None,
            }
        }
        last
    }

    fn place(&self, fact: Fact) -> Option<Span> {
        let of = |evidence: &[Evidence]| evidence.first().map(|evidence| evidence.span.clone());
        match fact {
            Fact::Status(status) => {
                self.statuses.iter().find(|other| other.value == status).map(|fact| fact.span.clone())
            }
            Fact::Code(code) => {
                self.codes.iter().find(|(other, _)| other.0 == code).and_then(|(_, all)| of(all))
            }
            Fact::Software(name) => {
                self.software.iter().find(|(other, _)| *other == name).map(|(_, span)| span.clone())
            }
            Fact::Rule(rule) => {
                // A status or a code breaks a rule too, but says less than a message.
                let message = |evidence: &&Evidence| matches!(evidence.speaks, Speaks::Message(_));
                let all = self.rules.iter().find(|(other, _)| *other == rule).map(|(_, all)| all)?;
                all.iter().find(message).map(|evidence| evidence.span.clone())
            }
            Fact::Sign(id) => self.signs.iter().find(|(other, _)| *other == id).map(|(_, span)| span.clone()),
            Fact::Phrase(index) => self.phrases.get(index).cloned().flatten(),
        }
    }
}
