//! How far a connection came: `data/stages.txt`.
//!
//! A close code was received over an open connection; a status refused a handshake. What a text shows of the one speaks
//! against the causes of the other.

use framewise_rules::{Cause, Rule};

use crate::find::Match;
use crate::reading::Speaks;
use crate::table::{Message, Named, TABLE};
use crate::vocabulary::{Row, VOCABULARY};

/// When a cause acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It keeps the connection from opening.
    Before,
    /// It ends or disturbs an open connection.
    Open,
}

/// What a text shows of both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    before: f64,
    open: f64,
}

/// What words, a message, a code or a status show.
const WORDS: f64 = 0.6;
const MESSAGE: f64 = 1.0;
const NUMBER: f64 = 1.0;
/// What the whole difference counts against a cause of the other time.
const AGAINST: f64 = 1.6;

impl Shown {
    fn raise(&mut self, stage: Stage, by: f64) {
        match stage {
            Stage::Before => self.before = self.before.max(by),
            Stage::Open => self.open = self.open.max(by),
        }
    }

    /// What the words of the description show.
    pub(crate) fn words(&mut self, found: &[Match]) {
        for found in found {
            if let Row::Stage(index) = VOCABULARY.patterns[found.pattern].row {
                self.raise(TABLE.shows[index].0, WORDS);
            }
        }
    }

    /// What a message shows: its rules are all broken before the connection is open, or all after.
    pub(crate) fn message(&mut self, message: &Message, certainty: f64) {
        let mut stages = message.rules.iter().map(|rule| stage_of(*rule));
        let Some(Some(first)) = stages.next() else { return };
        if stages.all(|other| other == Some(first)) {
            self.raise(first, MESSAGE * certainty);
        }
    }

    /// What a number shows.
    pub(crate) fn number(&mut self, speaks: Speaks) {
        match speaks {
            // 1006 is reported of connections that never opened, too.
            Speaks::Code(1006 | 1015) | Speaks::Status(101) => {}
            Speaks::Code(_) => self.raise(Stage::Open, NUMBER),
            Speaks::Status(_) => self.raise(Stage::Before, NUMBER),
            Speaks::Message(_)
            | Speaks::Duration { .. }
            | Speaks::Size { .. }
            | Speaks::Sign(_)
            | Speaks::Software(_)
            | Speaks::Words => {}
        }
    }

    /// What it counts for a cause: never more than zero.
    pub(crate) fn against(&self, cause: Cause) -> f64 {
        let stage = TABLE.stages.iter().find(|(other, _)| *other == cause);
        match stage {
            Some((_, Stage::Before)) => AGAINST * (self.before - self.open).clamp(-1.0, 0.0),
            Some((_, Stage::Open)) => AGAINST * (self.open - self.before).clamp(-1.0, 0.0),
            None => 0.0,
        }
    }
}

/// When a rule is broken; none where it may be at both times.
fn stage_of(rule: Named) -> Option<Stage> {
    let id = rule.id();
    match rule {
        Named::Rule(
            Rule::CloseMissing | Rule::ConnectionReset | Rule::ResponseMissing | Rule::RequestEarlyData,
        ) => None,
        Named::OverHttp2(_) => Some(Stage::Before),
        Named::Rule(_) if id.starts_with("request-") || id.starts_with("response-") => Some(Stage::Before),
        Named::Rule(_) if id.starts_with("deflate-") || id.starts_with("extension-") => None,
        Named::Rule(_) => Some(Stage::Open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_connection_speaks_against_what_keeps_one_from_opening() {
        let mut shown = Shown::default();
        assert!(shown.against(Cause::ServerUnreachable).abs() < f64::EPSILON);
        shown.number(Speaks::Code(1006));
        assert_eq!(shown, Shown::default());
        shown.number(Speaks::Code(1005));
        assert!(shown.against(Cause::ServerUnreachable) < -1.0);
        assert!(shown.against(Cause::KeepaliveTimeout).abs() < f64::EPSILON);
        // Where both are shown, neither is excluded.
        shown.number(Speaks::Status(502));
        assert!(shown.against(Cause::ServerUnreachable).abs() < f64::EPSILON);
    }

    #[test]
    fn a_refused_handshake_speaks_against_what_ends_an_open_connection() {
        let mut shown = Shown::default();
        shown.number(Speaks::Status(404));
        assert!(shown.against(Cause::KeepaliveTimeout) < -1.0);
        assert!(shown.against(Cause::NotAWebsocketEndpoint).abs() < f64::EPSILON);
        // A cause that acts at both times.
        assert!(shown.against(Cause::AuthenticationRequired).abs() < f64::EPSILON);
    }
}
