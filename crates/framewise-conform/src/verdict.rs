use std::time::Duration;

use framewise_rules::Rule;
use framewise_transcript::Transcript;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// What is due.
    Ok,
    /// What is due, later or less of it than a strict endpoint shows; or what the RFC allows and a strict endpoint rejects.
    NonStrict,
    /// Recorded, and not judged.
    Informational,
    /// The endpoint does not have what the case needs: an extension, the echo.
    Unsupported,
    /// A case that this one presupposes failed.
    Blocked {
        /// That case.
        by: String,
    },
    /// Something else.
    Failed,
}

/// How the connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// As is due: with the right Close frame, and then the end of TCP.
    Clean,
    /// With a Close frame that carries another code.
    WrongCode,
    /// With a Close frame without a code where one is due.
    NoCode,
    /// TCP was ended, or reset, without a Close frame.
    Dropped,
    /// After the Close frames TCP was not ended.
    Lingering,
    /// It was not: the endpoint did nothing.
    Missing,
    /// The endpoint takes no new connection any more.
    Crashed,
    /// There was none to judge: the handshake was the case, or the case was not run.
    None,
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What came back.
    pub behaviour: Behaviour,
    /// How the connection ended.
    pub closing: Closing,
    /// The code of the endpoint's Close frame; 1005 for one without.
    pub code: Option<u16>,
    /// What was seen, in a sentence.
    pub says: String,
    /// The rule that the endpoint broke in what it sent itself.
    pub broke: Option<Rule>,
    /// What went over the wire.
    pub transcript: Transcript,
    /// Whether the transcript is all that went over the wire.
    pub complete: bool,
    /// How long it took.
    pub took: Duration,
}

impl Behaviour {
    /// Its word in reports.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NonStrict => "non-strict",
            Self::Informational => "informational",
            Self::Unsupported => "unsupported",
            Self::Blocked { .. } => "blocked",
            Self::Failed => "failed",
        }
    }
}

impl Closing {
    /// Its word in reports.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::WrongCode => "wrong-code",
            Self::NoCode => "no-code",
            Self::Dropped => "dropped",
            Self::Lingering => "lingering",
            Self::Missing => "missing",
            Self::Crashed => "crashed",
            Self::None => "none",
        }
    }
}

impl Verdict {
    /// Whether the endpoint did what is due, in both respects. What was not judged has passed; what was blocked has not.
    pub const fn passed(&self) -> bool {
        match self.behaviour {
            Behaviour::Ok | Behaviour::NonStrict => matches!(self.closing, Closing::Clean | Closing::None),
            Behaviour::Informational | Behaviour::Unsupported => true,
            Behaviour::Blocked { .. } | Behaviour::Failed => false,
        }
    }

    pub(crate) fn not_run(behaviour: Behaviour, closing: Closing, says: impl Into<String>) -> Self {
        Self {
            behaviour,
            closing,
            code: None,
            says: says.into(),
            broke: None,
            transcript: Transcript::default(),
            complete: true,
            took: Duration::ZERO,
        }
    }
}
