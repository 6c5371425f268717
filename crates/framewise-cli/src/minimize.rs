mod atoms;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use framewise_inspect::report::Finding;
use framewise_inspect::{Connection, diagnose};
use framewise_rules::{Role, Rule};
use framewise_transcript::Transcript;

use crate::failure::{Failure, complain};
use crate::output::Output;
use crate::progress::Progress;
use crate::recording::shrink::{Budget, least};
use crate::recording::{self, RecordingArgs, in_words, parts, size};
use atoms::{Atom, Atoms};

/// Bytes that all diagnoses of a search may read together.
const MOST_BYTES: usize = 2 << 30;

/// Cut a recording to the shortest that still breaks in the same way
///
/// Leaves out legs, the handshake, events, header lines and frames, shortens payloads, and diagnoses each attempt, until
/// nothing more can go without another verdict. Writes a transcript. Names and tokens that remain are those of the
/// recording: see `framewise redact`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise minimize session.txt
  framewise minimize --out short.txt capture.pcapng
  framewise redact session.txt | framewise minimize -")]
pub(crate) struct MinimizeArgs {
    #[command(flatten)]
    recording: RecordingArgs,
    /// Write the transcript to FILE (default: standard output)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Diagnoses that the search may take
    #[arg(long, value_name = "N", default_value_t = 5000)]
    budget: usize,
}

pub(crate) fn run(args: &MinimizeArgs, output: Output) -> Result<ExitCode, Failure> {
    let recording = args.recording.load()?;
    let Some(target) = Target::of(&recording.diagnosis) else {
        return Err(Failure::said(format!(
            "nothing wrong found in {}, so there is nothing to minimize",
            recording.name
        )));
    };
    let progress = Progress::start("minimizing".to_owned());
    let mut budget = Budget::new(args.budget, MOST_BYTES);
    let short = minimize(&recording.transcript, &target, &mut budget);
    drop(progress);
    // The result is read as a person will read it: from its text.
    let written: Transcript = short
        .to_string()
        .parse()
        .map_err(|error| Failure::said(format!("the shorter transcript does not parse: {error}")))?;
    let after = diagnose(&written);
    if !target.is_in(&after) {
        return Err(Failure::said(
            "the shorter transcript does not break in the same way; nothing was written",
        ));
    }
    recording::write(
        &written,
        &format!("framewise minimize: {}", in_words(&after)),
        args.out.as_deref(),
        output,
    )?;
    let over = if budget.is_over() { "; the budget is used up, a larger --budget may cut more" } else { "" };
    complain(&format!(
        "{}: {} events and {} bytes became {} and {} ({}), in {} diagnoses{over}",
        recording.name,
        recording.transcript.events.len(),
        size(&recording.transcript),
        written.events.len(),
        size(&written),
        in_words(&after),
        budget.spent(),
    ));
    if let Some(caveat) = recording.caveat {
        complain(caveat);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a shorter recording has to show.
#[derive(Debug)]
struct Target {
    verdict: Option<Broken>,
    /// The first finding, where there is no verdict: a note.
    note: Option<Broken>,
    /// Rules that the recording breaks: a shorter one may not break others.
    rules: Vec<Option<Rule>>,
}

/// What a finding says, without its place.
#[derive(Clone, Debug, PartialEq)]
struct Broken {
    rule: Option<Rule>,
    by: Option<Role>,
    close: Option<framewise_rules::CloseCode>,
    cause: Option<(framewise_rules::Cause, Option<framewise_inspect::report::Fault>)>,
}

impl Broken {
    fn of(finding: &Finding, close: Option<framewise_rules::CloseCode>) -> Self {
        let cause = finding.causes.first().map(|cause| (cause.id, cause.fault));
        Self { rule: finding.rule, by: finding.by, close, cause }
    }

    fn of_verdict(connection: &Connection) -> Option<Self> {
        let verdict = connection.verdict.as_ref()?;
        let finding = connection.findings.get(verdict.finding)?;
        Some(Self::of(finding, verdict.close))
    }
}

impl Target {
    fn of(connection: &Connection) -> Option<Self> {
        let verdict = Broken::of_verdict(connection);
        let note = connection.findings.first().filter(|_| verdict.is_none());
        let note = note.map(|finding| Broken::of(finding, finding.close));
        if verdict.is_none() && note.is_none() {
            return None;
        }
        let rules = connection.findings.iter().map(|finding| finding.rule).collect();
        Some(Self { verdict, note, rules })
    }

    fn is_in(&self, connection: &Connection) -> bool {
        let has = |note: &Broken| {
            connection.findings.iter().any(|finding| Broken::of(finding, finding.close) == *note)
        };
        Broken::of_verdict(connection) == self.verdict
            && self.note.as_ref().is_none_or(has)
            && connection.findings.iter().all(|finding| self.rules.contains(&finding.rule))
    }
}

/// The shortest that was found within the budget.
fn minimize(transcript: &Transcript, target: &Target, budget: &mut Budget) -> Transcript {
    let mut holds = |short: &Transcript| budget.take(size(short).max(1)) && target.is_in(&diagnose(short));
    let mut start = Atoms::of(transcript);
    if !holds(&start.transcript()) {
        start = Atoms::of_events(transcript);
    }
    if let Some(opened) = start.opened(&parts::streams(transcript))
        && holds(&opened.transcript())
    {
        start = opened;
    }
    let legs = least(start.legs.len(), |legs| holds(&start.of_legs(legs).transcript()));
    let mut atoms = if legs.is_empty() { start } else { start.of_legs(&legs) };
    let kept = least(atoms.atoms.len(), |kept| holds(&atoms.only(kept).transcript()));
    atoms = atoms.only(&kept);
    let timeless = atoms.without_times();
    if holds(&timeless.transcript()) {
        atoms = timeless;
    }
    for index in 0..atoms.atoms.len() {
        shorten(&mut atoms, index, &mut holds);
    }
    // Shorter payloads may have made others superfluous.
    let kept = least(atoms.atoms.len(), |kept| holds(&atoms.only(kept).transcript()));
    atoms.only(&kept).transcript()
}

/// Cuts the payload of a frame, or bytes of what is no frame.
fn shorten(atoms: &mut Atoms, index: usize, holds: &mut impl FnMut(&Transcript) -> bool) {
    let mut attempt = |atoms: &mut Atoms, atom: Atom| {
        let before = std::mem::replace(&mut atoms.atoms[index], atom);
        let held = holds(&atoms.transcript());
        if !held {
            atoms.atoms[index] = before;
        }
        held
    };
    if let Some(length) = atoms.atoms[index].payload() {
        // The first that holds, from the shortest on: most faults need no payload, or a few bytes.
        let mut most = length;
        for candidate in [0, 1, 2, 4, 8, 16, 32, 64, 125, 126, 1024, 65_536] {
            if candidate >= length {
                break;
            }
            if let Some(atom) = atoms.atoms[index].with_payload(candidate)
                && attempt(atoms, atom)
            {
                most = candidate;
                break;
            }
        }
        // Between two of these, the search is by halves.
        let mut least = if most == length { length / 2 } else { most / 2 };
        while least < most {
            let middle = least + (most - least) / 2;
            let held = match atoms.atoms[index].with_payload(middle) {
                Some(atom) => attempt(atoms, atom),
                None => false,
            };
            if held {
                most = middle;
            } else {
                least = middle + 1;
            }
        }
        return;
    }
    if let Some(bytes) = atoms.atoms[index].loose_bytes() {
        let bytes = bytes.to_vec();
        let only = |kept: &[usize]| kept.iter().map(|&at| bytes[at]).collect::<Vec<_>>();
        let kept = least(bytes.len(), |kept| {
            let atom = atoms.atoms[index].with_bytes(only(kept));
            let before = std::mem::replace(&mut atoms.atoms[index], atom);
            let held = holds(&atoms.transcript());
            atoms.atoms[index] = before;
            held
        });
        atoms.atoms[index] = atoms.atoms[index].with_bytes(only(&kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_incidents_become_shorter_and_break_in_the_same_way() {
        let corpus =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../framewise-inspect/tests/corpus/incidents.jsonl");
        let corpus = std::fs::read_to_string(corpus).expect("the corpus");
        let (mut before, mut after) = (0, 0);
        for line in corpus.lines() {
            let incident: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let Some(text) = incident["transcript"].as_str() else { continue };
            let transcript: Transcript = text.parse().expect("a transcript");
            let Some(target) = Target::of(&diagnose(&transcript)) else { continue };
            let mut budget = Budget::new(500, MOST_BYTES);
            let short = minimize(&transcript, &target, &mut budget);
            let written: Transcript = short.to_string().parse().expect("a transcript");
            assert!(target.is_in(&diagnose(&written)), "{}", incident["id"]);
            before += size(&transcript);
            after += size(&written);
        }
        println!("{before} bytes became {after}");
        assert!(after * 2 < before, "{before} bytes became {after}");
    }
}
