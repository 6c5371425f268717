//! Cases that others presuppose: where one fails, its fault is not reported again by each of the others.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::case::Case;
use crate::cases::CLOSES;
use crate::verdict::{Behaviour, Closing, Verdict};

/// What failed so far, of what others presuppose.
#[derive(Debug, Default)]
pub(crate) struct Roots(Mutex<BTreeMap<&'static str, Closing>>);

/// The names that a case may presuppose.
const NAMES: [&str; 4] = crate::cases::PRESUPPOSED;

impl Roots {
    /// Notes what failed, and says of what fails whether it is the fault of a case that this one presupposes.
    pub(crate) fn judge(&self, case: &Case, verdict: Verdict) -> Verdict {
        if verdict.passed() {
            return verdict;
        }
        if let (Some(&name), Ok(mut failed)) = (NAMES.iter().find(|&&name| name == case.name), self.0.lock())
        {
            failed.insert(name, verdict.closing);
        }
        // A case that did what is due up to its end, and ends as the plainest closing does.
        let closing = self.0.lock().ok().and_then(|failed| failed.get(CLOSES).copied());
        let only_the_end = matches!(verdict.behaviour, Behaviour::Ok | Behaviour::NonStrict);
        if only_the_end && case.needs.cases.contains(&CLOSES) && closing == Some(verdict.closing) {
            return Verdict { behaviour: Behaviour::Blocked { by: CLOSES.into() }, ..verdict };
        }
        self.blocks(case).map_or_else(
            || verdict.clone(),
            |blocked| Verdict { behaviour: blocked.behaviour, ..verdict.clone() },
        )
    }

    /// The verdict on a case that is not to be run, because one that it presupposes failed.
    pub(crate) fn blocks(&self, case: &Case) -> Option<Verdict> {
        let failed = self.0.lock().ok()?;
        let by = case.needs.cases.iter().find(|&&name| name != CLOSES && failed.contains_key(name))?;
        let behaviour = Behaviour::Blocked { by: (*by).to_owned() };
        Some(Verdict::not_run(behaviour, Closing::None, format!("{by} failed")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(behaviour: Behaviour, closing: Closing) -> Verdict {
        Verdict::not_run(behaviour, closing, "")
    }

    fn named(name: &str) -> Case {
        crate::cases::all().into_iter().find(|case| case.name == name).expect("there is such a case")
    }

    #[test]
    fn what_presupposes_a_failed_case_is_blocked_by_it_and_nothing_else_is() {
        let roots = Roots::default();
        let echo = named("frame/length/text-1");
        let other = named("frame/length/text-125");
        assert!(roots.blocks(&other).is_none());
        roots.judge(&echo, verdict(Behaviour::Failed, Closing::Missing));
        let blocked = roots.blocks(&other).expect("it needs the echo");
        assert_eq!(blocked.behaviour, Behaviour::Blocked { by: echo.name });
        assert!(!blocked.passed());
        assert!(roots.blocks(&named("control/ping/empty")).is_none(), "it needs no echo");
        assert!(roots.blocks(&named("handshake/plain")).is_none());
    }

    #[test]
    fn an_end_that_every_connection_has_is_reported_once() {
        let roots = Roots::default();
        let lingers = || verdict(Behaviour::Ok, Closing::Lingering);
        let root = roots.judge(&named("close/payload/code"), lingers());
        assert_eq!(root.behaviour, Behaviour::Ok);
        let ping = named("control/ping/empty");
        assert_eq!(roots.judge(&ping, lingers()).behaviour, Behaviour::Blocked { by: CLOSES.into() });
        let failed = verdict(Behaviour::Failed, Closing::Lingering);
        assert_eq!(roots.judge(&ping, failed).behaviour, Behaviour::Failed, "that is a fault of its own");
        let dropped = verdict(Behaviour::Ok, Closing::Dropped);
        assert_eq!(roots.judge(&ping, dropped).behaviour, Behaviour::Ok);
    }
}
