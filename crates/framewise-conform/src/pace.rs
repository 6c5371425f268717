//! How long to wait for an endpoint.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::case::{Case, Due, Work};
use crate::run::Wait;
use crate::verdict::{Behaviour, Closing, Verdict};

/// However slow the endpoint is, nothing is waited for longer than so.
const MOST_PATIENCE: Duration = Duration::from_secs(30);
/// The part of the patience that a peer may take at the least to fail a frame of which the rest is held back.
const SLOW: u32 = 16;

/// How long to wait for the endpoint under test, by how long it has taken before: a busy machine makes no case fail.
#[derive(Debug)]
pub struct Pace {
    least: Duration,
    slowest: AtomicU64,
    /// Whether the endpoint sends messages back, as far as is known.
    echoes: AtomicBool,
    /// It took no connection for as long as it had to return.
    gone: AtomicBool,
    /// How often it failed a frame of which the rest was held back, by the rule: at once, and not.
    held_back: Mutex<BTreeMap<&'static str, (u32, u32)>>,
}

impl Pace {
    /// To wait so long at the least.
    pub const fn new(least: Duration) -> Self {
        Self {
            least,
            slowest: AtomicU64::new(0),
            echoes: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            held_back: Mutex::new(BTreeMap::new()),
        }
    }

    /// Whether a verdict may be one about the machine: the endpoint did not fail a frame before its rest came, and did so in most
    /// of the cases of the same rule. No event tells that it has read what was sent, and waits for the rest.
    pub(crate) fn doubts(&self, case: &Case, verdict: &Verdict) -> bool {
        let Some(rule) = case.rule else { return false };
        if !matches!(&case.work, Work::Frames { due: Due::Fail { late, .. }, .. } if !late.is_empty()) {
            return false;
        }
        let slow = match verdict.behaviour {
            Behaviour::Ok => false,
            Behaviour::NonStrict => true,
            Behaviour::Informational
            | Behaviour::Unsupported
            | Behaviour::Blocked { .. }
            | Behaviour::Failed => return false,
        };
        let Ok(mut held_back) = self.held_back.lock() else { return false };
        let (prompt, late) = held_back.entry(rule.id()).or_default();
        *(if slow { &mut *late } else { &mut *prompt }) += 1;
        // The first of a rule is tried again, too: it tells nothing of the others yet.
        slow && *late <= *prompt + 1
    }

    pub(crate) fn answered(&self, took: Duration) {
        self.slowest.fetch_max(took.as_millis() as u64, Ordering::Relaxed);
    }

    pub(crate) fn echo(&self, echoes: bool) {
        self.echoes.store(echoes, Ordering::Relaxed);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(crate) fn gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::Relaxed);
    }

    /// A case that came to its end shows how long answers take, and whether messages come back.
    pub(crate) fn ran(&self, case: &Case, verdict: &Verdict) {
        if case.needs.echo && verdict.behaviour == Behaviour::Ok {
            self.echo(true);
        }
        let prompt = matches!(&case.work, Work::Frames { .. }) && case.mebibytes() == 0;
        if prompt && verdict.behaviour == Behaviour::Ok && verdict.closing == Closing::Clean {
            self.answered(verdict.took / 2);
        }
    }

    /// How long this case waits.
    pub(crate) fn wait(&self, case: &Case) -> Wait {
        let slowest = Duration::from_millis(self.slowest.load(Ordering::Relaxed));
        let patience = (slowest * 10).clamp(self.least, self.least.max(MOST_PATIENCE));
        Wait {
            patience: patience + Duration::from_secs(case.mebibytes()),
            slow: (slowest * 3).clamp(self.least / SLOW, patience.max(self.least)),
            echoes: self.echoes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_mostly_fails_at_once_is_tried_again_where_it_seems_slow() {
        let pace = Pace::new(Duration::from_secs(5));
        let cases = crate::cases::all();
        let waits = |case: &&Case| matches!(&case.work, Work::Frames { due: Due::Fail { late, .. }, .. } if !late.is_empty());
        let case = cases.iter().find(waits).expect("the rest of a frame is held back");
        let verdict = |behaviour| Verdict::not_run(behaviour, Closing::Clean, "");
        let doubts = |behaviour| pace.doubts(case, &verdict(behaviour));
        // A strict one on a busy machine.
        assert!(!doubts(Behaviour::Ok) && doubts(Behaviour::NonStrict) && !doubts(Behaviour::Ok));
        assert!(doubts(Behaviour::NonStrict) && !doubts(Behaviour::Failed));
        // Of one that always waits for the rest, only the first is tried again.
        let other =
            cases.iter().filter(waits).find(|other| other.rule != case.rule).expect("of another rule");
        let doubts = || pace.doubts(other, &verdict(Behaviour::NonStrict));
        assert_eq!([doubts(), doubts(), doubts()], [true, false, false]);
        // What has no rest to come is told by events.
        let plain = cases.iter().find(|case| matches!(&case.work, Work::Frames { due: Due::Answer(_), .. }));
        assert!(!pace.doubts(plain.expect("there are many"), &verdict(Behaviour::NonStrict)));
    }
}
