//! The examples of the rules, a file a topic: the constant has the name of the rule's row.
#![allow(non_upper_case_globals, reason = "examples are found by the name of their row")]

/// A step of a transcript: these lines as an HTTP head, and what comes with it in one piece.
macro_rules! head {
    ($from:literal $($line:literal)+ $(; $rest:literal)?) => {
        concat!($from, " \"", $($line, r"\r\n",)+ r"\r\n", $($rest,)? "\"\n")
    };
}

/// The request of RFC 6455 §1.3 in its shortest form, and further lines.
macro_rules! request {
    ($($line:literal)* $(; $rest:literal)?) => {
        head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13" $($line)* $(; $rest)?)
    };
}

/// The answer to it, and further lines.
macro_rules! response {
    ($($line:literal)* $(; $rest:literal)?) => {
        head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" $($line)* $(; $rest)?)
    };
}

pub(crate) mod closing;
pub(crate) mod control;
pub(crate) mod extension;
pub(crate) mod fragmentation;
pub(crate) mod framing;
pub(crate) mod handshake;
pub(crate) mod limit;
pub(crate) mod masking;
pub(crate) mod text;

use crate::Setup;

/// The example transcripts of a rule, in the notation of the crate `framewise-transcript`.
#[derive(Clone, Copy, Debug)]
pub struct Examples {
    /// Each breaks the rule, and no other, at its last step.
    pub bad: &'static [Bad],
    /// Look alike and break nothing.
    pub good: &'static [Good],
}

/// A transcript that breaks a rule at its last step.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    /// The transcript.
    pub transcript: &'static str,
    /// Bytes from the start of the offender's stream (the handshake included, where the transcript has one) to the
    /// first byte that breaks the rule. For an end of the stream: the stream's length.
    pub offset: u64,
    /// How the endpoint or the observer that judges it is set up.
    pub setup: Setup,
}

/// A transcript that breaks nothing.
#[derive(Clone, Copy, Debug)]
pub struct Good {
    /// The transcript.
    pub transcript: &'static str,
    /// How the endpoint or the observer that judges it is set up.
    pub setup: Setup,
}

impl Bad {
    pub(crate) const fn new(transcript: &'static str, offset: u64) -> Self {
        Self { transcript, offset, setup: Setup::DEFAULT }
    }

    pub(crate) const fn with(transcript: &'static str, offset: u64, setup: Setup) -> Self {
        Self { transcript, offset, setup }
    }
}

impl Good {
    pub(crate) const fn new(transcript: &'static str) -> Self {
        Self { transcript, setup: Setup::DEFAULT }
    }

    pub(crate) const fn with(transcript: &'static str, setup: Setup) -> Self {
        Self { transcript, setup }
    }
}
