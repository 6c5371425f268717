//! What was found, as `framewise path --json` prints it.

use std::fmt;

use framewise_rules::Cause;
use serde::Serialize;

/// How bad a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Connections break.
    Error,
    /// Some applications break.
    Warning,
    /// Legal, and worth knowing.
    Note,
}

/// What became of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every byte arrived as it was sent.
    AsSent,
    /// It arrived, and not as it was sent.
    Changed,
    /// It did not arrive, and what followed did.
    Dropped,
    /// It arrived late.
    Delayed,
    /// It did not arrive because of its size, or was cut to a size.
    Capped,
    /// The intermediary answered by itself.
    Answered,
    /// The intermediary ended the connection.
    Closed,
    /// The intermediary rejected the handshake.
    Refused,
    /// Nothing more happened within the deadline.
    Hung,
    /// It was not run.
    Skipped,
}

impl Verdict {
    /// Its name in reports.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AsSent => "as-sent",
            Self::Changed => "changed",
            Self::Dropped => "dropped",
            Self::Delayed => "delayed",
            Self::Capped => "capped",
            Self::Answered => "answered",
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::Hung => "hung",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The result of one probe.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The probe's name.
    pub name: String,
    /// What became of what was sent.
    pub verdict: Verdict,
    /// What is sent, and what must arrive.
    pub description: String,
    /// What was seen, in a sentence.
    pub says: String,
    /// The causes, the worst first; empty where nothing is wrong.
    #[serde(serialize_with = "ids")]
    pub causes: Vec<Cause>,
    /// How bad it is; `None` where nothing is wrong.
    pub severity: Option<Severity>,
    /// How bad each of the causes is.
    #[serde(skip)]
    pub(crate) severities: Vec<Severity>,
    /// Whom it hurts; empty where nothing is wrong.
    pub hurts: String,
    /// What both sides saw: lines of heads, or bytes in hexadecimal.
    pub bytes: Vec<String>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// Between which taps the difference arises; empty without taps, and where nothing differs.
    pub hops: Vec<Hop>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// Both legs of the connection that `says` is about, in the notation for recorded bytes, as `framewise read` takes it. Empty where
    /// everything arrived as sent, and where no connection was made.
    #[serde(skip)]
    pub transcript: String,
}

/// A quantity that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What it is.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Its unit: `MiB/s`, `MiB`, `ms`, `frames`.
    pub unit: &'static str,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = usize::from(self.value < 100.0 && self.value.fract() != 0.0);
        write!(f, "{}: {:.precision$} {}", self.what, self.value, self.unit)
    }
}

/// The part of a path between two points at which bytes are seen: the client, the taps, the server.
#[derive(Clone, Debug, Serialize)]
pub struct Hop {
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// What became there of what was sent.
    pub verdict: Verdict,
    /// What was seen there.
    pub says: String,
    /// The causes.
    #[serde(serialize_with = "ids")]
    pub causes: Vec<Cause>,
}

/// What an intermediary does to a connection.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The URL that the client connected to.
    pub via: String,
    /// The address of our server.
    pub origin: String,
    /// The software of the intermediary, as far as headers name it.
    pub software: Option<String>,
    /// The probes in the order of the table.
    pub probes: Vec<Outcome>,
    /// Everything that was found, the worst first.
    #[serde(serialize_with = "ids")]
    pub causes: Vec<Cause>,
    /// What mends it: for each cause the fix, for the software that was recognised where it is known.
    pub fixes: Vec<Fix>,
}

/// What mends a cause.
#[derive(Clone, Debug, Serialize)]
pub struct Fix {
    /// The cause.
    #[serde(serialize_with = "id")]
    pub cause: Cause,
    /// What to do.
    pub fix: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
fn id<S: serde::Serializer>(cause: &Cause, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cause.id())
}

fn ids<S: serde::Serializer>(causes: &[Cause], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(causes.iter().map(|cause| cause.id()))
}
