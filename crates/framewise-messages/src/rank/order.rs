//! What was weighed, in order: which causes are claimed, the likeliest first.

use framewise_rules::Cause;

use super::{About, Candidate, SPOKEN, Weighing};
use crate::find::How;
use crate::reading::{Evidence, Ranked, Reading, Recognized, Speaks};
use crate::table::TABLE;
use crate::weigh::sum;
use crate::words::Span;

/// What must speak for the first cause, at least; where only words of a description do; for the others.
const FIRST: f64 = 0.9;
const FIRST_BY_WORDS: f64 = 1.0;
const OTHERS: f64 = 0.9;
/// What a head or a configuration must speak, that it alone names a cause.
const SIGN: f64 = 2.5;
/// How like a text must be to the reports of a cause, that this alone names it.
const LIKE: f64 = 0.4;
/// What a cause lacks for which only the likeness to reports speaks.
const UNSAID: f64 = 1.5;
/// What speaks for no cause at all, beside the likeness to texts that report nothing.
pub(super) const NONE: f64 = 0.5;
/// How much less a cause may have than "none", and how little like "none" a text is that need not name WebSocket.
const MARGIN: f64 = 1.5;
const REPORT: f64 = -0.5;
/// How much the likeness counts beside a message that stands alone: it says what it means.
const BESIDE: f64 = 0.25;
/// What speaks against an idle timeout where a description says nothing of time.
const TIMELESS: f64 = 1.1;
const OF_TIME: f64 = 1.0;
/// How much everything but the likeness counts: the other tables were written by hand beside the reports that they are
/// measured with, and say more of those than of reports that nobody has read.
const TRUST: f64 = 0.9;
/// How much the frequency of a cause counts.
const PRIOR: f64 = 0.4;
/// Causes that are named at most, and the share that one must have.
const MOST: usize = 5;
const SHARE: f64 = 0.02;

impl Weighing {
    /// How much speaks for a cause, in the scale of a logarithm.
    pub(super) fn score(&self, cause: Cause) -> f64 {
        let evidence = self.causes.evidence(cause);
        let known = TABLE.known.iter().find(|known| known.cause == cause).map_or(0.0, |known| known.weight);
        let said = if evidence.is_empty() { -UNSAID } else { sum(evidence) };
        let idle = matches!(cause, Cause::IdleTimeoutIntermediary | Cause::IdleTimeoutEndpoint);
        let timeless = if idle && self.is_timeless() { TIMELESS } else { 0.0 };
        TRUST * (said + PRIOR * (known + 0.5).ln() - timeless + self.shown.against(cause)) + self.like(cause)
    }

    pub(super) fn like(&self, cause: Cause) -> f64 {
        let says = |evidence: &Evidence| matches!(evidence.speaks, Speaks::Message(_));
        let message = !self.told && self.causes.items().iter().any(|(_, all)| all.iter().any(says));
        self.likeness.of(cause) * if message { BESIDE } else { 1.0 }
    }

    fn is_timeless(&self) -> bool {
        let is_time = |evidence: &Evidence| match evidence.speaks {
            Speaks::Duration { .. } | Speaks::Sign(_) => true,
            // A proxy alone says nothing of time.
            Speaks::Words => evidence.weight >= OF_TIME,
            Speaks::Message(_)
            | Speaks::Code(_)
            | Speaks::Status(_)
            | Speaks::Size { .. }
            | Speaks::Software(_) => false,
        };
        self.told && !self.causes.evidence(Cause::IdleTimeoutIntermediary).iter().any(is_time)
    }

    /// The causes that a text speaks for, the likeliest first.
    fn causes(&self) -> Vec<Ranked<Cause>> {
        let mut ranked: Vec<(f64, f64, Ranked<Cause>)> = Vec::new();
        for &is in Cause::ALL {
            let mut evidence = self.causes.evidence(is).to_vec();
            let said = sum(&evidence);
            let like = self.like(is);
            if said < OTHERS && !(self.told && self.margin().is_some() && like >= LIKE && said >= 0.0) {
                continue;
            }
            evidence.retain(|evidence| evidence.weight > 0.0);
            if said < OTHERS || like >= LIKE {
                let words = self.likeness.words(is).iter();
                evidence.extend(words.map(|(weight, span)| Evidence {
                    span: span.clone(),
                    speaks: Speaks::Words,
                    weight: *weight,
                }));
            }
            evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            ranked.push((self.score(is), said, Ranked { is, score: 0.0, evidence }));
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some((best, said, first)) = ranked.first() else { return Vec::new() };
        if !self.is_clear(*best, *said, first) {
            return Vec::new();
        }
        let best = *best;
        let all: f64 = ranked.iter().map(|(score, _, _)| (score - best).exp()).sum();
        let shared = ranked
            .into_iter()
            .map(|(score, _, ranked)| Ranked { score: (score - best).exp() / all, ..ranked });
        shared.take(MOST).filter(|cause| cause.score >= SHARE).collect()
    }

    /// How much less than for none may speak for a cause that words alone name; none where they may not name any.
    fn margin(&self) -> Option<f64> {
        match self.about {
            About::Fault => Some(MARGIN),
            About::Unclear if self.told && self.likeness.none < REPORT => Some(MARGIN),
            About::Unclear | About::Other | About::Long => None,
        }
    }

    /// Whether enough speaks for the first cause to claim any.
    fn is_clear(&self, score: f64, said: f64, first: &Ranked<Cause>) -> bool {
        // A number is no more than a word: other protocols have codes and statuses too.
        let is_more = |evidence: &Evidence| match evidence.speaks {
            Speaks::Words | Speaks::Software(_) | Speaks::Duration { .. } | Speaks::Size { .. } => false,
            Speaks::Code(_) => false,
            Speaks::Status(_) => self.sure_statuses.contains(&evidence.span),
            Speaks::Message(_) => evidence.weight >= FIRST && self.sure_messages.contains(&evidence.span),
            Speaks::Sign(_) => evidence.weight >= SIGN,
        };
        if self.about == About::Long {
            false
        } else if !first.evidence.iter().any(is_more) {
            let said = said >= FIRST_BY_WORDS || score > NONE;
            self.margin().is_some_and(|margin| said && score > NONE + self.likeness.none - margin)
        } else {
            said >= FIRST
        }
    }

    pub(super) fn reading(self, mut groups: Vec<Vec<Candidate>>) -> Reading {
        let causes = self.causes();
        // Code and documentation name messages and have none.
        let least = match self.about {
            About::Fault | About::Unclear => 0.0,
            About::Other if causes.is_empty() => SPOKEN,
            About::Other => 0.0,
            About::Long => f64::INFINITY,
        };
        groups.retain(|group| group[0].certainty >= least);
        let mut statuses: Vec<(u16, Span)> =
            self.statuses.into_iter().map(|status| (status.value as u16, status.span)).collect();
        statuses.dedup();
        Reading {
            causes,
            rules: self.rules.ranked(0.1, 12),
            codes: self.codes.ranked(0.1, 8),
            statuses,
            messages: groups.into_iter().map(recognized).collect(),
            software: self.software,
            skipped: 0,
        }
    }
}

fn recognized(group: Vec<Candidate>) -> Recognized {
    let mut group = group.into_iter();
    let Some(first) = group.next() else { unreachable!("a group has a candidate") };
    let also = group.map(|other| other.message).collect();
    Recognized {
        message: first.message,
        exact: first.found.how == How::Whole,
        also,
        span: first.span,
        certainty: first.certainty.min(1.0),
    }
}
