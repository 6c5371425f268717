//! What became of the cases of each client, for a client that asks before the reports are written.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::case::Case;
use crate::verdict::Verdict;

/// The cases of all clients.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    cases: Mutex<BTreeMap<(String, usize), Outcome>>,
    changed: Notify,
}

#[derive(Clone, Debug)]
enum Outcome {
    Runs,
    Done {
        /// Autobahn's word for what came back.
        word: &'static str,
        /// What the page shows of a case that did not pass.
        failure: Option<Value>,
    },
}

impl Outcomes {
    /// A client begins with a case, perhaps again.
    pub(super) fn begins(&self, agent: &str, index: usize) {
        self.set(agent, index, Outcome::Runs);
    }

    /// A case is done.
    pub(super) fn done(&self, agent: &str, index: usize, case: &Case, verdict: &Verdict) {
        let failure = (!verdict.passed()).then(|| {
            json!({
                "name": case.name,
                "behaviour": verdict.behaviour.id(),
                "close": verdict.closing.id(),
                "says": verdict.says,
            })
        });
        self.set(agent, index, Outcome::Done { word: crate::autobahn::behaviour(case, verdict), failure });
        self.changed.notify_waiters();
    }

    fn set(&self, agent: &str, index: usize, outcome: Outcome) {
        if let Ok(mut cases) = self.cases.lock() {
            cases.insert((agent.to_owned(), index), outcome);
        }
    }

    /// Autobahn's word for a case, once it is done; `None` where that takes longer than `limit`.
    pub(super) async fn word(&self, agent: &str, index: usize, limit: Duration) -> Option<&'static str> {
        self.until(limit, || {
            let cases = self.cases.lock().ok()?;
            match cases.get(&(agent.to_owned(), index))? {
                Outcome::Done { word, .. } => Some(*word),
                Outcome::Runs => None,
            }
        })
        .await
    }

    /// Waits until each case that the client has begun is done, for so long at the most: a client sees the end of a
    /// connection before this end has judged it.
    pub(super) async fn settle(&self, agent: &str, limit: Duration) {
        let done = || (!self.of(agent).iter().any(|outcome| matches!(outcome, Outcome::Runs))).then_some(());
        self.until(limit, done).await;
    }

    /// How many cases of a client are done, how many passed, and those that did not.
    pub(super) fn summary(&self, agent: &str) -> Value {
        let outcomes = self.of(agent);
        let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
        let failed: Vec<_> = outcomes
            .into_iter()
            .filter_map(|outcome| match outcome {
                Outcome::Done { failure, .. } => failure,
                Outcome::Runs => None,
            })
            .collect();
        json!({ "cases": done, "passed": done - failed.len(), "failed": failed })
    }

    fn of(&self, agent: &str) -> Vec<Outcome> {
        let Ok(cases) = self.cases.lock() else { return Vec::new() };
        let cases = cases.range((agent.to_owned(), 0)..=(agent.to_owned(), usize::MAX));
        cases.map(|(_, outcome)| outcome.clone()).collect()
    }

    async fn until<T>(&self, limit: Duration, found: impl Fn() -> Option<T>) -> Option<T> {
        let wait = async {
            loop {
                // Before the look: what changes after it wakes this.
                let changed = self.changed.notified();
                match found() {
                    Some(found) => return found,
                    None => changed.await,
                }
            }
        };
        timeout(limit, wait).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Behaviour, Closing};

    #[tokio::test(start_paused = true)]
    async fn a_summary_waits_for_the_cases_of_its_client_alone() {
        let (cases, limit) = (crate::cases::all(), Duration::from_secs(9));
        let verdict = |behaviour| Verdict::not_run(behaviour, Closing::None, "seen");
        let outcomes = Outcomes::default();
        for index in 0..3 {
            outcomes.begins("a", index);
        }
        outcomes.begins("b", 0);
        outcomes.done("a", 0, &cases[0], &verdict(Behaviour::Ok));
        outcomes.done("a", 1, &cases[1], &verdict(Behaviour::Failed));
        let last = async {
            tokio::task::yield_now().await;
            assert_eq!(outcomes.summary("a")["cases"], 2, "the third runs");
            outcomes.done("a", 2, &cases[2], &verdict(Behaviour::Unsupported));
        };
        tokio::join!(outcomes.settle("a", limit), last);
        let summary = outcomes.summary("a");
        assert_eq!((&summary["cases"], &summary["passed"]), (&3.into(), &2.into()));
        let failed = json!([{"name": cases[1].name, "behaviour": "failed", "close": "none", "says": "seen"}]);
        assert_eq!(summary["failed"], failed);
        assert_eq!(outcomes.word("a", 0, limit).await, Some("OK"));
        // One that is never done is waited for no longer than so.
        outcomes.settle("b", limit).await;
        assert_eq!(outcomes.word("b", 0, limit).await, None);
        assert_eq!(outcomes.summary("c")["cases"], 0);
    }
}
