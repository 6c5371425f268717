mod content;
mod head;
mod pieces;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use framewise_inspect::{Connection, diagnose};
use framewise_transcript::Transcript;

use crate::failure::{Failure, complain};
use crate::output::Output;
use crate::progress::Progress;
use crate::recording::shrink::{Budget, least};
use crate::recording::{self, RecordingArgs, in_words, same, size};
use pieces::{Level, Pieces};

/// Bytes that all diagnoses of a search may read together.
const MOST_BYTES: usize = 2 << 30;

/// Remove what is private from a recording, such that the diagnosis stays
///
/// Replaces payloads, close reasons, bodies, the path and query, cookies, tokens, and every header value and name that the
/// protocol does not need. Lengths and offsets stay, text stays valid or invalid UTF-8 at the same byte, and equal values stay
/// equal. Times, masking keys, Sec-WebSocket-Key, Server and the names of known subprotocols stay as well. Then it diagnoses
/// both recordings. What the diagnosis needs is kept, and listed: look at it before you share the file.
///
/// The exit code is 1 if something is kept for the diagnosis.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise redact session.txt
  framewise redact --out shared.txt capture.pcapng
  framewise redact --strict --out shared.txt session.txt")]
pub(crate) struct RedactArgs {
    #[command(flatten)]
    recording: RecordingArgs,
    /// Write the transcript to FILE (default: standard output)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep nothing for the diagnosis: replace everything, and report how the diagnosis changed
    #[arg(long)]
    strict: bool,
    /// Diagnoses that the search for what must be kept may take
    #[arg(long, value_name = "N", default_value_t = 2000)]
    budget: usize,
}

pub(crate) fn run(args: &RedactArgs, output: Output) -> Result<ExitCode, Failure> {
    let recording = args.recording.load()?;
    let progress = Progress::start("redacting".to_owned());
    let pieces = Pieces::of(&recording.transcript);
    let mut budget = Budget::new(args.budget, MOST_BYTES);
    let levels = if args.strict {
        vec![Level::Replaced; pieces.len()]
    } else {
        levels(&pieces, &recording.transcript, &recording.diagnosis, &mut budget)
    };
    drop(progress);
    // The result is read as a person will read it: from its text.
    let written: Transcript = pieces
        .redact(&recording.transcript, &levels)
        .to_string()
        .parse()
        .map_err(|error| Failure::said(format!("the redacted transcript does not parse: {error}")))?;
    let after = diagnose(&written);
    recording::write(&written, "framewise redact", args.out.as_deref(), output)?;
    let mut kept: BTreeMap<(Level, String), usize> = BTreeMap::new();
    for (index, &level) in levels.iter().enumerate().filter(|(_, level)| **level != Level::Replaced) {
        *kept.entry((level, pieces.describe(index))).or_default() += 1;
    }
    let same = same(&recording.diagnosis, &after);
    let diagnosis = if same {
        format!("the diagnosis is the same ({})", in_words(&after))
    } else {
        format!("the diagnosis was {}, and is {}", in_words(&recording.diagnosis), in_words(&after))
    };
    complain(&format!(
        "{}: {} values replaced, {diagnosis}",
        recording.name,
        pieces.len() - levels.iter().filter(|level| **level == Level::Kept).count()
    ));
    for ((level, what), count) in &kept {
        let often = if *count == 1 { String::new() } else { format!(" ({count} times)") };
        complain(&match level {
            Level::Kept => format!("kept for the diagnosis: {what}{often}"),
            Level::Shape | Level::Replaced => {
                format!("only letters and digits replaced, for the diagnosis: {what}{often}")
            }
        });
    }
    if budget.is_over() && !args.strict {
        complain("the budget is used up: a larger --budget may keep less");
    }
    if let Some(caveat) = recording.caveat {
        complain(caveat);
    }
    Ok(ExitCode::from(u8::from(!same || !kept.is_empty())))
}

/// The least that has to be kept for the same diagnosis.
fn levels(pieces: &Pieces, transcript: &Transcript, before: &Connection, budget: &mut Budget) -> Vec<Level> {
    let bytes = size(transcript).max(1);
    let mut holds =
        |levels: &[Level]| budget.take(bytes) && same(before, &diagnose(&pieces.redact(transcript, levels)));
    // What is kept whole, while the shape of the rest is kept; then of which the shape.
    let raised = |below: &[Level], kept: &[usize], to: Level| {
        let mut levels = below.to_vec();
        for &index in kept {
            levels[index] = to;
        }
        levels
    };
    let replaced = vec![Level::Replaced; pieces.len()];
    if holds(&replaced) {
        return replaced;
    }
    let shape = vec![Level::Shape; pieces.len()];
    let kept = least(pieces.len(), |kept| holds(&raised(&shape, kept, Level::Kept)));
    let below = raised(&replaced, &kept, Level::Kept);
    let rest: Vec<usize> = (0..pieces.len()).filter(|index| !kept.contains(index)).collect();
    let shaped = least(rest.len(), |shaped| {
        let shaped: Vec<_> = shaped.iter().map(|&index| rest[index]).collect();
        holds(&raised(&below, &shaped, Level::Shape))
    });
    let shaped: Vec<_> = shaped.iter().map(|&index| rest[index]).collect();
    raised(&below, &shaped, Level::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every recorded incident keeps its diagnosis, and few need what they contain.
    #[test]
    fn the_incidents_keep_their_diagnosis() {
        let corpus =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../framewise-inspect/tests/corpus/incidents.jsonl");
        let corpus = std::fs::read_to_string(corpus).expect("the corpus");
        let (mut incidents, mut untouched) = (0, 0);
        for line in corpus.lines() {
            let incident: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let Some(text) = incident["transcript"].as_str() else { continue };
            let transcript: Transcript = text.parse().expect("a transcript");
            let before = diagnose(&transcript);
            let pieces = Pieces::of(&transcript);
            let mut budget = Budget::new(500, MOST_BYTES);
            let levels = levels(&pieces, &transcript, &before, &mut budget);
            let after = diagnose(&pieces.redact(&transcript, &levels));
            assert!(same(&before, &after), "{}", incident["id"]);
            incidents += 1;
            if levels.iter().all(|level| *level == Level::Replaced) {
                untouched += 1;
            } else {
                for (index, level) in
                    levels.iter().enumerate().filter(|(_, level)| **level != Level::Replaced)
                {
                    println!("{} {level:?}: {}", incident["id"], pieces.describe(index));
                }
            }
        }
        println!("{untouched} of {incidents} keep nothing");
        assert!(incidents > 100 && untouched * 10 >= incidents * 7, "{untouched} of {incidents}");
    }
}
