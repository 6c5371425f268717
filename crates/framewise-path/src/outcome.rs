//! What was seen of a probe, as the report says it.

use std::time::Duration;

use framewise_rules::Cause;

use crate::judge::Note;
use crate::probe::Probe;
use crate::report::{Figure, Hop, Outcome, Severity, Verdict};

pub(crate) fn skipped(probe: &Probe, says: impl Into<String>) -> Outcome {
    Outcome {
        name: probe.name.clone(),
        verdict: Verdict::Skipped,
        description: probe.says.clone(),
        says: says.into(),
        causes: Vec::new(),
        severity: None,
        severities: Vec::new(),
        hurts: String::new(),
        bytes: Vec::new(),
        figures: Vec::new(),
        hops: Vec::new(),
        milliseconds: 0,
        transcript: String::new(),
    }
}

/// The worst of what was seen.
pub(crate) fn verdict(notes: &[Note]) -> Verdict {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Refused => 0,
        Verdict::Closed => 1,
        Verdict::Capped => 2,
        Verdict::Hung => 3,
        Verdict::Dropped => 4,
        Verdict::Answered => 5,
        Verdict::Changed => 6,
        Verdict::Delayed => 7,
        Verdict::AsSent | Verdict::Skipped => 8,
    };
    notes.iter().map(|note| note.verdict).min_by_key(|&verdict| rank(verdict)).unwrap_or(Verdict::AsSent)
}

/// Each cause of these notes once.
pub(crate) fn causes(notes: &[Note]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for &cause in notes.iter().flat_map(|note| &note.causes) {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

/// Everything that was seen, in a sentence.
pub(crate) fn says(notes: &[Note]) -> String {
    notes.iter().map(|note| note.says.as_str()).collect::<Vec<_>>().join("; ")
}

pub(crate) fn outcome(
    probe: &Probe,
    mut notes: Vec<Note>,
    (figures, hops): (Vec<Figure>, Vec<Hop>),
    took: Duration,
) -> Outcome {
    // What does harm first, and what both directions show once.
    notes.sort_by_key(|note| note.causes.is_empty());
    notes.dedup_by(|one, other| one.says == other.says);
    let weight = |cause: Cause| {
        let own = notes.iter().filter(|note| note.causes.contains(&cause));
        own.map(|note| severity(probe.severity.max(note.worst), cause)).min().unwrap_or(probe.severity)
    };
    let mut weighed: Vec<_> = causes(&notes).into_iter().map(|cause| (weight(cause), cause)).collect();
    weighed.sort_by_key(|&(severity, _)| severity);
    let (severities, causes): (Vec<_>, Vec<_>) = weighed.into_iter().unzip();
    let mut says = if notes.is_empty() { format!("{}: it did", probe.says) } else { says(&notes) };
    for figure in &figures {
        says = format!("{says}; {figure}");
    }
    for hop in &hops {
        says = format!("{says} (between {} and {})", hop.from, hop.to);
    }
    let hurt = !causes.is_empty();
    Outcome {
        name: probe.name.clone(),
        verdict: verdict(&notes),
        description: probe.says.clone(),
        says,
        severity: severities.first().copied(),
        severities,
        causes,
        hurts: if hurt { probe.hurts.to_owned() } else { String::new() },
        bytes: notes
            .into_iter()
            .find(|note| !note.bytes.is_empty())
            .map(|note| note.bytes)
            .unwrap_or_default(),
        figures,
        hops,
        milliseconds: took.as_millis() as u64,
        transcript: String::new(),
    }
}

/// How bad a cause is in a probe of this severity.
fn severity(probe: Severity, cause: Cause) -> Severity {
    let legal = [Cause::FramesRemaskedOnPath, Cause::HeadersChangedOnPath, Cause::FramesRefragmentedOnPath];
    if legal.contains(&cause) { Severity::Note } else { probe }
}

/// Where a connection ends though both sides keep sending, silence is not what ended the others either.
pub(crate) fn limited_life(probes: &mut [Outcome]) {
    let cut = |outcome: &&Outcome| outcome.causes.contains(&Cause::ConnectionCutOnPath);
    let busy = probes.iter().find(|outcome| outcome.name.ends_with("-busy"));
    let Some(busy) = busy.filter(cut).map(|busy| busy.name.clone()) else { return };
    for outcome in probes.iter_mut().filter(|outcome| outcome.name.starts_with("idle/")) {
        for cause in &mut outcome.causes {
            if *cause == Cause::IdleTimeoutIntermediary {
                *cause = Cause::ConnectionCutOnPath;
                outcome.says =
                    format!("{}; it ends as well where both sides keep sending ({busy})", outcome.says);
            }
        }
    }
}

/// Each cause once: the worst first, and among equals the one that most probes saw.
pub(crate) fn worst_first(probes: &[Outcome]) -> Vec<Cause> {
    let mut found: Vec<(Severity, usize, Cause)> = Vec::new();
    for outcome in probes {
        for (&cause, &severity) in outcome.causes.iter().zip(&outcome.severities) {
            match found.iter_mut().find(|(_, _, known)| *known == cause) {
                Some((worst, count, _)) => (*worst, *count) = ((*worst).min(severity), *count + 1),
                None => found.push((severity, 1, cause)),
            }
        }
    }
    found.sort_by_key(|&(severity, count, _)| (severity, std::cmp::Reverse(count)));
    found.into_iter().map(|(_, _, cause)| cause).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(name: &str, cause: Option<Cause>) -> Outcome {
        let probe = crate::probes::named(name).expect("a probe");
        Outcome { causes: cause.into_iter().collect(), says: "it ended".into(), ..skipped(&probe, "") }
    }

    #[test]
    fn a_silence_is_not_blamed_where_a_busy_connection_ends_as_well() {
        let cut = |busy| {
            let silent = idle("idle/5s", Some(Cause::IdleTimeoutIntermediary));
            let mut outcomes = [silent, idle("idle/5s-busy", busy)];
            limited_life(&mut outcomes);
            outcomes[0].clone()
        };
        let silent = cut(Some(Cause::ConnectionCutOnPath));
        assert_eq!(silent.causes, [Cause::ConnectionCutOnPath]);
        assert!(silent.says.ends_with("(idle/5s-busy)"), "{}", silent.says);
        assert_eq!(cut(None).causes, [Cause::IdleTimeoutIntermediary]);
    }
}
