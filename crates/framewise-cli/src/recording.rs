//! Recordings that a command edits or plays: one connection, chosen from a file of any format that `read` understands.

pub(crate) mod parts;
pub(crate) mod shrink;

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use framewise_capture::{
    About, Diagnoses, Happened, Note, Notes, Options, Pick, Sink, Source, Told, Transcripts,
};
use framewise_inspect::report::{Finding, Verdict};
use framewise_inspect::{Connection, diagnose};
use framewise_transcript::{Action, Leg, Transcript};

use crate::failure::{Failure, plain};
use crate::output::Output;

/// Bytes of all connections of a file that are kept while one of them is chosen.
const MOST: usize = 256 << 20;

/// Which connection of which file.
#[derive(Debug, Args)]
pub(crate) struct RecordingArgs {
    /// The recording, in any format that `framewise read` understands, or - for standard input
    pub(crate) file: PathBuf,
    /// The connection's number in a file with several, as `framewise read` prints it (default: the only one, or the only
    /// one that broke)
    #[arg(long, value_name = "N")]
    pub(crate) connection: Option<u64>,
    /// Only the connections of this client in a packet capture
    #[arg(long, value_name = "HOST:PORT")]
    client: Option<String>,
    /// The TLS keys of an encrypted packet capture: a file in the format of SSLKEYLOGFILE
    #[arg(long, value_name = "FILE")]
    tls_keys: Option<PathBuf>,
}

/// One connection of a file.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The file's name, for sentences.
    pub(crate) name: String,
    pub(crate) transcript: Transcript,
    /// The diagnosis of its transcript.
    pub(crate) diagnosis: Connection,
    /// What a transcript cannot express, where the file is no recording of bytes.
    pub(crate) caveat: Option<&'static str>,
}

impl RecordingArgs {
    /// Reads the file, and chooses the connection.
    pub(crate) fn load(&self) -> Result<Recording, Failure> {
        let name = if self.file.as_os_str() == "-" {
            "standard input".to_owned()
        } else {
            self.file.display().to_string()
        };
        let options =
            Options { pick: Pick { client: self.client.clone(), stream: None }, ..Options::default() };
        let mut connections = Vec::new();
        let mut both = Both {
            diagnoses: Diagnoses::new(|connection| connections.push(connection)),
            transcripts: Transcripts::default(),
            bytes: 0,
        };
        let input = open(&self.file, &name)?;
        let read = read(input, &name, self.tls_keys.as_deref(), &options, &mut both);
        let Both { transcripts, bytes, diagnoses } = both;
        drop(diagnoses);
        let notes = read?;
        if bytes > MOST {
            return Err(Failure::said(format!(
                "{name} holds more than {} MiB of WebSocket bytes; choose one client with --client HOST:PORT",
                MOST >> 20
            )));
        }
        let mut found = transcripts.into_connections();
        let chosen = self.choose(&name, &notes, &found, &connections)?;
        let (about, transcript) = found.swap_remove(chosen);
        let caveat = match about.source {
            Source::Bytes if about.told.is_empty() => None,
            Source::Bytes => Some("what an endpoint said about the other one is not in a transcript"),
            Source::Headers | Source::Frames | Source::Messages => Some(
                "the file does not have every byte that was sent: masks and the forms of lengths in the transcript are made up",
            ),
        };
        let diagnosis = diagnose(&transcript);
        Ok(Recording { name, transcript, diagnosis, caveat })
    }

    fn choose(
        &self,
        name: &str,
        notes: &Notes,
        found: &[(About, Transcript)],
        connections: &[Connection],
    ) -> Result<usize, Failure> {
        let position = |number: u64| found.iter().position(|(about, _)| about.number == number);
        if let Some(number) = self.connection {
            return position(number).ok_or_else(|| {
                Failure::said(format!("{name} has no connection {number}; `framewise read` lists them"))
            });
        }
        match found.len() {
            0 => {
                let encrypted = notes.iter().any(|note| matches!(note, Note::Encrypted(_)));
                let keys =
                    if encrypted { ", only encrypted ones: pass their keys with --tls-keys" } else { "" };
                return Err(Failure::said(format!("no WebSocket connection found in {name}{keys}")));
            }
            1 => return Ok(0),
            _ => {}
        }
        let mut broken = connections.iter().filter(|connection| connection.verdict.is_some());
        match (broken.next().and_then(|one| position(one.id.parse().ok()?)), broken.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(Failure::said(format!(
                "{name} has {} connections; choose one with --connection N (`framewise read` lists them)",
                found.len()
            ))),
        }
    }
}

/// A sink that keeps connections and diagnoses them.
struct Both<F> {
    diagnoses: Diagnoses<F>,
    transcripts: Transcripts,
    bytes: usize,
}

impl<F: FnMut(Connection)> Sink for Both<F> {
    fn begin(&mut self, about: &About) {
        self.diagnoses.begin(about);
        self.transcripts.begin(about);
    }

    fn leg(&mut self, connection: u64, leg: &Leg) {
        self.diagnoses.leg(connection, leg);
        self.transcripts.leg(connection, leg);
    }

    fn happened(&mut self, connection: u64, happened: Happened<'_>) {
        if let framewise_capture::Act::Bytes(bytes) = happened.act {
            self.bytes = self.bytes.saturating_add(bytes.len());
            if self.bytes > MOST {
                return;
            }
        }
        self.diagnoses.happened(connection, happened);
        self.transcripts.happened(connection, happened);
    }

    fn told(&mut self, connection: u64, told: Told) {
        self.diagnoses.told(connection, told);
    }

    fn over(&mut self, connection: u64) {
        self.diagnoses.over(connection);
        self.transcripts.over(connection);
    }
}

/// Reads a file into a sink, with the TLS keys of another file.
pub(crate) fn read(
    input: Box<dyn Read>,
    name: &str,
    keys: Option<&Path>,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Notes, Failure> {
    let read = match keys {
        None => framewise_capture::read(input, options, sink),
        Some(keys) => {
            let keys = open(keys, &keys.display().to_string())?;
            framewise_capture::read_with_keys(input, keys, options, sink)
        }
    };
    read.map_err(|error| match (keys, &error) {
        (Some(keys), framewise_capture::Error::Keys(message)) => {
            Failure::said(format!("cannot read {}: {message}", keys.display()))
        }
        _ => Failure::said(format!("cannot read {name}: {error}")),
    })
}

/// Opens a file, or standard input.
pub(crate) fn open(file: &Path, name: &str) -> Result<Box<dyn Read>, Failure> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    match std::fs::File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::said(format!("cannot read {name}: {}", plain(&error)))),
    }
}

/// Writes a transcript to a file, or to standard output.
pub(crate) fn write(
    transcript: &Transcript,
    comment: &str,
    out: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let text = format!("# {}\n{transcript}", comment.replace(['\n', '\r'], " "));
    let Some(path) = out else { return output.program(text) };
    let written = std::fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::said(format!("cannot write {}: {}", path.display(), plain(&error))))
}

/// The bytes of a transcript.
pub(crate) fn size(transcript: &Transcript) -> usize {
    let bytes = |action: &Action| match action {
        Action::Bytes(bytes) => bytes.len(),
        Action::Eof | Action::Reset | Action::Gap(_) => 0,
    };
    transcript.events.iter().map(|event| bytes(&event.action)).sum()
}

/// A finding without its words and its quoted bytes.
pub(crate) fn signature(finding: &Finding) -> impl PartialEq + use<> {
    let causes: Vec<_> = finding.causes.iter().map(|cause| (cause.id, cause.fault)).collect();
    (
        (finding.rule, finding.answer, finding.by, finding.leg.clone(), finding.offset, finding.length),
        (finding.frame, finding.message, finding.also.clone(), finding.close, finding.consequence),
        causes,
    )
}

/// Whether two diagnoses say the same: rules, places, causes, the end and the verdict; words and quoted bytes may differ.
pub(crate) fn same(one: &Connection, other: &Connection) -> bool {
    let ended = |connection: &Connection| connection.ended.as_ref().map(|end| (end.by, end.how, end.code));
    let status = |connection: &Connection| connection.handshake.as_ref().map(|handshake| handshake.status);
    let verdict =
        |connection: &Connection| connection.verdict.as_ref().map(|verdict| (key(verdict), verdict.finding));
    one.findings.len() == other.findings.len()
        && one.findings.iter().zip(&other.findings).all(|(one, other)| signature(one) == signature(other))
        && ended(one) == ended(other)
        && status(one) == status(other)
        && verdict(one) == verdict(other)
}

/// What a verdict says.
pub(crate) fn key(verdict: &Verdict) -> impl PartialEq + use<> {
    (verdict.rule, verdict.cause, verdict.fault, verdict.close)
}

/// A diagnosis in a few words.
pub(crate) fn in_words(connection: &Connection) -> String {
    let Some(verdict) = &connection.verdict else {
        return match connection.findings.first().and_then(|finding| finding.rule) {
            None => "nothing wrong found".to_owned(),
            Some(rule) => format!("no verdict, a note ({})", rule.id()),
        };
    };
    let rule = verdict.rule.map_or("no rule broken", |rule| rule.id());
    match verdict.cause {
        Some(cause) => format!("{rule}, cause {}", cause.id()),
        None => rule.to_owned(),
    }
}
